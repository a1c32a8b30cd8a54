# SPDX-License-Identifier: GPL-3.0-or-later
"""ICT-FaceKit's free head (USC ICT, MIT licence): from its folder of OBJ files, or one packed file, to a rigged head.

The head itself is not shipped: users bring the folder `FaceXModel` of https://github.com/ICT-VGL/ICT-FaceKit. Any other
folder with a neutral mesh and shapes of the same vertices works too, with fewer materials and without eye bones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ..basis import ARKIT_SHAPES
from ..errors import InputError
from ..movement import rigid_fit
from ..retarget.detect import listed
from ..retarget.names import Seen, arkit_shape
from ..retarget.seal import lip_pairs
from .mesh import Floats, HeadMesh, Ints, Material

NEUTRAL = "generic_neutral_mesh.obj"
_CM = 100.0  # centimetres in a metre

Wide = NDArray[np.float64]

_VERTICES = 26719
"""Of the published head (light version); the numbers below are its vertices, each last one included."""
_PARTS: dict[str, tuple[int, int, int]] = {
    "face": (0, 9408, 0),
    "head": (9409, 11247, 0),
    "mouth_socket": (11248, 13293, 1),
    "eye_sockets": (13294, 14061, 0),
    "gums_tongue": (14062, 17038, 2),
    "teeth": (17039, 21450, 3),
    "eye_left": (21451, 23020, 4),
    "eye_right": (23021, 24590, 4),
    "tear_film": (24591, 25350, 5),
    "lashes": (25351, 26718, 6),
}
"""Part -> first and last vertex and number of its material."""
_UPPER_TEETH = (17039, 19246)
_LOWER_TEETH = (19247, 21450)

MATERIALS = (
    Material("ict skin", (0.80, 0.50, 0.38), 0.5, 0.10),
    Material("ict mouth", (0.35, 0.09, 0.08), 0.45, 0.0),
    Material("ict gums and tongue", (0.62, 0.22, 0.21), 0.35, 0.05),
    Material("ict teeth", (0.93, 0.91, 0.85), 0.22, 0.05),
    Material("ict eyes", (0.86, 0.84, 0.82), 0.12, 0.0),
    Material("ict tear film", (1.0, 1.0, 1.0), 0.05, 0.0),
    Material("ict lashes", (0.035, 0.02, 0.015), 0.6, 0.0),
    Material("ict iris", (0.17, 0.22, 0.25), 0.12, 0.0),
    Material("ict pupil", (0.004, 0.004, 0.004), 0.12, 0.0),
)
_CORNEA = 0.0179
"""From the middle of the eyeball, m: what lies further out is the tip of the cornea, where the eye looks."""
_DISCS = ((0.0059, 7), (0.002, 8))
"""Faces on the front of an eyeball so near to its axis, m, are of this material: first the iris, then the pupil."""

JOINTS = ("root", "neck", "jaw", "left_eye", "right_eye")
_PARENTS = (-1, 0, 1, 1, 1)
_ROOT, _NECK = (0.0, -0.15, -0.02), (0.0, -0.02, -0.012)
_BUST_TOP, _NECK_TOP = -0.150, -0.075  # m: below the root's alone, above the neck's alone


@dataclass(frozen=True)
class Meshes:
    """What the files hold. Metres; x to the character's left, y up, z forward.

    vertices (V, 3); faces, uv_faces (F, 4) with -1 where a triangle ends; uv (N, 2);
    shapes: name as in the files -> displacements (V, 3)
    """

    vertices: Floats
    faces: Ints
    uv: Floats
    uv_faces: Ints
    shapes: dict[str, Floats]


def load(path: Path) -> HeadMesh:
    """The rigged head of a folder of OBJ files, or of one `.npz` with the same arrays; InputError for anything else.

    The published head is refused when files of it are missing; another head may have whichever shapes it has.
    """
    meshes = read_packed(path) if path.is_file() else read_folder(path)
    lacking = _lacking(meshes.shapes) if len(meshes.vertices) == _VERTICES else []
    if lacking:
        raise InputError(
            f"'{path.name}' lacks files of {listed(lacking)}, which the head could then not show: fetch the whole "
            "folder FaceXModel again."
        )
    return rigged(meshes)


def _lacking(names: Iterable[str]) -> list[str]:
    """ARKit's shapes that are among the names neither whole nor in two halves, but for the tongue's, which none has."""
    seen = {found[0] for name in names if (found := arkit_shape(name))}
    forms = {name: ((name, 1.0),) for name in ARKIT_SHAPES if name != "tongueOut"}
    return [
        name
        for name, one in forms.items()
        if Seen(one) not in seen and not {Seen(one, "left"), Seen(one, "right")} <= seen
    ]


# --- files ----------------------------------------------------------------------------------------------------------


def read_folder(path: Path) -> Meshes:
    """Read `generic_neutral_mesh.obj` and the shapes beside it, here or in the folder `FaceXModel`."""
    folder = next((f for f in (path, path / "FaceXModel") if (f / NEUTRAL).is_file()), None)
    if folder is None:
        raise InputError(f"There is no '{NEUTRAL}' in '{path}': choose the folder FaceXModel of ICT-FaceKit.")
    vertices, uv, faces, uv_faces = _read_neutral(folder / NEUTRAL)
    shapes = {}
    for file in sorted(folder.glob("*.obj")):
        # identities are other people, not expressions
        if file.name != NEUTRAL and not file.name.startswith("identity"):
            points = _read_vertices(file)
            if points.shape != vertices.shape:
                raise InputError(
                    f"'{file.name}' has {len(points)} vertices and the neutral mesh {len(vertices)}: "
                    "take all files from one copy of ICT-FaceKit."
                )
            shapes[file.stem] = (points - vertices).astype(np.float32) / _CM
    if not shapes:
        raise InputError(f"'{folder}' holds the neutral mesh and no shapes: fetch the whole folder.")
    return Meshes((vertices / _CM).astype(np.float32), faces, uv, uv_faces, shapes)


def read_packed(path: Path) -> Meshes:
    """Read the same from one `.npz`: neutral_cm, faces, uv, uv_faces, shape_names, shape_offset, _vertex, _delta_cm."""
    try:
        with np.load(path, allow_pickle=False) as file:
            vertices = file["neutral_cm"].astype(np.float32)
            offsets, numbers, deltas = file["shape_offset"], file["shape_vertex"], file["shape_delta_cm"]
            shapes = {}
            for i, name in enumerate(file["shape_names"]):
                part = slice(int(offsets[i]), int(offsets[i + 1]))
                shapes[str(name)] = np.zeros_like(vertices)
                shapes[str(name)][numbers[part]] = deltas[part] / _CM
            return Meshes(vertices / _CM, file["faces"], file["uv"], file["uv_faces"], shapes)
    except FileNotFoundError:
        raise InputError(f"There is no '{path}': choose the folder FaceXModel of ICT-FaceKit.") from None
    except (OSError, KeyError, ValueError, IndexError, EOFError, BadZipFile):
        raise InputError(f"'{path}' is no packed ICT-FaceKit head: choose the folder FaceXModel.") from None


def _read_neutral(path: Path) -> tuple[Wide, Floats, Ints, Ints]:
    vertices, uv, faces, uv_faces = [], [], [], []
    try:
        for line in _lines(path):
            kind, *words = line.split()
            if kind == "v":
                vertices.append([float(word) for word in words[:3]])
            elif kind == "vt":
                uv.append([float(word) for word in words[:2]])
            elif kind == "f":
                corners = [word.split("/") for word in words]
                if len(corners) not in (3, 4):
                    raise InputError(f"'{path.name}' has a face of {len(corners)} corners: artalk reads 3 and 4.")
                faces.append(_padded(_number(corner[0], len(vertices)) for corner in corners))
                uv_faces.append(_padded(_number(corner[1] if len(corner) > 1 else "", len(uv)) for corner in corners))
        points, texture = np.array(vertices, np.float64).reshape(-1, 3), np.array(uv, np.float32).reshape(-1, 2)
    except ValueError:
        raise InputError(f"'{path.name}' is no OBJ file that can be read: fetch it again.") from None
    corners_of, textures_of = np.array(faces, np.int32).reshape(-1, 4), np.array(uv_faces, np.int32).reshape(-1, 4)
    if not len(points) or not len(corners_of) or corners_of.max() >= len(points) or textures_of.max() >= len(texture):
        raise InputError(f"'{path.name}' is cut off or holds no mesh: fetch it again.")
    return points, texture, corners_of, textures_of


def _padded(numbers: Iterable[int]) -> list[int]:
    return ([*numbers, -1])[:4]


def _number(word: str, count: int) -> int:
    """An index of an OBJ file, from 1 or back from the newest, as one from 0; -1 where there is none."""
    if not word:
        return -1
    return int(word) - 1 if int(word) > 0 else count + int(word)


def _read_vertices(path: Path) -> Wide:
    rows = [line.split()[1:4] for line in _lines(path) if line.startswith("v ")]
    try:
        return np.array(rows, np.float64).reshape(-1, 3)
    except ValueError:
        raise InputError(f"'{path.name}' is no OBJ file that can be read: fetch it again.") from None


def _lines(path: Path) -> Iterable[str]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"'{path}' cannot be read ({error.strerror}): choose another folder.") from None
    return (line for line in text.splitlines() if line.strip() and not line.startswith("#"))


# --- the rig --------------------------------------------------------------------------------------------------------


def rigged(meshes: Meshes) -> HeadMesh:
    """The head with ARKit's names for its shapes (split ones joined), materials for its parts, joints and weights."""
    shapes = joined(meshes.shapes)
    full = len(meshes.vertices) == _VERTICES
    parts = {name: (first, last + 1) for name, (first, last, _) in _PARTS.items()} if full else {}
    parts = parts or {"face": (0, len(meshes.vertices))}
    heads, weights = _joints(meshes.vertices.astype(np.float64), shapes, parts if full else {})
    names = tuple(shapes)
    return HeadMesh(
        vertices=meshes.vertices,
        faces=meshes.faces.astype(np.int32),
        materials=MATERIALS if full else MATERIALS[:1],
        material_index=_materials(meshes) if full else np.zeros(len(meshes.faces), np.int32),
        tint=np.ones_like(meshes.vertices),
        uv=_corners(meshes),
        shape_names=names,
        shape_deltas=np.stack([shapes[name] for name in names]).astype(np.float32),
        joint_names=JOINTS[: len(heads)],
        joint_heads=heads.astype(np.float32),
        joint_parents=np.array(_PARENTS[: len(heads)], np.int32),
        weights=weights.astype(np.float32),
        parts=parts,
        lips=_lips(meshes.vertices, shapes),
        lids_left=np.empty((0, 2), np.int32),
        lids_right=np.empty((0, 2), np.int32),
    )


