# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech of any length to motion, window by window: all at once, or live. The same for every engine; without torch."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..audio import are_samples
from ..basis import BASES, HEAD_ROTATION
from ..errors import Cancelled, InputError
from ..models import Cancel, Progress
from ..motion import Motion
from ..polish.seams import WINDOW
from .config import SAMPLE_RATE, ArtalkConfig

Array = Any
"""An array of the engine that computes: of torch or of numpy."""


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


class Windows(Protocol):
    """Windows one after another, each knowing the one before."""

    def next(self, features: Array, style_token: Array) -> NDArray[np.float32]:
        """Audio features (T, A) of the next window -> its motion (frames, C)."""
        ...


class SpeechPipeline(ABC):
    """A loaded model of the ARTalk family as the rest of artalk knows it: `core.models.SpeechModel`.

    An engine adds how it computes: `embed_style`, `features` and `begin`.
    """

    memory_windows: int
    """How many earlier windows a live stream has to keep for the audio encoder; 0 when it sees each window alone."""

    def __init__(self, config: ArtalkConfig, meta: dict[str, Any] | None = None) -> None:
        self.config = config
        self.basis = BASES[config.basis]
        self.fps = config.fps
        self.meta = meta or {}

    @abstractmethod
    def embed_style(self, values: NDArray[np.float32] | None, guidance: float | None = None) -> Array:
        """Style motion (T, C) in the model's basis and rate, or None -> style token (1, 1, W); `check_style` first.

        guidance: how far the token is carried beyond that of no style, 1 for not at all; None for the model's own.
        """

    @abstractmethod
    def features(self, audio: NDArray[np.float32], first: int = 0) -> Iterable[Array]:
        """Audio (n,) of whole windows -> features (T, A) of each window in turn, from window `first` on."""

    @abstractmethod
    def begin(self, style_token: Array, before: NDArray[np.float32] | None = None, seed: int = 0) -> Windows:
        """The state before the first window; before: (frames, C) the motion of the window before it, None for rest.

        seed: of what is drawn by chance; most models take the likelier bit, whatever it is
        """

    def frame_count(self, samples: int) -> int:
        """Frames of motion for so many samples."""
        return frame_count(samples, self.fps)

    def generate(
        self,
        audio: NDArray[np.float32],
        *,
        style: Motion | None = None,
        guidance: float | None = None,
        seed_motion: Motion | None = None,
        seed: int = 0,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Motion:
        """Speech (n,) mono at 16 kHz -> the model's own motion, without any post-processing.

        style: a motion of 1 to 599 frames in the model's basis, about 50 are usual; guidance: how much of it, 1 as it
        is, None for the model's own. seed_motion: what the face did before, in the model's basis; None for rest.
        `progress` is told the fraction done after each window; Cancelled is raised when `cancel` says so between
        windows.
        """
        check_audio(audio)
        frames = self.frame_count(len(audio))
        window = self.config.window_samples
        count = math.ceil(len(audio) / window)
        padded = np.zeros(count * window, np.float32)
        padded[: len(audio)] = audio
        values = np.zeros((count * self.config.codec.frames, len(self.basis)), np.float32)
        token = self.style_token(style, guidance)
        windows = self.begin(token, None if seed_motion is None else self._window_of(seed_motion), seed)
        for i, features in enumerate(self.features(padded)):
            if cancel and cancel():
                raise Cancelled
            motion = windows.next(features, token)
            values[i * len(motion) : (i + 1) * len(motion)] = motion
            if progress:
                progress((i + 1) / count)
        return self.motion(values[:frames])

    def stream(self, style: Motion | None = None) -> ArtalkStream:
        """Begin to generate from audio that arrives piece by piece."""
        return ArtalkStream(self, style)

    def motion(self, values: NDArray[np.float32]) -> Motion:
        """Values (T, C) as they come out of the windows, as a Motion of this model."""
        if self.config.head_gain != 1:
            values = values.copy()
            values[:, self.basis.indices(HEAD_ROTATION)] *= self.config.head_gain
        return Motion(values, self.basis, self.fps, {WINDOW: self.config.codec.frames, **self.meta})

    def _window_of(self, motion: Motion) -> NDArray[np.float32]:
        """The last frames of a motion, as many as a window has; its first is held before a shorter one."""
        self._require_basis(motion, "seed motion")
        frames = self.config.codec.frames
        values = motion.resample(self.fps).values[-frames:]
        if len(values) == 0:
            raise InputError("The seed motion has no frames: choose one that is not empty.")
        return np.concatenate([np.repeat(values[:1], frames - len(values), axis=0), values])

    def _require_basis(self, motion: Motion, what: str) -> None:
        if motion.basis != self.basis:
            raise InputError(
                f"The {what} is motion in '{motion.basis.name}' but the model's is '{self.basis.name}': "
                f"choose a {what} made with this model."
            )

    def style_token(self, style: Motion | None, guidance: float | None = None) -> Array:
        """A style motion in this model's basis, or None -> style token (1, 1, W).

        Raises InputError when the style is of another basis or of a length the model does not take.
        """
        if style is None:
            return self.embed_style(None, guidance)
        self._require_basis(style, "style")
        return self.embed_style(style.resample(self.fps).values, guidance)


class ArtalkStream:
    """Audio in pieces of any size -> motion as soon as a window is full, equal to `SpeechPipeline.generate`.

    Equal bit for bit where the audio encoder sees each window alone (wav2vec 2.0, mimi). One that looks beyond the
    window (`memory_windows` > 0) has the past here but not the future, so its features differ a little near the end
    of each window.
    """

    def __init__(self, pipeline: SpeechPipeline, style: Motion | None = None) -> None:
        self.pipeline = pipeline
        self.style = pipeline.style_token(style)
        self.windows = pipeline.begin(self.style)
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
        return self._emit([motion[: self.pipeline.frame_count(self.samples) - self.emitted]])

    def _emit(self, pieces: list[NDArray[np.float32]]) -> Motion:
        values = np.concatenate(pieces) if pieces else np.zeros((0, len(self.pipeline.basis)), np.float32)
        self.emitted += len(values)
        return self.pipeline.motion(values)

    def _window(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        size = len(samples)
        heard = np.concatenate([self.past, samples])
        self.past = heard[max(0, len(heard) - self.pipeline.memory_windows * size) :]
        (features,) = self.pipeline.features(heard, len(heard) // size - 1)
        return self.windows.next(features, self.style)


def check_style(frames: int, most: int) -> None:
    """Raise InputError unless a style motion has 1 to `most` frames."""
    if not 1 <= frames <= most:
        raise InputError(f"A style motion has 1 to {most} frames, not {frames}: cut it, about 50 frames are usual.")


def check_audio(audio: NDArray[np.float32]) -> None:
    """Raise InputError unless the audio is (n,), n > 0, all of it samples (`are_samples`)."""
    if audio.ndim != 1:
        raise InputError(f"The model takes mono audio, not an array of shape {audio.shape}: mix the channels first.")
    if len(audio) == 0:
        raise InputError("There is no audio to speak: the clip has no samples, choose one that is not empty.")
    if not are_samples(audio):
        raise InputError("The audio holds values that are not numbers or far too large: export it again as WAV.")
