# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job in three steps: `prepare` reads Blender, `speak` runs the model on plain data, `apply` writes keys.

The panel, the command and plain Python all go this way; only the middle step may run in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core import models
from ..core.basis import ARKIT, BASES, FLAME, FLAME_FAMILY
from ..core.errors import InputError
from ..core.generate import SHOWN, Options, Spoken, check, provenance
from ..core.generate import speak as speak_clip
from ..core.models import Cancel, Progress
from ..core.motion import Motion
from ..core.retarget.detect import listed
from . import compat, edits, flame_rig, keyframes, layers, lines, lineup, preflight, rigs, strips
from .edits import Edits
from .keys import Keys, together
from .line import Line
from .lineup import LineUp
from .plan import Character, Curve, Owner, join, outside, plan
from .strips import Clip, Source


@dataclass(frozen=True)
class Task:
    """All that one generation needs, as plain data.

    scene: name of the scene with the strips; fps: its frames per second
    known: for each sound the line of before that is to be kept if it is still right, else None
    next:  lines that begin where these end and hear them, with their sounds: they may have to be spoken again
    heard: sounds of other lines, which any of these may hear
    """

    sources: tuple[Source, ...]
    character: Character
    scene: str
    fps: float
    options: Options
    known: tuple[Line | None, ...]
    next: tuple[tuple[Source, Line], ...] = ()
    heard: tuple[Source, ...] = ()


def prepare(
    scene: bpy.types.Scene,
    sound_strips: Sequence[compat.Strip],
    character: bpy.types.Object,
    options: Options,
    *,
    again: bool = False,
) -> Task:
    """Read strips and character; InputError for whatever would make the job fail later, before any time is spent.

    again: run the model only for lines whose sound, model, style or seed has changed
    """
    described = rigs.describe(character)
    options = options_for(character, described, options)
    check(options)
    _require_fit(options, described)
    fps = strips.rate(scene)
    sources = tuple(strips.source(strip, fps) for strip in sound_strips)
    there = {line.strip: line for line in lines_of(described) if line.scene == scene.name}
    keyframes.check(described, join([plan(_still(each, described), described, each.start, fps) for each in sources]))
    preflight.require_clear(character)
    known = tuple(there.get(each.name) if again else None for each in sources)
    task = Task(sources, described, scene.name, fps, options, known)
    return _with_neighbours(task, scene, there)


def _with_neighbours(task: Task, scene: bpy.types.Scene, there: Mapping[str, Line]) -> Task:
    """The task with the lines beside it that hear it or are heard; those whose sound cannot be read are not."""
    chosen = {source.name for source in task.sources}
    spans = [(source.start, source.end(task.fps)) for source in task.sources]
    spans += [(there[name].start, there[name].end) for name in chosen & there.keys()]
    others = {s.name: s for s in strips.sound_strips(compat.all_strips(scene)) if s.name in there.keys() - chosen}
    left = {name: compat.strip_timing(strip).left for name, strip in others.items()}
    after = [
        name
        for name, at in left.items()
        if any(first <= at <= last + strips.NEAR * task.fps + 1 for first, last in spans)
        and (there[name].options.model, there[name].options.weights) == (task.options.model, task.options.weights)
    ]
    starts = [source.start for source in task.sources] + [left[name] for name in after]
    before = [
        name
        for name, strip in others.items()
        if any(left[name] <= at and compat.strip_timing(strip).right > at - strips.BEFORE * task.fps for at in starts)
    ]
    found = {}
    for name in {*after, *before}:
        with suppress(InputError):
            found[name] = strips.source(others[name], task.fps)
    following = tuple((found[name], there[name]) for name in after if name in found)
    return replace(task, next=following, heard=tuple(found.values()))


def _require_fit(options: Options, character: Character) -> None:
    """Raise InputError when a character cannot take the motion of the model chosen."""
    entry = models.entry(options.model)
    if entry.basis.name not in BASES:
        raise InputError(f"The model '{entry.title}' moves vertices, which cannot be keyed: choose another model.")
    if character.basis == FLAME.name and entry.basis in FLAME_FAMILY:
        flame_rig.require_fit(character, options.weights or entry.weights, options.flame)
    elif character.basis == FLAME.name:
        flame_rig.fit_of(_object(character))


def options_for(item: bpy.types.Object, character: Character, options: Options) -> Options:
    """Options with what a character's sliders say; FLAME motion becomes ARKit's for one that has no FLAME."""
    options = layers.chosen(options, item)
    turned = models.entry(options.model).basis in FLAME_FAMILY and character.basis == ARKIT.name
    return replace(options, basis=ARKIT.name) if turned else options


