# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel's choices mean on this machine: which weights and which style, in the folder of the preferences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..core import models, styles, weights_store
from ..core.errors import InputError
from . import preferences


def folder(context: bpy.types.Context) -> Path:
    """The user's models and styles; InputError where artalk is no installed extension, which has no such folder."""
    found = preferences.models_folder(context)
    if found is None:
        raise InputError("There is no folder for models and styles: install artalk as an extension first.")
    return found


def weights(context: bpy.types.Context, chosen: Any) -> Path | None:
    """The weights of the panel's model: the file chosen, else those in the folder; None for shipped or missing ones."""
    if chosen.weights:
        return Path(bpy.path.abspath(chosen.weights))
    here = preferences.models_folder(context)
    if here is None or models.entry(chosen.model).weights is not None:
        return None
    return weights_store.installed(chosen.model, here)


def style(context: bpy.types.Context, chosen: Any, name: str) -> Path:
    """The file of a style for the panel's model, by its name or path; InputError when there is none."""
    basis, here = models.entry(chosen.model).basis, preferences.models_folder(context)
    return styles.find(bpy.path.abspath(name), basis, here, weights(context, chosen), fitted=bool(chosen.flame))


def styles_for(context: bpy.types.Context, chosen: Any) -> list[styles.Style]:
    """The styles that the panel's model can take, by name."""
    every = styles.available(preferences.models_folder(context), weights(context, chosen))
    basis = models.entry(chosen.model).basis.name
    return sorted((each for each in every if each.basis == basis or chosen.flame), key=lambda each: each.name)
