# SPDX-License-Identifier: GPL-3.0-or-later
"""The sliders of a character's layers: live, kept with the object, and some of them may have keys of their own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import bpy
import numpy as np
from bpy.props import BoolProperty, FloatProperty, IntProperty, PointerProperty
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.generate import ANIMATED, Options, OverTime
from ..core.polish.presets import PRESETS
from . import compat, keyframes
from .line import Rests

_BUDGET = 0.1
"""Seconds that a slider may hold the window; lines beyond it follow when the hand rests."""
_RESTED = 0.3

_following = True
_waiting: set[int] = set()
_loose: set[int] = set()

# what each slider is called, what it does, and where it ends softly
_AMOUNTS = {
    "jaw": ("Jaw", "How far the jaw opens; lips that meet still do", 2.0),
    "lips": ("Lips", "How much the lips move; lips that meet still do", 2.0),
    "brows": ("Brows", "How much the brows move", 2.0),
    "head": ("Head", "How much the head moves", 2.0),
    "eyes": ("Eyes", "How far the eyes turn and the lids widen", 2.0),
    "blinks": ("Blinks", "How far the lids close in a blink; 0 for no blinks", 1.0),
    "gaze": ("Gaze", "How much the eyes look about and hold against the head", 1.0),
    "breath": ("Breath", "How far the lips part before phrases", 1.0),
    "hold_in_silence": ("Pauses", "How much the mouth rests in pauses", 1.0),
    "smoothing": ("Smoothing", "Makes the model's motion softer; lips that meet stay sharp", 1.0),
}
_OFFSETS = {
    "mouth_offset": ("Mouth Delay", "Later than the voice by so many seconds; below 0 earlier"),
    "brows_offset": ("Brows Delay", "Later than the voice by so many seconds; below 0 earlier"),
    "head_offset": ("Head Delay", "Later than the voice by so many seconds; below 0 earlier"),
}
_RESTS = {
    "rest": ("Rest", "How far the face goes back to rest between lines; 0 holds the last pose"),
    "idle": ("Idle", "How much the face blinks, looks about and sways between lines; 0 for none"),
}
# the last is how many seconds it takes unless told otherwise
_FADES = {
    "fade_in": ("From Rest", "Seconds before a line in which the face comes from rest", 0.25),
    "fade_out": ("To Rest", "Seconds after a line in which the face goes back to rest", 0.4),
}
NAMES = ("seed", *_AMOUNTS, *_OFFSETS)
"""The sliders that are fields of `Options`."""


def _moved(sliders: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    """A slider was moved: the curves follow."""
    if not _following:
        return
    item: Any = sliders.id_data
    with _told(context):
        if bpy.app.background:
            _follow(item, None)
        else:
            _follow_quickly(context, item)


@contextmanager
def _told(context: bpy.types.Context) -> Iterator[None]:
    """Bad input becomes a sentence in the panel: nobody stands above a slider or a timer."""
    try:
        yield
    except InputError as error:
        state: Any = context.window_manager
        state.artalk.message, state.artalk.failed = str(error), True


def _amount(name: str) -> Any:
    title, description, end = _AMOUNTS[name]
    return FloatProperty(
        name=title,
        description=description,
        min=0.0,
        soft_max=end,
        max=4.0 if end > 1 else 1.0,
        default=float(getattr(Options, name)),
        options={"ANIMATABLE"} if name in ANIMATED else set(),
        update=_moved,
    )


def _offset(name: str) -> Any:
    title, description = _OFFSETS[name]
    return FloatProperty(
        name=title,
        description=description,
        soft_min=-0.3,
        soft_max=0.3,
        min=-2.0,
        max=2.0,
        step=1,
        precision=3,
        options=set(),
        update=_moved,
    )


def _rest(name: str) -> Any:
    title, description = _RESTS[name]
    return FloatProperty(
        name=title, description=description, min=0.0, max=1.0, default=1.0, options=set(), update=_moved
    )


def _fade(name: str) -> Any:
    title, description, seconds = _FADES[name]
    return FloatProperty(
        name=title,
        description=description,
        min=0.0,
        soft_max=1.0,
        max=5.0,
        default=seconds,
        options=set(),
        update=_moved,
    )


class CharacterLayers(bpy.types.PropertyGroup):
    """How a character speaks: its layers, for all of its lines."""

    seed: IntProperty(
        name="Take",
        description="Another number gives other blinks, glances and nods",
        min=0,
        options=set(),
        update=_moved,
    )
    jaw: _amount("jaw")
    lips: _amount("lips")
    brows: _amount("brows")
    head: _amount("head")
    eyes: _amount("eyes")
    blinks: _amount("blinks")
    gaze: _amount("gaze")
    breath: _amount("breath")
    hold_in_silence: _amount("hold_in_silence")
    smoothing: _amount("smoothing")
    mouth_offset: _offset("mouth_offset")
    brows_offset: _offset("brows_offset")
    head_offset: _offset("head_offset")
    rest: _rest("rest")
    idle: _rest("idle")
    idle_ends: BoolProperty(
        name="Idle at the Ends",
        description="Blink and sway before the first line and after the last as well, over the frames of the scene",
        default=False,
        options=set(),
        update=_moved,
    )
    fade_in: _fade("fade_in")
    fade_out: _fade("fade_out")


def sliders(item: bpy.types.Object) -> Any:
    """A character's sliders; None where artalk runs as a plain Python package, which has none."""
    return getattr(item, "artalk", None)


