# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to the machine and not to a file: where models run."""

from typing import Any

import bpy
from bpy.props import EnumProperty

PACKAGE = (__package__ or "").rpartition(".")[0]
"""The extension's own name inside Blender, such as bl_ext.user_default.artalk."""


class Preferences(bpy.types.AddonPreferences):
    """Shown where the extension is enabled."""

    bl_idname = PACKAGE

    device: EnumProperty(
        name="Device",
        description="Where models run",
        items=(
            ("auto", "Automatic", "The graphics card where there is one, else the processor"),
            ("cpu", "Processor", "Works everywhere"),
            ("cuda", "NVIDIA graphics card", "Through CUDA"),
            ("mps", "Apple graphics", "Through Metal"),
        ),
    )

    def draw(self, _context: bpy.types.Context) -> None:
        """One row."""
        self.layout.prop(self, "device")


def device(context: bpy.types.Context) -> str:
    """The device chosen; automatic when artalk runs as a plain Python package, without preferences."""
    addon: Any = context.preferences.addons.get(PACKAGE)
    return str(addon.preferences.device) if addon else "auto"


def register() -> None:
    """Add the preferences."""
    bpy.utils.register_class(Preferences)


def unregister() -> None:
    """Take them away."""
    bpy.utils.unregister_class(Preferences)