def speak(task: Task, progress: Progress, cancel: Cancel) -> list[Spoken]:
    """The model's own motion for each sound, and for each of `next`. Touches nothing of Blender: for any thread."""
    every = [(source, line, task.options) for source, line in zip(task.sources, task.known, strict=True)]
    ours = {"device": task.options.device, "engine": task.options.engine, "engine_python": task.options.engine_python}
    every += [(source, line, replace(line.options, **ours)) for source, line in task.next]
    total, done = sum(source.seconds for source, _, _ in every), 0.0
    spoken = []
    for source, line, options in every:
        clip = strips.read(source, cancel)
        before = strips.before(source, (*task.sources, *task.heard), task.fps, cancel)
        kept = _still_right(line, clip, options, before)
        share = partial(_report, progress, done / total, source.seconds / total)
        spoken.append(kept or speak_clip(clip.samples, options, share, cancel, before))
        done += source.seconds
    return spoken


def apply(task: Task, spoken: Sequence[Spoken]) -> str:
    """Write the lines as keys; returns a sentence on what was done. Raises InputError, nothing changed."""
    fresh = [
        Line(task.scene, source.name, source.start, source.origin, task.fps, task.options, each)
        for source, each in zip(task.sources, spoken, strict=False)
    ]
    again = [
        replace(line, start=source.start, origin=source.origin, fps=task.fps, spoken=each)
        for (source, line), each in zip(task.next, spoken[len(fresh) :], strict=True)
        if each is not line.spoken
    ]
    written, edited = write_lines(task.character, [*fresh, *again])
    layers.show(_object(task.character), task.options)
    keys = sum(len(each.keys) for line in written for each in line.written.values())
    curves = len({name for line in written for name in line.written})
    missing = "" if "head" in task.character.bones else ", without head turns (no head bone)"
    beside = f"; {len(again)} more, as what they go on from has changed" if again else ""
    mine = f"; your edits of {edited} curves are kept" if edited else ""
    lines = f"{len(fresh)} line{'s' if len(fresh) != 1 else ''}"
    done = f"{lines} on '{task.character.name}': {keys} keys in {curves} curves{missing}{beside}{mine}."
    along = rigs.share_shapes(_object(task.character))
    also = [f"{listed(along)} move{'s' if len(along) == 1 else ''} along by the same keys."] if along else []
    return " ".join([done, *task.character.notes, *also])


def follow(item: bpy.types.Object, only: Sequence[str] | None = None) -> int:
    """Do the layers of a character's lines again by its sliders; returns how many lines were not as these say.

    only: names of the lines (`Line.name`) to do, None for all
    """
    character = rigs.describe(item)
    before = lines_of(character)
    lines_up = _lines_up([replace(line, options=layers.options(line.options, item)) for line in before], item)
    behind = _behind(before, lines_up, item)
    stale = behind if only is None else behind & set(only)
    # all are behind when a slider was moved, and each is done once: those that wait come to what these are now
    _rewrite(character, before, lines_up, stale if only else lines_up.near(stale))
    return len(stale)


def strips_to_regenerate(
    scene: bpy.types.Scene, item: bpy.types.Object, *, selected: bool = True
) -> list[compat.Strip]:
    """The strips of a character's lines: the `selected` ones, or all when none of them is or they do not count.

    Raises InputError when the character has no line of this scene.
    """
    spoken = {line.strip for line in lines_of(rigs.describe(item)) if line.scene == scene.name}
    found = [strip for strip in strips.sound_strips(compat.all_strips(scene)) if strip.name in spoken]
    if not found:
        raise InputError(f"No strip of this scene has been spoken by '{item.name}' yet: press Generate first.")
    return ([strip for strip in found if strip.select] if selected else []) or found


def loosen(item: bpy.types.Object) -> int:
    """Give the reduced lines of a character one key a frame again, with the artist's edits; returns how many."""
    character = rigs.describe(item)
    reduced = [replace(line, bound=0.0) for line in lines_of(character) if line.bound]
    if reduced:
        lines.save(_keeper(character), reduced)
        write_lines(character, reduced)
    return len(reduced)


