# SPDX-License-Identifier: GPL-3.0-or-later
"""A layer of gaze: eyes that look at the listener, glance away, make small fixation shifts and hold against the head.

Published facts behind the numbers: saccades last 25 ms + 2.4 ms per degree (Lee, Badler and Badler 2002), long
utterances begin with a look away and end on the listener (Kendon 1967), the vestibulo-ocular reflex turns the eyes
against the head with a gain near one, and the upper lid follows the eye (Becker and Fuchs 1988).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..motion import Motion
from .phrases import Phrase

_REFLEX_GAIN = 0.97
_ON_MEDIAN, _AWAY_MEDIAN, _HOLD_SIGMA = 2.6, 0.9, 0.5
_ON_RANGE, _AWAY_RANGE = (0.6, 7.0), (0.3, 2.5)
_AWAY_DEGREES, _AWAY_LARGEST = 6.9, 20.0
_VERTICAL_SHARE = 0.7
_FIXATION_MEDIAN, _FIXATION_SIGMA, _FIXATION_SHORTEST = 0.65, 0.5, 0.15
_FIXATION_SPREAD = (0.7, 0.9)
_PITCH_LIMITS, _YAW_LIMIT = (-20.0, 25.0), 30.0
_LID_PER_DEGREE_DOWN = 0.4 / 30.0
_EYES = (("left_eye_x", "right_eye_x"), ("left_eye_y", "right_eye_y"))


@dataclass(frozen=True)
class _Shift:
    """A saccade: when it starts (s) and where it lands (pitch, yaw in degrees, relative to the listener)."""

    start: float
    pitch: float
    yaw: float


def gaze_shifts(duration: float, phrases: Sequence[Phrase], rng: np.random.Generator) -> list[_Shift]:
    """The saccades of `duration` seconds: fixations about a target that is the listener or a point away from them."""
    starts = np.array([phrase.start for phrase in phrases if phrase.start > 0.5])
    shifts: list[_Shift] = []
    target = np.zeros(2)
    looking_away = False
    now, leave = 0.0, float(np.clip(rng.lognormal(np.log(_ON_MEDIAN), _HOLD_SIGMA), *_ON_RANGE))
    while now < duration:
        if now >= leave:
            looking_away = not looking_away
            target = _point_away(rng) if looking_away else np.zeros(2)
            median, limits = (_AWAY_MEDIAN, _AWAY_RANGE) if looking_away else (_ON_MEDIAN, _ON_RANGE)
            leave = now + float(np.clip(rng.lognormal(np.log(median), _HOLD_SIGMA), *limits))
            # thinking of the next phrase: eyes leave a little before it begins
            coming = starts[(starts > leave) & (starts < leave + 1.0)]
            if not looking_away and len(coming):
                leave = float(coming[0]) - rng.uniform(0.0, 0.4)
        offset = rng.normal(0, _FIXATION_SPREAD)
        shifts.append(_Shift(now, *(target + offset)))
        pause = rng.lognormal(np.log(_FIXATION_MEDIAN), _FIXATION_SIGMA)
        now = min(now + max(pause, _FIXATION_SHORTEST), max(leave, now + _FIXATION_SHORTEST))
    return shifts


def gaze_angles(shifts: Sequence[_Shift], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Direction of gaze in the world (T, 2) degrees, pitch and yaw, with a minimum-jerk step for each saccade."""
    angles = np.zeros((len(seconds), 2))
    before = np.zeros(2)
    for shift in shifts:
        landing = np.array([shift.pitch, shift.yaw])
        length = 0.025 + 0.0024 * float(np.linalg.norm(landing - before))
        x = np.clip((seconds - shift.start) / length, 0, 1)[:, None]
        reached = seconds >= shift.start
        step = before + (landing - before) * (x**3 * (10 - 15 * x + 6 * x * x))
        angles[reached] = step[reached]
        before = landing
    return angles


def add_gaze(motion: Motion, phrases: Sequence[Phrase], seed: int, amount: float = 1.0) -> Motion:
    """The motion with both eyes turned, and lids that follow eyes which look down.

    The eyes turn in the head, so the head's own rotation is taken out of the direction of gaze.
    """
    rng = np.random.default_rng([seed, 2])
    seconds = np.arange(len(motion)) / motion.fps
    world = amount * gaze_angles(gaze_shifts(motion.duration, phrases, rng), seconds)
    head = np.degrees(np.stack([motion.channel("head_x"), motion.channel("head_y")], axis=1))
    eyes = world - amount * _REFLEX_GAIN * head
    eyes[:, 0] = np.clip(eyes[:, 0], *_PITCH_LIMITS)
    eyes[:, 1] = np.clip(eyes[:, 1], -_YAW_LIMIT, _YAW_LIMIT)
    values = motion.values.copy()
    for axis, names in enumerate(_EYES):
        values[:, motion.basis.indices(names)] += np.radians(eyes[:, axis : axis + 1])
    lids = motion.basis.indices(("eyeBlinkLeft", "eyeBlinkRight"))
    values[:, lids] = np.clip(values[:, lids] + _LID_PER_DEGREE_DOWN * np.maximum(eyes[:, :1], 0), 0, 1)
    return motion.with_values(values)


def _point_away(rng: np.random.Generator) -> NDArray[np.float64]:
    """A point to glance at (pitch, yaw) in degrees; sizes as in *Eyes Alive* (Lee, Badler and Badler 2002)."""
    size = min(-_AWAY_DEGREES * np.log(rng.uniform(0.05, 1.0)), _AWAY_LARGEST)
    angle = rng.uniform(0, 2 * np.pi)
    return np.array([_VERTICAL_SHARE * size * np.sin(angle), size * np.cos(angle)])
