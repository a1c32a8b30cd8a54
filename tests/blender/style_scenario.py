# SPDX-License-Identifier: GPL-3.0-or-later
"""Styles and weights in Blender: chosen by name, made of a character's own animation, fetched and imported.

python style_scenario.py ZIP FOLDER SENTENCE MATERIAL      MATERIAL: see tests/test_styles_blender.py
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import scenario
from retarget_scenario import become_visemes
from scenario import (
    ARGUMENTS,
    FOLDER,
    PACKAGE,
    add_strip,
    check,
    curves,
    head_objects,
    installed,
    new_file,
    raises_input_error,
    room,
    said,
)

scenario.CHECKS.clear()
SENTENCE, MATERIAL = Path(ARGUMENTS[2]), Path(ARGUMENTS[3])
SMILES = ("mouthSmileLeft", "mouthSmileRight")


def models_folder():
    return room("artalk_addon.preferences").models_folder(bpy.context)


def spoken_head():
    """A file in which the shipped head says the sentence; returns scene and mesh."""
    scene = new_file("24")
    bpy.ops.artalk.new_head()
    add_strip(scene, SENTENCE)
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    return scene, head_objects()[0]


def amount(mesh, *names):
    """Root mean square of some shapes' curves over their keys."""
    found = curves(mesh.data.shape_keys)
    points = [[p.co.y for p in found[f'key_blocks["{name}"].value', 0].keyframe_points] for name in names]
    return float(np.sqrt(np.mean(np.square(points))))


def save_style(name, frame, **more):
    bpy.context.scene.frame_set(frame)
    return bpy.ops.artalk.save_style(name=name, **more)


def taken(item, first):
    return room("artalk_addon.style_motion").taken(bpy.context.scene, item, first)


# --- styles ---------------------------------------------------------------------------------------------------------


@check
def a_style_by_name_changes_the_speech_and_the_model_runs_again():
    installed()
    bpy.context.preferences.addons[PACKAGE].preferences.engine = "numpy"
    scene, mesh = spoken_head()
    before = amount(mesh, *SMILES)
    names = [style.name for style in room("artalk_addon.model_files").styles_for(bpy.context, scene.artalk)]
    assert {"calm", "smiling", "stern"} <= set(names), names
    scene.artalk_style.name = "smiling"
    assert bpy.ops.artalk.regenerate() == {"FINISHED"}
    assert amount(mesh, *SMILES) > before + 0.08
    strong, scene.artalk_style.guidance = amount(mesh, *SMILES), 0.3
    bpy.ops.artalk.regenerate()
    assert amount(mesh, *SMILES) < 0.8 * strong
    scene.artalk_style.name = "nobody"
    assert "There is no style 'nobody': choose one of broad, calm" in said(bpy.ops.artalk.generate)


@check
def what_is_taken_is_what_the_keys_say():
    scene, mesh = spoken_head()
    motion = taken(mesh, 12)
    assert (len(motion), motion.fps, motion.basis.name) == (50, 25.0, "arkit")
    found = curves(mesh.data.shape_keys)
    for name in ("jawOpen", "mouthFunnel", "browInnerUp"):
        curve = found[f'key_blocks["{name}"].value', 0]
        wanted = [curve.evaluate(12 + k / 25 * 24) for k in range(50)]
        np.testing.assert_allclose(motion.channel(name), wanted, atol=2e-3)
    (line,) = room("artalk_addon.generation").lines_of(room("artalk_addon.rigs").describe(mesh))
    polished = room("core.generate").polish(line.spoken.raw, line.spoken.voice, line.options)
    seconds = (12 - line.start) / 24 + np.arange(50) / 25
    wanted = polished.sample(seconds)
    for name in ("head_x", "head_y", "head_z", "left_eye_y"):
        column = polished.basis.index(name)
        np.testing.assert_allclose(motion.channel(name), wanted[:, column], atol=0.02)
    assert scene.frame_current != 12, "the scene stays where it was"


