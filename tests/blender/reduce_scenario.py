# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer keys on the evaluated mesh: lips within the bound, closures closed, an artist's edits left alone.

python reduce_scenario.py ZIP FOLDER SENTENCE        writes one JSON line per check to FOLDER/report.jsonl
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import scenario
from scenario import (
    ARGUMENTS,
    REAL_LOAD,
    add_strip,
    check,
    curves,
    evaluated_points,
    head_objects,
    installed,
    new_file,
    room,
    speech,
    use_model,
)

scenario.CHECKS.clear()
BOUND = 0.3


def keyed(rate="25", path=None, modifiers=False):
    """A head that speaks, by the stand-in or, with a recording, by the shipped model."""
    installed()
    scene = new_file(rate)
    bpy.ops.artalk.new_head()
    use_model()
    if path is not None:
        room("core.models").load = REAL_LOAD[0]
        room("core.generate")._load_cached.cache_clear()
    add_strip(scene, path or speech(2.0))
    mesh, rig = head_objects()
    mesh.modifiers["Subdivision"].show_viewport = modifiers
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    return scene, mesh, rig


def keys_of(*datablocks):
    return sum(len(curve.keyframe_points) for datablock in datablocks for curve in curves(datablock).values())


def shown(scene, mesh):
    """Frames, lip points (T, N, 3) in mm with the head's turn taken out, and in mm as seen, on the evaluated mesh."""
    head = room("core.heads.default_head").load()
    lips = np.unique(head.lips)
    points = np.array([p.co.x for p in curves(mesh.data.shape_keys)['key_blocks["jawOpen"].value', 0].keyframe_points])
    frames = np.arange(round(points.min()), round(points.max()) + 1)
    upright, seen = [], []
    for frame in frames:
        scene.frame_set(int(frame))
        upright.append(1000 * room("artalk_addon.rigs").evaluated_vertices(mesh, len(head.vertices)))
        seen.append(1000 * evaluated_points(mesh)[lips])
    pairs = head.lips
    upright = np.array(upright)
    gaps = (upright[:, pairs[:, 0], 1] - upright[:, pairs[:, 1], 1]).max(axis=1)
    return frames, upright[:, lips], np.array(seen), gaps


def says_no(words, call):
    """An operator refuses with a sentence that has these words."""
    try:
        call()
    except RuntimeError as error:
        said = str(error)
    else:
        said = "it was not refused"
    assert words in said, said


def off(before, after):
    return float(np.linalg.norm(after - before, axis=-1).max())


def reduced_within(rate, path=None, bound=BOUND):
    scene, mesh, rig = keyed(rate, path)
    keys = mesh.data.shape_keys
    before, count = shown(scene, mesh), keys_of(keys, rig)
    report = room("artalk_addon.reduce").reduce_character(mesh, bound)
    scene.frame_set(scene.frame_current)
    after = shown(scene, mesh)
    np.testing.assert_array_equal(after[0], before[0])
    worst = off(before[1], after[1])
    assert worst <= bound * 1.001, worst
    assert off(before[2], after[2]) <= 2 * bound, "with the turn of the head, which has the bound for itself"
    shut = before[3] <= 1.0
    assert shut.any()
    assert after[3][shut].max() <= 1.0 + 1e-3, after[3][shut].max()
    assert (report.before, report.after) == (count, keys_of(keys, rig))
    assert report.after < 0.5 * count
    assert {p.interpolation for c in curves(keys).values() for p in c.keyframe_points} <= {"BEZIER", "LINEAR"}
    return f"{rate} fps: {report} On the mesh {worst:.3f} mm, {shut.sum()} frames of closure."


@check
def the_lips_of_the_stand_in_stay_within_the_bound():
    return reduced_within("24")


@check
def the_lips_of_a_recording_stay_within_the_bound():
    if not room("core.models").entry("mini").weights.is_file():
        return "skipped: no weights"
    return " ".join(reduced_within(rate, Path(ARGUMENTS[2])) for rate in ("25", "60"))


@check
def the_curves_in_blender_are_the_cubics_that_were_meant():
    _, mesh, rig = keyed()
    reduction = room("core.polish.key_reduction")
    kept = []
    original = reduction.reduce_keys
    module = room("artalk_addon.reduce")
    module.reduce_keys = lambda *arguments: kept.append((arguments, original(*arguments))) or kept[0][1]
    try:
        module.reduce_character(mesh, 1.0)
    finally:
        module.reduce_keys = original
    (frames, values, *_), result = kept[0]
    wanted = reduction.draw(values, result.slopes, result.kept)
    found = [*curves(mesh.data.shape_keys).values(), *curves(rig).values()]
    for column, curve in enumerate(found):
        np.testing.assert_allclose([curve.evaluate(f) for f in frames], wanted[:, column], atol=2e-5)


@check
def two_lines_keep_their_pause():
    installed()
    scene = new_file()
    bpy.ops.artalk.new_head()
    use_model()
    for number, frame in enumerate((1, 201)):
        add_strip(scene, speech(1.0), frame, number + 1)
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    mesh, _ = head_objects()
    curve = curves(mesh.data.shape_keys)['key_blocks["jawOpen"].value', 0]
    before = [curve.evaluate(frame) for frame in range(1, 226)]
    assert bpy.ops.artalk.reduce(bound=0.3) == {"FINISHED"}
    curve = curves(mesh.data.shape_keys)['key_blocks["jawOpen"].value', 0]
    np.testing.assert_allclose([curve.evaluate(frame) for frame in range(1, 226)], before, atol=0.05)
    between = [p.co.x for p in curve.keyframe_points if 60 < p.co.x < 160]
    assert len(between) <= 2, between


