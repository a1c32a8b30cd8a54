# SPDX-License-Identifier: GPL-3.0-or-later
"""A FLAME file with a face, made of artalk's own head: other proportions, expressions that mean something, a jaw.

No FLAME file may be shipped, and the golden one has no face. This one has the joints, the skinning and the expressions
of one (directions of most movement, in standard deviations), so that what is fitted on it can be held against the
shapes it was made of.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from artalk.core.basis import ARKIT_SHAPES
from artalk.core.heads import default_head
from artalk.core.heads.flame import FlameModel, rotation_matrices
from numpy.typing import NDArray

EXPRESSIONS = 100
_JAW_OPEN = 0.33  # rad of the jaw at jawOpen 1


def other_proportions(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A wider, shorter face with a longer chin and closer eyes: smooth and no straight stretch."""
    x, y, z = np.moveaxis(points, -1, 0)
    low = 1 / (1 + np.exp((y + 0.03) / 0.02))
    return np.stack([1.06 * x - 0.35 * x * low * 0.2, 0.96 * y - 0.006 * low, 1.03 * z + 0.1 * x * x * 10], axis=-1)


@cache
def flame_like_arrays(count: int | None = None) -> dict[str, NDArray[Any]]:
    """The arrays of the file, under FLAME's names; count: of vertices that are left of them."""
    head = default_head.load()
    kept = np.concatenate([np.arange(*head.parts[part]) for part in ("skin", "eye_left", "eye_right")])
    faces = _triangles(head.faces, kept)
    if count:
        few, faces = _thinned(head.vertices[kept].astype(np.float64), faces, count)
        kept = kept[few]
    rest = head.vertices[kept].astype(np.float64)
    shapes = [name for name in ARKIT_SHAPES if not name.startswith("eyeLook") and name != "tongueOut"]
    moves = head.shape_deltas[[head.shape_names.index(name) for name in shapes]][:, kept].astype(np.float64)
    jaw = head.joint_heads[2].astype(np.float64)
    share = np.clip(np.linalg.norm(moves[shapes.index("jawOpen")], axis=1) / _way(rest, jaw), 0, 1)
    turn = rotation_matrices(np.array([[_JAW_OPEN, 0, 0]]))[0]
    moves[shapes.index("jawOpen")] -= share[:, None] * ((rest - jaw) @ (turn - np.eye(3)).T)
    here = other_proportions(rest)
    moved = (other_proportions(rest + 0.1 * moves) - here) / 0.1
    directions, sizes, _ = np.linalg.svd(moved.reshape(len(shapes), -1).T, full_matrices=False)
    expressions = np.random.default_rng(0).normal(0, 1e-6, (here.size, EXPRESSIONS))
    expressions[:, : len(shapes)] += directions * sizes * 0.35
    weights = np.zeros((len(kept), 5))
    eyes = head.weights[kept][:, 3:]
    weights[:, 2], weights[:, 3:] = share * (1 - eyes.sum(axis=1)), eyes
    weights[:, 1] = 1 - weights.sum(axis=1)
    joints = other_proportions(head.joint_heads.astype(np.float64))
    return {
        "v_template": here.astype(np.float32),
        "f": faces,
        "shapedirs": np.concatenate(
            [np.zeros((len(kept), 3, 300)), expressions.reshape(len(kept), 3, EXPRESSIONS)], axis=2
        ).astype(np.float32),
        "posedirs": np.zeros((len(kept), 3, 36), np.float32),
        "J_regressor": _regressor(here, joints).astype(np.float32),
        "weights": weights.astype(np.float32),
    }


def flame_like(count: int | None = None) -> FlameModel:
    """The same as a model."""
    arrays = flame_like_arrays(count)
    return FlameModel(
        arrays["v_template"],
        arrays["f"],
        arrays["shapedirs"][:, :, :300],
        arrays["shapedirs"][:, :, 300:],
        arrays["posedirs"],
        arrays["J_regressor"],
        arrays["weights"],
    )


def true_shapes(model: FlameModel) -> NDArray[np.float64]:
    """What ARKit's shapes really do to it, (52, V, 3)."""
    head = default_head.load()
    kept = np.concatenate([np.arange(*head.parts[part]) for part in ("skin", "eye_left", "eye_right")])
    moves = head.shape_deltas[[head.shape_names.index(name) for name in ARKIT_SHAPES]][:, kept].astype(np.float64)
    return other_proportions(head.vertices[kept] + moves) - model.template


def _way(points: NDArray[np.float64], pivot: NDArray[np.float64]) -> NDArray[np.float64]:
    return 2 * np.sin(_JAW_OPEN / 2) * np.linalg.norm((points - pivot)[:, 1:], axis=1) + 1e-9


def _thinned(
    points: NDArray[np.float64], faces: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the vertices left (count,) and triangles of them: edges shrink to an end, the shortest first."""
    left = len(np.unique(faces))
    while left > count:
        edges, uses = np.unique(np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)), axis=0, return_counts=True)
        near: dict[int, set[int]] = {}
        for a, b in edges.tolist():
            near.setdefault(a, {a}).add(b)
            near.setdefault(b, {b}).add(a)
        inner = edges[~np.isin(edges, edges[uses == 1]).any(axis=1)]
        inner = inner[np.argsort(np.linalg.norm(points[inner[:, 0]] - points[inner[:, 1]], axis=1))]
        goes, busy = np.arange(len(points)), set[int]()
        for a, b in inner[: len(inner) // 8].tolist():
            around = near[a] | near[b]
            if left > count and len(near[a] & near[b]) == 4 and not around & busy:
                busy |= around
                goes[b] = a
                left -= 1
        faces = goes[faces]
        faces = faces[(faces != np.roll(faces, 1, axis=1)).all(axis=1)]
    kept, corners = np.unique(faces, return_inverse=True)
    return kept, corners.reshape(-1, 3)


def _triangles(faces: NDArray[Any], kept: NDArray[np.int64]) -> NDArray[np.int64]:
    number = np.full(int(faces.max()) + 1, -1)
    number[kept] = np.arange(len(kept))
    corners = np.where(faces >= 0, number[faces], -2)
    first = corners[(corners[:, :3] >= 0).all(axis=1)][:, :3]
    second = corners[(corners >= 0).all(axis=1)][:, [0, 2, 3]]
    return np.concatenate([first, second])


def _regressor(points: NDArray[np.float64], joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each joint as a sum of vertices whose weights add up to 1."""
    table = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    goals = np.concatenate([joints, np.ones((len(joints), 1))], axis=1)
    return np.linalg.lstsq(table.T, goals.T, rcond=None)[0].T
