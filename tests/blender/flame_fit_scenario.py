# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a process of its own with the bpy module: ARKit motion on a FLAME head, FLAME motion on others.

python flame_fit_scenario.py ZIP FOLDER MATERIAL      MATERIAL: see test_flame_fit_blender.py
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import scenario
from scenario import ARGUMENTS, FOLDER, add_strip, check, evaluated_points, installed, new_file, room, said

scenario.CHECKS.clear()
MATERIAL = Path(ARGUMENTS[2])
SPEECH = Path(__file__).resolve().parents[2] / "demo" / "speech" / "austen_0880.flac"
FLAME = MATERIAL / "flame.npz"


def new_scene():
    installed()
    scene = new_file()
    return scene, add_strip(scene, SPEECH)


def imported(name="flame.npz"):
    assert bpy.ops.artalk.import_flame(filepath=str(MATERIAL / name)) == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def prepared(scene, strip, head, **choices):
    options = room("core.generate").Options(device="cpu", **choices)
    return room("artalk_addon.generation").prepare(scene, [strip], head, options)


def generated(scene, strip, head, **choices):
    generation = room("artalk_addon.generation")
    task = prepared(scene, strip, head, **choices)
    return generation.apply(task, generation.speak(task, lambda _: None, lambda: False))


def lips_apart(scene, head, frames, pairs):
    """Mean height between pairs of vertices of the evaluated mesh, mm."""
    found = []
    for frame in frames:
        scene.frame_set(int(frame))
        points = evaluated_points(head)
        found.append(1000 * np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1).mean())
    return np.array(found)


def middle_of_the_lips(head):
    shapes = room("artalk_addon.flame_rig").shapes_of(head)
    skin, face = shapes.face()
    pairs = skin[face.lips]
    return pairs[abs(shapes.points[pairs[:, 0], 0]) < 0.006]


def refused(words, call):
    sentence = said(call)
    assert all(word in sentence for word in words), sentence


@check
def the_mesh_in_blender_says_the_same_as_the_file():
    new_scene()
    head = imported()
    mine, files = room("artalk_addon.flame_rig").fit_of(head)(), room("core.retarget.bases").fit_of_file(FLAME)
    for name in ("shapes", "moves", "cross"):
        one, other = getattr(mine, name), getattr(files, name)
        assert np.abs(one - other).max() < 1e-2 * np.abs(other).max(), name


@check
def a_button_reads_the_mesh_and_the_fit_is_made_beside_the_window():
    scene, strip = new_scene()
    head, options = imported(), room("core.generate").Options(device="cpu")
    rig, queue, threads = room("artalk_addon.flame_rig"), room("artalk_addon.job_queue"), []
    fit = rig.fit
    rig._kept_fit.cache_clear()
    rig.fit = lambda shapes: threads.append(threading.current_thread()) or fit(shapes)
    try:
        queue.get_ready(scene, head, options)
        assert not threads
        queue.add(scene, [(strip, head)], options, again=False)
        until = time.monotonic() + 60
        while queue.step() and time.monotonic() < until:
            time.sleep(0.01)
        head.artalk.jaw = 0.9
    finally:
        rig.fit = fit
    (entry,) = queue.QUEUE.entries
    assert entry.state == "done", entry.sentence
    assert len(threads) == 1, "once for each mesh"
    assert threads[0] is not threading.main_thread()


