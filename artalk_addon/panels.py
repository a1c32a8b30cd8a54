# SPDX-License-Identifier: GPL-3.0-or-later
"""The side panel 'ARTalk', the same in the sequencer and in the 3D view."""

import textwrap
from typing import Any

import bpy

from ..core import models
from ..core.errors import InputError
from . import checks, compat, layers, operators, strips
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
    layout.operator("artalk.reduce", icon="IPO_BEZIER")
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
    layout.operator("artalk.import_free_head", icon="IMPORT")
    layout.operator("artalk.import_flame", icon="IMPORT")


def _draw_choices(layout: bpy.types.UILayout, chosen: Any) -> None:
    column = layout.column()
    column.prop(chosen, "model")
    if models.entry(chosen.model).weights is None:
        column.prop(chosen, "weights")


def draw_layers(layout: bpy.types.UILayout, item: bpy.types.Object) -> None:
    """The sliders of a character; the curves follow them."""
    mine: Any = layers.sliders(item)
    layout.use_property_split = True
    layout.operator_menu_enum("artalk.preset", "name", icon="PRESET")
    layout.prop(mine, "seed")
    amounts = layout.column(align=True)
    for name in ("jaw", "lips", "brows", "head", "eyes", "blinks"):
        amounts.prop(mine, name)
    others = layout.column(align=True)
    for name in ("gaze", "breath", "hold_in_silence", "smoothing"):
        others.prop(mine, name)
    later = layout.column(align=True, heading="Later by")
    for name in ("mouth_offset", "brows_offset", "head_offset"):
        later.prop(mine, name)
    rest = layout.column(align=True)
    for name in ("rest", "fade_in", "fade_out"):
        rest.prop(mine, name)
    if layers.is_animated(item):
        layout.operator("artalk.follow_sliders", icon="FCURVE")


def draw_edits(layout: bpy.types.UILayout) -> None:
    """What to do with lines that were changed by hand."""
    column = layout.column(align=True)
    column.operator("artalk.regenerate", icon="FILE_REFRESH")
    column.operator("artalk.show_edits", icon="RESTRICT_SELECT_OFF")
    row = column.row(align=True)
    row.operator("artalk.drop_edits", text="Drop My Edits Here").where = "HERE"
    row.operator("artalk.drop_edits", text="All").where = "ALL"


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


class _Part(bpy.types.Panel):
    """A part of the panel that shows when there is a character."""

    bl_category = "ARTalk"
    bl_region_type = "UI"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is a character."""
        return _character(context) is not None


class _Layers(_Part):
    """The layers."""

    bl_label = "Layers"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the sliders."""
        item = _character(context)
        if self.layout is not None and item is not None:
            draw_layers(self.layout, item)


class _Edits(_Part):
    """Hand edits."""

    bl_label = "My Edits"

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the buttons."""
        assert self.layout is not None
        draw_edits(self.layout)


class ARTALK_PT_sequencer_layers(_Layers):
    """In the sequencer."""

    bl_space_type = "SEQUENCE_EDITOR"
    bl_parent_id = "ARTALK_PT_sequencer"


class ARTALK_PT_view_layers(_Layers):
    """In the 3D view."""

    bl_space_type = "VIEW_3D"
    bl_parent_id = "ARTALK_PT_view"


class ARTALK_PT_sequencer_edits(_Edits):
    """In the sequencer."""

    bl_space_type = "SEQUENCE_EDITOR"
    bl_parent_id = "ARTALK_PT_sequencer"


class ARTALK_PT_view_edits(_Edits):
    """In the 3D view."""

    bl_space_type = "VIEW_3D"
    bl_parent_id = "ARTALK_PT_view"


def _character(context: bpy.types.Context) -> bpy.types.Object | None:
    try:
        return operators.character_of(context, compat.sequencer_scene(context))
    except InputError:
        return None


_CLASSES = (
    ARTALK_PT_sequencer,
    ARTALK_PT_view,
    ARTALK_PT_sequencer_layers,
    ARTALK_PT_view_layers,
    ARTALK_PT_sequencer_edits,
    ARTALK_PT_view_edits,
)


def register() -> None:
    """Show the panels."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take them away."""
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
