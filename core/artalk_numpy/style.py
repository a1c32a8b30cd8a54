# SPDX-License-Identifier: GPL-3.0-or-later
"""The style encoder: a short motion -> one vector (`core.artalk.style`)."""

from __future__ import annotations

import math

import numpy as np

from ..artalk.config import StyleConfig
from ..artalk.windows import check_style
from .layers import LayerNorm, Linear, attend, gelu, split_heads
from .weights import Array, Weights


class StyleEncoder:
    """Motion (T, C), any T from 1 to `max_frames` -> style feature (S,)."""

    def __init__(self, weights: Weights, config: StyleConfig, motion_dim: int) -> None:
        self.max_frames, self.width = config.max_frames, config.width
        self.motion_mean = weights.take("style_encoder.motion_mean", motion_dim)
        self.motion_std = weights.take("style_encoder.motion_std", motion_dim)
        self.into = Linear(weights, "style_encoder.encoder.motion_proj", motion_dim, config.width)
        names = [f"style_encoder.encoder.transformer.layers.{i}" for i in range(config.depth)]
        self.layers = [StyleLayer(weights, name, config) for name in names]

    def __call__(self, motion: Array) -> Array:
        """(T, C) -> (S,); InputError when T is 0 or above the model's limit."""
        check_style(len(motion), self.max_frames)
        x = self.into((motion - self.motion_mean) / self.motion_std)
        # not a position: one row of the sinusoid, the same for all frames, tells the length of the clip
        x += sinusoid(len(motion), self.width)
        for layer in self.layers:
            x = layer(x)
        return np.asarray(x.mean(axis=0, dtype=np.float64), np.float32)


class StyleLayer:
    """Self-attention and feed-forward, each with a skip and a norm behind it."""

    def __init__(self, weights: Weights, name: str, config: StyleConfig) -> None:
        width = config.width
        self.heads = config.heads
        self.qkv_weight = weights.take(f"{name}.self_attn.in_proj_weight", 3 * width, width).T
        self.qkv_bias = weights.take(f"{name}.self_attn.in_proj_bias", 3 * width)
        self.out = Linear(weights, f"{name}.self_attn.out_proj", width, width)
        self.widen = Linear(weights, f"{name}.linear1", width, config.ffn_width)
        self.narrow = Linear(weights, f"{name}.linear2", config.ffn_width, width)
        self.norm1 = LayerNorm(weights, f"{name}.norm1", width)
        self.norm2 = LayerNorm(weights, f"{name}.norm2", width)

    def __call__(self, x: Array) -> Array:
        """(T, W) -> (T, W)."""
        qkv = x @ self.qkv_weight + self.qkv_bias
        q, k, v = (split_heads(part, self.heads) for part in np.split(qkv, 3, axis=1))
        x = self.norm1(x + self.out(attend(q, k, v, q.shape[-1] ** -0.5)))
        return self.norm2(x + self.narrow(gelu(self.widen(x))))


def sinusoid(row: int, width: int) -> Array:
    """(width,) of sines in the even and cosines in the odd columns of `row`, wave lengths 2 pi to 20000 pi."""
    rates = np.exp(np.arange(0, width, 2, dtype=np.float32) * np.float32(-math.log(10000.0) / width))
    angles = np.float32(row) * rates
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(-1)
