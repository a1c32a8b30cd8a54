# SPDX-License-Identifier: GPL-3.0-or-later
"""FLAME (Li et al. 2017): a head's vertices from identity, expression and the rotation of five joints.

Blend shapes move the template, correctives that are linear in the joints' rotation matrices are added, and linear blend
skinning turns everything about joints regressed from the shaped vertices. Axes: x to the character's left, y up,
z forward; metres; rotation vectors in radians.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..basis import FLAME, HEAD_ROTATION, JAW_ROTATION
from ..errors import InputError
from ..motion import Motion

Floats = NDArray[np.float32]

JOINTS = ("root", "neck", "jaw", "left_eye", "right_eye")
PARENTS = (-1, 0, 1, 1, 1)

_FINGERPRINT_VERTICES, _FINGERPRINT_EXPRESSIONS = 5023, 50


@dataclass(frozen=True)
class FlameModel:
    """The arrays of one FLAME file.

    template:    (V, 3) vertices of the average head at rest
    faces:       (F, 3) triangles; F is 0 where the file has none
    identities:  (V, 3, I) and expressions (V, 3, E): displacement by each component at 1
    correctives: (V, 3, 36) displacement by each entry of R - I, row by row, of all joints but the root
    regressor:   (5, V) vertices -> joints
    weights:     (V, 5) skinning weights
    uv:          (F, 3, 2) texture coordinates of every corner, None where the file has none
    lips:        numbers of the lips' vertices, None where the file does not tell
    """

    template: Floats
    faces: NDArray[np.int64]
    identities: Floats
    expressions: Floats
    correctives: Floats
    regressor: Floats
    weights: Floats
    uv: Floats | None = None
    lips: NDArray[np.int64] | None = None


def with_identity(model: FlameModel, betas: ArrayLike) -> FlameModel:
    """The model whose template has this identity; see `vertices` for `betas`."""
    template = model.template + model.identities @ _padded(betas, model.identities.shape[2], "identity")
    return replace(model, template=template.astype(np.float32))


def vertices(
    model: FlameModel, expression: ArrayLike, rotations: ArrayLike, identity: ArrayLike | None = None
) -> Floats:
    """FLAME's forward pass: (N, V, 3).

    expression: (N, up to E), identity: (up to I,) or (N, up to I): missing components are 0
    rotations:  (N, 15) or (N, 5, 3), rotation vectors in the order of JOINTS, each relative to its parent
    Raises InputError when there are more components than the model has.
    """
    shaped = _shaped(model, expression, identity)
    turns = rotation_matrices(np.reshape(np.asarray(rotations, np.float64), (-1, len(JOINTS), 3)))
    pivots = (model.regressor @ shaped).astype(np.float64)
    bend = (turns[:, 1:] - np.eye(3)).reshape(len(turns), -1).astype(np.float32)
    posed = shaped + _blend(model.correctives, bend)
    turned, moved = _global_transforms(turns, pivots)
    # every vertex is moved by the weighted mean of the joints' transforms
    result = np.zeros_like(posed)
    for joint in range(len(JOINTS)):
        at = posed @ turned[:, joint].transpose(0, 2, 1).astype(np.float32)
        result += model.weights[:, joint, None] * (at + moved[:, joint, None].astype(np.float32))
    return result


def joints(model: FlameModel, expression: ArrayLike, rotations: ArrayLike, identity: ArrayLike | None = None) -> Floats:
    """Where the joints come to lie, (N, 5, 3); arguments as for `vertices`."""
    turns = rotation_matrices(np.reshape(np.asarray(rotations, np.float64), (-1, len(JOINTS), 3)))
    pivots = (model.regressor @ _shaped(model, expression, identity)).astype(np.float64)
    turned, moved = _global_transforms(turns, pivots)
    return (np.einsum("njab,njb->nja", turned, pivots) + moved).astype(np.float32)


def motion_vertices(
    model: FlameModel, motion: Motion, identity: ArrayLike | None = None, *, head: bool = True
) -> Floats:
    """The vertices (T, V, 3) of FLAME motion; without `head` it stands still. InputError for another basis."""
    if motion.basis != FLAME:
        raise InputError(f"FLAME is moved by FLAME motion, not by '{motion.basis.name}': generate with another model.")
    rotations = np.zeros((len(motion), len(JOINTS), 3), np.float32)
    if head:
        rotations[:, 0] = motion.values[:, FLAME.indices(HEAD_ROTATION)]
    rotations[:, 2] = motion.values[:, FLAME.indices(JAW_ROTATION)]
    return vertices(model, motion.values[:, : len(FLAME) - 6], rotations, identity)


def rotation_matrices(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation vectors (..., 3) -> matrices (..., 3, 3) (Rodrigues)."""
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    # sin(a) / a and (1 - cos a) / a² through sinc, which knows its limit at 0
    half = np.sinc(angle / (2 * np.pi))
    return np.eye(3) + np.sinc(angle / np.pi) * cross + half * half / 2 * (cross @ cross)


def fingerprint(model: FlameModel) -> str:
    """What tells one expression basis from another, 16 hexadecimal digits.

    The same for every format and number of expressions (of 50 and more) that one version of FLAME comes in.
    """
    part = model.expressions[:_FINGERPRINT_VERTICES, :, :_FINGERPRINT_EXPRESSIONS]
    return sha256(np.ascontiguousarray(part, "<f4").tobytes()).hexdigest()[:16]


def _shaped(model: FlameModel, expression: ArrayLike, identity: ArrayLike | None) -> Floats:
    shaped = model.template + _blend(
        model.expressions, _padded(np.atleast_2d(expression), model.expressions.shape[2], "expression")
    )
    if identity is not None:
        betas = _padded(np.atleast_2d(identity), model.identities.shape[2], "identity")
        shaped = shaped + _blend(model.identities, betas)
    return shaped


def _blend(shapes: Floats, amounts: Floats) -> Floats:
    """(V, 3, K) and (N, K) -> (N, V, 3)."""
    return (amounts @ shapes.reshape(-1, shapes.shape[2]).T).reshape(len(amounts), -1, 3)


def _padded(amounts: ArrayLike, count: int, what: str) -> Floats:
    given = np.asarray(amounts, np.float32)
    if given.shape[-1] > count:
        raise InputError(
            f"There are {given.shape[-1]} {what} numbers, but this FLAME file has {count} {what} shapes: "
            "give fewer, or a file with more."
        )
    return np.pad(given, [(0, 0)] * (given.ndim - 1) + [(0, count - given.shape[-1])])


def _global_transforms(
    turns: NDArray[np.float64], pivots: NDArray[np.float64], parents: Sequence[int] = PARENTS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each joint's map of resting points, p -> turned @ p + moved: (N, 5, 3, 3) and (N, 5, 3)."""
    turned, moved = np.empty_like(turns), np.empty_like(pivots)
    for joint, parent in enumerate(parents):
        own = pivots[:, joint] - np.einsum("nab,nb->na", turns[:, joint], pivots[:, joint])
        if parent < 0:
            turned[:, joint], moved[:, joint] = turns[:, joint], own
        else:
            turned[:, joint] = turned[:, parent] @ turns[:, joint]
            moved[:, joint] = np.einsum("nab,nb->na", turned[:, parent], own) + moved[:, parent]
    return turned, moved