def options(base: Options, item: bpy.types.Object) -> Options:
    """Options with the layers that a character's sliders say."""
    mine = sliders(item)
    return replace(base, **{name: getattr(mine, name) for name in NAMES}) if mine else base


def chosen(asked: Options, item: bpy.types.Object) -> Options:
    """Options with the layers of the sliders, save what was asked for: whatever is not as it is by default."""
    default = Options()
    special = {name: getattr(asked, name) for name in NAMES if getattr(asked, name) != getattr(default, name)}
    return replace(options(asked, item), **special)


def show(item: bpy.types.Object, used: Options) -> None:
    """Set the sliders to what was used."""
    mine = sliders(item)
    if mine is None:
        return
    with _still():
        for name in NAMES:
            setattr(mine, name, getattr(used, name))


def rests(item: bpy.types.Object) -> Rests:
    """What a character does between its lines."""
    mine = sliders(item)
    if mine is None:
        return Rests(0.25, 0.4)
    return Rests(mine.fade_in, mine.fade_out, mine.rest, mine.idle, mine.idle_ends)


def is_animated(item: bpy.types.Object) -> bool:
    """Whether any slider has keys of its own."""
    return bool(_keyed(item))


def keys_of(item: bpy.types.Object) -> dict[str, bytes]:
    """What tells whether the keys of sliders are as they were: by slider, places of the keys."""
    return {name: keyframes.places(curve).tobytes() for name, curve in _keyed(item).items()}


