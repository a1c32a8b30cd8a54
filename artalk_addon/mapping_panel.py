# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel 'Mapping': what moves what on the character, to be looked at, changed and kept."""

from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

from ..core.errors import InputError
from ..core.retarget.detect import FAMILIES, TITLES, listed
from . import compat, flame_rig, mapping, operators, rigs
from .flame_operators import ARTALK_OT_flame_report
from .panel_bases import Result, RowList, TabPanel
from .translations import told


def _character(context: bpy.types.Context) -> bpy.types.Object:
    return operators.character_of(context, compat.sequencer_scene(context))


class ARTALK_OT_mapping_detect(bpy.types.Operator):
    """Recognise the character's shapes and bones, and list what will move them; a table that was changed is lost"""

    bl_idname = "artalk.mapping_detect"
    bl_label = "Detect"
    bl_options = {"REGISTER", "UNDO"}

    family: EnumProperty(
        items=[
            ("auto", "Automatic", "Take what fits best"),
            *((name, TITLES[name], f"Take it for {TITLES[name]}") for name in FAMILIES),
        ],
        name="As",
        description="What its mouth is taken for",
    )

    def execute(self, context: bpy.types.Context) -> Result:
        """Put the rows into the table."""
        try:
            item = _character(context)
            found = rigs.recognise(item, None if self.family == "auto" else self.family)
            if not found.mapping.rows:
                raise InputError(f"'{item.name}' has nothing of {TITLES[self.family]}: choose Automatic.")
            mapping.keep(item, found.mapping)
        except InputError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        sentence = f"{TITLES[found.mapping.name]}: {len(found.mapping.rows)} rows."
        self.report({"INFO"}, told(" ".join([sentence, *found.notes])))
        return {"FINISHED"}


class ARTALK_OT_mapping_forget(bpy.types.Operator):
    """Forget this table: the character is recognised anew at each generation"""

    bl_idname = "artalk.mapping_forget"
    bl_label = "Automatic"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> Result:
        """Empty the table."""
        try:
            mapping.forget(_character(context))
        except InputError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class ARTALK_OT_mapping_save(bpy.types.Operator):
    """Keep this table under a name, for other characters and files"""

    bl_idname = "artalk.mapping_save"
    bl_label = "Save Preset"

    name: StringProperty(name="Name", description="The preset's name; one of the same name is replaced")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> Result:
        """Ask for the name."""
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> Result:
        """Write it."""
        try:
            item = _character(context)
            rows = mapping.stored(item) or rigs.recognise(item).mapping
            path = mapping.save_preset(rows, self.name)
        except InputError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        self.report({"INFO"}, told(f"The mapping is kept in '{path}'."))
        return {"FINISHED"}


class ARTALK_OT_mapping_load(bpy.types.Operator):
    """Give the character a table that was kept before, in place of its own"""

    bl_idname = "artalk.mapping_load"
    bl_label = "Load Preset"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", name="File", description="A preset's name, or a mapping file")
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> Result:
        """Ask for the file, beginning with the presets."""
        self.filepath = str(mapping.folder() / "")
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> Result:
        """Read it and keep it with the character."""
        try:
            sentence = use(_character(context), self.filepath)
        except InputError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        self.report({"INFO"}, told(sentence))
        return {"FINISHED"}


def use(item: bpy.types.Object, name_or_file: str) -> str:
    """Give a character a preset; returns a sentence that says what of it the character lacks.

    Raises InputError, with nothing changed, for a preset of whose mouth the character has nothing.
    """
    preset = mapping.preset(name_or_file)
    absent = rigs.absent(item, preset)
    if preset.moves_mouth() and not preset.without(absent).moves_mouth():
        raise InputError(
            f"The mapping '{preset.name}' does not fit '{item.name}', which has nothing of its mouth: it lacks "
            f"{listed(absent)}. Choose another one, or press Detect."
        )
    mapping.keep(item, preset)
    return " ".join([f"'{item.name}' takes the mapping '{mapping.table(item).title}'.", *rigs.describe(item).notes])


