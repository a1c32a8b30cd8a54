# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel 'Dialogue': who speaks what, how far each strip is, and one button for the whole scene."""

from __future__ import annotations

from functools import partial
from typing import Any

import bpy
from bpy.props import EnumProperty

from ..core.errors import InputError
from . import compat, dialogue, job_queue, operators, strips
from .jobs import Job
from .panel_bases import Result, RowList, TabPanel
from .properties import settings, state
from .sentences import draw_sentence
from .translations import told

_ROWS = 8  # of the table, before it scrolls
_ICONS: dict[str, Any] = {
    "up to date": "CHECKMARK",
    "changed": "FILE_REFRESH",
    "missing": "RADIOBUT_OFF",
    "baked": "ACTION",
    "no character": "QUESTION",
    "unreadable": "ERROR",
    "strip is gone": "GHOST_DISABLED",
}
_CHANGES: tuple[tuple[str, Any], ...] = (("REMOVE", "REMOVE"), ("UP", "TRIA_UP"), ("DOWN", "TRIA_DOWN"))

_looking: Job[list[dialogue.Row]] | None = None


# --- the table ------------------------------------------------------------------------------------------------------


def refresh(context: bpy.types.Context) -> None:
    """Look at all strips of the scene again; in a window the sounds are read beside it, and the table follows."""
    global _looking  # noqa: PLW0603 - a timer has no other place
    scene = compat.sequencer_scene(context)
    asked = dialogue.ask(scene, operators.options_of(context, scene))
    job = Job(partial(dialogue.look, asked))
    if bpy.app.background:
        job.run()
        _show(job)
        return
    if _looking is not None:
        _looking.cancel()
    _looking = job
    job.start()
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=0.0)


def refresh_if_shown() -> None:
    """Look again if the table is in use; what keeps it from that is not the news."""
    if len(state(bpy.context).table):
        try:
            refresh(bpy.context)
        except InputError:
            _fill([])


def _after_undo(*_: object) -> None:
    """Undo takes keys away that the table says are there."""
    refresh_if_shown()


def _tick() -> float | None:
    global _looking
    if _looking is None:
        return None
    _looking.drain()
    if not _looking.finished:
        return job_queue.TICK
    job, _looking = _looking, None
    _show(job)
    return None


def _show(job: Job[list[dialogue.Row]]) -> None:
    if job.error is not None:
        job_queue.say(job.error, failed=True)
    if job.result is not None:
        _fill(job.result)


def _fill(rows: list[dialogue.Row]) -> None:
    shown = state(bpy.context)
    table = shown.table
    while len(table) > len(rows):
        table.remove(len(table) - 1)
    while len(table) < len(rows):
        table.add()
    for there, row in zip(table, rows, strict=True):
        there.name, there.character, there.state = row.strip, row.character, row.state
        there.why, there.message = ", ".join(row.why), row.message
    counts = {name: sum(row.state == name for row in rows) for name in _ICONS}
    parts = [f"{count} {name}" for name, count in counts.items() if count]
    shown.table_text = ", ".join(parts) or "No strip is heard"
    job_queue.redraw()


class ARTALK_OT_refresh_dialogue(bpy.types.Operator):
    """Look at each strip of the scene: is its speech up to date, changed or missing? Nothing is generated"""

    bl_idname = "artalk.refresh_dialogue"
    bl_label = "What Is Up to Date?"
    bl_options = {"REGISTER"}

    def execute(self, context: bpy.types.Context) -> Result:
        """Fill the table."""
        try:
            refresh(context)
        except InputError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class ARTALK_OT_generate_all(operators.Speaking):
    """Generate every strip of the scene that is heard, each on its own character; what is up to date stays as it is"""

    bl_idname = "artalk.generate_all"
    bl_label = "Generate All"
    bl_options = {"REGISTER"}
    again = True

    def _cast(self, context: bpy.types.Context, scene: bpy.types.Scene) -> operators.Cast:
        heard = strips.heard_sound_strips(scene)
        if not heard:
            raise InputError(f"No sound strip of the scene '{scene.name}' is heard: look in the sequencer.")
        refresh(context)  # which shows the strips of nobody
        return dialogue.without_baked(dialogue.cast(scene, heard))


# --- who speaks what ------------------------------------------------------------------------------------------------


class ARTALK_OT_add_role(bpy.types.Operator):
    """Say which strips a character speaks"""

    bl_idname = "artalk.add_role"
    bl_label = "Add Role"
    bl_options = {"REGISTER", "UNDO"}

    by: EnumProperty(
        name="By",
        items=(
            ("NAME", "Pattern of Names", "Strips whose name fits, such as ANNA_*"),
            ("CHANNEL", "Channel", "All strips on a channel"),
            ("STRIP", "Selected Strips", "The strips that are selected now, before all other roles"),
        ),
    )

    def execute(self, context: bpy.types.Context) -> Result:
        """Add it for the panel's character, filled in from the selected strips."""
        scene = compat.sequencer_scene(context)
        mine = settings(scene)
        chosen = strips.sound_strips(each for each in compat.strips_in_view(scene) if each.select)
        if self.by == "STRIP" and not chosen:
            self.report({"ERROR"}, told("No sound strip is selected: select one or more in the sequencer."))
            return {"CANCELLED"}
        names = {
            "NAME": [_pattern(chosen[0].name) if chosen else "*"],
            "CHANNEL": [strips.channel_name(chosen[0]) if chosen else "Channel 1"],
            "STRIP": [strip.name for strip in chosen],
        }[self.by]
        for name in names:
            role = mine.roles.add()
            role.by, role.pattern, role.character = self.by, name, mine.character
            mine.role = len(mine.roles) - 1
            if self.by == "STRIP":
                mine.roles.move(mine.role, 0)
                mine.role = 0
        refresh_if_shown()
        return {"FINISHED"}


