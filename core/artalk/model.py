# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole network of one ARTalk model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from .audio_encoder import AudioEncoder, build_audio_encoder
from .codec import MotionCodec
from .config import ArtalkConfig
from .generator import Generator, pool_scales
from .style import StyleEncoder


@dataclass(frozen=True)
class History:
    """What a window knows of the one before: its bits, per scale (B, n, d), and the style token it was made with."""

    bits: list[Tensor]
    style_token: Tensor


class ArtalkModel(nn.Module):
    """Audio encoder, codec, style encoder and generator, and what is done with them for one window."""

    def __init__(self, config: ArtalkConfig) -> None:
        super().__init__()
        self.config = config
        self.audio_encoder = build_audio_encoder(config.audio)
        self.codec = MotionCodec(config.codec)
        self.style_encoder = StyleEncoder(config.style, config.codec.motion_dim)
        self.generator = Generator(config.generator, config.codec, config.audio.width, config.style.width)

    @property
    def encoder(self) -> AudioEncoder:
        """The audio encoder as the pipeline sees it."""
        return cast(AudioEncoder, self.audio_encoder)

    def style_token(self, style: Tensor | None, guidance: float | None = None) -> Tensor:
        """Style motion (1, T, C), or None -> style token (1, 1, W); guidance: see `ArtalkConfig`, None for its."""
        feature = None if style is None else self.style_encoder(style)
        return self.generator.style_token(feature, self.config.guidance if guidance is None else guidance)

    def rest(self, style_token: Tensor) -> History:
        """The history before the first window: a window of zeros in the motion's own units."""
        codec = self.config.codec
        motion = torch.zeros(1, codec.frames, codec.motion_dim, device=style_token.device)
        return History(self.codec.encode(motion), style_token)

    def generate_window(self, features: Tensor, style_token: Tensor, history: History) -> tuple[list[Tensor], Tensor]:
        """Audio features (B, T, A) -> bits, per scale (B, n, d), and motion (B, frames, C) of the next window."""
        context = self.generator.context(history.style_token, self.codec.next_scale_features(history.bits))
        audio = pool_scales(features, self.config.codec.scales)
        bits = self.generator.generate(context, style_token, audio, self.codec.quantiser)
        return bits, self.codec.decode(self.codec.feature(history.bits), self.codec.feature(bits))

    def remember(self, motion: Tensor, style_token: Tensor) -> History:
        """The history after a window of motion (B, frames, C): its bits when encoded again, not the predicted ones."""
        return History(self.codec.encode(motion), style_token)
