# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons about hand edits, layers and lines: show my edits, drop them, presets, remove lines."""

import bpy
import numpy as np
from bpy.props import EnumProperty

from ..core.polish.presets import PRESETS
from . import compat, generation, keyframes, layers, rigs, strips
from .edits import Edits, stretches
from .panel_bases import OnCharacter

_LISTED = 4


class ARTALK_OT_show_edits(OnCharacter):
    """Select the keys that you have changed on generated curves, and say where they are"""

    bl_idname = "artalk.show_edits"
    bl_label = "Show My Edits"
    bl_options = {"REGISTER", "UNDO"}

    def _on(self, _context: bpy.types.Context, item: bpy.types.Object) -> str:
        found: dict[str, list[Edits]] = {}
        for _line, changes in generation.edits_of(item):
            for name, change in changes.items():
                found.setdefault(name, []).append(change)
        _select(item, found)
        return _listed(item, found)


class ARTALK_OT_drop_edits(OnCharacter):
    """Give generated curves back the keys that artalk made; undo brings your changes back"""

    bl_idname = "artalk.drop_edits"
    bl_label = "Drop My Edits"
    bl_options = {"REGISTER", "UNDO"}

    where: EnumProperty(
        name="Where",
        items=(
            ("HERE", "Here", "Where your changes run over the current frame"),
            ("ALL", "Everywhere", "On all lines of the character"),
        ),
    )

    def _on(self, context: bpy.types.Context, item: bpy.types.Object) -> str:
        frame = float(compat.scene(context).frame_current) if self.where == "HERE" else None
        count = generation.drop_edits(item, frame)
        where = "at this frame" if frame is not None else "everywhere"
        return f"{count} curve{'s' if count != 1 else ''} of '{item.name}' as generated again {where}."


class ARTALK_OT_preset(OnCharacter):
    """Set the amounts of all layers at once; the curves follow, and your edits stay"""

    bl_idname = "artalk.preset"
    bl_label = "Preset"
    bl_options = {"REGISTER", "UNDO"}

    name: EnumProperty(name="Preset", items=[(name, name, "") for name in PRESETS])

    def _on(self, _context: bpy.types.Context, item: bpy.types.Object) -> str:
        layers.apply_preset(item, self.name)
        return f"'{item.name}' speaks in the manner '{self.name}'."


class ARTALK_OT_follow_sliders(OnCharacter):
    """Bring the curves up to date with the sliders, after keys of the sliders themselves were moved"""

    bl_idname = "artalk.follow_sliders"
    bl_label = "Follow Keyed Sliders"
    bl_options = {"REGISTER", "UNDO"}

    def _on(self, _context: bpy.types.Context, item: bpy.types.Object) -> str:
        count = generation.follow(item)
        return f"{count} line{'s' if count != 1 else ''} of '{item.name}' follow the sliders."


class ARTALK_OT_remove_lines(OnCharacter):
    """Take the speech of strips off the character: its keys, your edits of them, and all that artalk keeps of it"""

    bl_idname = "artalk.remove_lines"
    bl_label = "Remove Lines"
    bl_options = {"REGISTER", "UNDO"}

    which: EnumProperty(
        name="Which",
        items=(
            ("GONE", "Without a Strip", "Lines whose strips have been deleted"),
            ("SELECTED", "Selected Strips", "Lines of the strips that are selected"),
        ),
    )

    def _on(self, context: bpy.types.Context, item: bpy.types.Object) -> str:
        scene = compat.sequencer_scene(context)
        names = None if self.which == "GONE" else {strip.name for strip in strips.selected_sound_strips(scene)}
        count = generation.remove_lines(item, names)
        return f"{count} line{'s' if count != 1 else ''} of '{item.name}' removed."


def _select(item: bpy.types.Object, found: dict[str, list[Edits]]) -> None:
    """Select the changed keys of the changed curves, and no others of the character."""
    for datablock in keyframes.owners(rigs.describe(item)).values():
        for curve in compat.fcurves_of(datablock):
            changes = found.get(keyframes.label(curve.data_path, curve.array_index), [])
            frames = [frame for change in changes for frame in change.frames]
            points = curve.keyframe_points
            co = np.empty((len(points), 2), np.float32)
            points.foreach_get("co", co.ravel())
            chosen = np.isin(co[:, 0], np.array(frames, np.float32))
            for part in ("select_control_point", "select_left_handle", "select_right_handle"):
                points.foreach_set(part, chosen)
            curve.select = bool(changes)


def _listed(item: bpy.types.Object, found: dict[str, list[Edits]]) -> str:
    """Where the edits are, in a sentence."""
    if not found:
        return f"Nothing was changed by hand on the lines of '{item.name}'."
    each = [f"{_short(name)} {_frames(changes)}" for name, changes in found.items()]
    more = f" and {len(each) - _LISTED} more" if len(each) > _LISTED else ""
    curves = f"{len(each)} curve{'s' if len(each) != 1 else ''}"
    return f"You changed {curves} of '{item.name}': {', '.join(each[:_LISTED])}{more}."


def _short(label: str) -> str:
    """The name of the shape or bone in a label."""
    return label.split('"')[1]


def _frames(changes: list[Edits]) -> str:
    runs = [f"{first:g}" if first == last else f"{first:g}–{last:g}" for first, last in stretches(changes)]
    more = f" and {len(runs) - _LISTED} more" if len(runs) > _LISTED else ""
    return f"({', '.join(runs[:_LISTED])}{more})"


_CLASSES = (
    ARTALK_OT_show_edits,
    ARTALK_OT_drop_edits,
    ARTALK_OT_preset,
    ARTALK_OT_follow_sliders,
    ARTALK_OT_remove_lines,
)


register, unregister = bpy.utils.register_classes_factory(_CLASSES)