@dataclass(frozen=True)
class Amounts:
    """Sliders that have keys, as plain data: by name their values (n,) at the whole frames from `first` on."""

    first: int
    values: Mapping[str, NDArray[np.float64]]

    def over_time(self, start: float, fps: float) -> OverTime:
        """The same as functions of the seconds since frame `start`, straight from frame to frame."""

        def along(values: NDArray[np.float64], seconds: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.interp(start - self.first + seconds * fps, np.arange(len(values)), values)

        return {name: partial(along, values) for name, values in self.values.items()}


def amounts(item: bpy.types.Object, first: int, last: int) -> Amounts:
    """The sliders of a character that have keys, from one frame to another."""
    frames = range(first, last + 1)
    found = {name: [curve.evaluate(frame) for frame in frames] for name, curve in _keyed(item).items()}
    return Amounts(first, {name: np.maximum(values, 0.0) for name, values in found.items()})


def apply_preset(item: bpy.types.Object, name: str) -> None:
    """Set the amounts of a character to a preset's, all at once; take and times stay as they are."""
    mine: Any = sliders(item)
    default = Options()
    with _still():
        for amount in _AMOUNTS:
            setattr(mine, amount, PRESETS[name].get(amount, getattr(default, amount)))
    _follow(item, None)


def keep_reduced(item: bpy.types.Object) -> None:
    """Lines that were reduced have been written with one key a frame: reduce them again, when the hand rests."""
    if bpy.app.background:
        _reduce_again(item, None)
        return
    _loose.add(item.session_uid)
    if bpy.app.timers.is_registered(_tighten):
        bpy.app.timers.unregister(_tighten)
    bpy.app.timers.register(_tighten, first_interval=_RESTED)


def register() -> None:
    """Add the sliders to objects."""
    bpy.utils.register_class(CharacterLayers)
    cast(Any, bpy.types.Object).artalk = PointerProperty(type=CharacterLayers)
    persistent: Any = bpy.app.handlers.persistent  # which marks the function: else it goes when a file is opened
    persistent(_after_undo)
    bpy.app.handlers.undo_post.append(_after_undo)
    bpy.app.handlers.redo_post.append(_after_undo)


def unregister() -> None:
    """Take them away, and stop what still waits to follow them."""
    bpy.app.handlers.redo_post.remove(_after_undo)
    bpy.app.handlers.undo_post.remove(_after_undo)
    for timer in (_catch_up, _tighten):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    _waiting.clear()
    _loose.clear()
    del cast(Any, bpy.types.Object).artalk
    bpy.utils.unregister_class(CharacterLayers)


# --- following a slider ---------------------------------------------------------------------------------------------


@contextmanager
def _still() -> Iterator[None]:
    """Sliders are set without the curves following each of them."""
    global _following  # noqa: PLW0603 - Blender calls `_moved` with nothing that could tell
    before, _following = _following, False
    try:
        yield
    finally:
        _following = before


def _follow(item: bpy.types.Object, only: list[str] | None) -> int:
    from . import generation  # which needs this module

    return generation.follow(item, only)


def _follow_quickly(context: bpy.types.Context, item: bpy.types.Object) -> None:
    """The lines nearest to the current frame follow at once, as many as there is time for; the others a bit later."""
    from . import generation

    begun = time.monotonic()
    frame = compat.scene(context).frame_current
    for line in generation.nearest_lines(item, frame):
        if time.monotonic() - begun > _BUDGET:
            _waiting.add(item.session_uid)
            if bpy.app.timers.is_registered(_catch_up):
                bpy.app.timers.unregister(_catch_up)
            bpy.app.timers.register(_catch_up, first_interval=_RESTED)
            return
        _follow(item, [line])


def _catch_up() -> None:
    """Bring the lines that wait in step with the sliders; a step of its own for undo."""
    waiting = [item for item in bpy.data.objects if item.session_uid in _waiting]
    _waiting.clear()
    with _told(bpy.context):
        if sum(_follow(item, None) for item in waiting):
            bpy.ops.ed.undo_push(message="ARTalk Layers")


def _tighten() -> float | None:
    """Reduce one line after another, so that Blender breathes between them; a step of its own for undo at the end."""
    loose = [item for item in bpy.data.objects if item.session_uid in _loose]
    _loose.clear()
    with _told(bpy.context):
        for item in loose:
            if _reduce_again(item, 1):
                _loose.add(item.session_uid)
        if _loose:
            return 0.05
        bpy.ops.ed.undo_push(message="ARTalk Reduce Keys")
    return None


def _reduce_again(item: bpy.types.Object, most: int | None) -> bool:
    from . import reduce  # which needs this module

    return reduce.again(item, most)


def _after_undo(*_: object) -> None:
    """An undo that lies between a slider and the lines that followed it later leaves these behind: they follow now."""
    if bpy.app.background:
        return
    from . import generation

    _waiting.update(item.session_uid for item in bpy.data.objects if generation.is_behind(item))
    if _waiting and not bpy.app.timers.is_registered(_catch_up):
        bpy.app.timers.register(_catch_up, first_interval=0.0)


def _keyed(item: bpy.types.Object) -> dict[str, compat.FCurve]:
    if sliders(item) is None:
        return {}
    paths = {f"artalk.{name}": name for name in ANIMATED}
    curves = compat.fcurves_of(item)
    return {paths[c.data_path]: c for c in curves if c.data_path in paths and len(c.keyframe_points) and not c.mute}
