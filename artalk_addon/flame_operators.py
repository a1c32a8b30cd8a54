# SPDX-License-Identifier: GPL-3.0-or-later
"""The button that imports a FLAME head."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, FloatVectorProperty, StringProperty

from ..core.errors import InputError
from ..core.heads import flame_basis
from ..core.heads.flame_files import read_betas
from ..core.retarget.flame_fit import WELL, residuals, table
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


class ARTALK_OT_flame_report(bpy.types.Operator):
    """Write into a text how well this FLAME head shows each ARKit shape, and ARKit shapes each of its expressions"""

    bl_idname = "artalk.flame_report"
    bl_label = "Report FLAME Fit"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> Result:
        """Measure it and write the text."""
        item: bpy.types.Object | None = settings(compat.sequencer_scene(context)).character or context.object
        try:
            if item is None or not flame_rig.is_flame(item):
                raise InputError("There is no FLAME head to report on: choose one in the panel or make it active.")
            shapes, back = residuals(flame_rig.shapes_of(item))
        except InputError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        text = bpy.data.texts.new(f"{item.name} fit")
        text.write(f"ARKit shapes on '{item.name}', by its expressions and jaw\n\n{table(shapes)}\n")
        text.write(f"Its expressions and jaw, by ARKit shapes\n\n{table(back)}")
        well = sum(each.shown > WELL for each in shapes)
        sentence = f"{well} of {len(shapes)} ARKit shapes are shown well: the text '{text.name}' has all."
        self.report({"INFO"}, told(sentence))
        return {"FINISHED"}
