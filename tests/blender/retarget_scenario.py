# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters of every kind in Blender: visemes, jaw bones, odd rigs, mappings that are edited, kept and given by name.

python retarget_scenario.py ZIP FOLDER SENTENCE [ICT]        writes one JSON line per check to FOLDER/report.jsonl
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

sys.path.insert(0, str(Path(__file__).parent))
import scenario
import stand_in
from scenario import (
    ARGUMENTS,
    FOLDER,
    add_strip,
    check,
    curves,
    evaluated_points,
    expected,
    generate_raw,
    head_objects,
    installed,
    linked_head,
    new_file,
    refused,
    room,
    said,
    speech,
    use_model,
)

scenario.CHECKS.clear()


def ready():
    """A file with a head, a strip and the stand-in; returns scene, mesh and rig."""
    installed()
    scene = new_file()
    bpy.ops.artalk.new_head()
    use_model()
    add_strip(scene, speech())
    return (scene, *head_objects())


def message():
    return bpy.context.window_manager.artalk.message


def lips_of_the_default_head(scene, mesh):
    """How far the lips are apart at each frame of the stand-in, and whether they ought to be shut."""
    head = room("core.heads.default_head").load()
    measure = room("core.heads.mesh").lip_gaps_mm
    gaps = []
    for frame in range(1, 50):
        scene.frame_set(frame)
        at = room("artalk_addon.rigs").evaluated_vertices(mesh, len(head.vertices))
        gaps.append(measure(head, at).reshape(3, -1).min(axis=0).max())
    return np.array(gaps), stand_in.is_closed(np.arange(49))


def become_visemes(mesh):
    """Take the head's shapes away and give it Oculus visemes of the same looks."""
    keys = mesh.data.shape_keys.key_blocks
    rest = np.array([point.co for point in keys[0].data])
    deltas = {key.name: np.array([point.co for point in key.data]) - rest for key in keys[1:]}
    mesh.shape_key_clear()
    mesh.shape_key_add(name="Basis")
    for name, recipe in room("core.retarget.visemes").recipes().items():
        key = mesh.shape_key_add(name=f"vrc.v_{name}", from_mix=False)
        key.value = 0
        shaped = rest + sum(weight * deltas[shape] for shape, weight in recipe.items())
        key.data.foreach_set("co", np.float32(shaped).ravel())


@check
def a_head_with_visemes_alone_closes_its_lips_and_opens_them():
    scene, mesh, rig = ready()
    become_visemes(mesh)
    assert generate_raw() == {"FINISHED"}
    assert "rest works" in message(), message()
    found = curves(mesh.data.shape_keys)
    assert len(found) == 14, list(found)
    assert len(curves(rig)) == 9, "head and eyes"
    gaps, closed = lips_of_the_default_head(scene, mesh)
    assert gaps[closed].max() < 0.5, gaps[closed].max()
    assert gaps[~closed].min() > 4, gaps[~closed].min()
    closer = found['key_blocks["vrc.v_PP"].value', 0]
    values = np.array([closer.evaluate(frame) for frame in range(1, 50)])
    assert values[closed].min() > 0.9
    assert values[~closed].max() < 0.5
    return f"shut {gaps[closed].max():.2f} mm at most, open {gaps[~closed].min():.1f} mm at least"


@check
def names_with_prefixes_and_other_sides_get_the_same_curves():
    _, mesh, _ = ready()
    for key in mesh.data.shape_keys.key_blocks[1:]:
        key.name = "CTRL_" + key.name.replace("Left", "_L").replace("Right", "_R")
    generate_raw()
    found = curves(mesh.data.shape_keys)
    assert len(found) == 52
    wanted = expected(np.arange(1, 51), 1, 25, 32000)["eyeBlinkLeft"]
    points = [point.co.y for point in found['key_blocks["CTRL_eyeBlink_L"].value', 0].keyframe_points]
    np.testing.assert_allclose(points, wanted, atol=1e-6)


