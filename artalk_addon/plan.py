# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keys a motion becomes on a character: pure, without Blender. `keyframes` carries the plan out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..core import retarget
from ..core.basis import ARKIT
from ..core.motion import Motion
from ..core.retarget.bones import UPRIGHT, turn_in_armature
from ..core.retarget.detect import arkit_table
from ..core.retarget.mapping import Axis, Row, apply

Owner = Literal["shapes", "bones"]
Floats = NDArray[np.float64]

ROLES: dict[str, tuple[str, str, str]] = {
    "head": ("head_x", "head_y", "head_z"),
    "jaw": ("jaw_x", "jaw_y", "jaw_z"),
    "left_eye": ("left_eye_x", "left_eye_y", "left_eye_z"),
    "right_eye": ("right_eye_x", "right_eye_y", "right_eye_z"),
}
"""The bones that can turn, and the channels of their rotation vectors; a channel that a motion lacks is 0."""

HEAD_TO_ARMATURE = UPRIGHT
"""From the head's frame (x left, y up, z forward) to an armature whose character faces -Y with Z up."""

EYE_LOOK_RANGE = np.radians(30.0)
"""Turn of an eye at weight 1 of an eyeLook shape, for characters whose eyes have shapes and no bones."""


@dataclass(frozen=True)
class Bone:
    """A bone that turns. rest: (3, 3) its rest axes as columns, in armature space; mode: Blender's rotation mode.

    slides: (3, 3) the axes along which its location counts, in armature space; None: those of its rest
    """

    name: str
    rest: Floats
    mode: str
    slides: Floats | None = None


@dataclass(frozen=True)
class Character:
    """What can be animated on one character; plain data that survives any tick.

    mesh, armature: session identifiers of the objects, armature None when there is none
    shapes:         channel, or what else tells them apart -> name of the shape key on the mesh
    bones:          role (see ROLES), or name -> bone of the armature
    mapping:        what moves what; None: each channel its shape, each role its bone, as they are
    axes:           (3, 3) the head's left, up and forward as columns, in armature space
    eye_distance:   between the eyes, in the armature's unit: what bones that move are measured by
    notes:          sentences for the user on what was recognised
    basis:          name of the basis of the motion that it takes
    """

    name: str
    mesh: int
    shapes: Mapping[str, str]
    armature: int | None
    bones: Mapping[str, Bone]
    mapping: retarget.Mapping | None = None
    axes: Floats = field(default_factory=lambda: HEAD_TO_ARMATURE)
    eye_distance: float = 0.0
    notes: tuple[str, ...] = ()
    basis: str = ARKIT.name

    @property
    def table(self) -> retarget.Mapping:
        """What moves what."""
        return self.mapping or _as_they_are(self)


def _as_they_are(character: Character) -> retarget.Mapping:
    rows = [Row(key, ((channel, 1.0),)) for channel, key in character.shapes.items()]
    turns: tuple[Axis, ...] = ("turn_x", "turn_y", "turn_z")
    for role, bone in character.bones.items():
        rows += [Row(bone.name, ((channel, 1.0),), axis) for channel, axis in zip(ROLES[role], turns, strict=True)]
    return retarget.Mapping("as they are", tuple(rows))


@dataclass(frozen=True)
class Curve:
    """One F-curve to be: `values[i]` at frame `frames[i]`, straight lines between.

    spans: first and last frame of each stretch whose keys are replaced, one for each strip
    """

    owner: Owner
    data_path: str
    index: int
    group: str
    frames: NDArray[np.float32]
    values: NDArray[np.float32]
    spans: tuple[tuple[float, float], ...]


def key_frames(motion: Motion, start: float, fps: float) -> NDArray[np.int64]:
    """The whole frames that a motion covers when it starts at frame `start` of a scene at `fps`.

    The frame that contains the start belongs to it, so that the first key stands where the strip begins.
    """
    last = start + (len(motion) - 1) / motion.fps * fps
    first = int(np.floor(start + 1e-4))
    return np.arange(first, max(first, int(np.floor(last + 1e-4))) + 1)


def plan(motion: Motion, character: Character, start: float, fps: float) -> list[Curve]:
    """The curves of a motion that starts at frame `start` (with its fraction) of a scene at `fps`.

    The motion is read at the exact time of each whole frame; channels that the character lacks are left out.
    """
    if len(motion) == 0:
        return []
    frames = key_frames(motion, start, fps)
    values = motion.sample((frames - start) / fps).astype(np.float64)
    channels = dict(zip(motion.basis.channels, values.T, strict=True))
    by_bones = {channel for row in character.table.active() for channel, _ in row.sources}
    if not {"left_eye_x", "right_eye_x"} & by_bones:
        channels |= eye_look_shapes(channels)
    moved = apply(channels, character.table)
    planned = [*_shape_curves(moved), *_bone_curves(moved, character)]
    at = frames.astype(np.float32)
    spans = ((float(at[0]), float(at[-1])),)
    return [
        Curve(owner, path, index, group, at, row.astype(np.float32), spans)
        for owner, path, index, group, row in planned
    ]


