# SPDX-License-Identifier: GPL-3.0-or-later
"""The side panel 'ARTalk', the same in the sequencer and in the 3D view: character, strips, Generate, then layers."""

from collections.abc import Sequence
from typing import Any

import bpy

from ..core import models
from ..core.basis import FLAME_FAMILY
from ..core.errors import InputError
from . import compat, flame_rig, layers, preflight, seen, strips, style_operators, weights_operators
from .jobs import ENDED
from .panel_bases import RowList, TabPanel
from .properties import settings, state
from .sentences import draw_sentence
from .translations import told

_TALL = 1.4  # of the main button, in rows
_ROWS = 6  # of the queue, before it scrolls
_ICONS: dict[str, Any] = {
    "waiting": "TIME",
    "running": "PLAY",
    "cancelling": "X",
    "cancelled": "X",
    "done": "CHECKMARK",
    "failed": "ERROR",
}


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The main part of the panel: from character and strips to the button, the queue and the outcome."""
    scene = compat.sequencer_scene(context)
    chosen, shown, found = settings(scene), state(context), seen.character(context)
    layout.use_property_split = True
    layout.use_property_decorate = False
    _draw_character(layout, context, chosen, found)
    count = _draw_strips(layout, context, scene)
    _draw_model(layout, context, chosen, found.item)
    button = layout.column()
    button.scale_y = _TALL
    text = told(f"Generate {count} Lines" if count > 1 else "Generate")
    button.operator("artalk.generate", text=text, icon="PLAY")
    _draw_queue(layout, context, shown)
    if shown.message:
        draw_sentence(layout, context, shown.message, "ERROR" if shown.failed else "CHECKMARK")
    obstacles = [] if shown.running else found.obstacles
    if shown.cause:
        text = next((each.button for each in obstacles if each.cause == shown.cause), "Fix")
        layout.operator("artalk.mend", text=text, icon="MODIFIER").cause = shown.cause
    _draw_obstacles(layout, context, [each for each in obstacles if each.cause != shown.cause])


def _draw_queue(layout: bpy.types.UILayout, context: bpy.types.Context, shown: Any) -> None:
    """How far all of it is, and each line of several, with the sentence of the one that is chosen."""
    if shown.running:
        row = layout.row(align=True)
        row.scale_y = _TALL
        row.progress(factor=shown.fraction, text=told(shown.progress_text))
        row.operator("artalk.cancel", text="", icon="CANCEL").number = 0
    if len(shown.rows) < 2:
        return
    rows = min(len(shown.rows), _ROWS)
    layout.template_list("ARTALK_UL_queue", "", shown, "rows", shown, "row", rows=rows, maxrows=_ROWS)
    current = shown.rows[min(shown.row, len(shown.rows) - 1)]
    if current.sentence:
        draw_sentence(layout, context, current.sentence, _ICONS[current.state])
    if any(row.state in ENDED for row in shown.rows):
        layout.operator("artalk.clear_queue", icon="X")


def _draw_obstacles(
    layout: bpy.types.UILayout, context: bpy.types.Context, obstacles: Sequence[preflight.Obstacle]
) -> None:
    """What would keep the speech from showing, each with its fix."""
    for obstacle in obstacles:
        box = layout.box()
        draw_sentence(box, context, obstacle.sentence, "ERROR")
        if obstacle.button:
            box.operator("artalk.mend", text=obstacle.button, icon="MODIFIER").cause = obstacle.cause


def _draw_character(layout: bpy.types.UILayout, context: bpy.types.Context, chosen: Any, found: seen.Seen) -> None:
    """Who speaks; where nobody can, how to get a head."""
    row = layout.row(align=True)
    row.prop(chosen, "character", icon="OUTLINER_OB_MESH")
    if found.item is None:
        draw_sentence(layout, context, found.why, "INFO")
        layout.operator("artalk.new_head", icon="ADD")
        layout.menu("ARTALK_MT_heads", text="Import a Head", icon="IMPORT")
        return
    row.menu("ARTALK_MT_heads", text="", icon="ADD")
    if chosen.character is None:
        _draw_beside(layout, "", found.item.name, "OUTLINER_OB_MESH")


def _draw_strips(layout: bpy.types.UILayout, context: bpy.types.Context, scene: bpy.types.Scene) -> int:
    """What will be spoken, or what to do so that something is; returns how many strips that is."""
    try:
        chosen = strips.selected_sound_strips(scene)
    except InputError:
        none = not strips.sound_strips(compat.all_strips(scene))
        todo = "Add a sound strip with speech" if none else "Select one or more sound strips"
        draw_sentence(layout, context, f"{todo} in the Video Sequencer.", "INFO")
        return 0
    more = f" and {len(chosen) - 1} more" if len(chosen) > 1 else ""
    _draw_beside(layout, "Strips" if more else "Strip", chosen[0].name + more, "SOUND")
    return len(chosen)


def _draw_model(layout: bpy.types.UILayout, context: bpy.types.Context, chosen: Any, item: Any) -> None:
    """The model, its weights where it has none of its own, and whether it suits the character."""
    layout.prop(chosen, "model")
    entry = models.entry(chosen.model)
    if entry.weights is None:
        weights_operators.draw(layout, context, chosen)
    if entry.basis in FLAME_FAMILY:
        layout.prop(chosen, "flame")
        if item is not None and not chosen.flame and not flame_rig.is_flame(item):
            todo = "This model moves FLAME heads: choose your FLAME file, to fit its motion to this one."
            draw_sentence(layout, context, todo, "ERROR")


def _draw_beside(layout: bpy.types.UILayout, title: str, text: str, icon: Any) -> None:
    """A text in the column of the values, with its title in that of the names."""
    split = layout.split(factor=0.4)
    left = split.row()
    left.alignment = "RIGHT"
    left.label(text=title)
    split.label(text=told(text), icon=icon)


def draw_layers(layout: bpy.types.UILayout, item: bpy.types.Object) -> None:
    """The sliders of a character; the curves follow them."""
    chosen = settings(compat.sequencer_scene(bpy.context))
    if flame_rig.is_flame(item) and models.entry(chosen.model).basis in FLAME_FAMILY:
        layout.label(text="FLAME motion has no layers", icon="INFO")
        return
    mine: Any = layers.sliders(item)
    layout.use_property_split = True
    layout.operator_menu_enum("artalk.preset", "name", icon="PRESET")
    layout.prop(mine, "seed")
    _draw_props(layout, mine, "jaw", "lips", "brows", "head", "eyes", "blinks")
    header, others = layout.panel("artalk_more_layers", default_closed=True)
    header.label(text="More Layers")
    if others:
        _draw_props(others, mine, "gaze", "breath", "hold_in_silence", "smoothing")
    header, timing = layout.panel("artalk_timing", default_closed=True)
    header.label(text="Timing")
    if timing:
        _draw_props(timing, mine, "mouth_offset", "brows_offset", "head_offset")
    header, gaps = layout.panel("artalk_between_lines", default_closed=True)
    header.label(text="Between Lines")
    if gaps:
        _draw_props(gaps, mine, "idle", "idle_ends", "rest", "fade_in", "fade_out")
    if layers.is_animated(item):
        layout.operator("artalk.follow_sliders", icon="FCURVE")


def _draw_props(layout: bpy.types.UILayout, owner: Any, *names: str) -> None:
    column = layout.column(align=True)
    for name in names:
        column.prop(owner, name)


def draw_edits(layout: bpy.types.UILayout) -> None:
    """What to do with lines that were changed by hand."""
    column = layout.column(align=True)
    column.operator("artalk.regenerate", icon="FILE_REFRESH")
    column.operator("artalk.show_edits", icon="RESTRICT_SELECT_OFF")
    row = column.row(align=True)
    row.operator("artalk.drop_edits", text="Drop My Edits Here").where = "HERE"
    every = row.row(align=True)
    every.ui_units_x = 3
    every.operator("artalk.drop_edits", text="All").where = "ALL"


def draw_tools(layout: bpy.types.UILayout) -> None:
    """What is done now and then with finished lines."""
    column = layout.column(align=True)
    column.operator("artalk.check_movement", icon="QUESTION")
    column.operator("artalk.reduce", icon="IPO_BEZIER")
    column.operator("artalk.loosen", icon="KEYFRAME")
    column.operator_context = "INVOKE_DEFAULT"
    column.operator("artalk.export", text="Export Character…", icon="EXPORT")
    column.operator("artalk.copy_report", icon="COPYDOWN")


class _Speech(TabPanel):
    """The panel itself."""

    bl_label = "Speech"

    def _draw(self, layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
        draw(layout, context)


class ARTALK_PT_sequencer(_Speech):
    """In the sequencer."""

    bl_space_type = "SEQUENCE_EDITOR"


class ARTALK_PT_view(_Speech):
    """In the 3D view."""

    bl_space_type = "VIEW_3D"


class _Part(TabPanel):
    """A part of the panel that shows when there is a character."""

    bl_order = 1  # after the panel Dialogue, which comes from elsewhere

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is a character."""
        return seen.character(context).item is not None


