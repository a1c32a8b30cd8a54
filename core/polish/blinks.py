# SPDX-License-Identifier: GPL-3.0-or-later
"""A layer of blinks: when people blink in speech, and how the lids move when they do.

Published facts behind the numbers: intervals are log-normal with a spread of about .6 (Cruz et al. 2011), near 20 a
minute in conversation (Bentivoglio 1997), drawn to the ends of phrases (Nakano and Kitazawa 2010); lids close faster
than they open, and viewers find fully closing blinks of about 300 ms most natural (Trutoiu 2011).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..motion import Motion
from .amounts import Amount
from .curves import minimum_jerk
from .gaze import Shift
from .phrases import Phrase

_MEDIAN_INTERVAL, _INTERVAL_SIGMA = 2.6, 0.6
_INTERVAL_RANGE = (0.7, 12.0)
_SNAP, _GAZE_SNAP = 0.8, 0.5
_LARGE_SHIFT = 8.0
_SHIFT_SIZES, _SHIFT_CHANCES = (8.0, 15.0, 20.0, 33.0), (0.0, 0.3, 0.6, 0.97)
_SHORTEST_GAP = 0.28
_DOUBLE_CHANCE, _DOUBLE_GAP = 0.08, (0.28, 0.45)
_CLOSE, _HOLD, _OPEN = 0.090, 0.045, 0.065
_PARTIAL_CHANCE, _PARTIAL = 0.15, (0.7, 0.9)
_LONGEST = 1.2
"""Seconds after which a blink has faded to nothing."""
_IDLE_STRETCH = 1.35
"""By how much longer the intervals of somebody are who does not speak: 15 a minute instead of 20."""


def blink_times(
    duration: float,
    spoken: Sequence[Phrase],
    rng: np.random.Generator,
    shifts: Sequence[Shift] = (),
    idle_from: float = np.inf,
) -> list[float]:
    """Moments at which the lids begin to close within `duration` seconds; rarer after `idle_from`.

    A renewal process; a blink that falls due within .8 s before a phrase ends, or .5 s before a large shift of gaze,
    waits for that. Very large shifts bring a blink of their own (Evinger et al. 1994). The blinks of a longer duration
    begin as those of the shorter.
    """
    large = [shift for shift in shifts if shift.size >= _LARGE_SHIFT]
    moments = [(phrase.end, _SNAP, 0.12) for phrase in spoken] + [(shift.start, _GAZE_SNAP, 0.0) for shift in large]
    # chances of their own, so that later shifts do not change earlier blinks
    chance = np.random.default_rng(rng.integers(2**32))
    evoked = [shift.start for shift in large if chance.uniform() < np.interp(shift.size, _SHIFT_SIZES, _SHIFT_CHANCES)]
    times = _renewals(duration, sorted(moments), rng, idle_from)
    for start in evoked:
        if all(abs(start - other) > _SHORTEST_GAP for other in times):
            times.append(start)
    return sorted(times)


def _renewals(
    duration: float, moments: Sequence[tuple[float, float, float]], rng: np.random.Generator, idle_from: float
) -> list[float]:
    """Blinks at log-normal intervals, drawn to `moments`: when, from how long before, and up to how late."""
    at, reach, late = np.array(moments).reshape(-1, 3).T
    times: list[float] = []
    now = 0.0
    while True:
        stretch = _IDLE_STRETCH if now >= idle_from else 1.0
        interval = stretch * rng.lognormal(np.log(_MEDIAN_INTERVAL), _INTERVAL_SIGMA)
        # the first one is somewhere inside its interval: a clip does not start with a blink
        due = now + float(np.clip(interval, *_INTERVAL_RANGE)) * (rng.uniform() if not times else 1.0)
        coming = np.flatnonzero((at >= due) & (at < due + reach))
        if len(coming):
            due = float(at[coming[0]]) + rng.uniform(0.0, 1.0) * float(late[coming[0]])
        if due >= duration:
            return times
        times.append(due)
        now = due
        if rng.uniform() < _DOUBLE_CHANCE:
            now += rng.uniform(*_DOUBLE_GAP)
            if now < duration:
                times.append(now)


def blink_curve(seconds: NDArray[np.float64], start: float, amplitude: float, pace: float) -> NDArray[np.float64]:
    """Lid closure (0 open, `amplitude` shut) of one blink at the given times.

    Minimum jerk down in 90 ms, 45 ms shut, exponential up; all three stretched by `pace`.
    """
    down = minimum_jerk((seconds - start) / (_CLOSE * pace))
    after = seconds - start - (_CLOSE + _HOLD) * pace
    return amplitude * np.where(after < 0, down, np.exp(-np.maximum(after, 0) / (_OPEN * pace)))


def add_blinks(
    motion: Motion,
    spoken: Sequence[Phrase],
    seed: int,
    amount: Amount = 1.0,
    shifts: Sequence[Shift] = (),
    *,
    idle_from: float = np.inf,
) -> Motion:
    """The motion with blinks merged into `eyeBlinkLeft` and `eyeBlinkRight` by maximum.

    The hold is at least one frame long at the motion's rate, so that every blink shows a closed lid. Nothing that
    smooths may come after this layer: it would eat the blinks.
    """
    seconds = np.arange(len(motion)) / motion.fps
    closure = np.zeros(len(motion))
    rng = np.random.default_rng([seed, 1, 1])
    for start in blink_times(motion.duration, spoken, np.random.default_rng([seed, 1]), shifts, idle_from):
        amplitude = rng.uniform(*_PARTIAL) if rng.uniform() < _PARTIAL_CHANCE else 1.0
        pace = max(rng.uniform(0.9, 1.1), 1.0 / (motion.fps * _HOLD))
        during = slice(*np.searchsorted(seconds, (start, start + _LONGEST)))
        closure[during] = np.maximum(closure[during], blink_curve(seconds[during], start, amplitude, pace))
    values = motion.values.copy()
    for side in ("eyeBlinkLeft", "eyeBlinkRight"):
        column = motion.basis.index(side)
        values[:, column] = np.maximum(values[:, column], np.clip(amount * closure, 0, 1))
    return motion.with_values(values)
