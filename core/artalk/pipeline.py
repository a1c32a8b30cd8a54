# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech of any length to motion, window by window: all at once, or live from a stream of samples."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..basis import BASES
from ..errors import Cancelled, InputError
from ..models import Cancel, Progress
from ..motion import Motion
from .config import SAMPLE_RATE
from .model import ArtalkModel


def frame_count(samples: int, fps: float = 25.0) -> int:
    """Frames for so many samples at 16 kHz.

    The published rule, in double precision and in this order: rounding makes it one larger than the exact value for
    some lengths (4480 samples give 8 frames, not 7).
    """
    return math.ceil(samples / SAMPLE_RATE * fps)


def streamed_frame_count(samples: int, window_samples: int = 64000, fps: float = 25.0) -> int:
    """Frames the published streamer gives, which rounds the rest after the last whole window by itself.

    Differs from `frame_count` by one for some lengths; `ArtalkStream` follows `frame_count`.
    """
    windows, rest = divmod(samples, window_samples)
    return windows * round(window_samples / SAMPLE_RATE * fps) + frame_count(rest, fps)


class ArtalkPipeline:
    """A loaded model of the ARTalk family as the rest of artalk knows it: `core.models.SpeechModel`."""

    def __init__(self, model: ArtalkModel, meta: dict[str, Any] | None = None) -> None:
        self.model = model.eval().requires_grad_(False)
        self.config = model.config
        self.basis = BASES[model.config.basis]
        self.fps = model.config.fps
        self.meta = meta or {}

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return self.model.codec.motion_mean.device

    def generate(
        self,
        audio: NDArray[np.float32],
        *,
        style: Motion | None = None,
        seed: int = 0,  # noqa: ARG002 (part of the protocol; this model always takes the likelier bit)
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Motion:
        """Speech (n,) mono at 16 kHz -> the model's own motion, without any post-processing.

        style: a motion of 1 to 599 frames in the model's basis, about 50 are usual. `progress` is told the fraction
        done after each window; Cancelled is raised when `cancel` says so between windows.
        """
        check_audio(audio)
        frames = frame_count(len(audio), self.fps)
        window = self.config.window_samples
        count = math.ceil(len(audio) / window)
        padded = torch.zeros(count * window)
        padded[: len(audio)] = torch.from_numpy(np.ascontiguousarray(audio, np.float32))
        values = np.zeros((count * self.config.codec.frames, len(self.basis)), np.float32)
        for i, motion in enumerate(self._windows(padded.to(self.device), self.style_token(style), cancel)):
            values[i * len(motion) : (i + 1) * len(motion)] = motion
            if progress:
                progress((i + 1) / count)
        return self.motion(values[:frames])

    def stream(self, style: Motion | None = None) -> ArtalkStream:
        """Begin to generate from audio that arrives piece by piece."""
        return ArtalkStream(self, style)

    def motion(self, values: NDArray[np.float32]) -> Motion:
        """Values (T, C) as a Motion of this model."""
        return Motion(values, self.basis, self.fps, dict(self.meta))

    @torch.inference_mode()
    def style_token(self, style: Motion | None) -> Tensor:
        """A style motion in this model's basis, or None -> style token (1, 1, W).

        Raises InputError when the style is of another basis or of a length the model does not take.
        """
        if style is None:
            return self.model.style_token(None)
        if style.basis != self.basis:
            raise InputError(
                f"The style is motion in '{style.basis.name}' but the model's is '{self.basis.name}': "
                "choose a style made with this model."
            )
        values = torch.from_numpy(style.resample(self.fps).values).to(self.device)
        return self.model.style_token(values[None])

    def _windows(self, audio: Tensor, style_token: Tensor, cancel: Cancel | None) -> Iterator[NDArray[np.float32]]:
        """Motion (frames, C) of each window in turn of audio (n,), n a multiple of the window."""
        with torch.inference_mode():
            windows = WindowLoop(self.model, style_token)
            for features in self.model.encoder.encode_clip(audio, self.config.window_samples):
                if cancel and cancel():
                    raise Cancelled
                yield windows.next(features, style_token)


class WindowLoop:
    """Windows one after another, each knowing the one before."""

    def __init__(self, model: ArtalkModel, style_token: Tensor) -> None:
        self.model = model
        self.history = model.rest(style_token)

    def next(self, features: Tensor, style_token: Tensor) -> NDArray[np.float32]:
        """Audio features (T, A) of the next window -> its motion (frames, C)."""
        _, motion = self.model.generate_window(features[None], style_token, self.history)
        self.history = self.model.remember(motion, style_token)
        return motion[0].float().cpu().numpy()


class ArtalkStream:
    """Audio in pieces of any size -> motion as soon as a window is full, equal to `ArtalkPipeline.generate`.

    Equal bit for bit where the audio encoder sees each window alone (wav2vec 2.0, mimi). One that looks beyond the
    window (`memory_windows` > 0) has the past here but not the future, so its features differ a little near the end
    of each window.
    """

    def __init__(self, pipeline: ArtalkPipeline, style: Motion | None = None) -> None:
        self.pipeline = pipeline
        self.style = pipeline.style_token(style)
        with torch.inference_mode():
            self.windows = WindowLoop(pipeline.model, self.style)
        self.waiting = np.zeros(0, np.float32)
        self.past = np.zeros(0, np.float32)
        self.samples = 0
        self.emitted = 0

    def set_style(self, style: Motion | None) -> None:
        """Change the style from the next window on; what is remembered of the last window keeps the old one."""
        self.style = self.pipeline.style_token(style)

    def feed(self, samples: NDArray[np.float32]) -> Motion:
        """Take samples (n,) at 16 kHz; returns the motion that is ready now, often of no frames."""
        size = self.pipeline.config.window_samples
        self.samples += len(samples)
        self.waiting = np.concatenate([self.waiting, np.asarray(samples, np.float32)])
        ready = []
        while len(self.waiting) >= size:
            ready.append(self._window(self.waiting[:size]))
            self.waiting = self.waiting[size:]
        return self._emit(ready)

    def finish(self) -> Motion:
        """The rest of the motion; the stream cannot be fed any more."""
        if not len(self.waiting):
            return self._emit([])
        last = np.zeros(self.pipeline.config.window_samples, np.float32)
        last[: len(self.waiting)] = self.waiting
        motion = self._window(last)
        return self._emit([motion[: frame_count(self.samples, self.pipeline.fps) - self.emitted]])

    def _emit(self, pieces: list[NDArray[np.float32]]) -> Motion:
        values = np.concatenate(pieces) if pieces else np.zeros((0, len(self.pipeline.basis)), np.float32)
        self.emitted += len(values)
        return self.pipeline.motion(values)

    @torch.inference_mode()
    def _window(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        size, encoder = len(samples), self.pipeline.model.encoder
        heard = np.concatenate([self.past, samples])
        self.past = heard[max(0, len(heard) - encoder.memory_windows * size) :]
        audio = torch.from_numpy(heard).to(self.pipeline.device)
        (features,) = encoder.encode_clip(audio, size, len(heard) // size - 1)
        return self.windows.next(features, self.style)


def check_audio(audio: NDArray[np.float32]) -> None:
    """Raise InputError unless the audio is (n,), n > 0, all finite."""
    if audio.ndim != 1:
        raise InputError(f"The model takes mono audio, not an array of shape {audio.shape}: mix the channels first.")
    if len(audio) == 0:
        raise InputError("There is no audio to speak: the clip has no samples, choose one that is not empty.")
    if not np.isfinite(audio).all():
        raise InputError("The audio holds values that are not numbers: export it again as WAV.")
