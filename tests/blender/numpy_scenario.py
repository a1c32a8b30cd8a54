# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender that has numpy alone, as it comes: from the zip to keys of a real sentence, equal to those with torch.

python numpy_scenario.py ZIP FOLDER SENTENCE        writes one JSON line per check to FOLDER/report.jsonl
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import scenario
from scenario import ARGUMENTS, PACKAGE, ZIP, add_strip, check, curves, head_objects, new_file, refused, room

scenario.CHECKS.clear()
HEAVY = {"torch", "transformers", "scipy", "soundfile", "safetensors"}
KEYS = {}


class Refuse:
    """Blocks what Blender's own Python does not have."""

    def find_spec(self, name, path=None, target=None):  # noqa: ARG002
        if name.partition(".")[0] in HEAVY:
            raise ModuleNotFoundError(f"refused {name}", name=name)


def generated():
    """A new head with a real sentence on it: per curve its keys (n, 2)."""
    scene = new_file()
    bpy.ops.artalk.new_head()
    add_strip(scene, ARGUMENTS[2])
    assert bpy.ops.artalk.generate() == {"FINISHED"}
    assert not bpy.context.window_manager.artalk.failed, bpy.context.window_manager.artalk.message
    mesh, rig = head_objects()
    found = {(item.name, *at): curve for item in (mesh.data.shape_keys, rig) for at, curve in curves(item).items()}
    return {at: np.array([point.co for point in curve.keyframe_points]) for at, curve in found.items()}


@check
def with_numpy_alone_a_sentence_becomes_keys():
    sys.meta_path.insert(0, Refuse())
    bpy.ops.extensions.package_install_files(filepath=str(ZIP), repo="user_default", enable_on_install=True)
    KEYS["numpy"] = generated()
    assert not HEAVY & {name.partition(".")[0] for name in sys.modules}
    jaw = next(keys for at, keys in KEYS["numpy"].items() if "jawOpen" in at[1])
    assert np.ptp(jaw[:, 1]) > 0.1


@check
def a_model_that_needs_torch_says_so():
    scene = new_file()
    bpy.ops.artalk.new_head()
    add_strip(scene, ARGUMENTS[2])
    weights = scenario.FOLDER / "released.pt"
    weights.write_bytes(b"x")
    options = room("core.generate").Options(model="artalk", weights=weights)
    scenario.raises_input_error(["needs torch"], room("core.generate").load_model, options)
    bpy.context.preferences.addons[PACKAGE].preferences.engine = "torch"
    sentence = refused(["needs torch", "engine auto"])
    bpy.context.preferences.addons[PACKAGE].preferences.engine = "auto"
    return sentence


@check
def the_keys_are_those_of_torch():
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, Refuse)]
    try:
        import torch
    except ModuleNotFoundError:
        return "skipped: this Python has no torch"
    torch.set_num_threads(1)
    bpy.context.preferences.addons[PACKAGE].preferences.engine = "torch"
    KEYS["torch"] = generated()
    assert room("core.generate").load_model(room("core.generate").Options(engine="torch")).model.training is False
    assert KEYS["numpy"].keys() == KEYS["torch"].keys()
    assert len(KEYS["torch"]) > 55
    apart = max(np.abs(KEYS["numpy"][at] - keys).max() for at, keys in KEYS["torch"].items())
    assert apart < 1e-4, apart
    return f"{apart:.1g} apart at most"


if __name__ == "__main__":
    scenario.main()
