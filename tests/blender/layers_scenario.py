# SPDX-License-Identifier: GPL-3.0-or-later
"""Live layers and hand edits: sliders move the curves, and what an artist has changed is still there afterwards.

python layers_scenario.py ZIP FOLDER        writes one JSON line per check to FOLDER/report.jsonl
"""

from __future__ import annotations

import sys
import time
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
BROW = ('key_blocks["browInnerUp"].value', 0)
LABEL = 'key_blocks["browInnerUp"].value[0]'


def sound(name="talk", seconds=2.0, level=0.1):
    return write(FOLDER / f"{name}_{seconds:g}.wav", noise(seconds, level=level))


def spoken(frame=11, seconds=2.0):
    """A head with one line of speech on it."""
    installed()
    scene = new_file()
    bpy.ops.artalk.new_head()
    use_model()
    strip = add_strip(scene, sound(seconds=seconds), frame)
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    mesh, rig = head_objects()
    return scene, strip, mesh, rig


def says_no(words, call, **arguments):
    """An operator refuses with a sentence that has these words."""
    try:
        call(**arguments)
    except RuntimeError as error:
        message = str(error)
    else:
        raise AssertionError("it was not refused")
    assert words in message, message


def brow(mesh):
    return curves(mesh.data.shape_keys)[BROW]


def values(curve):
    return np.array([point.co for point in curve.keyframe_points])


def at(curve, frame):
    return next(point for point in curve.keyframe_points if abs(point.co.x - frame) < 1e-3)


def all_values(*datablocks):
    return {(item.name, *key): values(curve) for item in datablocks for key, curve in curves(item).items()}


def same(one, other, but=()):
    assert set(one) == set(other)
    for key, points in one.items():
        if key[1:] not in but:
            np.testing.assert_allclose(points, other[key], atol=1e-6, err_msg=str(key))


# --- layers ---------------------------------------------------------------------------------------------------------


@check
def a_slider_moves_its_curves_and_back_again():
    _scene, _strip, mesh, rig = spoken()
    before = all_values(mesh.data.shape_keys, rig)
    moved = {"jaw": JAW, "brows": BROW, "head": ('pose.bones["neck"].rotation_euler', 0)}
    for name, key in moved.items():
        setattr(mesh.artalk, name, 0.5)
        owner = rig if "bones" in key[0] else mesh.data.shape_keys
        now = values(curves(owner)[key])[:, 1]
        full = before[owner.name, *key][:, 1]
        assert 0.4 < np.ptp(now) / np.ptp(full) < 0.62, (name, np.ptp(now), np.ptp(full))
        setattr(mesh.artalk, name, 1.0)
        same(all_values(mesh.data.shape_keys, rig), before)
    mesh.artalk.seed = 3
    neck = values(curves(rig)['pose.bones["neck"].rotation_euler', 0])
    assert np.abs(neck - before[rig.name, 'pose.bones["neck"].rotation_euler', 0]).max() > 0.005
    mesh.artalk.mouth_offset = 0.08
    later = values(curves(mesh.data.shape_keys)[JAW])[:, 1]
    inside = slice(12, 45)
    np.testing.assert_allclose(later[14:47], before[mesh.data.shape_keys.name, *JAW][inside, 1], atol=1e-5)


@check
def layers_are_those_of_a_generation_with_the_same_settings():
    """Turned afterwards or generated so: the same keys, also after saving and opening."""
    _scene, _strip, mesh, rig = spoken()
    mesh.artalk.jaw, mesh.artalk.lips, mesh.artalk.smoothing, mesh.artalk.blinks = 1.3, 0.7, 0.4, 0.0
    turned = all_values(mesh.data.shape_keys, rig)
    bpy.ops.artalk.generate()
    same(all_values(mesh.data.shape_keys, rig), turned)
    path = FOLDER / "layers.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    mesh, rig = head_objects()
    assert abs(mesh.artalk.jaw - 1.3) < 1e-6
    mesh.artalk.brows = 0.4
    assert not np.allclose(
        all_values(mesh.data.shape_keys)[mesh.data.shape_keys.name, *BROW], turned[mesh.data.shape_keys.name, *BROW]
    )
    mesh.artalk.brows = 1.0
    same(all_values(mesh.data.shape_keys, rig), turned)


