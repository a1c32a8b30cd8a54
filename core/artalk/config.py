# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of a model of the ARTalk family; the defaults are the released model's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

SAMPLE_RATE = 16000
GUIDANCE_RANGE = (0.0, 10.0)
"""How much of a style can be asked for."""
_RANGES = {"fps": (1, 1000), "guidance": GUIDANCE_RANGE, "head_gain": (0, 10)}
"""What the numbers in a config can be."""


@dataclass(frozen=True)
class CodecConfig:
    """The motion codec: a VAE over windows of `scales[-1]` frames with binary codes at several time scales."""

    motion_dim: int = 106
    code_dim: int = 32
    scales: tuple[int, ...] = (1, 5, 25, 50, 100)
    width: int = 512
    depth: int = 8
    heads: int = 8
    ffn_ratio: float = 1.5
    scale_gains: bool = False
    """Learn how large the code of each scale and bit is; off, every code is a vector of length 1."""

    @property
    def frames(self) -> int:
        """Frames in one window."""
        return self.scales[-1]

    @property
    def tokens(self) -> int:
        """Code positions in one window, all scales together."""
        return sum(self.scales)


@dataclass(frozen=True)
class GeneratorConfig:
    """The autoregressive transformer that predicts the codes."""

    width: int = 768
    depth: int = 12
    heads: int = 12
    ffn_ratio: int = 4


@dataclass(frozen=True)
class StyleConfig:
    """The transformer that turns a style motion into one vector."""

    width: int = 128
    depth: int = 4
    heads: int = 4
    ffn_width: int = 512
    max_frames: int = 599


@dataclass(frozen=True)
class AudioEncoderConfig:
    """The speech encoder: which one, how wide its features are, and what its own constructor takes besides."""

    kind: Literal["wav2vec2", "mimi", "log_mel"] = "wav2vec2"
    width: int = 1024
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ArtalkConfig:
    """A whole model: audio encoder, codec, style encoder and generator."""

    audio: AudioEncoderConfig = AudioEncoderConfig()
    codec: CodecConfig = CodecConfig()
    generator: GeneratorConfig = GeneratorConfig()
    style: StyleConfig = StyleConfig()
    basis: str = "flame"
    fps: float = 25.0
    family: Literal["released", "training"] = "released"
    """Which code the model is of: the released model's, or that published for training."""
    guidance: float = 1.1
    """Weight w of the style in its token: w * style + (1 - w) * no style."""
    head_gain: float = 1.0
    """Factor on the head rotation that comes out. What is predicted from a faint hint is the mean of what might be,
    which moves less than any of it; this makes up for that."""

    @property
    def window_samples(self) -> int:
        """Samples of audio in one window."""
        return round(self.codec.frames / self.fps * SAMPLE_RATE)

    def to_json(self) -> str:
        """The config as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ArtalkConfig:
        """The inverse of `to_json`; ValueError, TypeError or KeyError when the text is not a config."""
        entries = json.loads(text)
        codec = entries.pop("codec")
        for name, (least, most) in _RANGES.items():
            value = entries.get(name, least)
            if isinstance(value, bool) or not least <= value <= most:
                raise ValueError(f"{name} is {value}")
        return cls(
            audio=AudioEncoderConfig(**entries.pop("audio")),
            codec=CodecConfig(**{**codec, "scales": tuple(codec["scales"])}),
            generator=GeneratorConfig(**entries.pop("generator")),
            style=StyleConfig(**entries.pop("style")),
            **entries,
        )


RELEASED = ArtalkConfig()
RELEASED_MIMI = ArtalkConfig(audio=AudioEncoderConfig("mimi", 512))