@check
def a_jaw_bone_alone_speaks():
    scene, mesh, rig = ready()
    mesh.shape_key_clear()
    for name in ("teeth", "hair"):
        other = bpy.data.objects.new(name, bpy.data.meshes.new(name))
        scene.collection.objects.link(other)
        other.parent = rig
    assert generate_raw() == {"FINISHED"}
    assert len(curves(rig)) == 12
    turns, closed = [], stand_in.is_closed(np.arange(49))
    for frame in range(1, 50):
        scene.frame_set(frame)
        bone = rig.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones["jaw"]
        turns.append(np.degrees(bone.matrix_basis.to_quaternion().angle))
    assert max(np.array(turns)[closed]) < 0.1
    assert min(np.array(turns)[~closed]) > 5


@check
def a_jaw_bone_beside_shapes_that_are_no_speech_speaks():
    """Two of ARKit's 52 and a corrective are no face; what bones do to the mesh counts as moving."""
    _, mesh, rig = ready()
    for key in list(mesh.data.shape_keys.key_blocks)[1:]:
        if key.name not in {"jawOpen", "mouthSmileLeft"}:
            mesh.shape_key_remove(key)
    mesh.shape_key_add(name="corrective")
    assert generate_raw() == {"FINISHED"}
    assert len(curves(rig)) == 12
    assert not bpy.context.window_manager.artalk.failed, message()
    assert "do not move" not in message(), message()


@check
def a_jaw_bone_beside_a_shape_of_the_eyes_is_seen_to_move():
    _, mesh, rig = ready()
    for key in list(mesh.data.shape_keys.key_blocks)[1:]:
        if key.name != "eyeBlinkLeft":
            mesh.shape_key_remove(key)
    assert generate_raw() == {"FINISHED"}
    assert len(curves(rig)) == 12
    assert not bpy.context.window_manager.artalk.failed, message()


@check
def the_mapping_of_another_character_says_that_the_mouth_has_no_keys():
    _, mesh, _ = ready()
    bpy.ops.artalk.mapping_detect()
    bpy.ops.artalk.mapping_save(name="fifty-two")
    _, mesh, _ = ready()
    become_visemes(mesh)
    mapping = room("artalk_addon.mapping")
    refused_by = said(bpy.ops.artalk.mapping_load, filepath=str(mapping.folder() / "fifty-two.json"))
    for word in ("'fifty-two'", mesh.name, "eyeBlinkLeft", "Detect"):
        assert word in refused_by, refused_by
    assert not mapping.has_own(mesh)
    for which in (["--all"], ["--strip", "speech_2"]):
        assert room("artalk_addon.command").run(["generate", *which, "--mapping", "fifty-two"]) == 2
    assert not mapping.has_own(mesh)
    assert not curves(mesh.parent), "nothing was keyed"
    mapping.keep(mesh, mapping.preset("fifty-two"))
    generate_raw()
    assert bpy.context.window_manager.artalk.failed
    assert "moves its mouth" in message(), message()
    assert "generate first" not in message(), message()
    bpy.ops.artalk.mapping_forget()
    generate_raw()
    assert not bpy.context.window_manager.artalk.failed, message()


@check
def scaled_turned_and_mirrored_armatures_turn_alike():
    """What a rig does in its own space does not hang on where it stands; one with Y up has other axes there."""
    turns = []
    for scale, y_up in (((1, 1, 1), False), ((-3, 3, 3), False), ((0.01, 0.01, 0.01), True)):
        scene, mesh, rig = ready()
        if y_up:
            upright = Matrix.Rotation(-np.pi / 2, 4, "X")
            rig.data.transform(upright)
            mesh.data.transform(upright, shape_keys=True)
            rig.rotation_euler.x = np.pi / 2
        rig.scale = scale
        generate_raw()
        scene.frame_set(20)
        bone = rig.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones["neck"]
        turn = np.array((bone.matrix @ bone.bone.matrix_local.inverted()).to_3x3())
        back = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
        turns.append(back @ turn @ back.T if y_up else turn)
    np.testing.assert_allclose(turns[1], turns[0], atol=1e-5)
    np.testing.assert_allclose(turns[2], turns[0], atol=1e-5)
    assert np.degrees(np.arccos((np.trace(turns[0]) - 1) / 2)) > 3


