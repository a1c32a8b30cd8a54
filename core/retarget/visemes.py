# SPDX-License-Identifier: GPL-3.0-or-later
"""Visemes out of ARKit motion: per frame the mixture that looks most like the mouth, and never opens sealed lips.

What a mouth looks like is measured in mm on the default head: gap, width and protrusion of the lips, their heights, the
lower teeth, the lower lip against the upper, and how hard the lips are pressed. All of these are linear in the shapes,
so motion and recipes go through one matrix, and a small non-negative fit follows.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..basis import ARKIT_SHAPES
from ..heads import default_head
from ..heads.mesh import MM, HeadMesh

Floats = NDArray[np.float64]
Recipe = Mapping[str, float]

_WEIGHTS = {
    "gap": 1.5, "width": 0.7, "forward": 1.0, "upper": 0.4, "lower": 0.4, "teeth": 0.25, "tuck": 0.8, "press": 1.0
}  # fmt: skip
"""How much a millimetre of each feature counts; what is seen first, the gap, counts most."""
_PRESS_MM = 6.0
"""A lip pressed with all force counts as much as so many mm, as pressing moves lips little and is seen well."""
_RIDGE = 0.05
_STEPS = 150
_SEALED_MM, _PARTED_MM = 0.4, 1.6
Signs = tuple[tuple[tuple[str, ...], float, float], ...]
SPOKEN: Signs = ((("mouthPressLeft", "mouthPressRight"), 0.10, 0.24), (("mouthClose",), 0.03, 0.10))
"""Channels that tell a closure that is spoken from lips at rest: where it begins to count and where it is certain."""


@cache
def recipes() -> dict[str, dict[str, float]]:
    """What each viseme looks like at weight 1, in ARKit shapes; Oculus names, and 'clench' (Rhubarb's B).

    The table is core/phones.csv sent through the articulation map that teaches artalk-mini.
    """
    table: dict[str, dict[str, float]] = {}
    with (Path(__file__).parent / "recipes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            table.setdefault(row["viseme"], {})[row["channel"]] = float(row["weight"])
    return table


def is_mouth_motion(channels: Mapping[str, Floats]) -> bool:
    """Whether a motion has the shapes that a mouth is told by."""
    return "jawOpen" in channels


def fit(channels: Mapping[str, Floats], looks: Sequence[Recipe]) -> Floats:
    """Weights (T, N) of N visemes for a motion's channels (T,): each 0 to 1, together at most 1.

    Least squares on the features with non-negative weights (projected gradient with Nesterov's steps). Then two rules
    that speech needs: the mixture opens the lips no wider than the motion does, and a spoken closure belongs to the
    viseme that presses the lips the most, where there is one.
    """
    values = _values(channels)
    table = np.array([[look.get(name, 0.0) for name in ARKIT_SHAPES] for look in looks])
    seen, targets = features(values), features(table)
    weights = _mixture(seen, targets)
    gap, gaps = _gap(seen), _gap(targets)
    opened = weights @ gaps
    # from lips that are shut no mixture of open mouths may part them
    openers = np.where(gaps > _SEALED_MM, 1.0, 0.0)
    share = np.minimum(1.0, gap / np.maximum(opened, 1e-6))[:, None]
    weights *= 1 - openers * (1 - share)
    closers = _press(targets) * (gaps <= _PARTED_MM)
    if closers.max() > 0:
        closure = _spoken_closure(channels, gap)
        closer = int(closers.argmax())
        room = 1 - closure[:, None]
        weights = weights * np.where(np.arange(len(looks)) == closer, 1.0, room)
        weights[:, closer] = np.maximum(weights[:, closer], closure)
    return weights


def closure(channels: Mapping[str, Floats], signs: Signs = SPOKEN) -> Floats:
    """How surely the lips are shut for a p, b or m in each frame of a motion, (T,), 0 to 1."""
    return _spoken_closure(channels, _gap(features(_values(channels))), signs)


def _values(channels: Mapping[str, Floats]) -> Floats:
    """The weights (T, 52) of a motion's channels (T,); those that are not there are 0."""
    return np.stack([np.clip(channels.get(name, 0.0 * channels["jawOpen"]), 0, 1) for name in ARKIT_SHAPES], axis=1)


def features(values: Floats) -> Floats:
    """What mouths look like, (T, 8) weighted mm away from rest, of ARKit weights (T, 52)."""
    return values @ _matrix()


def _gap(seen: Floats) -> Floats:
    return np.maximum(0.0, seen[:, 0] / _WEIGHTS["gap"])


def _press(seen: Floats) -> Floats:
    return np.maximum(0.0, seen[:, -1])


def _spoken_closure(channels: Mapping[str, Floats], gap: Floats, signs: Signs = SPOKEN) -> Floats:
    """How surely the lips are shut for a p, b or m in each frame, 0 to 1."""
    pressed = np.zeros_like(gap)
    for names, low, high in signs:
        force = np.mean([channels.get(name, 0.0 * gap) for name in names], axis=0)
        pressed = np.maximum(pressed, _smooth_step(force, low, high))
    return pressed * (1 - _smooth_step(gap, _SEALED_MM, _PARTED_MM))


def _smooth_step(x: Floats, low: float, high: float) -> Floats:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


@cache
def _matrix() -> Floats:
    """(52, 8): what each shape does to each feature, measured on the default head."""
    head = default_head.load()
    deltas = head.shape_deltas.astype(np.float64) * MM
    order = [head.shape_names.index(name) for name in ARKIT_SHAPES]
    return _feature_rows(head, deltas[order]) * np.array(list(_WEIGHTS.values()))


def _feature_rows(head: HeadMesh, deltas: Floats) -> Floats:
    pairs = head.lips.reshape(3, -1, 2)[1]  # the middle depth, corner to corner
    upper, lower = deltas[:, pairs[:, 0]], deltas[:, pairs[:, 1]]
    across = head.vertices[pairs[:, 0], 0]
    middle = slice(len(pairs) // 4, len(pairs) - len(pairs) // 4)
    wide, narrow = int(across.argmax()), int(across.argmin())
    teeth = slice(*head.parts["lower_teeth"])
    press = np.array([0.5 if name.startswith("mouthPress") else 0.0 for name in ARKIT_SHAPES])
    lips = (upper[:, middle] + lower[:, middle]).mean(axis=1) / 2
    return np.stack(
        [
            (upper[:, middle, 1] - lower[:, middle, 1]).mean(axis=1),
            upper[:, wide, 0] - upper[:, narrow, 0],
            lips[:, 2],
            upper[:, middle, 1].mean(axis=1),
            lower[:, middle, 1].mean(axis=1),
            deltas[:, teeth, 1].mean(axis=1),
            (lower[:, middle, 2] - upper[:, middle, 2]).mean(axis=1),
            press * _PRESS_MM,
        ],
        axis=1,
    )


def _mixture(seen: Floats, targets: Floats) -> Floats:
    """Weights (T, N) >= 0 with sums <= 1 that minimise |seen - weights @ targets|^2 + ridge |weights|^2."""
    gram = targets @ targets.T
    gram += _RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    aim = seen @ targets.T
    step = 1 / np.linalg.eigvalsh(gram)[-1]
    weights = np.zeros_like(aim)
    ahead, momentum = weights, 1.0
    for _ in range(_STEPS):
        new = _onto_simplex(ahead - step * (ahead @ gram - aim))
        faster = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = new + (momentum - 1) / faster * (new - weights)
        weights, momentum = new, faster
    return weights


def _onto_simplex(points: Floats) -> Floats:
    """The nearest rows (T, N) that are >= 0 and sum to at most 1 (Held, Wolfe and Crowder 1974)."""
    positive = np.maximum(points, 0)
    over = positive.sum(axis=1) > 1
    if over.any():
        ordered = -np.sort(-points[over], axis=1)
        excess = (np.cumsum(ordered, axis=1) - 1) / np.arange(1, points.shape[1] + 1)
        count = (ordered > excess).sum(axis=1)
        positive[over] = np.maximum(points[over] - excess[np.arange(len(count)), count - 1][:, None], 0)
    return positive
