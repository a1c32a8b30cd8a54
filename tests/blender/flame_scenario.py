# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a process of its own with the bpy module: FLAME heads imported by the installed extension.

python flame_scenario.py ZIP FOLDER MATERIAL      MATERIAL: folder of FLAME files and weights, see test_flame_blender.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

sys.path.insert(0, str(Path(__file__).parent))
import scenario
from scenario import ARGUMENTS, FOLDER, add_strip, check, evaluated_points, installed, new_file, room, said, speech

scenario.CHECKS.clear()
MATERIAL = Path(ARGUMENTS[2])
SETS = 200
BOUND = 1e-4  # of the head's size


# --- material -------------------------------------------------------------------------------------------------------


def imported(name="flame.npz", **choices):
    assert bpy.ops.artalk.import_flame(filepath=str(MATERIAL / name), **choices) == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def model(name="flame.npz"):
    return room("core.heads.flame_files").read_flame(MATERIAL / name)


def keys_of(head):
    return head.data.shape_keys.key_blocks


def drivers_of(head):
    return [c.driver for owner in (head.parent, head.data.shape_keys) for c in owner.animation_data.drivers]


def pose(head, expression, rotations):
    """Set a head's sliders and bones; rotations (5, 3) in FLAME's axes."""
    flame, rig = room("core.heads.flame"), head.parent
    for number, value in enumerate(expression):
        keys_of(head)[f"Exp{number + 1:03d}"].value = value
    for name, turn in zip(flame.JOINTS, flame.rotation_matrices(np.asarray(rotations)), strict=True):
        bone = rig.pose.bones[name]
        axes = np.array(bone.bone.matrix_local.to_3x3()).T @ room("artalk_addon.plan").HEAD_TO_ARMATURE
        local = Matrix(axes @ turn @ axes.T)
        if bone.rotation_mode == "QUATERNION":
            bone.rotation_quaternion = local.to_quaternion() * 0.8  # its length is of no account
        else:
            bone.rotation_euler = local.to_euler(bone.rotation_mode)
    bpy.context.view_layer.update()


def evaluated(head):
    """Vertices (V, 3) of the evaluated mesh in FLAME's axes."""
    return evaluated_points(head) @ room("artalk_addon.plan").HEAD_TO_ARMATURE


def worst(head, source, sets, seed=0, identity=None):
    """Largest distance from FLAME's forward pass over random parameters, in head sizes."""
    rng = np.random.default_rng(seed)
    size = np.ptp(source.template, axis=0).max()
    off = 0.0
    for _ in range(sets):
        expression = rng.normal(0, 1.5, source.expressions.shape[2])
        rotations = rng.normal(0, 0.3, (5, 3))
        pose(head, expression, rotations)
        wanted = room("core.heads.flame").vertices(source, expression[None], rotations[None], identity)[0]
        off = max(off, np.linalg.norm(evaluated(head) - wanted, axis=1).max())
    return off / size


def refused(words, call):
    sentence = said(call)
    assert all(word in sentence for word in words), sentence


def add_speech(scene):
    scene.render.fps = 24
    return add_strip(scene, speech(), 11)


def flame_options(name="artalk.safetensors"):
    return room("core.generate").Options(model="artalk", weights=MATERIAL / name, device="cpu")


# --- checks ---------------------------------------------------------------------------------------------------------


@check
def the_evaluated_mesh_is_flames_forward_pass():
    installed()
    new_file()
    source = model()
    head = imported()
    assert len(head.data.vertices) == 5023
    off = worst(head, source, SETS)
    assert off < BOUND, off
    return f"{off:.1e} of the head's size over {SETS} sets"


@check
def drivers_need_no_python():
    head = bpy.context.view_layer.objects.active
    scripted = [driver for driver in drivers_of(head) if driver.type == "SCRIPTED"]
    assert len(scripted) > 100
    assert all(driver.is_simple_expression and driver.is_valid for driver in scripted)


@check
def it_is_the_same_after_saving_and_opening_without_scripts():
    path = FOLDER / "flame.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.context.preferences.filepaths.use_scripts_auto_execute = False
    bpy.ops.wm.open_mainfile(filepath=str(path), use_scripts=False)
    assert not bpy.app.autoexec_fail, bpy.app.autoexec_fail_message
    off = worst(bpy.data.objects["FLAME head"], model(), 20, seed=1)
    assert off < BOUND, off
    return f"{off:.1e} of the head's size"


