# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between Blender 4.2 LTS and 5.x, in one place. Every other room speaks the newest way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

# Any stands where no single type exists across the versions (SoundSequence became SoundStrip, F-curves moved).
Strip = Any
FCurve = Any


def scene(context: bpy.types.Context) -> bpy.types.Scene:
    """The window's scene, which is always there."""
    assert context.scene is not None
    return context.scene


def sequencer_scene(context: bpy.types.Context) -> bpy.types.Scene:
    """The scene whose strips the sequencer shows: its own choice since 5.0, the window's scene before."""
    return getattr(context, "sequencer_scene", None) or scene(context)


def ensure_strips(scene: bpy.types.Scene) -> Any:
    """The collection of top-level strips, made when the scene has no sequencer yet."""
    editor: Any = scene.sequence_editor or scene.sequence_editor_create()
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def strips_in_view(scene: bpy.types.Scene) -> list[Strip]:
    """The strips that the sequencer shows now: those of the open meta strip, else the top level."""
    editor: Any = scene.sequence_editor
    if editor is None:
        return []
    holder = editor.meta_stack[-1] if editor.meta_stack else editor
    return list(holder.strips if hasattr(holder, "strips") else holder.sequences)


def all_strips(scene: bpy.types.Scene) -> list[Strip]:
    """All strips of a scene, those inside meta strips too."""
    editor: Any = scene.sequence_editor
    if editor is None:
        return []
    return list(editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all)


@dataclass(frozen=True)
class StripTiming:
    """Where a strip lies, in frames of its scene.

    left, right:   first frame heard and the frame after the last
    content_start: where its content begins, trimmed away or not
    trim:          frames of the content removed for good before `content_start` (hard trim)
    """

    left: float
    right: float
    content_start: float
    trim: float


def strip_timing(strip: Strip) -> StripTiming:
    """Timing by the names of 5.2 where they exist (the old ones go with 6.0), else by the old ones."""
    if hasattr(strip, "left_handle"):
        return StripTiming(strip.left_handle, strip.right_handle, strip.content_start, strip.content_trim_start)
    return StripTiming(strip.frame_final_start, strip.frame_final_end, strip.frame_start, strip.animation_offset_start)


def sound_offset(strip: Strip) -> float:
    """Seconds by which a sound begins later than its strip's content; 4.2 does not have this yet."""
    return float(getattr(strip, "sound_offset", 0.0))


def is_retimed(strip: Strip) -> bool:
    """Whether a strip has keys of its playing speed; strips of builds without sound cannot have any."""
    return len(getattr(strip, "retiming_keys", ())) > 0


def meta_parents(strip: Strip) -> list[Strip]:
    """The meta strips that a strip lies in, the innermost first."""
    found: list[Strip] = []
    parent = strip.parent_meta()
    while parent is not None:
        found.append(parent)
        parent = parent.parent_meta()
    return found


def strips_of_meta(meta: Strip) -> list[Strip]:
    """The strips directly in a meta strip."""
    return list(meta.strips if hasattr(meta, "strips") else meta.sequences)


def channel(strip: Strip) -> Any:
    """The channel that a strip lies on, with its name and whether it is muted."""
    holder = strip.parent_meta() or strip.id_data.sequence_editor
    return holder.channels[strip.channel]


def channels(scene: bpy.types.Scene) -> list[Any]:
    """All channels of a scene's sequencer, those in meta strips too."""
    editor: Any = scene.sequence_editor
    holders = [editor, *(strip for strip in all_strips(scene) if strip.type == "META")]
    return [each for holder in holders for each in holder.channels]


def assign_action(datablock: bpy.types.ID, action: bpy.types.Action, slot: int = 0) -> None:
    """Put an action on a datablock, with a slot by its handle; layered actions get theirs with the first curve else."""
    owner: Any = datablock
    data = owner.animation_data or owner.animation_data_create()
    data.action = action
    if slot:
        data.action_slot = _slot(action, slot)


def share_action(datablock: bpy.types.ID, other: bpy.types.ID) -> None:
    """Have a datablock move by the action of another one of its kind, and by the same slot of it."""
    source: Any = datablock
    assign_action(other, source.animation_data.action)
    if hasattr(source.animation_data, "action_slot"):
        target: Any = other
        target.animation_data.action_slot = source.animation_data.action_slot


def action_of(datablock: bpy.types.ID) -> bpy.types.Action | None:
    """The action that animates a datablock, if any."""
    owner: Any = datablock
    animation = owner.animation_data
    return animation.action if animation else None


