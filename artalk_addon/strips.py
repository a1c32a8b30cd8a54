# SPDX-License-Identifier: GPL-3.0-or-later
"""From sound strips on the sequencer to samples: exactly the part that is heard."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core import audio
from ..core.errors import Cancelled, InputError
from ..core.models import Cancel
from . import compat

LONGEST = 2 * 3600.0
"""Seconds that a line may last: a key a frame in some sixty curves takes 650 MB an hour, as do steps of undo."""


MOVED = 0.01
"""Frames by which a strip must have been moved to count as moved."""


BEFORE = 4.0
"""Seconds before a line that the model hears: one window of its own, so that those of the line stay where they are."""
_SCENE_RATE = 48000
"""Samples per second at which the sound of a whole scene is mixed."""
NEAR = 0.5
"""Only what ends within so many seconds before a line is heard: after a longer silence lips say more by themselves."""


@dataclass(frozen=True)
class Source:
    """What is to be read of a strip's sound, as plain data.

    start, origin: as in Clip
    seconds: how long it is heard; offset: seconds of the sound before that
    packed:  the bytes of a packed file, or of what Blender has mixed of the strip already, else None
    identifier: of the strip, see `identify`; empty where it has none
    """

    name: str
    start: float
    origin: float
    seconds: float
    path: Path
    packed: bytes | None
    offset: float
    volume: float
    identifier: str = ""

    def called(self, name: str) -> Source:
        """The same under another name."""
        return self if name == self.name else replace(self, name=name)

    def end(self, fps: float) -> float:
        """The frame at which it is heard no more."""
        return self.start + self.seconds * fps


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
    """The strips with sound of their own among them, also scenes that are played with theirs, in the order of time."""
    return sorted(
        (s for s in strips if s.type == "SOUND" or _is_heard_scene(s)), key=lambda s: compat.strip_timing(s).left
    )


def _is_heard_scene(strip: compat.Strip) -> bool:
    """Whether a strip shows the sequencer of another scene, in which there is sound: Blender plays that as well."""
    if strip.type != "SCENE" or strip.scene is None or strip.scene_input != "SEQUENCER":
        return False
    return any(inside.type == "SOUND" for inside in compat.all_strips(strip.scene))


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
    on_channel = [strip for strip in found if channel_name(strip) == channel]
    if not on_channel and channel not in {each.name for each in compat.channels(scene)}:
        raise InputError(f"There is no channel '{channel}' in the sequencer of '{scene.name}': look at its left.")
    return on_channel


def channel_name(strip: compat.Strip) -> str:
    """The name of the channel that a strip, or the outermost meta strip around it, lies on."""
    return str(compat.channel((compat.meta_parents(strip) or [strip])[-1]).name)


def select(scene: bpy.types.Scene, name: str) -> None:
    """Select one strip alone and make it the active one."""
    editor: Any = scene.sequence_editor
    for strip in compat.all_strips(scene):
        strip.select = strip.name == name
        if strip.select:
            editor.active_strip = strip


_IDENTIFIER = "artalk"
"""Custom property of a strip that has been spoken: what it and its copies are known by, whatever they are called."""


def identify(strip: compat.Strip) -> None:
    """Have a strip be known by an identifier; nothing for strips of another file, which cannot be marked."""
    if not identifier(strip) and not strip.id_data.library:
        strip[_IDENTIFIER] = uuid4().hex


def identifier(strip: compat.Strip) -> str:
    """What a strip and its copies are known by; empty if it has not been spoken yet."""
    return str(strip.get(_IDENTIFIER, ""))


def find(scene: bpy.types.Scene, name: str, known_by: str, left: float, others: Collection[str]) -> compat.Strip | None:
    """The sound strip of a name; if it was renamed, that with its identifier, the nearest to where it was.

    others: names of strips that were there beside it, and so are copies
    """
    every = sound_strips(compat.all_strips(scene))
    named = next((strip for strip in every if strip.name == name), None)
    alike = [strip for strip in every if known_by and identifier(strip) == known_by]
    # an undo may have taken the identifier away
    if named is not None and (named in alike or not alike):
        return named
    renamed = [strip for strip in alike if strip.name not in others]
    return min(renamed, key=lambda strip: abs(compat.strip_timing(strip).left - left), default=None)


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
    """The part of a strip's sound that is heard; see `source` and `read`, which this is both of."""
    return read(source(strip, fps))