def edits_of(item: bpy.types.Object) -> list[tuple[Line, dict[str, Edits]]]:
    """What was changed by hand on a character's lines, by label of the curve; lines without edits are left out."""
    character = rigs.describe(item)
    there = _curves_there(character)
    every = {name: fcurve for curves in there.values() for name, fcurve in curves.items()}
    found = []
    for line in lines_of(character):
        if _is_cleared(line, there):
            continue
        changes = {}
        for name, old in line.written.items():
            keys = keyframes.read(every[name]) if name in every else Keys.none()
            change = edits.find(_within(keys, old.spans), old.keys)
            if change is not None:
                changes[name] = change
        if changes:
            found.append((line, changes))
    return found


def drop_edits(item: bpy.types.Object, frame: float | None) -> int:
    """Give curves back their generated keys: where changes run over a frame, or everywhere for None.

    Returns on how many curves. Raises InputError when nothing was changed there.
    """

    def left(found: Edits) -> Edits | None:
        if frame is None:
            return None
        runs = edits.stretches([found])
        here = [run for run in runs if run[0] - 0.5 <= frame <= run[1] + 0.5]
        return edits.without(found, *here[0]) if here else found

    changed = [
        (line, {name for name, found in changes.items() if left(found) is not found})
        for line, changes in edits_of(item)
    ]
    count = len({name for _, names in changed for name in names})
    if count == 0:
        where = f" at frame {frame:g}" if frame is not None else ""
        raise InputError(f"Nothing was changed by hand on '{item.name}'{where}: Show My Edits lists what was.")
    write_lines(rigs.describe(item), [line for line, names in changed if names], drop=left)
    return count


def nearest_lines(item: bpy.types.Object, frame: float) -> list[str]:
    """Names of a character's lines, those nearest to a frame first."""
    found = lines_of(rigs.describe(item))
    return [line.name for line in sorted(found, key=lambda line: max(line.start - frame, frame - line.end))]


def is_behind(item: bpy.types.Object) -> bool:
    """Whether an object is a character with lines that are not as its sliders say; read-only ones do not count."""
    if not rigs.is_character(item):
        return False
    try:
        found = lines_of(rigs.describe(item))
    except InputError:
        return False
    lines_up = _lines_up([replace(line, options=layers.options(line.options, item)) for line in found], item)
    return bool(_behind(found, lines_up, None))


def heads_of(character: Character) -> dict[str, str]:
    """The lines that a character has keys of, by name, each as a text for `lines.head`."""
    return lines.heads(_keeper(character))


def lines_of(character: Character) -> list[Line]:
    """The lines that a character has keys of, in the order of time."""
    return lines.load(_keeper(character))


def write_lines(character: Character, fresh: Sequence[Line], *, drop: Drop | None = None) -> tuple[list[Line], int]:
    """Write lines, and what has to change of their neighbours, with the artist's edits on top.

    Returns the lines as they are now kept, and on how many curves there are edits. A line takes the place of the one of
    its strip, whose keys go. Raises InputError before anything is changed. `drop` says which edits to leave behind.
    """
    kept = lines_of(character)
    before = {line.name: line for line in kept}
    replaced = {line.name: _predecessor(line, before) for line in fresh}
    gone = {old.name for old in replaced.values() if old and old.name not in replaced}
    others = [line for line in kept if line.name not in {*replaced, *gone}]
    buried = {line.name for line in others if _is_buried(line, fresh)}
    item = _object(character)
    lines_up = _lines_up([*fresh, *(line for line in others if line.name not in buried)], item)
    changed = lines_up.near({*replaced, *_moved(lines_up, before)})
    known = {name: old for name, old in replaced.items() if old}
    written, edited = _rewrite(character, kept, lines_up, changed, replaced=known, drop=drop)
    return [line for line in written if line.name in replaced], edited


def remove_lines(item: bpy.types.Object, strip_names: Collection[str] | None) -> int:
    """Take the lines of some strips off a character, keys and edits and all; those beside them take up their room.

    None stands for all whose strips are gone. Returns how many there were; raises InputError when there were none.
    """
    character = rigs.describe(item)
    kept = lines_of(character)
    named = strip_names or ()
    gone = {line.name for line in kept if (_is_orphan(line) if strip_names is None else line.strip in named)}
    if not gone:
        which = "of a strip that is gone" if strip_names is None else "of the selected strips"
        raise InputError(f"'{item.name}' has no line {which}: nothing was removed.")
    lines_up = _lines_up([line for line in kept if line.name not in gone], item)
    _rewrite(character, kept, lines_up, lines_up.near(_moved(lines_up, {line.name: line for line in kept})))
    return len(gone)


Drop = Callable[[Edits], Edits | None]
"""Which of an artist's changes of a curve are left; None for none."""


