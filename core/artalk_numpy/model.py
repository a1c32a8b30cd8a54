# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole network of one model, and what is done with it for one window (`core.artalk.model`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..artalk.config import ArtalkConfig
from .bsq import Bits
from .codec import MotionCodec
from .encoder import LogMelEncoder
from .generator import Generator
from .layers import area_matrix
from .style import StyleEncoder
from .weights import Array, Weights


@dataclass(frozen=True)
class History:
    """What a window knows of the one before: its bits, per scale (n, d), and the style token it was made with."""

    bits: list[Bits]
    style_token: Array


class NumpyModel:
    """Audio encoder, codec, style encoder and generator."""

    def __init__(self, weights: Weights, config: ArtalkConfig) -> None:
        for part in (config.codec, config.generator, config.style):
            if part.width % part.heads:
                raise ValueError("a width must be a multiple of its heads")
        self.config = config
        self.encoder = LogMelEncoder(weights, config.audio.width, config.audio.options)
        self.codec = MotionCodec(weights, config.codec)
        self.style_encoder = StyleEncoder(weights, config.style, config.codec.motion_dim)
        self.generator = Generator(weights, config)
        frames = config.codec.frames
        self._pool_scales = np.concatenate([area_matrix(frames, length) for length in config.codec.scales])

    def style_token(self, style: Array | None, guidance: float | None = None) -> Array:
        """Style motion (T, C), or None -> style token (1, W); guidance: see `ArtalkConfig`, None for its own."""
        feature = None if style is None else self.style_encoder(style)
        return self.generator.style_token(feature, self.config.guidance if guidance is None else guidance)

    def rest(self, style_token: Array) -> History:
        """The history before the first window: a window of zeros in the motion's own units."""
        codec = self.config.codec
        return self.remember(np.zeros((codec.frames, codec.motion_dim), np.float32), style_token)

    def generate_window(self, features: Array, style_token: Array, history: History) -> tuple[list[Bits], Array]:
        """Audio features (T, A) -> bits, per scale (n, d), and motion (frames, C) of the next window."""
        before = self.codec.quantiser.next_scale_features(history.bits)
        context = self.generator.context(history.style_token, before)
        audio = self._pool_scales @ features
        bits = self.generator.generate(context, style_token, audio, self.codec.quantiser)
        return bits, self.codec.decode(history.bits, bits)

    def remember(self, motion: Array, style_token: Array) -> History:
        """The history after a window of motion (frames, C): its bits when encoded again, not the predicted ones."""
        return History(self.codec.encode(motion), style_token)
