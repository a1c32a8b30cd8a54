# SPDX-License-Identifier: GPL-3.0-or-later
"""Lips that close do meet, and long enough to be seen.

A seal on p, b or m lasts 60 to 120 ms (Stathopoulos and Weismer 1983).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..motion import Motion
from .silence import mouth_channels

_MM_PER_WEIGHT = {
    "jawOpen": 27.0,
    "mouthClose": -27.0,
    "mouthFunnel": 11.0,
    "mouthLowerDownLeft": 3.0,
    "mouthLowerDownRight": 3.0,
    "mouthUpperUpLeft": 3.0,
    "mouthUpperUpRight": 3.0,
}
"""By how much a shape parts the lips of the default head."""
SEALED_MM = 1.0
"""Lips that are nearer than this count as closed."""
_SLIT_MM = 0.35
"""Lips nearer than this are meant to touch: a model leaves a tenth or two between them, through which teeth shine."""
_DOUBT_SECONDS, _OPENED_MM = 0.2, 1.5
LIP_OPENERS = tuple(name for name in _MM_PER_WEIGHT if name.startswith("mouth") and name != "mouthClose")
_SHORTEST = 0.062
"""Seconds between the crossings of straight lines through the frames; smooth curves through them lose some of it."""


def lip_gap(motion: Motion) -> NDArray[np.float64]:
    """How far ARKit motion parts the lips of an ordinary head, mm (T,)."""
    weights = motion.values[:, motion.basis.indices(list(_MM_PER_WEIGHT))].astype(np.float64)
    return np.asarray(weights @ np.array(list(_MM_PER_WEIGHT.values())))


def settle_lips(motion: Motion) -> Motion:
    """The motion with lips that are either apart or shut where a model leaves it open; on the model's own frames."""
    return shut_slits(open_doubts(motion))


def open_doubts(motion: Motion) -> Motion:
    """The motion with short dips that stop .35 to 1 mm short of touching opened to 1.5 mm at most.

    In most of artalk-mini's nothing is said that closes the lips.
    """
    gap = lip_gap(motion)
    values = motion.values.copy()
    jaw, close = (values[:, motion.basis.index(name)] for name in ("jawOpen", "mouthClose"))
    for first, last in _seals(gap):
        if last - first <= _DOUBT_SECONDS * motion.fps and gap[first:last].min() > _SLIT_MM:
            part = slice(first, last)
            beside = min(gap[first - 1], gap[last], _OPENED_MM)  # no further than the lips are apart there
            missing = np.float32((beside - gap[part]) / _MM_PER_WEIGHT["jawOpen"])
            freed = np.minimum(close[part], missing)
            close[part] -= freed
            jaw[part] += missing - freed
    return motion.with_values(values)


def hold_seals(motion: Motion) -> Motion:
    """The motion with seals of the lips under 62 ms made that long; it takes the model's own frames.

    The frames beside a seal are drawn towards it, no further than to where the lips just meet.
    """
    gap = lip_gap(motion)
    values = motion.values.copy()
    columns = mouth_channels(motion.basis.channels)
    for first, after in _seals(gap):
        before, last = first - 1, after - 1
        if min(gap[before], gap[after]) <= SEALED_MM:
            continue  # drawn there already by the seal before
        sides = ((before, before + 1), (last + 1, last))
        reach = [(SEALED_MM - gap[inner]) / (gap[outer] - gap[inner]) for outer, inner in sides]
        missing = _SHORTEST * motion.fps - (last - before - 1 + sum(reach))
        if missing <= 0:
            continue
        for (outer, inner), share in zip(sides, _shares(reach, missing), strict=True):
            wanted = gap[inner] + (SEALED_MM - gap[inner]) / share if share > 0 else gap[outer]
            draw = max(0.0, (gap[outer] - wanted) / (gap[outer] - gap[inner]))
            values[outer, columns] += np.float32(draw) * (values[inner, columns] - values[outer, columns])
            gap[outer] += draw * (gap[inner] - gap[outer])  # the next seal may have this frame beside it too
    return motion.with_values(values)


def _seals(gap: NDArray[np.float64]) -> Iterator[tuple[int, int]]:
    """First frame and the one after the last of each seal that begins and ends within the motion."""
    edges = np.flatnonzero(np.diff((gap <= SEALED_MM).astype(np.int8))) + 1
    for first, after in pairwise(edges):
        if gap[first] <= SEALED_MM:  # else the edges are those of an open stretch between two seals
            yield int(first), int(after)


def shut_slits(motion: Motion) -> Motion:
    """The motion with lips less than .35 mm apart brought together by `mouthClose`, and ever less of it up to 1 mm."""
    gap = lip_gap(motion)
    kept = np.clip((gap - _SLIT_MM) / (SEALED_MM - _SLIT_MM), 0, 1)
    values = motion.values.copy()
    close = values[:, motion.basis.index("mouthClose")]
    close += np.maximum(gap * (1 - kept), 0) / -_MM_PER_WEIGHT["mouthClose"]
    return motion.with_values(values)


def _shares(reach: list[float], missing: float) -> list[float]:
    """Where the two crossings should lie, in frames outside the seal (at most 1), when `missing` frames are added."""
    first = min(1.0, reach[0] + missing / 2)
    second = min(1.0, reach[1] + missing - (first - reach[0]))
    return [min(1.0, reach[0] + missing - (second - reach[1])), second]
