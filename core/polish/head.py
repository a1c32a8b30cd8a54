# SPDX-License-Identifier: GPL-3.0-or-later
"""A layer of head motion: what a model that has learned the mean of many voices leaves out.

A pose for each phrase, a slow drift, beats on accents, the chin that settles at the end of a phrase and rises with the
breath before the next, and an idle sway. Published facts behind the numbers: head rotation in speech spreads over 2 to
6 degrees, with new poses at the cadence of intonation units, 1.6 s (Inbar 2025); the head leads the voice at more than
70 % of phrase starts, and nods, swings and overshoots accompany accents (Graf et al. 2002); in pauses it is nearly
still (Hadar et al. 1983).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..basis import HEAD_ROTATION
from ..motion import Motion
from .curves import add_bump, add_step, minimum_jerk, slow_noise
from .phrases import HOP, Phrase
from .prosody import Accent, Prosody

Array = NDArray[np.float64]

# degrees are pitch (chin down is positive), yaw and roll, as in `core.basis`
_POSE_SPREAD = np.array([2.5, 2.8, 1.6])
_POSE_MEMORY = 0.55
_POSE_LIMIT = 3.0
_MOVE_BASE, _MOVE_PER_DEGREE = 0.35, 0.09
_LEADS, _LEAD, _FOLLOW = 0.7, -0.2, 0.1
_UNIT_MEDIAN, _UNIT_SIGMA, _UNIT_SNAP, _UNIT_LAST = 1.8, 0.4, 0.3, 1.0
_IDLE_POSE, _IDLE_LAST = (4.0, 10.0), 2.0
_IDLE_SHARE, _IDLE_MOVE = 0.3, 1.2

_DRIFT_SPREAD, _IDLE_SPREAD = np.array([0.8, 1.0, 0.6]), np.array([0.4, 0.5, 0.3])
_DRIFT_HZ, _IDLE_HZ = 0.6, 0.2

_NOD, _SWING = 0.65, 0.20
_BEAT_MEDIAN, _BEAT_SIGMA, _BEAT_LARGEST = 2.2, 0.5, 8.0
_BEAT_RISE, _BEAT_FALL, _BEAT_FASTEST = 0.22, 1.35, 32.0
_BEAT_AFTER_ONSET = 0.1
_DOWNWARD, _WITH_YAW, _SWING_FALL = 0.7, 0.4, 4.0

_SETTLE, _SETTLE_LENGTH = 1.3, 0.4
_BREATH_RISE, _BREATH_LENGTH = 0.5, 0.7
_SETTLED_PAUSE = 0.25
_SWAY, _SWAY_HZ = 0.3, 0.25

_GAIN_SIGMA, _GAIN_RANGE = 0.15, (0.8, 1.3)
LIMITS = np.array([20.0, 25.0, 12.0])
"""How far a head turns either way, degrees: pitch, yaw, roll."""

_FASTEST = 75.0
_JUMP = 45.0
"""Degrees a second that no beat of the model's own reaches from one frame to the next."""
_HOME_MOVE = 1.2
_REST_FROM, _REST_IN, _REST_OUT, _LEAD_OF_REST = 0.6, 0.3, 0.5, 0.14


def add_head(motion: Motion, voice: Prosody, seed: int, amount: float = 1.0, coming: Sequence[Phrase] = ()) -> Motion:
    """The motion with head rotation added to its own, and kept within 20 degrees of pitch, 25 of yaw and 12 of roll.

    In pauses over .6 s the motion of speech comes to rest, the model's too, and idle motion of half its size goes on.
    coming: the next phrase after those of the voice, if there will be one: the head gets ready for it
    """
    spoken_and_coming = [*voice.phrases, *coming]
    seconds = np.arange(len(motion)) / motion.fps
    columns = motion.basis.indices(HEAD_ROTATION)
    own = np.degrees(motion.values[:, columns]).astype(np.float64)
    spoken = own + amount * _in_speech(seconds, voice, seed)
    if amount:
        spoken = cap_speed(spoken, seconds)
    rested = hold_in_pauses(spoken, seconds, spoken_and_coming, min(amount, 1.0))
    turned = rested + amount * _between(seconds, spoken_and_coming, seed)
    values = motion.values.copy()
    values[:, columns] = np.radians(np.clip(turned, -LIMITS, LIMITS))
    return motion.with_values(values)


def turn_home(motion: Motion, second: float, share: float) -> Motion:
    """The motion with the head turned back slowly, from `second` on, by a share of how far it is turned there."""
    seconds = np.arange(len(motion)) / motion.fps
    columns = motion.basis.indices(HEAD_ROTATION)
    values = motion.values.copy()
    head = values[:, columns].astype(np.float64)
    at = min(int(np.ceil(second * motion.fps)), len(motion) - 1)
    add_step(head, seconds, second, _HOME_MOVE, -share * head[at])
    values[:, columns] = head
    return motion.with_values(values)