@check
def keys_on_a_slider_change_the_amount_along_the_line():
    _scene, _strip, mesh, _rig = spoken()
    full = values(curves(mesh.data.shape_keys)[JAW])
    for frame, amount in ((20, 1.0), (21, 0.0)):
        mesh.artalk.jaw = amount
        mesh.keyframe_insert("artalk.jaw", frame=frame)
    for point in next(iter(curves(mesh).values())).keyframe_points:
        point.interpolation = "CONSTANT"
    assert bpy.ops.artalk.follow_sliders() == {"FINISHED"}
    now = values(curves(mesh.data.shape_keys)[JAW])
    early, late = (now[:, 0] > 13) & (now[:, 0] < 20), (now[:, 0] > 22) & (now[:, 0] < 50)
    np.testing.assert_allclose(now[early], full[(full[:, 0] > 13) & (full[:, 0] < 20)], atol=1e-5)
    assert np.abs(now[late, 1]).max() < 0.05 < full[full[:, 0] > 22, 1].max()


@check
def presets_set_all_amounts_at_once():
    _scene, _strip, mesh, rig = spoken()
    assert bpy.ops.artalk.preset(name="Mouth only") == {"FINISHED"}
    assert mesh.artalk.head == 0
    assert mesh.artalk.jaw == 1
    assert not values(curves(rig)['pose.bones["neck"].rotation_euler', 0])[:, 1].any()
    bpy.ops.artalk.preset(name="Natural")
    assert mesh.artalk.head == 1


@check
def a_line_comes_from_rest_and_goes_back():
    _scene, _strip, mesh, _rig = spoken(frame=51)
    points = values(curves(mesh.data.shape_keys)[JAW])
    assert points[0, 0] == 45, points[0]
    assert at(curves(mesh.data.shape_keys)[JAW], 110).co.y < 1e-6
    assert abs(points[0, 1]) < 1e-6
    assert abs(points[-1, 1]) < 1e-6
    mesh.artalk.fade_in = mesh.artalk.fade_out = 0.0
    points = values(curves(mesh.data.shape_keys)[JAW])
    assert (points[0, 0], points[-1, 0]) == (51, 100)


@check
def lines_that_are_near_go_over_into_each_other():
    scene, _strip, mesh, rig = spoken(frame=51)
    add_strip(scene, sound("other"), 111, 2)
    bpy.ops.artalk.generate()
    points = values(curves(mesh.data.shape_keys)[JAW])
    assert (points[0, 0], points[-1, 0]) == (45, 198)
    between = points[(points[:, 0] >= 100) & (points[:, 0] <= 112)]
    assert len(between) == 13
    assert np.abs(np.diff(between[:, 1])).max() < 0.2
    nod = values(curves(rig)['pose.bones["neck"].rotation_euler', 0])
    assert set(range(101, 111)) <= set(nod[:, 0]), "it goes on in the gap"


@check
def gaps_are_alive_as_much_as_wanted():
    scene, _strip, mesh, rig = spoken(frame=51)
    add_strip(scene, sound("other"), 301, 2)
    bpy.ops.artalk.generate()
    lid, nod = ('key_blocks["eyeBlinkLeft"].value', 0), ('pose.bones["neck"].rotation_euler', 0)

    def between(curve):
        points = values(curve)
        return points[(points[:, 0] > 115) & (points[:, 0] < 290)]

    assert between(curves(mesh.data.shape_keys)[lid])[:, 1].max() > 0.9, "a blink"
    assert np.ptp(between(curves(rig)[nod])[:, 1]) > 0.002
    assert len(between(curves(mesh.data.shape_keys)[BROW])) < 5, "no keys where nothing moves"
    mesh.artalk.idle = 0.0
    assert len(between(curves(mesh.data.shape_keys)[lid])) < 5
    mesh.artalk.idle = 1.0
    before = all_values(mesh.data.shape_keys, rig)
    for name in ("one", "two"):
        path = FOLDER / f"{name}.blend"
        bpy.ops.wm.save_as_mainfile(filepath=str(path))
        bpy.ops.wm.open_mainfile(filepath=str(path))
        mesh, rig = head_objects()
        assert not room("artalk_addon.generation").is_behind(mesh)
    bpy.ops.artalk.regenerate()
    same(all_values(mesh.data.shape_keys, rig), before)
    scene = bpy.context.scene
    scene.frame_end = 500
    mesh.artalk.idle_ends = True
    points = values(curves(rig)[nod])
    assert (points[0, 0], points[-1, 0]) == (1, 500)