@dataclass(frozen=True)
class _Rewrite:
    """One line to be written: as it will be (None: taken away), as it was (None: new), and its curves by label."""

    line: Line | None
    old: Line | None
    curves: dict[str, Curve]


def _lines_up(found: Sequence[Line], item: bpy.types.Object) -> LineUp:
    """Lines of a character with what its sliders say of the rests between them."""
    scene: bpy.types.Scene | None = bpy.data.scenes.get(found[0].scene) if found else None
    # what comes before the beginning of the scene is not seen
    frames = (scene.frame_start, scene.frame_end) if scene else (1, 1)
    around = lineup.Scene(*frames, lambda line: layers.over_time(item, line.start, line.fps))
    return LineUp(found, layers.rests(item), around)


def _rewrite(
    character: Character,
    kept: Sequence[Line],
    lines_up: LineUp,
    changed: Collection[str],
    *,
    replaced: Mapping[str, Line] | None = None,
    drop: Drop | None = None,
) -> tuple[list[Line], int]:
    """Write the lines named in `changed` as they are in the line-up, and take away those that it does not have.

    replaced: by name of the new line, the one whose place it takes. Returns the lines written, and on how many curves
    there are edits.
    """
    before = {line.name: line for line in kept} | dict(replaced or {})
    work, written = [], []
    for number, line in enumerate(lines_up.lines):
        if line.name not in changed:
            continue
        curves = _curves(lines_up, number, character)
        old = before.get(line.name)
        fresh = replace(line, rests=lines_up.rests, place=lines_up.place(number), bound=old.bound if old else 0.0)
        written.append(replace(fresh, written=lines.written(curves.items())))
        work.append(_Rewrite(written[-1], old, curves))
    stays = {line.name for line in lines_up.lines}
    taken = {old.name for old in (replaced or {}).values()}
    gone = [line for line in kept if line.name not in stays]
    work += [_Rewrite(None, line, {}) for line in gone if line.name not in taken]
    edited = _carry_out(character, work, drop) if work else 0
    if work:
        lines.save(_keeper(character), written, [line.name for line in gone])
    if any(line.is_loose for line in written):
        layers.keep_reduced(_object(character))
    return written, edited


def _curves(lines_up: LineUp, number: int, character: Character) -> dict[str, Curve]:
    """The curves of a line in its place, by label."""
    place = lines_up.place(number)
    if not place:
        return {}
    begin, motion = lines_up.motion(number)
    taken = flame_rig.taken(motion, character, lines_up.lines[number].options.flame)
    planned = plan(taken, character, begin, motion.fps)
    return {keyframes.label(curve.data_path, curve.index): lineup.shown(curve, place) for curve in planned}


def _carry_out(character: Character, work: Sequence[_Rewrite], drop: Drop | None) -> int:
    """Write all the curves that change; returns on how many there are edits."""
    there = _curves_there(character)
    planned: dict[str, Curve] = {name: curve for each in work for name, curve in each.curves.items()}
    edited: dict[str, Keys | None] = {}
    curves, count = [], 0
    cleared = [each.old.name for each in work if each.old and _is_cleared(each.old, there)]
    for name, model in planned.items():
        fcurve = there[model.owner].get(name)
        keys = keyframes.read(fcurve) if fcurve and (drop or cleared or _changes(name, work)) else None
        if fcurve and keys is None:
            continue
        parts: list[Keys] = []
        spans: list[lineup.Span] = []
        touched = False
        for each in work:
            new = each.curves.get(name)
            old = each.old.written.get(name) if each.old and each.old.name not in cleared else None
            fresh = Keys.plain(new.frames, new.values) if new else Keys.none()
            found = None
            if old:
                spans += old.spans
                found = edits.find(_within(keys or Keys.none(), old.spans), old.keys)
                found = drop(found) if drop and found else found
            if found and each.line and each.old:
                fresh = edits.carry(found, fresh, round(each.line.origin - each.old.origin))
                touched = True
            parts.append(fresh)
            spans += new.spans if new else ()
        count += touched
        written = together(parts)
        if len(written) == 0 and fcurve is None:
            continue
        known = all(each.old and name in each.old.written for each in work if name in each.curves)
        if touched:
            edited[name] = written
        elif known and not drop:
            edited[name] = None  # new values may take the places of the old ones
        curves.append(replace(model, frames=written.frames, values=written.values, spans=tuple(spans)))
    keyframes.write(character, curves, edited)
    return count


