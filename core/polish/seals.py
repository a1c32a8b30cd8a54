# SPDX-License-Identifier: GPL-3.0-or-later
"""Lips that close do meet, and long enough to be seen.

A seal on p, b or m lasts 60 to 120 ms (Stathopoulos and Weismer 1983).
"""

from __future__ import annotations

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
_PRESSED = 0.12
"""`mouthPress` from which lips that meet are meant to: artalk-mini presses all but one in fifty of its p b m by twice
as much, and lips that come near each other by chance by a quarter of it."""
_SLIT_MM = 0.5
"""Lips nearer than this are meant to touch: a model leaves a little between them, through which teeth shine."""
_REST_SECONDS = 0.2
"""Lips that are shut for longer rest, pressed or not."""
LIP_OPENERS = tuple(name for name in _MM_PER_WEIGHT if name.startswith("mouth") and name != "mouthClose")
_SHORTEST = 0.062
"""Seconds between the crossings of straight lines through the frames; smooth curves through them lose some of it."""
_FOLLOWING = 0.15
"""Share of the draw of a frame to a seal by which the frame beyond follows, so that lips part in a smaller jump."""


def lip_gap(motion: Motion) -> NDArray[np.float64]:
    """How far ARKit motion parts the lips of an ordinary head, mm (T,)."""
    weights = motion.values[:, motion.basis.indices(list(_MM_PER_WEIGHT))].astype(np.float64)
    return np.asarray(weights @ np.array(list(_MM_PER_WEIGHT.values())))


def pressed(motion: Motion) -> NDArray[np.bool_]:
    """Frames (T,) in which the lips are pressed together, as for p, b and m."""
    presses = motion.values[:, motion.basis.indices(["mouthPressLeft", "mouthPressRight"])]
    return np.asarray(presses.mean(axis=1) >= _PRESSED)


def shut_slits(motion: Motion, meant: NDArray[np.bool_]) -> Motion:
    """The motion with lips brought together by `mouthClose` where they are meant to meet or rest, and a slit is left.

    meant: (T,), see `pressed`. Ever less of it up to 1 mm; lips that come near each other in passing stay apart.
    """
    gap = lip_gap(motion)
    slit = np.full(len(motion), np.nan)
    for first, after in _shut(gap):
        rests = first == 0 or after == len(gap) or after - first > _REST_SECONDS * motion.fps
        if rests or meant[first:after].any():
            slit[first:after] = _SLIT_MM
    kept = np.nan_to_num(np.clip((gap - slit) / (SEALED_MM - slit), 0, 1), nan=1.0)
    values = motion.values.copy()
    close = values[:, motion.basis.index("mouthClose")]
    close += np.maximum(gap * (1 - kept), 0) / -_MM_PER_WEIGHT["mouthClose"]
    return motion.with_values(values)


def hold_seals(motion: Motion, meant: NDArray[np.bool_]) -> Motion:
    """The motion with seals of the lips under 62 ms made that long; it takes the model's own frames.

    meant: (T,) where lips that meet are meant to (see `pressed`); other seals stay as short as they are, and so do
    those at either end. The frames beside a seal are drawn towards it, no further than to where the lips just meet;
    a frame beyond, which would be left in a jump, follows a little.
    """
    gap = lip_gap(motion)
    values = motion.values.copy()
    columns = mouth_channels(motion.basis.channels)

    def draw_to(moved: int, towards: int, way: float) -> None:
        values[moved, columns] += np.float32(way) * (values[towards, columns] - values[moved, columns])
        gap[moved] += way * (gap[towards] - gap[moved])

    drawn: dict[int, tuple[int, float]] = {}
    for first, after in _shut(gap):
        if first == 0 or after == len(gap) or not meant[first:after].any():
            continue
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
            draw_to(outer, inner, draw)  # the next seal may have this frame beside it too
            drawn[outer] = (2 * outer - inner, draw)
    for frame, (beside, way) in _followers(gap, drawn).items():
        draw_to(frame, beside, way)
    return motion.with_values(values)


def _followers(gap: NDArray[np.float64], drawn: dict[int, tuple[int, float]]) -> dict[int, tuple[int, float]]:
    """Frames that follow the one beside them that was drawn: which one that is, and how much of the way.

    drawn: of each frame that was, the one beyond and how much of the way. That follows where the step between them is
    larger than the next one, and the one of two that was drawn further.
    """
    following: dict[int, tuple[int, float]] = {}
    for outer, (beyond, way) in sorted(drawn.items(), key=lambda item: item[1][1]):
        if beyond in drawn or not 0 <= beyond < len(gap):
            continue
        later = min(max(2 * beyond - outer, 0), len(gap) - 1)
        if gap[beyond] - gap[outer] > max(gap[later] - gap[beyond], 0):
            following[beyond] = (outer, _FOLLOWING * way)
    return following


def _shut(gap: NDArray[np.float64]) -> list[tuple[int, int]]:
    """First frame and the one after the last of each stretch in which the lips are closed."""
    edges = np.flatnonzero(np.diff(np.pad((gap <= SEALED_MM).astype(np.int8), 1)))
    return [(int(first), int(after)) for first, after in zip(edges[::2], edges[1::2], strict=True)]


def _shares(reach: list[float], missing: float) -> list[float]:
    """Where the two crossings should lie, in frames outside the seal (at most 1), when `missing` frames are added."""
    first = min(1.0, reach[0] + missing / 2)
    second = min(1.0, reach[1] + missing - (first - reach[0]))
    return [min(1.0, reach[0] + missing - (second - reach[1])), second]