def lines_of(mesh):
    return room("artalk_addon.generation").lines_of(room("artalk_addon.rigs").describe(mesh))


def select(*chosen):
    for strip in room("artalk_addon.compat").all_strips(bpy.context.scene):
        strip.select = strip in chosen


@check
def a_line_hears_what_ends_just_before_it_whatever_comes_first():
    """Made one by one, from the last to the first, lines are as made all at once; a gap of 2 s is no going on."""
    made = []
    for at_once in (True, False):
        scene, first, mesh, rig = spoken(frame=51)
        second = add_strip(scene, sound("other", level=0.3), 111, 2)
        third = add_strip(scene, sound("third", level=0.2), 211, 3)
        if not at_once:
            room("artalk_addon.generation").remove_lines(mesh, {first.name})
        for chosen in [(first, second, third)] if at_once else [(third,), (second,), (first,)]:
            select(*chosen)
            assert bpy.ops.artalk.generate() == {"FINISHED"}
        said = bpy.context.window_manager.artalk.message
        assert ("1 more" in said) != at_once, said
        lines = lines_of(mesh)
        assert ["before_sha256" in line.spoken.raw.meta for line in lines] == [False, True, False]
        assert [len(line.spoken.raw) for line in lines] == [50, 50, 50]
        made.append((all_values(mesh.data.shape_keys, rig), lines[1].spoken.raw.meta["before_sha256"]))
    assert made[0][1] == made[1][1]
    one, other = ({key[1:]: points for key, points in each[0].items()} for each in made)
    for key, points in one.items():
        np.testing.assert_allclose(points, other[key], atol=1e-6, err_msg=str(key))
    select(second)
    first.volume = 0.0
    assert bpy.ops.artalk.regenerate() == {"FINISHED"}
    assert lines_of(mesh)[1].spoken.raw.meta["before_sha256"] != made[0][1], "it hears what is heard now"


@check
def edits_in_a_gap_and_on_all_lines_stay_when_one_of_three_is_made_again():
    scene, _strip, _mesh, rig = spoken(frame=51)
    add_strip(scene, sound("other", level=0.3), 161, 2)
    add_strip(scene, sound("third", level=0.2), 271, 3)
    bpy.ops.artalk.generate()
    nod = curves(rig)['pose.bones["neck"].rotation_euler', 0]
    base = {frame: at(nod, frame).co.y for frame in (60, 130, 180, 240, 290)}
    for frame in base:
        at(nod, frame).co.y += 0.2
    nod.update()
    path = FOLDER / "three.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    _mesh, rig = head_objects()
    scene = bpy.context.scene
    for strip in room("artalk_addon.compat").all_strips(scene):
        strip.select = strip.channel == 2
        if strip.select:
            strip.sound = bpy.data.sounds.load(str(sound("retake", level=0.25)))
    assert bpy.ops.artalk.regenerate() == {"FINISHED"}
    nod = curves(rig)['pose.bones["neck"].rotation_euler', 0]
    for frame, value in base.items():
        assert abs(at(nod, frame).co.y - value - 0.2) < 0.02, (frame, at(nod, frame).co.y, value)