def _changes(name: str, work: Sequence[_Rewrite]) -> bool:
    """Whether any line has another curve of this name than before."""
    for each in work:
        old, new = each.old.written.get(name) if each.old else None, each.curves.get(name)
        if (old is None) != (new is None):
            return True
        if old is None or new is None:
            continue
        moved = each.line is not None and each.old is not None and each.line.origin != each.old.origin
        if moved or old.spans != new.spans or not np.array_equal(old.keys.frames, new.frames):
            return True
        if np.abs(old.keys.values - new.values).max(initial=0) > _SAME or not old.keys.is_plain:
            return True
    return False


_SAME = 1e-7


def _within(keys: Keys, spans: Sequence[lineup.Span]) -> Keys:
    return keys.take(~outside(keys.frames, spans))


def _curves_there(character: Character) -> dict[Owner, dict[str, compat.FCurve]]:
    """The curves that animate a character now, by label."""
    return {
        owner: {keyframes.label(c.data_path, c.array_index): c for c in compat.fcurves_of(datablock)}
        for owner, datablock in keyframes.owners(character).items()
    }


def _is_cleared(line: Line, there: Mapping[Owner, Mapping[str, compat.FCurve]]) -> bool:
    """Whether all keys of a line were deleted: that is no edit but a wish to begin anew."""
    return not any(
        len(_within(keyframes.read(fcurve), line.written[name].spans))
        for curves in there.values()
        for name, fcurve in curves.items()
        if name in line.written
    )


def _moved(lines_up: LineUp, before: Mapping[str, Line]) -> set[str]:
    """Names of lines that are kept as they are but have another place than before, or other rests."""
    return {
        line.name
        for number, line in enumerate(lines_up.lines)
        if (old := before.get(line.name)) and (lines_up.place(number), lines_up.rests) != (old.place, old.rests)
    }


def _behind(before: Sequence[Line], wanted: LineUp, item: bpy.types.Object | None) -> set[str]:
    """Names of lines that are not as they should be; all of them for an object with keys on its sliders."""
    old = {line.name: line for line in before}
    if item is not None and layers.is_animated(item):
        return set(old)
    return {line.name for line in wanted.lines if line.options != old[line.name].options} | _moved(wanted, old)


def _predecessor(line: Line, before: Mapping[str, Line]) -> Line | None:
    """The kept line that a new one takes the place of: that of its strip, or of a strip that was renamed."""
    if line.name in before:
        return before[line.name]
    sound = line.spoken.raw.meta.get("audio_sha256")
    same = [old for old in before.values() if old.spoken.raw.meta.get("audio_sha256") == sound and _is_orphan(old)]
    return same[0] if same else None


def _is_buried(line: Line, fresh: Sequence[Line]) -> bool:
    """Whether the strip of a line is gone and others speak in its place."""
    return _is_orphan(line) and any(new.start < line.end and line.start < new.end for new in fresh)


def _is_orphan(line: Line) -> bool:
    scene: bpy.types.Scene | None = bpy.data.scenes.get(line.scene)
    return scene is None or line.strip not in {strip.name for strip in compat.all_strips(scene)}


def _still_right(line: Line | None, clip: Clip, options: Options, before: NDArray[np.float32]) -> Spoken | None:
    """What a line has of the model, if the model would say the same again."""
    if line is None:
        return None
    meta, now = line.spoken.raw.meta, provenance(clip.samples, options, before)
    known = {"model", "seed", "style", "audio_sha256", "before_sha256", *SHOWN}
    same = all(meta.get(name) == now.get(name) for name in known)
    mine, theirs = ((each.weights, each.basis, each.flame) for each in (line.options, options))
    return line.spoken if same and mine == theirs else None


def _keeper(character: Character) -> bpy.types.ID:
    """The datablock whose action keeps the lines: the shape keys, or the armature of who has none."""
    keeper: bpy.types.ID = next(iter(keyframes.owners(character).values()))
    return keeper


def _object(character: Character) -> bpy.types.Object:
    return next(item for item in bpy.data.objects if item.session_uid == character.mesh)


def _report(progress: Progress, before: float, share: float, fraction: float) -> None:
    """Pass on the progress of one clip among several."""
    progress(before + share * fraction)


def _still(source: Source, character: Character) -> Motion:
    """A motion without motion, as long as the sound: enough to see which curves its keys would touch."""
    basis = BASES[character.basis]
    return Motion(np.zeros((2, len(basis)), np.float32), basis, 1 / max(1e-3, source.seconds))
