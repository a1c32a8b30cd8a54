# SPDX-License-Identifier: GPL-3.0-or-later
"""The side panel 'ARTalk', the same in the sequencer and in the 3D view."""

import textwrap
from typing import Any

import bpy

from ..core import models
from ..core.errors import InputError
from . import checks, compat, operators, strips
from .properties import settings, state

_MARGIN, _LETTER = 75, 6.2  # pixels of a panel beside a label, and of a letter, at a scale of 1


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The whole panel: from character and strips to the button and the outcome."""
    scene = compat.sequencer_scene(context)
    chosen, shown = settings(scene), state(context)
    layout.use_property_split = True
    layout.use_property_decorate = False
    _draw_character(layout, context, scene)
    _draw_choices(layout, chosen)
    if shown.running:
        row = layout.row(align=True)
        row.progress(factor=shown.fraction, text=shown.progress_text)
        row.operator("artalk.cancel", text="", icon="CANCEL")
    else:
        count = sum(strip.select for strip in strips.sound_strips(compat.strips_in_view(scene)))
        button = layout.column()
        button.scale_y = 1.4
        button.operator("artalk.generate", text=_button_text(count), icon="PLAY_SOUND")
    if shown.message:
        _draw_sentence(layout, context, shown.message, "ERROR" if shown.failed else "CHECKMARK")
    if shown.cause:
        layout.operator("artalk.mend", icon="MODIFIER").cause = shown.cause
    if not shown.running:
        _draw_obstacles(layout, context, shown.cause)


def _draw_obstacles(layout: bpy.types.UILayout, context: bpy.types.Context, named: str) -> None:
    """What would keep the speech from showing, each with its fix; the one that the message names is left out."""
    for obstacle in checks.listed(context):
        if obstacle.cause == named:
            continue
        box = layout.box()
        _draw_sentence(box, context, obstacle.sentence, "ERROR")
        if obstacle.mend is not None:
            box.operator("artalk.mend", text=obstacle.button, icon="MODIFIER").cause = obstacle.cause
    layout.operator("artalk.check_movement", icon="QUESTION")


def _draw_character(layout: bpy.types.UILayout, context: bpy.types.Context, scene: bpy.types.Scene) -> None:
    chosen = settings(scene)
    layout.prop(chosen, "character", icon="OUTLINER_OB_MESH")
    if chosen.character is None:
        try:
            layout.label(text=f"Speaks: {operators.character_of(context, scene).name}", icon="USER")
        except InputError as error:
            _draw_sentence(layout, context, str(error), "INFO")
    layout.operator("artalk.new_head", icon="ADD")


def _draw_choices(layout: bpy.types.UILayout, chosen: Any) -> None:
    column = layout.column()
    column.prop(chosen, "model")
    if models.entry(chosen.model).weights is None:
        column.prop(chosen, "weights")
    column.prop(chosen, "seed")
    column.prop(chosen, "head")
    column.prop(chosen, "brows")
    toggles = column.column(heading="Add")
    toggles.prop(chosen, "blinks")
    toggles.prop(chosen, "gaze")
    toggles.prop(chosen, "breath")


def _button_text(selected: int) -> str:
    return f"Generate {selected} Lines" if selected > 1 else "Generate"


def _draw_sentence(layout: bpy.types.UILayout, context: bpy.types.Context, sentence: str, icon: Any) -> None:
    """A sentence over as many lines as it needs: Blender's labels do not wrap."""
    letters = int((context.region.width / context.preferences.system.ui_scale - _MARGIN) / _LETTER)
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(textwrap.wrap(sentence, max(20, letters))):
        column.label(text=line, icon=icon if number == 0 else "BLANK1")


class ARTALK_PT_sequencer(bpy.types.Panel):
    """In the sequencer."""

    bl_label = "Speech"
    bl_category = "ARTalk"
    bl_region_type = "UI"
    bl_space_type = "SEQUENCE_EDITOR"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it all."""
        assert self.layout is not None
        draw(self.layout, context)


class ARTALK_PT_view(bpy.types.Panel):
    """In the 3D view."""

    bl_label = "Speech"
    bl_category = "ARTalk"
    bl_region_type = "UI"
    bl_space_type = "VIEW_3D"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it all."""
        assert self.layout is not None
        draw(self.layout, context)


_CLASSES = (ARTALK_PT_sequencer, ARTALK_PT_view)


def register() -> None:
    """Show the panels."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take them away."""
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