@check
def a_line_that_is_removed_gives_its_room_to_the_one_before():
    scene, _strip, mesh, rig = spoken(frame=51)
    second = add_strip(scene, sound("other"), 161, 2)
    add_strip(scene, sound("third", level=0.2), 271, 3)
    bpy.ops.artalk.generate()
    name = second.name
    strips = (
        scene.sequence_editor.strips if hasattr(scene.sequence_editor, "strips") else scene.sequence_editor.sequences
    )
    strips.remove(second)
    assert bpy.ops.artalk.remove_lines(which="GONE") == {"FINISHED"}
    lines = lines_of(mesh)
    assert name not in {line.strip for line in lines}
    assert [line.place[-1].until for line in lines] == [270, lines[1].place[-1].until]
    jaw = values(curves(mesh.data.shape_keys)[JAW])
    assert np.abs(jaw[(jaw[:, 0] > 120) & (jaw[:, 0] < 245), 1]).max(initial=0) < 1e-3
    nod = values(curves(rig)['pose.bones["neck"].rotation_euler', 0])
    assert set(range(161, 210)) <= set(nod[:, 0])
    says_no("has no line", bpy.ops.artalk.remove_lines, which="GONE")


@check
def a_ten_second_line_follows_quickly():
    _scene, _strip, mesh, _rig = spoken(seconds=10.0)
    times = []
    for number in range(12):
        started = time.process_time()
        mesh.artalk.jaw = 0.5 + 0.1 * (number % 2)
        times.append(time.process_time() - started)
    started = time.process_time()
    bpy.ops.artalk.preset(name="Lively")
    return (
        f"slider {1000 * np.median(times):.0f} ms, preset {1000 * (time.process_time() - started):.0f} ms (processor)"
    )


@check
def in_a_window_far_lines_follow_when_the_hand_rests():
    """Without time to spare, only the line at the current frame follows at once, the other one later."""
    scene, _strip, mesh, _rig = spoken()
    add_strip(scene, sound("other"), 201, 2)
    bpy.ops.artalk.generate()
    layers = room("artalk_addon.layers")
    before = values(brow(mesh))
    near = before[:, 0] < 201
    scene.frame_set(20)
    with layers._still():
        mesh.artalk.brows = 0.5
    names = room("artalk_addon.generation").nearest_lines(mesh, 20)
    layers._follow(mesh, names[:1])
    now = values(brow(mesh))
    assert not np.allclose(now[near], before[near])
    np.testing.assert_allclose(now[~near], before[~near], atol=1e-6)
    assert room("artalk_addon.generation").is_behind(mesh)
    layers._waiting.add(mesh.session_uid)
    layers._catch_up()
    assert not room("artalk_addon.generation").is_behind(mesh)
    now = values(brow(mesh))
    assert np.ptp(now[~near, 1]) < 0.6 * np.ptp(before[~near, 1])


@check
def one_undo_takes_slider_and_curves_back():
    _scene, _strip, mesh, _rig = spoken()
    bpy.ops.ed.undo_push(message="before")
    before = values(brow(mesh))
    mesh.artalk.brows = 0.3
    bpy.ops.ed.undo_push(message="slider")
    after = values(brow(mesh))
    bpy.ops.ed.undo()
    mesh, _ = head_objects()
    assert mesh.artalk.brows == 1
    np.testing.assert_array_equal(values(brow(mesh)), before)
    bpy.ops.ed.redo()
    mesh, _ = head_objects()
    np.testing.assert_array_equal(values(brow(mesh)), after)
    mesh.artalk.brows = 1.0
    np.testing.assert_allclose(values(brow(mesh)), before, atol=1e-6)


@check
def a_slider_on_what_has_not_spoken_does_nothing():
    installed()
    new_file()
    bpy.ops.artalk.new_head()
    mesh, _ = head_objects()
    mesh.artalk.jaw = 0.3
    assert len(bpy.data.actions) == 0
    bpy.ops.mesh.primitive_cube_add()
    bpy.context.object.artalk.jaw = 0.3


# --- hand edits -----------------------------------------------------------------------------------------------------


def edit_brow(mesh):
    """An edit of every kind on one curve; returns what it looks like by eye."""
    curve = brow(mesh)
    at(curve, 20).co.y += 0.3
    for frame in range(25, 30):
        at(curve, frame).co.y *= 2
    for frame in (33, 34, 35):
        curve.keyframe_points.remove(at(curve, frame))
    added = curve.keyframe_points.insert(34.5, 0.9)
    added.interpolation = "BEZIER"
    bent = at(curve, 40)
    bent.interpolation = "BEZIER"
    bent.handle_right_type = bent.handle_left_type = "FREE"
    bent.handle_right = (bent.co.x + 0.4, bent.co.y + 0.2)
    curve.update()
    curves(mesh.data.shape_keys)['key_blocks["browDownLeft"].value', 0].mute = True
    noise_of = curves(mesh.data.shape_keys)['key_blocks["browDownRight"].value', 0].modifiers.new("NOISE")
    noise_of.strength = 0.2


