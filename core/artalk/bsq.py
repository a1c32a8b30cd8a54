# SPDX-License-Identifier: GPL-3.0-or-later
"""Multi-scale binary spherical quantisation: a window of features as bits, from coarse to fine in time.

A code of d bits is the unit vector with components ±1/sqrt(d). Each scale codes what the scales before it left over
(ARTalk, Chu et al. 2025, section 3.1; binary spherical quantisation: Zhao et al. 2024).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import CodecConfig

ENTROPY_SHARPNESS = 100.0
"""Inverse temperature of the soft bits in the entropy loss."""


def area_pool(x: Tensor, length: int) -> Tensor:
    """Average (B, T, D) over `length` equal, possibly overlapping spans of time -> (B, length, D)."""
    return F.adaptive_avg_pool1d(x.transpose(1, 2), length).transpose(1, 2)


def upsample(x: Tensor, length: int) -> Tensor:
    """Linear interpolation in time of (B, n, D) to (B, length, D), half-pixel centres, held at the ends."""
    return F.interpolate(x.transpose(1, 2), size=length, mode="linear", align_corners=False).transpose(1, 2)


@dataclass(frozen=True)
class Quantised:
    """What quantising a batch of windows gives.

    bits:     per scale (B, n, d) bool, the sign of each component: what a generator should predict.
    used:     per scale (B, n, d) bool, the bits whose codes were used; differs from `bits` where they were flipped.
    feature:  (B, T, d) sum of the upsampled codes of `used`, with a straight-through gradient to the input.
    commitment, entropy: per scale scalars, the two parts of the quantiser's loss, without weights.
    """

    bits: list[Tensor]
    used: list[Tensor]
    feature: Tensor
    commitment: list[Tensor]
    entropy: list[Tensor]

    @property
    def losses(self) -> list[Tensor]:
        """Published loss per scale: 0.2 * commitment + 0.1 * entropy / 100."""
        return [0.2 * c + 0.1 / ENTROPY_SHARPNESS * e for c, e in zip(self.commitment, self.entropy, strict=True)]


class MultiScaleBsq(nn.Module):
    """Quantiser of windows (B, T, d) with T = the last scale."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.scales = config.scales
        self.code_dim = config.code_dim
        if config.scale_gains:
            self.log_gains = nn.Parameter(torch.zeros(len(config.scales), config.code_dim))

    @property
    def frames(self) -> int:
        """Frames in one window."""
        return self.scales[-1]

    def gain(self, scale: int) -> Tensor | float:
        """Size of the code of one scale, (d,) or the number 1."""
        return self.log_gains[scale].exp() if hasattr(self, "log_gains") else 1.0

    def codes(self, bits: Tensor, scale: int) -> Tensor:
        """Bits (B, n, d) of one scale -> codes (B, n, d) of that scale, float."""
        return self._signs(bits, torch.float32) * self.gain(scale)

    def split(self, bits: Tensor) -> list[Tensor]:
        """All scales in one tensor (B, tokens, d) -> one tensor per scale."""
        return list(torch.split(bits, list(self.scales), dim=1))

    def quantise(self, x: Tensor, flip: Sequence[float] | None = None) -> Quantised:
        """Quantise (B, T, d); `flip` is the probability of flipping a bit, per scale, for training.

        The flipped code is what the finer scales have to correct, while `bits` keeps the true one.
        """
        residual, feature = x, torch.zeros_like(x)
        true_bits, used_bits, commitment, entropy = [], [], [], []
        for scale, length in enumerate(self.scales):
            unit = F.normalize(area_pool(residual, length), dim=-1)
            bits = unit > 0
            used = bits if flip is None else bits ^ (torch.rand(bits.shape, device=bits.device) < flip[scale])
            code = self._signs(used, x.dtype)
            if self.training:
                code = unit + (code - unit).detach()
            code = upsample(code * self.gain(scale), self.frames)
            residual, feature = residual - code.detach(), feature + code
            true_bits.append(bits)
            used_bits.append(used)
            commitment.append((self._signs(bits, x.dtype) - unit).square().sum(-1).mean())
            entropy.append(entropy_gap(unit))
        return Quantised(true_bits, used_bits, feature, commitment, entropy)

    def _signs(self, bits: Tensor, dtype: torch.dtype) -> Tensor:
        return (bits.to(dtype) * 2 - 1) / math.sqrt(self.code_dim)

    def feature(self, bits: Sequence[Tensor]) -> Tensor:
        """Bits per scale -> the sum of all scales (B, T, d), what the decoder takes."""
        total = upsample(self.codes(bits[0], 0), self.frames)
        for scale in range(1, len(bits)):
            total = total + upsample(self.codes(bits[scale], scale), self.frames)
        return total

    def next_scale_features(self, bits: Sequence[Tensor]) -> Tensor:
        """Bits per scale -> (B, tokens - 1, d): after each scale but the last, the sum so far at the next scale."""
        total = torch.zeros((), device=bits[0].device)
        features = []
        for scale, length in enumerate(self.scales[1:]):
            total = total + upsample(self.codes(bits[scale], scale), self.frames)
            features.append(area_pool(total, length))
        return torch.cat(features, dim=1)


def entropy_gap(unit: Tensor) -> Tensor:
    """How undecided single bits are, less how varied the whole batch is; unit vectors (B, n, d) -> scalar, in nats.

    Probability of a set bit: sigmoid(4 * sharpness * component / sqrt(d)).
    """
    dim = unit.shape[-1]
    p = torch.sigmoid(4 * ENTROPY_SHARPNESS / math.sqrt(dim) * unit)
    return _entropy(p).sum(-1).mean() - _entropy(p.mean((0, 1))).sum()


def _entropy(p: Tensor) -> Tensor:
    return -(p * (p + 1e-8).log() + (1 - p) * (1 - p + 1e-8).log())