@check
def artalk_mini_speaks_on_a_flame_head():
    scene, strip = new_scene()
    head = imported()
    sentence = generated(scene, strip, head)
    assert "1 line on 'FLAME head'" in sentence, sentence
    frames = np.arange(2, 110, 3)
    flame = lips_apart(scene, head, frames, middle_of_the_lips(head))
    paths = {curve.data_path for curve in room("artalk_addon.compat").fcurves_of(head.parent)}
    assert any("left_eye" in path for path in paths), "the eyes look about"
    bpy.ops.artalk.new_head()
    ours = bpy.context.view_layer.objects.active
    generated(scene, strip, ours)
    head_of = room("core.heads.default_head").load()
    pairs = head_of.lips.reshape(3, -1, 2)[1]
    known = lips_apart(scene, ours, frames, pairs[len(pairs) // 2 - 2 : len(pairs) // 2 + 3])
    likeness = np.corrcoef(flame, known)[0, 1]
    assert likeness > 0.95, likeness
    assert np.ptp(flame) > 3, np.ptp(flame)
    return f"{likeness:.3f}, {np.ptp(flame):.1f} mm"


@check
def in_the_queue_its_keys_are_worked_out_beside_the_window():
    scene, head = bpy.context.scene, bpy.data.objects["FLAME head"]  # as it spoke above
    queue, generation = room("artalk_addon.job_queue"), room("artalk_addon.generation")
    strip, options, threads = scene.sequence_editor.strips[0], room("core.generate").Options(device="cpu"), []
    strip.volume *= 0.9  # which is another sound
    work_out = generation.work_out
    generation.work_out = lambda draft: threads.append(threading.current_thread()) or work_out(draft)
    try:
        queue.add(scene, [(strip, head)], options, again=True)
        until = time.monotonic() + 60
        while queue.step() and time.monotonic() < until:
            time.sleep(0.01)
    finally:
        generation.work_out = work_out
    (entry,) = queue.QUEUE.entries
    assert entry.state == "done", entry.sentence
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


@check
def its_sliders_are_layers_as_on_any_head():
    scene, head = bpy.context.scene, bpy.data.objects["FLAME head"]  # as it spoke above
    pairs, frames = middle_of_the_lips(head), np.arange(2, 110, 6)
    before = np.ptp(lips_apart(scene, head, frames, pairs))
    head.artalk.jaw = 0.0
    assert np.ptp(lips_apart(scene, head, frames, pairs)) < 0.8 * before


@check
def flame_motion_moves_a_head_with_arkit_shapes():
    scene, strip = new_scene()
    bpy.ops.artalk.new_head()
    ours = bpy.context.view_layer.objects.active
    choices = {"model": "artalk", "weights": MATERIAL / "artalk.safetensors"}
    refused(["gives FLAME motion", "FLAME File in the panel"], lambda: prepared(scene, strip, ours, **choices))
    chosen = scene.artalk
    chosen.character, chosen.model, chosen.weights = ours, "artalk", str(MATERIAL / "artalk.safetensors")
    chosen.flame = str(FLAME)
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    curves = room("artalk_addon.compat").fcurves_of(ours.data.shape_keys)
    values = {c.data_path: [p.co.y for p in c.keyframe_points] for c in curves}
    assert len(values) >= 52
    assert all(min(each) >= -1e-6 and max(each) <= 1 + 1e-6 for each in values.values())
    assert np.ptp(values['key_blocks["jawOpen"].value']) > 0.02
    (line,) = room("artalk_addon.generation").lines_of(room("artalk_addon.rigs").describe(ours))
    assert line.spoken.raw.basis.name == "arkit"
    assert line.options.flame == FLAME


@check
def another_version_of_flame_is_fitted_when_its_file_is_there():
    scene, strip = new_scene()
    head = imported("other.npz")
    choices = {"model": "artalk", "weights": MATERIAL / "trained.safetensors"}
    refused(["another version of FLAME", "FLAME File in the panel"], lambda: prepared(scene, strip, head, **choices))
    generated(scene, strip, head, **choices, flame=FLAME)
    flame, generate = room("core.heads.flame"), room("core.generate")
    samples = room("artalk_addon.strips").read_clip(strip, 25.0).samples
    motion = generate.generate(samples, generate.Options(device="cpu", **choices))
    model = room("core.heads.flame_files").read_flame(FLAME)
    scene.frame_set(31)
    points = evaluated_points(head) @ room("artalk_addon.plan").HEAD_TO_ARMATURE
    wanted = flame.motion_vertices(model, motion.with_values(motion.values))[30]
    off = np.linalg.norm(points - wanted, axis=1).max() / np.ptp(model.template, axis=0).max()
    assert off < 2e-3, off
    return f"{off:.1e} of the head's size"


@check
def a_flame_file_of_another_version_is_said():
    scene, strip = new_scene()
    head = imported("other.npz")
    refused(["another version of FLAME", "clear FLAME File"], lambda: prepared(scene, strip, head, flame=FLAME))
    prepared(scene, strip, head, flame=MATERIAL / "other.npz")
    rig, describe = room("artalk_addon.flame_rig"), room("artalk_addon.rigs").describe
    meta = {room("core.heads.flame_basis").BASIS_KEY: rig.info(imported()).fingerprint}
    basis = room("core.basis").FLAME
    motion = room("core.motion").Motion(np.zeros((2, len(basis)), np.float32), basis, 25.0, meta)
    refused(
        ["meant for another version", "FLAME File", "artalk convert"],
        lambda: rig.taking(basis, describe(head), None)(motion),
    )
    assert rig.taking(basis, describe(bpy.data.objects["FLAME head.001"]), None)(motion) is motion


@check
def a_flame_mesh_without_bones_takes_no_arkit_motion():
    scene, strip = new_scene()
    head = imported()
    rig = head.parent
    head.modifiers.clear()
    head.parent = None
    bpy.data.objects.remove(rig)
    refused(["has no bones jaw", "Import FLAME Head"], lambda: prepared(scene, strip, head))


@check
def scaled_mirrored_and_parented_heads_are_measured_alike():
    new_scene()
    head, rig = imported(), room("artalk_addon.flame_rig")
    still = rig.shapes_of(head)
    holder = bpy.data.objects.new("holder", None)
    bpy.context.collection.objects.link(holder)
    holder.rotation_euler, holder.location = (0.3, 0.2, 1.0), (1, 2, 3)
    head.parent.parent, head.parent.scale = holder, (-2, 2, 2)
    head.parent.constraints.new("LIMIT_LOCATION")
    bpy.context.view_layer.update()
    moved = rig.shapes_of(head)
    for name in ("points", "joints", "weights", "expressions"):
        np.testing.assert_allclose(getattr(moved, name), getattr(still, name), atol=1e-5, err_msg=name)


@check
def the_fit_is_reported():
    new_scene()
    head = imported()
    bpy.context.scene.artalk.character = head
    assert bpy.ops.artalk.flame_report() == {"FINISHED"}
    text = next(text for text in bpy.data.texts if "FLAME head" in text.name).as_string()
    for word in ("jawOpen", "tongueOut", "exp001", "jaw_x"):
        assert word in text, text


@check
def the_command_line_turns_flame_motion_for_the_own_head():
    new_scene()
    out = FOLDER / "out.blend"
    choices = ["--model", "artalk", "--device", "cpu", "--weights", str(MATERIAL / "artalk.safetensors")]
    choices += ["--basis", "arkit", "--head", str(FLAME), "--out", str(out)]
    assert room("core.cli").main(["generate", str(SPEECH), *choices]) == 0
    bpy.ops.wm.open_mainfile(filepath=str(out))
    assert room("artalk_addon.compat").fcurves_of(bpy.data.objects["artalk head"].data.shape_keys)


if __name__ == "__main__":
    scenario.main()
