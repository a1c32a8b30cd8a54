# SPDX-License-Identifier: GPL-3.0-or-later
"""The button that imports a FLAME head."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, FloatVectorProperty, StringProperty

from ..core.errors import InputError
from ..core.heads import flame_basis
from ..core.heads.flame_files import read_betas
from . import compat, flame_rig
from .properties import settings
from .translations import told

Result = Any  # the stubs' set of literals differs from version to version

_SLIDERS = 10


class ARTALK_OT_import_flame(bpy.types.Operator):
    """Make a FLAME head from your own FLAME file, with its expressions, bones and correctives, at the 3D cursor"""

    bl_idname = "artalk.import_flame"
    bl_label = "Import FLAME Head…"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default="*.pkl;*.npz;*.pt", options={"HIDDEN"})
    betas: FloatVectorProperty(
        name="Identity", description="The first identity shapes of FLAME", size=_SLIDERS, soft_min=-3.0, soft_max=3.0
    )
    betas_file: StringProperty(
        name="Identity File",
        description="Identity numbers (betas) as .npy, .npz or text, instead of the sliders",
        subtype="FILE_PATH",
    )
    keep_identity: BoolProperty(
        name="Keep Identity Shapes",
        description="Keep the identity as shape keys that can be changed later, instead of baking it into the mesh",
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> Result:
        """Ask for the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> Result:
        """Import it and choose it as the character."""
        path = Path(bpy.path.abspath(self.filepath))
        cursor: Any = compat.scene(context).cursor
        try:
            betas = read_betas(Path(bpy.path.abspath(self.betas_file))) if self.betas_file else tuple(self.betas)
            head = flame_rig.import_file(
                context, path, betas=betas, keep_identity=self.keep_identity, location=cursor.location
            )
        except InputError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        settings(compat.sequencer_scene(context)).character = head
        if sentence := flame_basis.doubt(flame_rig.info(head).sha256, path.name):
            self.report({"WARNING"}, told(sentence))
        return {"FINISHED"}
