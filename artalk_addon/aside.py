# SPDX-License-Identifier: GPL-3.0-or-later
"""Many keys, written a few at a time into copies of the actions, which take the places of these all at once.

Nothing plays a copy and no file keeps it, so nobody ever sees or saves half of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bpy

from . import compat, keyframes
from .keys import Keys
from .plan import Character, Curve, Owner

_AT_ONCE = 40_000
"""So many keys are written in one tick; more are written aside, a few curves a tick."""


@dataclass(frozen=True)
class _Copy:
    """Where the curves of one owner are written, by what outlives an undo.

    action: session identifier of the action that it is a copy of, 0 where there was none; copy: of itself
    slot:   handle of the owner's slot in it, 0 where actions have no slots
    """

    action: int
    copy: int
    slot: int


_copies: dict[Owner, _Copy] = {}
_changed: set[int] = set()
"""Actions that have been changed since the copies were made."""


def is_for(character: Character, curves: Sequence[Curve], edited: Mapping[str, Keys | None]) -> bool:
    """Whether there are so many keys that they are to be written aside, and actions of which copies will do.

    edited: as in `keyframes.write`
    """
    keys = (edited.get(keyframes.label(curve.data_path, curve.index)) for curve in curves)
    count = sum(len(curve.frames) if own is None else len(own) for curve, own in zip(curves, keys, strict=True))
    owners = keyframes.owners(character)
    return count >= _AT_ONCE and all(_can_be_copied(owners[owner]) for owner in {curve.owner for curve in curves})


def _can_be_copied(datablock: Any) -> bool:
    action = compat.action_of(datablock)
    return action is None or (action.asset_data is None and compat.slot_handle(datablock) is not None)


def write(character: Character, curves: Sequence[Curve], edited: Mapping[str, Keys | None]) -> Iterator[None]:
    """Write what `keyframes.write` would into copies of the actions, a curve a step; `exchange` has them played.

    Between two steps nothing of Blender is kept. `is_right` says afterwards whether it is all there.
    """
    drop()
    keyframes.check(character, curves)
    for owner in dict.fromkeys(curve.owner for curve in curves):
        _make_copy(character, owner, [curve for curve in curves if curve.owner == owner])
        yield
    for curve in curves:
        made = _copies.get(curve.owner)
        copy = _action(made.copy) if made else None
        if made is None or copy is None:
            return  # an undo has taken it away
        fcurve = compat.ensure_fcurve_in(copy, made.slot, curve.data_path, curve.index, curve.group)
        keyframes.put(fcurve, curve, edited)
        yield


def _make_copy(character: Character, owner: Owner, curves: Sequence[Curve]) -> None:
    datablock = keyframes.owners(character)[owner]
    action: Any = compat.action_of(datablock)
    shared = next((each for each in _copies.values() if action and each.action == action.session_uid), None)
    copy: Any = _action(shared.copy) if shared else action.copy() if action else None
    if copy is None:
        copy = bpy.data.actions.new(f"{character.name} artalk")
    slot = compat.slot_handle(datablock) if action else compat.new_slot(copy, datablock)
    mine = {keyframes.label(curve.data_path, curve.index) for curve in curves}
    copy[keyframes.OWNED] = json.dumps(sorted(mine.union(json.loads(copy.get(keyframes.OWNED, "[]")))))
    _copies[owner] = _Copy(_uid(action), copy.session_uid, slot or 0)


def is_right(character: Character) -> bool:
    """Whether the copies are there and nobody has changed the actions, or chosen others, since they were made."""
    owners = keyframes.owners(character)
    bpy.context.view_layer.update()  # which tells what was changed last
    return bool(_copies) and all(
        _action(made.copy) is not None
        and made.action == _uid(compat.action_of(owners[owner]))
        and made.action not in _changed
        for owner, made in _copies.items()
    )


def exchange(character: Character) -> None:
    """Put the copies in the places of the actions, wherever these are used, under their names."""
    for owner, datablock in keyframes.owners(character).items():
        made = _copies.pop(owner, None)
        copy: Any = _action(made.copy) if made else None
        if made is None or copy is None:
            continue
        action = _action(made.action)
        if made.action == 0:
            compat.assign_action(datablock, copy, made.slot)
        elif action is not None:  # else that of another owner, which plays the same one, has been exchanged
            name, copy.use_fake_user = action.name, action.use_fake_user
            action.user_remap(copy)
            bpy.data.actions.remove(action)
            copy.name = name
        datablock.update_tag()
    drop()


def drop() -> None:
    """Take away copies that are not needed after all."""
    for copy in {made.copy: _action(made.copy) for made in _copies.values()}.values():
        if copy is not None:
            bpy.data.actions.remove(copy)
    _copies.clear()
    _changed.clear()


def note_changes(_scene: object, depsgraph: bpy.types.Depsgraph) -> None:
    """Remember which actions have just been changed; to be called after each change."""
    if _copies:
        ids = (update.id for update in depsgraph.updates)
        _changed.update(each.original.session_uid for each in ids if isinstance(each, bpy.types.Action))


def _action(session_uid: int) -> bpy.types.Action | None:
    return next((action for action in bpy.data.actions if action.session_uid == session_uid), None)


def _uid(action: bpy.types.Action | None) -> int:
    return action.session_uid if action else 0
