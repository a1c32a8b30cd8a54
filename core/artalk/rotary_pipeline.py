# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of ARTalk's training code as it speaks: what `windows.SpeechPipeline` asks of it.

Bits are drawn, not taken as the likeliest, so that a seed gives one performance. Each window is guided: the logits are
carried beyond those of a face that hears nothing and was shown no style (Ho and Salimans 2022).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..motion import Motion
from ..retarget.flame_eyes import with_eyes
from .bsq import area_pool, upsample
from .rotary import RotaryModel
from .windows import SpeechPipeline

KEPT_SHARE = 0.97
"""Of each bit the less likely side is never drawn when its probability is no more than what this leaves."""
SAMPLES_PER_FRAME = 640.0


@dataclass(frozen=True)
class ShownStyle:
    """A window of style as the generator sees it, (1, frames, d), and how far it is guided."""

    feature: Tensor
    guidance: float


class RotaryPipeline(SpeechPipeline):
    """A loaded model of the training code."""

    memory_windows = 0

    def __init__(self, model: RotaryModel, meta: dict[str, Any] | None = None, *, draws: bool = True) -> None:
        """draws: whether bits are drawn; off, the likelier side is taken."""
        super().__init__(model.config, meta)
        self.model = model.eval().requires_grad_(False)
        self.draws = draws

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return self.model.generator.base_codec.motion_mean.device

    def frame_count(self, samples: int) -> int:
        """As the training code has it: exact, unlike the released rule."""
        return math.ceil(samples / SAMPLES_PER_FRAME)

    def style_token(self, style: Motion | None, guidance: float | None = None) -> ShownStyle:
        """See `SpeechPipeline.style_token`; a style of FLAME motion without eyes will do."""
        return cast(ShownStyle, super().style_token(None if style is None else with_eyes(style), guidance))

    def _window_of(self, motion: Motion) -> NDArray[np.float32]:
        return super()._window_of(with_eyes(motion))

    @torch.inference_mode()
    def embed_style(self, values: NDArray[np.float32] | None, guidance: float | None = None) -> ShownStyle:
        """See `SpeechPipeline.embed_style`; what is shorter than a window is shown again and again."""
        frames = self.config.codec.frames
        shown = np.zeros((frames, len(self.basis)), np.float32)
        if values is not None:
            shown = np.resize(values, (frames, len(self.basis)))
        return ShownStyle(self.encode(shown), self.config.guidance if guidance is None else guidance)

    @torch.inference_mode()
    def encode(self, values: NDArray[np.float32]) -> Tensor:
        """Motion of a window (frames, C) -> its summed code feature (1, frames, d)."""
        codec = self.model.generator.base_codec
        return codec.quantise(torch.from_numpy(values).to(self.device)[None]).feature

    @torch.inference_mode()
    def features(self, audio: NDArray[np.float32], first: int = 0) -> Iterator[Tensor]:
        """See `SpeechPipeline.features`."""
        samples = torch.from_numpy(audio).to(self.device)
        yield from self.model.encoder.encode_clip(samples, self.config.window_samples, first)

    def begin(self, style_token: ShownStyle, before: NDArray[np.float32] | None = None, seed: int = 0) -> RotaryLoop:
        """See `SpeechPipeline.begin`."""
        del style_token  # each window is told anew
        return RotaryLoop(self, before, seed)


class RotaryLoop:
    """Windows one after another, each knowing the one before."""

    def __init__(self, pipeline: RotaryPipeline, before: NDArray[np.float32] | None, seed: int) -> None:
        self.pipeline = pipeline
        zeros = np.zeros((pipeline.config.codec.frames, len(pipeline.basis)), np.float32)
        self.nothing = pipeline.encode(zeros)
        self.previous = self.nothing if before is None else pipeline.encode(before)
        # on the processor, so that a seed draws the same on every device
        self.chance = torch.Generator().manual_seed(seed)

    @torch.inference_mode()
    def next(self, features: Tensor, style_token: ShownStyle) -> NDArray[np.float32]:
        """Audio features (T, A) of the next window -> its motion (frames, C)."""
        codec = self.pipeline.model.generator.base_codec
        bits = [drawn for _, drawn in self.scales(features, style_token)]
        motion = codec.decode_window(codec.feature(bits))[0].float().cpu().numpy()
        self.previous = self.pipeline.encode(motion)
        return motion

    def scales(self, features: Tensor, style: ShownStyle) -> Iterator[tuple[Tensor, Tensor]]:
        """Scale by scale: the guided logits (1, n, d, 2), and the bits (1, n, d) drawn from them."""
        generator = self.pipeline.model.generator
        quantiser, scales = generator.base_codec.quantiser, self.pipeline.config.codec.scales
        # the second row hears nothing and was shown nothing, but knows what it did before
        audio = torch.stack([features, torch.zeros_like(features)])
        shown, previous = torch.cat([style.feature, self.nothing]), self.previous.expand(2, -1, -1)
        known = torch.zeros(1, sum(scales[1:]), self.nothing.shape[-1], device=features.device)
        total, start = torch.zeros_like(self.nothing), 0
        for scale, length in enumerate(scales):
            # what is not known yet is not seen either
            both = generator(audio, shown, previous, known.expand(2, -1, -1))[:, start : start + length]
            logits = style.guidance * both[:1] + (1 - style.guidance) * both[1:]
            bits = self._drawn(logits)
            yield logits, bits
            start += length
            if scale + 1 < len(scales):
                total = total + upsample(quantiser.codes(bits, scale), quantiser.frames)
                known[:, start - 1 : start - 1 + scales[scale + 1]] = area_pool(total, scales[scale + 1])

    def _drawn(self, logits: Tensor) -> Tensor:
        if not self.pipeline.draws:
            return logits[..., 1] > logits[..., 0]
        likely = kept_sides(logits).softmax(-1)[..., 1]
        chance = torch.rand(likely.shape, generator=self.chance).to(likely.device)
        return chance < likely


def kept_sides(logits: Tensor, share: float = KEPT_SHARE) -> Tensor:
    """Logits (..., 2) with a side that is too unlikely to be drawn at minus infinity."""
    return logits.masked_fill(logits.softmax(-1) <= 1 - share, -torch.inf)
