# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel shows and keeps: choices with the scene, the state of the job with the window manager."""

from typing import Any, cast

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ..core import models
from ..core.basis import BASES
from . import compat, rigs, strips

# no rig of ours takes vertices: models that give them are for the command line
_MODELS = [
    (entry.name, entry.title, f"Licence: {entry.licence}")
    for entry in models.MODELS.values()
    if entry.basis.name in BASES
]


def _may_speak(_settings: bpy.types.PropertyGroup, item: bpy.types.Object) -> bool:
    return rigs.is_character(item)


class Role(bpy.types.PropertyGroup):
    """Which strips a character speaks: those whose name, or whose channel's name, fits a pattern."""

    by: EnumProperty(
        name="By",
        items=(
            ("NAME", "Name", "Strips whose name fits: * stands for anything, as in ANNA_*", "SORTALPHA", 0),
            ("CHANNEL", "Channel", "Strips on channels whose name fits", "ALIGN_JUSTIFY", 1),
            ("STRIP", "Strip", "One strip, by its whole name", "SOUND", 2),
        ),
        options=set(),
    )
    pattern: StringProperty(name="Pattern", description="Name, or a pattern with *, such as ANNA_*", options=set())
    character: PointerProperty(
        type=bpy.types.Object, name="Character", description="Mesh that speaks these strips", poll=_may_speak
    )


class SceneSettings(bpy.types.PropertyGroup):
    """The choices for the next generation; saved with the file."""

    character: PointerProperty(
        type=bpy.types.Object,
        name="Character",
        description="Mesh that speaks; empty: the active one, or the only one in the scene",
        poll=_may_speak,
    )
    roles: CollectionProperty(type=Role)
    role: IntProperty(options=set())
    model: EnumProperty(items=_MODELS, name="Model", description="Model that turns speech into motion")
    weights: StringProperty(
        name="Weights", description="Weights file of a model that does not come with artalk", subtype="FILE_PATH"
    )
    flame: StringProperty(
        name="FLAME File",
        description="The FLAME file that the model is meant for, to fit its motion to heads of other kinds",
        subtype="FILE_PATH",
    )


class JobRow(bpy.types.PropertyGroup):
    """One line of the queue, as the panel lists it."""

    number: IntProperty()
    state: StringProperty()
    fraction: FloatProperty(min=0.0, max=1.0)
    text: StringProperty()
    sentence: StringProperty()


def _choose_strip(shown: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    """A click on a row of the table selects its strip."""
    known: Any = shown
    strips.select(compat.sequencer_scene(context), known.table[known.table_row].name)


class TableRow(bpy.types.PropertyGroup):
    """How far one strip is, as the panel lists it; its name is the strip's."""

    character: StringProperty()
    state: StringProperty()
    why: StringProperty()
    message: StringProperty()


class JobState(bpy.types.PropertyGroup):
    """The queue and the last outcome; never saved, and no undo touches it."""

    rows: CollectionProperty(type=JobRow)
    row: IntProperty(options=set())
    table: CollectionProperty(type=TableRow)
    table_row: IntProperty(options=set(), update=_choose_strip)
    table_text: StringProperty()
    running: BoolProperty()
    fraction: FloatProperty(min=0.0, max=1.0)
    progress_text: StringProperty()
    message: StringProperty()
    failed: BoolProperty()
    cause: StringProperty()  # of a message, when a button can mend it: see preflight


def settings(scene: bpy.types.Scene) -> Any:
    """The settings of a scene."""
    return cast(Any, scene).artalk


def state(context: bpy.types.Context) -> Any:
    """The state of the job."""
    return cast(Any, context.window_manager).artalk


_CLASSES = (Role, SceneSettings, JobRow, TableRow, JobState)


def register() -> None:
    """Add the settings to scenes and the state to the window manager."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    cast(Any, bpy.types.Scene).artalk = PointerProperty(type=SceneSettings)
    cast(Any, bpy.types.WindowManager).artalk = PointerProperty(type=JobState)


def unregister() -> None:
    """Take both away."""
    del cast(Any, bpy.types.WindowManager).artalk
    del cast(Any, bpy.types.Scene).artalk
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
