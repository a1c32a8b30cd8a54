# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keys a motion becomes on a character: pure, without Blender. `keyframes` carries the plan out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..core.basis import ARKIT_SHAPES
from ..core.motion import Motion

Owner = Literal["shapes", "bones"]
Floats = NDArray[np.float64]

ROLES: dict[str, tuple[str, str, str]] = {
    "head": ("head_x", "head_y", "head_z"),
    "jaw": ("jaw_x", "jaw_y", "jaw_z"),
    "left_eye": ("left_eye_x", "left_eye_y", "left_eye_z"),
    "right_eye": ("right_eye_x", "right_eye_y", "right_eye_z"),
}
"""The bones that can turn, and the channels of their rotation vectors; a channel that a motion lacks is 0."""

HEAD_TO_ARMATURE = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""From the head's frame (x left, y up, z forward) to an armature whose character faces -Y with Z up."""

EYE_LOOK_RANGE = np.radians(30.0)
"""Turn of an eye at weight 1 of an eyeLook shape, for characters whose eyes have shapes and no bones."""


@dataclass(frozen=True)
class Bone:
    """A bone that turns. rest: (3, 3) its rest axes as columns, in armature space; mode: Blender's rotation mode."""

    name: str
    rest: Floats
    mode: str


@dataclass(frozen=True)
class Character:
    """What can be animated on one character; plain data that survives any tick.

    mesh, armature: session identifiers of the objects, armature None when there is none
    shapes:         channel -> name of the shape key on the mesh
    bones:          role (see ROLES) -> bone of the armature
    """

    name: str
    mesh: int
    shapes: Mapping[str, str]
    armature: int | None
    bones: Mapping[str, Bone]


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
    if not ({"left_eye", "right_eye"} & character.bones.keys()):
        channels |= eye_look_shapes(channels)
    planned = [*_shape_curves(channels, character), *_bone_curves(channels, character)]
    at = frames.astype(np.float32)
    spans = ((float(at[0]), float(at[-1])),)
    return [
        Curve(owner, path, index, group, at, row.astype(np.float32), spans)
        for owner, path, index, group, row in planned
    ]


def join(plans: Sequence[Sequence[Curve]]) -> list[Curve]:
    """Plans of several strips, in the order of time, as one; where two overlap, the later one speaks."""
    joined: dict[tuple[str, str, int], Curve] = {}
    for curve in (curve for curves in plans for curve in curves):
        key = (curve.owner, curve.data_path, curve.index)
        joined[key] = _overlaid(joined[key], curve) if key in joined else curve
    return list(joined.values())


def _overlaid(below: Curve, above: Curve) -> Curve:
    keep = outside(below.frames, above.spans)
    frames = np.concatenate([below.frames[keep], above.frames])
    values = np.concatenate([below.values[keep], above.values])
    order = np.argsort(frames, kind="stable")
    return replace(above, frames=frames[order], values=values[order], spans=below.spans + above.spans)


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


def _shape_curves(channels: Mapping[str, Floats], character: Character) -> Iterator[_Row]:
    for channel, key in character.shapes.items():
        if channel in channels:
            yield "shapes", f'key_blocks["{escape(key)}"].value', 0, "artalk", channels[channel]


def _bone_curves(channels: Mapping[str, Floats], character: Character) -> Iterator[_Row]:
    for role, bone in character.bones.items():
        names = ROLES[role]
        if not any(name in channels for name in names):
            continue
        nothing = np.zeros(len(next(iter(channels.values()))))
        vectors = np.stack([channels.get(name, nothing) for name in names], axis=1)
        # conjugating a rotation by the change of axes turns its rotation vector by that change
        local = vectors @ (bone.rest.T @ HEAD_TO_ARMATURE).T
        name, numbers = in_mode(local, bone.mode)
        for index, row in enumerate(numbers.T):
            yield "bones", f'pose.bones["{escape(bone.name)}"].{name}', index, bone.name, row


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
    """Channel -> shape key for the ARKit shapes among `names`, whatever their capitalisation."""
    by_lower = {name.lower(): name for name in reversed(names)}
    return {channel: by_lower[channel.lower()] for channel in ARKIT_SHAPES if channel.lower() in by_lower}
