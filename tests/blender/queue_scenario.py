# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens between two steps of the queue: names change, somebody works on the character, lines are cancelled.

python queue_scenario.py ZIP FOLDER        writes one JSON line per check to FOLDER/report.jsonl
"""

from __future__ import annotations

import sys
import threading
from functools import partial
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import scenario
from headless_scenario import run
from jobs_scenario import JAW, cast, frames_of, gated, queue, state, states, step_until, to_the_end
from scenario import FOLDER, add_strip, check, curves, fingerprint, noise, room, speech, use_model, write_wav

scenario.CHECKS.clear()


def add(scene, strips, item, again=False):
    """With what the panel says by default, so that its table finds them up to date."""
    spoken = [(strip, item) for strip in strips]
    room("artalk_addon.job_queue").add(scene, spoken, room("core.generate").Options(), again=again)


def one_step():
    return room("artalk_addon.job_queue").step()


def table():
    assert bpy.ops.artalk.refresh_dialogue() == {"FINISHED"}
    return {row.name: row.state for row in state().table}


def kept(item):
    """The lines that are kept with a character, as (scene, strip), by whatever names they are stored."""
    lines = room("artalk_addon.lines")
    return sorted((line.scene, line.strip) for line in lines.load(item.data.shape_keys))


class HeldBack:
    """What is to be written is worked out in the thread only when it is let through."""

    def __enter__(self):
        self.reached, self.open = threading.Event(), threading.Event()
        self.module = room("artalk_addon.generation")
        self.original = self.module.work_out

        def wait(draft):
            self.reached.set()
            assert self.open.wait(60)
            return self.original(draft)

        self.module.work_out = wait
        return self

    def __exit__(self, *_):
        self.open.set()
        self.module.work_out = self.original

    def let_go(self):
        self.open.set()
        self.module.work_out = self.original
        to_the_end()


@check
def a_strip_and_a_scene_that_were_renamed_are_found_again():
    scene, (head,), strips = cast(1, 41, 81)
    use_model()
    add(scene, strips[:2], head)
    to_the_end()
    strips[0].name, scene.name = "a better name", "Shot"
    # a copy is no strip that was renamed
    for name, value in strips[1].items():
        strips[2][name] = value
    assert table() == {"a better name": "up to date", "line 1": "up to date", "line 2": "missing"}, table()
    point = curves(head.data.shape_keys)[JAW].keyframe_points[10]
    point.co.y, frame = 0.91, point.co.x
    strips[0].volume = 0.5
    add(scene, strips[:2], head, again=True)
    to_the_end()
    assert state().message == "1 line written, 1 up to date.", state().message
    points = {p.co.x: p.co.y for p in curves(head.data.shape_keys)[JAW].keyframe_points}
    assert abs(points[frame] - 0.91) < 1e-6, "edits go along"
    assert [strip for _, strip in kept(head)] == ["a better name", "line 1"], kept(head)
    head.artalk.jaw = 0.5
    assert kept(head) == [("Shot", "a better name"), ("Shot", "line 1")]
    # with both renamed, each finds its own
    strips[1].name, strips[2].name = "b", "c"
    assert table() == {"a better name": "up to date", "b": "up to date", "c": "missing"}, table()
    room("artalk_addon.compat").ensure_strips(scene).remove(strips[0])
    assert table()["a better name"] == "strip is gone"


@check
def renamed_while_it_waits_or_runs_a_line_is_made_under_the_new_name():
    scene, (head,), strips = cast(1, 41, 81, 121)
    gate = gated()
    add(scene, strips[:3], head)
    step_until(lambda: states()[0] == "running")
    strips[0].name, strips[1].name, scene.name = "first", "second", "Shot"
    for name, value in strips[2].items():
        strips[3][name] = value  # a copy is no strip that was renamed
    room("artalk_addon.compat").ensure_strips(scene).remove(strips[2])
    gate.open.set()
    to_the_end()
    assert states() == ["done", "done", "failed"], [row.sentence for row in state().rows]
    assert "'line 2' was deleted" in state().rows[2].sentence
    assert kept(head) == [("Shot", "first"), ("Shot", "second")]


@check
def a_strip_renamed_and_moved_while_it_runs_is_found_by_its_mark():
    scene, (head,), strips = cast(1, 41)
    gate = gated()
    add(scene, strips[:1], head)
    step_until(lambda: states()[0] == "running")
    for name, value in strips[0].items():
        strips[1][name] = value  # a copy that was there is no strip that was renamed
    strips[0].name = "elsewhere"
    strips[0].frame_start += 100
    gate.open.set()
    to_the_end()
    assert states() == ["done"], [row.sentence for row in state().rows]
    assert kept(head) == [("Scene", "elsewhere")]


@check
def a_second_press_leaves_alone_what_is_being_made():
    scene, (head,), strips = cast(1, 41)
    gate = gated()
    add(scene, strips[:1], head)
    step_until(lambda: states()[0] == "running")
    add(scene, strips, head)
    assert states() == ["running", "waiting"], "the other strip"
    head.artalk.jaw = 0.5  # counts at the end
    add(scene, strips, head)
    assert states() == ["running", "waiting"]
    strips[0].volume = 0.5
    add(scene, strips, head)
    assert states() == ["running", "waiting", "waiting"], "its sound is another one now"
    gate.open.set()
    to_the_end()
    assert states() == ["done"] * 3, state().message
    bpy.ops.artalk.refresh_dialogue()
    assert set(table().values()) == {"up to date"}


@check
def what_is_done_to_a_character_before_its_keys_are_written_is_kept():
    scene, (head,), strips = cast(1, 41)
    use_model()
    add(scene, strips[:1], head)
    to_the_end()
    with HeldBack() as back:
        add(scene, strips[1:], head)
        step_until(back.reached.is_set)
        head.artalk.jaw = 0.3
        point = curves(head.data.shape_keys)[JAW].keyframe_points[10]
        point.co.y, frame = 0.91, point.co.x
        strips[1].name = "renamed"
        back.let_go()
    assert states() == ["done"], state().message
    points = {p.co.x: p.co.y for p in curves(head.data.shape_keys)[JAW].keyframe_points}
    assert abs(points[frame] - 0.91) < 1e-6
    assert max(value for at, value in points.items() if 45 < at < 60) < 0.3, "by the slider as it is now"
    assert [strip for _, strip in kept(head)] == ["line 0", "renamed"]


@check
def before_all_keys_are_written_none_are():
    scene, (head,), strips = cast(1, 41, 81)
    use_model()
    add(scene, strips[:1], head)
    to_the_end()
    before, reach, path = fingerprint(), max(frames_of(head)), FOLDER / "between.blend"
    with HeldBack() as back:
        add(scene, strips[1:], head)
        step_until(back.reached.is_set)
        bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)
        assert fingerprint() == before, "nothing of it is in the file, nor in a step of undo that others push"
        bpy.ops.artalk.cancel(number=state().rows[0].number)
        room("artalk_addon.compat").ensure_strips(scene).remove(strips[2])
        before = fingerprint()
        back.let_go()
    assert states() == ["cancelled", "failed"], states()
    assert fingerprint() == before
    with HeldBack() as back:
        add(scene, strips[1:2], head)
        step_until(back.reached.is_set)
        bpy.ops.wm.open_mainfile(filepath=str(path))
        back.let_go()
    head = bpy.data.objects["head 0"]
    assert max(frames_of(head)) == reach
    assert kept(head) == [("Scene", "line 0")]


@check
def undo_before_the_keys_are_written_takes_back_what_is_there():
    scene, (head,), strips = cast(1, 41)
    use_model()
    add(scene, strips[:1], head)
    to_the_end()
    reach = max(frames_of(head))
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.ed.undo_push(message="cube")
    with HeldBack() as back:
        add(scene, strips[1:], head)
        step_until(back.reached.is_set)
        if bpy.ops.ed.undo() != {"FINISHED"} or "Cube" in bpy.data.objects:
            back.let_go()
            return "skipped: this Blender has no undo without a window"
        back.let_go()
    head = bpy.data.objects["head 0"]
    assert states() == ["done"], [row.sentence for row in state().rows]
    assert max(frames_of(head)) > reach
    bpy.ops.ed.undo()
    assert max(frames_of(bpy.data.objects["head 0"])) == reach
    return ""


@check
def the_look_at_the_lips_goes_by_steps_that_leave_the_frame_alone():
    scene, (head,), strips = cast(1)
    use_model()
    scene.frame_set(3, subframe=0.25)
    module, evaluated = room("artalk_addon.mesh_points"), []
    look = module.evaluated
    module.evaluated = lambda item: evaluated.append(scene.frame_current) or look(item)
    try:
        add(scene, strips, head)
        step_until(lambda: states() == ["done"])
        most = 0
        while True:
            count, goes_on = len(evaluated), one_step()
            most = max(most, len(evaluated) - count)
            assert (scene.frame_current, round(scene.frame_subframe, 3)) == (3, 0.25)
            if not goes_on:
                break
        assert (len(evaluated), most) == (2, 1), evaluated
        assert not state().failed, state().message
        # what is in the way is still found, and a character that goes between two steps is none any more
        module_queue = room("artalk_addon.job_queue")
        module_queue._moving.clear()
        head.data.shape_keys.key_blocks["jawOpen"].mute = True
        for key in head.data.shape_keys.key_blocks:
            key.mute = True
        strips[0].volume = 0.5
        add(scene, strips, head)
        to_the_end()
        assert state().failed
        assert state().cause == "muted_shape", state().message
        for key in head.data.shape_keys.key_blocks:
            key.mute = False
        strips[0].volume = 0.7
        add(scene, strips, head)
        count = len(evaluated)
        step_until(lambda: len(evaluated) > count)
        bpy.data.objects.remove(head)
        to_the_end()
        assert not state().failed, state().message
    finally:
        module.evaluated = look


@check
def keys_by_sliders_with_keys_are_worked_out_beside_the_window():
    scene, (head,), strips = cast(1, 41)
    use_model()
    for value, frame in ((0.0, 1), (0.0, 20), (1.0, 21)):
        head.artalk.jaw = value
        head.artalk.keyframe_insert("jaw", frame=frame)
    add(scene, strips[:1], head)
    to_the_end()
    with HeldBack() as back:
        add(scene, strips[1:], head)
        step_until(back.reached.is_set)  # which would wait here for ever, were it done in a step
        slider = next(c for c in curves(head).values() if c.data_path == "artalk.jaw")
        slider.keyframe_points[2].co.y = 0.5
        back.let_go()
    assert states() == ["done"], state().message
    found = {name: curve for (name, _), curve in curves(head.data.shape_keys).items()}
    by_queue = [[tuple(point.co) for point in curve.keyframe_points] for curve in found.values()]
    jaw = {point.co.x: point.co.y for point in found[JAW[0]].keyframe_points}
    assert max(value for at, value in jaw.items() if 8 < at < 18) < 1e-6, jaw
    assert 0.2 < max(value for at, value in jaw.items() if 45 < at < 60) < 0.5, "by the slider as it is now"
    room("artalk_addon.generation").follow(head)
    now = [[tuple(point.co) for point in curve.keyframe_points] for curve in found.values()]
    assert all(np.allclose(one, other, atol=1e-6) for one, other in zip(by_queue, now, strict=True))


class CurveByCurve:
    """Keys are written aside, one curve in each step, however few they are."""

    def __enter__(self):
        self.aside, self.queue = room("artalk_addon.aside"), room("artalk_addon.job_queue")
        self.kept = self.aside._AT_ONCE, self.queue._SHARE
        self.aside._AT_ONCE, self.queue._SHARE = 0, 0.0
        return self

    def __exit__(self, *_):
        self.aside._AT_ONCE, self.queue._SHARE = self.kept

    def begun(self):
        """Some curves lie aside."""
        return len(self.aside._copies) > 0


def all_keys(head):
    """The keys of shapes and bones, with their forms."""
    return {
        (owner.name, *name): [(tuple(p.co), p.interpolation, p.handle_left_type) for p in curve.keyframe_points]
        for owner in (head.data.shape_keys, head.parent)
        for name, curve in curves(owner).items()
    }


@check
def many_keys_are_written_aside_and_take_their_places_at_once():
    found = []
    for aside in (False, True):
        scene, (head,), strips = cast(1, 41, 81)
        use_model()
        add(scene, strips[:2], head)
        to_the_end()
        keys = head.data.shape_keys
        action = keys.animation_data.action
        action.use_fake_user, name, count = True, action.name, len(bpy.data.actions)
        point = curves(keys)[JAW].keyframe_points[10]
        point.co.y = 0.91
        before, shown = all_keys(head), keys.animation_data.action.session_uid
        if aside:
            with CurveByCurve() as writing:
                add(scene, strips[2:], head)
                step_until(writing.begun)
                for _ in range(5):
                    one_step()
                assert all_keys(head) == before, "nothing of it is seen yet"
                bpy.ops.artalk.cancel()
                to_the_end()
                assert (all_keys(head), len(bpy.data.actions)) == (before, count), "nor left when it is cancelled"
                add(scene, strips[2:], head)
                to_the_end()
            assert keys.animation_data.action.session_uid != shown
        else:
            add(scene, strips[2:], head)
            to_the_end()
        assert states() == ["done"], state().message
        now = keys.animation_data.action
        assert (now.name, now.use_fake_user, len(bpy.data.actions)) == (name, True, count)
        assert [strip for _, strip in kept(head)] == ["line 0", "line 1", "line 2"]
        found.append(all_keys(head))
    assert found[0] == found[1]
    scene.frame_set(90)
    assert head.data.shape_keys.key_blocks["jawOpen"].value > 0.05, "they are played"


@check
def what_is_done_while_keys_are_written_aside_is_kept():
    scene, (head,), strips = cast(1, 41, 81)
    use_model()
    add(scene, strips[:1], head)
    to_the_end()
    for number, work in enumerate(("edit", "undo"), 1):
        with CurveByCurve() as writing:
            add(scene, strips[number : number + 1], head)
            step_until(writing.begun)
            if work == "edit":
                point = curves(head.data.shape_keys)[JAW].keyframe_points[10]
                point.co.y, frame = 0.91, point.co.x
            else:  # takes the copies away
                writing.aside.drop()
            to_the_end()
        assert states() == ["done"], state().message
        points = {p.co.x: p.co.y for p in curves(head.data.shape_keys)[JAW].keyframe_points}
        assert abs(points[frame] - 0.91) < 1e-6
    assert max(frames_of(head)) > 90
    assert len(kept(head)) == 3


@check
def a_character_deleted_while_keys_are_written_aside_is_said_and_nothing_is_left():
    stages = []
    for steps in (0, 40, 65, 90, 120):
        scene, (head,), strips = cast(1, 41)
        use_model()
        add(scene, strips[:1], head)
        to_the_end()
        with CurveByCurve() as writing:
            add(scene, strips[1:], head)
            step_until(writing.begun)
            for _ in range(steps):
                one_step()
            stages.append(states()[0])
            bpy.data.objects.remove(head)
            to_the_end()
        if stages[-1] == "running":
            assert states() == ["failed"], states()
            sentence = state().rows[0].sentence
            assert "deleted meanwhile" in sentence or "no longer there" in sentence, sentence
        assert not [action.name for action in bpy.data.actions if action.users == 0 and "artalk." in action.name]
    assert stages.count("running") > 2, stages


@check
def switched_off_while_keys_are_written_aside_nothing_is_left():
    scene, (head,), strips = cast(1)
    use_model()
    before = len(bpy.data.actions)
    with CurveByCurve() as writing:
        add(scene, strips, head)
        step_until(writing.begun)
        assert len(bpy.data.actions) > before
        writing.queue.unregister()
        assert len(bpy.data.actions) == before
        writing.queue.register()


@check
def another_frame_rate_meanwhile_is_said():
    scene, (head,), strips = cast(1, 41)
    gate = gated()
    add(scene, strips[:1], head)
    step_until(lambda: states()[0] == "running")
    scene.render.fps = 50
    gate.open.set()
    to_the_end()
    assert states() == ["failed"], state().message
    assert "frame rate was changed" in state().rows[0].sentence
    assert head.data.shape_keys.animation_data is None
    add(scene, strips[:1], head)
    to_the_end()
    assert states()[-1] == "done", state().message


@check
def a_shape_renamed_while_its_line_is_made_gets_no_keys_under_its_old_name():
    scene, (head,), strips = cast(1)
    gate = gated()
    add(scene, strips, head)
    step_until(lambda: states()[0] == "running")
    head.data.shape_keys.key_blocks["jawOpen"].name = "JawOpen"
    gate.open.set()
    to_the_end()
    assert states() == ["done"], state().message
    found = curves(head.data.shape_keys)
    assert JAW not in found
    assert ('key_blocks["JawOpen"].value', 0) in found


@check
def the_first_keys_of_a_character_are_written_aside_as_well():
    found = []
    for aside in (False, True):
        scene, (head,), strips = cast(1)
        use_model()
        owners = head.data.shape_keys, head.parent
        before, path = fingerprint(), FOLDER / "aside.blend"
        if aside:
            with CurveByCurve() as writing:
                add(scene, strips, head)
                step_until(writing.begun)
                for _ in range(5):
                    one_step()
                assert not any(owner.animation_data and owner.animation_data.action for owner in owners)
                bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)
                with bpy.data.libraries.load(str(path)) as (there, _):
                    assert not there.actions, "nothing of it is in the file"
                bpy.ops.artalk.cancel()
                to_the_end()
                assert (fingerprint(), len(bpy.data.actions)) == (before, 0), "nor left when it is cancelled"
                add(scene, strips, head)
                to_the_end()
        else:
            add(scene, strips, head)
            to_the_end()
        assert states() == ["done"], state().message
        groups = [(curve.data_path, curve.group.name) for owner in owners for curve in curves(owner).values()]
        owned = [sorted(room("artalk_addon.keyframes").owned(owner)) for owner in owners]
        names = sorted(action.name for action in bpy.data.actions)
        found.append((all_keys(head), sorted(groups), owned, names, kept(head)))
    assert found[0] == found[1]
    assert len(found[0][0]) > 55
    scene.frame_set(10)
    assert head.data.shape_keys.key_blocks["jawOpen"].value > 0.05, "they are played"


@check
def what_else_is_animated_while_keys_are_written_aside_is_kept():
    scene, (head,), strips = cast(1, 41, 81)
    use_model()
    place = f'pose.bones["{head.parent.pose.bones[0].name}"].location', 2
    for number, frame in enumerate((7, 47, 87)):  # the first time there is no action yet
        with CurveByCurve() as writing:
            add(scene, strips[number : number + 1], head)
            step_until(writing.begun)
            one_step()
            head.parent.pose.bones[0].keyframe_insert("location", frame=frame)
            to_the_end()
        assert states() == ["done"], state().message
        mine = curves(head.parent)[place]
        assert [point.co.x for point in mine.keyframe_points] == [7, 47, 87][: number + 1]
    assert len(kept(head)) == 3
    assert len(bpy.data.actions) == 2
    with CurveByCurve() as writing:
        strips[2].frame_start += 5
        add(scene, strips[2:], head)
        step_until(writing.begun)
        curves(head.parent)[place].mute = True
        bpy.context.view_layer.update()  # as the window does
        to_the_end()
    assert curves(head.parent)[place].mute


@check
def mesh_and_armature_may_play_one_action():
    scene, (head,), strips = cast(1, 41)
    use_model()
    add(scene, strips[:1], head)
    to_the_end()
    keys, rig = head.data.shape_keys, head.parent
    action, old = keys.animation_data.action, rig.animation_data.action
    rig.animation_data.action = action
    if not hasattr(action, "slots"):
        return "skipped: actions without slots are for one kind"
    rig.animation_data.action_slot = action.slots.new(id_type="OBJECT", name="rig")
    bpy.data.actions.remove(old)
    action["artalk"] = "[]"
    for curve in list(curves(keys).values()):
        action.layers[0].strips[0].channelbags[0].fcurves.remove(curve)
    strips[0].volume = 0.5
    with CurveByCurve():
        add(scene, strips, head)
        to_the_end()
    assert states() == ["done", "done"], [row.sentence for row in state().rows]
    assert keys.animation_data.action == rig.animation_data.action
    assert len(bpy.data.actions) == 1, list(bpy.data.actions)
    assert len(curves(keys)) > 50
    assert len(curves(rig)) > 5
    return ""


@check
def a_character_that_is_worked_on_all_the_time_gets_its_line_all_the_same():
    scene, (head,), strips = cast(1)
    use_model()
    module, looks = room("artalk_addon.generation"), []
    right = module.is_outdated
    module.is_outdated = lambda draft: looks.append(draft) or True
    try:
        add(scene, strips, head)
        to_the_end()
    finally:
        module.is_outdated = right
    assert states() == ["done"], state().message
    assert 3 < len(looks) < 20
    assert max(frames_of(head)) >= 25


@check
def the_step_of_undo_is_made_in_a_step_of_its_own():
    scene, (head,), strips = cast(1, 41)
    use_model()
    add(scene, strips[:1], head)
    to_the_end()
    module, before = room("artalk_addon.job_queue"), all_keys(head)
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.ed.undo_push(message="cube")
    for work in ("nothing", "undo", "save", "cancel", "load"):
        add(scene, strips[1:], head)
        step_until(lambda: module._step_of_undo)
        assert all_keys(head) != before, "the keys are there"
        after = all_keys(head)
        if work == "undo":  # of the line alone, as if the step had been made
            if bpy.ops.ed.undo() != {"FINISHED"}:
                return "skipped: this Blender has no undo without a window"
            assert all_keys(bpy.data.objects["head 0"]) == before
            assert "Cube" in bpy.data.objects
            bpy.ops.ed.redo()
            to_the_end()
        elif work == "save":
            bpy.ops.wm.save_as_mainfile(filepath=str(FOLDER / "step.blend"))
            to_the_end()
        elif work == "load":
            bpy.ops.wm.open_mainfile(filepath=str(FOLDER / "step.blend"))
            assert not module._step_of_undo
            assert all_keys(bpy.data.objects["head 0"]) == after, "the file was whole"
            return ""
        elif work == "cancel":
            bpy.ops.artalk.cancel() if bpy.ops.artalk.cancel.poll() else None
            to_the_end()
        else:
            to_the_end()
        assert states() == ["done"], "it is written"
        assert all_keys(bpy.data.objects["head 0"]) == after
        bpy.ops.ed.undo()
        head, scene = bpy.data.objects["head 0"], bpy.context.scene
        strips = room("artalk_addon.strips").sound_strips(room("artalk_addon.compat").all_strips(scene))
        assert all_keys(head) == before, f"one step takes it back after {work}"
        assert "Cube" in bpy.data.objects
    return ""


@check
def a_strip_moved_while_its_line_is_made_speaks_where_it_stands_now():
    found = []
    # when it is moved: before all, while the model speaks, when the keys are worked out already
    for moved in ("before", "early", "late"):
        scene, (head,), strips = cast(1, 101)
        gate = gated()
        strips[0].frame_start += 40 if moved == "before" else 0
        add(scene, strips[:1], head)
        step_until(lambda: states()[0] == "running")
        with HeldBack() as back:
            if moved == "late":
                gate.open.set()
                step_until(back.reached.is_set)
            strips[0].frame_start += 40 if moved != "before" else 0
            strips[0].name = "elsewhere"
            gate.open.set()
            back.let_go()
        assert states() == ["done"], [row.sentence for row in state().rows]
        assert table() == {"elsewhere": "up to date", "line 1": "missing"}, table()
        found.append(all_keys(head))
    assert 30 < min(frames_of(head)) < 41
    assert found[0] == found[1] == found[2]


@check
def a_strip_moved_beside_another_while_its_line_is_made_shares_the_frames_with_it():
    found = []
    for meanwhile in (False, True):
        scene, (head,), strips = cast(1, 101)
        gate = gated()
        gate.open.set()
        add(scene, strips[:1], head)
        to_the_end()
        if meanwhile:
            gate.open.clear()
            add(scene, strips[1:], head)
            step_until(lambda: states()[0] == "running")
        strips[1].frame_start = 15  # the end of the other one is the beginning of this one
        if not meanwhile:
            add(scene, strips[1:], head)
        gate.open.set()
        to_the_end()
        assert states() == ["done"], [row.sentence for row in state().rows]
        found.append((sorted(frames_of(head)), kept(head)))
    assert found[0] == found[1]
    assert len(set(found[0][0])) == len(found[0][0]), "a key a frame"


@check
def trimmed_while_its_line_is_made_a_strip_keeps_its_words_in_their_places():
    scene, (head,), strips = cast(1)
    gate = gated()
    add(scene, strips, head)
    step_until(lambda: states()[0] == "running")
    strips[0].frame_offset_start = 5
    gate.open.set()
    to_the_end()
    (line,) = room("artalk_addon.lines").load(head.data.shape_keys)
    assert (line.start, line.origin) == (1, 1)
    assert table() == {"line 0": "changed"}, "its sound is another one"


@check
def keys_that_were_written_aside_are_undone_and_redone():
    scene, (head,), strips = cast(1, 41)
    use_model()
    add(scene, strips[:1], head)
    to_the_end()
    bpy.ops.ed.undo_push(message="before")
    before = all_keys(head)
    with CurveByCurve():
        add(scene, strips[1:], head)
        to_the_end()
    after = all_keys(head)
    assert after != before
    if bpy.ops.ed.undo() != {"FINISHED"}:
        return "skipped: this Blender has no undo without a window"
    assert all_keys(bpy.data.objects["head 0"]) == before
    bpy.ops.ed.redo()
    assert all_keys(bpy.data.objects["head 0"]) == after
    return ""


@check
def a_button_does_what_takes_long_once_for_each_character():
    scene, (head,), strips = cast(1)
    use_model()
    module, evaluated = room("artalk_addon.mesh_points"), []
    look = module.evaluated
    module.evaluated = lambda item: evaluated.append(item.name) or look(item)
    try:
        ready = partial(room("artalk_addon.job_queue").get_ready, scene, head, room("core.generate").Options())
        ready()
        assert evaluated == [head.name]
        add(scene, strips, head)
        to_the_end()
        evaluated.clear()
        ready()
        assert not evaluated, "its lips have been seen to move"
    finally:
        module.evaluated = look


@check
def what_takes_long_with_many_keys_is_shared_out_over_the_steps():
    scene, (head,), strips = cast(1, 41)
    use_model()
    add(scene, strips[:1], head)
    to_the_end()
    unpacked = room("artalk_addon.lines")._unpacked
    misses, queued = unpacked.cache_info().misses, room("artalk_addon.job_queue")
    keyframes, counts = room("artalk_addon.keyframes"), []
    places = keyframes.places
    keyframes.places = lambda curve: counts.append(curve.data_path) or places(curve)
    try:
        room("artalk_addon.generation").prepare(scene, strips[1:], head, room("core.generate").Options())
        assert not counts, "no keys are read before the line is made"
        assert unpacked.cache_info().misses == misses, "lines were unpacked beside the window"
        with CurveByCurve():
            add(scene, strips[1:], head)
            most = 0
            while True:
                count, goes_on = len(counts), queued.step()
                most = max(most, len(counts) - count)
                if not goes_on:
                    break
        assert states() == ["done"], state().message
        assert (len(counts) > 200, most <= 3) == (True, True), (len(counts), most)
    finally:
        keyframes.places = places


@check
def many_lines_are_cancelled_in_the_middle_twice_and_the_table_tells_the_truth():
    scene, heads, _ = cast(heads=2)
    use_model()
    strips = [add_strip(scene, speech(1.0), 1 + 30 * (n // 2), 1 + n % 2) for n in range(24)]
    for number, strip in enumerate(strips):
        strip.name = f"line {number:02}"
    for number, head in enumerate(heads):
        role = scene.artalk.roles.add()
        role.by, role.pattern, role.character = "CHANNEL", f"Channel {number + 1}", head
    assert set(table().values()) == {"missing"}
    for done in (5, 9):
        for strip in strips:
            add(scene, [strip], room("artalk_addon.dialogue").speaker(scene, strip), again=True)
        step_until(lambda done=done: states().count("done") == done)
        bpy.ops.artalk.cancel()
        to_the_end()
        shown = {row.name: row.state for row in state().table}  # as the end of the queue has left it
        assert shown == table()
        found = [shown[strip.name] for strip in strips]
        assert found == ["up to date"] * done + ["missing"] * (len(strips) - done), found
        assert "cancelled" in state().message, state().message
        assert not queue().busy
    assert not any(item.get("artalk_lines") for item in bpy.data.actions if not item.users)


@check
def the_panel_looks_at_the_character_again_when_a_line_is_written():
    scene, (head,), strips = cast(1)
    use_model()
    seen = room("artalk_addon.seen")
    assert not seen.character(bpy.context).has_lines
    handler = next(h for h in bpy.app.handlers.depsgraph_update_post if h.__name__ == "_after_change")
    bpy.app.handlers.depsgraph_update_post.remove(handler)
    try:
        add(scene, strips, head)
        to_the_end()
        assert seen.character(bpy.context).has_lines
    finally:
        bpy.app.handlers.depsgraph_update_post.append(handler)


@check
def generate_all_makes_the_good_lines_and_says_which_are_bad():
    scene, (anna, bert), strips = cast(1, 61, 121, 181, heads=2)
    use_model()
    for strip, name, head in zip(strips, ("A1", "A2", "A3", "B1"), (anna, anna, anna, bert), strict=True):
        strip.name, strip.select = name, False
        if name in {"A1", "B1"}:
            role = scene.artalk.roles.add()
            role.by, role.pattern, role.character = "NAME", f"{name[0]}*", head
    silent = write_wav(FOLDER / "silent.wav", 0 * noise(1.0))
    gone = write_wav(FOLDER / "gone.wav", noise(1.0))
    for strip, path in ((strips[1], silent), (strips[2], gone)):
        strip.sound = bpy.data.sounds.load(str(path))
    gone.unlink()
    bert.data.shape_keys.key_blocks["jawOpen"].driver_add("value")
    bpy.ops.wm.save_as_mainfile(filepath=str(FOLDER / "bad.blend"))
    assert table() == {"A1": "missing", "A2": "unreadable", "A3": "unreadable", "B1": "missing"}, table()
    code, events, talk = run("generate", "--all", "--save")
    assert code == 2, (code, talk, events)
    failed = {event["strip"]: event["message"] for event in events if event.get("state") == "failed"}
    assert list(failed) == ["A2", "A3", "B1"], events
    assert "silence" in failed["A2"], failed
    assert "missing" in failed["A3"]
    assert "driver" in failed["B1"]
    bpy.ops.wm.open_mainfile(filepath=str(FOLDER / "bad.blend"))
    assert table() == {"A1": "up to date", "A2": "unreadable", "A3": "unreadable", "B1": "missing"}, table()
    assert run("generate", "--all")[0] == 2, "what is bad stays bad"


@check
def generate_all_of_what_is_up_to_date_says_so_to_a_script():
    scene, _, strips = cast(1, 61)
    use_model()
    assert bpy.ops.artalk.generate_all() == {"FINISHED"}
    assert state().message.startswith("2 lines on"), state().message
    assert bpy.ops.artalk.generate_all() == {"FINISHED"}
    assert state().message == "All 2 lines are up to date.", state().message
    add(scene, strips, scene.artalk.character, again=True)
    to_the_end()
    assert state().message == "All 2 lines are up to date.", "the window says the same"
    strips[1].volume = 0.5
    assert bpy.ops.artalk.generate_all() == {"FINISHED"}
    assert state().message.startswith("1 line on"), state().message
    assert state().message.endswith(" 1 up to date."), state().message
    assert scene.name == "Scene"


if __name__ == "__main__":
    scenario.main()
