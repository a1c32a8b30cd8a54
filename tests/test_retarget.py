# SPDX-License-Identifier: GPL-3.0-or-later
"""Retargeting: names of every spelling, visemes that keep closures shut, bones by their rest pose, presets."""

from __future__ import annotations

import re

import numpy as np
import pytest
from artalk.artalk_addon import plan as planning
from artalk.artalk_addon.plan import Bone, Character
from artalk.core.basis import ARKIT, ARKIT_SHAPES
from artalk.core.errors import InputError
from artalk.core.heads import default_head, ict_facekit, mesh
from artalk.core.motion import Motion
from artalk.core.retarget import Mapping, Row, apply, detect, visemes
from artalk.core.retarget import bones as rigging
from artalk.core.retarget import mapping as tables
from artalk.core.retarget.bones import RestBone
from artalk.core.retarget.detect import speaks
from artalk.core.retarget.seal import CLOSING, Seal, seal_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls
from scipy.spatial.transform import Rotation

OCULUS = [f"viseme_{name}" for name in "sil PP FF TH DD kk CH SS nn RR aa E I O U".split()]


def sided(name, left, right):
    return re.sub("Left$", left, re.sub("Right$", right, name))


SPELLINGS = {
    "plain": lambda name: name,
    "capitals": str.upper,
    "small": str.lower,
    "snake": lambda name: re.sub("([A-Z])", lambda found: "_" + found[1].lower(), name),
    "spaces": lambda name: re.sub("([A-Z])", r" \1", name),
    "L and R": lambda name: sided(name, "_L", "_R"),
    "dots": lambda name: sided(name, ".l", ".r"),
    "camel L": lambda name: sided(name, "L", "R"),
    "mesh": lambda name: f"Head_Mesh.{name}",
    "blend shape node": lambda name: f"blendShape1.{name}",
    "control prefix": lambda name: f"CTRL_expressions_{name}",
    "tail": lambda name: f"{name}_BS",
    "number": lambda name: f"{name[0].upper()}{name[1:]}.001",
    "side first": lambda name: ("L_" * name.endswith("Left") + "R_" * name.endswith("Right")) + sided(name, "", ""),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_arkit_shapes_are_known_in_every_common_spelling(spelling):
    rows = detect([SPELLINGS[spelling](name) for name in ("Basis", *ARKIT_SHAPES)]).mapping.rows
    assert [row.sources for row in rows] == [((name, 1.0),) for name in ARKIT_SHAPES]


def test_arkit_passes_through_bit_for_bit():
    rng = np.random.default_rng(1)
    channels = {name: rng.uniform(0, 1, 20) for name in ARKIT.channels}
    found = apply(channels, detect(ARKIT_SHAPES).mapping)
    assert len(found) == 52
    for row, values in found:
        np.testing.assert_array_equal(values, channels[row.target])


def by_target(names, **more):
    return {row.target: tables.sources_text(row.sources) for row in detect(names, **more).mapping.rows}


def test_split_and_joined_shapes():
    found = by_target(["jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "browInnerUp_L", "browInnerUp_R",
                       "eyeBlink", "mouthSmile", "mouthSmile_L", "mouthSmile_R"])  # fmt: skip
    assert found["browInnerUp_L"] == found["browInnerUp_R"] == "browInnerUp"
    assert found["eyeBlink"] == "0.5 eyeBlinkLeft + 0.5 eyeBlinkRight"
    assert found["mouthSmile_L"] == "mouthSmileLeft"
    assert "mouthSmile" not in found, "both sides have their own"


def test_of_keys_that_mean_the_same_the_plainest_is_taken_and_the_others_are_named():
    found = detect([*ARKIT_SHAPES, "Old.jawOpen", "jawOpen.001", "mouthSmileLeft_jawOpen"])
    assert len(found.mapping.rows) == 52
    assert any("Old.jawOpen" in note and "jawOpen.001" in note for note in found.notes)
    assert not any("mouthSmileLeft_jawOpen" in note for note in found.notes), "a combination is no shape of its own"


def test_without_mouth_close_the_jaw_itself_closes():
    names = [name for name in ARKIT_SHAPES if name != "mouthClose"]
    row = next(row for row in detect(names).mapping.rows if row.target == "jawOpen")
    channels = {"jawOpen": np.array([0.4, 0.4, 0.1]), "mouthClose": np.array([0.0, 0.4, 0.2])}
    np.testing.assert_allclose(dict(apply(channels, Mapping("x", (row,))))[row], [0.4, 0.0, 0.0])


def test_eyes_that_turn_by_bones_miss_no_looks():
    bones = [RestBone(name, np.array(at)) for name, at in (("head", [0, 0, 1.5]), ("eye.L", [0.03, -0.1, 1.6]))]
    mouth = [name for name in ARKIT_SHAPES if not name.startswith("eyeLook")]
    assert detect(mouth).missing == tuple(name for name in ARKIT_SHAPES if name.startswith("eyeLook"))
    found = detect(mouth, bones).missing
    assert found == tuple(name for name in ARKIT_SHAPES if name.startswith("eyeLook") and name.endswith("Right"))


def test_what_nothing_shows_is_said_once():
    found = detect([name for name in ARKIT_SHAPES if name != "tongueOut"])
    assert found.missing == ("tongueOut",)
    assert [note for note in found.notes if "tongueOut" in note] == ["Nothing shows tongueOut; the rest works."]


FAMILIES = {
    "oculus": OCULUS,
    "preston-blair": "AI E O U WQ etc FV L MBP rest".split(),
    "rhubarb": list("ABCDEFGHX"),
    "vrm": "A I U E O Blink_L Blink_R LookUp Joy".split(),
}
SAME = {
    "oculus": ["vrc.v_" + name for name in "sil pp ff th dd kk ch ss nn rr aa e ih oh ou".split()],
    "vrm": ["Face.M_F00_000_00_Fcl_MTH_" + name for name in "AIUEO"],
}


@pytest.mark.parametrize("family", FAMILIES)
def test_families_of_visemes_are_told_apart(family):
    assert speaks(FAMILIES[family])
    found = detect(FAMILIES[family]).mapping
    assert found.name == family
    assert sum(row.mode == "fit" for row in found.rows) >= 5
    assert detect(SAME.get(family, FAMILIES[family])).mapping.name == family


@pytest.mark.parametrize("names", [["jawOpen", "mouthClose"], ["A", "B"], list("AIU"), [], ["jaw", "mouth", "Open"]])
def test_a_few_keys_are_no_mouth(names):
    assert not speaks(names)


def test_arkit_wins_over_visemes():
    found = detect([*ARKIT_SHAPES, *OCULUS])
    assert found.mapping.name == "arkit"
    assert "visemes" in " ".join(found.notes)
    forced = detect([*ARKIT_SHAPES, *OCULUS], family="oculus").mapping
    assert not any(row.target.startswith(("jaw", "mouth")) for row in forced.rows), "else the mouth opens twice"
    assert {"eyeBlinkLeft", "browInnerUp", "viseme_PP"} <= {row.target for row in forced.rows}


@pytest.mark.parametrize(
    ("family", "words"),
    [
        ("vrm", "Of 'VRM expressions' aa, ih, ou, ee, oh are missing, so the mouth moves little: 'ARKit shapes' fits"),
        ("oculus", "Of 'Oculus visemes' PP, FF, TH, DD, kk and 9 more are missing"),
        ("rigify", "Nothing of 'Rigify face' moves the mouth: 'ARKit shapes' fits better."),
        ("bones", "Nothing of 'Jaw and eye bones' moves the mouth: 'ARKit shapes' fits better."),
    ],
)
def test_a_family_that_a_head_does_not_have_is_said(family, words):
    assert words in " ".join(detect(ARKIT_SHAPES, family=family).notes)
    assert "fits better" not in " ".join(detect(ARKIT_SHAPES).notes)
    assert "fits better" not in " ".join(detect(["smile"], family=family).notes), "as nothing does"


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_is_said_of_a_family_that_is_there(family):
    assert not [note for note in detect(FAMILIES[family], family=family).notes if "mouth" in note]


def spoken(frames=200, seed=0):
    """Mouths between those of random phones, with closures that are held."""
    rng = np.random.default_rng(seed)
    names = list(visemes.recipes())
    recipes = np.array([[visemes.recipes()[name].get(shape, 0) for shape in ARKIT_SHAPES] for name in names])
    order = rng.integers(0, len(names), frames // 5 + 2)
    order[::4] = names.index("PP")
    at = np.arange(frames) / 5
    whole, part = at.astype(int), np.clip(2 * (at % 1) - 0.5, 0, 1)[:, None]
    values = (1 - part) * recipes[order[whole]] + part * recipes[order[whole + 1]]
    return dict(zip(ARKIT_SHAPES, values.T, strict=True)), values


def lips_mm(values):
    head = default_head.load()
    gaps = mesh.lip_gaps_mm(head, mesh.posed(head, np.float32(values)))
    return gaps.reshape(len(values), 3, -1).min(axis=1).max(axis=-1)


@pytest.mark.parametrize("family", FAMILIES)
def test_visemes_open_as_the_motion_does_and_close_where_it_closes(family):
    channels, values = spoken()
    found = [(row, weights) for row, weights in apply(channels, detect(FAMILIES[family]).mapping) if row.mode == "fit"]
    weights = np.stack([each for _, each in found], axis=1)
    assert weights.min() >= 0
    assert weights.sum(axis=1).max() <= 1 + 1e-6
    looks = np.array([[dict(row.sources).get(name, 0) for name in ARKIT_SHAPES] for row, _ in found])
    wanted, shown = lips_mm(values), lips_mm(weights @ looks)
    assert np.corrcoef(wanted, shown)[0, 1] > 0.9
    closed = wanted < 0.5
    assert closed.sum() > 20
    assert shown[closed].max() < 1.0
    closer = next((n for n, (row, _) in enumerate(found) if row.target in ("viseme_PP", "MBP", "A")), None)
    if family != "vrm":
        assert np.all(weights[closed].argmax(axis=1) == closer)
        assert weights[closed, closer].min() > 0.9


def test_the_fit_is_the_non_negative_least_squares_solution():
    rng = np.random.default_rng(2)
    targets = rng.normal(size=(6, 8))
    seen = rng.uniform(0, 0.15, (30, 6)) @ targets + rng.normal(0, 0.1, (30, 8))
    found = visemes._mixture(seen, targets)
    gram = targets @ targets.T
    ridge = np.sqrt(visemes._RIDGE * np.trace(gram) / 6) * np.eye(6)
    for row, weights in zip(seen, found, strict=True):
        exact, _ = nnls(np.vstack([targets.T, ridge]), np.concatenate([row, np.zeros(6)]))
        if exact.sum() <= 1:
            np.testing.assert_allclose(weights, exact, atol=1e-3)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-3, 3), min_size=1, max_size=9))
