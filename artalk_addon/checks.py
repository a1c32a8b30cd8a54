# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons of `preflight`: mend what stands in the way, and look whether the lips move."""

from typing import Any

import bpy
from bpy.props import StringProperty

from ..core.errors import InputError
from . import compat, operators, preflight
from .translations import told

Result = Any  # the stubs' set of literals differs from version to version


class ARTALK_OT_mend(bpy.types.Operator):
    """Change the setting that keeps the character from moving; undo changes it back"""

    bl_idname = "artalk.mend"
    bl_label = "Fix"
    bl_options = {"REGISTER", "UNDO"}

    cause: StringProperty(options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> Result:
        """Mend it, and say what it was."""
        try:
            item = operators.character_of(context, compat.sequencer_scene(context))
            sentence = preflight.mend(compat.scene(context), item, self.cause)
        except InputError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        shown: Any = context.window_manager.artalk
        if shown.cause == self.cause:
            shown.message, shown.failed, shown.cause = "", False, ""
        self.report({"INFO"}, told(f"Fixed: {sentence}"))
        return {"FINISHED"}


class ARTALK_OT_check_movement(bpy.types.Operator):
    """Look whether the lips of the character move with their keys, and say why if they do not; changes nothing"""

    bl_idname = "artalk.check_movement"
    bl_label = "Why Does It Not Move?"
    bl_options = {"REGISTER"}

    def execute(self, context: bpy.types.Context) -> Result:
        """Compare two frames; the first reason is reported, with its fix where there is one."""
        try:
            item = operators.character_of(context, compat.sequencer_scene(context))
            wrong = preflight.what_is_wrong(compat.scene(context), item) or preflight.limits(item)
        except InputError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        shown: Any = context.window_manager.artalk
        shown.message = wrong[0].sentence if wrong else f"The lips of '{item.name}' move."
        shown.failed = bool(wrong)
        shown.cause = next((obstacle.cause for obstacle in wrong if obstacle.mend), "")
        self.report({"WARNING" if wrong else "INFO"}, told(shown.message))
        return {"FINISHED"}


_CLASSES = (ARTALK_OT_mend, ARTALK_OT_check_movement)


register, unregister = bpy.utils.register_classes_factory(_CLASSES)
