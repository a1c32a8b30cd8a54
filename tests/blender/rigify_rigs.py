# SPDX-License-Identifier: GPL-3.0-or-later
"""Has Blender's own Rigify generate its human with the face of old and with that of skin bones, for a scenario.

python rigify_rigs.py FOLDER        writes old.blend and skin.blend there, or nothing where there is no Rigify
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bpy


def generate(face: str, path: Path) -> None:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    human = bpy.context.object
    if face == "skin":
        bpy.ops.object.mode_set(mode="POSE")
        bpy.ops.pose.rigify_upgrade_face()
        bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.pose.rigify_generate()
    bpy.data.objects.remove(human)
    bpy.ops.wm.save_as_mainfile(filepath=str(path))


def main() -> None:
    bpy.ops.preferences.addon_enable(module="rigify")
    if "rigify" in bpy.context.preferences.addons:
        for face in ("old", "skin"):
            generate(face, Path(sys.argv[1]) / f"{face}.blend")


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # once Rigify has generated, Blender 4.5 as a module does not end by itself
