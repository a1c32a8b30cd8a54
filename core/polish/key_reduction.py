# SPDX-License-Identifier: GPL-3.0-or-later
"""Few editable keys instead of one a frame, such that no point of the face is off by more than a bound.

Between two keys a curve is a cubic with given slopes at both ends, which is what Blender draws between handles that
reach a third of the way. The slopes are those of the given curve, so whether a stretch can do without keys depends on
its two ends alone, and the fewest keys under a tolerance of each frame are a shortest path (dynamic programming, as
Imai and Iri 1988 have it for straight lines). What the curves do together on the mesh is then measured, and the
tolerance is drawn in at the frames where it is too much, until all of them hold: at worst a frame keeps all its keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..errors import InputError

Floats = NDArray[np.float64]

LONGEST = 48
"""Frames between two keys at most: an animator finds no hold longer than two seconds without a key."""
_STRETCH = 400
"""Frames that are reduced at once; a longer line is cut there, which bounds the memory."""
_GENTLE_ROUNDS = 25
"""So often the tolerance is drawn in little by little; after that a frame that is off keeps all its keys."""
_NEARLY, _SURELY = 1.2, 0.9
"""Lips that are no further apart than so many seals may part no further, unless they stay nearer than the other."""
_SLACK = 1e-4
"""Millimetres of rounding."""
_SPARE = 1e-3
"""Share of the bound left to the rounding of float32 keys."""


@dataclass(frozen=True)
class Face:
    """What curves do to the points of a face that are watched, in mm.

    shifts: (C, P, 3) where a point goes for each unit of a curve, for curves that move points straight (shapes)
    levers: (C, P)    how far at most a point goes for each unit, for curves that turn it (bones); they add up
    gaps:   (C, D, Q) by how much a curve parts each pair of lips, along each of some directions
    rest:   (D, Q)    how far these are apart when all curves are 0
    """

    shifts: Floats
    levers: Floats
    gaps: Floats
    rest: Floats

    def distances(self, error: Floats) -> Floats:
        """How far each point is off at each frame, (T, P) mm, at most; error (T, C) in the units of the curves."""
        straight = np.tensordot(error, self.shifts, 1)
        return np.sqrt(np.einsum("tpx,tpx->tp", straight, straight)) + np.abs(error) @ self.levers

    def apart(self, values: Floats) -> Floats:
        """How far the lips are apart, (T, D, Q) mm."""
        return self.rest + np.tensordot(values, self.gaps, 1)


@dataclass(frozen=True)
class Reduction:
    """The keys that are left.

    kept:   (T, C) whether a curve keeps its key at a frame
    slopes: (T, C) the slope of each curve there, per frame
    straight: (T,) frames after which there is a pause without frames: the way over it is a straight line
    worst:  the greatest distance of any point at any frame, mm
    """

    kept: NDArray[np.bool_]
    slopes: Floats
    straight: NDArray[np.bool_]
    worst: float

    @property
    def keys(self) -> int:
        """How many keys there are."""
        return int(self.kept.sum())


def reduce_keys(frames: NDArray[np.int64], values: Floats, face: Face, bound: float, seal: float = 1.0) -> Reduction:
    """The fewest keys found for curves `values` (T, C) at rising whole `frames` (T,).

    No watched point is off by more than `bound` mm at any of the frames, and lips that are at most `seal` mm apart, all
    of them along one direction, stay so; those that nearly are part no further than they did. Raises InputError for a
    bound that is not above 0.
    """
    if not bound > 0:
        raise InputError(f"A bound of {bound:g} mm is not above 0: choose 0.3 mm, or less to stay closer.")
    parts = [_reduce(values[a:b], face, bound, seal) for a, b in stretches(frames)]
    if not parts:
        nothing = np.zeros(values.shape, bool)
        return Reduction(nothing, np.zeros(values.shape), np.zeros(len(values), bool), 0.0)
    straight = np.append(np.diff(frames) > 1, False)
    kept = np.concatenate([part[0] for part in parts])
    slopes = np.concatenate([part[1] for part in parts])
    return Reduction(kept, slopes, straight, max(part[2] for part in parts))


def stretches(frames: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Start and stop of each run of frames without a pause, none of them very long."""
    starts = [0, *(np.flatnonzero(np.diff(frames) > 1) + 1).tolist(), len(frames)]
    runs = []
    for start, stop in pairwise(starts):
        pieces = -(-(stop - start) // _STRETCH)
        cuts = [start + (stop - start) * piece // pieces for piece in range(pieces + 1)] if pieces else []
        runs += list(pairwise(cuts))
    return runs


def _reduce(values: Floats, face: Face, bound: float, seal: float) -> tuple[NDArray[np.bool_], Floats, float]:
    """Kept (T, C), slopes (T, C) and the greatest distance in mm, of one stretch."""
    slopes = slopes_of(values)
    limit = bound * (1 - _SPARE)
    apart = face.apart(values)
    # a little more than shut: others may measure lips elsewhere, and see a seal where this face has none
    shut = apart.max(axis=2, initial=-np.inf, keepdims=True) <= _NEARLY * seal
    allowed = np.where(shut, np.maximum(apart, _SURELY * seal), np.inf) + _SLACK
    reach = np.maximum(np.linalg.norm(face.shifts, axis=2).max(axis=1, initial=0), face.levers.max(axis=1, initial=0))
    tolerance = np.repeat(limit / np.maximum(reach, 1e-9)[None], len(values), axis=0)
    kept = np.zeros(values.shape, bool)
    drawn = np.zeros_like(values)
    stale = np.ones(values.shape[1], bool)
    # ends, since a frame without tolerance is never off again
    for round_ in count():
        kept[:, stale] = fewest(values[:, stale], slopes[:, stale], tolerance[:, stale])
        drawn[:, stale] = draw(values[:, stale], slopes[:, stale], kept[:, stale])
        error = drawn - values
        off = face.distances(error).max(axis=1, initial=0)
        opened = (face.apart(drawn) > allowed).any(axis=(1, 2))
        excess = np.maximum(off / limit, np.where(opened, 2.0, 0.0))
        bad = excess > 1
        if not bad.any():
            return kept, slopes, float(off.max(initial=0))
        if round_ < _GENTLE_ROUNDS:
            # small contributions are left alone: to hold them back would cost keys and gain nothing
            share = np.abs(error) * reach
            blamed = bad[:, None] & (share > 0.25 * share.max(axis=1, keepdims=True))
            narrower = np.minimum(tolerance, np.abs(error)) * np.minimum(0.8, 0.95 / np.maximum(excess, 1))[:, None]
        else:
            blamed = np.repeat(bad[:, None], values.shape[1], axis=1)
            narrower = np.zeros_like(tolerance)
        tolerance = np.where(blamed, narrower, tolerance)
        stale = blamed.any(axis=0)
    raise AssertionError("unreachable")


def slopes_of(values: Floats) -> Floats:
    """The slope of each curve (T, C) at each frame, per frame, so that no cubic overshoots (Fritsch and Carlson 1980).

    It is flat at an extreme, so lips that a key holds shut stay shut around it.
    """
    step = np.diff(values, axis=0)
    slopes = np.zeros_like(values)
    if len(step):
        slopes[0], slopes[-1] = step[0], step[-1]
        product = step[:-1] * step[1:]
        np.divide(2 * product, step[:-1] + step[1:], out=slopes[1:-1], where=product > 0)
    return slopes


def fewest(values: Floats, slopes: Floats, tolerance: Floats) -> NDArray[np.bool_]:
    """Which keys (T, C) to keep: of all choices under the tolerance (T, C), the fewest, and of these the nearest."""
    frames, curves = values.shape
    if frames <= 2:
        return np.ones(values.shape, bool)
    cost = _stretch_costs(values, slopes, tolerance)
    longest = cost.shape[2]
    best = np.full((curves, frames), np.inf)
    best[:, 0] = 0
    origin = np.zeros((curves, frames), np.int64)
    row = np.arange(curves)
    for frame in range(1, frames):
        lengths = np.arange(1, min(frame, longest) + 1)
        ways = best[:, frame - lengths] + cost[:, frame, lengths - 1]
        choice = ways.argmin(axis=1)
        best[:, frame] = ways[row, choice]
        origin[:, frame] = frame - lengths[choice]
    kept = np.zeros(values.shape, bool)
    kept[-1] = True
    at = np.full(curves, frames - 1)
    while at.any():
        at = origin[row, at]
        kept[at, row] = True
    return kept


def _stretch_costs(values: Floats, slopes: Floats, tolerance: Floats) -> Floats:
    """(C, T, L): the cost of a curve without keys between frame t - l - 1 and frame t; infinite beyond the tolerance.

    One for the key, and a little for the share of the tolerance that is used up.
    """
    frames, curves = values.shape
    longest = min(LONGEST, frames - 1)
    cost = np.full((curves, frames, longest), np.inf)
    cost[:, 1:, 0] = 1.0
    value, slope, room = (np.ascontiguousarray(array.T) for array in (values, slopes, np.maximum(tolerance, 1e-12)))
    failed = 0
    for length in range(2, longest + 1):
        ends = np.stack(
            [value[:, :-length], length * slope[:, :-length], value[:, length:], length * slope[:, length:]], axis=2
        )
        inside = ends @ hermite(np.arange(1, length) / length)
        windows = sliding_window_view(value[:, 1:-1], length - 1, axis=1)
        used = (np.abs(inside - windows) / sliding_window_view(room[:, 1:-1], length - 1, axis=1)).max(axis=2)
        cost[:, length:, length - 1] = np.where(used <= 1, 1 + 1e-3 * np.minimum(used, 1), np.inf)
        failed = 0 if (used <= 1).any() else failed + 1
        if failed == 6:
            break
    return cost


def hermite(part: Floats) -> Floats:
    """(4, N): how value and slope at the start and value and slope at the end make a cubic at parts 0..1 of the way."""
    p2, p3 = part * part, part * part * part
    return np.stack([2 * p3 - 3 * p2 + 1, p3 - 2 * p2 + part, 3 * p2 - 2 * p3, p3 - p2])


def draw(values: Floats, slopes: Floats, kept: NDArray[np.bool_]) -> Floats:
    """The curves (T, C) that the kept keys make."""
    drawn = np.empty_like(values)
    at = np.arange(len(values))
    for curve in range(values.shape[1]):
        keys = np.flatnonzero(kept[:, curve])
        drawn[:, curve] = _draw_one(at, keys, values[keys, curve], slopes[keys, curve])
    return drawn


def _draw_one(at: NDArray[np.int64], keys: NDArray[np.int64], values: Floats, slopes: Floats) -> Floats:
    if len(keys) < 2:
        return np.full(len(at), values[0] if len(values) else 0.0)
    left = np.clip(np.searchsorted(keys, at, side="right") - 1, 0, len(keys) - 2)
    length = (keys[left + 1] - keys[left]).astype(np.float64)
    weights = hermite((at - keys[left]) / length)
    drawn: Floats = (
        weights[0] * values[left]
        + weights[1] * length * slopes[left]
        + weights[2] * values[left + 1]
        + weights[3] * length * slopes[left + 1]
    )
    return drawn


def lip_pairs(points: Floats, upper: Sequence[int], lower: Sequence[int], touching: float) -> NDArray[np.int64]:
    """Pairs (Q, 2) of an upper and the nearest lower lip point (P, 3) that lie within `touching` of each other."""
    if not len(upper) or not len(lower):
        return np.zeros((0, 2), np.int64)
    above, below = np.asarray(upper), np.asarray(lower)
    apart = np.linalg.norm(points[above][:, None] - points[below][None], axis=2)
    nearest = apart.argmin(axis=1)
    near = apart[np.arange(len(above)), nearest] <= touching
    return np.stack([above[near], below[nearest[near]]], axis=1)