def test_onto_the_simplex(point):
    found = visemes._onto_simplex(np.array([point]))[0]
    assert found.min() >= 0
    assert found.sum() <= 1 + 1e-9
    # no corner of the simplex lies nearer in any direction: the definition of a projection
    for corner in np.vstack([np.zeros(len(point)), np.eye(len(point))]):
        assert (np.array(point) - found) @ (corner - found) <= 1e-7


def test_recipes_are_what_the_teacher_shows():
    from artalk.core.phones import lookup
    from artalk.core.train import teacher

    signal = np.concatenate([lookup("AA")[0].targets, np.zeros(4)])[None]
    shown = teacher.motion(np.float32(signal), teacher.Style(smile=0.0).vector())[0]
    recipe = visemes.recipes()["aa"]
    np.testing.assert_allclose(shown[:52], [recipe.get(name, 0.0) for name in ARKIT_SHAPES], atol=0.006)


# --- seals ----------------------------------------------------------------------------------------------------------


def moves_of(head):
    return {name: head.shape_deltas[head.shape_names.index(name)].astype(float) for name in CLOSING}


@pytest.mark.parametrize("strength", [0.7, 1.0, 1.4])
def test_the_gain_of_mouth_close_is_measured_on_the_mesh(strength):
    head = default_head.load()
    moves = {name: 100 * move for name, move in moves_of(head).items()}
    moves["mouthClose"] = strength * moves["mouthClose"]
    seal = seal_of(head.vertices.astype(float) * 100, moves, np.array([0, 1, 0]))
    assert seal.gain == pytest.approx(1 / strength, rel=0.06)
    row = next(row for row in detect(ARKIT_SHAPES, seal=seal).mapping.rows if row.target == "mouthClose")
    assert row.gain == seal.gain


