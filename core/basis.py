# SPDX-License-Identifier: GPL-3.0-or-later
"""Named channel sets: what the columns of a `Motion` mean.

Rotations are rotation vectors in radians, right-handed, in the head's own frame: x to the character's left, y up,
z forward (FLAME's axes). So `head_x` > 0 lowers the chin, `head_y` > 0 turns to the character's left and `head_z` > 0
tilts the head towards the character's right shoulder; an eye with `_x` > 0 looks down, with `_y` > 0 to the
character's left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from .errors import InputError

ARKIT_SHAPES: tuple[str, ...] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
    "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel",
    "mouthPucker", "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft",
    "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft",
    "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
HEAD_ROTATION = ("head_x", "head_y", "head_z")
JAW_ROTATION = ("jaw_x", "jaw_y", "jaw_z")
EYE_ROTATION = ("left_eye_x", "left_eye_y", "right_eye_x", "right_eye_y")


@dataclass(frozen=True)
class Basis:
    """A named, ordered set of channels."""

    name: str
    channels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.channels)

    def index(self, channel: str) -> int:
        """Column of one channel; ValueError when the basis has none of that name."""
        return self.channels.index(channel)

    def indices(self, channels: Sequence[str]) -> list[int]:
        """Columns of several channels, in the order asked for."""
        return [self.index(channel) for channel in channels]


class VertexBasis(Basis):
    """How far each vertex of a mesh is from the neutral face, in its own units and axes: v0_x, v0_y, v0_z, v1_x …

    The names, up to 70 000, are made when they are first asked for.
    """

    vertices: int

    def __init__(self, name: str, vertices: int) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "vertices", vertices)

    def __len__(self) -> int:
        return 3 * self.vertices

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """Names of the columns, as in every basis."""
        return tuple(f"v{i}_{axis}" for i in range(self.vertices) for axis in "xyz")


FLAME = Basis("flame", tuple(f"exp{i:03d}" for i in range(1, 101)) + HEAD_ROTATION + JAW_ROTATION)
ARKIT = Basis("arkit", ARKIT_SHAPES + HEAD_ROTATION + EYE_ROTATION)
FLAME_EYES = Basis("flame_eyes", (*FLAME.channels[:103], "jaw_x", *EYE_ROTATION))
"""Of ARTalk's training code."""
FLAME_FAMILY = (FLAME, FLAME_EYES)
"""The bases whose motion moves a FLAME head as it is."""
BASES = {basis.name: basis for basis in (FLAME, ARKIT, FLAME_EYES)}
FLAME_VERTICES = VertexBasis("flame_vertices", 5023)
BIWI_VERTICES = VertexBasis("biwi_vertices", 23370)
VERTEX_BASES = {basis.name: basis for basis in (FLAME_VERTICES, BIWI_VERTICES)}
"""Apart from BASES, whose channels a rig can be keyed by."""


def basis_named(name: str, channels: Sequence[str]) -> Basis:
    """The known basis `name` with exactly these channels, or a new one of that name.

    Raises InputError when `name` is a known basis but the channels differ from it.
    """
    known = BASES.get(name) or VERTEX_BASES.get(name)
    if known is None:
        return Basis(name, tuple(channels))
    if known.channels != tuple(channels):
        raise InputError(f"The motion says its basis is '{name}' but its channels are not that basis's.")
    return known
