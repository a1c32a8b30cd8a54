# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries a plan out: whole curves in bulk, never key by key, and never over what the artist made."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from . import compat
from .keys import NUMBERS, PLAIN, Keys, together
from .plan import Character, Curve, Owner, outside

OWNED = "artalk"
"""Custom property of an action: JSON list of the curves that artalk made in it."""


def owners(character: Character) -> dict[Owner, Any]:
    """The datablocks that a character's curves animate, found anew: its shape keys and its armature object.

    Raises InputError when they are gone or may not be changed.
    """
    objects = {item.session_uid: item for item in bpy.data.objects}
    mesh: Any = objects.get(character.mesh)
    if mesh is None or not mesh.users_scene or (character.shapes and mesh.data.shape_keys is None):
        raise InputError(f"The character '{character.name}' is no longer there: choose another and generate again.")
    # a face may be moved by bones alone
    found: dict[Owner, Any] = {"shapes": mesh.data.shape_keys} if character.shapes else {}
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
                "make it local, or override it together with its mesh, or generate in its own file."
            )
    return found


def check(character: Character, curves: Sequence[Curve]) -> None:
    """Raise InputError when a curve of the plan would overwrite what the artist made, or have no effect."""
    for owner, datablock in owners(character).items():
        mine = owned(datablock)
        others = {
            (curve.data_path, curve.array_index)
            for curve in compat.fcurves_of(datablock)
            if label(curve.data_path, curve.array_index) not in mine and len(curve.keyframe_points)
        }
        animation = datablock.animation_data
        drivers = [curve for curve in animation.drivers if not curve.mute] if animation else []
        driven = {(curve.data_path, curve.array_index) for curve in drivers}
        for curve in (curve for curve in curves if curve.owner == owner):
            if (curve.data_path, curve.index) in others:
                raise InputError(
                    f"{_named(curve)} of '{character.name}' already has keys that artalk did not make: "
                    "delete them, or give the character another action."
                )
            if (curve.data_path, curve.index) in driven:
                raise InputError(f"{_named(curve)} of '{character.name}' is driven, so keys would not move it: "
                                 "remove its driver first.")  # fmt: skip


def write(character: Character, curves: Sequence[Curve], edited: Mapping[str, Keys | None] | None = None) -> int:
    """Write all curves of a plan; returns the number of keys. Raises InputError before anything is changed.

    edited: by `label`, the keys to write instead of the plan's own, with an artist's changes on them; None says that
            the old keys are artalk's own to the last, so that new values in their places will do
    """
    check(character, curves)
    edited = edited or {}
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
            put(compat.ensure_fcurve(datablock, curve.data_path, curve.index, curve.group), curve, edited)
            mine.add(label(curve.data_path, curve.index))
        action[OWNED] = json.dumps(sorted(mine))
        datablock.update_tag()
    return sum(len(curve.frames) for curve in curves)


def owned(datablock: bpy.types.ID) -> set[str]:
    """The curves of a datablock's action that artalk made, as `data_path[index]`."""
    action: Any = compat.action_of(datablock)
    return set(json.loads(action[OWNED])) if action and OWNED in action else set()


def own_curves(datablock: bpy.types.ID) -> list[compat.FCurve]:
    """The curves of ours that a datablock plays."""
    mine = owned(datablock)
    every = compat.fcurves_of(datablock) if mine else []
    return [curve for curve in every if label(curve.data_path, curve.array_index) in mine]


def read(fcurve: compat.FCurve) -> Keys:
    """All keys of a curve."""
    points = fcurve.keyframe_points
    numbers: dict[str, NDArray[Any]] = {
        name: np.zeros((len(points), size), kind) for name, (size, kind) in NUMBERS.items()
    }
    for name, array in numbers.items():
        points.foreach_get(name, array.ravel())  # ravel of a fresh array is a view: this fills the array
    return Keys(numbers)


def places(fcurve: compat.FCurve) -> NDArray[np.float32]:
    """Frame and value of each key of a curve, (n, 2)."""
    co = np.empty((len(fcurve.keyframe_points), 2), np.float32)
    fcurve.keyframe_points.foreach_get("co", co.ravel())
    return co


def put(fcurve: compat.FCurve, curve: Curve, edited: Mapping[str, Keys | None]) -> None:
    """Write one curve of a plan; edited: as in `write`."""
    name = label(curve.data_path, curve.index)
    keys = edited.get(name)
    if not (name in edited and keys is None and _revalue(fcurve, curve)):
        _write_curve(fcurve, curve, keys)


def _revalue(fcurve: compat.FCurve, curve: Curve) -> bool:
    """Give the keys in the plan's spans its values if they stand on its frames already; says whether they do."""
    points, co = fcurve.keyframe_points, places(fcurve)
    inside = ~outside(co[:, 0], curve.spans)
    if not np.array_equal(co[inside, 0], curve.frames):
        return False
    co[inside, 1] = curve.values
    points.foreach_set("co", co.ravel())
    fcurve.update()
    return True


def _write_curve(fcurve: compat.FCurve, curve: Curve, keys: Keys | None) -> None:
    """Replace the keys in the plan's spans, by `keys` or the plan's own, and keep all others exactly as they are."""
    points, co = fcurve.keyframe_points, places(fcurve)
    keep = outside(co[:, 0], curve.spans)
    if keys is not None or keep.any():
        fresh = Keys.plain(curve.frames, curve.values) if keys is None else keys
        replace(points, together([read(fcurve).take(keep), fresh]) if keep.any() else fresh)
    else:
        points.clear()
        points.add(len(curve.frames))
        # a key added is 0 in all else, and its handles are found by Blender
        points.foreach_set("co", np.stack([curve.frames, curve.values], axis=1).ravel())
        for name, value in PLAIN.items():
            points.foreach_set(name, np.full(len(curve.frames), value, np.int32))
    fcurve.update()


def replace(points: Any, keys: Keys) -> None:
    """Put other keys in the place of all that a curve has; `update` is left to do."""
    points.clear()
    points.add(len(keys))
    # a key added is 0 in all, and Blender finds its handles where nobody has put them
    found = () if keys.has_handles_by_hand else ("handle_left", "handle_right")
    for name, numbers in keys.numbers.items():
        if name not in found and numbers.any():
            points.foreach_set(name, numbers.ravel())


def label(data_path: str, index: int) -> str:
    """What a curve is called in OWNED."""
    return f"{data_path}[{index}]"


def quoted(label: str) -> str:
    """The name between the quotes of a label or data path: of a shape key or bone; empty when it has none."""
    found = re.search(r'"((?:[^"\\]|\\.)*)"', label)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else ""


def _named(curve: Curve) -> str:
    """What a curve moves, in a user's words."""
    return f"The {'shape key' if curve.owner == 'shapes' else 'bone'} '{quoted(curve.data_path)}'"
