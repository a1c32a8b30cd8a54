# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotary positions (Su et al. 2021): tokens know their time by the angle that pairs of their numbers are turned by."""

from __future__ import annotations

import torch
from torch import Tensor


def rotate(x: Tensor, positions: Tensor) -> Tensor:
    """Turn each adjacent pair of (B, heads, L, d) by its token's position (L,); slowest pair 1 / 10000 of the first."""
    half = x.shape[-1] // 2
    rates = 10000.0 ** (-torch.arange(half, device=x.device) / half)
    angles = positions[:, None] * rates
    sin, cos = angles.sin(), angles.cos()
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2).to(x.dtype)