@check
def a_head_that_is_parented_and_constrained():
    """The mesh hangs on a bone through an empty; the neck is held by a constraint, which is said."""
    scene, mesh, rig = ready()
    for modifier in list(mesh.modifiers):
        mesh.modifiers.remove(modifier)
    empty = bpy.data.objects.new("holder", None)
    scene.collection.objects.link(empty)
    empty.parent, empty.parent_type, empty.parent_bone = rig, "BONE", "neck"
    mesh.parent = empty
    rig.pose.bones["neck"].constraints.new("COPY_ROTATION").target = empty
    generate_raw()
    assert len(curves(rig)) == 9
    assert "'neck'" in message(), message()
    assert "constraint" in message()


@check
def two_of_the_shapes_are_refused_and_named():
    _, mesh, rig = ready()
    bpy.data.objects.remove(rig)
    for key in list(mesh.data.shape_keys.key_blocks[1:]):
        if key.name not in ("jawOpen", "mouthClose"):
            mesh.shape_key_remove(key)
    return refused(["mouthFunnel", "mouthPucker", "visemes"])


@check
def doubled_and_locked_keys():
    _, mesh, _ = ready()
    keys = mesh.data.shape_keys.key_blocks
    mesh.shape_key_add(name="jaw_open", from_mix=False)
    if hasattr(keys["mouthSmileLeft"], "lock_shape"):
        keys["mouthSmileLeft"].lock_shape = True
    generate_raw()
    found = curves(mesh.data.shape_keys)
    assert len(found) == 52
    assert 'key_blocks["jawOpen"].value' in {path for path, _ in found}
    assert "jaw_open" in message(), message()


@check
def a_muted_key_is_said_in_one_sentence():
    """Of a character of odd names too."""
    _, mesh, _ = ready()
    key = mesh.data.shape_keys.key_blocks["jawOpen"]
    key.name, key.mute = "Head.JAW_OPEN", True
    generate_raw()
    sentences = [obstacle.sentence for obstacle in room("artalk_addon.preflight").obstacles(mesh)]
    assert any("Head.JAW_OPEN" in sentence and "switch" in sentence for sentence in sentences), sentences


@check
def a_library_override_is_animated_or_refused_in_one_sentence():
    installed()
    scene, mesh = linked_head()
    own = mesh.override_create(remap_local_usages=True)
    add_strip(scene, speech())
    bpy.context.view_layer.objects.active = own
    # the mesh itself is still the library's: its shape keys cannot be keyed
    return refused(["linked", "override it together with its mesh"])


@check
def a_library_override_together_with_its_mesh_speaks_and_keeps_its_keys():
    installed()
    scene, mesh = linked_head()
    own = mesh.override_create(remap_local_usages=True)
    own.data.override_create(remap_local_usages=True)
    own.parent.override_create(remap_local_usages=True)
    add_strip(scene, speech())
    bpy.context.view_layer.objects.active = own
    assert generate_raw() == {"FINISHED"}
    assert len(curves(own.parent)) == 9
    path = FOLDER / "override.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    own = next(item for item in bpy.context.scene.objects if item.type == "MESH")
    assert own.override_library
    assert len(curves(own.data.shape_keys)) == 52
    gaps, closed = lips_of_the_default_head(bpy.context.scene, own)
    assert gaps[closed].max() < 0.5, gaps[closed].max()
    assert gaps[~closed].min() > 4, gaps[~closed].min()