def assert_edited(mesh, base, shift=0):
    """The edits of `edit_brow` on a curve whose generated values are `base` (frame -> value)."""
    curve = brow(mesh)
    assert abs(at(curve, 20 + shift).co.y - base[20 + shift] - RAISED[20]) < 1e-5
    for frame in range(25, 30):
        assert abs(at(curve, frame + shift).co.y - base[frame + shift] - RAISED[frame]) < 1e-5, frame
    frames = {round(point.co.x, 3) for point in curve.keyframe_points}
    assert not frames & {33 + shift, 34 + shift, 35 + shift}
    added = at(curve, 34.5 + shift)
    assert abs(added.co.y - 0.9) < 1e-6
    assert added.interpolation == "BEZIER"
    bent = at(curve, 40 + shift)
    assert abs(bent.co.y - base[40 + shift]) < 1e-5
    assert (bent.interpolation, bent.handle_right_type) == ("BEZIER", "FREE")
    assert abs(bent.handle_right.y - bent.co.y - 0.2) < 1e-5
    assert at(curve, 45 + shift).interpolation == "LINEAR"
    found = curves(mesh.data.shape_keys)
    assert found['key_blocks["browDownLeft"].value', 0].mute
    assert [m.type for m in found['key_blocks["browDownRight"].value', 0].modifiers] == ["NOISE"]


RAISED = {}


def edited():
    scene, strip, mesh, rig = spoken()
    base = {round(x): y for x, y in values(brow(mesh))}
    RAISED.update({20: 0.3, **{frame: base[frame] for frame in range(25, 30)}})
    edit_brow(mesh)
    assert_edited(mesh, base)
    return scene, strip, mesh, rig, base


@check
def edits_of_every_kind_survive_regeneration():
    _scene, _strip, mesh, _rig, base = edited()
    before = values(brow(mesh))
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    assert_edited(mesh, base)
    bpy.ops.artalk.regenerate()
    np.testing.assert_allclose(values(brow(mesh)), before, atol=1e-6)


@check
def edits_ride_on_what_a_slider_changes():
    _scene, _strip, mesh, _rig, _base = edited()
    mesh.artalk.brows = 0.5
    mesh.artalk.brows = 0.25
    halved = generated(mesh)
    assert abs(halved[45] - 0.25 * _base[45]) < 1e-5
    assert_edited(mesh, halved)
    mesh.artalk.brows = 1.0
    assert_edited(mesh, _base)


def generated(mesh):
    """What artalk would have on the brow without edits, frame -> value."""
    lines = lines_of(mesh)
    keys = [line.written[LABEL].keys for line in lines]
    return {round(float(x)): float(y) for each in keys for x, y in zip(each.frames, each.values, strict=True)}


@check
def edits_survive_other_audio():
    """The line's sound is replaced by a longer one: new speech, the same edits on it."""
    _scene, strip, mesh, _rig, _base = edited()
    strip.sound = bpy.data.sounds.load(str(sound("retake", seconds=3.0, level=0.2)))
    mesh.artalk.brows = 1.2
    assert bpy.ops.artalk.regenerate() == {"FINISHED"}
    assert_edited(mesh, generated(mesh))


@check
def a_moved_strip_takes_its_keys_and_edits_along():
    _scene, strip, mesh, rig, base = edited()
    count = {key: len(points) for key, points in all_values(mesh.data.shape_keys, rig).items()}
    strip.frame_start += 200
    assert bpy.ops.artalk.regenerate() == {"FINISHED"}
    after = all_values(mesh.data.shape_keys, rig)
    assert min(points[:, 0].min() for points in after.values()) > 140, "nothing is left at the old place"
    assert_edited(mesh, generated(mesh), 200)
    assert abs(generated(mesh)[245] - base[45]) < 1e-6
    assert {key: len(points) for key, points in after.items()}.keys() == count.keys()