def outside(frames: NDArray[np.float32], spans: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    """Which frames lie in none of the spans, (N,)."""
    free = np.ones(len(frames), bool)
    for first, last in spans:
        free &= (frames < first) | (frames > last)
    return free


def eye_look_shapes(channels: Mapping[str, Floats]) -> dict[str, Floats]:
    """The turn of the eyes as the eight eyeLook shapes, added to what these hold already."""
    if "left_eye_x" not in channels:
        return {}
    shapes: dict[str, Floats] = {}
    for side, inward in (("Left", -1.0), ("Right", 1.0)):
        pitch = channels[f"{side.lower()}_eye_x"] / EYE_LOOK_RANGE
        yaw = channels[f"{side.lower()}_eye_y"] / EYE_LOOK_RANGE
        for word, turn in (("Down", pitch), ("Up", -pitch), ("In", inward * yaw), ("Out", -inward * yaw)):
            name = f"eyeLook{word}{side}"
            shapes[name] = np.clip(channels.get(name, 0.0) + np.maximum(turn, 0.0), 0.0, 1.0)
    return shapes


_Row = tuple[Owner, str, int, str, Floats]


def _shape_curves(moved: Sequence[tuple[Row, Floats]]) -> Iterator[_Row]:
    for row, values in moved:
        if not row.is_bone:
            yield "shapes", f'key_blocks["{escape(row.target)}"].value', 0, "artalk", values


def _bone_curves(moved: Sequence[tuple[Row, Floats]], character: Character) -> Iterator[_Row]:
    by_name = {bone.name: bone for bone in character.bones.values()}
    by_bone: dict[str, dict[str, Floats]] = {}
    for row, values in moved:
        if row.is_bone and row.target in by_name:
            by_bone.setdefault(row.target, {})[row.axis] = values
    for bone, axes in ((by_name[name], axes) for name, axes in by_bone.items()):
        path = f'pose.bones["{escape(bone.name)}"]'
        if (turn := _vectors(axes, "turn")) is not None:
            name, numbers = in_mode(turn_in_armature(turn, character.axes) @ bone.rest, bone.mode)
            for index, column in enumerate(numbers.T):
                yield "bones", f"{path}.{name}", index, bone.name, column
        if (move := _vectors(axes, "move")) is not None:
            slides = bone.rest if bone.slides is None else bone.slides
            for index, column in enumerate((character.eye_distance * move @ character.axes.T @ slides).T):
                yield "bones", f"{path}.location", index, bone.name, column


def _vectors(axes: Mapping[str, Floats], kind: str) -> Floats | None:
    """Turns or moves (T, 3) of a bone in the head's frame, 0 along axes that no row speaks of; None without any."""
    rows = {axis[-1]: values for axis, values in axes.items() if axis.startswith(kind)}
    if not rows:
        return None
    nothing = np.zeros(len(next(iter(rows.values()))))
    return np.stack([rows.get(axis, nothing) for axis in "xyz"], axis=1)


def in_mode(vectors: Floats, mode: str) -> tuple[str, Floats]:
    """Rotation vectors (T, 3) as the property and numbers (T, 3 or 4) of one of Blender's rotation modes."""
    if mode == "QUATERNION":
        return "rotation_quaternion", quaternions(vectors)
    if mode == "AXIS_ANGLE":
        return "rotation_axis_angle", _axis_angles(vectors)
    return "rotation_euler", eulers(vectors, mode)


def quaternions(vectors: Floats) -> Floats:
    """Rotation vectors (T, 3) as unit quaternions (T, 4) w x y z, without jumps of sign.

    w = cos(angle / 2) stays positive for turns below half a circle, so neighbours lie on one side.
    """
    angle = np.linalg.norm(vectors, axis=1, keepdims=True)
    # sin(a / 2) / a through sinc, which knows its limit at 0
    return np.concatenate([np.cos(angle / 2), vectors * np.sinc(angle / (2 * np.pi)) / 2], axis=1)


def _axis_angles(vectors: Floats) -> Floats:
    angle = np.linalg.norm(vectors, axis=1, keepdims=True)
    axis = np.where(angle > 1e-9, vectors / np.maximum(angle, 1e-9), [0.0, 1.0, 0.0])
    return np.concatenate([angle, axis], axis=1)


def eulers(vectors: Floats, order: str) -> Floats:
    """Rotation vectors (T, 3) as Euler angles (T, 3) x y z in Blender's `order`, without flips.

    'XYZ' turns about X first: R = Rz Ry Rx. Every rotation has two sets of angles, of which arctan2 knows one; when the
    middle angle passes a right angle, the outer two jump by half a turn, which says to go on with the other set. Each
    angle is unwrapped along time.
    """
    i, j, k = ("XYZ".index(letter) for letter in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    r = _matrices(vectors)
    first = np.arctan2(sign * r[:, k, j], r[:, k, k])
    middle = np.arcsin(np.clip(-sign * r[:, k, i], -1, 1))
    last = np.arctan2(sign * r[:, j, i], r[:, i, i])
    jumps = _half_turns(first) & _half_turns(last)
    other = np.concatenate([[0], np.cumsum(jumps)])[: len(vectors)] % 2 == 1
    angles = np.empty((len(vectors), 3))
    angles[:, i] = first + np.pi * other
    angles[:, j] = np.where(other, np.pi - middle, middle)
    angles[:, k] = last + np.pi * other
    return np.unwrap(angles, axis=0)


def _half_turns(angle: Floats) -> NDArray[np.bool_]:
    """Between which neighbours (T - 1,) an angle steps by more than a quarter turn, whole turns not counted."""
    return np.cos(np.diff(angle)) < 0


def _matrices(vectors: Floats) -> Floats:
    """Rotation matrices (T, 3, 3) of unit quaternions."""
    w, x, y, z = quaternions(vectors).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def escape(name: str) -> str:
    """A name as it stands between quotes in a data path."""
    return name.replace("\\", "\\\\").replace('"', '\\"')


def shape_table(names: Sequence[str]) -> dict[str, str]:
    """Channel -> shape key for the ARKit shapes among `names`, however they are spelled."""
    return arkit_table(names)
