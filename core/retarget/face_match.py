# SPDX-License-Identifier: GPL-3.0-or-later
"""One head's movements on another's mesh: features found on both at rest, a smooth warp between them, nearest points.

The features are found by geometry alone (eyes, the line where the lips part under the jaw, lids, profile), so that no
list of vertices of any head is needed. The warp is a thin-plate spline through them (Bookstein 1989), of which the
derivative turns and scales the movements.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

Floats = NDArray[np.float64]

# all lengths below are in distances between the eyes
_MOUTH = (0.6, -0.6, -1.6)
"""The lips are so far at most to a side of the middle between the eyes, and no higher and no lower than this."""
_CHUNK = 128
_PARTS, _STEEP, _CLOSE, _TOUCH, _FEWEST = 0.12, 6.0, 0.01, 0.07, 5
"""Lips: points that touch and of which the jaw takes one this much further, over so short a way that it is no skin."""
_ALONG_LIPS = np.linspace(-0.8, 0.8, 5)
_AROUND_EYE = np.radians(np.arange(0, 360, 45))
_NARROW, _ASIDE = 0.035, 6.0
_MID, _SLICE = 0.06, 0.04
_STIFF = 1e-3
_SIDE = 0.35
"""How far apart two points count that the jaw takes along in full and not at all: lips that touch are no neighbours."""
_NEAREST = 4
_FAR = 0.25
PROFILE = 9
_ROUNDS, _REFINED, _STEP = 3, 160, 0.5


@dataclass(frozen=True)
class Face:
    """What is known of a head's skin. Any unit; x to the character's left, y up, z forward.

    points: (V, 3) at rest
    drop:   (V, 3) where the jaw takes them when it opens
    eyes:   (2, 3) the centres of the eyeballs, left and right
    """

    points: Floats
    drop: Floats
    eyes: Floats

    @property
    def unit(self) -> float:
        """Distance between the eyes."""
        return float(np.linalg.norm(self.eyes[0] - self.eyes[1]))

    @property
    def middle(self) -> Floats:
        """Half-way between the eyes, (3,)."""
        centre: Floats = self.eyes.mean(axis=0)
        return centre

    @cached_property
    def share(self) -> Floats:
        """How much of the jaw's way each point goes, (V,), 0 to 1."""
        far = np.linalg.norm(self.drop, axis=1)
        result: Floats = far / max(float(far.max(initial=0)), 1e-12)
        return result

    @cached_property
    def lips(self) -> NDArray[np.int64]:
        """Upper and lower vertices (P, 2) that touch at rest and part under the jaw; InputError when there are none."""
        off = (self.points - self.middle) / self.unit
        inside = (abs(off[:, 0]) < _MOUTH[0]) & (off[:, 1] < _MOUTH[1]) & (off[:, 1] > _MOUTH[2]) & (off[:, 2] > 0)
        found = np.flatnonzero(inside)
        found = found[np.argsort(off[found, 0])]
        off, share = off[found], self.share[found]
        pairs = []
        for start in range(0, len(found), _CHUNK):
            part = slice(start, start + _CHUNK)
            low, high = np.searchsorted(off[:, 0], [off[part][0, 0] - _TOUCH, off[part][-1, 0] + _TOUCH])
            apart = np.linalg.norm(off[part, None] - off[None, low:high], axis=2)
            parts = share[part, None] - share[None, low:high]  # how much further the jaw takes the first
            apart[(parts < _PARTS) | (parts < _STEEP * (apart + _CLOSE)) | (apart > _TOUCH)] = np.inf
            lower = np.flatnonzero(np.isfinite(apart.min(axis=1)))
            pairs.append(np.stack([found[low + apart[lower].argmin(axis=1)], found[start + lower]], axis=1))
        if sum(map(len, pairs)) < _FEWEST:
            raise InputError("No face was found on this head: its jaw parts no lips.")
        return np.concatenate(pairs)


def transfer(source: Face, target: Face, movements: Floats) -> Floats:
    """Movements (S, V, 3) of the source's vertices -> of the target's, (S, V', 3), in the target's unit.

    Vertices of the target that nothing of the source lies near stay where they are. InputError as of `Face.lips`.
    """
    warped, turns = _warped(source, target)
    near, weights = _neighbours(target, warped, source.share)
    turned = np.einsum("vab,svb->sva", turns, movements)
    return np.einsum("tk,stka->sta", weights, turned[:, near])


