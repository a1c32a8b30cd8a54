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
    """Roughness at the borders of windows against elsewhere, and the head's drift, on long speech (n,) at 16 kHz.

    The speech is animated twice, the second time half a window later, so that the same sounds fall once on a border
    and once amid a window: what they ask for by themselves cancels.
    """
    late = int(WINDOW_SECONDS / 2 * RATE)
    first, second = speak(samples), speak(np.concatenate([samples[-late:], samples]))
    skipped = round(WINDOW_SECONDS / 2 * first.fps)
    second = second.with_values(second.values[skipped : skipped + len(first)])
    rows: dict[str, dict[str, Cell]] = {}
    marks = {}
    for name, curves in (("jerk of the lips", lip_values), ("jerk of the head", lambda motion, _: _head(motion))):
        ratio = seam_ratio(curves(first, probe), curves(second, probe), first.fps)
        rows[name] = {"borders / elsewhere": ratio}
        marks[name, "borders / elsewhere"] = JERK.mark(ratio)
    for axis, slope in zip(HEAD_ROTATION, drift(first), strict=True):
        rows[f"drift of {axis}"] = {"degrees/min": slope}
        marks[f"drift of {axis}", "degrees/min"] = DRIFT.mark(slope)
    note = (
        f"{first.duration / 60:.1f} minutes. Jerk within {NEAR_FRAMES} frames of a border of windows, every "
        f"{WINDOW_SECONDS:g} s, over that of the same sounds amid a window: at most 1.1 is wanted."
    )
    return Table("seams and drift", rows, marks, note)


def seam_ratio(first: Array, second: Array, fps: float) -> float:
    """Root mean square third difference near borders over that of the same moments elsewhere; nan without borders.

    Both (T, C) show the same speech: `first` with borders every 4 s, `second` with borders 2 s later than these.
    """
    count = min(len(first), len(second)) - 3
    jerk = [np.square(np.diff(values, 3, axis=0)).mean(axis=1)[:count] for values in (first, second)]
    near = [near_border(count, fps, shift) for shift in (0.0, WINDOW_SECONDS / 2)]
    at_borders = jerk[0][near[0]].sum() + jerk[1][near[1]].sum()
    elsewhere = jerk[0][near[1]].sum() + jerk[1][near[0]].sum()
    return float(np.sqrt(at_borders / elsewhere)) if elsewhere > 0 else float("nan")


def near_border(count: int, fps: float, shift: float) -> NDArray[np.bool_]:
    """Which of `count` third differences lie near a border, the borders being `shift` seconds late.

    A border lies between the last frame of a window and the first of the next; the beginning is none.
    """
    window = WINDOW_SECONDS * fps
    # a third difference belongs to the middle of the four frames that it spans
    from_start = np.arange(count) + 1.5 + 0.5 - shift * fps
    from_border = (from_start + window / 2) % window - window / 2
    return (np.abs(from_border) <= NEAR_FRAMES) & (np.arange(count) > window / 4)


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
