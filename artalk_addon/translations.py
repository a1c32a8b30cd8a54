# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface in the user's language: labels and tooltips by Blender itself, sentences by `told`."""

import bpy

from .german import GERMAN
from .wording import Wording

_TABLES = {"de": GERMAN}
"""Language, as Blender's locales begin -> English text -> its translation."""
_WORDINGS = {language: Wording(table) for language, table in _TABLES.items()}


def told(words: object) -> str:
    """A sentence for the user, such as an error's, in the language of the interface; English where there is none.

    Blender translates labels and tooltips by itself, but only whole ones: this is for those with names in them.
    """
    language = bpy.app.translations.locale.partition("_")[0] if bpy.app.translations.locale else ""
    wording = _WORDINGS.get(language)
    if wording is None or not bpy.context.preferences.view.use_translate_interface:
        return str(words)
    return wording.translate(str(words))


def register() -> None:
    """Give Blender the tables, each text as a label and as the name of an operator."""
    entries = {
        language: {(context, text): told for text, told in table.items() for context in ("*", "Operator")}
        for language, table in _TABLES.items()
    }
    bpy.app.translations.register(__name__, entries)


def unregister() -> None:
    """Take them away."""
    bpy.app.translations.unregister(__name__)