@pytest.mark.parametrize("turn", [np.eye(3), np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])])
@pytest.mark.parametrize("overlap", [0.001, -0.0015])
def test_pressed_lips_that_go_through_one_another_or_stay_apart_are_mended(overlap, turn):
    head = default_head.load()
    moves, pairs = moves_of(head), head.lips.reshape(3, -1, 2)
    for side in ("mouthPressLeft", "mouthPressRight"):
        moves[side][np.unique(pairs[..., 1]), 1] += overlap / 0.64
    rest, up = head.vertices.astype(float) @ turn.T, turn @ [0, 1, 0]
    seal = seal_of(rest, {name: move @ turn.T for name, move in moves.items()}, up)
    assert np.sign(seal.press) == -np.sign(overlap)
    row = next(row for row in detect(ARKIT_SHAPES, seal=seal).mapping.rows if row.target == "mouthClose")
    spoken = {name: np.array([weight]) for name, weight in visemes.recipes()["PP"].items()}
    weights = {**spoken, "mouthClose": dict(apply(spoken, Mapping("x", (row,))))[row]}
    middle = pairs[1, len(pairs[1]) // 2 - 2 : len(pairs[1]) // 2 + 3]
    shown = head.vertices + sum(float(weights[name][0]) * move for name, move in moves.items() if name in weights)
    gap = 1000 * (shown[middle[:, 0], 1] - shown[middle[:, 1], 1]).mean()
    assert abs(gap) < 0.4, (gap, seal)


def test_on_the_real_free_head_spoken_closures_touch(shared):
    head = ict_facekit.load(shared / "characters" / "ict_facekit.npz")
    moves = {name: 1000 * move for name, move in moves_of(head).items()}
    rest = 1000 * head.vertices.astype(float)
    seal = seal_of(rest, moves, np.array([0, 1, 0]))
    (row,) = (row for row in detect(ARKIT_SHAPES, seal=seal).mapping.rows if row.target == "mouthClose")
    upper, lower = [5711, 5533, 6216], [5966, 5517, 6470]  # inner lips, of the 68 usual landmarks
    for jaw in (0.068, 0.15, 0.22):  # as far as the jaw opens in the closures of running speech
        spoken = {name: np.array([w]) for name, w in visemes.recipes()["PP"].items()}
        spoken |= {"jawOpen": np.array([jaw]), "mouthClose": np.array([jaw])}
        weights = spoken | {"mouthClose": dict(apply(spoken, Mapping("x", (row,))))[row]}
        shown = rest + sum(float(weights[name][0]) * move for name, move in moves.items() if name in weights)
        gaps = shown[upper, 1] - shown[lower, 1]
        assert np.abs(gaps).max() < 0.5, (jaw, gaps, seal)


def test_the_free_head_with_files_missing_is_refused_and_names_them(shared, tmp_path):
    path = shared / "characters" / "ict_facekit.npz"
    whole = ict_facekit.read_packed(path)
    assert ict_facekit._lacking(whole.shapes) == []
    with np.load(path) as file:
        arrays = dict(file)
    # a half of cheekPuff and the whole of mouthClose, as other names
    renamed = {"cheekPuff_L": "spare one", "mouthClose": "spare two"}
    arrays["shape_names"] = np.array([renamed.get(name, name) for name in arrays["shape_names"].tolist()])
    np.savez(tmp_path / "FaceXModel.npz", **arrays)
    with pytest.raises(InputError, match=r"lacks files of mouthClose, cheekPuff, .*fetch the whole folder"):
        ict_facekit.load(tmp_path / "FaceXModel.npz")


def test_the_free_head_has_irises_that_are_seen_without_shading(shared):
    """By materials: vertex colours are not shown in a solid view, where the eyes were white all over."""
    head = ict_facekit.load(shared / "characters" / "ict_facekit.npz")
    names = [material.name for material in head.materials]
    for side, sign in (("left", 1), ("right", -1)):
        eye = slice(*head.parts[f"eye_{side}"])
        for name, radius in (("ict iris", 5.9), ("ict pupil", 2.0)):
            used = np.unique(head.faces[head.material_index == names.index(name)])
            used = used[(used >= eye.start) & (used < eye.stop)]
            across = 1000 * np.ptp(head.vertices[used], axis=0)[:2]
            assert len(used) > 50
            assert np.all((across > 1.6 * radius) & (across < 2.4 * radius)), (name, across)
            assert sign * head.vertices[used, 0].mean() > 0.02


def test_a_mesh_without_lips_has_no_seal():
    rng = np.random.default_rng(0)
    points, nothing = rng.normal(size=(50, 3)), np.zeros((50, 3))
    up = np.array([0, 0, 1])
    assert seal_of(points, {"jawOpen": nothing, "mouthClose": nothing}, up) == Seal()
    assert seal_of(points, {"jawOpen": np.ones((50, 3)), "mouthClose": np.ones((50, 3))}, up) == Seal()
    assert seal_of(points, {"jawOpen": np.ones((50, 3))}, up) == Seal()
    head = default_head.load()  # scaled to nothing, nowhere is up
    assert seal_of(head.vertices.astype(float), moves_of(head), np.zeros(3)) == Seal()


# --- bones ----------------------------------------------------------------------------------------------------------


def skeleton(turn=None, mirrored=False):
    """Plain bones of a character that faces -Y with Z up, all turned by a matrix."""
    at = {"Hips": (0, 0, 1), "Head": (0, 0.01, 1.6), "Jaw": (0, -0.01, 1.62), "LeftEye": (0.03, -0.08, 1.66),
          "RightEye": (-0.03, -0.08, 1.66), "hand.L": (0.6, 0, 1.2), "hand.R": (-0.6, 0, 1.2)}  # fmt: skip
    flip = np.array([-1 if mirrored else 1, 1, 1])
    turn = np.eye(3) if turn is None else turn
    parents = {"Head": "Hips", "Jaw": "Head", "LeftEye": "Head", "RightEye": "Head"}
    return [RestBone(name, turn @ (np.array(point) * flip), parents.get(name)) for name, point in at.items()]


@pytest.mark.parametrize("turn", [np.eye(3), Rotation.from_euler("x", -90, degrees=True).as_matrix(),
                                  Rotation.from_euler("z", 90, degrees=True).as_matrix()])  # fmt: skip
def test_axes_of_the_head_are_found_from_the_rest_pose(turn):
    np.testing.assert_allclose(rigging.head_axes(skeleton(turn)), turn @ rigging.UPRIGHT, atol=1e-9)
    assert rigging.eye_distance(skeleton(turn)) == pytest.approx(0.06)


def test_a_mirrored_character_gets_mirrored_axes_and_still_turns_to_its_left():
    axes = rigging.head_axes(skeleton(mirrored=True))
    assert np.linalg.det(axes) == pytest.approx(-1)
    np.testing.assert_allclose(axes[:, 2], [0, -1, 0], atol=1e-9)
    vector = np.array([[0.0, 0.3, 0.0]])  # to the character's left, which lies at -X
    turned = Rotation.from_rotvec(rigging.turn_in_armature(vector, axes)[0]).apply([0, -1, 0])
    assert turned[0] < -0.2


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (["mixamorig:Head", "mixamorig:LeftEye"], {"head": "mixamorig:Head", "left_eye": "mixamorig:LeftEye"}),
        (["head", "jaw", "jaw_master", "eye.L", "master_eye.L"], {"head": "head", "jaw": "jaw_master",
                                                                  "left_eye": "master_eye.L"}),
        (["neck", "forearm.L"], {"head": "neck"}),
        (["J_Bip_C_Head", "J_Adj_L_FaceEye"], {"head": "J_Bip_C_Head", "left_eye": "J_Adj_L_FaceEye"}),
    ],
)  # fmt: skip
def test_bones_are_known_by_their_names(names, roles):
    found = rigging.roles([RestBone(name, np.zeros(3)) for name in names])
    assert {role: bone.name for role, bone in found.items()} == roles


