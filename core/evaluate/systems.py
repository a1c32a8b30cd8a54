# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured: a model as an animator gets it, and the articulation table as the ceiling of what it can learn."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..basis import ARKIT
from ..generate import Options, load_model, polish
from ..motion import Motion
from ..polish.prosody import listen
from .clips import Clip
from .mouth import MouthTracks

Audio = NDArray[np.float32]
Recordings = Mapping[str, Audio]
"""Samples (n,) mono at 16 kHz of each clip, by its id."""
Measure = Callable[[Clip, Audio], MouthTracks]


class Speak(Protocol):
    """Speech in, finished motion out."""

    def __call__(self, audio: Audio, /, *, style: Motion | None = None, seed: int = 0) -> Motion:
        """Audio (n,) mono at 16 kHz -> motion."""
        ...


@dataclass(frozen=True)
class ModelSpeaker:
    """A model of the registry with the post-processing of these options."""

    options: Options

    def __call__(self, audio: Audio, /, *, style: Motion | None = None, seed: int = 0) -> Motion:
        """As `core.generate.generate`, but the style is a motion in memory."""
        raw = load_model(self.options).generate(audio, style=style, seed=seed)
        return polish(raw, listen(audio), replace(self.options, seed=seed))


def ceiling(clip: Clip) -> Motion:
    """The articulation table itself, from the true phones: what a model that has learned it perfectly would reach."""
    from ..phones import articulate
    from ..train import teacher

    tracks = articulate(clip.phones, clip.duration, teacher.FPS)
    signal = np.pad(tracks, ((0, 0), (0, len(teacher.PROSODY)))).astype(np.float32)
    return Motion(teacher.motion(signal, teacher.NEUTRAL.vector()), ARKIT, teacher.FPS)


def measure_all(name: str, measure: Measure, clips: Sequence[Clip], recordings: Recordings) -> dict[str, MouthTracks]:
    """Tracks of every clip by its id, with the progress on stderr."""
    out = {}
    for number, clip in enumerate(clips, 1):
        out[clip.id] = measure(clip, recordings[clip.id])
        say_progress(name, number, len(clips))
    return out


def say_progress(what: str, done: int, total: int) -> None:
    """One line on a terminal's stderr, redrawn in place; nothing elsewhere."""
    if sys.stderr.isatty():
        print(f"\r{what}: {done} of {total}  ", end="\n" if done == total else "", file=sys.stderr, flush=True)
