# SPDX-License-Identifier: GPL-3.0-or-later
"""The motion codec: windows of motion to bits and back (`core.artalk.codec`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..artalk.config import CodecConfig
from .bsq import Bits, MultiScaleBsq
from .layers import LayerNorm, Linear, attend, gelu_tanh, split_heads
from .weights import Array, Weights


class MotionCodec:
    """Windows of motion (T, C) in the model's own units <-> bits, per scale (n, d)."""

    def __init__(self, weights: Weights, config: CodecConfig) -> None:
        self.frames = config.frames
        self.motion_mean = weights.take("codec.motion_mean", config.motion_dim)
        self.motion_std = weights.take("codec.motion_std", config.motion_dim)
        self.encoder_position = weights.take("codec.enc_pos_embed", 1, 2 * config.frames, config.motion_dim)[0]
        self.decoder_position = weights.take("codec.dec_pos_embed", 1, 2 * config.frames, config.code_dim)[0]
        self.encoder = _Half(
            weights, config, config.motion_dim, config.code_dim,
            ("codec.encoder.inp_mapping.0", "codec.encoder.encoder_transformer", "codec.encoder.code_mapping"),
        )  # fmt: skip
        self.decoder = _Half(
            weights, config, config.code_dim, config.motion_dim,
            ("codec.decoder.inp_mapping.0", "codec.decoder.decoder_transformer", "codec.decoder.out_mapping"),
        )  # fmt: skip
        self.quantiser = MultiScaleBsq(weights, config)

    def encode(self, motion: Array) -> list[Bits]:
        """One window (T, C) by itself -> its bits."""
        x = (motion - self.motion_mean) / self.motion_std
        return self.quantiser.quantise(self.encoder(x + self.encoder_position[: len(x)]))

    def decode(self, previous: Sequence[Bits], this: Sequence[Bits]) -> Array:
        """Bits of the window before and of this one -> motion of this one (T, C)."""
        features = np.concatenate([self.quantiser.feature(previous), self.quantiser.feature(this)])
        x = self.decoder(features + self.decoder_position)[self.frames :]
        return x * self.motion_std + self.motion_mean


class _Half:
    """Encoder or decoder: a mapping in, a transformer, a mapping out. names: of these three."""

    def __init__(
        self, weights: Weights, config: CodecConfig, inputs: int, outputs: int, names: tuple[str, str, str]
    ) -> None:
        into, transformer, out = names
        hidden = round(config.width * config.ffn_ratio)
        self.into = Linear(weights, into, inputs, config.width)
        self.layers = [
            (
                WindowAttention(weights, f"{transformer}.{2 * i}", config),
                Linear(weights, f"{transformer}.{2 * i + 1}.0", config.width, hidden),
                Linear(weights, f"{transformer}.{2 * i + 1}.2", hidden, config.width),
            )
            for i in range(config.depth)
        ]
        self.out = Linear(weights, out, config.width, outputs)

    def __call__(self, x: Array) -> Array:
        """(T, inputs) -> (T, outputs); T is one window or two."""
        x = self.into(x)
        x = np.maximum(x, x * np.float32(0.2))
        for attention, widen, narrow in self.layers:
            x += attention(x)
            x += narrow(gelu_tanh(widen(x)))
        return self.out(x)


class WindowAttention:
    """Pre-norm self-attention in which the first window does not see the second."""

    def __init__(self, weights: Weights, name: str, config: CodecConfig) -> None:
        self.heads, self.window = config.heads, config.frames
        # of the full width, not of one head's, as in the released model
        self.scale = config.width**-0.5
        self.norm = LayerNorm(weights, f"{name}.norm", config.width)
        self.to_qkv = Linear(weights, f"{name}.to_qkv", config.width, 3 * config.width, bias=False)
        self.to_out = Linear(weights, f"{name}.to_out", config.width, config.width)

    def __call__(self, x: Array) -> Array:
        """(T, W) -> (T, W); T is one window or two."""
        q, k, v = (split_heads(part, self.heads) for part in np.split(self.to_qkv(self.norm(x)), 3, axis=1))
        w = self.window
        seen = attend(q[:, :w], k[:, :w], v[:, :w], self.scale)
        if w < len(x):
            seen = np.concatenate([seen, attend(q[:, w:], k, v, self.scale)])
        return self.to_out(seen)
