# SPDX-License-Identifier: GPL-3.0-or-later
"""The lower layers of Moonshine's encoder, which has learned to hear words (`core.artalk.moonshine`)."""

from __future__ import annotations

import numpy as np

from ..artalk.listening import (
    CONV_STEPS,
    CONV_TAPS,
    FFN_RATIO,
    HEADS,
    HEARD_STEP,
    LEAST_SAMPLES,
    ROTARY_BASE,
    ROTARY_SHARE,
    between_frames,
    sounding,
)
from .layers import Convolution, Linear, attend, gelu, norm, side_by_side, split_heads
from .weights import Array, Weights

_EPSILON = 1e-5


class Moonshine:
    """16 kHz audio -> features of `width` numbers."""

    def __init__(self, weights: Weights, name: str, layers: int, width: int) -> None:
        self.width = width
        sizes = ((1, width), (width, 2 * width), (2 * width, width))
        self.conv1, self.conv2, self.conv3 = (
            Convolution(weights, f"{name}.conv{n}", *size, taps=taps, step=step, bias=n > 1)
            for n, (size, taps, step) in enumerate(zip(sizes, CONV_TAPS, CONV_STEPS, strict=True), 1)
        )
        self.scale = weights.take(f"{name}.groupnorm.weight", width)
        self.shift = weights.take(f"{name}.groupnorm.bias", width)
        self.layers = [Layer(weights, f"{name}.layers.{i}", width) for i in range(layers)]

    def __call__(self, audio: Array) -> Array:
        """Audio (n,) -> its own frames (T, width), one every 24 ms (`listening.FRAME_STEP`)."""
        x: Array = np.tanh(self.conv1(audio[:, None]))
        x = norm(x.reshape(1, -1), _EPSILON).reshape(len(x), -1)
        x *= self.scale
        x += self.shift
        x = gelu(self.conv3(gelu(self.conv2(x))))
        turns = _turns(len(x), self.width // HEADS)
        for layer in self.layers:
            x = layer(x, turns)
        return x

    def hear(self, audio: Array) -> Array:
        """Audio (n,) at a level of `listening.LEVEL` -> features (n / HEARD_STEP, width) at 50 Hz.

        They are 0 in the digital silence at either end.
        """
        features = np.zeros((len(audio) // HEARD_STEP, self.width), np.float32)
        begin, end = sounding(audio)
        if end == 0:
            return features
        piece = audio[begin:end]
        frames = self(np.pad(piece, (0, max(0, LEAST_SAMPLES - len(piece)))))
        left, share = between_frames(len(piece) // HEARD_STEP, len(frames))
        weight = share[:, None]
        features[begin // HEARD_STEP : end // HEARD_STEP] = frames[left] * (1 - weight) + frames[left + 1] * weight
        return features


class Layer:
    """Self-attention with rotary positions (Su et al. 2021), then a mix of each frame's numbers; norms and skips."""

    def __init__(self, weights: Weights, name: str, width: int) -> None:
        def linear(part: str, inputs: int, outputs: int, *, bias: bool) -> Linear:
            return Linear(weights, f"{name}.{part}", inputs, outputs, bias=bias)

        self.before = weights.take(f"{name}.input_layernorm.weight", width)
        self.project = side_by_side([linear(f"self_attn.{kind}_proj", width, width, bias=False) for kind in "qkv"])
        self.join = linear("self_attn.o_proj", width, width, bias=False)
        self.between = weights.take(f"{name}.post_attention_layernorm.weight", width)
        self.widen = linear("mlp.fc1", width, FFN_RATIO * width, bias=True)
        self.narrow = linear("mlp.fc2", FFN_RATIO * width, width, bias=True)

    def __call__(self, x: Array, turns: tuple[Array, Array]) -> Array:
        """(T, W) -> (T, W); turns: cosines and sines (T, pairs)."""
        q, k, v = (
            split_heads(part, HEADS) for part in np.split(self.project(norm(x, _EPSILON) * self.before), 3, axis=1)
        )
        x = x + self.join(attend(_turned(q, turns), _turned(k, turns), v, q.shape[-1] ** -0.5))
        x += self.narrow(gelu(self.widen(norm(x, _EPSILON) * self.between)))
        return x


def _turns(frames: int, head: int) -> tuple[Array, Array]:
    """Cosines and sines (frames, pairs) by which the pairs of a head of so many numbers are turned."""
    pairs = int(head * ROTARY_SHARE) // 2
    rates: Array = np.float32(ROTARY_BASE) ** (-np.arange(pairs, dtype=np.float32) / np.float32(pairs))
    angles = np.arange(frames, dtype=np.float32)[:, None] * rates
    return np.cos(angles), np.sin(angles)


def _turned(x: Array, turns: tuple[Array, Array]) -> Array:
    """Queries or keys (heads, T, d), of which the first numbers, in adjacent pairs, are turned by their time."""
    cos, sin = turns
    end = 2 * cos.shape[1]
    even, odd = x[..., 0:end:2], x[..., 1:end:2]
    turned = x.copy()
    turned[..., 0:end:2] = even * cos - odd * sin
    turned[..., 1:end:2] = even * sin + odd * cos
    return turned