def test_a_bone_that_a_constraint_holds_is_taken_only_for_want_of_another():
    held, free = RestBone("head", np.zeros(3), held=True), RestBone("DEF-head", np.zeros(3))
    assert rigging.roles([held, free])["head"] is free
    assert any("'head'" in note and "constraint" in note for note in detect(ARKIT_SHAPES, [held]).notes)


def motion(**channels):
    values = np.zeros((2, len(ARKIT)), np.float32)
    for name, value in channels.items():
        values[:, ARKIT.index(name)] = value
    return Motion(values, ARKIT, 25.0)


def test_a_jaw_bone_alone_speaks_and_closes():
    found = detect([], skeleton())
    assert found.mapping.name == "bones"
    rest = Rotation.from_euler("xyz", [0.3, 1.0, -0.7]).as_matrix()
    person = Character("x", 1, {}, 2, {"jaw": Bone("Jaw", rest, "XYZ")}, found.mapping)

    def jaw(**channels):
        curves = planning.plan(motion(**channels), person, 1, 25.0)
        angles = [curve.values[0] for curve in curves if "Jaw" in curve.data_path]
        turn = rest @ Rotation.from_euler("xyz", angles).as_matrix() @ rest.T
        return Rotation.from_matrix(turn).as_rotvec()

    np.testing.assert_allclose(jaw(jawOpen=0.5), [0.5 * rigging.JAW_OPEN, 0, 0], atol=1e-6)  # +X: the chin drops
    np.testing.assert_allclose(jaw(jawOpen=0.5, mouthClose=0.5), 0, atol=1e-6)


