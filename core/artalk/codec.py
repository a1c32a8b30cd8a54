# SPDX-License-Identifier: GPL-3.0-or-later
"""The motion codec: windows of motion to bits and back (ARTalk, Chu et al. 2025, section 3.1).

Both halves are transformers over two windows, the one before and this one. The earlier window never sees the later
one, so it can be coded alone. Attribute names inside are those of the published state dict.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .bsq import MultiScaleBsq, Quantised
from .config import CodecConfig


class WindowAttention(nn.Module):
    """Pre-norm self-attention in which the first window does not see the second."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        # the released model divides by the square root of the full width, not of one head's
        self.scale = width**-0.5
        self.norm = nn.LayerNorm(width)
        self.to_qkv = nn.Linear(width, 3 * width, bias=False)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, W); T is one window or two."""
        B, T, W = x.shape
        qkv = self.to_qkv(self.norm(x)).view(B, T, 3, self.heads, W // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        w = self.window
        y = F.scaled_dot_product_attention(q[:, :, :w], k[:, :, :w], v[:, :, :w], scale=self.scale)
        if w < T:
            later = F.scaled_dot_product_attention(q[:, :, w:], k, v, scale=self.scale)
            y = torch.cat([y, later], dim=2)
        out: Tensor = self.to_out(y.transpose(1, 2).reshape(B, T, W))
        return out


class CodecTransformer(nn.ModuleList):
    """Attention and un-normed feed-forward layers in turn, each with a skip connection."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        hidden = round(config.width * config.ffn_ratio)
        for _ in range(config.depth):
            self.append(WindowAttention(config.width, config.heads, config.frames))
            self.append(
                nn.Sequential(
                    nn.Linear(config.width, hidden), nn.GELU(approximate="tanh"), nn.Linear(hidden, config.width)
                )
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        for layer in self:
            x = x + layer(x)
        return x


class Encoder(nn.Module):
    """Normalised motion -> features to be quantised."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.inp_mapping = nn.Sequential(nn.Linear(config.motion_dim, config.width), nn.LeakyReLU(0.2))
        self.encoder_transformer = CodecTransformer(config)
        self.code_mapping = nn.Linear(config.width, config.code_dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, d)."""
        out: Tensor = self.code_mapping(self.encoder_transformer(self.inp_mapping(x)))
        return out


class Decoder(nn.Module):
    """Features of the codes -> normalised motion."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.inp_mapping = nn.Sequential(nn.Linear(config.code_dim, config.width), nn.LeakyReLU(0.2))
        self.decoder_transformer = CodecTransformer(config)
        self.out_mapping = nn.Linear(config.width, config.motion_dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, d) -> (B, T, C)."""
        out: Tensor = self.out_mapping(self.decoder_transformer(self.inp_mapping(x)))
        return out


class MotionCodec(nn.Module):
    """Windows of motion (B, T, C) in the model's own units <-> bits, per scale (B, n, d) bool."""

    motion_mean: Tensor
    motion_std: Tensor

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("motion_mean", torch.zeros(config.motion_dim))
        self.register_buffer("motion_std", torch.ones(config.motion_dim))
        self.enc_pos_embed = nn.Parameter(torch.randn(1, 2 * config.frames, config.motion_dim) * 0.02)
        self.dec_pos_embed = nn.Parameter(torch.randn(1, 2 * config.frames, config.code_dim) * 0.02)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.quantiser = MultiScaleBsq(config)

    def encode_features(self, motion: Tensor) -> Tensor:
        """Motion of one window or of two in a row (B, T, C) -> features before quantising (B, T, d)."""
        x = (motion - self.motion_mean) / self.motion_std
        out: Tensor = self.encoder(x + self.enc_pos_embed[:, : x.shape[1]])
        return out

    def encode(self, motion: Tensor) -> list[Tensor]:
        """One window (B, T, C) by itself -> its bits."""
        return self.quantiser.quantise(self.encode_features(motion)).bits

    def quantise(self, motion: Tensor, flip: Sequence[float] | None = None) -> Quantised:
        """One window (B, T, C) by itself -> everything training needs to know of its codes."""
        return self.quantiser.quantise(self.encode_features(motion), flip)

    def decode_pair(self, previous: Tensor, this: Tensor) -> Tensor:
        """Summed code features of two windows in a row, (B, T, d) each -> the motion of both (B, 2T, C)."""
        features = torch.cat([previous, this], dim=1)
        x = self.decoder(features + self.dec_pos_embed)
        out: Tensor = x * self.motion_std + self.motion_mean
        return out

    def decode(self, previous: Tensor, this: Tensor) -> Tensor:
        """Summed code features of the window before and of this one, (B, T, d) -> motion of this one (B, T, C)."""
        return self.decode_pair(previous, this)[:, self.config.frames :]

    def feature(self, bits: Sequence[Tensor]) -> Tensor:
        """Bits per scale -> summed code feature (B, T, d)."""
        return self.quantiser.feature(bits)

    def next_scale_features(self, bits: Sequence[Tensor]) -> Tensor:
        """Bits per scale -> (B, tokens - 1, d), what a generator sees of them."""
        return self.quantiser.next_scale_features(bits)
