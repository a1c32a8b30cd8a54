# SPDX-License-Identifier: GPL-3.0-or-later
"""The released ARTalk at full size through the whole extension: strip, button, curves, evaluated FLAME mesh.

python golden_scenario.py ZIP FOLDER MATERIAL      MATERIAL: see tests/test_golden_blender.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import scenario
from scenario import ARGUMENTS, add_strip, check, curves, evaluated_points, installed, new_file, room

scenario.CHECKS.clear()
MATERIAL = Path(ARGUMENTS[2])
CURVES, MESH = 1e-4, 1e-4


@check
def curves_and_mesh_are_the_published_motion():
    installed()
    scene = new_file("25")
    assert bpy.ops.artalk.import_flame(filepath=str(MATERIAL / "flame.npz")) == {"FINISHED"}
    head = bpy.context.view_layer.objects.active
    add_strip(scene, MATERIAL / "speech.wav")
    assert bpy.ops.artalk.import_weights(filepath=str(MATERIAL / "ARTalk_wav2vec.pt"), link=True) == {"FINISHED"}
    scene.artalk.model = "artalk"
    style = scene.artalk_style
    style.name, style.post = str(MATERIAL / "style9.npz"), "none"
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    expected = np.load(MATERIAL / "expected.npy")  # every third frame
    rows = np.arange(len(expected))
    found = curves(head.data.shape_keys)
    values = np.zeros((len(expected), 100))
    for number in range(100):
        curve = found[f'key_blocks["Exp{number + 1:03d}"].value', 0]
        values[:, number] = [curve.evaluate(1 + 3 * row) for row in rows]
    off = np.abs(values - expected[:, :100]).max()
    assert off < CURVES, off
    flame, motion = room("core.heads.flame"), room("core.motion").Motion
    source = room("core.heads.flame_files").read_flame(MATERIAL / "flame.npz")
    size, worst = np.ptp(source.template, axis=0).max(), 0.0
    for row in (0, 9, 33, 49):
        scene.frame_set(1 + 3 * row)
        wanted = flame.motion_vertices(source, motion(expected[row : row + 1], room("core.basis").FLAME, 25.0))[0]
        points = evaluated_points(head) @ room("artalk_addon.plan").HEAD_TO_ARMATURE
        worst = max(worst, np.linalg.norm(points - wanted, axis=1).max() / size)
    assert worst < MESH, worst
    return f"curves within {off:.1e}, mesh within {worst:.1e} of the head's size"


if __name__ == "__main__":
    scenario.main()
