# SPDX-License-Identifier: GPL-3.0-or-later
"""The default head: that it is whole, that its shapes do what their names say, that lips seal and lids close."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from artalk.core import audio
from artalk.core.basis import ARKIT_SHAPES
from artalk.core.errors import InputError
from artalk.core.evaluate import head_shapes
from artalk.core.evaluate.clips import SHIPPED_CLIPS, load_clips
from artalk.core.heads import crowns, default_head, mesh, unwrap
from artalk.core.heads.crossings import crossings, triangles_of
from artalk.core.heads.form import EYE_CENTRE, EYE_RADIUS
from artalk.core.heads.layout import edges_of
from artalk.core.heads.parts import CORNEA_RISE, UPPER
from artalk.core.heads.surfaces import Surface
from artalk.core.train import teacher
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull, cKDTree
from scipy.spatial.transform import Rotation

HEAD = default_head.load()
REST = HEAD.vertices
SKIN = slice(*HEAD.parts["skin"])
PER_RING = len(HEAD.lips) // 3
MIDDLE_UPPER, MIDDLE_LOWER = HEAD.lips[PER_RING // 2]
FULL = REST * 1000
FRONT = FULL[SKIN]


def nearest(x: float, y: float, z: float) -> int:
    return int(np.argmin(np.linalg.norm(FRONT - (x, y, z), axis=1)))


LEFT_CORNER = int(HEAD.lips[PER_RING - 1, 0])
CHIN = nearest(0, -68, 111)
LEFT_WING = nearest(15, -1, 112)
LEFT_CHEEK = nearest(37, 8, 92)
LEFT_CHEEK_SIDE = nearest(46, -26, 80)
BROW = np.arange(*HEAD.parts["brow_left"])
INNER_BROW = BROW[np.argsort(REST[BROW, 0])[:12]]
OUTER_BROW = BROW[np.argsort(REST[BROW, 0])[-12:]]
LEFT_PUPIL = HEAD.parts["eye_left"][0] + int(np.argmax(REST[slice(*HEAD.parts["eye_left"]), 2]))
TONGUE = np.arange(*HEAD.parts["tongue"])
TONGUE_TIP = int(TONGUE[np.argmax(REST[TONGUE, 2])])
LEFT, UP, FORWARD = 0, 1, 2


def both(**weights: float) -> dict[str, float]:
    return {f"{name}{side}": weight for name, weight in weights.items() for side in ("Left", "Right")}


PRESSED = {"jawOpen": 0.1, "mouthClose": 0.1, "mouthRollLower": 0.3, "mouthRollUpper": 0.2} | both(mouthPress=0.6)
SPEECH = {
    "rest": {},
    "m b p": PRESSED,
    "f v": {"jawOpen": 0.07, "mouthRollLower": 0.55} | both(mouthUpperUp=0.26),
    "s z": {"jawOpen": 0.04} | both(mouthStretch=0.35, mouthUpperUp=0.25, mouthLowerDown=0.35),
    "aa": {"jawOpen": 0.6} | both(mouthLowerDown=0.2, mouthUpperUp=0.15),
    "ee": {"jawOpen": 0.14} | both(mouthStretch=0.4, mouthSmile=0.35, mouthUpperUp=0.2, mouthLowerDown=0.25),
    "uw": {"jawOpen": 0.05, "mouthPucker": 1.0},
    "grin": both(mouthSmile=1.0),
}


# ---------------------------------------------------------------- the file
def test_shipped_head_is_whole():
    assert HEAD.shape_names == ARKIT_SHAPES
    assert HEAD.shape_deltas.shape == (52, len(REST), 3)
    assert HEAD.joint_names == ("root", "neck", "jaw", "left_eye", "right_eye")
    assert HEAD.joint_parents.tolist() == [-1, 0, 1, 1, 1]
    assert np.allclose(HEAD.weights.sum(1), 1, atol=1e-6)
    assert HEAD.weights.min() >= 0
    assert HEAD.material_index.max() < len(HEAD.materials)
    assert HEAD.uv.shape == (len(HEAD.faces), 4, 2)
    assert 0 <= HEAD.uv.min() <= HEAD.uv.max() <= 1
    spans = sorted(HEAD.parts.values())
    assert spans[0][0] == 0
    assert spans[-1][1] == len(REST)
    assert all(one[1] == other[0] for one, other in pairwise(spans))


def test_it_is_life_size_in_metres():
    face_height = REST[HEAD.parts["hair"][0] :, 1].max() - REST[CHIN, 1]
    assert 0.20 < face_height < 0.26
    assert 0.13 < np.ptp(REST[slice(*HEAD.parts["hair"]), 0]) < 0.19
    assert HEAD.joint_heads[3, 0] > 0 > HEAD.joint_heads[4, 0]


def test_rebuilding_gives_the_shipped_head(tmp_path):
    built = default_head.build()
    for name in ("vertices", "tint", "uv", "shape_deltas", "joint_heads", "weights"):
        assert np.allclose(getattr(built, name), getattr(HEAD, name), atol=1e-5), name
    for name in ("faces", "material_index", "joint_parents", "lips", "lids_left", "lids_right"):
        assert np.array_equal(getattr(built, name), getattr(HEAD, name)), name
    for one, other in zip(built.materials, HEAD.materials, strict=True):
        assert one.name == other.name
        assert (*one.colour, one.roughness, one.subsurface) == pytest.approx(
            (*other.colour, other.roughness, other.subsurface)
        )
    assert built.parts == HEAD.parts
    built.save(tmp_path / "one.npz")
    built.save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


@pytest.mark.parametrize("content", [None, b"", b"no head at all"])
def test_a_file_that_is_no_head_is_refused_in_one_sentence(tmp_path, content):
    path = tmp_path / "head.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"head.npz"):
        mesh.load(path)


def test_all_faces_are_quads():
    assert HEAD.faces.min() >= 0
    assert all(len(set(face)) == 4 for face in HEAD.faces.tolist())


def test_texture_coordinates_do_not_overlap():
    corners = HEAD.uv.astype(np.float64)
    before, after = np.roll(corners, 1, axis=1), np.roll(corners, -1, axis=1)
    turns = np.cross(corners - before, after - corners)
    assert turns.min() > -1e-7  # no face is folded or turned over ...
    area = turns[:, [0, 2]].sum() / 2
    flat = 0.0
    for box in unwrap.BOXES.values():  # ... each island fills a convex outline of its own once ...
        left, bottom = box.left, box.bottom
        for other in unwrap.BOXES.values():  # ... and lies in a box of its own
            apart = (
                other.left >= left + box.side - 1e-9
                or other.left + other.side <= left + 1e-9
                or other.bottom >= bottom + box.side - 1e-9
                or other.bottom + other.side <= bottom + 1e-9
            )
            assert other is box or apart
        side = box.side / box.columns
        middles = corners.mean(1)
        for row in range(box.columns):
            for column in range(box.columns):
                low = np.array([left + column * side, bottom + row * side])
                inside = ((middles >= low) & (middles <= low + side)).all(1)
                if inside.any():
                    flat += ConvexHull(corners[inside & (middles - low > 0.13 * side).any(1)].reshape(-1, 2)).volume
                    flat += turns[inside & (middles - low <= 0.13 * side).all(1)][:, [0, 2]].sum() / 2
    holes = flat - area
    assert -1e-4 < holes < 0.02  # the ears', eyes' and mouth's holes stay empty


def test_skin_is_closed_but_for_the_bust_and_behind_the_lids():
    faces = HEAD.faces[(HEAD.faces < SKIN.stop).all(1)]
    sides = Counter(
        tuple(sorted(side)) for face in faces.tolist() for side in zip(face, face[1:] + face[:1], strict=True)
    )
    assert set(sides.values()) == {1, 2}
    border = {vertex for side, count in sides.items() if count == 1 for vertex in side}
    behind_lids = np.linalg.norm(np.abs(FRONT[list(border)]) - np.abs(EYE_CENTRE), axis=1) < EYE_RADIUS + 2
    assert ((FRONT[list(border), 1] < -140) | behind_lids).all()
    valences = Counter(Counter(vertex for side in sides for vertex in side).values())
    assert set(valences) <= {3, 4, 5}
    assert valences[4] / sum(valences.values()) > 0.95


# ---------------------------------------------------------------- lips
def test_lips_meet_at_rest():
    assert np.abs(REST[HEAD.lips[:, 0]] - REST[HEAD.lips[:, 1]])[:, :2].max() < 1e-6
    assert np.abs(REST[HEAD.lips[:, 0]] - REST[HEAD.lips[:, 1]])[:, 2].max() < 1e-3


@pytest.mark.parametrize("opening", [0.1, 0.3, 0.6, 1.0])
def test_mouth_close_seals_the_open_jaw(opening):
    posed = mesh.posed(HEAD, {"jawOpen": opening, "mouthClose": opening})
    assert np.abs(mesh.lip_gaps_mm(HEAD, posed)).max() < 0.01


def test_lips_stay_sealed_when_pressed():
    gaps = mesh.lip_gaps_mm(HEAD, mesh.posed(HEAD, PRESSED))
    assert np.abs(gaps).max() < 0.01


@given(st.lists(st.floats(0, 1), min_size=52, max_size=52), st.floats(0, 1))
@settings(max_examples=150, deadline=None)
def test_no_mix_crosses_the_lips(values, share):
    weights = np.array(values, np.float32)
    jaw, close = ARKIT_SHAPES.index("jawOpen"), ARKIT_SHAPES.index("mouthClose")
    weights[close] = weights[jaw] * share
    assert mesh.lip_gaps_mm(HEAD, mesh.posed(HEAD, weights[None])).min() > -0.02


CLOSED = [{}, PRESSED, {"jawOpen": 1.0, "mouthClose": 1.0}, {"mouthRollLower": 1.0, "mouthRollUpper": 1.0}] + [
    both(**{name: 1.0}) for name in ("mouthPress", "mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch")
]


@pytest.mark.parametrize("level", [1, 2])
def test_lips_meet_when_blender_subdivides_them(level):
    bpy = pytest.importorskip("bpy")
    from artalk.artalk_addon import rigs

    bpy.ops.wm.read_factory_settings(use_empty=True)
    head = rigs.new_head(bpy.context)
    head.modifiers["Subdivision"].levels = level
    keys = head.data.shape_keys.key_blocks
    for pose in CLOSED:
        for name in ARKIT_SHAPES:
            keys[name].value = pose.get(name, 0.0)
        smooth = head.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
        points = np.empty((len(smooth.vertices), 3), np.float32)
        smooth.vertices.foreach_get("co", points.ravel())
        upper, lower = HEAD.lips.T  # the vertices before subdivision come first
        nearest = (1000 * (points[upper, 2] - points[lower, 2])).reshape(3, PER_RING).min(0)  # of three deep
        assert -0.3 < nearest.min() <= nearest.max() < 0.3, pose


@pytest.mark.parametrize("name", list(SPEECH))
def test_teeth_never_come_through_the_lips(name):
    posed = mesh.posed(HEAD, SPEECH[name]) * 1000
    teeth = np.concatenate([posed[slice(*HEAD.parts[part])] for part in ("upper_teeth", "lower_teeth")])
    quads = HEAD.faces[HEAD.material_index == Surface.LIPS]
    triangles = posed[np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])]
    for tooth in teeth:
        cover = heights_over(triangles, tooth)
        assert cover.size == 0 or cover.max() > tooth[2]


def heights_over(triangles, point):
    """z of every triangle that covers the point in front view."""
    a, b, c = (triangles[:, i] for i in range(3))
    area = np.cross(b[:, :2] - a[:, :2], c[:, :2] - a[:, :2])
    u = np.cross(b[:, :2] - point[:2], c[:, :2] - point[:2]) / np.where(area == 0, np.inf, area)
    v = np.cross(c[:, :2] - point[:2], a[:, :2] - point[:2]) / np.where(area == 0, np.inf, area)
    inside = (u > 0) & (v > 0) & (u + v < 1)
    return (u * a[:, 2] + v * b[:, 2] + (1 - u - v) * c[:, 2])[inside]


def test_f_and_v_bring_the_lower_lip_to_the_upper_teeth():
    posed = mesh.posed(HEAD, SPEECH["f v"]) * 1000
    teeth = posed[slice(*HEAD.parts["upper_teeth"])]
    edge = teeth[(np.abs(teeth[:, 0]) < 7) & (teeth[:, 1] < teeth[:, 1].min() + 0.6)]
    lower = posed[HEAD.lips[:, 1]]
    assert np.linalg.norm(lower[:, None] - edge[None], axis=2).min() < 2.0
    assert mesh.lip_gap_mm(HEAD, posed / 1000) > 2


# ---------------------------------------------------------------- every shape does what its name says
# shape, vertices, axis, least and greatest movement in mm at weight 1 (Left is the character's left, +x)
MOVES = [
    ("jawOpen", CHIN, UP, -32, -20),
    ("jawForward", CHIN, FORWARD, 4, 8),
    ("jawLeft", CHIN, LEFT, 5, 9),
    ("mouthClose", MIDDLE_LOWER, UP, 15, 40),
    ("mouthFunnel", MIDDLE_UPPER, FORWARD, 4, 9),
    ("mouthPucker", MIDDLE_UPPER, FORWARD, 5, 9),
    ("mouthPucker", LEFT_CORNER, LEFT, -7, -3),
    ("mouthLeft", MIDDLE_UPPER, LEFT, 9, 15),
    ("mouthSmileLeft", LEFT_CORNER, LEFT, 5, 10),
    ("mouthSmileLeft", LEFT_CORNER, UP, 6, 10.5),
    ("mouthFrownLeft", LEFT_CORNER, UP, -6, -2),
    ("mouthDimpleLeft", LEFT_CORNER, FORWARD, -7, -3),
    ("mouthStretchLeft", LEFT_CORNER, LEFT, 5, 9),
    ("mouthRollLower", MIDDLE_LOWER, FORWARD, -6, -1.5),
    ("mouthRollUpper", MIDDLE_UPPER, FORWARD, -6, -1.5),
    ("mouthShrugLower", CHIN, UP, 4, 9),
    ("mouthShrugLower", MIDDLE_LOWER, UP, 3, 8),
    ("mouthShrugUpper", MIDDLE_UPPER, UP, 3, 6),
    ("mouthLowerDownLeft", MIDDLE_LOWER, UP, -5, -2),
    ("mouthUpperUpLeft", MIDDLE_UPPER, UP, 2, 5),
    ("browDownLeft", INNER_BROW, UP, -6, -1),
    ("browInnerUp", INNER_BROW, UP, 2.5, 7),
    ("browOuterUpLeft", OUTER_BROW, UP, 2.5, 8),
    ("cheekPuff", LEFT_CHEEK_SIDE, LEFT, 4, 10),
    ("cheekSquintLeft", LEFT_CHEEK, UP, 2.5, 6),
    ("noseSneerLeft", LEFT_WING, UP, 2.5, 6),
    ("tongueOut", TONGUE_TIP, FORWARD, 15, 35),
    ("eyeLookUpLeft", LEFT_PUPIL, UP, 4, 9),
    ("eyeLookDownLeft", LEFT_PUPIL, UP, -10, -5),
    ("eyeLookOutLeft", LEFT_PUPIL, LEFT, 5, 10),
    ("eyeLookInLeft", LEFT_PUPIL, LEFT, -10, -5),
]


@pytest.mark.parametrize(("shape", "vertices", "axis", "least", "most"), MOVES)
def test_shape_moves_what_its_name_says(shape, vertices, axis, least, most):
    move = HEAD.shape_deltas[ARKIT_SHAPES.index(shape)][vertices] * 1000
    assert least < np.mean(move[..., axis]) < most


# shape, mm by which the left eyelids open
LIDS = [
    ("eyeBlinkLeft", -16, -10),
    ("eyeLookDownLeft", -6, -2),
    ("eyeSquintLeft", -6, -2),
    ("cheekSquintLeft", -5, -1.5),
    ("eyeLookUpLeft", 1, 4),
    ("eyeWideLeft", 2, 5),
]


@pytest.mark.parametrize(("shape", "least", "most"), LIDS)
def test_lids_open_and_close(shape, least, most):
    change = mesh.lid_gap_mm(HEAD, mesh.posed(HEAD, {shape: 1})) - mesh.lid_gap_mm(HEAD, REST)
    assert least < change[0] < most
    assert change[1] == pytest.approx(0, abs=1e-4)


# shape, mm by which the lips open; the rest of the mouth's shapes keep them shut
OPENINGS = {
    "jawOpen": (27, 29),
    "mouthFunnel": (8, 13),
    "mouthLowerDownLeft": (4, 8),
    "mouthLowerDownRight": (4, 8),
    "mouthUpperUpLeft": (4, 9),
    "mouthUpperUpRight": (4, 9),
    "noseSneerLeft": (2, 6),
    "noseSneerRight": (2, 6),
}


@pytest.mark.parametrize("shape", [name for name in ARKIT_SHAPES if name != "mouthClose"])
def test_lips_open_with_the_shapes_that_open_them_and_no_other(shape):
    least, most = OPENINGS.get(shape, (-0.01, 0.01))
    assert least < mesh.lip_gap_mm(HEAD, mesh.posed(HEAD, {shape: 1})) < most


def test_a_press_hides_the_red_of_its_side():
    red = np.unique(HEAD.faces[HEAD.material_index == Surface.LIPS])
    left = red[(FRONT[red, 0] > 4) & (FRONT[red, 0] < 18) & (FRONT[red, 2] > FRONT[MIDDLE_UPPER, 2] - 4)]
    height = [np.ptp(mesh.posed(HEAD, weights)[left, 1]) for weights in ({}, {"mouthPressLeft": 1.0})]
    assert height[1] < 0.75 * height[0]


def mirror() -> np.ndarray:
    """For each vertex but the hair's, the one on the other side."""
    places = REST[: HEAD.parts["hair"][0]].copy()
    places[HEAD.lips[:, 1], 1] -= 0.0005  # tells the lower lip's contact from the upper one's
    distance, index = cKDTree(places * [-1, 1, 1]).query(places)
    assert distance.max() < 1e-6
    return index


