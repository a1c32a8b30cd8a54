# SPDX-License-Identifier: GPL-3.0-or-later
"""Styles in the panel: choose one, make one of a character's own animation, play it, remove it."""

import bpy
from bpy.props import BoolProperty, StringProperty

from ..core import styles
from ..core.errors import InputError
from . import compat, model_files, style_motion
from .panel_bases import OnCharacter, Result, TabPanel
from .properties import settings
from .sentences import draw_sentence
from .style_settings import chosen_style
from .translations import told

# --- the user's own -------------------------------------------------------------------------------------------------


class ARTALK_OT_save_style(OnCharacter):
    """Keep the two seconds of the character's animation that begin at the current frame as a style; no key changes"""

    bl_idname = "artalk.save_style"
    bl_label = "Save Style…"
    bl_options = {"REGISTER"}
    tells_panel = False

    name: StringProperty(name="Name", description="What to call the style", default="My style")
    replace: BoolProperty(
        name="Replace", description="Write over a style of this name", default=False, options={"SKIP_SAVE"}
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> Result:
        """Ask for the name."""
        return context.window_manager.invoke_props_dialog(self)

    def _on(self, context: bpy.types.Context, item: bpy.types.Object) -> str:
        scene = compat.scene(context)
        motion = style_motion.taken(scene, item, scene.frame_current_final)
        path = styles.save(motion, self.name.strip(), model_files.folder(context), replace=self.replace)
        chosen_style(compat.sequencer_scene(context)).name = path.stem
        return f"The style '{path.stem}' is saved and chosen: {styles.describe(motion)}."


class ARTALK_OT_play_style(OnCharacter):
    """Play the two seconds from the current frame on, again and again: what Save Style would keep"""

    bl_idname = "artalk.play_style"
    bl_label = "Play Two Seconds"
    bl_options = {"REGISTER", "UNDO"}
    tells_panel = False

    def _on(self, context: bpy.types.Context, item: bpy.types.Object) -> str:
        scene = compat.scene(context)
        first = scene.frame_current
        motion = style_motion.taken(scene, item, first)
        scene.use_preview_range = True
        scene.frame_preview_start = first
        scene.frame_preview_end = round(style_motion.last_frame(scene, first)) - 1
        if not bpy.app.background and not context.screen.is_animation_playing:
            bpy.ops.screen.animation_play()
        return f"These two seconds: {styles.describe(motion)}."


class ARTALK_OT_remove_style(bpy.types.Operator):
    """Delete a style of your own; lines that were made with it stay as they are"""

    bl_idname = "artalk.remove_style"
    bl_label = "Remove Style"
    bl_options = {"REGISTER"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """Ask."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> Result:
        """Delete the file of the style that is chosen."""
        mine = chosen_style(compat.sequencer_scene(context))
        try:
            styles.remove(mine.name, model_files.folder(context))
        except InputError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        self.report({"INFO"}, told(f"The style '{mine.name}' is removed."))
        mine.name = ""
        return {"FINISHED"}


# --- the panel ------------------------------------------------------------------------------------------------------


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The style, what it looks like, what can be done with it, and the rarely used choices."""
    scene = compat.sequencer_scene(context)
    chosen, mine = settings(scene), chosen_style(scene)
    layout.use_property_split = True
    layout.use_property_decorate = False
    layout.prop(mine, "name", icon="MOD_ARMATURE")
    known = next((each for each in model_files.styles_for(context, chosen) if each.name == mine.name), None)
    if known is not None and known.about:
        draw_sentence(layout, context, known.about, "INFO")
    row = layout.row(align=True)
    row.operator("artalk.save_style", icon="ADD")
    row.operator("artalk.play_style", text="", icon="PLAY")
    if known is not None and known.source == "own":
        row.operator("artalk.remove_style", text="", icon="TRASH")
    header, body = layout.panel("artalk_advanced", default_closed=True)
    header.label(text="Advanced")
    if body:
        column = body.column()
        for name in ("guidance", "seed_motion", "fix_head", "post"):
            column.prop(mine, name)


class _Style(TabPanel):
    """How the model is to move."""

    bl_label = "Style"
    bl_options = {"DEFAULT_CLOSED"}

    def _draw(self, layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
        draw(layout, context)


class ARTALK_PT_sequencer_style(_Style):
    """In the sequencer."""

    bl_space_type = "SEQUENCE_EDITOR"
    bl_parent_id = "ARTALK_PT_sequencer"


class ARTALK_PT_view_style(_Style):
    """In the 3D view."""

    bl_space_type = "VIEW_3D"
    bl_parent_id = "ARTALK_PT_view"


register, unregister = bpy.utils.register_classes_factory(
    (
        ARTALK_OT_save_style,
        ARTALK_OT_play_style,
        ARTALK_OT_remove_style,
    )
)