@check
def bones_in_any_rotation_mode_have_their_correctives():
    head = bpy.data.objects["FLAME head"]
    for bone, mode in zip(head.parent.pose.bones, ("XYZ", "ZXY", "YZX", "XZY", "ZYX") * 2, strict=True):
        bone.rotation_mode = mode
    off = worst(head, model(), 10, seed=2)
    assert off < BOUND, off


@check
def the_rig_is_flames():
    new_file()
    bpy.context.scene.cursor.location = (1, 2, 3)
    source = model()
    head = imported()
    rig = head.parent
    names = [key.name for key in keys_of(head)]
    assert names[:3] == ["Basis", "Exp001", "Exp002"]
    assert sum(name.startswith("Exp") for name in names) == 100
    assert tuple(rig.location) == (1, 2, 3)
    assert [bone.name for bone in rig.data.bones if not bone.use_deform] == list(room("core.heads.flame").JOINTS)
    assert rig.data.bones["jaw"].parent.name == "neck"
    for group, joint in zip(head.vertex_groups, range(5), strict=True):
        found = [group.weight(vertex) for vertex in range(0, 5023, 500)]
        np.testing.assert_array_equal(np.float32(found), source.weights[::500, joint])
    assert head.modifiers["Armature"].use_deform_preserve_volume is False


@check
def only_correctives_that_do_something_are_made():
    new_file()
    head = imported("stiff.npz")
    made = [key.name for key in keys_of(head) if key.name.startswith("Pose")]
    assert made == ["Pose jaw 23", "Pose jaw 32"], made
    off = worst(head, model("stiff.npz"), 10)
    assert off < BOUND, off


@check
def an_identity_is_baked_or_kept():
    source, betas = model("small.npz"), np.linspace(-2, 2, 12)
    np.save(FOLDER / "betas.npy", betas)
    for kept in (False, True):
        new_file()
        head = imported("small.npz", betas_file=str(FOLDER / "betas.npy"), keep_identity=kept)
        assert sum(key.name.startswith("Shape") for key in keys_of(head)) == (12 if kept else 0)
        off = worst(head, source, 10, identity=betas)
        assert off < BOUND, off
    keys_of(head)["Shape001"].value = 3.0
    other = np.array([3.0, *betas[1:]])
    off = worst(head, source, 10, identity=other)
    assert off < BOUND, off
    new_file()
    head = imported("small.npz", betas=(1.5, -1.0, *[0.0] * 8))
    off = worst(head, source, 5, identity=[1.5, -1.0])
    assert off < BOUND, off


@check
def eyes_and_texture_come_as_the_file_has_them():
    new_file()
    head = imported("eyes.npz")
    assert [material.name for material in head.data.materials] == ["FLAME skin", "FLAME eyes"]
    slots = {polygon.material_index for polygon in head.data.polygons}
    assert slots == {0, 1}
    with np.load(MATERIAL / "eyes.npz") as file:
        wanted = file["vt"][file["ft"]].reshape(-1, 2)
    found = np.empty(2 * len(wanted), np.float32)
    head.data.uv_layers.active.data.foreach_get("uv", found)
    np.testing.assert_allclose(found.reshape(-1, 2), wanted, atol=1e-6)


@check
def what_is_wrong_is_said_and_changes_nothing():
    new_file()
    (FOLDER / "words.txt").write_text("no numbers")
    np.save(FOLDER / "long.npy", np.zeros(301))
    small = str(MATERIAL / "small.npz")
    for words, choices in (
        (["There is no FLAME file"], {"filepath": str(MATERIAL / "no.pkl")}),
        (["evil.pkl", "holds more than arrays"], {"filepath": str(MATERIAL / "evil.pkl")}),
        (["no FLAME model", "v_template"], {"filepath": str(MATERIAL / "artalk.npz")}),
        (["words.txt", "no identity"], {"filepath": small, "betas_file": str(FOLDER / "words.txt")}),
        (["301 identity numbers", "300"], {"filepath": small, "betas_file": str(FOLDER / "long.npy")}),
        (["no faces"], {"filepath": str(MATERIAL / "points.npz")}),
    ):
        refused(words, lambda choices=choices: bpy.ops.artalk.import_flame(**choices))
    assert not bpy.data.objects
    assert not bpy.data.meshes
    assert not Path(MATERIAL / "it_ran").exists()