def test_with_shapes_a_jaw_bone_does_not_open_the_mouth_again():
    rows = [row for row in detect(ARKIT_SHAPES, skeleton()).mapping.rows if row.target == "Jaw"]
    assert {channel for row in rows for channel, _ in row.sources} == {"jaw_x", "jaw_y", "jaw_z"}


def test_rigify_lips_move_by_the_distance_of_the_eyes_whatever_their_axes():
    names = ["head", "jaw_master", "lip.T", "lip.B", "lips.L", "lips.R", "lid.T.L.002", "master_eye.L", "master_eye.R"]
    at = {"master_eye.L": (0.05, -0.1, 1.9), "master_eye.R": (-0.05, -0.1, 1.9)}
    bones = [RestBone(name, np.array(at.get(name, (0, 0, 1.8)))) for name in names]
    found = detect([], bones)
    assert found.mapping.name == "rigify"
    rest = Rotation.from_euler("xyz", [1.3, -0.4, 2.0]).as_matrix()
    moved = {row.target for row in found.mapping.rows}
    parts = {name: Bone(name, rest, "XYZ") for name in moved}
    person = Character("x", 1, {}, 2, parts, found.mapping, rigging.head_axes(bones), rigging.eye_distance(bones))
    curves = planning.plan(motion(mouthSmileLeft=1.0), person, 1, 25.0)
    corner = [curve.values[0] for curve in curves if '"lips.L"].location' in curve.data_path]
    # in armature space: outward is +X, up is +Z, forward is -Y
    np.testing.assert_allclose(rest @ corner, 0.1 * np.array([0.12, 0.08, 0.12]), atol=1e-6)
    lid = planning.plan(motion(eyeBlinkLeft=1.0), person, 1, 25.0)
    drop = rest @ [curve.values[0] for curve in lid if '"lid.T.L.002"].location' in curve.data_path]
    assert drop[2] == pytest.approx(-0.016, abs=1e-6)


