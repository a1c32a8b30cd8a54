# SPDX-License-Identifier: GPL-3.0-or-later
"""From one performance to the next without a jump: each part of the face goes over in its own time.

Every part ends one performance and takes up the other within a window that ends where the other begins to speak, if
there is room for it, and otherwise begins where the one has ended. Both performances go on below: so value and speed
are continuous, and what moves in one of them (a blink, a nod) does not stop at once. A window is as long as its move
needs, however short the other speaks: it goes on under what follows, which takes over from the mixture.
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
from .seals import SEALED_MM, lip_gap
from .silence import mouth_channels

Array = NDArray[np.float64]

LONGEST = 2.5
"""Seconds that a window lasts at most."""
_GENTLE = 1.4
"""A head that goes over while it moves anyway takes so much longer than one that only turns."""
_SACCADE, _SACCADE_PER_DEGREE, _SETTLED = 0.025, 0.0024, 0.2
"""The eyes look up this long before the voice, as fixations last at least .15 s."""
_LIDS = 0.12
LIPS = 0.1
"""Lips that have no time to rest go over in so many seconds."""

_SAME = 1e-7
"""Less than any curve shows, more than sampling between equal values leaves."""

_MOUTH = tuple(ARKIT.channels[column] for column in mouth_channels(ARKIT.channels))
_FACE = tuple(name for name in ARKIT.channels if name not in {*_MOUTH, *LIDS, *HEAD_ROTATION, *EYE_ROTATION})
_PITCH_YAW = ((0, ("left_eye_x", "right_eye_x")), (1, ("left_eye_y", "right_eye_y")))


@dataclass(frozen=True)
class Border:
    """Where one performance gives way to another, in frames.

    stop:  the last frame that the one speaks; start: the first frame that the other speaks
    fade:  seconds in which the face comes from rest
    reflex: by how much the eyes turn against the head
    """

    stop: int
    start: int
    fps: float
    fade: float
    reflex: float


@dataclass(frozen=True)
class Window:
    """Frames in which a part of the face goes over: at `first` it has not begun to, `length` frames later it has."""

    first: int
    length: int

    def share(self, frames: NDArray[np.int64]) -> Array:
        """How far the other performance has taken over at frames (T,), (T, 1), 0 to 1."""
        if self.length == 0:
            return (frames[:, None] >= self.first).astype(np.float64)
        return minimum_jerk((frames[:, None] - self.first) / self.length)


@dataclass(frozen=True)
class Handover:
    """When each part of the face goes over; eyes: pitch and yaw; seal: the frame of one that the lips go to at once."""

    head: Window
    eyes: tuple[Window, Window]
    lids: Window
    mouth: Window
    face: Window
    reflex: float
    seal: int | None

    @property
    def first(self) -> int:
        """The frame at which the first of them begins."""
        return min(window.first for window in (self.head, *self.eyes, self.lids, self.mouth, self.face))


def handover(before: Array, after: Motion, border: Border) -> Handover:
    """How the face goes over at a border.

    before: (N, C) the poses at its start of all performances that may still be seen there: windows are long enough for
    the furthest of them. after: the other performance from the start on, as far as lips go over (`LIPS`) at least
    """
    basis, pose = after.basis, after.values[0].astype(np.float64)
    head = basis.indices(HEAD_ROTATION)
    gap = (border.start - border.stop) / border.fps
    turn = np.degrees(np.linalg.norm(pose[head] - before[:, head], axis=1).max())
    eyes = []
    for axis, names in _PITCH_YAW:
        columns = basis.indices(names)
        world = [values[..., columns] + border.reflex * values[..., head[axis : axis + 1]] for values in (before, pose)]
        length = _SACCADE + _SACCADE_PER_DEGREE * float(np.degrees(np.abs(world[1] - world[0]).max()))
        eyes.append(_window(border, length, min(_SETTLED, max(0.0, gap - length))))
    lips = _window(border, min(border.fade, max(gap, LIPS)))
    closed = border.start + np.flatnonzero(lip_gap(after) <= SEALED_MM)
    # a seal with which the line begins is kept: what was said before is cut off a little earlier
    is_cut = len(closed) > 0 and closed[0] < lips.first + lips.length
    seal = int(closed[0]) if is_cut else None
    return Handover(
        _window(border, _GENTLE * move_length(np.array([turn]))),
        (eyes[0], eyes[1]),
        _window(border, _LIDS),
        Window(seal - lips.length, lips.length) if seal is not None else lips,
        _window(border, border.fade),
        border.reflex,
        seal,
    )


def joined(before: Motion, after: Motion, first: int, over: Handover) -> Motion:
    """Both as one, frame by frame: `before` until it begins to give way, and `after` when each part has gone over.

    They are ARKit motion of one rate and length, whose rows are the same frames from `first` on; `after` says nothing
    before its start (see `coming`).
    """
    one, other = before.values.astype(np.float64), after.values.astype(np.float64)
    frames = np.arange(first, first + len(one))
    mixed = one.copy()
    head = before.basis.indices(HEAD_ROTATION)
    mixed[:, head] += over.head.share(frames) * (other[:, head] - one[:, head])
    for (axis, eyes), window in zip(_PITCH_YAW, over.eyes, strict=True):
        # as directions in the world: against the head as it now is, eyes that look at something keep looking at it
        columns = before.basis.indices(eyes)
        world = [values[:, columns] + over.reflex * values[:, head[axis : axis + 1]] for values in (one, other)]
        seen = world[0] + window.share(frames) * (world[1] - world[0])
        mixed[:, columns] = seen - over.reflex * mixed[:, head[axis : axis + 1]]
    if over.seal is not None and over.seal >= first:
        # and not to lips that part before it, where those of the one may be shut
        mouth = before.basis.indices(_MOUTH)
        other[: over.seal - first, mouth] = other[over.seal - first, mouth]
    for names, window in ((LIDS, over.lids), (_MOUTH, over.mouth), (_FACE, over.face)):
        columns = before.basis.indices(names)
        mixed[:, columns] += window.share(frames) * (other[:, columns] - one[:, columns])
        mixed[:, columns] = np.maximum(0, mixed[:, columns])
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


def _window(border: Border, seconds: float, early: float = 0.0) -> Window:
    """Of so many seconds, up to so much before the other speaks, but not while the one still does."""
    length = max(round(min(seconds, LONGEST) * border.fps), 1 if seconds > 0 else 0)
    latest = border.start - round(early * border.fps) - length
    return Window(max(border.stop, latest) if length else border.start, length)
