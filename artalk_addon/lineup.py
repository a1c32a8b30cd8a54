# SPDX-License-Identifier: GPL-3.0-or-later
"""Several lines on one character as one performance: which frames are whose, and what lies between them. Pure.

A line has the frames in which it speaks, and the rest after it up to the next line; the first one has the way from
rest before it, too. What a line does depends on its two neighbours, and on others only if they begin within seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..core.generate import Afterwards, OverTime, polish
from ..core.motion import Motion
from ..core.polish.amounts import going_on
from ..core.polish.gaze import REFLEX_GAIN
from ..core.polish.joins import LIPS, LONGEST, Border, Handover, changes, coming, handover, joined
from ..core.polish.prosody import Prosody
from .line import Line, Piece, Rests
from .plan import Curve

Span = tuple[float, float]

_STAYS = 2.5
"""The head stays as it is turned in rests up to so many seconds; in longer ones it turns home."""
_HEAD_HOME = 1.5
"""Seconds in which the head goes back to rest after the last line."""
_LONGEST_IDLE = 300.0
"""Seconds; in longer rests nothing moves, as every frame of idle motion costs keys."""
_BEFORE_FIRST = 1000
"""Added to the seed for the rest before the first line, which is no repetition of what comes after."""


@dataclass(frozen=True)
class Scene:
    """What is around the lines. first, last: frames of the scene; over_time: of a line, the amounts with keys."""

    first: int
    last: int
    over_time: Callable[[Line], OverTime]


@dataclass(frozen=True)
class _Part:
    """A piece of the line `number`."""

    number: int
    piece: Piece


class LineUp:
    """All lines of one character, in the order of time; of two that overlap, the later one speaks."""

    def __init__(self, lines: Sequence[Line], rests: Rests, scene: Scene) -> None:
        self.lines = sorted(lines, key=lambda line: (line.start, line.name))
        self._names = [line.name for line in self.lines]
        self.rests, self._scene = rests, scene
        fps = self.lines[0].fps if self.lines else 1.0
        self._longest, self._lips = int(np.ceil(LONGEST * fps)), int(np.ceil(LIPS * fps))
        self._alone: dict[int, tuple[int, Motion]] = {}
        self._over: dict[int, Handover] = {}
        self._joined: dict[int, tuple[int, Motion]] = {}

    def place(self, number: int) -> tuple[Piece, ...]:
        """The frames of a line; none when later lines speak in all of them."""
        return tuple(part.piece for part in self._parts if part.number == number)

    def near(self, names: set[str]) -> set[str]:
        """Names of lines that may have to change with those of these names: two on either side, more if short."""
        at = [place for place, part in enumerate(self._parts) if self._names[part.number] in names]
        beside = {place for one in at for place in range(*self._reach(one))}
        return names | {self._names[self._parts[place].number] for place in beside}

    def _reach(self, at: int) -> tuple[int, int]:
        """The parts, from the first up to but without the last, in which something of a part may be seen."""
        first, last = max(0, at - 2), min(at + 3, len(self._parts))
        while first > 0 and self._is_early(max(0, at - 1), first - 1):
            first -= 1
        while last < len(self._parts) and self._first_felt(last) <= at:
            last += 1
        return first, last

    def motion(self, number: int) -> tuple[int, Motion]:
        """What a line does, a row for each whole frame, and the frame of the first; rows outside its place are void."""
        place = self.place(number)
        begin, until = place[0].begin, place[-1].until
        line = self.lines[number]
        values = np.zeros((until - begin + 1, len(line.spoken.raw.basis)), np.float32)
        for at, part in enumerate(self._parts):
            if part.number != number:
                continue
            _put(values, begin, part.piece, self._performance(number))
            if self._meets(at) or part.piece.begin < part.piece.first:
                _put(values, begin, part.piece, self._border(at))
            border = at + 1
            while self._meets(border) and self._is_early(border, at):
                _put(values, begin, part.piece, self._border(border))
                border += 1
        return begin, Motion(values, line.spoken.raw.basis, line.fps)

    @cached_property
    def _parts(self) -> list[_Part]:
        """The pieces of all lines in the order of time."""
        spoken = [(int(np.floor(line.start + 1e-4)), int(np.floor(line.end + 1e-4))) for line in self.lines]
        shown: list[tuple[int, int, int]] = []
        for number, span in enumerate(spoken):
            spans = [span]
            for first, last in (other for other in spoken[number + 1 :] if other[0] <= span[1]):
                spans = [
                    (a, b)
                    for one, end in spans
                    for a, b in ((one, min(end, first - 1)), (max(one, last + 1), end))
                    if a <= b
                ]
            shown += [(first, last, number) for first, last in spans]
        shown.sort()
        parts = []
        for at, (first, last, number) in enumerate(shown):
            free = shown[at - 1][1] + 1 if at else self._scene.first
            end = shown[at + 1][0] - 1 if at + 1 < len(shown) else None
            layered = self.lines[number].is_layered
            begin, until = self._around(at, number, (first, last), (free, end)) if layered else (first, last)
            parts.append(_Part(number, Piece(begin, first, last, until)))
            if at and layered and self.lines[shown[at - 1][2]].is_layered:
                parts[-1] = replace(parts[-1], piece=replace(parts[-1].piece, begin=first))
        return parts

    def _around(self, at: int, number: int, spoken: tuple[int, int], free: tuple[int, int | None]) -> tuple[int, int]:
        """First and last frame of a piece with what it may have of the rest before it and after it."""
        fps = self.lines[number].fps
        begin = max(free[0], spoken[0] - (self._longest if self.rests.before else 0))
        if at == 0 and self._is_idle_at_ends:
            begin = free[0]
        if free[1] is not None:
            return min(begin, spoken[0]), free[1]
        until = spoken[1] + (round(max(self.rests.after, _HEAD_HOME) * fps) if self.rests.after else 0)
        return min(begin, spoken[0]), max(until, self._scene.last) if self._is_idle_at_ends else until

    @property
    def _is_idle_at_ends(self) -> bool:
        return self.rests.ends and self.rests.idle > 0

    def _meets(self, at: int) -> bool:
        """Whether one performance goes over to the next at the beginning of a part: both have our layers."""
        beside = self._parts[at - 1 : at + 1] if at else []
        return len(beside) == 2 and all(self.lines[part.number].is_layered for part in beside)

    def _is_early(self, border: int, at: int) -> bool:
        """Whether the frames about the beginning of the part `border` may reach into an earlier part."""
        return border - 1 <= at or self._parts[border - 1].piece.last - self._lips <= self._parts[at].piece.until

    def _oldest(self, at: int) -> int:
        """The first part of which something may be left where a part begins: each gives way within `LONGEST`."""
        oldest, begins = at - 1, self._parts[at - 1].piece.last - self._lips
        while self._meets(oldest) and self._parts[oldest].piece.first + self._longest > begins:
            oldest -= 1
        return oldest

    def _first_felt(self, at: int) -> int:
        """The first part with a say in how a part begins: what is still seen there took over from others before it."""
        return self._oldest(self._oldest(at) + 1)

    def _seen(self, at: int) -> list[tuple[int, Motion]]:
        """The performances that may still be seen where a part begins, the oldest first."""
        oldest = self._oldest(at) if self._meets(at) else at
        piece = self._parts[oldest].piece
        comes = piece.begin < piece.first and not self._meets(oldest)
        return ([self._before_all(oldest)] if comes else []) + [
            self._performance(part.number) for part in self._parts[oldest:at]
        ]

    def _border(self, at: int) -> tuple[int, Motion]:
        """Frames about the beginning of a part, as all before that are still seen and the part itself make them."""
        if at not in self._joined:
            piece = self._parts[at].piece
            first = min(self._handover(at).first, piece.first) if self._meets(at) else piece.begin
            last = piece.first + self._longest
            seen = self._seen(at)
            motion = _rows(seen[0], first, last)
            for part in range(at + 1 - len(seen), at + 1):
                after = _rows(self._performance(self._parts[part].number), first, last)
                motion = joined(motion, after, first, self._handover(part))
            self._joined[at] = first, motion
        return self._joined[at]

    def _handover(self, at: int) -> Handover:
        """How a part takes over from those before it."""
        if at not in self._over:
            line, piece = self.lines[self._parts[at].number], self._parts[at].piece
            stop = self._parts[at - 1].piece.last if self._meets(at) else piece.begin
            reflex = REFLEX_GAIN * line.options.gaze * line.options.eyes
            poses = [_rows(each, piece.first, piece.first).values for each in self._seen(at)]
            after = _rows(self._performance(self._parts[at].number), piece.first, piece.first + self._lips)
            border = Border(stop, piece.first, line.fps, self.rests.before, reflex)
            self._over[at] = handover(np.concatenate(poses), after, border)
        return self._over[at]

    def _performance(self, number: int) -> tuple[int, Motion]:
        """What a line does by itself, a row for each whole frame, and the frame of the first.

        It goes on for as long as anything is made of it: to the next line, and until that has taken over.
        """
        if number not in self._alone:
            line, place = self.lines[number], self.place(number)
            first, last = int(np.floor(line.start + 1e-4)), int(np.floor(line.end + 1e-4))
            until = max(last, place[-1].until + 1 + self._longest)
            options = replace(line.options, fps=line.fps) if line.is_layered else line.options
            idle = self._afterwards(number, (until + 1 - line.end) / line.fps)
            motion = polish(line.spoken.raw, line.spoken.voice, options, self._scene.over_time(line), idle)
            rows = _sampled(motion, line, first, until if idle else last)
            if line.is_layered:
                spoken = rows.with_values(rows.values[: last - first + 1])
                still = going_on(spoken, (until - last) / line.fps, self.rests.after, self.rests.amount)
                share = self.rests.idle if idle else 0.0
                alive = rows.values if idle else still.values
                rows = still.with_values(still.values + np.float32(share) * (alive - still.values))
            self._alone[number] = first, rows
        return self._alone[number]

    def _afterwards(self, number: int, seconds: float) -> Afterwards | None:
        """How a line goes on for so many seconds; None when nothing moves after it."""
        line, rests = self.lines[number], self.rests
        at = max(place for place, part in enumerate(self._parts) if part.number == number)
        piece = self._parts[at].piece
        rest = (piece.until - piece.last) / line.fps
        meets = at + 1 < len(self._parts) and self._meets(at + 1)
        is_last = at + 1 == len(self._parts)
        if not (line.is_layered and rests.idle > 0 and rest <= _LONGEST_IDLE and (meets or (is_last and rests.ends))):
            return None
        voice = None
        if meets:
            other = self.lines[self._parts[at + 1].number]
            begins = self._parts[at + 1].piece.first == int(np.floor(other.start + 1e-4))
            if begins and other.spoken.voice.phrases and other.start > line.end:
                voice = (other.start - line.start) / line.fps + other.spoken.voice.phrases[0].start
        return Afterwards(seconds, rests.after, rests.amount, voice, rest > _STAYS)

    def _before_all(self, at: int) -> tuple[int, Motion]:
        """The frames from the beginning of a part on in which nothing was said before: at rest, or idle."""
        part = self._parts[at]
        line, piece = self.lines[part.number], part.piece
        last = piece.first + self._longest
        own = _rows(self._performance(part.number), piece.first, piece.first).values
        still = np.repeat((1 - np.float32(self.rests.amount)) * own, last - piece.begin + 1, axis=0)
        motion = Motion(still, line.spoken.raw.basis, line.fps)
        seconds = (last - piece.begin) / line.fps
        if not (self._is_idle_at_ends and at == 0 and seconds <= _LONGEST_IDLE):
            return piece.begin, motion
        nothing = Motion(np.zeros((1, len(motion.basis)), np.float32), motion.basis, line.spoken.raw.fps)
        options = replace(line.options, fps=line.fps, seed=line.options.seed + _BEFORE_FIRST)
        silence = Prosody([], [], np.zeros(0), np.zeros(0))
        phrases = line.spoken.voice.phrases
        voice = (line.start - piece.begin) / line.fps + phrases[0].start if phrases else None
        idle = polish(nothing, silence, options, None, Afterwards(seconds + 1, 0.0, 1.0, voice))
        rows = idle.values[: len(still)]
        return piece.begin, motion.with_values(still + np.float32(self.rests.idle) * (rows - still))


def shown(curve: Curve, place: Sequence[Piece]) -> Curve:
    """A curve on the frames of a line's place alone, in its rests without the keys that nothing changes at."""
    keep = np.zeros(len(curve.frames), bool)
    spans = []
    for piece in place:
        inside = (curve.frames >= piece.begin) & (curve.frames <= piece.until)
        spoken = (curve.frames >= piece.first) & (curve.frames <= piece.last)
        kept = inside.copy()
        kept[inside] = changes(curve.values[inside])
        kept |= spoken & inside
        if piece.begin < piece.first:
            kept &= ~_still_before(curve, piece, kept)
        keep |= kept
        spans.append((float(curve.frames[kept][0]), float(curve.frames[kept][-1])))
    return replace(curve, frames=curve.frames[keep], values=curve.values[keep], spans=tuple(spans))