@pytest.mark.parametrize(("ahead", "below"), [(0.105, 0.076), (0.14, 0.06)])
def test_a_rigify_jaw_takes_the_lower_lip_where_it_ought_to_go_wherever_its_hinge_is(ahead, below):
    at = {"jaw_master": (0, 0, 1.8), "lip.B": (0, -ahead, 1.8 - below), "lip.T": (0, -ahead, 1.82 - below)}
    at |= {"master_eye.L": (0.05, -0.1, 1.82), "master_eye.R": (-0.05, -0.1, 1.82)}
    found = detect([], [RestBone(name, np.array(point)) for name, point in at.items()])
    open_mouth = {name: np.array([float(name == "jawOpen")]) for name in ARKIT.channels}
    moved = {row.axis: float(value[0]) for row, value in apply(open_mouth, found.mapping) if row.target == "jaw_master"}
    lip = np.array([-below, ahead])  # up and forward of the hinge
    turn = moved["turn_x"]
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ lip
    went = turned + 0.1 * np.array([moved["move_y"], moved["move_z"]]) - lip
    np.testing.assert_allclose(went, 0.1 * np.array(rigging.LIP_AT_OPEN), atol=1e-3)


def test_rigify_eyes_look_where_their_targets_are_and_shapes_of_looks_stay_at_rest():
    names = {"jaw_master": (0, 0, 1.8), "lip.T": (0, -0.1, 1.8), "lip.B": (0, -0.1, 1.79)}
    for side, x in (("L", 0.05), ("R", -0.05)):
        names |= {
            f"eye_master.{side}": (x, -0.1, 1.9),
            f"ORG-eye.{side}": (x, -0.1, 1.9),
            f"eye.{side}": (x, -0.3, 1.9),
        }
    bones = [RestBone(name, np.array(point)) for name, point in names.items()]
    found = detect(["eyeLookOutLeft"], bones)
    parts = {name: Bone(name, np.eye(3), "XYZ") for name in ("eye.L", "eye.R", "jaw_master")}
    person = Character("x", 1, {"eyeLookOutLeft": "eyeLookOutLeft"}, 2, parts, found.mapping, rigging.UPRIGHT, 0.1)
    curves = {(c.data_path, c.index): c.values[0] for c in planning.plan(motion(left_eye_y=0.2), person, 1, 25.0)}
    assert curves['pose.bones["eye.L"].location', 0] == pytest.approx(0.2 * 0.2, abs=1e-6)
    assert curves['key_blocks["eyeLookOutLeft"].value', 0] == 0
    assert not [path for path, _ in curves if "eye_master" in path]


