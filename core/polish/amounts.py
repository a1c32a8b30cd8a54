# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of each part of the face moves, how smoothly, and when: the layers that an animator turns by hand.

Lips that meet keep meeting whatever the amounts are: what is done to the mouth never parts a seal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..basis import ARKIT_SHAPES, EYE_ROTATION, HEAD_ROTATION
from ..motion import Motion
from .curves import minimum_jerk
from .head import LIMITS, move_length
from .seals import LIP_OPENERS, SEALED_MM, lip_gap
from .silence import mouth_channels

Amount = float | NDArray[np.float64]
"""One number for all frames, or one for each, (T,); 0 none, 1 as it is."""

JAW = ("jawOpen", "jawForward", "jawLeft", "jawRight", "mouthClose")
"""`mouthClose` goes with the jaw, as it takes back what `jawOpen` opens."""
LIPS = tuple(name for name in ARKIT_SHAPES if name.startswith(("mouth", "tongue", "cheekPuff")) and name != JAW[-1])
BROWS = tuple(name for name in ARKIT_SHAPES if name.startswith("brow"))
EYES = (*(name for name in ARKIT_SHAPES if name.startswith(("eyeLook", "eyeWide", "eyeSquint"))), *EYE_ROTATION)
LIDS = ("eyeBlinkLeft", "eyeBlinkRight")

_SOFTEST = 0.1
"""Seconds of the Gaussian's deviation at a smoothing of 1."""
_FREE_OF_SEAL = 0.08


def scale(motion: Motion, channels: Sequence[str], amount: Amount) -> Motion:
    """The motion with some channels multiplied; shapes stay within 0 to 1 and the head within what a neck can do."""
    columns = motion.basis.indices(channels)
    values = motion.values.copy()
    scaled = values[:, columns] * _column(amount)
    for place, name in enumerate(channels):
        if name in HEAD_ROTATION:
            limit = np.radians(LIMITS[HEAD_ROTATION.index(name)])
            scaled[:, place] = np.clip(scaled[:, place], -limit, limit)
        elif name not in EYE_ROTATION:
            scaled[:, place] = np.clip(scaled[:, place], 0, 1)
    values[:, columns] = scaled
    return motion.with_values(values)


def scale_mouth(motion: Motion, jaw: Amount, lips: Amount) -> Motion:
    """The motion with jaw and lips multiplied; where the lips met (see `seals`) they part no further than before."""
    out = scale(scale(motion, JAW, jaw), LIPS, lips)
    values = out.values.copy()
    opened, closing = motion.basis.index("jawOpen"), motion.basis.index("mouthClose")
    values[:, closing] = np.minimum(values[:, closing], values[:, opened])
    before = lip_gap(motion)
    loose = (before <= SEALED_MM) & (lip_gap(out.with_values(values)) > before)
    # first the jaw's part is closed, then what the lips themselves open goes back to what it was
    values[loose, closing] = values[loose, opened]
    parted = lip_gap(out.with_values(values))[loose]
    share = np.minimum(1, before[loose] / np.maximum(parted, 1e-9))
    for opener in motion.basis.indices(LIP_OPENERS):
        values[loose, opener] *= share.astype(np.float32)
    return motion.with_values(values)


def smooth(motion: Motion, amount: float) -> Motion:
    """The motion through a Gaussian of up to 100 ms (deviation, at an amount of 1); seals of the lips stay sharp.

    The mouth is left as it is where the lips meet, and becomes smooth over 80 ms beside it.
    """
    deviation = amount * _SOFTEST * motion.fps
    if deviation < 0.1 or len(motion) < 2:  # so narrow a Gaussian is a single frame
        return motion
    reach = int(np.ceil(3 * deviation))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    padded = np.pad(motion.values.astype(np.float64), ((reach, reach), (0, 0)), mode="edge")
    soft = np.stack([np.convolve(column, kernel / kernel.sum(), "valid") for column in padded.T], axis=1)
    columns = mouth_channels(motion.basis.channels)
    held = _near(lip_gap(motion) <= SEALED_MM, _FREE_OF_SEAL * motion.fps)[:, None]
    soft[:, columns] += held * (motion.values[:, columns] - soft[:, columns])
    return motion.with_values(soft.astype(np.float32))


def shift(motion: Motion, channels: Sequence[str], seconds: float) -> Motion:
    """The motion with some channels later by `seconds` (earlier when below 0); the pose at the end is held."""
    if not seconds:
        return motion
    values = motion.values.copy()
    columns = motion.basis.indices(channels)
    moved = Motion(values, motion.basis, motion.fps).sample(np.arange(len(motion)) / motion.fps - seconds)
    values[:, columns] = moved[:, columns]
    return motion.with_values(values)


def going_on(motion: Motion, seconds: float, fade: float, amount: float = 1.0, held: Sequence[str] = ()) -> Motion:
    """The motion with `seconds` more after it, in which the face goes to rest within `fade` and stays there.

    At an amount of 1 rest is the neutral pose, at 0 the last pose itself, as it is for the channels `held`. What moves
    at the end comes to a stop and does not stand still at once; a head takes longer than `fade` where it has far to go.
    """
    more = np.arange(1, int(np.ceil(seconds * motion.fps - 1e-6)) + 1) / motion.fps
    if len(motion) == 0 or len(more) == 0:
        return motion
    last = motion.values[-1].astype(np.float64)
    speed = (last - motion.values[-2]) * motion.fps if len(motion) > 1 else np.zeros_like(last)
    head = motion.basis.indices(HEAD_ROTATION)
    lengths = np.full(len(last), max(fade, 1e-3))
    lengths[head] = max(fade, move_length(np.degrees(last[head])))
    left = 1 - amount * minimum_jerk(more[:, None] / lengths)
    left[:, motion.basis.indices(held)] = 1.0
    rows = left * (last + speed * coasting(more)[:, None])
    shapes = motion.basis.indices([name for name in motion.basis.channels if name not in _TURNS])
    rows[:, shapes] = np.clip(rows[:, shapes], 0, np.maximum(1, last[shapes]))
    return motion.with_values(np.concatenate([motion.values, rows.astype(np.float32)]))


_TURNS = (*HEAD_ROTATION, *EYE_ROTATION)
_STOP = 0.12
"""Seconds in which what moves comes to a stop."""


def coasting(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far something goes on that is let go at a speed of 1 and comes to a stop, at times from 0 on."""
    x = np.clip(seconds / _STOP, 0, 1)
    return _STOP * (x - x**4 * (2.5 - 3 * x + x * x))


def _near(flags: NDArray[np.bool_], reach: float) -> NDArray[np.float64]:
    """1 where a flag is set, falling to 0 over `reach` frames beside it, (T,)."""
    at = np.flatnonzero(flags)
    if len(at) == 0:
        return np.zeros(len(flags))
    frames = np.arange(len(flags))
    place = np.searchsorted(at, frames)
    distance = np.minimum(np.abs(at[np.minimum(place, len(at) - 1)] - frames), np.abs(at[place - 1] - frames))
    return minimum_jerk(1 - distance / reach)


def _column(amount: Amount) -> NDArray[np.float32]:
    return np.asarray(amount, np.float32).reshape(-1, 1)
