# SPDX-License-Identifier: GPL-3.0-or-later
"""How the model is to move: the style and the rarely used choices, kept with the scene."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, PointerProperty, StringProperty

from ..core.artalk.config import GUIDANCE_RANGE
from . import compat, model_files
from .properties import settings
from .translations import told

_POSTS = (
    ("artalk", "Artalk's Layers", "Our layers on ARKit motion, the published smoothing on FLAME motion"),
    ("published", "As Published", "The smoothing of ARTalk's own tools, cut after 30 s; FLAME motion alone"),
    ("none", "None", "The model's own output, exact"),
)


def _names(_settings: Any, context: bpy.types.Context, _text: str) -> Iterable[tuple[str, str]]:
    """The styles that the model can take, with what they look like."""
    chosen = settings(compat.sequencer_scene(context))
    return [(style.name, told(style.about)) for style in model_files.styles_for(context, chosen)]


class StyleSettings(bpy.types.PropertyGroup):
    """How the model is to move; saved with the scene."""

    name: StringProperty(
        name="Style",
        description="Two seconds of motion whose style the model takes on, by name or file; empty: its own",
        search=_names,
        search_options={"SUGGESTION"},
    )
    guidance: FloatProperty(
        name="Style Guidance",
        description="How much of the style: 1 as it is, above 1 more; 0: what the model was made for",
        min=GUIDANCE_RANGE[0],
        max=GUIDANCE_RANGE[1],
        soft_max=4.0,
    )
    seed_motion: StringProperty(
        name="Seed Motion",
        description="A motion (.npz) of what the face did before, to go on from; empty: from rest",
        subtype="FILE_PATH",
    )
    fix_head: BoolProperty(name="Keep the Head Still", description="No turns of the head")
    post: EnumProperty(name="Finish", description="What is done to the model's motion", items=_POSTS)


def chosen_style(scene: bpy.types.Scene) -> Any:
    """How the model is to move in a scene."""
    return cast(Any, scene).artalk_style


def options(context: bpy.types.Context, scene: bpy.types.Scene) -> dict[str, Any]:
    """The choices as arguments of `Options`; InputError when the style is not there."""
    mine, path = chosen_style(scene), None
    if mine.name:
        path = model_files.style(context, settings(scene), mine.name)
    return {
        "style": path,
        "guidance": mine.guidance or None,
        "seed_motion": Path(bpy.path.abspath(mine.seed_motion)) if mine.seed_motion else None,
        "fix_head": mine.fix_head,
        "post": mine.post,
    }


def register() -> None:
    """Add the choices to scenes."""
    bpy.utils.register_class(StyleSettings)
    cast(Any, bpy.types.Scene).artalk_style = PointerProperty(type=StyleSettings)


def unregister() -> None:
    """Take them away."""
    del cast(Any, bpy.types.Scene).artalk_style
    bpy.utils.unregister_class(StyleSettings)
