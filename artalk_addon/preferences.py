# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to the machine and not to a file: what models run on."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

from ..core.engine import process

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

    engine: EnumProperty(
        name="Engine",
        description="What computes",
        items=(
            ("auto", "Automatic", "PyTorch where Blender's Python has it, else NumPy"),
            ("torch", "PyTorch", "Runs every model; Blender's Python must have it"),
            ("numpy", "NumPy", "Comes with Blender and runs artalk-mini, with the same result"),
            ("environment", "Engine environment", "PyTorch in another Python, beside Blender"),
        ),
    )
    engine_python: StringProperty(
        name="Engine Python",
        description="The Python of an environment that has PyTorch; runs what Blender's own Python cannot",
        subtype="FILE_PATH",
    )

    def draw(self, _context: bpy.types.Context) -> None:
        """One row for each choice, and the engine environment."""
        from . import engine_setup

        self.layout.prop(self, "engine")
        self.layout.prop(self, "engine_python")
        self.layout.prop(self, "device")
        engine_setup.draw(self.layout)


def device(context: bpy.types.Context) -> str:
    """The device chosen; automatic when artalk runs as a plain Python package, without preferences."""
    return _choice(context, "device")


def engine(context: bpy.types.Context) -> str:
    """The engine chosen; automatic without preferences."""
    return _choice(context, "engine")


def engine_python(context: bpy.types.Context) -> Path | None:
    """The Python of the engine environment, if one is named."""
    addon: Any = context.preferences.addons.get(PACKAGE)
    named = addon.preferences.engine_python if addon else ""
    return Path(bpy.path.abspath(named)) if named else None


def _choice(context: bpy.types.Context, name: str) -> str:
    addon: Any = context.preferences.addons.get(PACKAGE)
    return str(getattr(addon.preferences, name)) if addon else "auto"


def register() -> None:
    """Add the preferences."""
    bpy.utils.register_class(Preferences)


def unregister() -> None:
    """Take them away, and end the engine environment's process."""
    process.stop()
    bpy.utils.unregister_class(Preferences)
