# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to the machine and not to a file: what models run on, and where they are."""

from pathlib import Path
from typing import Any, cast

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from ..core import threads
from ..core.engine import process

PACKAGE = (__package__ or "").rpartition(".")[0]
"""The extension's own name inside Blender, such as bl_ext.user_default.artalk."""


def _use_threads(preferences: bpy.types.AddonPreferences, _context: bpy.types.Context) -> None:
    """Fewer or more threads from now on; an engine that runs begins anew with them at the next generation."""
    threads.limit(cast(Any, preferences).threads)
    process.stop()


class Preferences(bpy.types.AddonPreferences):
    """Shown where the extension is enabled."""

    bl_idname = PACKAGE

    device: EnumProperty(
        name="Device",
        description="What models run on, from the next generation on",
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

    threads: IntProperty(
        name="Threads",
        description="Threads of the processor that models may use; 0 for all of them, fewer leave room for other work",
        min=0,
        soft_max=32,
        max=1024,
        update=_use_threads,
    )
    models_folder: StringProperty(
        name="Model Folder",
        description="Where models and styles lie that do not come with artalk; empty: in Blender's own folder",
        subtype="DIR_PATH",
    )

    def draw(self, _context: bpy.types.Context) -> None:
        """One row for each choice, and the engine environment."""
        from . import engine_setup

        column = self.layout.column()
        column.use_property_split = True
        for name in ("device", "threads", "models_folder", "engine", "engine_python"):
            column.prop(self, name)
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


def models_folder(context: bpy.types.Context) -> Path | None:
    """Where models lie that do not come with artalk; None without preferences. Made when something is put there."""
    addon: Any = context.preferences.addons.get(PACKAGE)
    if addon is None:
        return None
    named = addon.preferences.models_folder
    return Path(bpy.path.abspath(named) if named else bpy.utils.extension_path_user(PACKAGE, path="models"))


def _choice(context: bpy.types.Context, name: str) -> str:
    addon: Any = context.preferences.addons.get(PACKAGE)
    return str(getattr(addon.preferences, name)) if addon else "auto"


def register() -> None:
    """Add the preferences, and hold the models to their number of threads."""
    bpy.utils.register_class(Preferences)
    addon: Any = bpy.context.preferences.addons.get(PACKAGE)
    if addon is not None and addon.preferences is not None and addon.preferences.threads:
        threads.limit(addon.preferences.threads)


def unregister() -> None:
    """Take them away, and end the engine environment's process."""
    process.stop()
    threads.limit(0)
    bpy.utils.unregister_class(Preferences)
