# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters in several meshes: face, teeth, brows and beard move by the same keys.

python meshes_scenario.py ZIP FOLDER        writes one JSON line per check to FOLDER/report.jsonl
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import scenario
from scenario import (
    FOLDER,
    add_strip,
    check,
    curves,
    head_objects,
    installed,
    new_file,
    noise,
    room,
    use_model,
)
from scenario import write_wav as write

scenario.CHECKS.clear()
JAW = ('key_blocks["jawOpen"].value', 0)


def part(name, rig, shapes, points=4):
    """A mesh on the armature with some shape keys that lift it by 1."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(0.1 * n, 0, 0) for n in range(points)], [], [])
    item = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(item)
    item.parent = rig
    item.shape_key_add(name="Basis", from_mix=False)
    for shape in shapes:
        key = item.shape_key_add(name=shape, from_mix=False)
        key.value = 0.0
        for point in key.data:
            point.co.z += 1.0
    return item


def character():
    """A head with a strip, and three more meshes: teeth, a beard with drivers, a hat without shapes of the face."""
    installed()
    scene = new_file()
    bpy.ops.artalk.new_head()
    use_model()
    head, rig = head_objects()
    teeth = part("Teeth", rig, [key.name for key in head.data.shape_keys.key_blocks][1:])
    beard = part("Beard", rig, ["jawOpen"])
    beard.data.shape_keys.key_blocks["jawOpen"].driver_add("value")
    hat = part("Hat", rig, ["brim"])
    add_strip(scene, write(FOLDER / "talk.wav", noise(2.0)), 11)
    return scene, head, teeth, beard, hat


def height(item, frame):
    """How far a part is lifted on the evaluated mesh."""
    bpy.context.scene.frame_set(frame)
    evaluated = item.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return evaluated.data.vertices[0].co.z


@check
def all_meshes_of_a_character_move_by_the_same_keys():
    scene, head, teeth, beard, hat = character()
    scene.artalk.character = head
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    said = bpy.context.window_manager.artalk.message
    assert "Teeth moves along by the same keys" in said, said
    curve = curves(head.data.shape_keys)[JAW]
    for frame in (15, 22, 40):
        wanted = sum(key.value for key in head.data.shape_keys.key_blocks[1:]) if scene.frame_set(frame) is None else 0
        assert abs(height(teeth, frame) - wanted) < 1e-4, (frame, height(teeth, frame), wanted)
        assert abs(head.data.shape_keys.key_blocks["jawOpen"].value - curve.evaluate(frame)) < 1e-6
    assert beard.data.shape_keys.animation_data.action is None, "its drivers are its own"
    assert hat.data.shape_keys.animation_data is None


@check
def hand_edits_and_sliders_move_all_meshes_also_after_reopening():
    scene, head, teeth, _beard, _hat = character()
    scene.artalk.character = head
    bpy.ops.artalk.generate()
    path = FOLDER / "meshes.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    head, teeth = head_objects()[0], bpy.data.objects["Teeth"]
    before = height(teeth, 22)
    head.artalk.jaw = 0.0
    assert height(teeth, 22) < before - 0.2
    head.artalk.jaw = 1.0
    curve = curves(head.data.shape_keys)[JAW]
    point = next(p for p in curve.keyframe_points if abs(p.co.x - 22) < 1e-3)
    point.co.y += 0.25
    curve.update()
    assert abs(height(teeth, 22) - before - 0.25) < 1e-4
    assert bpy.ops.artalk.regenerate() == {"FINISHED"}
    assert abs(height(teeth, 22) - before - 0.25) < 1e-4
    assert "along" not in bpy.context.window_manager.artalk.message, "said once"


@check
def the_face_is_found_among_the_meshes_and_an_action_of_ones_own_is_left_alone():
    scene, head, teeth, _beard, _hat = character()
    scene.artalk.character = None
    bpy.context.view_layer.objects.active = None
    own = bpy.data.actions.new("mine")
    room("artalk_addon.compat").assign_action(teeth.data.shape_keys, own)
    assert room("artalk_addon.rigs").find_character(scene, None) == head
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    assert teeth.data.shape_keys.animation_data.action == own
    assert np.allclose(height(teeth, 22), 0)


@check
def without_an_armature_parts_of_one_face_lie_together_and_two_characters_do_not():
    scene, head, *_ = character()
    empty = bpy.data.objects.new("Cast", None)
    scene.collection.objects.link(empty)
    names = [key.name for key in head.data.shape_keys.key_blocks][1:]
    face, brows, other = (part(name, empty, names, 8 - n) for n, name in enumerate(("Face", "Brows", "Other")))
    other.location.x = 5.0
    bpy.context.view_layer.update()
    scene.artalk.character = face
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    assert abs(height(brows, 22) - height(face, 22)) < 1e-5
    assert height(face, 22) > 0.3
    assert other.data.shape_keys.animation_data is None


if __name__ == "__main__":
    scenario.main()
