# SPDX-License-Identifier: GPL-3.0-or-later
"""From sound strips on the sequencer to samples: exactly the part that is heard."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core import audio
from ..core.errors import InputError
from . import compat


@dataclass(frozen=True)
class Clip:
    """The speech of one strip as plain data.

    samples: (n,) float32 mono at 16 kHz
    start:   frame of the scene, with its fraction, at which samples[0] is heard
    origin:  the same for the first sample of the sound itself, were nothing trimmed away
    """

    name: str
    samples: NDArray[np.float32]
    start: float
    origin: float


def sound_strips(strips: Iterable[compat.Strip]) -> list[compat.Strip]:
    """The sound strips among them, in the order of time."""
    return sorted((s for s in strips if s.type == "SOUND"), key=lambda s: compat.strip_timing(s).left)


def selected_sound_strips(scene: bpy.types.Scene) -> list[compat.Strip]:
    """The selected sound strips in view, and those inside selected meta strips; InputError when there are none.

    A strip that is selected itself speaks even when it is muted: a dialogue track often is, under a final mix.
    """
    found = _sounds_in(strip for strip in compat.strips_in_view(scene) if strip.select)
    if not found:
        raise InputError("No sound strip is selected: select one or more in the sequencer and try again.")
    return found


def heard_sound_strips(scene: bpy.types.Scene, channel: str | None = None) -> list[compat.Strip]:
    """The sound strips of a scene that are heard, those inside meta strips too; only those of one channel, by its name.

    Raises InputError when no channel has that name.
    """
    found = [strip for strip in sound_strips(compat.all_strips(scene)) if not _is_muted(strip)]
    if channel is None:
        return found
    on_channel = [strip for strip in found if _channel_name(strip) == channel]
    if not on_channel and channel not in {each.name for each in compat.channels(scene)}:
        raise InputError(f"There is no channel '{channel}' in the sequencer of '{scene.name}': look at its left.")
    return on_channel


def _channel_name(strip: compat.Strip) -> str:
    """The name of the channel that a strip, or the outermost meta strip around it, lies on."""
    return str(compat.channel((compat.meta_parents(strip) or [strip])[-1]).name)


def _is_muted(strip: compat.Strip) -> bool:
    return any(each.mute or compat.channel(each).mute for each in (strip, *compat.meta_parents(strip)))


def _sounds_in(chosen: Iterable[compat.Strip]) -> list[compat.Strip]:
    found = {}
    for strip in chosen:
        inside = _sounds_in(compat.strips_of_meta(strip)) if strip.type == "META" else sound_strips([strip])
        found.update({each.name: each for each in inside})
    return sound_strips(found.values())


def rate(scene: bpy.types.Scene) -> float:
    """Frames per second of a scene, 29.97 and its like exact."""
    return scene.render.fps / scene.render.fps_base


def read_clip(strip: compat.Strip, fps: float) -> Clip:
    """The part of a strip's sound that is heard: trims, offsets, volume, speed and modifiers as Blender plays them.

    A plain strip is read from its file, as it is; one whose sound Blender changes while it plays is mixed down alone.
    Raises InputError, naming the strip, when the sound is missing, is no audio, empty or silent.
    """
    what = f"The strip '{strip.name}'"
    timing = compat.strip_timing(strip)
    # where the sound's first sample would be heard, were nothing trimmed away
    zero = timing.content_start - timing.trim + strip.sound_offset * fps
    left, right = _heard(strip, timing)
    samples, sample_rate = _samples(strip)
    if is_processed(strip) and len(samples):
        return _mixed(strip, (left, right), fps, (zero, sample_rate, samples.shape[1]))
    first = max(0, round((left - zero) / fps * sample_rate))
    stop = max(first, round((right - zero) / fps * sample_rate))
    mono = audio.to_mono_16k(samples[first:stop], sample_rate) * np.float32(strip.volume)
    audio.require_speech(mono, what)
    return Clip(strip.name, mono, zero + first / sample_rate * fps, zero)


def is_processed(strip: compat.Strip) -> bool:
    """Whether Blender changes a strip's sound while it plays, other than by one volume: by speed, keys or modifiers."""
    scene = strip.id_data
    path = strip.path_from_id("volume")
    animation = scene.animation_data
    driven = animation is not None and any(driver.data_path == path for driver in animation.drivers)
    keyed = any(curve.data_path == path for curve in compat.fcurves_of(scene))
    louder = any(getattr(parent, "volume", 1.0) != 1.0 for parent in compat.meta_parents(strip))
    return compat.is_retimed(strip) or driven or keyed or louder or any(not each.mute for each in strip.modifiers)


