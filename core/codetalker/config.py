# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of the two published CodeTalker models; without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..basis import BIWI_VERTICES, FLAME_VERTICES, Basis

AUDIO_RATE = 50.0
"""Features a second of wav2vec 2.0, as the published code counts them."""
CONVOLUTIONS = ((10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2))
"""Kernel and stride of each convolution of wav2vec 2.0."""


@dataclass(frozen=True)
class CodecConfig:
    """The codec of stage 1: a frame of motion <-> `parts` entries of a codebook."""

    vertices: int = 5023
    parts: int = 16
    part_width: int = 64
    entries: int = 256
    depth: int = 6
    heads: int = 8
    ffn_width: int = 1536
    wide_mesh: bool = False
    """As for BIWI: one more linear layer on either side of the codes, and a last layer without bias."""

    @property
    def width(self) -> int:
        """Numbers in the features of one frame."""
        return self.parts * self.part_width

    @property
    def coordinates(self) -> int:
        """Numbers in one frame of motion."""
        return 3 * self.vertices


@dataclass(frozen=True)
class GeneratorConfig:
    """The transformer of stage 2, as wide as the codec."""

    depth: int = 6
    heads: int = 4
    ffn_width: int = 2048
    period: int = 30
    """Frames after which positions repeat and the attention's penalty grows by a step."""
    audio_per_frame: int = 1
    """Speech features for one frame of motion; 1: they are brought to the motion's rate first."""
    audio_width: int = 768
    audio_options: Mapping[str, Any] = field(default_factory=dict)
    """What the speech encoder differs in from wav2vec 2.0 base, as transformers' Wav2Vec2Config names it."""


@dataclass(frozen=True)
class CodetalkerConfig:
    """A whole model. dataset: what its published files are called by; speakers: in the order of its style vectors."""

    dataset: str
    basis: Basis
    speakers: tuple[str, ...]
    fps: float
    codec: CodecConfig = CodecConfig()
    generator: GeneratorConfig = GeneratorConfig()
    max_frames: int = 600

    @property
    def styles(self) -> Basis:
        """The basis of its styles: how much of each speaker."""
        return Basis(f"{self.dataset}_speakers", self.speakers)

    def frame_count(self, samples: int) -> int:
        """Frames of motion for so many samples at 16 kHz, by the published rule."""
        if self.generator.audio_per_frame > 1:
            return feature_count(samples) // self.generator.audio_per_frame
        return int(feature_count(samples) / AUDIO_RATE * self.fps)


def feature_count(samples: int) -> int:
    """Features that wav2vec 2.0 makes of so many samples at 16 kHz."""
    for kernel, stride in CONVOLUTIONS:
        samples = max(0, (samples - kernel) // stride + 1)
    return samples


VOCASET = CodetalkerConfig(
    dataset="vocaset",
    basis=FLAME_VERTICES,
    speakers=(
        "FaceTalk_170728_03272_TA",
        "FaceTalk_170904_00128_TA",
        "FaceTalk_170725_00137_TA",
        "FaceTalk_170915_00223_TA",
        "FaceTalk_170811_03274_TA",
        "FaceTalk_170913_03279_TA",
        "FaceTalk_170904_03276_TA",
        "FaceTalk_170912_03278_TA",
    ),
    fps=30.0,
)
BIWI = CodetalkerConfig(
    dataset="biwi",
    basis=BIWI_VERTICES,
    speakers=("F2", "F3", "F4", "M3", "M4", "M5"),
    fps=25.0,
    codec=CodecConfig(vertices=23370, parts=8, part_width=128, wide_mesh=True),
    generator=GeneratorConfig(depth=12, period=25, audio_per_frame=2),
)
CONFIGS = {f"codetalker-{config.dataset}": config for config in (VOCASET, BIWI)}
"""By the model's name in the registry."""
