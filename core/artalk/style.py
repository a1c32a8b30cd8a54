# SPDX-License-Identifier: GPL-3.0-or-later
"""The style encoder: a short motion -> one vector (ARTalk, Chu et al. 2025, section 3.2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .config import StyleConfig
from .windows import check_style


def sinusoids(rows: int, width: int) -> Tensor:
    """(rows, width) of sines in the even and cosines in the odd columns, wave lengths 2 pi to 20000 pi."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    angles = torch.arange(rows)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


class StyleTransformer(nn.Module):
    """The learned part; attribute names are those of the published state dict."""

    def __init__(self, config: StyleConfig, motion_dim: int) -> None:
        super().__init__()
        self.motion_proj = nn.Linear(motion_dim, config.width)
        layer = nn.TransformerEncoderLayer(
            config.width, config.heads, config.ffn_width, dropout=0.1, activation="gelu", batch_first=True
        )
        self.transformer = nn.TransformerEncoder(layer, config.depth, enable_nested_tensor=False)


class StyleEncoder(nn.Module):
    """Motion (B, T, C), any T from 1 to `max_frames` -> style feature (B, S)."""

    motion_mean: Tensor
    motion_std: Tensor
    lengths: Tensor

    def __init__(self, config: StyleConfig, motion_dim: int) -> None:
        super().__init__()
        self.max_frames = config.max_frames
        self.register_buffer("motion_mean", torch.zeros(motion_dim))
        self.register_buffer("motion_std", torch.ones(motion_dim))
        self.register_buffer("lengths", sinusoids(config.max_frames + 1, config.width), persistent=False)
        self.encoder = StyleTransformer(config, motion_dim)

    def forward(self, motion: Tensor) -> Tensor:
        """(B, T, C) -> (B, S); InputError when T is 0 or above the model's limit."""
        frames = motion.shape[1]
        check_style(frames, self.max_frames)
        x = self.encoder.motion_proj((motion - self.motion_mean) / self.motion_std)
        # not a position: one row of the sinusoid, the same for all frames, tells the length of the clip
        feature: Tensor = self.encoder.transformer(x + self.lengths[frames]).mean(1)
        return feature