# --- the table ------------------------------------------------------------------------------------------------------


def value_at(mesh, key, frame):
    return curves(mesh.data.shape_keys)[f'key_blocks["{key}"].value', 0].evaluate(frame)


@check
def the_table_is_detected_edited_and_kept_in_the_file():
    _, mesh, _ = ready()
    assert bpy.ops.artalk.mapping_detect() == {"FINISHED"}
    table = mesh.artalk_mapping
    assert len(table.rows) == 52 + 3 + 3 + 4
    rows = {row.target: row for row in table.rows}
    rows["jawOpen"].gain, rows["mouthClose"].gain = 0.5, 0.5
    rows["tongueOut"].on = False
    rows["browInnerUp"].sources = "0.5 browInnerUp + cheekPuff"
    path = FOLDER / "table.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    use_model()
    generate_raw()
    mesh, _ = head_objects()
    wanted = {name: values[0] for name, values in expected([20], 1, 25, 32000).items()}
    assert abs(value_at(mesh, "jawOpen", 20) - 0.5 * wanted["jawOpen"]) < 1e-5
    assert abs(value_at(mesh, "browInnerUp", 20) - 0.5 * wanted["browInnerUp"] - wanted["cheekPuff"]) < 1e-5
    assert len(curves(mesh.data.shape_keys)) == 51
    mesh.artalk_mapping.rows[0].sources = "eyeBlonk"
    generate_raw()
    assert "eyeBlonk" in message(), message()
    assert bpy.ops.artalk.mapping_forget() == {"FINISHED"}
    assert len(mesh.artalk_mapping.rows) == 0


@check
def presets_by_name_and_by_file():
    _, mesh, _ = ready()
    bpy.ops.artalk.mapping_detect()
    row = next(row for row in mesh.artalk_mapping.rows if row.target == "jawOpen")
    row.gain = 0.25
    assert bpy.ops.artalk.mapping_save(name="quiet jaw") == {"FINISHED"}
    assert "name" in said(bpy.ops.artalk.mapping_save, name="../x")
    file = room("artalk_addon.mapping").folder() / "quiet jaw.json"
    assert json.loads(file.read_text(encoding="utf-8"))["name"] == "quiet jaw"
    run = room("artalk_addon.command").run
    for given in ("quiet jaw", str(file)):
        _, mesh, _ = ready()
        assert run(["generate", "--all", "--post", "none", "--mapping", given]) == 0
        wanted = expected([20], 1, 25, 32000)["jawOpen"][0]
        assert abs(value_at(mesh, "jawOpen", 20) - 0.25 * wanted) < 1e-5
    assert run(["generate", "--all", "--mapping", "no such"]) == 2
    broken = FOLDER / "broken.json"
    broken.write_text('{"artalk_mapping": 1, "rows": [', encoding="utf-8")
    assert run(["generate", "--all", "--mapping", str(broken)]) == 2
    before = len(mesh.artalk_mapping.rows)
    assert "not JSON" in said(bpy.ops.artalk.mapping_load, filepath=str(broken))
    assert len(mesh.artalk_mapping.rows) == before, "the old table stays"
    mesh.shape_key_remove(mesh.data.shape_keys.key_blocks["tongueOut"])
    assert bpy.ops.artalk.mapping_load(filepath=str(file)) == {"FINISHED"}
    generate_raw()
    assert message().count("tongueOut") == 1, message()
    assert "rest works" in message()


# --- the free head --------------------------------------------------------------------------------------------------


