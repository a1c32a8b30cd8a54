# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech on what Blender's own Rigify generates from its human: the face of old and the face of skin bones.

python rigify_scenario.py ZIP FOLDER        writes one JSON line per check to FOLDER/report.jsonl
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import scenario
import stand_in
from scenario import FOLDER, add_strip, check, curves, expected, generate_raw, installed, speech, use_model

scenario.CHECKS.clear()

MM = 63 / 0.1032  # of a life-size face to a metre of Rigify's human, by the distance between the eyes

POINTS = {
    "upper lip": "DEF-lip.T.L",
    "lower lip": "DEF-lip.B.L",
    "upper lid": "DEF-lid.T.L.002",
    "lower lid": "DEF-lid.B.L.002",
    "chin": "DEF-chin",
    "brow": "DEF-brow.T.L.003",
}
"""What is looked at -> the deforming bone that begins there."""


@cache
def generated():
    """Whether this Blender comes with Rigify, whose rigs then lie in the folder."""
    program = Path(__file__).parent / "rigify_rigs.py"
    subprocess.run([sys.executable, program, FOLDER], check=True, capture_output=True, timeout=300)
    return (FOLDER / "old.blend").is_file()


def speaking(face):
    """The rig with speech on it."""
    installed()
    bpy.ops.wm.open_mainfile(filepath=str(FOLDER / f"{face}.blend"))
    scene = bpy.context.scene
    mesh = bpy.data.meshes.new("face")
    rig = bpy.data.objects["rig"]
    mesh.from_pydata([tuple(rig.data.bones[name].head_local) for name in POINTS.values()], [], [])
    item = bpy.data.objects.new("face", mesh)
    scene.collection.objects.link(item)
    for number, name in enumerate(POINTS.values()):
        item.vertex_groups.new(name=name).add([number], 1.0, "REPLACE")
    item.modifiers.new("Rig", "ARMATURE").object = rig
    scene.render.fps, scene.render.fps_base = 25, 1.0
    use_model()
    add_strip(scene, speech())
    bpy.context.view_layer.objects.active = item
    assert generate_raw() == {"FINISHED"}
    state = bpy.context.window_manager.artalk
    assert not state.failed, state.message
    return scene, rig


def looks(rig):
    """Where things are now, in mm of a life-size face that the head carries: x left, y up, z forward."""
    bones = rig.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose.bones
    carried = np.array(bones["head"].matrix @ bones["head"].bone.matrix_local.inverted())
    found = {}
    for title, name in POINTS.items():
        x, y, z = np.linalg.solve(carried, [*bones[name].head, 1.0])[:3]
        found[title] = MM * np.array([x, z, -y])
    ball = bones.get("DEF-eye.L") or bones["MCH-eye.L"]  # both follow the bone that is looked at
    x, y, z = np.linalg.solve(carried[:3, :3], ball.tail - ball.head)
    found["gaze"] = np.array([x, z, -y]) / np.linalg.norm([x, y, z])
    return found


def speech_closes_and_opens_its_lips(face):
    if not generated():
        return "skipped: this Blender comes without Rigify"
    scene, rig = speaking(face)
    rig.data.pose_position = "REST"
    bpy.context.view_layer.update()
    rest = looks(rig)
    rig.data.pose_position = "POSE"
    shown = []
    for frame in range(1, 50):
        scene.frame_set(frame)
        shown.append(looks(rig))
    closed = stand_in.is_closed(np.arange(49))
    moved = {title: np.array([each[title] - rest[title] for each in shown]) for title in POINTS}
    parted = (moved["upper lip"] - moved["lower lip"])[:, 1]
    assert np.abs(parted[closed]).max() < 1.0, parted[closed]
    assert parted[~closed].min() > 3, parted[~closed]
    assert moved["chin"][~closed, 1].max() < -2, "the chin drops"
    wanted = expected(np.arange(1, 50), 1, 25, 32000)
    for title, far, channels in (
        ("upper lid", -10.1, ["eyeBlinkLeft", "eyeWideLeft", "eyeSquintLeft", "left_eye_x", "left_eye_y"]),
        ("brow", 6.3, ["browInnerUp", "browDownLeft"]),
    ):
        causes = np.stack([wanted[channel] for channel in channels], axis=1)
        found = np.linalg.lstsq(causes, moved[title][:, 1], rcond=None)[0][0]
        assert abs(found / far - 1) < 0.15, (title, found)
    gaze = np.array([each["gaze"] for each in shown])
    sideways, down = np.arctan2(gaze[:, 0], gaze[:, 2]), -np.arcsin(gaze[:, 1])
    assert np.ptp(wanted["left_eye_y"]) > 0.05
    np.testing.assert_allclose(sideways, wanted["left_eye_y"], atol=0.03)
    np.testing.assert_allclose(down, wanted["left_eye_x"], atol=0.03)
    keyed = {path.split('"')[1] for path, _ in curves(rig)}
    assert {"jaw_master", "lip.T", "lip.B", "head", "eye.L", "eye.R"} <= keyed, keyed
    return f"apart {parted[~closed].min():.1f} to {parted.max():.1f} mm, {np.abs(parted[closed]).max():.2f} when shut"


@check
def the_face_of_old_speaks():
    return speech_closes_and_opens_its_lips("old")


@check
def the_face_of_skin_bones_speaks():
    return speech_closes_and_opens_its_lips("skin")


if __name__ == "__main__":
    scenario.main()
