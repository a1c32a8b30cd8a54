# SPDX-License-Identifier: GPL-3.0-or-later
"""From one performance to the next without a jump: each part of the face goes over in its own time.

Every part ends one performance and takes up the other within a window that ends where the other begins to speak, if
there is room for it, and otherwise begins where the one has ended. Both performances go on below: so value and speed
are continuous, and what moves in one of them (a blink, a nod) does not stop at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..basis import ARKIT, EYE_ROTATION, HEAD_ROTATION
from ..motion import Motion
from .amounts import LIDS, coasting
from .curves import minimum_jerk
from .head import move_length
from .silence import mouth_channels

Array = NDArray[np.float64]

LONGEST = 2.5
"""Seconds that a window lasts at most."""
_GENTLE = 1.4
"""A head that goes over while it moves anyway takes so much longer than one that only turns."""
_SACCADE, _SACCADE_PER_DEGREE, _SETTLED = 0.025, 0.0024, 0.2
"""The eyes look up this long before the voice, as fixations last at least .15 s."""
_LIDS = 0.12
_LIPS = 0.1
"""Lips that have no time to rest go over in this: a seal with which the line begins is kept."""

_SAME = 1e-7
"""Less than any curve shows, more than sampling between equal values leaves."""

_MOUTH = tuple(ARKIT.channels[column] for column in mouth_channels(ARKIT.channels))
_FACE = tuple(name for name in ARKIT.channels if name not in {*_MOUTH, *LIDS, *HEAD_ROTATION, *EYE_ROTATION})
_PITCH_YAW = ((0, ("left_eye_x", "right_eye_x")), (1, ("left_eye_y", "right_eye_y")))


@dataclass(frozen=True)
class Border:
    """Where one performance gives way to another, in frames of both.

    stop:  the last frame that the one speaks; start: the first frame that the other speaks; end: the last of these
    fade:  seconds in which the face comes from rest
    reflex: by how much the eyes turn against the head
    """

    stop: int
    start: int
    end: int
    fade: float
    reflex: float


def joined(before: Motion, after: Motion, border: Border) -> Motion:
    """Both as one, frame by frame: `before` up to the border's stop and `after` at its end.

    They are ARKit motion of one rate and length, whose frames are the same moments; `after` says nothing before its
    start (see `coming`).
    """
    one, other = before.values.astype(np.float64), after.values.astype(np.float64)
    mixed = one.copy()
    head = before.basis.indices(HEAD_ROTATION)
    gap = (border.start - border.stop) / before.fps
    turn = np.degrees(other[border.start, head] - one[border.start, head])
    share = _over(len(one), before.fps, border, _GENTLE * move_length(turn))
    mixed[:, head] = one[:, head] + share * (other[:, head] - one[:, head])
    for axis, eyes in _PITCH_YAW:
        # as directions in the world: against the head as it now is, eyes that look at something keep looking at it
        columns = before.basis.indices(eyes)
        world = [values[:, columns] + border.reflex * values[:, head[axis : axis + 1]] for values in (one, other)]
        shift = np.degrees(np.abs(world[1][border.start] - world[0][border.start]).max())
        length = _SACCADE + _SACCADE_PER_DEGREE * float(shift)
        share = _over(len(one), before.fps, border, length, min(_SETTLED, max(0.0, gap - length)))
        seen = world[0] + share * (world[1] - world[0])
        mixed[:, columns] = seen - border.reflex * mixed[:, head[axis : axis + 1]]
    lips = min(border.fade, max(gap, _LIPS))
    for names, length in ((LIDS, _LIDS), (_MOUTH, lips), (_FACE, border.fade)):
        columns = before.basis.indices(names)
        share = _over(len(one), before.fps, border, length)
        mixed[:, columns] = np.maximum(0, one[:, columns] + share * (other[:, columns] - one[:, columns]))
    return before.with_values(mixed.astype(np.float32))


def coming(motion: Motion, frames: int) -> Motion:
    """The motion with so many frames before it, from which it begins as fast as it does."""
    if frames <= 0 or len(motion) == 0:
        return motion
    speed = (motion.values[1] - motion.values[0]) * motion.fps if len(motion) > 1 else np.zeros_like(motion.values[0])
    left = coasting(np.arange(frames, 0, -1) / motion.fps)[:, None]
    return motion.with_values(np.concatenate([motion.values[0] - left * speed, motion.values]).astype(np.float32))


def changes(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which of values (n,) an F-curve needs: not those between two that are alike."""
    same = np.abs(np.diff(values)) <= _SAME
    needed = np.ones(len(values), bool)
    needed[1:-1] = ~(same[:-1] & same[1:])
    return needed


def _over(frames: int, fps: float, border: Border, seconds: float, early: float = 0.0) -> Array:
    """How far the other performance has taken over, (frames, 1), 0 to 1."""
    length = max(round(min(seconds, LONGEST) * fps), 1 if seconds > 0 else 0)
    first = max(border.stop, border.start - round(early * fps) - length)
    length = min(length, border.end - first)
    at = np.arange(frames)[:, None]
    if length <= 0:
        return (at >= border.start).astype(np.float64)
    # whatever the window, the one speaks before it ends and the other at its end
    return np.where(at <= border.stop, 0.0, np.where(at >= border.end, 1.0, minimum_jerk((at - first) / length)))
