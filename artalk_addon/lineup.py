# SPDX-License-Identifier: GPL-3.0-or-later
"""Several lines on one character: which frames are whose, and where there is room to come from rest. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .lines import Line, Rests
from .plan import Curve, outside

Span = tuple[float, float]

_ROOM_BETWEEN = 0.3
"""Seconds at rest that a gap between lines must leave, else the pose of one goes straight to that of the next."""


@dataclass(frozen=True)
class Place:
    """What one line may write. rests: as there is room for; hidden: frames in which later lines speak."""

    rests: Rests
    hidden: tuple[Span, ...] = ()


def places(lines: Sequence[Line], wanted: Rests, first_frame: float) -> list[Place]:
    """The places of lines in the order of time; no rest before `first_frame` unless a line begins there itself.

    Of two lines that overlap, the later one speaks.
    """
    spoken = [(np.floor(line.start + 1e-4), np.floor(line.end + 1e-4)) for line in lines]
    found = []
    for number, (line, (first, last)) in enumerate(zip(lines, spoken, strict=True)):
        before = (first - max((end for _, end in spoken[:number]), default=-np.inf)) / line.fps
        after = (min((start for start, _ in spoken[number + 1 :]), default=np.inf) - last) / line.fps
        enough = wanted.before + wanted.after + _ROOM_BETWEEN
        lead = wanted.before if before >= enough else 0.0
        lead = min(lead, max(0.0, (first - first_frame) / line.fps))
        rests = Rests(lead, wanted.after if after >= enough else 0.0, wanted.amount)
        hidden = tuple((a, b) for a, b in spoken[number + 1 :] if a <= last)
        found.append(Place(rests, hidden))
    return found


def shown(curve: Curve, hidden: Sequence[Span]) -> Curve:
    """A curve without the whole frames in which later lines speak."""
    spans = list(curve.spans)
    for first, last in hidden:
        spans = [
            part for a, b in spans for part in ((a, min(b, first - 1)), (max(a, last + 1), b)) if part[0] <= part[1]
        ]
    keep = outside(curve.frames, hidden)
    return replace(curve, frames=curve.frames[keep], values=curve.values[keep], spans=tuple(spans))
