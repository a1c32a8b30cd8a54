# SPDX-License-Identifier: GPL-3.0-or-later
"""Two seconds of a character's own animation as motion that a model can be shown: from keys back to channels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core import styles
from ..core.basis import BASES
from ..core.errors import InputError
from ..core.motion import Motion
from ..core.retarget.inverse import channels_of
from . import compat, rigs, strips
from .plan import Bone, Character

_TURNS, _MOVES = ("turn_x", "turn_y", "turn_z"), ("move_x", "move_y", "move_z")


def last_frame(scene: bpy.types.Scene, first: float) -> float:
    """Where the two seconds that begin at a frame end."""
    return first + styles.SECONDS * strips.rate(scene)


def taken(scene: bpy.types.Scene, item: bpy.types.Object, first: float) -> Motion:
    """The two seconds of a character's animation from frame `first` on, as played: actions, NLA and drivers.

    In the basis of the motion that the character takes. Raises InputError when it has no keys there, does not move, or
    is no character.
    """
    character = rigs.describe(item)
    _require_keys(scene, item, character, first)
    seconds = np.arange(styles.FRAMES) / styles.FPS
    with _frame_kept(scene):
        poses = [_pose(scene, item, character, first + second * strips.rate(scene)) for second in seconds]
    rows = [
        (row, np.array([pose[number] for pose in poses]))
        for number, row in enumerate(character.table.active())
        if number in poses[0]
    ]
    basis = BASES[character.basis]
    motion = Motion(channels_of(rows, basis), basis, styles.FPS, {"character": item.name, "first_frame": first})
    return styles.cut(motion)


def _require_keys(scene: bpy.types.Scene, item: bpy.types.Object, character: Character, first: float) -> None:
    """Raise InputError unless keys of the character's reach over the two seconds."""
    owners = [getattr(item.data, "shape_keys", None), rigs.armature_of(item)]
    animated = [owner for owner in owners if owner is not None and owner.animation_data]
    if any(owner.animation_data.nla_tracks or owner.animation_data.drivers for owner in animated):
        return  # it may move without keys of its own
    spans = [
        (curve.range()[0], curve.range()[1])
        for owner in animated
        for curve in compat.fcurves_of(owner)
        if len(curve.keyframe_points) > 1
    ]
    last, fps = last_frame(scene, first), strips.rate(scene)
    here = [(max(low, first), min(high + 1, last)) for low, high in spans]
    longest = max((high - low for low, high in here), default=0.0) / fps
    if longest <= 0:
        raise InputError(f"'{character.name}' has no keys from frame {first:g} to {last:g}: choose where it moves.")
    if longest < styles.SECONDS - 1.5 / fps:
        raise InputError(
            f"A style takes {styles.SECONDS:g} s and the keys of '{character.name}' from frame {first:g} on last "
            f"{longest:.2g} s: begin earlier, or animate more."
        )


@contextmanager
def _frame_kept(scene: bpy.types.Scene) -> Iterator[None]:
    now, part = scene.frame_current, scene.frame_subframe
    try:
        yield
    finally:
        scene.frame_set(now, subframe=part)


def _pose(scene: bpy.types.Scene, item: bpy.types.Object, character: Character, frame: float) -> dict[int, float]:
    """What each row of a character's table is at one frame: number of the row -> value."""
    scene.frame_set(int(np.floor(frame)), subframe=frame - float(np.floor(frame)))
    keys: Any = getattr(item.data, "shape_keys", None)
    armature = rigs.armature_of(item)
    bones = {bone.name: bone for bone in character.bones.values()}
    found: dict[int, float] = {}
    for number, row in enumerate(character.table.active()):
        if not row.is_bone:
            if keys is not None and row.target in keys.key_blocks:
                found[number] = float(keys.key_blocks[row.target].value)
        elif armature is not None and row.target in bones:
            pose = armature.pose.bones[row.target]
            if row.axis in _TURNS:
                found[number] = float(_turn(pose, bones[row.target], character)[_TURNS.index(row.axis)])
            elif character.eye_distance > 0:
                found[number] = float(_move(pose, bones[row.target], character)[_MOVES.index(row.axis)])
    return found


def _turn(pose: Any, bone: Bone, character: Character) -> NDArray[np.float64]:
    """A posed bone's rotation vector (3,) in the head's frame: the inverse of what `plan` does."""
    axis, angle = pose.matrix_basis.to_quaternion().to_axis_angle()
    angle = angle - 2 * np.pi if angle > np.pi else angle
    in_armature = bone.rest @ np.array(axis) * angle
    turn: NDArray[np.float64] = np.sign(np.linalg.det(character.axes)) * in_armature @ character.axes
    return turn


def _move(pose: Any, bone: Bone, character: Character) -> NDArray[np.float64]:
    """How far a posed bone is moved (3,) in the head's frame, in distances between the eyes."""
    slides = bone.rest if bone.slides is None else bone.slides
    move: NDArray[np.float64] = np.array(pose.location) @ slides.T @ character.axes / character.eye_distance
    return move
