# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the windows of a model show in long speech, and whether the head wanders off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..audio import RATE
from ..basis import ARKIT, HEAD_ROTATION
from ..errors import InputError
from ..motion import Motion
from .channels import channel_groups
from .clips import Clip
from .goals import Goal, at_most
from .mouth import MouthProbe
from .systems import Recordings, Speak
from .tables import Cell, Table

Array = NDArray[np.float64]

WINDOW_SECONDS = 4.0
NEAR_FRAMES = 2
MINUTES = 10.0
JERK = at_most(1.1, 1.1)
DRIFT = Goal((-0.2, 0.2), (-0.2, 0.2))
"""Degrees a minute: two degrees in ten minutes, little beside a head that turns by as much in a second."""


def long_speech(clips: Sequence[Clip], recordings: Recordings, minutes: float = MINUTES) -> NDArray[np.float32]:
    """The clips of speech one after the other, again and again up to so many minutes, (n,) at 16 kHz."""
    spoken = [recordings[clip.id] for clip in clips if clip.kind == "speech"]
    if not spoken:
        raise InputError("--seams needs clips of speech: give some.")
    once = np.concatenate(spoken)
    wanted = int(minutes * 60 * RATE)
    # the windows must not fall on the same sounds in each round, so that each is a little shorter
    rounds = [once[: len(once) - k * RATE] for k in range(wanted // len(once) + 2) if len(once) > k * RATE]
    return np.resize(np.concatenate(rounds), wanted)


def measure(speak: Speak, samples: NDArray[np.float32], probe: MouthProbe) -> Table:
    """Roughness at the borders of windows against elsewhere, and the head's drift, on long speech (n,) at 16 kHz."""
    motion = speak(samples)
    rows: dict[str, dict[str, Cell]] = {}
    marks = {}
    for name, values in (("jerk of the lips", lip_values(motion, probe)), ("jerk of the head", _head(motion))):
        ratio = seam_ratio(values, motion.fps)
        middle = seam_ratio(values, motion.fps, shift=WINDOW_SECONDS / 2)
        rows[name] = {"at borders": ratio, "amid windows": middle}
        marks[name, "at borders"] = JERK.mark(ratio)
    for axis, slope in zip(HEAD_ROTATION, drift(motion), strict=True):
        rows[f"drift of {axis}"] = {"degrees/min": slope}
        marks[f"drift of {axis}", "degrees/min"] = DRIFT.mark(slope)
    note = (
        f"{motion.duration / 60:.1f} minutes. Jerk within {NEAR_FRAMES} frames of a border of windows, every "
        f"{WINDOW_SECONDS:g} s, as a ratio to elsewhere, at most 1.1 is wanted; the same amid the windows, where there "
        "is no border, shows how much of it is chance."
    )
    return Table("seams and drift", rows, marks, note)


def seam_ratio(values: Array, fps: float, shift: float = 0.0) -> float:
    """Root mean square third difference of curves (T, C) near borders, over that elsewhere; nan without borders.

    Borders lie between the last frame of a window and the first of the next, `shift` seconds later if given.
    """
    jerk = np.square(np.diff(values, 3, axis=0)).mean(axis=1)
    window = WINDOW_SECONDS * fps
    border = shift * fps - 0.5
    # a third difference belongs to the middle of the four frames that it spans
    from_border = (np.arange(len(jerk)) + 1.5 - border + window / 2) % window - window / 2
    near = np.abs(from_border) <= NEAR_FRAMES
    near &= np.arange(len(jerk)) > window / 4  # the beginning is no border
    if not near.any() or jerk[~near].mean() <= 0:
        return float("nan")
    return float(np.sqrt(jerk[near].mean() / jerk[~near].mean()))


def lip_values(motion: Motion, probe: MouthProbe) -> Array:
    """(T, 1) lip gap in mm of ARKit motion; of another basis all its channels but the head's."""
    if motion.basis == ARKIT:
        return probe.tracks(motion).aperture[:, None]
    columns = [column for group, found in channel_groups(motion.basis).items() if group != "head" for column in found]
    return motion.values[:, columns].astype(np.float64)


def drift(motion: Motion) -> list[float]:
    """Slope of the line through each of the head's angles, degrees a minute."""
    minutes = np.arange(len(motion)) / motion.fps / 60
    return [float(np.polyfit(minutes, np.degrees(angle), 1)[0]) for angle in _head(motion).T]


def _head(motion: Motion) -> Array:
    return motion.values[:, motion.basis.indices(HEAD_ROTATION)].astype(np.float64)