def joined(shapes: dict[str, Floats]) -> dict[str, Floats]:
    """Shapes under ARKit's names where they are ARKit's; halves of one shape are added up, all others keep theirs."""
    result: dict[str, Floats] = {}
    for name, deltas in shapes.items():
        seen = arkit_shape(name)
        known = seen is not None and seen[1] == 0 and len(seen[0].sources) == 1
        title = seen[0].sources[0][0] if seen is not None and known else name
        result[title] = result[title] + deltas if title in result else deltas
    return result


def _materials(meshes: Meshes) -> Ints:
    """The material of each face, (F,), of the published head."""
    starts = np.array([first for first, _, _ in _PARTS.values()])
    kinds = np.array([material for _, _, material in _PARTS.values()], np.int32)
    first = meshes.faces[:, 0]
    found = kinds[np.searchsorted(starts, first, side="right") - 1]
    for name in ("eye_left", "eye_right"):
        low, high, _ = _PARTS[name]
        eye = np.flatnonzero((first >= low) & (first <= high))
        # a triangle's missing corner is its first one again
        corners = np.where(meshes.faces[eye] >= 0, meshes.faces[eye], first[eye, None])
        ball = meshes.vertices[low : high + 1] - _middle(meshes.vertices[low : high + 1])
        cornea = ball[np.linalg.norm(ball, axis=1) > _CORNEA].mean(axis=0)
        axis = cornea / np.linalg.norm(cornea)
        faces = meshes.vertices[corners].mean(axis=1) - _middle(meshes.vertices[low : high + 1])
        along = faces @ axis
        aside = np.linalg.norm(faces - along[:, None] * axis, axis=1)
        for radius, material in _DISCS:
            found[eye[(along > 0) & (aside < radius)]] = material
    return found