@check
def a_renamed_strip_is_known_by_its_sound():
    _scene, strip, mesh, _rig, _base = edited()
    strip.name = "another name"
    strip.frame_start += 50
    bpy.ops.artalk.generate()
    assert_edited(mesh, generated(mesh), 50)
    lines = lines_of(mesh)
    assert [line.strip for line in lines] == ["another name"]


@check
def regenerating_runs_the_model_only_where_the_sound_has_changed():
    scene, strip, _mesh, _rig = spoken()
    add_strip(scene, sound("other", level=0.3), 101, 2)
    bpy.ops.artalk.generate()
    models = room("core.models")
    room("core.generate")._load_cached.cache_clear()

    def refuse(*_):
        raise room("core.errors").InputError("The model was run.")

    models.load = refuse
    assert bpy.ops.artalk.regenerate() == {"FINISHED"}
    strip.frame_start += 3
    assert bpy.ops.artalk.regenerate() == {"FINISHED"}
    strip.sound = bpy.data.sounds.load(str(sound("retake", level=0.2)))
    says_no("The model was run.", bpy.ops.artalk.regenerate)


@check
def my_edits_are_shown_and_selected():
    _scene, _strip, mesh, rig, _base = edited()
    assert bpy.ops.artalk.show_edits() == {"FINISHED"}
    said = bpy.context.window_manager.artalk.message
    assert "browInnerUp (20, 25–29, 33–35, 40)" in said, said
    chosen = {round(p.co.x, 2) for p in brow(mesh).keyframe_points if p.select_control_point}
    assert chosen == {20, 25, 26, 27, 28, 29, 34.5, 40}, chosen
    for item in (mesh.data.shape_keys, rig):
        for key, curve in curves(item).items():
            assert curve.select == (key == BROW)


@check
def my_edits_are_dropped_here_or_everywhere():
    scene, _strip, mesh, _rig, base = edited()
    scene.frame_set(27)
    assert bpy.ops.artalk.drop_edits(where="HERE") == {"FINISHED"}
    curve = brow(mesh)
    assert abs(at(curve, 27).co.y - base[27]) < 1e-6
    assert abs(at(curve, 20).co.y - base[20] - 0.3) < 1e-5
    assert at(curve, 34.5)
    scene.frame_set(50)
    says_no("at frame 50", bpy.ops.artalk.drop_edits, where="HERE")
    bpy.ops.artalk.drop_edits(where="ALL")
    assert {round(x): y for x, y in values(brow(mesh))} == base
    assert {p.interpolation for p in brow(mesh).keyframe_points} == {"LINEAR"}
    bpy.ops.artalk.show_edits()
    assert "Nothing was changed" in bpy.context.window_manager.artalk.message


@check
def a_deleted_curve_stays_deleted_and_a_cleared_line_comes_back():
    _scene, _strip, mesh, _rig = spoken()
    keys = mesh.data.shape_keys
    compat = room("artalk_addon.compat")
    holder = keys.animation_data.action
    bag = compat._channelbag(keys, holder) if hasattr(holder, "layers") else holder
    bag.fcurves.remove(brow(mesh))
    bpy.ops.artalk.generate()
    assert BROW not in curves(keys)
    bpy.ops.artalk.drop_edits(where="ALL")
    assert len(brow(mesh).keyframe_points) > 40
    for item in (keys, head_objects()[1]):
        action = item.animation_data.action
        bag = compat._channelbag(item, action) if hasattr(action, "layers") else action
        for curve in list(bag.fcurves):
            bag.fcurves.remove(curve)
    bpy.ops.artalk.generate()
    assert len(curves(keys)) == 52


@check
def regenerating_nothing_is_refused():
    installed()
    scene = new_file()
    bpy.ops.artalk.new_head()
    use_model()
    add_strip(scene, sound())
    says_no("press Generate first", bpy.ops.artalk.regenerate)


if __name__ == "__main__":
    scenario.main()
