# SPDX-License-Identifier: GPL-3.0-or-later
"""Change of sample rate by windowed-sinc interpolation, in numpy alone.

The same filter as torchaudio's default resampler, which the published speech models were used with: Hann window, six
zero crossings on either side, cut-off at 0.99 of the lower Nyquist frequency.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .errors import InputError

ZERO_CROSSINGS = 6
ROLL_OFF = 0.99
PHASES_AT_ONCE = 32
WINDOW_VALUES = 1 << 20
"""Most values copied at once, so that memory stays flat for long recordings."""


def resample(samples: NDArray[np.float32], rate_in: int, rate_out: int) -> NDArray[np.float32]:
    """Samples (n,) or (n, channels) at `rate_in` Hz -> (m,) or (m, channels) at `rate_out`, m = ceil(n * out / in).

    Raises InputError when a rate is not above zero.
    """
    if rate_in <= 0 or rate_out <= 0:
        raise InputError(f"A sample rate must be above 0 Hz, not {min(rate_in, rate_out)}: check the sound file.")
    samples = np.asarray(samples, np.float32)
    if rate_in == rate_out:
        return samples.copy()
    divisor = math.gcd(rate_in, rate_out)
    if samples.ndim == 2:
        columns = [_resample(np.ascontiguousarray(c), rate_in // divisor, rate_out // divisor) for c in samples.T]
        return np.stack(columns, axis=1) if columns else np.zeros((0, 0), np.float32)
    return _resample(samples, rate_in // divisor, rate_out // divisor)


def _resample(x: NDArray[np.float32], step: int, phases: int) -> NDArray[np.float32]:
    """(n,) -> (ceil(n * phases / step),); output k lies at input position k * step / phases."""
    length = -(-len(x) * phases // step)
    rows = -(-length // phases)
    band = ROLL_OFF * min(step, phases)
    reach = math.ceil(ZERO_CROSSINGS * step / band)
    padded = np.zeros(rows * step + 2 * reach + step + 1, np.float32)
    padded[reach : reach + len(x)] = x
    out = np.zeros((rows, phases), np.float32)
    # neighbouring phases need nearly the same samples: take them together as one matrix product
    for first in range(0, min(phases, length), PHASES_AT_ONCE):
        phase = np.arange(first, min(first + PHASES_AT_ONCE, phases))
        start, stop = first * step // phases, phase[-1] * step // phases + 2 * reach + 2
        taps = np.arange(start, stop) - reach
        kernel = _kernel(taps[:, None] / step - phase / phases, band, step)
        windows = np.lib.stride_tricks.sliding_window_view(padded[start:], stop - start)[::step][:rows]
        block = max(1, WINDOW_VALUES // (stop - start))
        for row in range(0, rows, block):
            piece = np.ascontiguousarray(windows[row : row + block])
            out[row : row + block, phase[0] : phase[-1] + 1] = piece @ kernel
    return out.reshape(-1)[:length]


def _kernel(distance: NDArray[np.float64], band: float, step: int) -> NDArray[np.float32]:
    """Weight of a sample at a distance from the output, in units of `step` input samples."""
    t = np.clip(distance * band, -ZERO_CROSSINGS, ZERO_CROSSINGS)
    weight = np.sinc(t) * np.cos(np.pi * t / (2 * ZERO_CROSSINGS)) ** 2 * (band / step)
    return weight.astype(np.float32)