@check
def a_style_of_own_animation_changes_the_speech_in_its_direction():
    scene, mesh = spoken_head()
    assert save_style("mine", 5) == {"FINISHED"}
    assert scene.artalk_style.name == "mine"
    bpy.ops.artalk.regenerate()
    neutral = amount(mesh, "jawOpen")
    for curve in [c for (path, _), c in curves(mesh.data.shape_keys).items() if "jawOpen" in path or "Close" in path]:
        for point in curve.keyframe_points:
            point.co.y *= 2
    assert save_style("wide jaw", 5) == {"FINISHED"}
    bpy.ops.artalk.drop_edits(where="ALL")
    bpy.ops.artalk.regenerate()
    assert amount(mesh, "jawOpen") > 1.1 * neutral
    path = FOLDER / "styled.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    scene, mesh = bpy.context.scene, head_objects()[0]
    assert scene.artalk_style.name == "wide jaw"
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    wide = amount(mesh, "jawOpen")
    assert wide > 1.1 * neutral
    return f"jaw {neutral:.3f} to {wide:.3f}"


@check
def a_style_is_saved_once_replaced_when_told_and_removed():
    spoken_head()
    assert "already" in said(save_style, name="mine", frame=12)
    assert save_style("mine", 12, replace=True) == {"FINISHED"}
    assert "cannot be a style's name" in said(save_style, name="a/b", frame=12)
    style = bpy.context.scene.artalk_style
    style.name = "mine"
    assert bpy.ops.artalk.remove_style() == {"FINISHED"}
    assert style.name == ""
    style.name = "calm"
    assert "no style 'calm' of your own" in said(bpy.ops.artalk.remove_style)
    style.name = ""


@check
def the_two_seconds_are_played():
    scene, _ = spoken_head()
    scene.frame_set(10)
    assert bpy.ops.artalk.play_style() == {"FINISHED"}
    assert scene.use_preview_range
    assert (scene.frame_preview_start, scene.frame_preview_end) == (10, 57)


@check
def every_kind_of_character_can_show_a_style():
    """A head with visemes alone, and a jaw bone alone: what comes back is what was keyed, as far as it can show it."""
    scene, mesh = spoken_head()
    shown = taken(mesh, 12)
    found = []
    for change in (become_visemes, lambda head: head.shape_key_clear()):
        scene = new_file("24")
        bpy.ops.artalk.new_head()
        mesh, _ = head_objects()
        change(mesh)
        strip = add_strip(scene, SENTENCE)
        assert strip is not None
        assert bpy.ops.artalk.generate() == {"FINISHED"}
        back = taken(mesh, 12)
        found.append(float(np.corrcoef(back.channel("jawOpen"), shown.channel("jawOpen"))[0, 1]))
        np.testing.assert_allclose(back.channel("head_x"), shown.channel("head_x"), atol=0.05)
    assert found[0] > 0.8, found
    assert found[1] > 0.6, found
    return f"jaw correlates by {found[0]:.2f} through visemes, {found[1]:.2f} through a bone"


@check
def what_shows_no_style_is_said():
    _, mesh = spoken_head()
    assert "no keys from frame 500" in said(save_style, name="none", frame=500)
    last = max(p.co.x for c in curves(mesh.data.shape_keys).values() for p in c.keyframe_points)
    assert "keys of 'artalk head' from frame" in said(save_style, name="short", frame=int(last) - 20)
    new_file()
    bpy.ops.artalk.new_head()
    mesh, _ = head_objects()
    key = mesh.data.shape_keys.key_blocks["jawOpen"]
    for frame in (1, 100):
        key.keyframe_insert("value", frame=frame)
    assert "Nothing moves" in said(save_style, name="flat", frame=1)
    new_file()
    bpy.ops.mesh.primitive_cube_add() if hasattr(bpy.ops.mesh, "primitive_cube_add") else None
    assert "There is no character" in said(save_style, name="cube", frame=1)