class _Layers(_Part):
    """The layers."""

    bl_label = "Layers"

    def _draw(self, layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
        draw_layers(layout, seen.character(context).item)


class _Edits(_Part):
    """Hand edits."""

    bl_label = "My Edits"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There are lines that could have been edited."""
        return seen.character(context).has_lines

    def _draw(self, layout: bpy.types.UILayout, _context: bpy.types.Context) -> None:
        draw_edits(layout)


class _Tools(_Part):
    """Rarely used."""

    bl_label = "Tools"
    bl_options = {"DEFAULT_CLOSED"}

    def _draw(self, layout: bpy.types.UILayout, _context: bpy.types.Context) -> None:
        draw_tools(layout)


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


class ARTALK_PT_sequencer_tools(_Tools):
    """In the sequencer."""

    bl_space_type = "SEQUENCE_EDITOR"
    bl_parent_id = "ARTALK_PT_sequencer"


class ARTALK_PT_view_tools(_Tools):
    """In the 3D view."""

    bl_space_type = "VIEW_3D"
    bl_parent_id = "ARTALK_PT_view"


class ARTALK_MT_heads(bpy.types.Menu):
    """Ways to get a head"""

    bl_label = "Add a Head"

    def draw(self, _context: bpy.types.Context | None) -> None:
        """One entry for each kind."""
        assert self.layout is not None
        self.layout.operator("artalk.new_head", icon="ADD")
        self.layout.operator("artalk.import_free_head", icon="IMPORT")
        self.layout.operator("artalk.import_flame", icon="IMPORT")


class ARTALK_UL_queue(RowList):
    """The lines that are generated, one a row."""

    def _draw_row(self, layout: bpy.types.UILayout, item: Any) -> None:
        split = layout.split(factor=0.55)
        split.label(text=item.name, icon=_ICONS[item.state])
        part = split.row(align=True)
        if item.state == "running":
            part.progress(factor=item.fraction, text=told(item.text))
        else:
            part.label(text=told(item.text))
        if item.state in {"waiting", "running"}:
            part.operator("artalk.cancel", text="", icon="X", emboss=False).number = item.number


_CLASSES = (
    ARTALK_UL_queue,
    ARTALK_MT_heads,
    ARTALK_PT_sequencer,
    ARTALK_PT_view,
    style_operators.ARTALK_PT_sequencer_style,
    style_operators.ARTALK_PT_view_style,
    ARTALK_PT_sequencer_layers,
    ARTALK_PT_view_layers,
    ARTALK_PT_sequencer_edits,
    ARTALK_PT_view_edits,
    ARTALK_PT_sequencer_tools,
    ARTALK_PT_view_tools,
)


register, unregister = bpy.utils.register_classes_factory(_CLASSES)
