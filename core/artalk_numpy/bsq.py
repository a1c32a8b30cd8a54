# SPDX-License-Identifier: GPL-3.0-or-later
"""Multi-scale binary spherical quantisation: a window of features as bits (`core.artalk.bsq`)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..artalk.config import CodecConfig
from .layers import area_matrix, upsample_matrix
from .weights import Array, Weights

Bits = NDArray[np.bool_]


class MultiScaleBsq:
    """Quantiser of windows (T, d) with T = the last scale."""

    def __init__(self, weights: Weights, config: CodecConfig) -> None:
        scales, d = config.scales, config.code_dim
        self.scales = scales
        gains = np.ones((len(scales), d), np.float32)
        if config.scale_gains:
            gains = np.exp(weights.take("codec.quantiser.log_gains", len(scales), d))
        self.gains = gains * np.float32(1 / math.sqrt(d))
        self.pool = [area_matrix(config.frames, length) for length in scales]
        self.spread = [upsample_matrix(length, config.frames) for length in scales]

    def spread_codes(self, bits: Bits, scale: int) -> Array:
        """Bits (n, d) of one scale -> what they add to the feature of the whole window (T, d)."""
        codes = np.where(bits, self.gains[scale], -self.gains[scale])
        return np.asarray(self.spread[scale] @ codes)

    def quantise(self, x: Array) -> list[Bits]:
        """Features (T, d) -> bits per scale (n, d)."""
        residual, bits = x, []
        for scale, pool in enumerate(self.pool):
            bits.append(pool @ residual > 0)
            residual = residual - self.spread_codes(bits[-1], scale)
        return bits

    def feature(self, bits: Sequence[Bits]) -> Array:
        """Bits per scale -> the sum of all scales (T, d), what the decoder takes."""
        total = self.spread_codes(bits[0], 0)
        for scale in range(1, len(bits)):
            total = total + self.spread_codes(bits[scale], scale)
        return total

    def next_scale_features(self, bits: Sequence[Bits]) -> Array:
        """Bits per scale -> (tokens - 1, d): after each scale but the last, the sum so far at the next scale."""
        total = np.zeros((self.scales[-1], self.gains.shape[1]), np.float32)
        features = []
        for scale, pool in enumerate(self.pool[1:]):
            total = total + self.spread_codes(bits[scale], scale)
            features.append(pool @ total)
        return np.concatenate(features)