def _still_before(curve: Curve, piece: Piece, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The key at the very beginning, where the rest before a piece begins with nothing that changes."""
    first = np.flatnonzero(kept)[:2]
    same = len(first) == 2 and curve.values[first[0]] == curve.values[first[1]]
    return np.isin(np.arange(len(kept)), first[:1]) & same & (curve.frames < piece.first)


def _sampled(motion: Motion, line: Line, first: int, last: int) -> Motion:
    """A row for each whole frame from first to last; `motion` begins with the line."""
    seconds = (np.arange(first, last + 1) - line.start) / line.fps
    return Motion(motion.sample(seconds), motion.basis, line.fps, motion.meta)


def _rows(performance: tuple[int, Motion], first: int, last: int) -> Motion:
    """The frames first to last of a performance, before its beginning as it comes to it; at its end it stays."""
    start, motion = performance
    early = max(0, start - first)
    begun = coming(motion, early)
    rows = np.arange(first, last + 1) - (start - early)
    return begun.with_values(begun.values[np.minimum(rows, len(begun) - 1)])


def _put(values: NDArray[np.float32], begin: int, piece: Piece, performance: tuple[int, Motion]) -> None:
    """Copy what of a performance lies in a piece to values, whose first row is the frame `begin`."""
    start, motion = performance
    first, last = max(start, piece.begin), min(start + len(motion) - 1, piece.until)
    if first <= last:
        values[first - begin : last - begin + 1] = motion.values[first - start : last - start + 1]