def _heard(strip: compat.Strip, timing: compat.StripTiming) -> tuple[float, float]:
    """First frame heard and the frame after the last: a meta strip cuts what is inside it."""
    around = [compat.strip_timing(parent) for parent in compat.meta_parents(strip)]
    left = max([timing.left, *(each.left for each in around)])
    return left, max(left, min([timing.right, *(each.right for each in around)]))


def _mixed(strip: Any, heard: tuple[float, float], fps: float, source: tuple[float, int, int]) -> Clip:
    """A strip as Blender's own mixdown has it. source: where the sound begins, its rate and number of channels."""
    zero, sample_rate, channel_count = source
    first, last = int(max(heard[0], 0)), int(np.ceil(heard[1]))
    with tempfile.TemporaryDirectory(prefix="artalk_") as folder, _alone(strip, first, last - 1):
        path = Path(folder, "strip.wav")
        try:
            bpy.ops.sound.mixdown(
                filepath=str(path), container="WAV", codec="PCM", format="F32", channels="MONO", mixrate=sample_rate
            )
        except (AttributeError, RuntimeError):
            path.unlink(missing_ok=True)
        read = _read(path) if path.is_file() and path.stat().st_size else None
    if read is None:
        raise InputError(
            f"The strip '{strip.name}' is played at another speed or volume, which this build of Blender cannot mix: "
            "render its sound to a file first."
        )
    count = max(0, round((heard[1] - first) / fps * sample_rate))
    # Blender adds the channels, where a plain strip has their mean
    mono = audio.to_mono_16k(read[0][:count] / np.float32(channel_count), sample_rate)
    audio.require_speech(mono, f"The strip '{strip.name}'")
    return Clip(strip.name, mono, float(first), zero)


@contextmanager
def _alone(strip: compat.Strip, first: int, last: int) -> Iterator[None]:
    """A strip is all that is heard of its scene, from one frame to another; afterwards everything is as it was."""
    scene = strip.id_data
    speaking = [strip, *compat.meta_parents(strip)]
    names = {each.name for each in speaking}
    # the frames twice, as Blender keeps the end of a scene behind its start
    settings = ("frame_start", "frame_end", "frame_start", "frame_end", "use_preview_range")
    kept = [(each, "mute", each.mute) for each in (*compat.all_strips(scene), *compat.channels(scene))]
    kept += [(scene, name, getattr(scene, name)) for name in settings]
    try:
        scene.use_preview_range = False
        scene.frame_start, scene.frame_end = first, last
        for each in compat.channels(scene):
            each.mute = False
        for each in compat.all_strips(scene):
            if each.mute != (each.name not in names):
                each.mute = each.name not in names
        with bpy.context.temp_override(scene=scene):
            yield
    finally:
        for owner, name, value in kept:
            if getattr(owner, name) != value:
                setattr(owner, name, value)


def _samples(strip: Any) -> tuple[NDArray[np.float32], int]:
    """All samples (n, channels) of a strip's sound and their rate."""
    sound = strip.sound
    if sound is None:
        raise InputError(f"The strip '{strip.name}' has no sound: choose a sound file for it.")
    with _file_of(strip.name, sound) as path:
        read = _read(path)
        if read is None:
            raise InputError(
                f"The sound '{Path(sound.filepath).name}' of the strip '{strip.name}' is not audio that can be read: "
                "use WAV, FLAC, OGG or MP3."
            )
        return read


@contextmanager
def _file_of(strip_name: str, sound: Any) -> Iterator[Path]:
    """A file with the strip's sound: its own, or a temporary one with the packed bytes."""
    path = Path(bpy.path.abspath(sound.filepath, library=sound.library))
    if sound.packed_file:
        with tempfile.TemporaryDirectory(prefix="artalk_") as folder:
            unpacked = Path(folder, "sound").with_suffix(path.suffix)
            unpacked.write_bytes(sound.packed_file.data)
            yield unpacked
        return
    if not path.is_file():
        raise InputError(f"The sound file '{path}' of the strip '{strip_name}' is missing: find it or replace it.")
    yield path


def _read(path: Path) -> tuple[NDArray[np.float32], int] | None:
    """Samples (n, channels) and rate through Blender's own sound library; None when it cannot read the file.

    Builds without that library read as the Python package does.
    """
    try:
        import aud
    except ModuleNotFoundError:
        try:
            return audio.decode(path)
        except InputError:
            return None
    library: Any = aud  # its stubs know neither its constructors nor its errors
    sound = library.Sound(str(path))
    try:
        # asked first, since data() of an unreadable file ends the whole process in Blender 4.5
        sample_rate, channels = sound.specs
    except library.error:
        return None
    if sound.length <= 0:
        return np.zeros((0, channels), np.float32), int(sample_rate)
    return np.array(sound.data(), np.float32), int(sample_rate)
