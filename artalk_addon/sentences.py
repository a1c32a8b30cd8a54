# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences in a panel, in the user's language and over as many lines as they need."""

import textwrap
from typing import Any

import bpy

from .translations import told

_MARGIN, _LETTER = 75, 6.2  # pixels of a panel beside a label, and of a letter, at a scale of 1


def draw_sentence(layout: bpy.types.UILayout, context: bpy.types.Context, sentence: str, icon: Any) -> None:
    """A sentence over as many lines as it needs: Blender's labels do not wrap."""
    letters = int((context.region.width / context.preferences.system.ui_scale - _MARGIN) / _LETTER)
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(textwrap.wrap(told(sentence), max(20, letters))):
        column.label(text=line, icon=icon if number == 0 else "BLANK1")
