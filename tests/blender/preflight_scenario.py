# SPDX-License-Identifier: GPL-3.0-or-later
"""Every known reason why keys do not show, made on purpose: it is named, and its fix makes the lips move.

python preflight_scenario.py ZIP FOLDER        writes one JSON line per check to FOLDER/report.jsonl
"""

from __future__ import annotations

import io
import json
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import scenario
from scenario import (
    FOLDER,
    add_strip,
    check,
    evaluated_points,
    head_objects,
    installed,
    new_file,
    refused,
    room,
    speech,
    use_model,
)

scenario.CHECKS.clear()


def keyed():
    """A head with speech on it; the subdivision is switched off, for speed."""
    installed()
    scene = new_file()
    bpy.ops.artalk.new_head()
    use_model()
    add_strip(scene, speech(1.0))
    mesh, rig = head_objects()
    mesh.modifiers["Subdivision"].show_viewport = False
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    assert not bpy.context.window_manager.artalk.failed, bpy.context.window_manager.artalk.message
    return scene, mesh, rig, mesh.data.shape_keys


def refresh(*datablocks):
    """What a click in the interface does of itself: have Blender notice a change."""
    for datablock in datablocks:
        datablock.update_tag()
        action = room("artalk_addon.compat").action_of(datablock)
        if action is not None:
            action.update_tag()


def lip_span(scene, mesh):
    """How far the lips' gap changes over the speech, mm, on the evaluated mesh: the truth, by another way."""
    lips = room("core.heads.default_head").load().lips
    gaps = []
    for frame in range(1, 25, 2):
        scene.frame_set(frame)
        at = evaluated_points(mesh)
        if not len(at):
            return 0.0
        gaps.append(1000 * np.linalg.norm(at[lips[:, 0]] - at[lips[:, 1]], axis=1).max())
    return float(np.ptp(gaps))


def named_and_mended(scene, mesh, cause, words=(), *, still=True):
    """The cause is found, said in one sentence and mended by the panel's button, after which the lips move."""
    preflight = room("artalk_addon.preflight")
    refresh(mesh, mesh.data.shape_keys, mesh.parent)
    if still:
        assert lip_span(scene, mesh) < 1, "it should not move"
        wrong = preflight.what_is_wrong(scene, mesh)
        assert bpy.ops.artalk.check_movement() == {"FINISHED"}
        assert bpy.context.window_manager.artalk.failed, (wrong, bpy.context.window_manager.artalk.message)
    else:
        wrong = preflight.obstacles(mesh)
    assert [obstacle.cause for obstacle in wrong] == [cause], wrong
    for word in (mesh.name, *words):
        assert word in wrong[0].sentence, wrong[0].sentence
    assert wrong[0].sentence.endswith("."), wrong[0].sentence
    assert wrong[0].button
    assert bpy.ops.artalk.mend(cause=cause) == {"FINISHED"}
    assert lip_span(scene, mesh) > 5, "mended, it should move"
    assert preflight.what_is_wrong(scene, mesh) == []
    assert preflight.obstacles(mesh) == []
    return wrong[0].sentence


@check
def the_report_for_a_bug_says_what_is_asked_first():
    _, _, _, keys = keyed()
    keys.key_blocks["jawOpen"].mute = True
    said = dict(line.split(": ", 1) for line in room("artalk_addon.bug_report").text(bpy.context).splitlines())
    assert said["Blender"].startswith(bpy.app.version_string)
    assert said["numpy"] == np.__version__
    assert said["artalk"].count(".") == 2
    assert said["last message"] == bpy.context.window_manager.artalk.message
    assert "52 shapes" in said["character"]
    assert not said["character"].endswith("nothing"), said["character"]
    assert bpy.ops.artalk.copy_report() == {"FINISHED"}
    new_file()
    assert "There is no character" in room("artalk_addon.bug_report").text(bpy.context)


@check
def a_new_head_moves_and_nothing_is_in_the_way():
    scene, mesh, _, _ = keyed()
    scene.frame_set(7, subframe=0.25)
    assert room("artalk_addon.preflight").obstacles(mesh) == []
    assert room("artalk_addon.preflight").what_is_wrong(scene, mesh) == []
    assert (scene.frame_current, scene.frame_subframe) == (7, 0.25)
    assert lip_span(scene, mesh) > 5
    assert bpy.ops.artalk.check_movement() == {"FINISHED"}
    assert "move" in bpy.context.window_manager.artalk.message


