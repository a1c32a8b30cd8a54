# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters that show one mesh (Duplicate Linked) have one set of shape keys, and so one speech between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy

from . import compat, keyframes, lines, rigs
from .plan import escape


def sharing(item: bpy.types.Object) -> list[bpy.types.Object]:
    """The other objects of scenes that show the mesh of a character with its shape keys."""
    data: Any = item.data
    if data is None or data.users < 2 or getattr(data, "shape_keys", None) is None:
        return []
    return [other for other in bpy.data.objects if other.data == data and other != item and other.users_scene]


def overwritten(item: bpy.types.Object, others: Sequence[bpy.types.Object]) -> list[bpy.types.Object]:
    """Those of them whose speech would give way to that of a character, as they speak already or have a role too."""
    cast = {role.character for scene in item.users_scene for role in _roles(scene)}
    if item in cast and cast.intersection(others):
        return [other for other in others if other in cast]
    speaking = [other for other in others if _turns(other)]
    return [] if _turns(item) else speaking


def separate(item: bpy.types.Object, others: Sequence[bpy.types.Object]) -> None:
    """Give a character a mesh of its own; the speech that is there stays with the one it was made for.

    Whose it is, the head says that it turns. Where no head turns, or more than one does, both keep it.
    """
    speaking = [each for each in (item, *others) if _turns(each)]
    moved, kept = (list(others), [item]) if speaking == [item] else ([item], list(others))
    fresh: Any = moved[0].data
    fresh = fresh.copy()
    for each in moved:
        each.data = fresh
    if len(speaking) == 1:
        _silence(fresh.shape_keys)
    else:
        _copy_action(fresh.shape_keys)
    # who was copied with its speech turns its head by the same action as well
    others_turn = {compat.action_of(armature) for each in kept if (armature := rigs.armature_of(each))}
    for armature in {rigs.armature_of(each) for each in moved} - {rigs.armature_of(each) for each in kept} - {None}:
        if compat.action_of(armature) in others_turn:
            _copy_action(armature)


def _silence(keys: Any) -> None:
    """Take our speech off shape keys that were copied; what else moves them is copied."""
    own = keyframes.owned(keys)
    if all(keyframes.label(curve.data_path, curve.array_index) in own for curve in compat.fcurves_of(keys)):
        if keys.animation_data:
            keys.animation_data.action = None
    else:
        action: Any = _copy_action(keys)
        for curve in compat.fcurves_of(keys):
            if keyframes.label(curve.data_path, curve.array_index) in own:
                curve.keyframe_points.clear()
        for name in (keyframes.OWNED, lines.STORED):
            if name in action:
                del action[name]
    for key in keys.key_blocks[1:]:
        if keyframes.label(f'key_blocks["{escape(key.name)}"].value', 0) in own:
            key.value = 0.0


def _copy_action(datablock: Any) -> bpy.types.Action | None:
    """Have a datablock play a copy of its action, by the same slot of it."""
    action: Any = compat.action_of(datablock)
    if action is None:
        return None
    paths = {curve.data_path for curve in compat.fcurves_of(datablock)}
    copied: bpy.types.Action = action.copy()
    compat.assign_action(datablock, copied)
    compat.choose_slot(datablock, compat.slot_with(copied, paths))
    return copied


def _turns(item: bpy.types.Object) -> bool:
    """Whether the armature of a character has keys of ours."""
    armature = rigs.armature_of(item)
    return armature is not None and bool(keyframes.owned(armature))


def _roles(scene: bpy.types.Scene) -> Sequence[Any]:
    mine: Any = getattr(scene, "artalk", None)
    return mine.roles if mine else ()