def _corners(meshes: Meshes) -> Floats:
    """(F, 4, 2) texture coordinates; 0 where there are none."""
    if not len(meshes.uv):
        return np.zeros((len(meshes.faces), 4, 2), np.float32)
    return np.where(meshes.uv_faces[..., None] >= 0, meshes.uv[meshes.uv_faces], 0).astype(np.float32)


def _middle(points: Floats) -> Floats:
    """The centre of an eyeball: half-way between its sides, and as far behind its front as it is wide by half."""
    low, high = points.min(axis=0), points.max(axis=0)
    centre = (low + high) / 2
    centre[2] = low[2] + (high[0] - low[0]) / 2
    return centre


def _lips(vertices: Floats, shapes: dict[str, Floats]) -> Ints:
    if not {"jawOpen", "mouthClose"} <= shapes.keys():
        return np.empty((0, 2), np.int32)
    arrays = (vertices, shapes["jawOpen"], shapes["mouthClose"])
    return lip_pairs(*(array.astype(np.float64) for array in arrays)).astype(np.int32)


def _joints(vertices: Wide, shapes: dict[str, Floats], parts: dict[str, tuple[int, int]]) -> tuple[Wide, Wide]:
    """Pivots (J, 3) and skinning weights (V, J) of root, neck, jaw and, where the eyeballs are known, eyes."""
    above = _smooth_step(_BUST_TOP, _NECK_TOP, vertices[:, 1] + 0.25 * np.minimum(vertices[:, 2], 0)) if parts else 1.0
    hinge, jaw = _jaw(vertices, shapes, parts)
    jaw = jaw * above
    columns: list[Wide] = [(1 - above) * np.ones(len(vertices)), above - jaw, jaw]
    heads: list[Sequence[float] | Wide] = [_ROOT, _NECK, hinge]
    for number, name in enumerate(("eye_left", "eye_right"), len(columns)):
        if name in parts:
            span = slice(*parts[name])
            for column in columns:
                column[span] = 0
            columns.append(np.zeros(len(vertices)))
            columns[number][span] = 1
            heads.append(_middle(vertices[span].astype(np.float32)).astype(np.float64))
    return np.array(heads, np.float64), np.stack(columns, axis=1)