@check
def turning_the_head_alone_is_no_movement_of_the_lips():
    scene, mesh, _, keys = keyed()
    for key in keys.key_blocks[1:]:
        key.mute = True
    return named_and_mended(scene, mesh, "muted_shape", ["49 more"])


@check
def before_generating_it_is_said_too():
    installed()
    scene = new_file()
    bpy.ops.artalk.new_head()
    use_model()
    add_strip(scene, speech(1.0))
    mesh, _ = head_objects()
    mesh.data.shape_keys.use_relative = False
    assert [o.cause for o in room("artalk_addon.seen").character(bpy.context).obstacles] == ["absolute"]
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    state = bpy.context.window_manager.artalk
    assert state.failed
    assert "do not move" in state.message
    assert state.cause == "absolute"
    assert bpy.ops.artalk.mend(cause=state.cause) == {"FINISHED"}
    assert not state.failed
    assert not state.cause
    assert lip_span(scene, mesh) > 5


@check
def relative_shape_keys_off():
    scene, mesh, _, keys = keyed()
    keys.use_relative = False
    return named_and_mended(scene, mesh, "absolute")


@check
def show_only_this_shape_key():
    scene, mesh, _, _ = keyed()
    mesh.show_only_shape_key = True
    mesh.active_shape_key_index = 0
    return named_and_mended(scene, mesh, "pinned")


@check
def shape_keys_relative_to_themselves():
    scene, mesh, _, keys = keyed()
    for name in ("jawOpen", "mouthClose"):
        keys.key_blocks[name].relative_key = keys.key_blocks[name]
    return named_and_mended(scene, mesh, "relative_to_itself", ["jawOpen"])


@check
def clamped_slider_range():
    scene, mesh, _, keys = keyed()
    for name in ("jawOpen", "mouthClose"):
        keys.key_blocks[name].slider_max = 0.02
    return named_and_mended(scene, mesh, "slider_range", ["jawOpen"])


@check
def sliders_that_cut_speech_off_are_said_after_generating_with_the_fix():
    _, _, _, keys = keyed()
    keys.key_blocks["jawOpen"].slider_max = 0.5 * max(p.co.y for p in jaw_curve(keys).keyframe_points)
    state = bpy.context.window_manager.artalk
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    assert state.failed
    assert "But not all of it shows. The sliders of 'jawOpen'" in state.message, state.message
    assert "1 line" in state.message or "keys" in state.message, state.message
    events = io.StringIO()
    with redirect_stdout(events):
        assert room("artalk_addon.command").run(["generate", "--strip", "speech_1"]) == 0
    events = [json.loads(line) for line in events.getvalue().splitlines()]
    assert [event.get("cause") for event in events] == [None, "slider_range"], events
    assert events[0]["moves"]
    assert bpy.ops.artalk.check_movement() == {"FINISHED"}
    assert state.cause == "slider_range"
    assert bpy.ops.artalk.mend(cause=state.cause) == {"FINISHED"}
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    assert not state.failed, state.message


def jaw_curve(keys):
    return scenario.curves(keys)['key_blocks["jawOpen"].value', 0]


@check
def scaled_to_nothing():
    _, _, rig, _ = keyed()
    bpy.context.window_manager.artalk.message = ""
    rig.scale = (0, 0, 0)
    bpy.context.view_layer.update()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sentence = refused([rig.name, "scaled to 0", "size"])
    assert bpy.ops.artalk.mend(cause="scaled_away") == {"FINISHED"}
    assert rig.scale[:] == (1, 1, 1)
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    assert not bpy.context.window_manager.artalk.failed
    return sentence


@check
def driven_channel():
    scene, mesh, _, keys = keyed()
    for name in ("jawOpen", "mouthClose"):
        keys.key_blocks[name].driver_add("value").driver.expression = "0.1"
    refused(["jawOpen", "driven"])
    sentence = named_and_mended(scene, mesh, "driven", ["jawOpen"])
    assert bpy.ops.artalk.generate() == {"FINISHED"}, "a muted driver is no hindrance"
    return sentence


@check
def locked_curve():
    scene, mesh, _, keys = keyed()
    scenario.curves(keys)['key_blocks["jawOpen"].value', 0].lock = True
    refused(["locked"])
    return named_and_mended(scene, mesh, "locked_curve", still=False)


@check
def muted_curve():
    scene, mesh, _, keys = keyed()
    found = scenario.curves(keys)
    found['key_blocks["jawOpen"].value', 0].mute = found['key_blocks["mouthClose"].value', 0].mute = True
    return named_and_mended(scene, mesh, "muted_curve")


