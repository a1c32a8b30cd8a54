# SPDX-License-Identifier: GPL-3.0-or-later
"""From sound strips on the sequencer to samples: exactly the part that is heard."""

from __future__ import annotations

import tempfile
import wave
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
    """The selected sound strips in view; InputError when there are none."""
    found = sound_strips(s for s in compat.strips_in_view(scene) if s.select)
    if not found:
        raise InputError("No sound strip is selected: select one or more in the sequencer and try again.")
    return found


def rate(scene: bpy.types.Scene) -> float:
    """Frames per second of a scene, 29.97 and its like exact."""
    return scene.render.fps / scene.render.fps_base


def read_clip(strip: compat.Strip, fps: float) -> Clip:
    """The part of a strip's sound that is heard, with trims and offsets taken into account.

    Raises InputError, naming the strip, when the sound is missing, is no audio, is retimed, empty or silent.
    """
    what = f"The strip '{strip.name}'"
    if compat.is_retimed(strip):
        raise InputError(f"{what} is played at another speed: reset its retiming, or render its sound to a file first.")
    timing = compat.strip_timing(strip)
    # where the sound's first sample would be heard, were nothing trimmed away
    zero = timing.content_start - timing.trim + strip.sound_offset * fps
    samples, sample_rate = _samples(strip)
    first = max(0, round((timing.left - zero) / fps * sample_rate))
    stop = max(first, round((timing.right - zero) / fps * sample_rate))
    mono = audio.to_mono_16k(samples[first:stop], sample_rate)
    audio.require_speech(mono, what)
    return Clip(strip.name, mono, zero + first / sample_rate * fps, zero)


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

    Builds without that library read through soundfile instead, and through Python's own WAV reader without that.
    """
    try:
        import aud
    except ModuleNotFoundError:
        return _read_without_blender(path)
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


def _read_without_blender(path: Path) -> tuple[NDArray[np.float32], int] | None:
    try:
        return audio.decode(path)
    except InputError:
        return None
    except ModuleNotFoundError:
        return _read_by_wave(path)


def _read_by_wave(path: Path) -> tuple[NDArray[np.float32], int] | None:
    """WAV files of 16 or 32 bits; None for all others."""
    try:
        with wave.open(str(path)) as file:
            channels, width, sample_rate, count, *_ = file.getparams()
            data = file.readframes(count)
    except (wave.Error, EOFError):
        return None
    if width not in {2, 4}:
        return None
    numbers = np.frombuffer(data, f"<i{width}").astype(np.float32) / np.float32(1 << (8 * width - 1))
    return numbers.reshape(-1, channels), sample_rate