def source(strip: compat.Strip, fps: float) -> Source:
    """What to read of a strip: trims, offsets, volume, speed and modifiers as Blender plays them.

    A plain strip is to be read from its file, as it is; one whose sound Blender changes while it plays is mixed down
    alone, now. Raises InputError, naming the strip, when the sound is missing or more than a line may have.
    """
    timing = compat.strip_timing(strip)
    zero = _zero(strip, fps)
    left, right = _heard(strip, timing)
    start = max(left, zero)
    seconds = max(0.0, (right - start) / fps)
    if seconds > LONGEST:
        raise InputError(
            f"The strip '{strip.name}' is {seconds / 3600:.1f} hours long, and a line may have {LONGEST / 3600:g} at "
            "most: cut it into shorter strips."
        )
    known_by = identifier(strip)
    if strip.type == "SCENE":
        found = Source(strip.name, start, zero, seconds, Path(), None, 0.0, 1.0, known_by)
        return _mixed(found, strip, (left, right), fps, (_SCENE_RATE, 1))
    sound = strip.sound
    if sound is None:
        raise InputError(f"The strip '{strip.name}' has no sound: choose a sound file for it.")
    path = Path(bpy.path.abspath(sound.filepath, library=sound.library))
    packed = bytes(sound.packed_file.data) if sound.packed_file else None
    if packed is None and not path.is_file():
        raise InputError(f"The sound file '{path}' of the strip '{strip.name}' is missing: find it or replace it.")
    offset, volume = (start - zero) / fps, float(strip.volume)
    found = Source(strip.name, start, zero, seconds, path, packed, offset, volume, identifier=known_by)
    if seconds and is_processed(strip):
        with _file_of(found) as opened:
            form = _opened(opened, found.name).form
        return _mixed(found, strip, (left, right), fps, form)
    return found


def as_it_stands(found: Source, strip: compat.Strip, fps: float) -> Source:
    """What was found of a strip, under the name and at the place that it has now: its sound is heard from there on."""
    by = _zero(strip, fps) - found.origin
    here = found if abs(by) < MOVED else replace(found, start=found.start + by, origin=found.origin + by)
    return here.called(strip.name)


def _zero(strip: compat.Strip, fps: float) -> float:
    """The frame at which the sound's first sample would be heard, were nothing trimmed away."""
    timing = compat.strip_timing(strip)
    return timing.content_start - timing.trim + compat.sound_offset(strip) * fps


def read(found: Source, cancel: Cancel = lambda: False) -> Clip:
    """Read a strip's sound, two minutes at a time. Touches nothing of Blender's data, so any thread may do it.

    Raises InputError, naming the strip, when it is no audio, empty or silent, and Cancelled when `cancel` said so.
    """
    mono = _mono(found, cancel)
    audio.require_speech(mono, f"The strip '{found.name}'")
    return Clip(found.name, mono, found.start, found.origin)


def before(found: Source, others: Iterable[Source], fps: float, cancel: Cancel = lambda: False) -> NDArray[np.float32]:
    """What the same character says in the seconds before a strip: (64000,) at 16 kHz, silence where it says nothing.

    Of two sounds that overlap, the later one speaks. Empty when nobody has spoken just before: there is nothing to
    go on from. Sounds that cannot be read are not heard.
    """
    start = found.start - BEFORE * fps
    earlier = [each for each in others if (each.start, each.name) < (found.start, found.name) and each.end(fps) > start]
    heard = np.zeros(round(BEFORE * audio.RATE), np.float32)
    if max((each.end(fps) for each in earlier), default=start) < found.start - NEAR * fps - MOVED:
        return heard[:0]
    for each in sorted(earlier, key=lambda source: (source.start, source.name)):
        skipped = max(0.0, (start - each.start) / fps)
        seconds = min(each.seconds, (found.start - each.start) / fps) - skipped
        at = round(max(0.0, (each.start - start) / fps) * audio.RATE)
        with suppress(InputError):
            part = _mono(_cut(each, skipped, seconds), cancel)[: len(heard) - at]
            heard[at : at + len(part)] = part
    return heard


def _mono(found: Source, cancel: Cancel) -> NDArray[np.float32]:
    """The sound that is heard, (n,) mono at 16 kHz."""
    with _file_of(found) as path:
        return _part_of(path, found, cancel) * np.float32(found.volume)


def _cut(found: Source, skipped: float, seconds: float) -> Source:
    """A part of a sound: without its first seconds, and so many long."""
    return replace(found, offset=found.offset + skipped, seconds=seconds)


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