def push_down(keys):
    """The action becomes an NLA strip, as its button does it."""
    action = keys.animation_data.action
    track = keys.animation_data.nla_tracks.new()
    strip = track.strips.new("speech", 1, action)
    keys.animation_data.action = None
    return track, strip


@check
def speech_in_a_playing_nla_strip_is_left_alone():
    scene, mesh, _, keys = keyed()
    push_down(keys)
    refresh(mesh, keys)
    assert lip_span(scene, mesh) > 5
    assert room("artalk_addon.preflight").what_is_wrong(scene, mesh) == []


@check
def muted_nla_track():
    scene, mesh, _, keys = keyed()
    track, _ = push_down(keys)
    track.mute = True
    return _mended_in_the_nla(scene, mesh)


@check
def muted_nla_strip():
    scene, mesh, _, keys = keyed()
    _, strip = push_down(keys)
    strip.mute = True
    return _mended_in_the_nla(scene, mesh)


def _mended_in_the_nla(scene, mesh):
    preflight = room("artalk_addon.preflight")
    refresh(mesh, mesh.data.shape_keys)
    wrong = preflight.what_is_wrong(scene, mesh)
    assert [obstacle.cause for obstacle in wrong] == ["nla_muted"], wrong
    assert lip_span(scene, mesh) < 1
    assert bpy.ops.artalk.mend(cause="nla_muted") == {"FINISHED"}
    assert lip_span(scene, mesh) > 5
    return wrong[0].sentence


def other_strip(keys):
    """An NLA strip of another action, which holds the mouth still."""
    speech_action = keys.animation_data.action
    keys.animation_data.action = bpy.data.actions.new("other")
    for name in ("jawOpen", "mouthClose"):
        keys.keyframe_insert(f'key_blocks["{name}"].value', frame=1)
    track = keys.animation_data.nla_tracks.new()
    track.strips.new("other", 1, keys.animation_data.action)
    keys.animation_data.action = speech_action
    return track


@check
def another_nla_track_plays_alone():
    scene, mesh, _, keys = keyed()
    other_strip(keys).is_solo = True
    return named_and_mended(scene, mesh, "nla_solo")


@check
def action_influence_0():
    scene, mesh, _, keys = keyed()
    keys.animation_data.action_influence = 0.0
    assert room("artalk_addon.preflight").obstacles(mesh) == [], "without the NLA it has no effect"
    other_strip(keys)
    keys.animation_data.action_influence = 0.0
    return named_and_mended(scene, mesh, "influence", ["0"])


@check
def tweak_mode_keeps_the_action_from_being_changed():
    keys = keyed()[3]
    track, strip = push_down(keys)
    track.select = strip.select = True
    keys.animation_data.nla_tracks.active = track
    keys.animation_data.use_tweak_mode = True
    if not keys.animation_data.use_tweak_mode:
        return "skipped: this Blender does not enter tweak mode from a script"
    return refused(["NLA", "tweak mode"])


@check
def wrong_slot():
    scene, mesh, _, keys = keyed()
    action = keys.animation_data.action
    if not hasattr(action, "slots"):
        return "skipped: actions have no slots in this Blender"
    keys.animation_data.action_slot = action.slots.new(id_type="KEY", name="empty")
    return named_and_mended(scene, mesh, "wrong_slot", [action.name])


@check
def no_slot():
    scene, mesh, _, keys = keyed()
    if not hasattr(keys.animation_data, "action_slot"):
        return "skipped: actions have no slots in this Blender"
    keys.animation_data.action_slot = None
    return named_and_mended(scene, mesh, "wrong_slot")


@check
def another_action():
    scene, mesh, _, keys = keyed()
    name = keys.animation_data.action.name
    keys.animation_data.action.use_fake_user = True
    keys.animation_data.action = bpy.data.actions.new("other")
    return named_and_mended(scene, mesh, "other_action", [name])


@check
def shape_keys_of_another_mesh_datablock():
    scene, mesh, _, _ = keyed()
    twin = mesh.copy()
    twin.data = mesh.data.copy()
    twin.name = "twin"
    scene.collection.objects.link(twin)
    twin.data.shape_keys.animation_data_clear()
    scene.artalk.character = twin
    return named_and_mended(scene, twin, "other_mesh", [mesh.data.name, twin.data.name])