def _pattern(name: str) -> str:
    """A pattern for strips named alike: what stands before the first mark or number of a name, and anything."""
    head = name
    for number, letter in enumerate(name):
        if not letter.isalpha():
            head = name[: number + (letter in "_- .")]
            break
    return f"{head or name}*"


class ARTALK_OT_change_role(bpy.types.Operator):
    """Take the chosen role away, or move it: of several that fit a strip, the first one counts"""

    bl_idname = "artalk.change_role"
    bl_label = "Change Role"
    bl_options = {"INTERNAL", "UNDO"}

    how: EnumProperty(items=(("REMOVE", "Remove", ""), ("UP", "Up", ""), ("DOWN", "Down", "")))

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is one."""
        return len(settings(compat.sequencer_scene(context)).roles) > 0

    def execute(self, context: bpy.types.Context) -> Result:
        """Change the list."""
        mine = settings(compat.sequencer_scene(context))
        last = len(mine.roles) - 1
        if self.how == "REMOVE":
            mine.roles.remove(mine.role)
            mine.role = max(0, min(mine.role, last - 1))
        else:
            there = max(0, min(last, mine.role + (1 if self.how == "DOWN" else -1)))
            mine.roles.move(mine.role, there)
            mine.role = there
        refresh_if_shown()
        return {"FINISHED"}


# --- the panel ------------------------------------------------------------------------------------------------------


class ARTALK_UL_roles(RowList):
    """Which strips whom."""

    def _draw_row(self, layout: bpy.types.UILayout, item: Any) -> None:
        row = layout.row(align=True)
        row.prop(item, "by", text="", icon_only=True)
        row.prop(item, "pattern", text="", emboss=False)
        row.prop(item, "character", text="")


class ARTALK_UL_table(RowList):
    """How far each strip is. It shows what the last look has found, so drawing costs nothing."""

    def _draw_row(self, layout: bpy.types.UILayout, item: Any) -> None:
        split = layout.split(factor=0.42, align=True)
        split.label(text=item.name, icon=_ICONS[item.state])
        rest = split.split(factor=0.42, align=True)
        rest.label(text=item.character)
        words = (item.why or item.state).split(", ")
        rest.label(text=", ".join(told(each) for each in words))


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Roles, table, button."""
    mine, shown = settings(compat.sequencer_scene(context)), state(context)
    row = layout.row()
    row.template_list("ARTALK_UL_roles", "", mine, "roles", mine, "role", rows=3 if mine.roles else 2)
    side = row.column(align=True)
    side.operator_menu_enum("artalk.add_role", "by", text="", icon="ADD")
    for how, icon in _CHANGES[: 3 if mine.roles else 1]:
        side.operator("artalk.change_role", text="", icon=icon).how = how
    if not mine.roles:
        draw_sentence(layout, context, told("Without roles one character speaks all strips."), "INFO")
    layout.operator("artalk.refresh_dialogue", icon="VIEWZOOM")
    if shown.table:
        rows = min(len(shown.table), _ROWS)
        layout.template_list("ARTALK_UL_table", "", shown, "table", shown, "table_row", rows=rows, maxrows=_ROWS)
        current = shown.table[min(shown.table_row, len(shown.table) - 1)]
        draw_sentence(layout, context, told(current.message or shown.table_text), _ICONS[current.state])
    layout.operator("artalk.generate_all", icon="PLAY")


class _Dialogue(TabPanel):
    """The panel."""

    bl_label = "Dialogue"
    bl_options = {"DEFAULT_CLOSED"}

    def _draw(self, layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
        draw(layout, context)


class ARTALK_PT_sequencer_dialogue(_Dialogue):
    """In the sequencer."""

    bl_space_type = "SEQUENCE_EDITOR"
    bl_parent_id = "ARTALK_PT_sequencer"


class ARTALK_PT_view_dialogue(_Dialogue):
    """In the 3D view."""

    bl_space_type = "VIEW_3D"
    bl_parent_id = "ARTALK_PT_view"


_CLASSES = (
    ARTALK_OT_refresh_dialogue,
    ARTALK_OT_generate_all,
    ARTALK_OT_add_role,
    ARTALK_OT_change_role,
    ARTALK_UL_roles,
    ARTALK_UL_table,
    ARTALK_PT_sequencer_dialogue,
    ARTALK_PT_view_dialogue,
)


def register() -> None:
    """Make them known, and have the table follow the queue and undo."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    job_queue.at_end.append(refresh_if_shown)
    persistent: Any = bpy.app.handlers.persistent  # which marks the function: else it goes when a file is opened
    bpy.app.handlers.undo_post.append(persistent(_after_undo))
    bpy.app.handlers.redo_post.append(_after_undo)


def unregister() -> None:
    """Take them away."""
    bpy.app.handlers.redo_post.remove(_after_undo)
    bpy.app.handlers.undo_post.remove(_after_undo)
    job_queue.at_end.remove(refresh_if_shown)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