@check
def edited_curves_stay_as_they_are_and_reduced_ones_are_no_edits():
    _, mesh, _ = keyed()
    keys = mesh.data.shape_keys
    if "artalk_lines" not in keys.animation_data.action:
        return "skipped: edits are not known in this version"
    brow = curves(keys)['key_blocks["browInnerUp"].value', 0]
    brow.keyframe_points[20].co.y += 0.3
    brow.update()
    edited = [tuple(p.co) for p in brow.keyframe_points]
    report = room("artalk_addon.reduce").reduce_character(mesh, BOUND)
    assert report.edited == 1
    brow = curves(keys)['key_blocks["browInnerUp"].value', 0]
    assert [tuple(p.co) for p in brow.keyframe_points] == edited
    keys_before = keys_of(keys)
    again = room("artalk_addon.reduce").reduce_character(mesh, BOUND)
    assert again.edited == 1, "what was reduced is not taken for an edit"
    assert bpy.ops.artalk.generate() == {"FINISHED"}, "and it can be generated again"
    brow = curves(keys)['key_blocks["browInnerUp"].value', 0]
    assert abs(brow.evaluate(edited[20][0]) - edited[20][1]) < 1e-3, "with the edit on it"
    assert keys_of(keys) < 1.2 * keys_before, "and is reduced again"
    return str(report)


@check
def reduced_lines_stay_reduced_when_sliders_move_and_lines_are_made_again():
    scene, mesh, rig = keyed()
    dense = keys_of(mesh.data.shape_keys, rig)
    assert bpy.ops.artalk.reduce(bound=BOUND) == {"FINISHED"}
    few = keys_of(mesh.data.shape_keys, rig)
    before = shown(scene, mesh)
    mesh.artalk.brows = 0.5
    assert keys_of(mesh.data.shape_keys, rig) < 1.2 * few
    mesh.artalk.brows = 1.0
    assert abs(keys_of(mesh.data.shape_keys, rig) - few) < 0.05 * few
    assert off(before[1], shown(scene, mesh)[1]) < BOUND
    second = add_strip(scene, scenario.write_wav(scenario.FOLDER / "next.wav", scenario.noise(1.0)), 71, 2)
    for strip in room("artalk_addon.compat").all_strips(scene):
        strip.select = strip == second
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    lines = room("artalk_addon.generation").lines_of(room("artalk_addon.rigs").describe(mesh))
    assert [(line.bound > 0, line.is_loose) for line in lines] == [(True, False), (False, False)]
    assert not room("artalk_addon.generation").edits_of(mesh), "nothing of it is taken for an edit"
    room("artalk_addon.generation").remove_lines(mesh, {second.name})
    assert abs(keys_of(mesh.data.shape_keys, rig) - few) < 0.05 * few
    assert bpy.ops.artalk.loosen() == {"FINISHED"}
    assert abs(keys_of(mesh.data.shape_keys, rig) - dense) < 0.02 * dense, (keys_of(mesh.data.shape_keys, rig), dense)
    says_no("there is one key a frame already", bpy.ops.artalk.loosen)
    return f"{dense} keys, {few} when reduced"


@check
def in_a_window_they_are_reduced_again_when_the_hand_rests():
    _, mesh, rig = keyed()
    room("artalk_addon.reduce").reduce_character(mesh, BOUND)
    few = keys_of(mesh.data.shape_keys, rig)
    layers = room("artalk_addon.layers")
    reduce_again, layers._reduce_again = layers._reduce_again, lambda *_: False
    try:
        mesh.artalk.brows = 0.5
    finally:
        layers._reduce_again = reduce_again
    assert keys_of(mesh.data.shape_keys, rig) > 1.5 * few, "while the slider moves"
    layers._loose.add(mesh.session_uid)
    while layers._tighten() is not None:
        pass
    assert keys_of(mesh.data.shape_keys, rig) < 1.2 * few


@check
def the_head_alone_in_other_units_is_measured_life_size():
    _, mesh, rig = keyed()
    module = room("artalk_addon.reduce")
    life = module.reduce_character(mesh, BOUND)
    _, mesh, rig = keyed()
    rig.scale = (40.0, 40.0, 40.0)
    bpy.context.view_layer.update()
    giant = module.reduce_character(mesh, BOUND)
    assert abs(giant.after - life.after) < 0.05 * life.after, (life.after, giant.after)


@check
def without_keys_or_with_no_bound_it_says_so():
    installed()
    new_file()
    bpy.ops.artalk.new_head()
    mesh, _ = head_objects()
    module = room("artalk_addon.reduce")
    scenario.raises_input_error(["no keys", "generate first"], module.reduce_character, mesh)
    _, mesh, _ = keyed()
    before = keys_of(mesh.data.shape_keys)
    scenario.raises_input_error(["not above 0"], module.reduce_character, mesh, -1.0)
    assert keys_of(mesh.data.shape_keys) == before


if __name__ == "__main__":
    scenario.main()
