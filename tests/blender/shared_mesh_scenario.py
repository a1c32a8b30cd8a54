# SPDX-License-Identifier: GPL-3.0-or-later
"""Two characters that show one mesh: said before generating, refused where one's speech would go, mended by a button.

python shared_mesh_scenario.py ZIP FOLDER        writes one JSON line per check to FOLDER/report.jsonl
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import scenario
from scenario import add_strip, check, curves, head_objects, installed, new_file, refused, room, speech, use_model

scenario.CHECKS.clear()
JAW = ('key_blocks["jawOpen"].value', 0)


def twins():
    """A head and its linked duplicate on a rig of its own, the head chosen in the panel."""
    installed()
    scene = new_file()
    bpy.ops.artalk.new_head()
    use_model()
    add_strip(scene, speech(2.0), 11)
    head, rig = head_objects()
    return scene, head, duplicate(scene, head, rig)


def duplicate(scene, head, rig):
    twin, own_rig = head.copy(), rig.copy()
    for each in (twin, own_rig):
        scene.collection.objects.link(each)
    twin.name, twin.parent, twin.modifiers["Armature"].object = "Twin", own_rig, own_rig
    scene.artalk.character = head
    bpy.context.view_layer.update()
    return twin


def shared(item):
    found = [each for each in room("artalk_addon.preflight").obstacles(item) if each.cause == "shared_mesh"]
    return found[0] if found else None


def jaw(item):
    return np.array([tuple(point.co) for point in curves(item.data.shape_keys)[JAW].keyframe_points])


@check
def it_is_said_before_generating_and_who_comes_second_is_refused():
    scene, head, twin = twins()
    assert "'artalk head' and 'Twin' share one mesh and speak alike" in shared(head).sentence
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    spoken = jaw(head)
    assert not shared(head).blocks, "they may speak alike"
    scene.artalk.character = twin
    assert shared(twin).blocks
    refused(["'Twin' and 'artalk head' share one mesh", "single-user"])
    np.testing.assert_array_equal(jaw(head), spoken)


@check
def the_button_lets_each_speak():
    scene, head, twin = twins()
    bpy.ops.artalk.generate()
    spoken = jaw(head)
    scene.artalk.character = twin
    assert bpy.ops.artalk.mend(cause="shared_mesh") == {"FINISHED"}
    assert twin.data != head.data
    assert shared(head) is None
    assert shared(twin) is None
    assert not curves(twin.data.shape_keys), "silent, as the speech was the other's"
    scene.frame_set(25)
    assert max(key.value for key in twin.data.shape_keys.key_blocks[1:]) == 0
    add_strip(scene, speech(1.0), 101, 2)
    for strip in room("artalk_addon.compat").all_strips(scene):
        strip.select = strip.channel == 2
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    said = bpy.context.window_manager.artalk.message
    assert "edits" not in said, said
    np.testing.assert_array_equal(jaw(head), spoken)
    assert jaw(twin)[:, 0].min() > 80


@check
def pressed_on_who_speaks_already_the_other_falls_silent():
    _scene, head, twin = twins()
    bpy.ops.artalk.generate()
    spoken = jaw(head)
    assert bpy.ops.artalk.mend(cause="shared_mesh") == {"FINISHED"}
    np.testing.assert_array_equal(jaw(head), spoken)
    assert not curves(twin.data.shape_keys)


@check
def an_action_with_keys_of_the_artist_is_copied_without_the_speech():
    scene, head, twin = twins()
    head.shape_key_add(name="Dimple", from_mix=False).keyframe_insert("value", frame=5)
    bpy.ops.artalk.generate()
    spoken = jaw(head)
    scene.artalk.character = twin
    bpy.ops.artalk.mend(cause="shared_mesh")
    left = {name for (name, _), curve in curves(twin.data.shape_keys).items() if len(curve.keyframe_points)}
    assert left == {'key_blocks["Dimple"].value'}, left
    assert not room("artalk_addon.generation").lines_of(room("artalk_addon.rigs").describe(twin))
    np.testing.assert_array_equal(jaw(head), spoken)


@check
def one_copied_with_its_speech_keeps_it_and_moves_by_its_own_keys():
    scene, head, _ = twins()
    bpy.data.objects.remove(bpy.data.objects["Twin"])
    bpy.ops.artalk.generate()
    spoken = jaw(head)
    twin = duplicate(scene, *head_objects())
    scene.artalk.character = twin
    assert not shared(twin).blocks
    bpy.ops.artalk.mend(cause="shared_mesh")
    np.testing.assert_array_equal(jaw(twin), spoken)
    compat = room("artalk_addon.compat")
    assert compat.action_of(twin.data.shape_keys) != compat.action_of(head.data.shape_keys)
    assert compat.action_of(twin.parent) != compat.action_of(head.parent)


@check
def two_roles_of_one_mesh_are_refused():
    scene, head, twin = twins()
    for item in (head, twin):
        role = scene.artalk.roles.add()
        role.character = item
    for item in (head, twin):
        assert shared(item).blocks
    refused(["share one mesh", "single-user"])


if __name__ == "__main__":
    scenario.main()