def fcurves_of(datablock: bpy.types.ID) -> list[FCurve]:
    """The curves of a datablock's action, those of its own slot where actions have slots."""
    action: Any = action_of(datablock)
    if action is None:
        return []
    if not hasattr(action, "layers"):
        return list(action.fcurves)
    bag = _channelbag(datablock, action)
    return list(bag.fcurves) if bag else []


def refresh_animation(datablock: Any) -> None:
    """Have Blender see that other curves count now: a track unmuted by a script is not noticed of itself."""
    data = datablock.animation_data
    if data is not None and not data.use_tweak_mode:
        data.action = data.action
    datablock.update_tag()


def slot_with(action: Any, data_paths: set[str]) -> Any:
    """The slot of an action that holds curves of any of these paths; the action itself where there are no slots."""
    if not hasattr(action, "layers"):
        return action if any(curve.data_path in data_paths for curve in action.fcurves) else None
    for slot in action.slots:
        bags = [strip.channelbag(slot) for layer in action.layers for strip in layer.strips]
        if any(curve.data_path in data_paths for bag in bags if bag for curve in bag.fcurves):
            return slot
    return None


def choose_slot(datablock: Any, slot: Any) -> None:
    """Have a datablock play one slot of its action; nothing to choose where there are no slots."""
    if hasattr(datablock.animation_data, "action_slot"):
        datablock.animation_data.action_slot = slot


def ensure_fcurve(datablock: bpy.types.ID, data_path: str, index: int, group: str) -> FCurve:
    """The curve of one property in the datablock's action, made with its group (and layer and slot) when new."""
    action: Any = action_of(datablock)
    if not hasattr(action, "fcurve_ensure_for_datablock"):
        found = action.fcurves.find(data_path, index=index)
        return found or action.fcurves.new(data_path, index=index, action_group=group)
    curve = action.fcurve_ensure_for_datablock(datablock, data_path, index=index)
    _give_group(curve, _channelbag(datablock, action), group)
    return curve


def ensure_fcurve_in(action: Any, slot: int, data_path: str, index: int, group: str) -> FCurve:
    """The same in an action that nothing plays, for the slot of this handle."""
    if not slot:
        found = action.fcurves.find(data_path, index=index)
        return found or action.fcurves.new(data_path, index=index, action_group=group)
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    bag = strip.channelbag(_slot(action, slot), ensure=True)
    curve = bag.fcurves.find(data_path, index=index) or bag.fcurves.new(data_path, index=index)
    _give_group(curve, bag, group)
    return curve


def _give_group(curve: FCurve, bag: Any, group: str) -> None:
    if curve.group is None:
        curve.group = bag.groups.get(group) or bag.groups.new(group)


def slot_handle(datablock: Any) -> int | None:
    """The handle of the slot that a datablock plays, which a copy of its action has as well.

    0 where actions have no slots, None where the datablock plays none.
    """
    data = datablock.animation_data
    if data is None or not hasattr(data, "action_slot"):
        return 0
    return data.action_slot.handle if data.action_slot else None


def new_slot(action: Any, datablock: bpy.types.ID) -> int:
    """Make a slot for a datablock; returns its handle, 0 where actions have no slots."""
    if not hasattr(action, "slots"):
        return 0
    return int(action.slots.new(id_type=datablock.id_type, name=datablock.name).handle)


def _slot(action: Any, handle: int) -> Any:
    return next(slot for slot in action.slots if slot.handle == handle)


def _channelbag(datablock: Any, action: Any) -> Any:
    slot = datablock.animation_data.action_slot
    bags = [strip.channelbag(slot) for layer in action.layers for strip in layer.strips] if slot else []
    return next((bag for bag in bags if bag), None)


def give_nodes(owner: bpy.types.Material | bpy.types.World) -> bpy.types.NodeTree:
    """The node tree of a material or world; always there from 5.0 on, switched on before."""
    if bpy.app.version < (5, 0, 0):
        owner.use_nodes = True
    tree = owner.node_tree
    assert tree is not None
    return tree


def new_driver(owner: Any, path: str, index: int = -1) -> Any:
    """The driver of a property, whose result is taken as it is.

    Since 5.0 a new driver passes its result through a curve with keys at 0 and 1, and keys catch what is nearer than
    1e-4: small results became 0.
    """
    curve = owner.driver_add(path, index)
    curve.keyframe_points.clear()
    for modifier in list(curve.modifiers):
        curve.modifiers.remove(modifier)
    return curve.driver