def ease_jumps(motion: Motion) -> Motion:
    """The motion with jumps of the head from one frame to the next made into quick moves about the same moment.

    A model that works in windows jumps where they meet; it takes the model's own frames, before resampling.
    """
    seconds = np.arange(len(motion)) / motion.fps
    columns = motion.basis.indices(HEAD_ROTATION)
    head = np.degrees(motion.values[:, columns]).astype(np.float64)
    steps = np.diff(head, axis=0)
    for frame in np.flatnonzero(np.linalg.norm(steps, axis=1) * motion.fps > _JUMP):
        beside = [steps[at] for at in (frame - 1, frame + 1) if 0 <= at < len(steps)]
        jump = steps[frame] - np.mean(beside, axis=0) if beside else steps[frame]
        length = move_length(jump)
        add_step(head, seconds, seconds[frame] + (1 / motion.fps - length) / 2, length, jump)
        head[frame + 1 :] -= jump
    values = motion.values.copy()
    values[:, columns] = np.radians(head)
    return motion.with_values(values)


def cap_speed(head: Array, seconds: Array) -> Array:
    """Head (T, 3) in degrees that turns by 75 degrees a second at most; what is left of a quicker move comes slower."""
    steps = np.diff(head, axis=0)
    largest = _FASTEST * np.diff(seconds)[:, None]
    over = steps - steps * np.minimum(1, largest / np.maximum(np.linalg.norm(steps, axis=1, keepdims=True), 1e-9))
    capped = head.copy()
    capped[1:] -= np.cumsum(over, axis=0)
    for frame in np.flatnonzero(over.any(axis=1)):
        add_step(capped, seconds, seconds[frame] - _MOVE_BASE / 2, _MOVE_BASE, over[frame])
    return capped


def hold_in_pauses(head: Array, seconds: Array, spoken: Sequence[Phrase], amount: float) -> Array:
    """Head (T, 3) that stays where it is in the pauses over .6 s, and takes up its way with the next phrase."""
    held = head.copy()
    for before, after in pairwise(_with_ends(seconds, spoken)):
        if after.start - before.end < _REST_FROM:
            continue
        stop, go = before.end - _REST_IN / 2, after.start - _LEAD_OF_REST
        first, last = np.searchsorted(seconds, (stop, go + _REST_OUT))
        at = int(np.searchsorted(seconds, before.end))
        if first >= last or at >= len(head):
            continue
        during = seconds[first:last]
        away = minimum_jerk((during - stop) / _REST_IN) - minimum_jerk((during - go) / _REST_OUT)
        held[first:last] += amount * away[:, None] * (head[at] - head[first:last])
    return held


def _in_speech(seconds: Array, voice: Prosody, seed: int) -> Array:
    """Poses, drift and beats (T, 3) in degrees, with the gains of this seed's speaker."""
    gain = np.clip(_rng(seed, 0).lognormal(0, _GAIN_SIGMA, 3), *_GAIN_RANGE)
    drift = _DRIFT_SPREAD * slow_noise(seconds, 3, _DRIFT_HZ, _rng(seed, 2))
    return (_poses(seconds, voice, _rng(seed, 1)) + drift) * gain + _beats(seconds, voice.accents, _rng(seed, 3))


def _between(seconds: Array, spoken: Sequence[Phrase], seed: int) -> Array:
    """What goes on when the motion of speech rests (T, 3) in degrees: settling, breath, sway, drift, small poses."""
    angles = _IDLE_SPREAD * slow_noise(seconds, 3, _IDLE_HZ, _rng(seed, 4))
    angles[:, :1] += _breathing(seconds, spoken) + _SWAY * np.sin(2 * np.pi * _SWAY_HZ * seconds)[:, None]
    return angles + _idle_poses(seconds, spoken, _rng(seed, 5))


def _rng(seed: int, part: int) -> np.random.Generator:
    return np.random.default_rng([seed, 3, part])


def move_length(change: Array) -> float:
    """Seconds that a head takes to turn by so many degrees (3,)."""
    return _MOVE_BASE + _MOVE_PER_DEGREE * float(np.linalg.norm(change))


def _with_ends(seconds: Array, spoken: Sequence[Phrase]) -> list[Phrase]:
    """The phrases between two empty ones, so that the rests before the first and after the last count as pauses."""
    duration = float(seconds[-1]) if len(seconds) else 0.0
    return [Phrase(-1.0, -1.0), *spoken, Phrase(duration + 1, duration + 1)]


