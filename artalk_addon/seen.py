# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels show of the character: found once, and again when Blender has come to rest after a change.

Panels are drawn with every move of the mouse, and a look at a rig of 700 bones takes a fifth of a second.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import bpy

from ..core.errors import InputError
from . import compat, job_queue, key_extremes, lines, operators, preflight, rigs
from .key_extremes import Extremes
from .properties import settings

_REST = 0.4
"""Seconds without a change after which it is worth looking again."""
_SHARE = 0.02
"""Seconds in which keys are read at a stretch: those of twenty minutes take longer than a redraw may."""
_SHOWN = 3
"""Obstacles that the panel lists; the next ones show when these are mended."""


@dataclass(frozen=True)
class Seen:
    """A character as panels show it.

    item:      its mesh, for the length of one call; None when there is none
    why:       why there is none, a sentence
    obstacles: what is in its way; their fixes are found anew when a button is pressed
    has_lines: whether it has been given lines
    """

    item: Any = None
    why: str = ""
    obstacles: tuple[preflight.Obstacle, ...] = ()
    has_lines: bool = False


_kept: dict[tuple[int, ...], tuple[int, Seen]] = {}
_extremes: dict[int, Extremes] = {}
"""By session identifier of a character, as its keys were when Blender last came to rest."""
_reading: Iterator[None] | None = None
_changed = 0.0


def character(context: bpy.types.Context) -> Seen:
    """The panel's character and what is in its way."""
    scene = compat.sequencer_scene(context)
    chosen = settings(scene).character
    active = context.view_layer.objects.active if context.view_layer else None
    key = (scene.session_uid, *(each.session_uid if each else 0 for each in (chosen, active)), len(scene.objects))
    if key in _kept:
        uid, found = _kept[key]
        item = next((each for each in scene.objects if each.session_uid == uid), None)
        if item is not None or not uid:
            return replace(found, item=item)
    found = _look(context, scene)
    _kept[key] = found.item.session_uid if found.item else 0, replace(found, item=None)
    return found


def forget(*_: object) -> None:
    """Look again at the next redraw."""
    _kept.clear()


def _forget_all(*_: object) -> None:
    global _reading  # noqa: PLW0603
    _reading = None
    _extremes.clear()
    forget()


def _look(context: bpy.types.Context, scene: bpy.types.Scene) -> Seen:
    try:
        item = operators.character_of(context, scene)
        found = preflight.obstacles(item, _extremes.get(item.session_uid))[:_SHOWN]
    except InputError as error:
        return Seen(why=str(error))
    # a fix holds things of Blender's, which do not outlive the call
    return Seen(item, "", tuple(replace(each, mend=None) for each in found), _has_lines(item))


def _has_lines(item: Any) -> bool:
    for datablock in (getattr(item.data, "shape_keys", None), rigs.armature_of(item)):
        action: Any = compat.action_of(datablock) if datablock else None
        if action is not None and action.get(lines.STORED):
            return True
    return False


def _after_change(*_: object) -> None:
    global _changed  # noqa: PLW0603 - a handler has no other place
    _changed = time.monotonic()
    if bpy.app.background:
        forget()
    elif _kept and not bpy.app.timers.is_registered(_at_rest):
        bpy.app.timers.register(_at_rest, first_interval=_REST)


def _at_rest() -> float | None:
    global _reading  # noqa: PLW0603
    if time.monotonic() - _changed < _REST:
        _reading = None
        return _REST
    _reading = _reading or _read_on()
    until = time.monotonic() + _SHARE
    for _ in _reading:
        if time.monotonic() > until:
            return _SHARE
    _reading = None
    forget()
    job_queue.redraw()
    return None


def _read_on() -> Iterator[None]:
    """Read the keys of the characters that are shown, a curve a step."""
    for character in {uid for uid, _ in _kept.values() if uid}:
        found: Extremes = {}
        with suppress(InputError):  # it is no character any more
            for found in key_extremes.by_steps(character):  # noqa: B007 - the last has them all
                yield
        _extremes[character] = found


_HANDLERS = (
    ("depsgraph_update_post", _after_change),
    ("undo_post", forget),
    ("redo_post", forget),
    ("load_post", _forget_all),
)


def register() -> None:
    """Watch for changes, and for the end of the queue."""
    job_queue.at_end.append(forget)
    persistent: Any = bpy.app.handlers.persistent  # which marks the function: else it goes when a file is opened
    for name, function in _HANDLERS:
        getattr(bpy.app.handlers, name).append(persistent(function))


def unregister() -> None:
    """Watch no more."""
    job_queue.at_end.remove(forget)
    for name, function in reversed(_HANDLERS):
        getattr(bpy.app.handlers, name).remove(function)
    if bpy.app.timers.is_registered(_at_rest):
        bpy.app.timers.unregister(_at_rest)
    _forget_all()