def write_obj(path, vertices, faces=()):
    lines = [f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in vertices]
    lines += ["vt 0 0", "vt 1 0", "vt 1 1", "vt 0 1"] if len(faces) else []
    lines += [" ".join(["f", *(f"{corner + 1}/{n + 1}" for n, corner in enumerate(face))]) for face in faces]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def small_folder(folder):
    """A face of sixteen quads whose lower half is the jaw, with split brows, in cm."""
    folder.mkdir(exist_ok=True)
    x, y = np.meshgrid(np.arange(5.0) - 2, np.arange(5.0) - 2)
    rest = np.stack([x.ravel(), y.ravel(), 0.1 * x.ravel() ** 2], axis=1)
    faces = [(5 * r + c, 5 * r + c + 1, 5 * r + c + 6, 5 * r + c + 5) for r in range(4) for c in range(4)]
    write_obj(folder / "generic_neutral_mesh.obj", rest, faces)
    lower = (rest[:, 1] < 0)[:, None]
    moves = {
        name: 0.1 * np.ones_like(rest) for name in ("mouthFunnel", "mouthPucker", "browInnerUp_R", "cheekRaiser_L")
    }
    moves |= {
        "jawOpen": lower * [0, -1.0, 0],
        "mouthClose": lower * [0, 1.0, 0],
        "browInnerUp_L": 0.2 * np.ones_like(rest),
    }
    for name, move in moves.items():
        write_obj(folder / f"{name}.obj", rest + move)
    write_obj(folder / "identity000.obj", rest[:3])
    return folder


@check
def the_free_head_is_imported_from_its_folder():
    installed()
    scene = new_file()
    folder = small_folder(FOLDER / "FaceXModel")
    assert bpy.ops.artalk.import_free_head(filepath=str(folder / "jawOpen.obj")) == {"FINISHED"}
    mesh = scene.artalk.character
    assert [len(face.vertices) for face in mesh.data.polygons] == [4] * 16
    names = mesh.data.shape_keys.key_blocks.keys()
    assert "browInnerUp" in names
    assert "cheekRaiser_L" in names
    assert "identity000" not in names
    assert mesh.data.uv_layers[0].uv[2].vector[:] == (1, 1)
    assert [bone.name for bone in mesh.parent.data.bones] == ["root", "neck", "jaw"]
    move = mesh.data.shape_keys.key_blocks["browInnerUp"].data[0].co - mesh.data.vertices[0].co
    np.testing.assert_allclose(move, (0.003, -0.003, 0.003), atol=1e-6)
    use_model()
    add_strip(scene, speech())
    assert generate_raw() == {"FINISHED"}
    write_obj(folder / "mouthClose.obj", np.zeros((3, 3)))
    assert "mouthClose.obj" in said(bpy.ops.artalk.import_free_head, filepath=str(folder))
    (FOLDER / "empty").mkdir()
    assert "FaceXModel" in said(bpy.ops.artalk.import_free_head, filepath=str(FOLDER / "empty"))


@check
def on_the_real_free_head_lips_close():
    if len(ARGUMENTS) < 4 or not ARGUMENTS[3]:
        return "skipped: the packed ICT-FaceKit head is not on this machine"
    installed()
    scene = new_file()
    assert bpy.ops.artalk.import_free_head(filepath=ARGUMENTS[3]) == {"FINISHED"}
    mesh = scene.artalk.character
    assert len(mesh.data.vertices) == 26719
    assert len(mesh.data.materials) == 9
    assert len(mesh.parent.data.bones) == 5
    use_model()
    add_strip(scene, speech())
    generate_raw()
    upper, lower = [5711, 5533, 6216], [5966, 5517, 6470]  # inner lips, of the 68 usual landmarks
    gaps = []
    for frame in range(1, 25):
        scene.frame_set(frame)
        at = evaluated_points(mesh)
        gaps.append(1000 * (at[upper, 2] - at[lower, 2]))
    gaps, closed = np.array(gaps), stand_in.is_closed(np.arange(24))
    assert gaps[closed].mean(axis=1).max() < 0.5, gaps[closed]
    assert gaps[~closed].min() > 5
    return f"shut {gaps[closed].mean(axis=1).max():.2f} mm at most, open {gaps[~closed].min():.1f} mm at least"


if __name__ == "__main__":
    scenario.main()
