# SPDX-License-Identifier: GPL-3.0-or-later
"""Each export is opened again and compared with the character frame by frame.

python export_scenario.py ZIP FOLDER        writes one JSON line per check to FOLDER/report.jsonl
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import scenario
import stand_in
from scenario import (
    FOLDER,
    add_strip,
    check,
    curves,
    evaluated_points,
    head_objects,
    installed,
    new_file,
    raises_input_error,
    room,
    speech,
    use_model,
)

scenario.CHECKS.clear()
FIRST = 7
NAMES = ("jawOpen", "mouthClose", "browInnerUp", "eyeBlinkLeft")


def keyed(rate="25"):
    installed()
    scene = new_file(rate)
    bpy.ops.artalk.new_head()
    use_model()
    add_strip(scene, speech(1.0), FIRST)
    scenario.generate_raw()
    return scene, *head_objects()


def points_of(mesh):
    return np.array([tuple(mesh.matrix_world @ p) for p in map(scenario_vector, evaluated_points(mesh)[::9])])


def scenario_vector(point):
    from mathutils import Vector

    return Vector(point)


def performance(scene, mesh, frames, shapes=None):
    """Values (T, 4) of some shapes and points (T, N, 3) in the world, of every ninth vertex."""
    for modifier in mesh.modifiers:
        if modifier.type == "SUBSURF":
            modifier.show_viewport = False
    values, points = [], []
    for frame in frames:
        scene.frame_set(int(np.floor(frame)), subframe=float(frame - np.floor(frame)))
        keys = mesh.data.shape_keys.key_blocks if mesh.data.shape_keys else None
        values.append([keys[name].value for name in NAMES] if keys else [])
        points.append(points_of(mesh))
    return np.array(values), np.array(points)


def written(ending, rate="25", step=1.0):
    """The character as it is, exported; then an empty file at the same rate."""
    scene, mesh, _ = keyed(rate)
    rate_of = (scene.render.fps, scene.render.fps_base)
    before = scenario.fingerprint()
    out = FOLDER / f"head{ending}"
    export = room("artalk_addon.export")
    try:
        span = export.export_character(mesh, out, step)
    except room("core.errors").InputError as error:
        if "cannot write" in str(error):
            return None
        raise
    assert scenario.fingerprint() == before, "the open file is as it was"
    assert mesh.modifiers["Subdivision"].show_viewport
    assert not list(FOLDER.glob(".*partial*"))
    frames = np.arange(span[0], span[1] + 1)
    assert frames[0] == FIRST
    assert len(frames) in {25, 29, 30, 31}
    truth = performance(scene, mesh, frames)
    assert np.ptp(truth[0], axis=0).min() > 0.1, "it speaks"
    scene = new_file()
    scene.render.fps, scene.render.fps_base = rate_of
    return out, frames, truth


def opened(importer, **settings):
    """The imported mesh, by Blender's own importer."""
    importer(**settings)
    meshes = [item for item in bpy.data.objects if item.type == "MESH" and len(item.data.vertices) > 100]
    assert len(meshes) == 1, [item.name for item in bpy.data.objects]
    return bpy.context.scene, meshes[0]


def compared(made, scene, mesh, shift=0.0, tolerance=1e-4, by_order=True):
    """Shape values and the evaluated mesh at every frame, the latter in metres."""
    out, frames, (values, points) = made
    found, at = performance(scene, mesh, frames + shift)
    if mesh.data.shape_keys:
        np.testing.assert_allclose(found, values, atol=1e-4)
    if by_order:
        worst = float(np.abs(at - points).max())
    else:
        # vertices are split at seams: the nearest counts, at a few frames
        worst = max(
            float(np.linalg.norm(points[row][:, None] - full[None], axis=2).min(axis=1).max())
            for row, full in full_points(scene, mesh, frames + shift)
        )
    assert worst < tolerance, worst
    return f"{out.name}: {len(frames)} frames, points within {1000 * worst:.4f} mm"


def full_points(scene, mesh, frames):
    for row in range(0, len(frames), 5):
        scene.frame_set(int(np.floor(frames[row])), subframe=float(frames[row] - np.floor(frames[row])))
        matrix = np.array(mesh.matrix_world)
        yield row, evaluated_points(mesh) @ matrix[:3, :3].T + matrix[:3, 3]


@check
def gltf():
    made = written(".glb")
    if made is None:
        return "skipped: this Blender has no glTF exporter"
    scene, mesh = opened(bpy.ops.import_scene.gltf, filepath=str(made[0]))
    return compared(made, scene, mesh, shift=0.0, by_order=False)


@check
def gltf_at_29_97():
    made = written(".glb", "29.97")
    if made is None:
        return "skipped: this Blender has no glTF exporter"
    scene, mesh = opened(bpy.ops.import_scene.gltf, filepath=str(made[0]))
    return compared(made, scene, mesh, shift=0.0, by_order=False)


@check
def fbx():
    made = written(".fbx")
    if made is None:
        return "skipped: this Blender has no FBX exporter"
    scene, mesh = opened(bpy.ops.import_scene.fbx, filepath=str(made[0]), anim_offset=0.0)
    return compared(made, scene, mesh)


