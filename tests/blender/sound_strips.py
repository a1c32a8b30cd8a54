# SPDX-License-Identifier: GPL-3.0-or-later
"""Sound strips for a Blender without a sound library: it cannot make any, but keeps those of other files.

python sound_strips.py FILE.blend        writes a scene with one long strip, in a Blender that has the library
"""

from __future__ import annotations

import os
import sys
import tempfile
import wave
from pathlib import Path

import bpy

SECONDS = 60


def write_seed(path):
    """The strip whose copies get other sounds."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    with tempfile.TemporaryDirectory() as folder:
        silence = Path(folder, "seed.wav")
        with wave.open(str(silence), "wb") as file:
            file.setparams((1, 1, 4000, 0, "NONE", ""))
            file.writeframes(b"\x80" * 4000 * SECONDS)
        scene.sequence_editor_create().strips.new_sound("seed", str(silence), 1, 1)
    bpy.data.libraries.write(str(path), {scene}, compress=True)


def pasted(scene, path, channel, frame):
    """A strip with a sound of its own, as `new_sound` would make it; the seed is named by ARTALK_SEED_STRIP."""
    with bpy.data.libraries.load(os.environ["ARTALK_SEED_STRIP"]) as (there, here):
        here.scenes = there.scenes
    (seed,) = here.scenes
    window = bpy.context.window
    area = window.screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    region = next(each for each in area.regions if each.type == "WINDOW")
    seed.sequence_editor.sequences_all[0].select = True
    with bpy.context.temp_override(scene=seed):
        bpy.ops.sequencer.copy()
    chosen, window.scene = window.scene, scene
    scene.sequence_editor_create()
    before = {strip.name: strip.select for strip in scene.sequence_editor.sequences_all}
    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.sequencer.paste()
    window.scene = chosen
    bpy.data.scenes.remove(seed)
    for name, selected in before.items():
        scene.sequence_editor.sequences_all[name].select = selected
    strip = next(each for each in scene.sequence_editor.sequences_all if each.name not in before)
    strip.name = Path(path).stem
    strip.sound.name, strip.sound.filepath = Path(path).name, str(path)
    strip.channel, strip.frame_start = channel, frame
    strip.frame_final_duration = max(1, round(_seconds(path) * scene.render.fps / scene.render.fps_base))
    return strip


def _seconds(path):
    """How long a sound is; a file that is none gives a strip of one frame, as it does in other Blenders."""
    import soundfile

    try:
        return soundfile.info(str(path)).duration
    except soundfile.LibsndfileError:
        return 0.0


if __name__ == "__main__":
    write_seed(Path(sys.argv[1]).resolve())
