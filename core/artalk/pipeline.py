# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of the ARTalk family on torch: what `windows.SpeechPipeline` asks of an engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .model import ArtalkModel
from .windows import SpeechPipeline


class ArtalkPipeline(SpeechPipeline):
    """A loaded model on torch, on any device."""

    def __init__(self, model: ArtalkModel, meta: dict[str, Any] | None = None) -> None:
        super().__init__(model.config, meta)
        self.model = model.eval().requires_grad_(False)
        self.memory_windows = model.encoder.memory_windows

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return self.model.codec.motion_mean.device

    @torch.inference_mode()
    def embed_style(self, values: NDArray[np.float32] | None, guidance: float | None = None) -> Tensor:
        """See `SpeechPipeline.embed_style`."""
        style = None if values is None else torch.from_numpy(values).to(self.device)[None]
        return self.model.style_token(style, guidance)

    @torch.inference_mode()
    def features(self, audio: NDArray[np.float32], first: int = 0) -> Iterator[Tensor]:
        """See `SpeechPipeline.features`."""
        samples = torch.from_numpy(audio).to(self.device)
        yield from self.model.encoder.encode_clip(samples, self.config.window_samples, first)

    @torch.inference_mode()
    def begin(
        self,
        style_token: Tensor,
        before: NDArray[np.float32] | None = None,
        seed: int = 0,  # noqa: ARG002 (the likelier bit is taken)
    ) -> WindowLoop:
        """See `SpeechPipeline.begin`."""
        loop = WindowLoop(self.model, style_token)
        if before is not None:
            loop.history = self.model.remember(torch.from_numpy(before).to(self.device)[None], style_token)
        return loop


class WindowLoop:
    """Windows one after another, each knowing the one before."""

    @torch.inference_mode()
    def __init__(self, model: ArtalkModel, style_token: Tensor) -> None:
        self.model = model
        self.history = model.rest(style_token)

    @torch.inference_mode()
    def next(self, features: Tensor, style_token: Tensor) -> NDArray[np.float32]:
        """Audio features (T, A) of the next window -> its motion (frames, C)."""
        _, motion = self.model.generate_window(features[None], style_token, self.history)
        self.history = self.model.remember(motion, style_token)
        return motion[0].float().cpu().numpy()
