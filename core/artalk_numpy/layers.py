# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers that several parts of the model are made of, on float32 arrays (T, W)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from .weights import Array, Weights

_PIECE = 1 << 15
"""Numbers worked on at once where many steps follow each other, so that they stay in the processor's cache."""

# 1 - erf(z) = (a1 t + … + a5 t^5) exp(-z²), t = 1 / (1 + p z), z >= 0, to 1.5e-7
# (Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26; Hastings 1955)
_ERF_P = 0.3275911
_ERF_A = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


class Linear:
    """x W + b."""

    def __init__(self, weights: Weights, name: str, inputs: int, outputs: int, *, bias: bool = True) -> None:
        self.weight = np.ascontiguousarray(weights.take(f"{name}.weight", outputs, inputs).T)
        self.bias = weights.take(f"{name}.bias", outputs) if bias else np.zeros(outputs, np.float32)

    def __call__(self, x: Array) -> Array:
        """(T, inputs) -> (T, outputs)."""
        y: Array = x @ self.weight
        y += self.bias
        return y


def side_by_side(layers: Sequence[Linear]) -> Linear:
    """Layers with one input as one layer with all their outputs, in order: one large product instead of several."""
    joined = object.__new__(Linear)
    joined.weight = np.concatenate([layer.weight for layer in layers], axis=1)
    joined.bias = np.concatenate([layer.bias for layer in layers])
    return joined


class Convolution:
    """Convolution over time without padding."""

    def __init__(
        self, weights: Weights, name: str, inputs: int, outputs: int, *, taps: int, step: int, bias: bool = True
    ) -> None:
        kernel = weights.take(f"{name}.weight", outputs, inputs, taps)
        self.weight = np.ascontiguousarray(kernel.transpose(2, 1, 0).reshape(taps * inputs, outputs))
        self.bias = weights.take(f"{name}.bias", outputs) if bias else np.zeros(outputs, np.float32)
        self.taps, self.step = taps, step

    def __call__(self, x: Array) -> Array:
        """(T, inputs) -> ((T - taps) / step + 1, outputs)."""
        inputs = x.shape[1]
        samples = np.ascontiguousarray(x).reshape(-1)
        seen: Array = np.lib.stride_tricks.sliding_window_view(samples, self.taps * inputs)[:: self.step * inputs]
        y = np.ascontiguousarray(seen) @ self.weight
        y += self.bias
        return y


class LayerNorm:
    """Mean 0 and variance 1 in each row, then a learned scale and shift."""

    def __init__(self, weights: Weights, name: str, width: int) -> None:
        self.weight = weights.take(f"{name}.weight", width)
        self.bias = weights.take(f"{name}.bias", width)

    def __call__(self, x: Array) -> Array:
        """(T, W) -> (T, W)."""
        y = norm(x, 1e-5)
        y *= self.weight
        y += self.bias
        return y


def norm(x: Array, epsilon: float) -> Array:
    """Mean 0 and variance 1 in each row of (T, W)."""
    y: Array = x - x.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", y, y) / np.float32(x.shape[1])
    y *= (1 / np.sqrt(variance + np.float32(epsilon)))[:, None]
    return y


def gelu(x: Array) -> Array:
    """x Φ(x), Φ the normal distribution, by the error function; changes x and returns it."""
    for piece in _pieces(x):
        size = np.abs(piece)
        t = size * np.float32(_ERF_P / math.sqrt(2))
        t += 1
        np.reciprocal(t, out=t)
        tail = t * np.float32(_ERF_A[4] / 2)
        for factor in _ERF_A[3::-1]:
            tail += np.float32(factor / 2)
            tail *= t
        np.multiply(size, size, out=t)
        t *= np.float32(-0.5)
        np.exp(t, out=t)
        tail *= t  # Φ(-|x|)
        tail *= size
        np.maximum(piece, 0, out=piece)
        np.subtract(piece, tail, out=piece)
    return x


def gelu_tanh(x: Array) -> Array:
    """GELU by its approximation with tanh (Hendrycks and Gimpel 2016); changes x and returns it."""
    for piece in _pieces(x):
        inner = piece * piece
        inner *= np.float32(0.044715)
        inner += 1
        inner *= piece
        inner *= np.float32(-2 * math.sqrt(2 / math.pi))
        np.divide(piece, _one_plus_exp(inner), out=piece)
    return x


def silu(x: Array) -> Array:
    """x / (1 + exp(-x))."""
    return x / _one_plus_exp(-x)


def _one_plus_exp(x: Array) -> Array:
    """1 + exp(x), in place; infinite where that is too large, so that a division by it gives 0."""
    with np.errstate(over="ignore"):
        np.exp(x, out=x)
    x += 1
    return x


def _pieces(x: Array) -> Iterator[Array]:
    """A contiguous array as views of pieces."""
    flat = x.reshape(-1)
    for start in range(0, len(flat), _PIECE):
        yield flat[start : start + _PIECE]


def attend(q: Array, k: Array, v: Array, scale: float) -> Array:
    """Queries (H, L, D), keys and values (H, S, D) -> (L, H D), softmax over S of the products times `scale`."""
    scores: Array = (q * np.float32(scale)) @ k.transpose(0, 2, 1)
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return join_heads(scores @ v)


def split_heads(x: Array, heads: int) -> Array:
    """(T, H D) -> (H, T, D)."""
    return x.reshape(len(x), heads, -1).transpose(1, 0, 2)


def join_heads(x: Array) -> Array:
    """(H, T, D) -> (T, H D)."""
    return x.transpose(1, 0, 2).reshape(x.shape[1], -1)


def area_matrix(frames: int, length: int) -> Array:
    """(length, frames) that averages over `length` equal spans of time, overlapping where they do not come out even."""
    matrix = np.zeros((length, frames), np.float32)
    for row in range(length):
        start, stop = row * frames // length, -(-(row + 1) * frames // length)
        matrix[row, start:stop] = 1 / (stop - start)
    return matrix


def upsample_matrix(length: int, frames: int) -> Array:
    """(frames, length) of linear interpolation in time, half-pixel centres, held at the ends."""
    step = np.float32(length) / np.float32(frames)
    position = np.maximum(step * (np.arange(frames, dtype=np.float32) + np.float32(0.5)) - np.float32(0.5), 0)
    left = np.minimum(position.astype(np.int64), length - 1)
    right = np.minimum(left + 1, length - 1)
    share = (position - left).astype(np.float32)
    matrix = np.zeros((frames, length), np.float32)
    np.add.at(matrix, (np.arange(frames), left), 1 - share)
    np.add.at(matrix, (np.arange(frames), right), share)
    return matrix
