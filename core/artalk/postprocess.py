# SPDX-License-Identifier: GPL-3.0-or-later
"""The post-processing of ARTalk's published tools: smoothing, cut, and zeroing of two jaw axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..basis import FLAME, HEAD_ROTATION
from ..motion import Motion

PUBLISHED_LIMIT = 750
"""Frames after which the published tools cut, 30 s."""
WINDOW, ORDER = 5, 2
HEAD_WINDOW, HEAD_ORDER = 9, 3


def published(motion: Motion, limit: int | None = PUBLISHED_LIMIT, fix_pose: bool = False) -> Motion:
    """A model's own FLAME motion as the published tools hand it out.

    Smooths all of it, then cuts to `limit` frames (so the cut makes no edge), sets the head still if `fix_pose`, and
    always sets the jaw's turn and tilt to 0. ValueError when the motion is not in the FLAME basis.
    """
    if motion.basis != FLAME:
        raise ValueError(f"the published post-processing is for FLAME motion, not '{motion.basis.name}'")
    values = smooth(motion.values, FLAME.indices(HEAD_ROTATION))[:limit]
    if fix_pose:
        values[:, FLAME.indices(HEAD_ROTATION)] = 0
    values[:, FLAME.indices(("jaw_y", "jaw_z"))] = 0
    return motion.with_values(values)


def smooth(values: NDArray[np.float32], head: list[int]) -> NDArray[np.float32]:
    """Savitzky-Golay over time of (T, C): window 5, order 2; the columns `head`: window 9, order 3.

    Fewer than 9 frames are too few for it and come back as they are.
    """
    if len(values) < HEAD_WINDOW:
        return values.copy()
    smoothed = savitzky_golay(values, WINDOW, ORDER)
    smoothed[:, head] = savitzky_golay(values[:, head], HEAD_WINDOW, HEAD_ORDER)
    return smoothed


def savitzky_golay(values: NDArray[np.float32], window: int, order: int) -> NDArray[np.float32]:
    """Each value of (T, C), T >= window, replaced by a polynomial's fitted to its neighbours (Savitzky, Golay 1964).

    `window` is odd. The first and last half window take the values of the polynomial of the first and last window.
    """
    fit = _fit(window, order)
    half = window // 2
    rows = values.astype(np.float64)
    out = np.empty_like(rows)
    neighbours = np.lib.stride_tricks.sliding_window_view(rows, window, axis=0)
    out[half : len(rows) - half] = neighbours @ fit[half]
    out[:half] = fit[:half] @ rows[:window]
    out[-half:] = fit[-half:] @ rows[-window:]
    return out.astype(np.float32)


def _fit(window: int, order: int) -> NDArray[np.float64]:
    """(window, window): values -> values of the least-squares polynomial at the same places."""
    places = np.vander(np.arange(window) - window // 2, order + 1).astype(np.float64)
    return np.asarray(places @ np.linalg.pinv(places), np.float64)


class StreamSmoother:
    """The same smoothing for motion that arrives in pieces: 4 frames late, and once 9 frames are there."""

    def __init__(self, head: list[int]) -> None:
        self.head = head
        self.frames: NDArray[np.float32] | None = None
        self.offset = 0
        self.emitted = 0

    def feed(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take frames (n, C); returns those that no later frame will change."""
        self.frames = values if self.frames is None else np.concatenate([self.frames, values])
        if len(self.frames) < HEAD_WINDOW:
            return self.frames[:0]
        return self._emit(len(self.frames) - HEAD_WINDOW // 2)

    def finish(self) -> NDArray[np.float32]:
        """The rest; nothing may be fed afterwards."""
        if self.frames is None:
            return np.zeros((0, 0), np.float32)
        return self._emit(len(self.frames))

    def _emit(self, end: int) -> NDArray[np.float32]:
        """Smoothed frames up to `end` of those held; forgets the ones no longer needed."""
        assert self.frames is not None
        ready = smooth(self.frames, self.head)[self.emitted - self.offset : end]
        self.emitted = self.offset + end
        forget = max(0, end - HEAD_WINDOW)
        self.frames = self.frames[forget:]
        self.offset += forget
        return ready
