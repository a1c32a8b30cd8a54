# SPDX-License-Identifier: GPL-3.0-or-later
"""Who speaks which strip of a scene, and how far each strip is. The panel, `generate --all` and `status` ask here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from functools import partial
from hashlib import sha256
from typing import Any, Literal

import bpy

from ..core.errors import InputError
from ..core.generate import Options, Spoken
from ..core.models import Cancel, Progress
from . import baked_strips, compat, generation, lines, operators, rigs, strips
from .line import name_of
from .lines import Head
from .properties import settings
from .strips import Source

Cast = list[tuple[bpy.types.Object, list[compat.Strip]]]
"""Who speaks what."""

State = Literal["up to date", "changed", "missing", "baked", "no character", "unreadable", "strip is gone"]

_BAKED = "Its keys are baked, so they are yours and stay as they are: delete them to generate it again."


@dataclass(frozen=True)
class Row:
    """How far one strip is.

    why:     what has changed, or a sentence on what is wrong
    message: the same as a sentence for the user; empty where there is nothing to say
    """

    strip: str
    character: str
    state: State
    why: tuple[str, ...] = ()
    message: str = ""


@dataclass(frozen=True)
class Asked:
    """A row that is not known before the sound is looked at, as plain data: all that does not need Blender.

    line:   the text of what was generated before, for `lines.head`, or empty; now: options that would be generated with
    beside: the sounds of the character's lines, which this one may go on from; fps: of the scene
    """

    row: Row
    source: Source | None = None
    line: str = ""
    now: Options = field(default_factory=Options)
    beside: tuple[Source, ...] = ()
    fps: float = 25.0


def speaker(scene: bpy.types.Scene, strip: compat.Strip) -> bpy.types.Object:
    """The character that speaks a strip: of the first role that it fits, or the panel's where there are no roles.

    Raises InputError when that is nobody.
    """
    roles = settings(scene).roles
    if not roles:
        return operators.character_of(bpy.context, scene)
    role = next((role for role in roles if fits(role, strip)), None)
    if role is None:
        raise InputError(f"No role fits the strip '{strip.name}': add one for its name or channel.")
    item: bpy.types.Object | None = role.character
    if item is None or not item.users_scene:
        raise InputError(f"The role '{role.pattern}' of the strip '{strip.name}' has no character: choose one.")
    rigs.require(item)
    return item


def fits(role: Any, strip: compat.Strip) -> bool:
    """Whether a role is for a strip: by a pattern of its name or of its channel's, or by its very name."""
    if role.by == "STRIP":
        return bool(role.pattern == strip.name)
    name = (strips.channel_name(strip) if role.by == "CHANNEL" else strip.name).casefold()
    # a name may hold what means something else in a pattern
    return role.pattern.casefold() == name or fnmatchcase(name, role.pattern.casefold())


def speaks(character: bpy.types.Object, scene: bpy.types.Scene, strip: compat.Strip) -> bool:
    """Whether a character may speak a strip: the roles say so, or there are none."""
    try:
        return not settings(scene).roles or speaker(scene, strip) == character
    except InputError:
        return False


def cast(
    scene: bpy.types.Scene, sound_strips: Sequence[compat.Strip], otherwise: bpy.types.Object | None = None
) -> Cast:
    """Strips by the character that speaks them; those of nobody go to `otherwise`, or are left out.

    Raises InputError when nobody speaks any of them.
    """
    found: dict[int, tuple[bpy.types.Object, list[compat.Strip]]] = {}
    for strip in sound_strips:
        try:
            item = speaker(scene, strip)
        except InputError:
            if otherwise is None:
                continue
            item = otherwise
        found.setdefault(item.session_uid, (item, []))[1].append(strip)
    if not found:
        speaker(scene, sound_strips[0])  # which says why
    return list(found.values())


def without_baked(spoken: Cast) -> Cast:
    """Who speaks what, without strips whose keys were baked; InputError when nothing is left."""
    left = []
    for item, found in spoken:
        marks = baked_strips.marks(rigs.describe(item))
        left.append((item, [strip for strip in found if not baked_strips.is_baked(strip, marks)]))
    if not any(found for _, found in left):
        raise InputError("The keys of all strips are baked, and so yours: delete them to generate them again.")
    return [(item, found) for item, found in left if found]


def ask(scene: bpy.types.Scene, options: Options, character: bpy.types.Object | None = None) -> list[Asked]:
    """One row for each strip that is heard, and for each line whose strip is gone; reads no sound.

    options: what would be generated with; character: only what this one speaks, which is all where there are no roles
    """
    fps = strips.rate(scene)
    heard = strips.heard_sound_strips(scene)
    kept: dict[str, dict[str, str]] = {}
    baked: dict[str, baked_strips.Marks] = {}
    wanted: dict[str, Options] = {}
    rows = []
    for strip in heard:
        if character and not speaks(character, scene, strip):
            continue
        try:
            item = character or speaker(scene, strip)
        except InputError as error:
            rows.append(Asked(Row(strip.name, "", "no character", message=str(error))))
            continue
        if item.name not in kept:
            described = rigs.describe(item)
            kept[item.name] = generation.heads_of(described)
            baked[item.name] = baked_strips.marks(described)
            wanted[item.name] = generation.options_for(item, described, options)
        text = kept[item.name].get(name_of(scene.name, strip.name), "")
        if not text and baked_strips.is_baked(strip, baked[item.name]):
            rows.append(Asked(Row(strip.name, item.name, "baked", message=_BAKED)))
            continue
        rows.append(_asked(strip, fps, item, text, wanted[item.name]))
    present = {name_of(scene.name, strip.name) for strip in compat.all_strips(scene)}
    for name, texts in kept.items():
        gone = [lines.head(text) for key, text in texts.items() if key not in present]
        rows += [Asked(Row(each.strip, name, "strip is gone")) for each in gone if each.scene == scene.name]
    return [replace(each, beside=_beside(each, rows), fps=fps) for each in rows]