def landmarks(face: Face) -> Floats:
    """The features of a face (N, 3), the same in the same order on every head; the last PROFILE are its outline."""
    return np.concatenate([face.eyes, _lip_marks(face), *(_lid_margin(face, eye) for eye in face.eyes), _profile(face)])


def _lip_marks(face: Face) -> Floats:
    """Corners, and points of the upper and lower lip between them, (2 + 2 * 5, 3)."""
    rims = face.points[face.lips]  # (P, 2, 3)
    across = rims[:, :, 0].mean(axis=1)
    # a corner is where the pairs end; one stray pair must not be it
    low, high = np.percentile(across, [1, 99])
    place = (across - (low + high) / 2) / ((high - low) / 2)
    marks = [_foremost(rims[place > 0.93].mean(axis=1)), _foremost(rims[place < -0.93].mean(axis=1))]
    for at in _ALONG_LIPS:
        here = rims[abs(place - at) < 0.15]
        marks += [_foremost(here[:, 0]), _foremost(here[:, 1])]
    return np.array(marks)


def _require(points: NDArray[Any], feature: str) -> None:
    if not len(points):
        raise InputError(f"No face was found on this head: its {feature} are not where a face has them.")


def _foremost(points: Floats) -> Floats:
    """The mean of the third of the points that lie the furthest forward."""
    _require(points, "lips")
    first = np.argsort(-points[:, 2])[: max(1, len(points) // 3)]
    mean: Floats = points[first].mean(axis=0)
    return mean


def _lid_margin(face: Face, eye: Floats) -> Floats:
    """The margin of the lids in eight directions as seen from in front, (8, 3)."""
    off = (face.points - eye) / face.unit
    seen = off[(np.hypot(off[:, 0], off[:, 1]) < 0.45) & (off[:, 2] > 0.05)]
    _require(seen, "lids")
    outward = np.array([np.sign(eye[0] - face.middle[0]), 1.0])
    marks = []
    for angle in _AROUND_EYE:
        ray = np.array([np.cos(angle), np.sin(angle)]) * outward
        along, aside = seen[:, :2] @ ray, abs(seen[:, :2] @ (ray[::-1] * [1, -1]))
        first = np.argsort(along + _ASIDE * np.maximum(aside - _NARROW, 0) + 9 * (along < 0))[:2]
        marks.append(seen[first].mean(axis=0) * face.unit + eye)
    return np.array(marks)


def lid_pairs(face: Face) -> NDArray[np.int64]:
    """Vertices of the upper lids' margins and those of the lower ones below them, (6, 2)."""
    margins = [_lid_margin(face, eye) for eye in face.eyes]
    marks = np.array([[margin[up], margin[-up]] for margin in margins for up in (1, 2, 3)])
    return np.linalg.norm(marks[:, :, None] - face.points, axis=3).argmin(axis=2)


def _profile(face: Face) -> Floats:
    """Glabella, bridge and tip of the nose, its foot, chin, and the sides of head and cheeks, (9, 3)."""
    off = (face.points - face.middle) / face.unit
    mouth = float(((face.points[face.lips].mean(axis=(0, 1)) - face.middle) / face.unit)[1])
    line = _outline(off[(abs(off[:, 0]) < _MID) & (off[:, 2] > 0)])

    def best(low: float, high: float, score: Floats) -> Floats:
        inside = np.flatnonzero((line[:, 1] > low) & (line[:, 1] < high))
        _require(inside, "nose and chin")
        return line[inside[score[inside].argmax()]]

    tip = best(mouth + 0.2, 0.0, line[:, 2])
    marks = [
        tip,
        best(0.3, 0.4, line[:, 2]),
        best(tip[1] + 0.25, 0.25, -line[:, 2]),
        best(mouth + 0.14, tip[1] - 0.1, -line[:, 2]),
        best(mouth - 0.9, mouth - 0.28, line[:, 2]),
    ]
    for height, depth in ((0.0, -0.4), (mouth, -0.5)):
        slab = off[(abs(off[:, 1] - height) < 0.12) & (abs(off[:, 2] - depth) < 0.15)]
        _require(slab, "cheeks")
        marks += [slab[slab[:, 0].argmax()], slab[slab[:, 0].argmin()]]
    found = np.array(marks)
    found[:5, 0] = 0  # they are in the middle, whichever vertex is nearest to it
    return found * face.unit + face.middle


def _outline(points: Floats) -> Floats:
    """The foremost point of each slice from below to above."""
    slices = np.floor(points[:, 1] / _SLICE)
    return np.array([max(points[slices == each], key=lambda p: p[2]) for each in np.unique(slices)])


# --- the warp -------------------------------------------------------------------------------------------------------


def _warped(source: Face, target: Face) -> tuple[Floats, Floats]:
    """Where the source's vertices lie on the target, (V, 3), and the warp's derivative there, (V, 3, 3)."""
    knots, goals = landmarks(source), landmarks(target)
    warp = _Spline(knots, goals)
    # where there are no features, the surfaces are drawn together
    chosen = _spread(source, knots)
    spread = source.points[chosen]
    for _ in range(_ROUNDS):
        pulled = _towards(warp(spread)[0], source.share[chosen], target)
        warp = _Spline(np.concatenate([knots, spread]), np.concatenate([goals, pulled]))
    return warp(source.points)


class _Spline:
    """A smooth map of space that takes knots (N, 3) near to goals (N, 3)."""

    def __init__(self, knots: Floats, goals: Floats) -> None:
        count = len(knots)
        size = np.linalg.norm(knots[0] - knots[1])
        edge = np.concatenate([np.ones((count, 1)), knots], axis=1)
        table = np.zeros((count + 4, count + 4))
        table[:count, :count] = np.linalg.norm(knots[:, None] - knots[None], axis=2) - _STIFF * size * np.eye(count)
        table[:count, count:], table[count:, :count] = edge, edge.T
        self.knots = knots
        self.bends, self.plain = np.split(np.linalg.solve(table, np.pad(goals, [(0, 4), (0, 0)])), [count])

    def __call__(self, points: Floats) -> tuple[Floats, Floats]:
        """Where points (P, 3) go, and the derivative there, (P, 3, 3)."""
        apart = points[:, None] - self.knots[None]
        far = np.linalg.norm(apart, axis=2)
        moved = far @ self.bends + points @ self.plain[1:] + self.plain[0]
        slopes = np.einsum("pka,pk,kb->pba", apart, 1 / np.maximum(far, 1e-9), self.bends)
        return moved, slopes + self.plain[1:].T


def _spread(face: Face, taken: Floats) -> NDArray[np.int64]:
    """Vertices of the front of a face, each as far as can be from those before it and from the knots, (N,)."""
    off = (face.points - face.middle) / face.unit
    front = np.flatnonzero((abs(off[:, 0]) < 1.2) & (off[:, 1] > -2.0) & (off[:, 1] < 1.0) & (off[:, 2] > -0.4))
    points = face.points[front]
    far = np.linalg.norm(points[:, None] - taken[None], axis=2).min(axis=1)
    chosen = []
    for _ in range(_REFINED):
        chosen.append(int(far.argmax()))
        far = np.minimum(far, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return front[chosen]


def _towards(at: Floats, share: Floats, target: Face) -> Floats:
    """Points (N, 3) drawn half-way to where the target's surface is nearest; share: (N,) as in Face."""
    marked = _marked(target.points, target.share, target.unit)
    near, weights = _nearest(_marked(at, share, target.unit), marked)
    goal = np.einsum("tk,tka->ta", weights, target.points[near])
    return at + _STEP * (goal - at)


def _neighbours(target: Face, warped: Floats, share: Floats) -> tuple[NDArray[np.int64], Floats]:
    """For each vertex of the target the warped ones that it follows (V', 4), and by how much (V', 4)."""
    wide = _marked(target.points, target.share, target.unit)
    near, weights = _nearest(wide, _marked(warped, share, target.unit))
    gap = np.linalg.norm(target.points - np.einsum("tk,tka->ta", weights, warped[near]), axis=1)
    return near, weights * np.clip(2 - gap / (_FAR * target.unit), 0, 1)[:, None]


def _marked(points: Floats, share: Floats, unit: float) -> Floats:
    """Points with the jaw's share as a fourth coordinate, (N, 4)."""
    return np.concatenate([points, _SIDE * unit * share[:, None]], axis=1)


def _nearest(points: Floats, among: Floats) -> tuple[NDArray[np.int64], Floats]:
    """The nearest of some points to each of (P, D), (P, 4), with weights (P, 4) that sum to 1."""
    near = np.empty((len(points), _NEAREST), np.int64)
    squares = (among**2).sum(axis=1)
    for start in range(0, len(points), 512):
        part = slice(start, start + 512)
        apart = squares - 2 * points[part] @ among.T
        near[part] = np.argpartition(apart, _NEAREST, axis=1)[:, :_NEAREST]
    far = np.linalg.norm(points[:, None] - among[near], axis=2)
    weights = 1 / np.maximum(far, 1e-6) ** 2
    return near, weights / weights.sum(axis=1, keepdims=True)