def _mixed(found: Source, strip: Any, heard: tuple[float, float], fps: float, form: tuple[int, int]) -> Source:
    """A strip as Blender's own mixdown has it, from its first whole frame on: to be read later, in any thread.

    form: samples per second and channels of its sound
    """
    sample_rate, channel_count = form
    first, last = int(max(heard[0], 0)), int(np.ceil(heard[1]))
    with tempfile.TemporaryDirectory(prefix="artalk_") as folder, _alone(strip, first, last - 1):
        path = Path(folder, "strip.wav")
        with suppress(AttributeError, RuntimeError):
            bpy.ops.sound.mixdown(
                filepath=str(path), container="WAV", codec="PCM", format="F32", channels="MONO", mixrate=sample_rate
            )
        mix = path.read_bytes() if path.is_file() else b""
    if not mix:
        raise InputError(
            f"The strip '{strip.name}' is a scene, or played at another speed or volume, which this build of Blender "
            "cannot mix: render its sound to a file first."
        )
    seconds = max(0.0, (heard[1] - first) / fps)
    # Blender adds the channels, where a plain strip has their mean
    return replace(
        found, start=float(first), seconds=seconds, path=path, packed=mix, offset=0.0, volume=1 / channel_count
    )


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


@contextmanager
def _file_of(found: Source) -> Iterator[Path]:
    """A file with the strip's sound: its own, or a temporary one with the packed bytes."""
    if found.packed is None:
        yield found.path
        return
    with tempfile.TemporaryDirectory(prefix="artalk_") as folder:
        unpacked = Path(folder, "sound").with_suffix(found.path.suffix)
        unpacked.write_bytes(found.packed)
        yield unpacked


def _part_of(path: Path, found: Source, cancel: Cancel) -> NDArray[np.float32]:
    """The part of a sound file that is heard, mono (n,) at 16 kHz."""
    sound = _opened(path, found.name)
    sample_rate, _ = sound.form
    first = max(0, round(found.offset * sample_rate))
    stop = min(sound.length, max(first, round((found.offset + found.seconds) * sample_rate)))
    if not sound.seeks and stop > LONGEST * sample_rate:
        raise InputError(
            f"The strip '{found.name}' lies {stop / sample_rate / 3600:.1f} hours into a compressed sound, which is "
            "read from its beginning: convert the sound to WAV or FLAC."
        )

    def piece(begin: int, end: int) -> NDArray[np.float32]:
        if cancel():
            raise Cancelled
        return sound.samples(first + begin, first + end)

    return audio.to_mono_16k_by_pieces(piece, max(0, stop - first), sample_rate)


@dataclass(frozen=True)
class _Sound:
    """An opened sound file. form: samples per second, channels; seeks: whether a part is found to the sample."""

    form: tuple[int, int]
    length: int
    seeks: bool
    samples: Callable[[int, int], NDArray[np.float32]]


_EXACT = {".wav", ".flac", ".aif", ".aiff", ".au", ".w64", ".caf"}
"""Endings of files in which Blender's sound library finds a sample at once; elsewhere it lands some 20 ms beside it."""


def _opened(path: Path, strip_name: str) -> _Sound:
    """Open a sound file by Blender's own sound library; InputError when it cannot be read.

    Builds without that library read as the Python package does.
    """
    try:
        import aud
    except ModuleNotFoundError:
        whole, rate = audio.decode(path)
        return _Sound((rate, whole.shape[1]), len(whole), True, lambda begin, end: whole[begin:end])
    library: Any = aud  # its stubs know neither its constructors nor its errors
    sound = library.Sound(str(path))
    try:
        # asked first, since data() of an unreadable file ends the whole process in Blender 4.5
        sample_rate, channels = sound.specs
    except library.error:
        raise InputError(
            f"The sound '{path.name}' of the strip '{strip_name}' is not audio that can be read: "
            "use WAV, FLAC, OGG or MP3."
        ) from None
    exact = path.suffix.lower() in _EXACT

    def samples(begin: int, end: int) -> NDArray[np.float32]:
        if end <= begin:
            return np.zeros((0, channels), np.float32)
        # half a sample more, as the library cuts off what is behind the point
        part = sound.limit((begin + 0.5) / sample_rate if exact and begin else 0.0, (end + 0.5) / sample_rate)
        return np.array(part.data(), np.float32)[0 if exact else begin :]

    return _Sound((int(sample_rate), channels), max(0, sound.length), exact, samples)
