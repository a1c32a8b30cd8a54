# SPDX-License-Identifier: GPL-3.0-or-later
"""Strips as heard: what the model gets of a strip is what Blender plays of it, by Blender's own mixdown.

python strips_scenario.py ZIP FOLDER        writes one JSON line per check to FOLDER/report.jsonl
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import scenario
from scenario import (
    FOLDER,
    add_strip,
    check,
    curves,
    head_objects,
    installed,
    new_file,
    noise,
    room,
    use_model,
)
from scenario import write_wav as write

scenario.CHECKS.clear()
FPS = 25
NO_MIX = "skipped: this Blender cannot mix down"


def sound(name="voice", seconds=4.0, channels=1):
    """Bursts of sines of several pitches: what is late, slow, high or loud shows."""
    time = np.arange(int(seconds * 16000)) / 16000
    wave = sum(0.15 * np.sin(2 * np.pi * pitch * time) for pitch in (180, 430)) * (0.6 + 0.4 * np.sin(5 * time))
    wave *= (time % 0.5) < 0.35
    return write(FOLDER / f"{name}.wav", np.stack([wave, *[0.5 * wave] * (channels - 1)], axis=1))


def fresh():
    installed()
    scene = new_file("25")
    scene.frame_end = 200
    return scene


def editor():
    return bpy.context.scene.sequence_editor


def mixdown():
    """The whole scene from frame 1 on, mono (n,) at 16 kHz; None where this Blender cannot."""
    path = FOLDER / "mix.wav"
    path.unlink(missing_ok=True)
    bpy.ops.sound.mixdown(
        filepath=str(path), container="WAV", codec="PCM", format="F32", channels="MONO", mixrate=16000
    )
    if not path.is_file() or not path.stat().st_size:
        return None
    import aud

    return np.array(aud.Sound(str(path)).data())[:, 0]


def as_heard(strips, tolerance=0.01, channels=1):
    """What is read of strips equals the mixdown of the scene, each to a sample in time."""
    mix = mixdown()
    if mix is None:
        return NO_MIX
    worst = 0.0
    for strip in strips:
        clip = room("artalk_addon.strips").read_clip(strip, FPS)
        first = round((clip.start - 1) / FPS * 16000)
        ours = clip.samples[800:-800] * channels
        parts = [mix[first + 800 + late :][: len(ours)] for late in (-1, 0, 1)]
        error = min(np.sqrt(np.mean((ours - theirs) ** 2) / np.mean(theirs**2)) for theirs in parts)
        assert error < tolerance, (strip.name, error)
        worst = max(worst, error)
    return f"off by {100 * worst:.2f} % at most"


def levels(samples):
    """Level (RMS) and crossings of zero of each 20 ms."""
    pieces = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    return np.sqrt(np.mean(pieces**2, axis=1)), (np.diff(np.sign(pieces), axis=1) != 0).sum(axis=1)


def in_sequencer(work, **arguments):
    """Call an operator of the sequencer where it thinks itself in one."""
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    if hasattr(window.workspace, "sequencer_scene"):
        window.workspace.sequencer_scene = bpy.context.scene
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        return work(**arguments)


def settings_of(scene):
    compat = room("artalk_addon.compat")
    strips = [(s.name, s.mute, s.select) for s in compat.all_strips(scene)]
    return strips, scene.frame_start, scene.frame_end, scene.use_preview_range, [c.mute for c in compat.channels(scene)]


@check
def volume_is_heard():
    scene = fresh()
    strip = add_strip(scene, sound(), 11)
    strip.volume = 0.4
    said = as_heard([strip])
    strip.volume = 0.0
    scenario.raises_input_error(["only silence"], room("artalk_addon.strips").read_clip, strip, FPS)
    return said


@check
def volume_with_keys_is_heard():
    scene = fresh()
    strip = add_strip(scene, sound(), 11)
    for frame, volume in ((11, 1.0), (60, 0.1), (90, 1.5)):
        strip.volume = volume
        strip.keyframe_insert("volume", frame=frame)
    return as_heard([strip], tolerance=0.03)  # Blender changes the volume in steps, from where it begins to play


@check
def another_speed_is_heard():
    scene = fresh()
    strip = add_strip(scene, sound(), 11)
    strip.select, editor().active_strip = True, strip
    in_sequencer(bpy.ops.sequencer.retiming_key_add, timeline_frame=60)
    strip.retiming_keys[1].timeline_frame = 40
    assert room("artalk_addon.compat").is_retimed(strip)
    strip.frame_offset_end = 5
    assert room("artalk_addon.strips").read_clip(strip, FPS).start == 11
    mix = mixdown()
    if mix is None:
        return NO_MIX
    # the waves themselves differ, as Blender changes the speed in steps from where it begins to play
    clip = room("artalk_addon.strips").read_clip(strip, FPS)
    theirs = mix[round(10 / FPS * 16000) :][: len(clip.samples)]
    (level, pitch), (level_there, pitch_there) = levels(clip.samples), levels(theirs)
    error = np.sqrt(np.mean((level - level_there) ** 2) / np.mean(level_there**2))
    loud = (level > 0.03) & (level_there > 0.03)
    apart = np.mean(np.abs(pitch - pitch_there)[loud])
    as_recorded, _ = levels(room("core.audio").read(FOLDER / "voice.wav")[: len(clip.samples)])
    recorded = np.sqrt(np.mean((as_recorded - level_there[: len(as_recorded)]) ** 2) / np.mean(level_there**2))
    assert error < 0.25, error
    assert recorded > 0.5, "the check would notice the speed left out"
    assert apart < 1.5, apart
    return f"level of 20 ms off by {100 * error:.1f} % (as recorded {100 * recorded:.0f} %)"


@check
def only_the_strip_itself_is_read_and_the_scene_is_left_as_it_was():
    scene = fresh()
    strip = add_strip(scene, sound(), 31)
    strip.volume = 0.5
    strip.keyframe_insert("volume", frame=40)
    wanted = room("artalk_addon.strips").read_clip(strip, FPS)
    other = add_strip(scene, write(FOLDER / "noise.wav", noise(4, level=0.3)), 11, 2)
    muted = add_strip(scene, sound("third"), 5, 3)
    muted.mute = True
    editor().channels[2].mute = False
    editor().channels[1].mute = True
    scene.frame_start, scene.frame_end, scene.use_preview_range = 50, 60, True
    before = settings_of(scene)
    clip = room("artalk_addon.strips").read_clip(strip, FPS)
    assert settings_of(scene) == before
    assert clip.start == wanted.start == 31
    np.testing.assert_allclose(clip.samples, wanted.samples, atol=1e-4)
    assert abs(clip.samples.std() / 0.5) > 0.01
    del other


@check
def both_channels_are_heard():
    scene = fresh()
    strip = add_strip(scene, sound("stereo", channels=2), 11)
    plain = as_heard([strip], channels=2)
    strip.keyframe_insert("volume", frame=1)
    keyed = as_heard([strip], channels=2)
    return f"{plain}, {keyed}"


@check
def several_strips_with_gaps_are_each_read_as_heard():
    scene = fresh()
    path = sound()
    strips = [add_strip(scene, path, frame, number + 1) for number, frame in enumerate((1, 41, 81))]
    strips[0].frame_offset_end = 65
    strips[1].sound_offset, strips[1].frame_offset_end = 0.113, 70
    strips[2].frame_offset_start, strips[2].volume = 12, 0.3
    return as_heard(strips)


@check
def a_meta_strip_cuts_what_is_inside_it():
    scene = fresh()
    strip = add_strip(scene, sound(), 11)
    strip.select, editor().active_strip = True, strip
    in_sequencer(bpy.ops.sequencer.meta_make)
    compat = room("artalk_addon.compat")
    meta = next(s for s in compat.all_strips(scene) if s.type == "META")
    meta.frame_offset_start, meta.frame_offset_end = 10, 20
    strip = next(s for s in compat.all_strips(scene) if s.type == "SOUND")
    strips = room("artalk_addon.strips")
    clip = strips.read_clip(strip, FPS)
    assert clip.start == 21, clip.start
    assert abs(len(clip.samples) - 70 / 25 * 16000) < 2
    meta.select = True
    assert strips.selected_sound_strips(scene) == [strip]
    assert strips.heard_sound_strips(scene) == [strip]
    said = as_heard([strip])
    meta.mute = True
    assert strips.heard_sound_strips(scene) == []
    return said


@check
def a_scene_that_is_played_in_another_speaks_as_a_whole():
    scene = fresh()
    inner = bpy.data.scenes.new("inner")
    inner.render.fps = FPS
    add_strip(inner, sound(), 11)
    add_strip(inner, sound("voice too", 1.0), 121, 2)
    inner.frame_end = 150
    strip = room("artalk_addon.compat").ensure_strips(scene).new_scene("played", inner, 1, 21)
    strips = room("artalk_addon.strips")
    strip.select = True
    assert strips.sound_strips([strip]) == [], "its camera is shown, and nothing heard"
    strip.scene_input = "SEQUENCER"
    assert strips.selected_sound_strips(scene) == [strip]
    strip.frame_offset_start = 5
    mix = mixdown()
    if mix is None:
        return NO_MIX
    clip = strips.read_clip(strip, FPS)
    assert clip.start == 26, clip.start
    heard = mix[round(25 / FPS * 16000) :][: len(clip.samples)]
    (level, _), (level_there, _) = levels(clip.samples), levels(heard)
    error = np.sqrt(np.mean((level - level_there[: len(level)]) ** 2) / np.mean(level_there**2))
    assert error < 0.02, error
    assert level[round(0.3 * 50) :].max() > 0.05
    for inside in room("artalk_addon.compat").all_strips(inner):
        inside.mute = True
    scenario.raises_input_error(["only silence"], strips.read_clip, strip, FPS)
    return f"level of 20 ms off by {100 * error:.2f} %"


@check
def the_sound_of_a_film_is_read():
    scene = fresh()
    add_strip(scene, sound(), 1)
    film = FOLDER / "film.mkv"
    bpy.ops.sound.mixdown(filepath=str(film), container="MATROSKA", codec="FLAC", mixrate=48000)
    if not film.is_file() or not film.stat().st_size:
        return NO_MIX
    scene = fresh()
    strip = add_strip(scene, film, 11)
    strip.sound.pack()
    film.unlink()
    clip = room("artalk_addon.strips").read_clip(strip, FPS)
    assert clip.start == 11
    assert 0.02 < np.abs(clip.samples[:60000]).mean() < 0.2
    return ""


@check
def strips_are_chosen_by_the_name_of_their_channel():
    scene = fresh()
    bpy.ops.artalk.new_head()
    use_model()
    path = sound()
    for channel, frame in ((1, 1), (2, 51), (2, 161)):
        add_strip(scene, path, frame, channel).select = False
    editor().channels[2].name = "Anna"
    run = room("artalk_addon.command").run
    assert run(["generate", "--channel", "Bert"]) == 2
    assert run(["generate", "--channel", "Anna", "--post", "none"]) == 0
    key = 'key_blocks["jawOpen"].value', 0
    frames = [point.co.x for point in curves(head_objects()[0].data.shape_keys)[key].keyframe_points]
    assert min(frames) == 51
    editor().channels[2].mute = True
    heard = room("artalk_addon.strips").heard_sound_strips(scene)
    assert [room("artalk_addon.compat").strip_timing(strip).left for strip in heard] == [1]
    assert room("artalk_addon.strips").heard_sound_strips(scene, "Anna") == []


@check
def the_command_regenerates():
    scene = fresh()
    bpy.ops.artalk.new_head()
    use_model()
    strip = add_strip(scene, sound(), 11)
    strip.select = False
    run = room("artalk_addon.command").run
    assert run(["regenerate"]) == 2, "nothing was generated yet"
    assert run(["generate", "--all", "--post", "none"]) == 0
    key = 'key_blocks["browInnerUp"].value', 0
    curve = curves(head_objects()[0].data.shape_keys)[key]
    curve.keyframe_points[5].co.y += 0.5
    raised = curve.keyframe_points[5].co.y
    strip.frame_start += 10
    assert run(["regenerate", "--strip", "nothing"]) == 2
    assert run(["regenerate", "--all", "--post", "none"]) == 0
    again = curves(head_objects()[0].data.shape_keys)[key].keyframe_points
    assert again[0].co.x == 21
    assert abs(again[5].co.y - raised) < 1e-6


if __name__ == "__main__":
    scenario.main()