MIRROR = mirror()


def pairs():
    for name in ARKIT_SHAPES:
        if name.endswith("Left"):
            yield name, name.removesuffix("Left") + "Right"


@pytest.mark.parametrize(("left", "right"), list(pairs()))
def test_pairs_are_exact_mirrors(left, right):
    one, other = (HEAD.shape_deltas[ARKIT_SHAPES.index(name)] for name in (left, right))
    assert np.abs(one[MIRROR] * [-1, 1, 1] - other[: len(MIRROR)]).max() < 1e-7
    if left not in ("jawLeft", "mouthLeft"):
        assert (REST[:, 0] * np.linalg.norm(one, axis=1)).sum() > 0


# ---------------------------------------------------------------- lids
@pytest.mark.parametrize("weight", [0.0, 0.25, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("look", [0.0, 0.6])
def test_lids_slide_over_the_eyeball(weight, look):
    posed = mesh.posed(HEAD, {"eyeBlinkLeft": weight, "eyeLookDownLeft": look}) * 1000
    near = np.linalg.norm(FRONT - EYE_CENTRE, axis=1) < EYE_RADIUS + 3.5
    faces = HEAD.faces[(HEAD.faces < SKIN.stop).all(1)]
    faces = faces[near[faces].all(1)]
    middles = [posed[faces].mean(1), *((posed[faces[:, i]] + posed[faces[:, i - 1]]) / 2 for i in range(4))]
    clearance = np.linalg.norm(np.concatenate(middles) - EYE_CENTRE, axis=1) - EYE_RADIUS
    assert clearance.min() > 0.5


def test_a_blink_shuts_the_eye():
    gap = mesh.lid_gap_mm(HEAD, mesh.posed(HEAD, both(eyeBlink=1.0)))
    assert gap.max() < -0.2
    assert mesh.lid_gap_mm(HEAD, REST).min() > 10


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_lids_cover_the_eyeball_when_blender_subdivides_them(weight):
    bpy = pytest.importorskip("bpy")
    from artalk.artalk_addon import rigs

    bpy.ops.wm.read_factory_settings(use_empty=True)
    head = rigs.new_head(bpy.context)
    head.modifiers["Subdivision"].levels = 2
    head.data.shape_keys.key_blocks["eyeBlinkLeft"].value = weight
    smooth = head.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    skin = [v for face in smooth.polygons if face.material_index in (Surface.SKIN, Surface.LASH) for v in face.vertices]
    points = np.empty(len(smooth.vertices) * 3, np.float32)
    smooth.vertices.foreach_get("co", points)
    centre = rigs.HEAD_TO_ARMATURE @ EYE_CENTRE
    distance = np.linalg.norm(points.reshape(-1, 3)[np.unique(skin)] * 1000 - centre, axis=1)
    assert EYE_RADIUS + CORNEA_RISE < distance.min() < EYE_RADIUS + 2


@pytest.mark.parametrize(
    "pose",
    [
        {},
        both(eyeBlink=0.5),
        both(eyeBlink=0.75),
        both(eyeBlink=1.0),
        both(eyeSquint=1.0),
        both(eyeWide=1.0),
        both(cheekSquint=1.0),
        both(eyeBlink=0.5, eyeSquint=0.5),
    ],
)
def test_no_eyeball_comes_through_a_lid_wherever_it_looks(pose):
    posed = mesh.posed(HEAD, pose) * 1000.0
    eye = slice(*HEAD.parts["eye_left"])
    near = np.linalg.norm(FRONT - EYE_CENTRE, axis=1) < EYE_RADIUS + 5
    lids = HEAD.faces[(HEAD.faces < SKIN.stop).all(1)]
    lids = lids[near[lids].all(1)]
    ball = HEAD.faces[(HEAD.faces[:, 0] >= eye.start) & (HEAD.faces[:, 0] < eye.stop)]
    for yaw, pitch in ((0, 0), (30, 0), (-30, 0), (0, 30), (0, -30)):
        turned = posed.copy()
        turn = Rotation.from_euler("xy", [-pitch, yaw], degrees=True)
        turned[eye] = turn.apply(posed[eye] - EYE_CENTRE) + EYE_CENTRE
        assert crossings(turned, edges_of(ball), triangles_of(lids)).depth.size == 0
        assert crossings(turned, edges_of(lids), triangles_of(ball)).depth.size == 0


# ---------------------------------------------------------------- the skin and itself
MIDDLES = FRONT[HEAD.faces[(HEAD.faces < SKIN.stop).all(1)]].mean(1)
AROUND_MOUTH = (np.abs(MIDDLES[:, 0]) < 50) & (np.abs(MIDDLES[:, 1] + 37) < 37) & (MIDDLES[:, 2] > 40)
MOUTH = HEAD.faces[(HEAD.faces < SKIN.stop).all(1)][AROUND_MOUTH]
# deepest crossing in mm of the skin with itself round and in the mouth, where it is not 0.1 and less
DEEPER = {
    "mouthClose": 0.25,
    "mouthSmileLeft": 0.4,
    "mouthStretchLeft": 0.2,
    "mouthRollLower": 0.4,
    "mouthRollUpper": 0.25,
    "mouthPressLeft": 0.35,
}
SIDEWAYS = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
ALONE = [name for name in ARKIT_SHAPES if name in SIDEWAYS or not (name.startswith("eye") or name.endswith("Right"))]


def alone(name: str) -> dict[str, float]:
    """A shape at 1, with what it needs: its other side, the open jaw that mouthClose closes."""
    if name == "mouthClose":
        return {"mouthClose": 1.0, "jawOpen": 1.0}
    if name.endswith("Left") and name not in SIDEWAYS:
        return both(**{name.removesuffix("Left"): 1.0})
    return {name: 1.0}


TOGETHER = [
    ({"jawOpen": 0.5, "mouthPucker": 1.0}, 0.1),
    ({"jawOpen": 0.5} | both(mouthSmile=1.0), 0.1),
    ({"jawOpen": 0.5, "mouthFunnel": 1.0}, 0.1),
    ({"jawOpen": 0.6} | both(mouthStretch=1.0), 0.1),
    ({"jawOpen": 0.3} | both(mouthSmile=1.0, mouthUpperUp=1.0), 0.1),
    ({"mouthPucker": 1.0, "mouthFunnel": 1.0}, 0.1),
    ({"mouthShrugLower": 1.0} | both(mouthFrown=1.0), 0.1),
    ({"cheekPuff": 1.0, "mouthPucker": 1.0}, 0.1),
    (both(mouthSmile=1.0, eyeBlink=1.0, cheekSquint=1.0), 0.5),
    (both(mouthSmile=1.0, mouthDimple=1.0), 0.4),
    ({"mouthPucker": 1.0} | both(mouthSmile=1.0), 0.4),
    ({"mouthRollLower": 1.0, "mouthRollUpper": 1.0} | both(mouthPress=1.0), 0.6),
    (PRESSED, 0.15),
]


def deepest(vertices: np.ndarray) -> float:
    found = crossings(vertices * 1000.0, edges_of(MOUTH), triangles_of(MOUTH))
    return max(found.depth, default=0.0)


@pytest.mark.parametrize("name", ALONE)
def test_the_mouth_does_not_go_through_itself(name):
    assert deepest(mesh.posed(HEAD, alone(name))) < DEEPER.get(name, 0.1)


@pytest.mark.parametrize(("pose", "most"), TOGETHER)
def test_usual_pairs_do_not_go_through_themselves(pose, most):
    assert deepest(mesh.posed(HEAD, pose)) < most


def test_speech_does_not_go_through_itself():
    clip = load_clips(SHIPPED_CLIPS)[0]
    moved = teacher.motion(teacher.signals(audio.read(clip.path), clip.phones), teacher.NEUTRAL.vector())
    frames = mesh.posed(HEAD, moved[::8, : len(ARKIT_SHAPES)])
    depths = [deepest(frame) for frame in frames]
    assert max(depths) < 0.4
    assert np.mean(np.array(depths) > 0.1) < 0.2
    mouth, teeth = (edges_of(MOUTH), triangles_of(MOUTH)), edges_and_triangles("upper_teeth", "lower_teeth")
    assert max(deepest_of_two(frame, mouth, teeth) for frame in frames) < 0.05


def test_crossings_are_found_and_measured():
    points = np.array([(0, 0, 0), (4, 0, 0), (0, 4, 0), (1, 1, -0.5), (1, 1, 2), (99, 9, 9), (4, 0, -5)], np.float64)
    edges = np.array([(3, 4), (3, 5), (0, 4)])
    found = crossings(points, edges, np.array([(0, 1, 2)]))
    assert found.edges.tolist() == [[3, 4]]
    assert found.depth.tolist() == [0.5]
    assert found.deeper(1).depth.size == 0
    points[3:5] = (3.7, 0.1, -0.5), (0.5, 0.5, 2)  # nearer to the wall beside the triangle than to the triangle
    found = crossings(points, edges[:1], np.array([(0, 1, 2), (1, 6, 2)]))
    assert found.depth == pytest.approx([0.2 / 2**0.5])


CORNER = np.linalg.norm(FRONT - FRONT[LEFT_CORNER], axis=1) < 12


@pytest.mark.parametrize("shape", ["mouthSmile", "mouthFrown", "mouthStretch", "mouthDimple", "mouthPress"])
def test_the_corner_of_the_mouth_is_not_torn(shape):
    skin = edges_of(HEAD.faces[(HEAD.faces < SKIN.stop).all(1)])
    one, other = skin[CORNER[skin].all(1)].T
    posed = mesh.posed(HEAD, both(**{shape: 1.0})) * 1000
    length = [np.linalg.norm(points[one] - points[other], axis=1) for points in (FRONT, posed)]
    assert np.max(np.maximum(length[1], 1.0) / np.maximum(length[0], 1.0)) < 3.2


# ---------------------------------------------------------------- teeth and tongue
def edges_and_triangles(*names: str) -> tuple[np.ndarray, np.ndarray]:
    inside = np.zeros(len(REST), bool)
    for part in names:
        inside[slice(*HEAD.parts[part])] = True
    faces = HEAD.faces[inside[HEAD.faces].all(1)]
    return edges_of(faces), triangles_of(faces)


@pytest.mark.parametrize(("out", "jaw"), [(0.0, 0.0), (0.1, 0.1), (0.3, 0.15), (0.42, 0.2), (0.5, 0.35), (1.0, 0.35)])
def test_the_tongue_comes_out_between_the_teeth(out, jaw):
    posed = mesh.posed(HEAD, {"tongueOut": out, "jawOpen": jaw}) * 1000
    tongue, teeth = edges_and_triangles("tongue"), edges_and_triangles("upper_teeth", "lower_teeth")
    assert crossings(posed, tongue[0], teeth[1]).depth.size == 0
    assert crossings(posed, teeth[0], tongue[1]).depth.size == 0


def deepest_of_two(
    posed: np.ndarray, one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]
) -> float:
    """Deepest crossing in mm of the edges of either with the triangles of the other."""
    ways = (crossings(posed * 1000.0, one[0], other[1]), crossings(posed * 1000.0, other[0], one[1]))
    return max(max(way.depth, default=0.0) for way in ways)


@pytest.mark.parametrize("name", ["", "jawOpen", "jawForward", "jawLeft"])
def test_teeth_and_tongue_do_not_go_through_each_other(name):
    posed = mesh.posed(HEAD, {name: 1.0} if name else {})
    upper, lower, tongue = (edges_and_triangles(part) for part in ("upper_teeth", "lower_teeth", "tongue"))
    assert deepest_of_two(posed, upper, lower) < 0.25
    assert deepest_of_two(posed, upper, tongue) < 0.05
    assert deepest_of_two(posed, lower, tongue) < 0.3


def test_the_way_out_of_the_teeth_is_the_shortest_one():
    teeth = crowns.Crowns.of(UPPER, edge=0.0, front=100.0)
    shallow, at_the_edge, in_front, under, on_the_tongue = teeth.way_out(
        np.array([(0, 5, 99.9), (0, 0.1, 97), (0, 5, 101), (0, -1, 97), (0, 5, 80)], np.float64)
    )
    assert shallow == pytest.approx([0, 0, 0.9], abs=1e-3)
    assert at_the_edge == pytest.approx([0, -0.6, 0], abs=1e-3)
    for out in (in_front, under, on_the_tongue):
        assert not out.any()


LINED = [
    ({"jawOpen": 0.5} | both(mouthSmile=1.0), 0.05),
    ({"jawForward": 1.0, "jawOpen": 1.0}, 0.05),
    ({"mouthLeft": 1.0, "jawLeft": 1.0}, 0.3),
    ({"mouthRollLower": 1.0} | both(mouthPress=1.0), 0.05),
    ({"mouthRollLower": 1.0, "mouthRollUpper": 1.0} | both(mouthPress=1.0), 0.9),
]


@pytest.mark.parametrize(("pose", "most"), [(alone(name), 0.05) for name in ALONE] + LINED)
def test_no_tooth_comes_through_the_lining(pose, most):
    inside = edges_of(MOUTH), triangles_of(MOUTH)
    assert deepest_of_two(mesh.posed(HEAD, pose), inside, edges_and_triangles("upper_teeth", "lower_teeth")) < most


# ---------------------------------------------------------------- beside another head
ICT_TABLE = Path(__file__).parents[2] / "shared/characters/arkit_shapes_mm.csv"
# what is not alike, for the reasons that docs/head.md gives
UNLIKE = {"eyeBlink", "mouthLeft", "mouthRight", "cheekPuff", "mouthRollLower", "mouthRollUpper", "mouthClose"}


@pytest.mark.skipif(not ICT_TABLE.exists(), reason="the table of the ICT-FaceKit head is not here")
def test_shapes_do_about_what_another_head_does():
    ours, theirs = head_shapes.moves(HEAD), head_shapes.read_moves(ICT_TABLE)
    for name in sorted(theirs.keys() - UNLIKE):
        if name.removesuffix("Left").removesuffix("Right") in UNLIKE:
            continue
        for measure in ("mouth_width", "corner_up", "chin_up", "left_lid", "inner_brow_up", "outer_brow_up"):
            one, other = getattr(ours[name], measure), getattr(theirs[name], measure)
            if abs(other) > 2.5:
                assert 0.4 < one / other < 2.6, (name, measure)


def test_a_table_that_is_none_is_refused(tmp_path):
    path = tmp_path / "moves.csv"
    path.write_text("shape,gap\nneutral,0\njawOpen,much\n")
    with pytest.raises(InputError, match=r"moves.csv"):
        head_shapes.read_moves(path)


OWN_SHAPES = dict(zip(ARKIT_SHAPES, HEAD.shape_deltas[:, SKIN], strict=True))


def test_ways_are_told_in_words_whatever_the_unit():
    eyes_apart = 1000 * head_shapes.eye_distance(REST[SKIN], OWN_SHAPES)
    told = head_shapes.ways(REST[SKIN], OWN_SHAPES, eyes_apart)
    assert told["jawLeft"].endswith(" left")
    assert told["eyeSquintLeft"] == "2.8 up"
    assert told["browInnerUp"].endswith(" up")
    assert told["mouthDimpleRight"].endswith(" back")
    assert told["tongueOut"] == "–"
    inches = {name: move * 39.37 for name, move in OWN_SHAPES.items()}
    assert head_shapes.ways(REST[SKIN] * 39.37, inches, eyes_apart) == told


def test_a_head_without_blinks_has_no_size():
    with pytest.raises(InputError, match="eyeBlinkLeft"):
        head_shapes.ways(REST[SKIN], {"jawOpen": OWN_SHAPES["jawOpen"]}, 64)


# ---------------------------------------------------------------- measures
def test_poses_by_name_and_by_row_agree():
    row = np.zeros((2, 52), np.float32)
    row[1, ARKIT_SHAPES.index("jawOpen")] = 0.5
    posed = mesh.posed(HEAD, row)
    assert np.allclose(posed[0], REST)
    assert np.allclose(posed[1], mesh.posed(HEAD, {"jawOpen": 0.5}))
    assert mesh.lip_gap_mm(HEAD, posed).shape == (2,)
    assert mesh.lid_gap_mm(HEAD, posed).shape == (2, 2)


def test_the_shoulders_hang_on_the_root_and_the_face_on_the_neck():
    assert HEAD.weights[REST[:, 1] < -0.14, 0].min() > 0.99
    face = (REST[:, 1] > -0.05) & (REST[:, 2] > 0)
    assert HEAD.weights[face, 0].max() < 0.02
    assert HEAD.weights[slice(*HEAD.parts["eye_left"]), 3].min() == 1
    assert HEAD.weights[slice(*HEAD.parts["lower_teeth"]), 2].min() == 1
