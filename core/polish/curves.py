# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes that the layers are made of: minimum-jerk steps, bumps and slow noise, each at any times.

Everything is a function of time, not of frames, so that one seed gives one performance at every frame rate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NOISE_RATE = 25.0


def minimum_jerk(x: Array) -> Array:
    """The smoothest way from 0 (x <= 0) to 1 (x >= 1) (Flash and Hogan 1985)."""
    x = np.clip(x, 0, 1)
    return x**3 * (10 - 15 * x + 6 * x * x)


def add_step(curve: Array, seconds: Array, start: float, length: float, change: Array | float) -> None:
    """Add a minimum-jerk step of `change` (C,) that begins at `start` and takes `length` seconds to curve (T, C)."""
    first, last = np.searchsorted(seconds, (start, start + length))
    curve[first:last] += minimum_jerk((seconds[first:last, None] - start) / length) * change
    curve[last:] += change


def add_bump(curve: Array, seconds: Array, top: float, flanks: tuple[float, float], height: Array | float) -> None:
    """Add minimum jerk up to `height` (C,) at `top` and back to curve (T, C); `flanks`: seconds of rise and fall."""
    rise, fall = flanks
    first, last = np.searchsorted(seconds, (top - rise, top + fall))
    after = seconds[first:last, None] - top
    curve[first:last] += minimum_jerk(np.where(after < 0, 1 + after / rise, 1 - after / fall)) * height


def slow_noise(seconds: Array, columns: int, cutoff: float, rng: np.random.Generator) -> Array:
    """Gaussian noise (T, columns) of deviation 1 at rising times; half its power is left at `cutoff` Hz.

    It never repeats, and the beginning of a longer one is the shorter one.
    """
    # a Gaussian kernel has a Gaussian spectrum: exp(-(2 pi f width)^2) is a half at the cutoff
    width = np.sqrt(np.log(2)) / (2 * np.pi * cutoff)
    reach = int(np.ceil(4 * width * _NOISE_RATE))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (width * _NOISE_RATE)) ** 2)
    kernel /= np.linalg.norm(kernel)
    count = int(np.ceil(seconds[-1] * _NOISE_RATE)) + 2 if len(seconds) else 2
    white = rng.normal(size=(count + 2 * reach, columns))
    at = seconds * _NOISE_RATE
    return np.stack([np.interp(at, np.arange(count), np.convolve(row, kernel, "valid")) for row in white.T], axis=1)