@check
def the_advanced_choices_reach_the_model():
    scene, _ = spoken_head()
    style = scene.artalk_style
    motion = taken(head_objects()[0], 12)
    motion.save(FOLDER / "before.npz")
    style.seed_motion, style.fix_head, style.post, style.guidance = str(FOLDER / "before.npz"), True, "none", 1.5
    options = room("artalk_addon.operators").options_of(bpy.context, scene)
    assert (options.seed_motion, options.fix_head, options.post, options.guidance) == (
        FOLDER / "before.npz", True, "none", 1.5)  # fmt: skip
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    turns = [p.co.y for (path, _), c in curves(head_objects()[1]).items() if "neck" in path for p in c.keyframe_points]
    assert not np.any(turns)
    path = FOLDER / "advanced.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    assert bpy.ops.artalk.regenerate() == {"FINISHED"}, "what was chosen is read back"


@check
def the_command_knows_styles_by_name():
    command, motion = room("artalk_addon.command"), room("core.motion").Motion
    out = FOLDER / "smiling.npz"
    sys.modules["platformdirs"] = None  # which Blender lacks
    try:
        shared = ["--style", "smiling", "--engine", "numpy"]
        assert command.run(["generate", str(SENTENCE), "--out", str(out), *shared]) == 0
        _, mesh = spoken_head()
        before = amount(mesh, *SMILES)
        assert command.run(["generate", "--all", *shared]) == 0
        assert amount(mesh, *SMILES) > before + 0.08
    finally:
        del sys.modules["platformdirs"]
    assert motion.load(out).meta["style"] == "smiling.npz"


# --- weights --------------------------------------------------------------------------------------------------------


@check
def weights_come_only_after_consent_and_with_online_access():
    get = bpy.ops.artalk.get_weights
    assert "tick that you agree" in said(get, model="artalk")
    bpy.context.preferences.system.use_online_access = False
    assert "Online access is off" in said(get, model="artalk", consent=True)
    bpy.context.preferences.system.use_online_access = True
    assert bpy.app.online_access
    module = room("artalk_addon.weights_operators")
    original, module.find_spec = module.find_spec, lambda _: None
    try:
        assert "press Set Up Engine" in said(get, model="artalk", consent=True)
    finally:
        module.find_spec = original


@check
def weights_are_fetched_into_the_model_folder():
    models = room("core.models")
    entry, before = models.MODELS["artalk"], os.environ.copy()
    release_file = room("core.releases").ReleaseFile
    content = (MATERIAL / "hub" / "xg-chu/ARTalk/resolve/main/ARTalk_wav2vec.pt").read_bytes()
    digest = room("core.artalk.files").sha256(content).hexdigest()
    from dataclasses import replace

    release = replace(entry.release, files=(release_file("ARTalk_wav2vec.pt", len(content), digest),), styles=())
    models.MODELS["artalk"] = replace(entry, release=release)
    try:
        os.environ |= {"HF_ENDPOINT": (MATERIAL / "endpoint").read_text(), "NO_PROXY": "127.0.0.1"}
        assert bpy.ops.artalk.get_weights(model="artalk", consent=True) == {"FINISHED"}
    finally:
        os.environ.clear()
        os.environ.update(before)
        models.MODELS["artalk"] = entry
    assert (models_folder() / "artalk" / "ARTalk_wav2vec.pt").read_bytes() == content
    scene = new_file()
    scene.artalk.model = "artalk"
    assert room("artalk_addon.operators").options_of(bpy.context, scene).weights.name == "ARTalk_wav2vec.pt"
    shutil.rmtree(models_folder() / "artalk")


