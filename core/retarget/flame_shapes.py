# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a FLAME head a fit needs, and the same with a mesh that is finer about the lips.

Lips are rounded: from a vertex of one to the nearest of the other it is further, and in another direction, than from
skin to skin. A fit that shuts vertices takes lips through one another, the further the coarser the mesh.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..heads.flame import JOINTS, FlameModel, rotation_matrices
from .face_match import Face

Floats = NDArray[np.float64]

_SKIN = 0.5
_OPENED = (0.3, 0.0, 0.0)  # rad
_ABOUT, _LONGEST, _CUTS = 0.1, 0.03, 2
"""In distances between the eyes: how far about the lips edges longer than which are cut in half, so many times."""
_SIDES = ((0, 1), (1, 2), (2, 0))


@dataclass(frozen=True)
class FlameShapes:
    """What of a FLAME head a fit needs. Metres; x to the character's left, y up, z forward.

    points: (V, 3) at rest; faces: (F, 3); expressions: (V, 3, E); weights: (V, 5) skinning weights in the order of
    flame.JOINTS; bends: (V, 3, 9) correctives of the jaw; joints: (5, 3)
    """

    points: Floats
    faces: NDArray[np.int64]
    expressions: Floats
    weights: Floats
    bends: Floats
    joints: Floats

    def turned(self, vector: tuple[float, float, float]) -> Floats:
        """What a turn of the jaw by a rotation vector does to each vertex, (V, 3)."""
        jaw = JOINTS.index("jaw")
        turn = rotation_matrices(np.array([vector], np.float64))[0]
        bent = self.points + self.bends @ (turn - np.eye(3)).ravel()
        moved = self.weights[:, jaw, None] * ((bent - self.joints[jaw]) @ (turn - np.eye(3)).T)
        result: Floats = bent + moved - self.points
        return result

    def face(self) -> tuple[NDArray[np.int64], Face]:
        """Numbers of the skin's vertices (all but the eyeballs'), and its face."""
        eyes = [JOINTS.index("left_eye"), JOINTS.index("right_eye")]
        skin = np.flatnonzero(self.weights[:, eyes].sum(axis=1) < _SKIN)
        return skin, Face(self.points[skin], self.turned(_OPENED)[skin], self.joints[eyes])


def shapes_of(model: FlameModel) -> FlameShapes:
    """The part of a FLAME model that a fit needs."""
    return FlameShapes(
        model.template.astype(np.float64),
        model.faces,
        model.expressions.astype(np.float64),
        model.weights.astype(np.float64),
        model.correctives[:, :, 9:18].astype(np.float64),
        (model.regressor @ model.template).astype(np.float64),
    )


def with_finer_lips(head: FlameShapes) -> FlameShapes:
    """The same surface with more vertices about the lips; a head without faces as it is. InputError as `Face.lips`."""
    skin, face = head.face()
    lips = face.points[np.unique(face.lips)]
    reach = _ABOUT * face.unit
    low, high = lips.min(axis=0) - reach, lips.max(axis=0) + reach
    about = np.zeros(len(head.points), bool)
    about[skin] = np.all((face.points > low) & (face.points < high), axis=1)
    for _ in range(_CUTS):
        corners = head.points[head.faces]
        sides = np.array([np.linalg.norm(corners[:, a] - corners[:, b], axis=1) for a, b in _SIDES])
        chosen = about[head.faces].all(axis=1) & (sides.max(axis=0) > _LONGEST * face.unit)
        ends, faces = _in_four(head.faces[chosen], len(head.points))
        about = np.concatenate([about, np.ones(len(ends), bool)])
        head = replace(
            head,
            points=_with_middles(head.points, ends),
            faces=np.concatenate([head.faces[~chosen], faces]),
            expressions=_with_middles(head.expressions, ends),
            weights=_with_middles(head.weights, ends),
            bends=_with_middles(head.bends, ends),
        )
    return head


def _in_four(faces: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ends (M, 2) of the edges whose middles are the vertices from `count` on, and four triangles for each (F, 3)."""
    edges = np.sort(faces[:, _SIDES].reshape(-1, 2), axis=1)
    ends, number = np.unique(edges, axis=0, return_inverse=True)
    (a, b, c), (ab, bc, ca) = faces.T, (count + number.reshape(-1, 3)).T
    cut = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    return ends, np.concatenate([np.stack(three, axis=1) for three in cut])


def _with_middles(values: Floats, ends: NDArray[np.int64]) -> Floats:
    """Values of vertices (V, …) and then of the middles between ends (M, 2)."""
    return np.concatenate([values, values[ends].mean(axis=1)])
