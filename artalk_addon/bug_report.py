# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody who mends a bug asks first, for the clipboard: versions, choices, the character, what was said."""

import platform
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import InputError
from . import compat, operators, preferences, preflight, rigs, strips
from .properties import settings, state
from .translations import told

_MANIFEST = Path(__file__).resolve().parent.parent / "blender_manifest.toml"
Result = Any  # the stubs' set of literals differs from version to version


def text(context: bpy.types.Context) -> str:
    """The report, a line for each thing; it names no file but one that the last message is about."""
    scene = compat.sequencer_scene(context)
    sounds = len(strips.sound_strips(compat.strips_in_view(scene)))
    lines = {
        "artalk": tomllib.loads(_MANIFEST.read_text(encoding="utf-8"))["version"],
        "Blender": bpy.app.version_string + (", in the background" if bpy.app.background else ""),
        "system": f"{platform.platform()}, Python {platform.python_version()}",
        "numpy": _installed("numpy"),
        "torch": _installed("torch"),
        "engine": f"{preferences.engine(context)}, device {preferences.device(context)}",
        "model": settings(scene).model,
        "scene": f"{strips.rate(scene):g} frames a second, {sounds} sounds",
        "character": _character(context, scene),
        "last message": state(context).message or "none",
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items())


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not in this Python"


def _character(context: bpy.types.Context, scene: bpy.types.Scene) -> str:
    try:
        item = operators.character_of(context, scene)
        found = rigs.describe(item)
    except InputError as error:
        return str(error)
    causes = ", ".join(obstacle.cause for obstacle in preflight.obstacles(item)) or "nothing"
    return f"{len(found.shapes)} shapes, bones {', '.join(found.bones) or 'none'}; in the way: {causes}"


class ARTALK_OT_copy_report(bpy.types.Operator):
    """Copy versions, choices and the last message to the clipboard, to be pasted into a report of a bug"""

    bl_idname = "artalk.copy_report"
    bl_label = "Copy Report for a Bug"

    def execute(self, context: bpy.types.Context) -> Result:
        """Copy it and say so."""
        context.window_manager.clipboard = text(context)
        self.report({"INFO"}, told("The report is on the clipboard: paste it where you tell of the bug."))
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((ARTALK_OT_copy_report,))
