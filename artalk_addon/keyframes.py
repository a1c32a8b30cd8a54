# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries a plan out: whole curves in bulk, never key by key, and never over what the artist made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from . import compat
from .plan import Character, Curve, Owner, outside

OWNED = "artalk"
"""Custom property of an action: JSON list of the curves that artalk made in it."""

_NUMBERS: dict[str, tuple[int, type]] = {
    "co": (2, np.float32),
    "handle_left": (2, np.float32),
    "handle_right": (2, np.float32),
    "interpolation": (1, np.int32),
    "handle_left_type": (1, np.int32),
    "handle_right_type": (1, np.int32),
    "type": (1, np.int32),
    "easing": (1, np.int32),
    "back": (1, np.float32),
    "amplitude": (1, np.float32),
    "period": (1, np.float32),
}
"""Everything that a key holds: how many numbers of which kind."""


def owners(character: Character) -> dict[Owner, Any]:
    """The datablocks that a character's curves animate, found anew: its shape keys and its armature object.

    Raises InputError when they are gone or may not be changed.
    """
    objects = {item.session_uid: item for item in bpy.data.objects}
    mesh: Any = objects.get(character.mesh)
    if mesh is None or not mesh.users_scene or mesh.data.shape_keys is None:
        raise InputError(f"The character '{character.name}' is no longer there: choose another and generate again.")
    found: dict[Owner, Any] = {"shapes": mesh.data.shape_keys}
    if character.armature is not None:
        armature = objects.get(character.armature)
        if armature is None:
            raise InputError(f"The armature of '{character.name}' is no longer there: choose another character.")
        found["bones"] = armature
    for datablock in found.values():
        action = compat.action_of(datablock)
        if datablock.library or (action and action.library):
            raise InputError(
                f"The character '{character.name}' is linked from another file and read-only: "
                "make it local or generate in its own file."
            )
    return found


def check(character: Character, curves: Sequence[Curve]) -> None:
    """Raise InputError when a curve of the plan would overwrite what the artist made, or have no effect."""
    for owner, datablock in owners(character).items():
        mine = owned(datablock)
        others = {
            (curve.data_path, curve.array_index)
            for curve in compat.fcurves_of(datablock)
            if _label(curve.data_path, curve.array_index) not in mine and len(curve.keyframe_points)
        }
        animation = datablock.animation_data
        driven = {(curve.data_path, curve.array_index) for curve in animation.drivers} if animation else set()
        for curve in (curve for curve in curves if curve.owner == owner):
            if (curve.data_path, curve.index) in others:
                raise InputError(
                    f"{_named(curve)} of '{character.name}' already has keys that artalk did not make: "
                    "delete them, or give the character another action."
                )
            if (curve.data_path, curve.index) in driven:
                raise InputError(f"{_named(curve)} of '{character.name}' is driven, so keys would not move it: "
                                 "remove its driver first.")  # fmt: skip


def write(character: Character, curves: Sequence[Curve]) -> int:
    """Write all curves of a plan; returns the number of keys. Raises InputError before anything is changed."""
    check(character, curves)
    for owner, datablock in owners(character).items():
        planned = [curve for curve in curves if curve.owner == owner]
        if not planned:
            continue
        if compat.action_of(datablock) is None:
            compat.assign_action(datablock, bpy.data.actions.new(f"{character.name} artalk"))
        action = compat.action_of(datablock)
        assert action is not None
        mine = owned(datablock)
        for curve in planned:
            _write_curve(compat.ensure_fcurve(datablock, curve.data_path, curve.index, curve.group), curve)
            mine.add(_label(curve.data_path, curve.index))
        action[OWNED] = json.dumps(sorted(mine))
        datablock.update_tag()
    return sum(len(curve.frames) for curve in curves)


def owned(datablock: bpy.types.ID) -> set[str]:
    """The curves of a datablock's action that artalk made, as `data_path[index]`."""
    action: Any = compat.action_of(datablock)
    return set(json.loads(action[OWNED])) if action and OWNED in action else set()


def _write_curve(fcurve: compat.FCurve, curve: Curve) -> None:
    """Replace the keys in the plan's spans and keep all others exactly as they are."""
    points = fcurve.keyframe_points
    frames = np.empty(2 * len(points), np.float32)
    points.foreach_get("co", frames)
    keep = outside(frames[::2], curve.spans)
    if keep.any():
        _write_between(points, curve, keep)
    else:
        points.clear()
        points.add(len(curve.frames))
        co = np.stack([curve.frames, curve.values], axis=1).ravel()
        # a key added is at its defaults, so these are all that differ
        for name in ("co", "handle_left", "handle_right"):
            points.foreach_set(name, co)
        points.foreach_set("interpolation", np.full(len(curve.frames), _linear(), np.int32))
    fcurve.update()


def _write_between(points: Any, curve: Curve, keep: NDArray[np.bool_]) -> None:
    """The plan's keys among those of the old ones that `keep` says."""
    before = _read(points)
    fresh = len(curve.frames)
    points.clear()
    points.add(fresh + int(keep.sum()))
    after = _read(points)
    co = np.stack([curve.frames, curve.values], axis=1)
    for name, numbers in after.items():
        numbers[fresh:] = before[name][keep]
    for name in ("co", "handle_left", "handle_right"):
        after[name][:fresh] = co
    after["interpolation"][:fresh] = _linear()
    order = np.argsort(after["co"][:, 0], kind="stable")
    for name, numbers in after.items():
        points.foreach_set(name, numbers[order].ravel())


def _read(points: Any) -> dict[str, NDArray[Any]]:
    """All numbers of all keys, by name: (keys, size)."""
    numbers: dict[str, NDArray[Any]] = {
        name: np.zeros((len(points), size), kind) for name, (size, kind) in _NUMBERS.items()
    }
    for name, array in numbers.items():
        points.foreach_get(name, array.ravel())  # ravel of a fresh array is a view: this fills the array
    return numbers


@cache
def _linear() -> int:
    interpolation: Any = bpy.types.Keyframe.bl_rna.properties["interpolation"]
    return int(interpolation.enum_items["LINEAR"].value)


def _label(data_path: str, index: int) -> str:
    return f"{data_path}[{index}]"


def _named(curve: Curve) -> str:
    """What a curve moves, in a user's words."""
    name = curve.data_path.split('"')[1]
    return f"The {'shape key' if curve.owner == 'shapes' else 'bone'} '{name}'"
