# SPDX-License-Identifier: GPL-3.0-or-later
"""The speech encoder: log-mels and Moonshine's features, then convolutions over time (`core.artalk.log_mel`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..artalk.mel import HOP, LOUDNESS_SPAN, mel_matrix, tower_context
from .layers import Convolution, LayerNorm, Linear, gelu
from .log_mel import excerpt, levelled, loudness, normalise, raised, window_power
from .moonshine import Moonshine
from .weights import Array, Weights


class LogMelEncoder:
    """16 kHz audio -> features at 25 frames a second. It sees what its tower does to either side of a window."""

    memory_windows = LOUDNESS_SPAN

    def __init__(self, weights: Weights, width: int, options: Mapping[str, Any]) -> None:
        bands = options.get("bands", 64)
        self.mel = mel_matrix(bands)
        self.band_reference = weights.take("audio_encoder.band_reference", bands)
        layers, heard = options.get("moonshine_layers", 0), options.get("moonshine_width", 288)
        self.moonshine = Moonshine(weights, "audio_encoder.moonshine", layers, heard) if layers else None
        self.tower = Tower(weights, "audio_encoder.tower", width, heard if layers else 0, options)
        self.mix = Linear(weights, "audio_encoder.mix", width, width)

    def __call__(self, mels: Array, heard: Array | None = None) -> Array:
        """Normalised log-mels (T + 2 context, bands) at 100 Hz and what is heard of them -> features (T / 4, width)."""
        return self.mix(self.tower(mels, heard))

    def encode_clip(self, audio: Array, window: int, first: int = 0) -> Iterator[Array]:
        """Audio (n,) of whole windows of `window` samples -> features (T, width) of each, from window `first` on.

        Memory is flat: of a long clip only the windows that a window's loudness is taken from are held at a time.
        """
        count = len(audio) // window
        context = self.tower.context
        silence = np.zeros((context, self.mel.shape[1]), np.float32)
        powers: dict[int, Array] = {}
        for index in range(first, count):
            near = range(max(0, index - LOUDNESS_SPAN), min(count, index + LOUDNESS_SPAN + 1))
            powers = {i: powers[i] if i in powers else window_power(audio, i, window, self.mel) for i in near}
            before = powers[index - 1][-context:] if index > 0 else silence
            after = powers[index + 1][:context] if index + 1 < count else silence
            power = np.concatenate([before, powers[index], after])
            span = np.concatenate([powers[i] for i in near])
            lift = raised(power, span)
            mels = normalise(power * np.exp(lift)[:, None], span, self.band_reference)
            heard = None
            if self.moonshine is not None:
                reach = HOP * (context - 1)
                around = excerpt(audio, index * window - reach, (index + 1) * window + reach)
                heard = self.moonshine.hear(levelled(around, lift[1:-1], loudness(span)))
            yield self(mels, heard)


class Tower:
    """Convolutions over log-mels and what Moonshine has heard, both ways, at 50 and then at 25 frames a second."""

    def __init__(self, weights: Weights, name: str, width: int, heard: int, options: Mapping[str, Any]) -> None:
        kernel, expansion = options.get("kernel", 7), options.get("expansion", 2)

        def blocks(part: str, count: int) -> list[ConvBlock]:
            names = [f"{name}.{part}.{i}" for i in range(count)]
            return [ConvBlock(weights, each, width, kernel, expansion) for each in names]

        blocks_50, blocks_25 = options.get("blocks_50", 6), options.get("blocks_25", 4)
        self.context = tower_context(kernel, blocks_50, blocks_25)
        self.down_50 = Convolution(weights, f"{name}.down_50", options.get("bands", 64), width, taps=4, step=2)
        self.listen = (
            (LayerNorm(weights, f"{name}.listen.0", heard), Linear(weights, f"{name}.listen.1", heard, width))
            if heard
            else None
        )
        self.blocks_50 = blocks("blocks_50", blocks_50)
        self.down_25 = Convolution(weights, f"{name}.down_25", width, width, taps=4, step=2)
        self.blocks_25 = blocks("blocks_25", blocks_25)
        self.norm = LayerNorm(weights, f"{name}.norm", width)

    def __call__(self, mels: Array, heard: Array | None = None) -> Array:
        """Log-mels (T + 2 context, bands) at 100 Hz, heard (T / 2 + context - 1, H) -> features (T / 4, width)."""
        x = self.down_50(mels)
        if self.listen is not None and heard is not None:
            norm, project = self.listen
            x += project(norm(heard))
        x = gelu(x)
        for block in self.blocks_50:
            x = block(x)
        x = self.down_25(x)
        for block in self.blocks_25:
            x = block(x)
        return self.norm(x)


class ConvBlock:
    """Depthwise convolution over time, norm and a mix of channels, with a skip (ConvNeXt, Liu et al. 2022)."""

    def __init__(self, weights: Weights, name: str, width: int, kernel: int, expansion: int) -> None:
        self.taps = np.ascontiguousarray(weights.take(f"{name}.depthwise.weight", width, 1, kernel)[:, 0].T)
        self.bias = weights.take(f"{name}.depthwise.bias", width)
        self.norm = LayerNorm(weights, f"{name}.norm", width)
        self.widen = Linear(weights, f"{name}.mix.0", width, expansion * width)
        self.narrow = Linear(weights, f"{name}.mix.2", expansion * width, width)

    def __call__(self, x: Array) -> Array:
        """(T, W) -> (T - kernel + 1, W)."""
        reach = len(self.taps) // 2
        y = self.narrow(gelu(self.widen(self.norm(self._depthwise(x)))))
        y += x[reach:-reach]
        return y

    def _depthwise(self, x: Array) -> Array:
        length = len(x) - len(self.taps) + 1
        y = np.tile(self.bias, (length, 1))
        product = np.empty_like(y)
        for shift, tap in enumerate(self.taps):
            np.multiply(x[shift : shift + length], tap, out=product)
            y += product
        return y
