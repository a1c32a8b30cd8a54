# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist has changed on a generated curve, and the same changes on a new one: pure, without Blender.

Found by comparing the keys with those that artalk wrote. A key that stands where it stood, but higher or with other
handles, is an offset and a form: it goes along with new speech. A key that was taken away stays away. A key that was
added keeps the value that it was given, and so does one that stands alone, its neighbours taken away: it is drawn anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .keys import Keys, together

_SAME_FRAME = 1e-3
_SAME_VALUE = 1e-6
_SAME_FORM = 1e-4
_FADE = 8
"""Frames over which an offset fades beyond the end of the old speech."""


@dataclass(frozen=True)
class Edits:
    """An artist's changes of one curve, in frames.

    offsets: (2, n) at which frames the keys still stand, and by how much each was moved up
    shaped:  keys whose form was changed; their values do not count
    added:   keys where artalk had none
    removed: frames of keys taken away
    gaps:    between which frames (neither included) no generated key shall stand: about removed and added ones
    """

    offsets: NDArray[np.float64]
    shaped: Keys
    added: Keys
    removed: tuple[float, ...]
    gaps: tuple[tuple[float, float], ...]

    @property
    def frames(self) -> list[float]:
        """Where something was changed, in the order of time."""
        moved = self.offsets[0, self.offsets[1] != 0]
        return sorted(
            {*map(float, moved), *map(float, self.shaped.frames), *map(float, self.added.frames), *self.removed}
        )


def find(keys: Keys, base: Keys) -> Edits | None:
    """What was changed from `base`, which artalk wrote, to `keys`; None when nothing was."""
    place, stands = _places(keys.frames, base.frames)
    matched, at = keys.take(stands), base.take(place[stands])
    offset = matched.values.astype(np.float64) - at.values
    offset[np.abs(offset) <= _SAME_VALUE * np.maximum(1, np.abs(at.values))] = 0
    shaped = (np.abs(matched.form() - at.form()) > _SAME_FORM).any(axis=1)
    gone = np.ones(len(base), bool)
    gone[place[stands]] = False
    if stands.all() and not gone.any() and not offset.any() and not shaped.any():
        return None
    beside = np.pad(gone, 1)
    drawn = ((offset != 0) | shaped) & (beside[:-2] & beside[2:])[place[stands]]
    added = together([keys.take(~stands), matched.take(drawn)])
    return Edits(
        np.stack([at.frames.astype(np.float64), offset])[:, ~drawn],
        matched.take(shaped & ~drawn),
        added,
        tuple(map(float, base.frames[gone])),
        tuple(_gap(base.frames, frame) for frame in (*base.frames[gone], *added.frames)),
    )


def carry(edits: Edits, planned: Keys, later: float) -> Keys:
    """New keys with an artist's changes on them; `later` is by how many frames the speech has moved since."""
    kept = np.ones(len(planned), bool)
    for first, last in edits.gaps:
        kept &= ~((planned.frames > first + later + _SAME_FRAME) & (planned.frames < last + later - _SAME_FRAME))
    standing = planned.take(kept)
    standing = standing.moved(0.0, _raised(edits, standing.frames - np.float32(later)))
    shaped = edits.shaped.moved(later, 0.0)
    place, stands = _places(shaped.frames, standing.frames)
    shaped = shaped.take(stands)
    rise = standing.values[place[stands]] - shaped.values
    return together([standing, shaped.moved(0.0, rise), edits.added.moved(later, 0.0)])


def without(edits: Edits, first: float, last: float) -> Edits | None:
    """The changes outside first to last (frames, both included); None when none are left."""
    frames, offsets = edits.offsets
    inside = (frames >= first) & (frames <= last)
    added = edits.added.take(_outside(edits.added.frames, first, last))
    removed = tuple(frame for frame in edits.removed if not first <= frame <= last)
    middles = {gap: (gap[0] + gap[1]) / 2 for gap in edits.gaps}
    left = Edits(
        np.stack([frames, np.where(inside, 0.0, offsets)]),
        edits.shaped.take(_outside(edits.shaped.frames, first, last)),
        added,
        removed,
        tuple(gap for gap, middle in middles.items() if not first <= middle <= last),
    )
    return left if left.frames else None


def stretches(edits: Sequence[Edits]) -> list[tuple[float, float]]:
    """First and last frame of each run of changes, those of all curves together; a frame without change ends a run."""
    frames = sorted({frame for each in edits for frame in each.frames})
    runs: list[tuple[float, float]] = []
    for frame in frames:
        if runs and frame - runs[-1][1] <= 1 + _SAME_FRAME:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    return runs


def _raised(edits: Edits, frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """The offsets at other frames (n,): straight between the keys, and faded out where new speech is longer."""
    at, offsets = edits.offsets
    if len(at) == 0:
        return np.zeros(len(frames), np.float32)
    at = np.concatenate([[at[0] - _FADE], at, [at[-1] + _FADE]])
    return np.interp(frames, at, np.pad(offsets, 1)).astype(np.float32)


def _outside(frames: NDArray[np.float32], first: float, last: float) -> NDArray[np.bool_]:
    return (frames < first) | (frames > last)


def _places(frames: NDArray[np.float32], among: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The nearest of `among` (rising) for each frame, and whether it is the same frame."""
    if len(among) == 0:
        return np.zeros(len(frames), np.intp), np.zeros(len(frames), bool)
    place = np.clip(np.searchsorted(among, frames), 0, len(among) - 1)
    before = np.maximum(place - 1, 0)
    place = np.where(np.abs(among[before] - frames) < np.abs(among[place] - frames), before, place)
    return place, np.abs(among[place] - frames) <= _SAME_FRAME


def _gap(base: NDArray[np.float32], frame: float) -> tuple[float, float]:
    """The neighbours of a frame among those of the base; half a frame where it has none on that side."""
    before, after = base[base < frame - _SAME_FRAME], base[base > frame + _SAME_FRAME]
    first = float(before[-1]) if len(before) else float(frame) - 0.5
    return first, float(after[0]) if len(after) else float(frame) + 0.5