@check
def shape_keys_of_other_names():
    _, mesh, _, keys = keyed()
    found = scenario.curves(keys)
    for name in ("jawOpen", "mouthClose"):
        found[f'key_blocks["{name}"].value', 0].data_path = f'key_blocks["{name}_old"].value'
    owned = keys.animation_data.action["artalk"]
    keys.animation_data.action["artalk"] = owned.replace("jawOpen", "jawOpen_old").replace("Close", "Close_old")
    wrong = room("artalk_addon.preflight").obstacles(mesh)
    assert [obstacle.cause for obstacle in wrong] == ["name_mismatch"]
    assert "jawOpen_old" in wrong[0].sentence
    assert wrong[0].mend is None
    return wrong[0].sentence


@check
def hidden_armature_modifier():
    scene, mesh, _, _ = keyed()
    mesh.modifiers["Armature"].show_viewport = False
    return named_and_mended(scene, mesh, "hidden_modifier", ["Armature"], still=False)


@check
def armature_in_rest_position():
    scene, mesh, rig, _ = keyed()
    rig.data.pose_position = "REST"
    return named_and_mended(scene, mesh, "rest_position", [], still=False)


@check
def a_cache_plays_in_place_of_the_shapes():
    scene, mesh, _, _ = keyed()
    bpy.context.view_layer.objects.active = mesh
    cache = mesh.modifiers.new("cached", "MESH_CACHE")
    cache.cache_format, cache.filepath = "PC2", str(still_cache(mesh))
    return named_and_mended(scene, mesh, "cache", ["cached"])


def still_cache(mesh):
    import struct

    at = np.empty((len(mesh.data.vertices), 3), np.float32)
    mesh.data.vertices.foreach_get("co", at.ravel())
    path = FOLDER / "still.pc2"
    path.write_bytes(struct.pack("<12siiffi", b"POINTCACHE2\0", 1, len(at), 1.0, 1.0, 1) + at.tobytes())
    return path


@check
def hidden_object():
    scene, mesh, _, _ = keyed()
    mesh.hide_viewport = True
    return named_and_mended(scene, mesh, "hidden")


@check
def collection_that_is_switched_off():
    scene, mesh, rig, _ = keyed()
    heads, faces = bpy.data.collections.new("heads"), bpy.data.collections.new("faces")
    scene.collection.children.link(heads)
    heads.children.link(faces)
    for item in (mesh, rig):
        for old in item.users_collection:
            old.objects.unlink(item)
        faces.objects.link(item)
    outer = bpy.context.view_layer.layer_collection.children["heads"]
    assert room("artalk_addon.preflight").obstacles(mesh) == []
    outer.exclude = True
    named_and_mended(scene, mesh, "collection", ["heads"])
    heads.hide_viewport = True
    return named_and_mended(scene, mesh, "collection", ["heads"])


@check
def edit_mode():
    scene, mesh, _, _ = keyed()
    bpy.context.view_layer.objects.active = mesh
    bpy.ops.object.mode_set(mode="EDIT")
    return named_and_mended(scene, mesh, "edit_mode")


@check
def linked_data():
    installed()
    new_file()
    bpy.ops.artalk.new_head()
    library = FOLDER / "preflight_library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    scene = new_file()
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.objects = ["artalk head", "artalk head rig"]
    for item in wanted.objects:
        scene.collection.objects.link(item)
    wrong = room("artalk_addon.preflight").obstacles(bpy.data.objects["artalk head"])
    assert [(obstacle.cause, obstacle.blocks) for obstacle in wrong] == [("linked", True)]
    return wrong[0].sentence


@check
def without_any_keys_it_says_generate():
    installed()
    scene = new_file()
    bpy.ops.artalk.new_head()
    mesh, _ = head_objects()
    wrong = room("artalk_addon.preflight").what_is_wrong(scene, mesh)
    assert [obstacle.cause for obstacle in wrong] == ["no_keys"]


@check
def names_are_read_from_data_paths_as_they_are():
    quoted, escape = room("artalk_addon.keyframes").quoted, room("artalk_addon.plan").escape
    for name in ("jawOpen", 'say "A"', "back\\slash", '\\"', "]"):
        assert quoted(f'key_blocks["{escape(name)}"].value[0]') == name
    assert quoted("location[2]") == ""


@check
def a_fix_that_is_not_needed_says_so():
    keyed()
    message = ""
    try:
        bpy.ops.artalk.mend(cause="absolute")
    except RuntimeError as error:
        message = str(error)
    assert "nothing to fix" in message


if __name__ == "__main__":
    scenario.main()