def _beside(asked: Asked, rows: Sequence[Asked]) -> tuple[Source, ...]:
    same = (each for each in rows if each.row.character == asked.row.character)
    return tuple(each.source for each in same if each.source is not None and each.line)


def _asked(strip: compat.Strip, fps: float, item: bpy.types.Object, line: str, now: Options) -> Asked:
    try:
        source = strips.source(strip, fps)
    except InputError as error:
        return Asked(Row(strip.name, item.name, "unreadable", message=str(error)))
    return Asked(Row(strip.name, item.name, "changed" if line else "missing"), source, line, now)


def _changes(line: Head, now: Options) -> tuple[str, ...]:
    """What of a line's options would be other now, by the names that the table shows."""
    names = [each.name for each in fields(Options) if each.name not in _ALL_THE_SAME]
    differing = [name for name in names if getattr(line.options, name) != getattr(now, name)]
    return tuple(dict.fromkeys(_GROUPS.get(name, "layers") for name in differing))


_ALL_THE_SAME = {"fps", "device", "engine", "engine_python"}
"""Options that change nothing of a line: where it is computed, and a rate that is the scene's."""
_GROUPS = {"model": "model", "weights": "model", "flame": "model", "basis": "model"} | {
    "style": "style",
    "guidance": "style",
    "seed_motion": "style",
}


def look(asked: Sequence[Asked], progress: Progress, cancel: Cancel) -> list[Row]:
    """The rows, for which sounds are read where they are not known. Touches nothing of Blender's data."""
    rows = []
    for number, each in enumerate(asked):
        rows.append(_judged(each, cancel))
        progress((number + 1) / len(asked))
    return rows


def _judged(asked: Asked, cancel: Cancel) -> Row:
    row, source = asked.row, asked.source
    if source is None:
        return row
    try:
        heard = _hash(source, cancel)
    except InputError as error:
        return Row(row.strip, row.character, "unreadable", message=str(error))
    if not asked.line:
        return row
    line = lines.head(asked.line)
    same = heard == line.meta.get("audio_sha256")
    why = [] if same else ["sound"]
    why += _changes(line, asked.now)
    if abs(line.start - source.start) > strips.MOVED or line.fps != asked.fps:
        why.append("place")
    if line.meta.get("before_sha256") != _hash_before(asked, source, cancel):
        why.append("line before")
    return Row(row.strip, row.character, "changed" if why else "up to date", tuple(why))


_hashes: dict[tuple[object, ...], str] = {}
"""Of sounds read in this session: what was read of which file, as it was then -> hash of the samples."""


def _hash(source: Source, cancel: Cancel) -> str:
    key = _fingerprint(source)
    if key is None:
        return _read_hash(source, cancel)
    if key not in _hashes:
        _hashes[key] = _read_hash(source, cancel)
    return _hashes[key]


def _hash_before(asked: Asked, source: Source, cancel: Cancel) -> str | None:
    """Of what the model hears before a line; None where it hears nothing."""
    near = [
        each
        for each in asked.beside
        if each.start < source.start and each.end(asked.fps) > source.start - strips.BEFORE * asked.fps
    ]
    prints = [_fingerprint(each) for each in near]
    key = (source.start, asked.fps, *((each.start, found) for each, found in zip(near, prints, strict=True)))
    if None not in prints and key in _hashes:
        return _hashes[key] or None
    heard = strips.before(source, near, asked.fps, cancel)
    found = sha256(heard.tobytes()).hexdigest() if len(heard) else ""
    if None not in prints:
        _hashes[key] = found
    return found or None


def _read_hash(source: Source, cancel: Cancel) -> str:
    return sha256(strips.read(source, cancel).samples.tobytes()).hexdigest()


def _fingerprint(source: Source) -> tuple[object, ...] | None:
    """What says cheaply that the same samples would be read again; None where only reading tells."""
    if source.packed is not None:
        return None
    try:
        stat = source.path.stat()
    except OSError:
        return None
    part = (round(source.offset, 6), round(source.seconds, 6), source.volume)
    return (str(source.path), stat.st_mtime_ns, stat.st_size, *part)


def speak_all(tasks: Sequence[generation.Task], progress: Progress, cancel: Cancel) -> list[list[Spoken]]:
    """`generation.speak` of several tasks, one progress for all; any thread may run it."""
    seconds = [sum(source.seconds for source in task.sources) for task in tasks]
    spoken = []
    for number, task in enumerate(tasks):
        done, share = sum(seconds[:number]) / sum(seconds), seconds[number] / sum(seconds)
        spoken.append(generation.speak(task, partial(_report, progress, done, share), cancel))
    return spoken


def _report(progress: Progress, before: float, share: float, fraction: float) -> None:
    progress(before + share * fraction)
