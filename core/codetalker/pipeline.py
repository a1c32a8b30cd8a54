# SPDX-License-Identifier: GPL-3.0-or-later
"""A loaded CodeTalker model as the rest of artalk knows it: `core.models.SpeechModel`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..artalk.config import SAMPLE_RATE
from ..artalk.windows import check_audio
from ..errors import Cancelled, InputError
from ..models import Cancel, Progress
from ..motion import Motion
from .model import CodetalkerModel


class CodetalkerPipeline:
    """A loaded model on torch, on any device."""

    def __init__(self, model: CodetalkerModel, meta: dict[str, Any] | None = None) -> None:
        self.model = model.eval().requires_grad_(False)
        self.config = model.config
        self.basis = self.config.basis
        self.speakers = self.config.styles
        self.fps = self.config.fps
        self.meta = meta or {}

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return self.model.codec.codebook.weight.device

    def generate(
        self,
        audio: NDArray[np.float32],
        *,
        style: Motion | None = None,
        seed: int = 0,  # noqa: ARG002 (part of the protocol; this model always takes the nearest code)
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Motion:
        """Speech (n,) mono at 16 kHz -> how far each vertex is from the neutral face, (T, 3 V).

        style: shares of the speakers by `speaker_style`; the first speaker when left out. The clip is taken as a
        whole: InputError when it is too short for one frame or longer than the model can take. Cancelled is raised
        when `cancel` says so between frames.
        """
        check_audio(audio)
        self._check_length(len(audio))
        with torch.inference_mode():
            codes = self._codes(self._shares(style), torch.from_numpy(audio).to(self.device)[None], progress, cancel)
            offsets = self.model.codec.decode(codes)[0]
        return Motion(offsets.float().cpu().numpy(), self.basis, self.fps, dict(self.meta))

    def _codes(self, shares: Tensor, audio: Tensor, progress: Progress | None, cancel: Cancel | None) -> Tensor:
        """Shares (1, S) and audio (1, n) -> codes of all frames (1, T, parts)."""
        generator = self.model.generator
        frames = self.config.frame_count(audio.shape[-1])
        found = []
        features = generator.speech_features(audio)
        for codes in generator.generate(features, generator.style(shares), self.model.codec):
            if cancel and cancel():
                raise Cancelled
            found.append(codes)
            if progress:
                # each frame decodes all before it again, so that the time grows with the square
                progress((len(found) / frames) ** 2)
        return torch.cat(found, dim=1)

    def _shares(self, style: Motion | None) -> Tensor:
        if style is None:
            return torch.eye(1, len(self.speakers), device=self.device)
        if style.basis != self.speakers or len(style) != 1:
            raise InputError(
                f"The style is motion in '{style.basis.name}' but this model's styles are speakers: "
                f"choose one of {', '.join(self.speakers.channels)}."
            )
        return torch.from_numpy(style.values).to(self.device)

    def _check_length(self, samples: int) -> None:
        frames, most = self.config.frame_count(samples), self.config.max_frames
        if frames == 0:
            raise InputError(
                f"The sound of {samples / SAMPLE_RATE:.3f} s is too short for one frame: choose one of 0.1 s or more."
            )
        if frames > most:
            raise InputError(
                f"The sound makes {frames} frames but CodeTalker takes {most} at once: "
                f"cut it into lines of at most {most / self.fps:g} s."
            )