class ARTALK_UL_mapping(RowList):
    """One row: on or off, target, channels, gain."""

    def _draw_row(self, layout: bpy.types.UILayout, item: Any) -> None:
        row = layout.row(align=True)
        row.prop(item, "on", text="")
        sign: Any = "ERROR" if mapping.fault(item) else "SHAPEKEY_DATA" if item.axis == "shape" else "BONE_DATA"
        row.label(text=item.target, icon=sign)
        sources = "visemes" if item.mode == "fit" else item.sources
        if sources != item.target:  # a narrow panel has no room to say a name twice
            row.label(text=sources)
        gain = row.row()
        gain.ui_units_x = 2
        gain.prop(item, "gain", text="", emboss=False)


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The table of the character, or what it would be."""
    try:
        item = _character(context)
    except InputError:
        layout.label(text="No character", icon="INFO")
        return
    if flame_rig.is_flame(item) and not mapping.has_own(item):
        layout.label(text="FLAME head; ARKit motion is fitted to it", icon="CHECKMARK")
        layout.operator("artalk.flame_report", icon="TEXT")
        return
    if not mapping.has_own(item):
        layout.label(text="Recognised by itself; Detect lists how", icon="CHECKMARK")
        row = layout.row(align=True)
        row.operator("artalk.mapping_detect", icon="VIEWZOOM")
        row.operator("artalk.mapping_load", icon="FILE_FOLDER")
        return
    kept = mapping.table(item)
    layout.label(text=TITLES.get(kept.title, kept.title))
    layout.template_list("ARTALK_UL_mapping", "", kept, "rows", kept, "active", rows=6)
    if 0 <= kept.active < len(kept.rows):
        _draw_row(layout, item, kept.rows[kept.active])
    buttons = layout.grid_flow(columns=2, align=True)
    buttons.operator("artalk.mapping_detect", icon="VIEWZOOM")
    buttons.operator("artalk.mapping_forget", icon="LOOP_BACK")
    buttons.operator("artalk.mapping_save", icon="FILE_TICK")
    buttons.operator("artalk.mapping_load", icon="FILE_FOLDER")


def _draw_row(layout: bpy.types.UILayout, item: bpy.types.Object, row: Any) -> None:
    box = layout.column()
    box.use_property_split = True
    box.use_property_decorate = False
    keys: Any = getattr(item.data, "shape_keys", None)
    armature = rigs.armature_of(item)
    if row.axis == "shape" and keys is not None:
        box.prop_search(row, "target", keys, "key_blocks", icon="SHAPEKEY_DATA")
    elif row.axis != "shape" and armature is not None:
        box.prop_search(row, "target", armature.data, "bones", icon="BONE_DATA")
    else:
        box.prop(row, "target")
    box.prop(row, "sources")
    if sentence := mapping.fault(row):
        box.label(text=told(sentence), icon="ERROR")
    box.prop(row, "axis")
    box.prop(row, "gain")
    box.prop(row, "offset")


class _Mapping(TabPanel):
    """The table of the character."""

    bl_label = "Mapping"
    bl_options = {"DEFAULT_CLOSED"}

    def _draw(self, layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
        draw(layout, context)


class ARTALK_PT_mapping_sequencer(_Mapping):
    """In the sequencer."""

    bl_space_type = "SEQUENCE_EDITOR"


class ARTALK_PT_mapping_view(_Mapping):
    """In the 3D view."""

    bl_space_type = "VIEW_3D"


_CLASSES = (
    ARTALK_OT_mapping_detect,
    ARTALK_OT_mapping_forget,
    ARTALK_OT_mapping_save,
    ARTALK_OT_mapping_load,
    ARTALK_OT_flame_report,
    ARTALK_UL_mapping,
    ARTALK_PT_mapping_sequencer,
    ARTALK_PT_mapping_view,
)


def register() -> None:
    """Show the tables, which `mapping` gives to objects."""
    mapping.register()
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take them away."""
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
    mapping.unregister()