# --- presets --------------------------------------------------------------------------------------------------------

NUMBERS = st.floats(-4, 4).map(lambda value: round(value, 3))
ROWS = st.builds(
    Row,
    target=st.text(min_size=1, max_size=12),
    sources=st.dictionaries(st.sampled_from(ARKIT.channels), NUMBERS.filter(bool), min_size=1, max_size=4).map(
        lambda sources: tuple(sources.items())
    ),
    axis=st.sampled_from(["shape", "turn_x", "move_z"]),
    mode=st.sampled_from(["sum", "fit"]),
    gain=NUMBERS,
    offset=NUMBERS,
    low=st.none() | NUMBERS,
    high=st.none() | NUMBERS,
    on=st.booleans(),
)


@settings(deadline=None, max_examples=80)
@given(st.lists(ROWS, max_size=5), st.text(max_size=8))
def test_a_preset_comes_back_as_it_was(rows, name):
    whole = Mapping(name, tuple(rows))
    assert tables.from_json(tables.to_json(whole), "x") == whole


def test_gain_offset_limits_and_off():
    channels = {"jawOpen": np.array([0.0, 0.5, 1.0])}
    rows = (
        Row("a", (("jawOpen", 1.0),), gain=2.0, offset=-0.25, low=0.0, high=1.5),
        Row("b", (("jawOpen", 1.0),), on=False),
    )
    found = apply(channels, Mapping("x", rows))
    assert [row.target for row, _ in found] == ["a"]
    np.testing.assert_allclose(found[0][1], [0.0, 0.75, 1.5])


def test_a_preset_that_names_absent_targets_says_which(tmp_path):
    whole = detect(ARKIT_SHAPES, skeleton()).mapping
    absent = whole.absent([name for name in ARKIT_SHAPES if name != "jawLeft"], ["Head"])
    assert absent == ["jawLeft", "Jaw", "LeftEye", "RightEye"]
    assert len(whole.without(absent).rows) == 51 + 3
    path = tmp_path / "deep" / "preset.json"
    tables.save(whole, path)
    assert tables.load(path) == whole


BROKEN = {
    "{not json": "not JSON",
    "[1, 2]": "no mapping",
    '{"rows": []}': "no mapping",
    '{"artalk_mapping": 99, "rows": []}': "format 99",
    '{"artalk_mapping": 1, "rows": [{"target": "a"}]}': "Row 1",
    '{"artalk_mapping": 1, "rows": [{"target": "a", "sources": "jawOpne"}]}': "jawOpne",
    '{"artalk_mapping": 1, "rows": [{"target": "a", "sources": "jawOpen mouthClose"}]}': "no sum",
    '{"artalk_mapping": 1, "rows": [{"target": "a", "sources": ""}]}': "without channels",
    '{"artalk_mapping": 1, "rows": [{"target": "a", "sources": "jawOpen", "gain": "big"}]}': "gain",
    '{"artalk_mapping": 1, "rows": [{"target": "a", "sources": "jawOpen", "gain": NaN}]}': "gain",
    '{"artalk_mapping": 1, "rows": [{"target": "a", "sources": "jawOpen", "axis": "spin"}]}': "spin",
    '{"artalk_mapping": 1, "rows": [{"target": "a", "sources": "jawOpen", "colour": 1}]}': "colour",
    '{"artalk_mapping": 1, "rows": [{"target": "a", "sources": "jawOpen", "on": 1}]}': "on nor off",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_preset_is_refused_with_one_sentence(tmp_path, text):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        tables.load(path)
    assert BROKEN[text] in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_or_unreadable_preset_is_refused(tmp_path):
    with pytest.raises(InputError, match="no mapping"):
        tables.load(tmp_path / "none.json")
    (tmp_path / "raw.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        tables.load(tmp_path / "raw.json")
