# SPDX-License-Identifier: GPL-3.0-or-later
"""One strip's speech on one character, as plain data: pure, without Blender. `lines` keeps it in the .blend."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

from ..core.basis import ARKIT
from ..core.generate import Options, Spoken
from .keys import Keys


@dataclass(frozen=True)
class Rests:
    """What a character does between its lines.

    before, after: seconds in which the face comes from rest and goes back to it; amount: how far, 0 to 1
    idle: how much it blinks, looks about and sways meanwhile, 0 to 1
    ends: whether it does so before the first line and after the last as well, over the frames of the scene
    """

    before: float = 0.0
    after: float = 0.0
    amount: float = 1.0
    idle: float = 1.0
    ends: bool = False


@dataclass(frozen=True)
class Piece:
    """Frames that are one line's: it speaks from `first` to `last`, and has the keys from `begin` to `until`."""

    begin: int
    first: int
    last: int
    until: int


@dataclass(frozen=True)
class Written:
    """One curve as artalk wrote it, before any edit: what edits are found against."""

    keys: Keys
    spans: tuple[tuple[float, float], ...]


def name_of(scene: str, strip: str) -> str:
    """Under which a strip's line is kept: names of strips can be longer than those of custom properties."""
    return sha256(f"{scene}\0{strip}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Line:
    """One strip's speech on one character.

    start:   frame at which `spoken.raw` begins
    origin:  frame at which the sound itself would begin, nothing trimmed: moves with the strip, not with its trims
    options: those that the keys were written with
    rests:   those that the keys were written with
    place:   the frames that it had then; later lines speak between the pieces
    written: by `keyframes.label`; empty when no keys are written yet
    bound:   mm within which its keys are to be reduced, 0 for one key a frame
    strip_id: what the strip is known by whatever it is called, see `strips.identify`
    kept_as: name under which it is kept, where strip or scene have been renamed since
    """

    scene: str
    strip: str
    start: float
    origin: float
    fps: float
    options: Options
    spoken: Spoken
    rests: Rests = Rests()
    place: tuple[Piece, ...] = ()
    written: dict[str, Written] = field(default_factory=dict)
    bound: float = 0.0
    strip_id: str = ""
    kept_as: str = ""

    @property
    def name(self) -> str:
        """Under which it is kept."""
        return name_of(self.scene, self.strip)

    @property
    def end(self) -> float:
        """Frame of the last pose that is spoken."""
        return self.start + max(0, len(self.spoken.raw) - 1) / self.spoken.raw.fps * self.fps

    @property
    def is_layered(self) -> bool:
        """Whether our layers are on it, which give it a way to rest and what lies between lines."""
        return self.options.post == "artalk" and self.spoken.raw.basis == ARKIT

    @property
    def is_loose(self) -> bool:
        """Whether its keys are to be reduced, and are not since they were last written."""
        return self.bound > 0 and all(each.keys.is_plain for each in self.written.values())