def _poses(seconds: Array, voice: Prosody, rng: np.random.Generator) -> Array:
    """Steps from pose to pose; each pose remembers a little of the one before."""
    angles = np.zeros((len(seconds), 3))
    pose = np.zeros(3)
    for start in _pose_starts(voice, rng):
        new = _next_pose(pose, rng)
        add_step(angles, seconds, start, move_length(new - pose), new - pose)
        pose = new
    return angles


def _next_pose(pose: Array, rng: np.random.Generator) -> Array:
    fresh = np.clip(rng.normal(size=3), -_POSE_LIMIT, _POSE_LIMIT) * np.sqrt(1 - _POSE_MEMORY**2)
    return _POSE_MEMORY * pose + fresh * _POSE_SPREAD


def _pose_starts(voice: Prosody, rng: np.random.Generator) -> list[float]:
    """Times of new poses: one for each phrase and one for each unit inside it."""
    starts: list[float] = []
    for phrase in voice.phrases:
        starts.append(phrase.start + (_LEAD if rng.uniform() < _LEADS else _FOLLOW))
        unit = phrase.start + rng.lognormal(np.log(_UNIT_MEDIAN), _UNIT_SIGMA)
        while unit < phrase.end - _UNIT_LAST:
            starts.append(_quietest(voice.level, unit))
            unit += rng.lognormal(np.log(_UNIT_MEDIAN), _UNIT_SIGMA)
    return starts


def _quietest(level: Array, second: float) -> float:
    """The moment with the lowest level within .3 s: units of speech meet between words."""
    first = max(0, round((second - _UNIT_SNAP) / HOP))
    near = level[first : round((second + _UNIT_SNAP) / HOP)]
    return (first + int(near.argmin())) * HOP if len(near) else second


def _idle_poses(seconds: Array, spoken: Sequence[Phrase], rng: np.random.Generator) -> Array:
    """Small new poses every 4 to 10 s of long rests, left again with the next phrase."""
    angles = np.zeros((len(seconds), 3))
    for before, after in pairwise(_with_ends(seconds, spoken)):
        pose = np.zeros(3)
        at = before.end + rng.uniform(*_IDLE_POSE)
        while at < after.start - _IDLE_LAST:
            new = _IDLE_SHARE * _next_pose(pose / _IDLE_SHARE, rng)
            add_step(angles, seconds, at, _IDLE_MOVE, new - pose)
            pose = new
            at += rng.uniform(*_IDLE_POSE)
        add_step(angles, seconds, after.start - _LEAD_OF_REST, move_length(pose), -pose)
    return angles


def _beats(seconds: Array, accents: Sequence[Accent], rng: np.random.Generator) -> Array:
    """A nod or a swing on most accents, larger on the stronger ones, that rises by 32 degrees a second at most."""
    angles = np.zeros((len(seconds), 3))
    for accent in accents:
        kind, downward, with_yaw, side = rng.uniform(size=4)
        size = min(rng.lognormal(np.log(_BEAT_MEDIAN), _BEAT_SIGMA) * (0.6 + 0.8 * accent.rank), _BEAT_LARGEST)
        pitch = size if downward < _DOWNWARD else -size
        yaw = size if side < 0.5 else -size
        if kind < _NOD:
            height, back = np.array([pitch, 0.5 * yaw if with_yaw < _WITH_YAW else 0.0, 0.0]), _BEAT_FALL
        elif kind < _NOD + _SWING:
            height, back = np.array([0.4 * pitch, yaw, -0.3 * yaw]), _SWING_FALL
        else:
            continue
        rise = max(_BEAT_RISE, size / _BEAT_FASTEST)
        add_bump(angles, seconds, accent.time + _BEAT_AFTER_ONSET, (rise, back * rise), height)
    return angles


def _breathing(seconds: Array, spoken: Sequence[Phrase]) -> Array:
    """Pitch (T, 1): the chin settles as a phrase ends, and rises with the breath before the next."""
    pitch = np.zeros((len(seconds), 1))
    for before, after in pairwise(_with_ends(seconds, spoken)):
        pause = after.start - before.end
        if pause > _SETTLED_PAUSE:
            inhale = min(_BREATH_LENGTH, pause)
            add_step(pitch, seconds, before.end - _SETTLE_LENGTH / 2, _SETTLE_LENGTH, _SETTLE)
            add_step(pitch, seconds, after.start - _SETTLE_LENGTH / 4, _SETTLE_LENGTH, -_SETTLE)
            add_step(pitch, seconds, after.start - inhale, inhale, -_BREATH_RISE)
            add_step(pitch, seconds, after.start, 2 * _BREATH_LENGTH, _BREATH_RISE)
    return pitch