@check
def usd():
    made = written(".usdc")
    if made is None:
        return "skipped: this Blender has no USD exporter"
    scene, mesh = opened(bpy.ops.wm.usd_import, filepath=str(made[0]))
    return compared(made, scene, mesh)


@check
def alembic():
    made = written(".abc")
    if made is None:
        return "skipped: this Blender has no Alembic exporter"
    scene, mesh = opened(bpy.ops.wm.alembic_import, filepath=str(made[0]), as_background_job=False)
    return compared(made, scene, mesh)


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@check
def live_link_csv():
    scene, mesh, _ = keyed()
    out = FOLDER / "head.csv"
    first, last = room("artalk_addon.export").export_character(mesh, out)
    frames = np.arange(first, last + 1)
    rows = table(out)
    assert len(rows) == len(frames)
    wanted = scenario.expected(frames, FIRST, 25, 16000)
    for name in ("jawOpen", "mouthClose", "browInnerUp", "eyeLookOutLeft"):
        found = [float(row[name[0].upper() + name[1:]]) for row in rows]
        np.testing.assert_allclose(found, wanted[name], atol=1e-5)
    for column, name in (("HeadPitch", "head_x"), ("HeadYaw", "head_y"), ("HeadRoll", "head_z")):
        np.testing.assert_allclose([float(row[column]) for row in rows], wanted[name], atol=1e-4)
    np.testing.assert_allclose([float(row["LeftEyeYaw"]) for row in rows], wanted["left_eye_y"], atol=1e-4)
    assert scene.frame_current == 1


@check
def half_frames_as_csv_and_fbx():
    _, mesh, _ = keyed()
    curve = curves(mesh.data.shape_keys)['key_blocks["jawOpen"].value', 0]
    halves = np.arange(FIRST, FIRST + 24.5, 0.5)
    wanted = [curve.evaluate(frame) for frame in halves]
    out = FOLDER / "halves.csv"
    room("artalk_addon.export").export_character(mesh, out, 0.5)
    np.testing.assert_allclose([float(row["JawOpen"]) for row in table(out)], wanted, atol=1e-5)
    made = written(".fbx", step=0.5)
    if made is None:
        return "skipped: this Blender has no FBX exporter"
    _, mesh = opened(bpy.ops.import_scene.fbx, filepath=str(made[0]), anim_offset=0.0)
    found = next(c for path, c in curves(mesh.data.shape_keys).items() if "jawOpen" in path[0])
    np.testing.assert_allclose([found.evaluate(frame) for frame in halves], wanted, atol=1e-4)
    return f"{len(found.keyframe_points)} keys"


@check
def from_the_file_menu():
    keyed()
    out = FOLDER / "menu.csv"
    assert bpy.ops.artalk.export(filepath=str(out)) == {"FINISHED"}
    assert len(table(out)) == stand_in.FPS


@check
def a_command_outside_of_all_windows_exports():
    """As Blender runs `--command`: without a window, so without an active object."""
    _, mesh, _ = keyed()
    for ending in (".glb", ".fbx"):
        out = FOLDER / f"command{ending}"
        with bpy.context.temp_override(window=None):
            assert not hasattr(bpy.context, "object")
            room("artalk_addon.export").export_character(mesh, out)
        assert out.stat().st_size > 10_000


@check
def a_hidden_character_is_exported_and_stays_hidden():
    _, mesh, rig = keyed()
    mesh.hide_set(True)
    rig.hide_viewport = True
    out = FOLDER / "hidden.glb"
    room("artalk_addon.export").export_character(mesh, out)
    assert (mesh.hide_get(), mesh.hide_viewport, rig.hide_get(), rig.hide_viewport) == (True, False, False, True)
    new_file()
    _, found = opened(bpy.ops.import_scene.gltf, filepath=str(out))
    assert "jawOpen" in found.data.shape_keys.key_blocks
    assert found.find_armature() is not None


@check
def a_character_of_a_hidden_collection_says_so():
    scene, mesh, _ = keyed()
    away = bpy.data.collections.new("Away")
    scene.collection.children.link(away)
    for collection in mesh.users_collection:
        collection.objects.unlink(mesh)
    away.objects.link(mesh)
    out, layer = FOLDER / "away.glb", bpy.context.view_layer.layer_collection.children["Away"]
    for name in ("exclude", "hide_viewport"):
        setattr(layer, name, True)
        raises_input_error(["collection", "show it"], room("artalk_addon.export").export_character, mesh, out)
        setattr(layer, name, False)
    assert not out.exists()


@check
def what_cannot_be_exported_says_why():
    installed()
    new_file()
    bpy.ops.artalk.new_head()
    mesh, _ = head_objects()
    export = room("artalk_addon.export").export_character
    raises_input_error(["no keys", "generate first"], export, mesh, FOLDER / "x.csv")
    _, mesh, _ = keyed()
    raises_input_error([".obj", ".glb"], export, mesh, FOLDER / "x.obj")
    raises_input_error(["does not exist"], export, mesh, FOLDER / "nowhere" / "x.csv")
    raises_input_error(["step of 3"], export, mesh, FOLDER / "x.csv", 3.0)
    (FOLDER / "taken.csv").mkdir(exist_ok=True)
    raises_input_error(["cannot be written"], export, mesh, FOLDER / "taken.csv")


if __name__ == "__main__":
    scenario.main()