def _jaw(vertices: Wide, shapes: dict[str, Floats], parts: dict[str, tuple[int, int]]) -> tuple[Wide, Wide]:
    """The jaw's hinge (3,) and its share of each vertex (V,): how far jawOpen takes it along with the lower teeth.

    The lower teeth are rigid, so jawOpen is a rotation there; its axis is the hinge, and a vertex that goes as far as
    the rotation would take it belongs to the jaw alone.
    """
    nothing = np.zeros(len(vertices))
    if "jawOpen" not in shapes:
        return np.array([0.0, 0.0, 0.01]), nothing
    move = shapes["jawOpen"].astype(np.float64)
    far = np.linalg.norm(move, axis=1)
    rigid = slice(_LOWER_TEETH[0], _LOWER_TEETH[1] + 1) if parts else far > 0.8 * far.max()
    turn, shift = rigid_fit(vertices[rigid], vertices[rigid] + move[rigid])
    carried = vertices @ turn + shift - vertices
    share = np.clip((carried * move).sum(axis=1) / np.maximum((carried**2).sum(axis=1), 1e-12), 0, 1)
    if parts:
        share[slice(_UPPER_TEETH[0], _UPPER_TEETH[1] + 1)] = 0
        for name in ("eye_left", "eye_right", "tear_film", "lashes"):
            share[slice(*parts[name])] = 0
    # the hinge stays where it is: (turn - 1) of it is the shift, in the plane that the jaw swings in
    across = (turn - np.eye(3))[1:, 1:]
    hinge = np.zeros(3)
    if abs(np.linalg.det(across)) > 1e-6:
        hinge[1:] = np.linalg.solve(across.T, -shift[1:])
    return hinge, share


def _smooth_step(low: float, high: float, x: Wide) -> Wide:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
