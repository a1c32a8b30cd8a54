# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of the log-mel encoder that every engine shares; without torch."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .config import SAMPLE_RATE

HOP = 160
WINDOW = 400
FFT = 512
LOWEST_HZ, HIGHEST_HZ = 60.0, 7600.0
POWER_FLOOR = 1e-10
ACTIVE_RANGE = 5.8
"""Frames this far below the loudest (natural log of power, 25 dB) count as active."""
QUIETEST = -13.0
"""Natural log of the summed mel power (about -62 dBFS of speech) under which a clip is not raised any further."""
RELATIVE_FLOOR = 1e-5
BAND_RANGE = 2.5
"""How far the mean of a band may be corrected away from `band_reference`."""
EVEN_DROP, EVEN_MOST = 2.3, 3.5
"""Natural log of power: how far passages may lie under the loudest (10 dB), how far others are raised (15 dB)."""
EVEN_ABOVE = 2.3
"""How far above the background (its tenth percentile) a passage is a voice and not a pause."""
EVEN_REACH, EVEN_SMOOTH = 151, 101
"""Frames among which the loudest tells how loud a passage is; frames over which the raise changes."""
LOUDNESS_SPAN = 3
"""Windows before and after a window that count for its loudness."""


def tower_context(kernel: int, blocks_50: int, blocks_25: int) -> int:
    """Frames at 100 Hz that the encoder's convolutions see to either side of its first and last.

    Each block reaches half a kernel further; each halving (4 taps, step 2) doubles what is seen and adds a frame.
    """
    reach = kernel // 2
    return 2 * (2 * blocks_25 * reach + 1 + blocks_50 * reach) + 1


def mel_matrix(bands: int, warp: float = 1.0) -> NDArray[np.float32]:
    """(FFT / 2 + 1, bands) triangles, evenly spaced on the mel scale 2595 log10(1 + f / 700), each of sum 1.

    warp: factor on the frequency axis, to imitate longer or shorter vocal tracts.
    """

    def to_mel(hz: float) -> float:
        return 2595 * math.log10(1 + hz / 700)

    mels = np.linspace(to_mel(LOWEST_HZ), to_mel(HIGHEST_HZ), bands + 2)
    edges = 700 * (10 ** (mels / 2595) - 1) * warp
    bins = np.arange(FFT // 2 + 1) * SAMPLE_RATE / FFT
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    triangles = np.maximum(0, np.minimum(rising, falling))
    return np.asarray(triangles / np.maximum(triangles.sum(0), 1e-3), np.float32)