@check
def weights_at_hand_are_imported_with_the_published_styles():
    new_file()
    folder = MATERIAL / "downloads"
    assert bpy.ops.artalk.import_weights(filepath=str(folder / "ARTalk_wav2vec.pt")) == {"FINISHED"}
    scene = bpy.context.scene
    scene.artalk.model = "artalk"
    chosen = room("artalk_addon.model_files")
    assert chosen.weights(bpy.context, scene.artalk) == models_folder() / "artalk" / "ARTalk_wav2vec.pt"
    assert [style.name for style in chosen.styles_for(bpy.context, scene.artalk)] == ["happy_0", "natural_0"]
    scene.artalk_style.name = "happy_0"
    style = room("artalk_addon.operators").options_of(bpy.context, scene).style
    assert room("core.styles").load(style).values.shape == (50, 106)
    assert "training code" in said(bpy.ops.artalk.import_weights, filepath=str(folder / "train.pt"))
    assert "torch" not in sys.modules, "nothing of this needs torch"


@check
def a_flame_heads_animation_is_a_style_for_models_of_flame_motion():
    scene = new_file("24")
    assert bpy.ops.artalk.import_flame(filepath=str(MATERIAL / "small.npz")) == {"FINISHED"}
    head = bpy.context.view_layer.objects.active
    rng = np.random.default_rng(0)
    for frame in range(1, 61, 5):
        for number in (1, 7):
            key = head.data.shape_keys.key_blocks[f"Exp{number:03d}"]
            key.value = rng.normal()
            key.keyframe_insert("value", frame=frame)
        jaw = head.parent.pose.bones["jaw"]
        jaw.rotation_mode = "XYZ"
        jaw.rotation_euler = (0.2 * rng.random(), 0, 0)
        jaw.keyframe_insert("rotation_euler", frame=frame)
    motion = taken(head, 3)
    assert motion.basis.name == "flame"
    curve = curves(head.data.shape_keys)['key_blocks["Exp007"].value', 0]
    wanted = [curve.evaluate(3 + k / 25 * 24) for k in range(50)]
    np.testing.assert_allclose(motion.channel("exp007"), wanted, atol=2e-3)
    assert np.abs(motion.channel("jaw_x")).max() > 0.05
    assert save_style("flame style", 3) == {"FINISHED"}
    scene.artalk.model = "artalk"
    names = [style.name for style in room("artalk_addon.model_files").styles_for(bpy.context, scene.artalk)]
    assert "flame style" in names
    find, arkit = room("core.styles").find, room("core.basis").ARKIT
    raises_input_error(["give your FLAME file"], find, "flame style", arkit, models_folder())


@check
def a_model_of_the_training_code_turns_the_eyes_of_a_flame_head():
    preferences = bpy.context.preferences.addons[PACKAGE].preferences
    preferences.engine = "auto"
    scene = new_file("25")
    assert bpy.ops.artalk.import_flame(filepath=str(MATERIAL / "small.npz")) == {"FINISHED"}
    head = bpy.context.view_layer.objects.active
    add_strip(scene, SENTENCE)
    scene.artalk.model, scene.artalk.weights = "artalk-trained", str(MATERIAL / "trained.safetensors")
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    (line,) = room("artalk_addon.generation").lines_of(room("artalk_addon.rigs").describe(head))
    motion = line.spoken.raw
    assert motion.basis.name == "flame_eyes"
    eye = head.parent.pose.bones["left_eye"]
    turns = []
    for frame in (1, 20, 40):
        scene.frame_set(frame)
        angle = eye.matrix_basis.to_quaternion().angle
        wanted = motion.sample(np.array([(frame - line.start) / 25]))[0]
        wanted = np.linalg.norm(wanted[motion.basis.indices(["left_eye_x", "left_eye_y"])])
        assert abs(angle - wanted) < 1e-4, (frame, angle, wanted)
        turns.append(wanted)
    assert max(turns) > 0.01, turns
    moved = {path for path, _ in curves(head.data.shape_keys)}
    assert len([path for path in moved if "Exp" in path]) == 100
    preferences.engine = "numpy"


@check
def it_goes_away_with_the_extension():
    import addon_utils

    addon_utils.disable(PACKAGE, default_set=True)
    assert not hasattr(bpy.types.Scene, "artalk_style")
    addon_utils.enable(PACKAGE, default_set=True)
    assert hasattr(bpy.types.Scene, "artalk_style")


if __name__ == "__main__":
    scenario.main()
