# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons that get published weights, after asking, or import those that the user has."""

import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..core import models, weights_store
from ..core.errors import InputError
from ..core.models import Cancel, Progress
from . import engine_setup, model_files, preferences
from .engine_setup import Finish, Result, Shown, Work, Working
from .sentences import draw_sentence
from .translations import told

_GETS = [
    (entry.name, entry.title, f"Licence: {entry.licence}")
    for entry in models.MODELS.values()
    if entry.release is not None and entry.release.repository
]


def draw(layout: bpy.types.UILayout, context: bpy.types.Context, chosen: Any) -> None:
    """The weights of a model that does not come with artalk: where they are, or how to get them."""
    layout.prop(chosen, "weights")
    if chosen.weights or engine_setup.draw_job(layout):
        return
    found = model_files.weights(context, chosen)
    if found is not None:
        layout.label(text=found.name, icon="CHECKMARK")
        return
    row = layout.row(align=True)
    if any(name == chosen.model for name, *_ in _GETS):
        row.operator("artalk.get_weights", icon="IMPORT").model = chosen.model
    row.operator("artalk.import_weights", icon="FILE_FOLDER")
    if Shown.sentence:
        draw_sentence(layout, context, Shown.sentence, "ERROR" if Shown.failed else "INFO")


class ARTALK_OT_get_weights(Working):
    """Download the published weights of a model into the model folder; shows their licence and asks first"""

    bl_idname = "artalk.get_weights"
    bl_label = "Get Weights…"
    bl_options = {"REGISTER"}

    model: EnumProperty(items=_GETS, name="Model", description="Model whose weights to get")
    consent: BoolProperty(
        name="I have read the licence and agree to it",
        description="Nothing is downloaded without this",
        default=False,
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> Result:
        """Say what would come, under which licence, and ask."""
        return context.window_manager.invoke_props_dialog(self, width=560)

    def draw(self, context: bpy.types.Context) -> None:
        """What would come, from where, the way to its licence, and the question."""
        layout, release = self.layout, models.entry(self.model).release
        assert release is not None
        assert layout is not None
        box = layout.box()
        for heading, words in (
            ("What", f"{models.entry(self.model).title}, {len(release.styles)} styles"),
            ("Size", f"{release.size / 1e9:.1f} GB"),
            ("From", release.page),
            ("Where", str(preferences.models_folder(context))),
        ):
            row = box.split(factor=0.15)
            row.label(text=heading)
            row.label(text=told(words))
        engine_setup.draw_sentence(layout, release.licence, "INFO")
        layout.operator("wm.url_open", text="Read the Licence on the Model Card", icon="URL").url = release.page
        layout.prop(self, "consent")

    def prepare(self) -> tuple[Work, Finish]:
        """Fetch in a child process, beside Blender."""
        if not self.consent:
            raise InputError("Nothing was downloaded: read the licence and tick that you agree to it.")
        if not bpy.app.online_access:
            raise InputError(
                "Online access is off: turn on 'Allow Online Access' in the preferences under System, or import files "
                "that you have."
            )
        context = bpy.context
        Shown.step.append("Downloading")
        folder = model_files.folder(context)
        return partial(_fetch, self.model, folder, _python(context)), partial(_got, model=self.model)


def _fetch(model: str, folder: Path, python: Path, progress: Progress, cancel: Cancel) -> Path:
    return weights_store.fetch(model, folder, python, progress, cancel)


def _got(path: Path | None, model: str) -> str:
    if path is None:
        return "Cancelled: what has come is kept, get the weights again to go on."
    return f"The weights of '{model}' are here: {path.name}."


def _python(context: bpy.types.Context) -> Path:
    """A Python that can fetch: the engine's, else Blender's own where it has the library."""
    engine = preferences.engine_python(context)
    if engine is not None and engine.is_file():
        return engine
    if find_spec("huggingface_hub") is not None:
        return Path(sys.executable)
    raise InputError(
        "Downloads need the engine, which this model runs on as well: press Set Up Engine in artalk's preferences "
        "first, or download the file yourself and import it."
    )


class ARTALK_OT_import_weights(bpy.types.Operator):
    """Take weights that you have downloaded yourself into the model folder"""

    bl_idname = "artalk.import_weights"
    bl_label = "Import Weights…"
    bl_options = {"REGISTER"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default="*.pt;*.tar;*.safetensors", options={"HIDDEN"})
    link: BoolProperty(
        name="Point to the File", description="Leave the file where it is instead of copying it", default=False
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> Result:
        """Ask for the file."""
        manager: Any = context.window_manager
        manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> Result:
        """Recognise and import it, and choose its model where the panel offers that."""
        try:
            path = Path(bpy.path.abspath(self.filepath))
            done = weights_store.import_weights(path, model_files.folder(context), link=self.link)
        except InputError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        self.report({"INFO"}, told(f"The weights of '{done.model}' are imported. {done.origin}"))
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((ARTALK_OT_get_weights, ARTALK_OT_import_weights))
