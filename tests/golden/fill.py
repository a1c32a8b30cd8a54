# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights and test signals that every machine makes alike: pure functions of a name, a shape and a salt.

Random numbers are 24-bit uniforms of numpy's counter-based Philox generator, seeded by the SHA-256 of a name, so they
are exact in float32 and depend on neither call order nor library versions.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

EMBEDDINGS = (
    "pos_embed", "prev_pos_embed", "enc_pos_embed", "dec_pos_embed", "null_style_cond", "masked_spec_embed",
    "sos_embed", "style_pos", "prev_pos", "audio_pos",
)  # fmt: skip


def uniform(name: str, count: int) -> NDArray[np.float32]:
    """`count` values in [-1, 1), multiples of 2**-23."""
    top24 = (_random_words(name, count) >> np.uint32(8)).astype(np.int32)
    return (top24 - (1 << 23)).astype(np.float32) * np.float32(2.0**-23)


def _random_words(name: str, count: int) -> NDArray[np.uint32]:
    key = np.frombuffer(hashlib.sha256(name.encode()).digest()[:16], dtype="<u8").copy()
    raw = np.asarray(np.random.Philox(key=key, counter=0).random_raw((count + 1) // 2), dtype="<u8")
    return raw.view("<u4")[:count]


def unit_noise(name: str, shape: Sequence[int]) -> NDArray[np.float32]:
    """Uniform noise of mean 0 and variance 1."""
    return (uniform(name, math.prod(shape)) * np.float32(math.sqrt(3.0))).reshape(shape)


def randint(name: str, shape: Sequence[int], high: int) -> NDArray[np.int64]:
    """Whole numbers from 0 up to but not `high`."""
    return (_random_words(name, math.prod(shape)).astype(np.int64) % high).reshape(shape)


def weight(key: str, shape: Sequence[int], salt: str = "") -> NDArray[np.float32]:
    """Value of the parameter `key`, of a size that keeps signals of a deep network near 1."""
    last = key.rsplit(".", 1)[-1]
    if last in ("cluster_usage", "initialized"):
        return np.ones(shape, np.float32)
    noise = unit_noise(salt + key, shape)
    if last in ("weight_g", "original0"):
        return np.float32(2.5) + noise * np.float32(0.1)
    if last == "scale_mul_1H11":
        return np.float32(1.4) + noise * np.float32(0.3)
    if last in ("bias", "in_proj_bias"):
        return noise * np.float32(0.05)
    if last in EMBEDDINGS or (last == "weight" and ("lvl_embed" in key or "style_emb" in key)):
        return noise * np.float32(0.3)
    if last == "embed_sum" or key.endswith("quantize.embedding.weight"):
        return noise
    if last == "scale":
        return np.float32(0.3) + noise * np.float32(0.05)
    if len(shape) == 1:
        return np.float32(1.0) + noise * np.float32(0.1)
    return noise * np.float32(1.0 / math.sqrt(math.prod(shape[1:])))


def weights(keys: Iterable[dict[str, Any]], salt: str) -> dict[str, NDArray[np.float32]]:
    """Every parameter of a key list; buffers that a constructor computes are left out."""
    return {entry["key"]: weight(entry["key"], entry["shape"], salt) for entry in keys if entry["fill"] == "fill"}


def audio_i16(samples: int, seed: int = 0, rate: int = 16000) -> NDArray[np.int16]:
    """A voice-like signal: gliding harmonics under a syllable envelope with pauses, and noise."""
    name = f"audio/{seed}"
    t = np.arange(samples, dtype=np.float64) / rate
    p = uniform(name + "/par", 16).astype(np.float64)
    f0 = 140.0 + 50.0 * p[0]
    glide = 12.0 * np.sin(2 * np.pi * (0.7 + 0.2 * p[1]) * t + 3.0 * p[2])
    phase = 2 * np.pi * np.cumsum(f0 + glide) / rate
    envelope = np.clip(np.sin(2 * np.pi * (1.9 + 0.5 * p[3]) * t + 3.0 * p[4]), 0.0, 1.0) ** 0.7
    envelope *= np.sin(2 * np.pi * 0.31 * t + 3.0 * p[5]) > -0.75
    signal = np.zeros(samples)
    for h in range(1, 25):
        first = np.exp(-(((h * f0 - 600.0 - 200.0 * p[6]) / 350.0) ** 2))
        second = 0.6 * np.exp(-(((h * f0 - 1700.0 - 400.0 * p[7]) / 500.0) ** 2))
        wobble = 1.0 + 0.5 * np.sin(2 * np.pi * (0.9 + 0.11 * h) * t + 3.0 * p[8 + h % 8])
        signal += (first + second + 0.05) * wobble * np.sin(h * phase)
    noise = uniform(name + "/noise", samples).astype(np.float64)
    x = 0.12 * envelope * signal + (0.004 + 0.02 * (1.0 - envelope)) * noise
    return np.clip(np.round(x * 32767.0), -32768, 32767).astype(np.int16)


def audio_f32(samples: int, seed: int = 0, rate: int = 16000) -> NDArray[np.float32]:
    """The same signal as float32, exact."""
    return audio_i16(samples, seed, rate).astype(np.float32) / np.float32(32768.0)


def motion(name: str, frames: int, mean: NDArray[np.float32], std: NDArray[np.float32]) -> NDArray[np.float32]:
    """(frames, C) random motion with these statistics: five noise tracks held for 1 to 25 frames."""
    x = np.zeros((frames, len(mean)), np.float32)
    for hold in (1, 2, 5, 10, 25):
        noise = unit_noise(f"motion/{name}/{hold}", (-(-frames // hold), len(mean)))
        x = x + np.repeat(noise, hold, axis=0)[:frames] * np.float32(0.45)
    return x * std.astype(np.float32) + mean.astype(np.float32)


def sha256_of(x: NDArray[Any]) -> str:
    """SHA-256 of an array's bytes in C order, little endian."""
    array = np.ascontiguousarray(x)
    return hashlib.sha256(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()).hexdigest()


def flame_arrays(vertices: int = 5023) -> dict[str, NDArray[Any]]:
    """Arrays laid out as FLAME's, about as large, and with nothing of FLAME in them."""
    joints = uniform("flame/J_regressor", 5 * vertices).reshape(5, vertices)
    joints = np.where(joints > 0.99, joints, 0).astype(np.float32) + np.float32(1e-3 / vertices)
    skin = np.abs(unit_noise("flame/weights", (vertices, 5))).astype(np.float32) ** 3 + np.float32(1e-3)
    return {
        "f": randint("flame/f", (vertices * 9976 // 5023, 3), vertices),
        "v_template": unit_noise("flame/v_template", (vertices, 3)) * np.float32(0.06),
        "shapedirs": unit_noise("flame/shapedirs", (vertices, 3, 400)) * np.float32(0.001),
        "posedirs": unit_noise("flame/posedirs", (vertices, 3, 36)) * np.float32(0.002),
        "J_regressor": _rows_of_sum_1(joints),
        "weights": _rows_of_sum_1(skin),
    }


def _rows_of_sum_1(x: NDArray[np.float32]) -> NDArray[np.float32]:
    exact = x.astype(np.float64)
    return (exact / exact.sum(1, keepdims=True)).astype(np.float32)