@check
def speech_moves_the_mesh_as_the_models_motion_does():
    scene = new_file()
    head = imported()
    strip = add_speech(scene)
    generation, options = room("artalk_addon.generation"), flame_options()
    task = generation.prepare(scene, [strip], head, options)
    sentence = generation.apply(task, generation.speak(task, lambda _: None, lambda: False))
    assert "1 line on 'FLAME head'" in sentence, sentence
    heard = room("artalk_addon.strips").read_clip(strip, task.fps)
    motion = room("core.generate").generate(heard.samples, options)
    assert motion.basis.name == "flame"
    animated = {c.data_path for c in room("artalk_addon.compat").fcurves_of(head.data.shape_keys)}
    assert len([path for path in animated if "Exp" in path]) == 100
    flame, source = room("core.heads.flame"), model()
    size, off, moves = np.ptp(source.template, axis=0).max(), 0.0, 0.0
    for frame in (11, 12, 25, 37, 50, 57):
        scene.frame_set(frame)
        held = type(motion)(motion.sample(np.array([(frame - 11) / 24])), motion.basis, 25.0)
        wanted = flame.motion_vertices(source, held)[0]
        off = max(off, np.linalg.norm(evaluated(head) - wanted, axis=1).max())
        moves = max(moves, np.linalg.norm(wanted - source.template, axis=1).max())
    assert moves > 0.01, moves
    assert off / size < BOUND, off / size
    return f"{off / size:.1e} of the head's size"


@check
def the_button_generates_and_generates_again():
    scene = new_file()
    head = imported()
    add_speech(scene)
    chosen = scene.artalk
    assert chosen.character == head
    chosen.model, chosen.weights = "artalk", str(MATERIAL / "artalk.safetensors")
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    first = len(room("artalk_addon.compat").fcurves_of(head.data.shape_keys))
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    assert len(room("artalk_addon.compat").fcurves_of(head.data.shape_keys)) == first == 100


@check
def heads_and_models_that_do_not_fit_are_refused():
    scene = new_file()
    strip = add_speech(scene)
    prepare, Options = room("artalk_addon.generation").prepare, room("core.generate").Options
    head = imported("fifty.npz")
    refused(["50 of the 100 expressions"], lambda: prepare(scene, [strip], head, flame_options()))
    generation, reached = room("artalk_addon.generation"), []
    speak_clip = generation.speak_clip
    generation.speak_clip = lambda *arguments: reached.append(arguments)
    try:
        task = prepare(scene, [strip], head, Options())
        refused(["No face was found on this head"], lambda: generation.speak(task, lambda _: None, lambda: False))
        assert not reached, "before any time is spent"
    finally:
        generation.speak_clip = speak_clip
    bpy.ops.artalk.new_head()
    ours = bpy.context.view_layer.objects.active
    refused(["gives FLAME motion", "your FLAME file"], lambda: prepare(scene, [strip], ours, flame_options()))
    other = imported("small.npz")
    refused(
        ["another version of FLAME", "other_basis.safetensors"],
        lambda: prepare(scene, [strip], other, flame_options("other_basis.safetensors")),
    )
    prepare(scene, [strip], other, flame_options())  # weights that do not say what they were trained with


@check
def the_command_line_puts_speech_on_a_flame_head():
    add_speech(new_file())
    cli = room("core.cli")
    out = FOLDER / "out.blend"
    arguments = ["generate", str(speech()), "--out", str(out), "--model", "artalk", "--device", "cpu",
                 "--weights", str(MATERIAL / "artalk.safetensors")]  # fmt: skip
    assert cli.main([*arguments, "--head", str(MATERIAL / "flame.npz")]) == 0
    bpy.ops.wm.open_mainfile(filepath=str(out))
    head = bpy.data.objects["FLAME head"]
    assert len(room("artalk_addon.compat").fcurves_of(head.data.shape_keys)) == 100
    eyes = [head.parent.matrix_world @ head.parent.data.bones[f"{side}_eye"].head_local for side in ("left", "right")]
    assert np.abs((eyes[0] + eyes[1]) / 2 - bpy.data.objects["Camera"].location)[1] > 0.5
    out.unlink()
    assert cli.main(arguments) == 2, "our own head takes no FLAME motion"
    assert cli.main([*arguments, "--head", str(MATERIAL / "no.npz")]) == 2
    arguments[arguments.index("--out") + 1] = str(FOLDER / "out.npz")
    assert cli.main([*arguments, "--head", str(MATERIAL / "flame.npz")]) == 2, "--head is for .blend"
    assert not out.exists()


if __name__ == "__main__":
    scenario.main()
