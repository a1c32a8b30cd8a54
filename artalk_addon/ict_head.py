# SPDX-License-Identifier: GPL-3.0-or-later
"""The button that imports ICT-FaceKit's free head."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from ..core.errors import InputError
from ..core.heads import ict_facekit
from . import compat, rigs
from .properties import settings
from .translations import told

Result = Any

_CLEAR = {"ict tear film": 0.0, "ict lashes": 0.0}
"""Opacity of the surfaces that lie over the eyes and want textures: as plain ones they would hide them."""


def import_head(
    context: bpy.types.Context, path: Path, location: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> bpy.types.Object:
    """Make the head of a folder of OBJ files (or of a packed file); returns its mesh, active and selected.

    Raises InputError, with nothing made, when the files are not such a head.
    """
    mesh = rigs.add_head(context, ict_facekit.load(path), "ICT head", location)
    for slot in mesh.material_slots:
        material: Any = slot.material
        title = material.name.removeprefix("artalk ").partition(".")[0]
        if title in _CLEAR:
            material.diffuse_color[3] = _CLEAR[title]
            shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
            shader.inputs["Alpha"].default_value = _CLEAR[title]
    return mesh


class ARTALK_OT_import_free_head(bpy.types.Operator):
    """Make the free head of ICT-FaceKit, from its folder of OBJ files, with bones for neck, jaw and eyes"""

    bl_idname = "artalk.import_free_head"
    bl_label = "Import Free Head…"
    bl_options = {"REGISTER", "UNDO"}

    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"})
    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default="*.obj;*.npz", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> Result:
        """Ask for the folder."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> Result:
        """Import it and choose it as the character."""
        chosen = Path(bpy.path.abspath(self.filepath or self.directory))
        # any file of the folder may have been clicked
        path = chosen if chosen.suffix.lower() == ".npz" or chosen.is_dir() else chosen.parent
        cursor: Any = compat.scene(context).cursor
        try:
            head = import_head(context, path, tuple(cursor.location))
        except InputError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        settings(compat.sequencer_scene(context)).character = head
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((ARTALK_OT_import_free_head,))
