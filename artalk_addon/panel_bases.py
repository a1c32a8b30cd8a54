# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels have in common, and the buttons that do something with the panel's character."""

from typing import Any

import bpy

from ..core.errors import InputError
from . import compat, operators
from .properties import state
from .translations import told

Result = Any  # the stubs' set of literals differs from version to version


class TabPanel(bpy.types.Panel):
    """A panel of the tab ARTalk."""

    bl_category = "ARTalk"
    bl_region_type = "UI"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw it all."""
        assert self.layout is not None
        self._draw(self.layout, context)

    def _draw(self, layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
        raise NotImplementedError


class RowList(bpy.types.UIList):
    """A list of which each row is drawn by itself."""

    def draw_item(
        self,
        _context: bpy.types.Context | None,
        layout: bpy.types.UILayout,
        _data: Any,
        item: Any,
        _icon: int | None,
        _active: Any,
        _name: str | None,
        _index: int | None,
        _flag: int | None,
    ) -> None:
        """Draw one row, as Blender calls it."""
        self._draw_row(layout, item)

    def _draw_row(self, layout: bpy.types.UILayout, item: Any) -> None:
        raise NotImplementedError


class OnCharacter(bpy.types.Operator):
    """Does something with the panel's character; bad input becomes one sentence.

    tells_panel: whether what was done, or was wrong, is said under the main button as well as in Blender's report
    """

    tells_panel = True

    def execute(self, context: bpy.types.Context) -> Result:
        """Do it, and say what was done."""
        try:
            sentence = self._on(context, operators.character_of(context, compat.sequencer_scene(context)))
        except InputError as error:
            self._tell(context, str(error), failed=True)
            return {"CANCELLED"}
        self._tell(context, sentence, failed=False)
        return {"FINISHED"}

    def _on(self, context: bpy.types.Context, item: bpy.types.Object) -> str:
        """The work; returns what was done."""
        raise NotImplementedError

    def _tell(self, context: bpy.types.Context, sentence: str, *, failed: bool) -> None:
        if self.tells_panel:
            shown = state(context)
            shown.message, shown.failed = sentence, failed
        self.report({"ERROR" if failed else "INFO"}, told(sentence))
