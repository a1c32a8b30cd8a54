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
from .curves import add_step
from .phrases import Phrase

Array = NDArray[np.float64]

REFLEX_GAIN = 0.97
_ON_MEAN, _AWAY_MEAN = 2.2, 1.0
_ON_RANGE, _AWAY_RANGE = (0.4, 7.0), (0.3, 3.0)
_IDLE_ON_MEAN, _IDLE_AWAY_MEAN = 5.0, 0.6
_IDLE_ON_RANGE, _IDLE_AWAY_RANGE = (1.5, 9.0), (0.3, 1.5)
"""Listeners look at whom they listen to for longer, and away for a shorter time (Lee, Badler and Badler 2002)."""
_BEFORE_PHRASE = 0.4
_AWAY_DEGREES, _AWAY_LARGEST, _AWAY_SHARE = 6.9, 27.5, 0.9
_VERTICAL_SHARE = 0.7
_DIRECTIONS = np.array([15.5, 6.5, 17.7, 7.4, 16.8, 7.9, 20.4, 7.8])
"""Per cent of the glances to the left, left and up, up, … in eighths of a circle (Lee, Badler and Badler 2002)."""
_FIXATION_MEDIAN, _FIXATION_SIGMA, _FIXATION_SHORTEST = 0.55, 0.5, 0.15
_FIXATION_SPREAD = (0.7, 0.9)
_PITCH_LIMITS, _YAW_LIMIT = (-20.0, 25.0), 30.0
_LID_PER_DEGREE_DOWN = 0.4 / 30.0
_EYES = (("left_eye_x", "right_eye_x"), ("left_eye_y", "right_eye_y"))


@dataclass(frozen=True)
class Shift:
    """A saccade: when it starts (s), and pitch and yaw (degrees from the listener) where it leaves and lands."""

    start: float
    origin: tuple[float, float]
    landing: tuple[float, float]

    @property
    def size(self) -> float:
        """Degrees from where it leaves to where it lands."""
        return float(np.hypot(self.landing[0] - self.origin[0], self.landing[1] - self.origin[1]))

    @property
    def length(self) -> float:
        """Seconds it takes."""
        return 0.025 + 0.0024 * self.size


def gaze_shifts(duration: float, spoken: Sequence[Phrase], seed: int, idle_from: float = np.inf) -> list[Shift]:
    """The saccades of `duration` seconds: fixations about a target that is the listener or a point away from them.

    A look away tends to begin just before a phrase, and ends before the phrase does; they are rarer after `idle_from`.
    """
    rng = np.random.default_rng([seed, 2])
    starts = np.array([phrase.start for phrase in spoken if phrase.start > _BEFORE_PHRASE])
    ends = np.array([phrase.end for phrase in spoken])
    shifts: list[Shift] = []
    target, gaze = np.zeros(2), (0.0, 0.0)
    looking_away = False
    now = 0.0
    leave = _hold(rng, _ON_MEAN, _ON_RANGE)
    while now < duration:
        if now >= leave:
            looking_away = not looking_away
            target = _point_away(rng) if looking_away else np.zeros(2)
            mean, limits = _stay(looking_away=looking_away, idle=now >= idle_from)
            leave = now + _hold(rng, mean, limits)
            coming = ends if looking_away else starts
            near = coming[(coming > leave) & (coming < leave + 1.0)]
            if len(near):
                leave = max(float(near[0]) - rng.uniform(0.0, _BEFORE_PHRASE), now + limits[0])
        landing = target + rng.normal(0, _FIXATION_SPREAD)
        shifts.append(Shift(now, gaze, (float(landing[0]), float(landing[1]))))
        gaze = shifts[-1].landing
        pause = shifts[-1].length + max(rng.lognormal(np.log(_FIXATION_MEDIAN), _FIXATION_SIGMA), _FIXATION_SHORTEST)
        now = min(now + pause, max(leave, now + shifts[-1].length + _FIXATION_SHORTEST))
    return shifts


def gaze_angles(shifts: Sequence[Shift], seconds: Array) -> Array:
    """Direction of gaze in the world (T, 2) degrees, pitch and yaw, with a minimum-jerk step for each saccade."""
    angles = np.zeros((len(seconds), 2))
    for shift in shifts:
        add_step(angles, seconds, shift.start, shift.length, np.subtract(shift.landing, shift.origin))
    return angles


def add_gaze(motion: Motion, shifts: Sequence[Shift], amount: float = 1.0) -> Motion:
    """The motion with both eyes turned, and lids that follow eyes which look down.

    The eyes turn in the head, so the head's own rotation is taken out of the direction of gaze: whatever turns the
    head comes before this layer.
    """
    seconds = np.arange(len(motion)) / motion.fps
    world = amount * gaze_angles(shifts, seconds)
    head = np.degrees(np.stack([motion.channel("head_x"), motion.channel("head_y")], axis=1))
    eyes = world - amount * REFLEX_GAIN * head
    eyes[:, 0] = np.clip(eyes[:, 0], *_PITCH_LIMITS)
    eyes[:, 1] = np.clip(eyes[:, 1], -_YAW_LIMIT, _YAW_LIMIT)
    values = motion.values.copy()
    for axis, names in enumerate(_EYES):
        values[:, motion.basis.indices(names)] += np.radians(eyes[:, axis : axis + 1])
    lids = motion.basis.indices(("eyeBlinkLeft", "eyeBlinkRight"))
    values[:, lids] = np.clip(values[:, lids] + _LID_PER_DEGREE_DOWN * np.maximum(eyes[:, :1], 0), 0, 1)
    return motion.with_values(values)


def _stay(*, looking_away: bool, idle: bool) -> tuple[float, tuple[float, float]]:
    """For how many seconds gaze stays on the listener or away: mean, and the least and the most."""
    if idle:
        return (_IDLE_AWAY_MEAN, _IDLE_AWAY_RANGE) if looking_away else (_IDLE_ON_MEAN, _IDLE_ON_RANGE)
    return (_AWAY_MEAN, _AWAY_RANGE) if looking_away else (_ON_MEAN, _ON_RANGE)


def _hold(rng: np.random.Generator, mean: float, limits: tuple[float, float]) -> float:
    return float(np.clip(rng.exponential(mean), *limits))


def _point_away(rng: np.random.Generator) -> Array:
    """A point to glance at (pitch, yaw) in degrees; sizes as in *Eyes Alive* (Lee, Badler and Badler 2002)."""
    size = min(-_AWAY_SHARE * _AWAY_DEGREES * np.log(rng.uniform(1e-3, 1.0)), _AWAY_LARGEST)
    eighth = rng.choice(8, p=_DIRECTIONS / _DIRECTIONS.sum())
    angle = (eighth + rng.uniform(-0.5, 0.5)) * np.pi / 4
    return np.array([-_VERTICAL_SHARE * size * np.sin(angle), size * np.cos(angle)])
