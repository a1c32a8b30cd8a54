# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job in three steps: `prepare` reads Blender, `speak` runs the model on plain data, `apply` writes keys.

The panel, the command and plain Python all go this way; only the middle step may run in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
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
from . import aside, baked_strips, compat, edits, flame_rig, keyframes, layers, lines, lineup, preflight, rigs, strips
from .edits import Edits
from .keys import Keys, together
from .line import Line, name_of
from .lineup import LineUp
from .plan import Character, Curve, Owner, outside, plan
from .strips import Clip, Source


@dataclass(frozen=True)
class Task:
    """All that one generation needs, as plain data.

    scene: name of the scene with the strips; fps: its frames per second
    known: for each sound the line of before that is to be kept if it is still right, else None
    next:  lines that begin where these end and hear them, with their sounds: they may have to be spoken again
    heard: sounds of other lines, which any of these may hear
    fit:   of a FLAME head for ARKit motion; takes long and raises InputError where no face is found on it
    """

    sources: tuple[Source, ...]
    character: Character
    scene: str
    fps: float
    options: Options
    known: tuple[Line | None, ...]
    next: tuple[tuple[Source, Line], ...] = ()
    heard: tuple[Source, ...] = ()
    fit: Callable[[], object] | None = None


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
    fit = _fit_for(options, described)
    fps = strips.rate(scene)
    for strip in sound_strips:
        strips.identify(strip)
    sources = tuple(strips.source(strip, fps) for strip in sound_strips)
    there = {line.strip: line for line in lines_of(described) if line.scene == scene.name}
    keyframes.check(described, plan(_still(described), described, 1.0, fps) if sources else ())
    preflight.require_clear(character, described)
    known = tuple(there.get(each.name) if again else None for each in sources)
    task = Task(sources, described, scene.name, fps, options, known, fit=fit)
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


def _fit_for(options: Options, character: Character) -> Callable[[], object] | None:
    """The fit by which a character takes a model's motion, where it needs one; InputError for motion that it cannot."""
    entry = models.entry(options.model)
    if entry.basis.name not in BASES:
        raise InputError(f"The model '{entry.title}' moves vertices, which cannot be keyed: choose another model.")
    if character.basis != FLAME.name:
        return None
    if entry.basis in FLAME_FAMILY:
        flame_rig.require_fit(character, options.weights or entry.weights, options.flame)
        return None
    flame_rig.require_no_other(character, options.flame)
    return flame_rig.fit_of(_object(character))


def options_for(item: bpy.types.Object, character: Character, options: Options) -> Options:
    """Options with what a character's sliders say; FLAME motion becomes ARKit's for one that has no FLAME."""
    options = layers.chosen(options, item)
    turned = models.entry(options.model).basis in FLAME_FAMILY and character.basis == ARKIT.name
    return replace(options, basis=ARKIT.name) if turned else options


def speak(task: Task, progress: Progress, cancel: Cancel) -> list[Spoken]:
    """The model's own motion for each sound, and for each of `next`. Touches nothing of Blender: for any thread."""
    if task.fit is not None:
        task.fit()  # before any time is spent: it says what is wrong with the head
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


def stale(task: Task, spoken: Sequence[Spoken]) -> tuple[Task, list[Spoken]]:
    """The part of a task whose lines would not be written as they stand, and what was spoken for it.

    All of it when a line beside has to be spoken again, as lines then change with each other.
    """
    own, beside = spoken[: len(task.sources)], spoken[len(task.sources) :]
    if any(each is not line.spoken for each, (_, line) in zip(beside, task.next, strict=True)):
        return task, list(spoken)
    every, there = zip(task.sources, task.known, own, strict=True), _curves_there(task.character)
    changed = [each for each in every if not _is_as_it_was(task, there, *each)]
    sources, known = tuple(source for source, _, _ in changed), tuple(line for _, line, _ in changed)
    return replace(task, sources=sources, known=known), [*(each for _, _, each in changed), *beside]


def _is_as_it_was(task: Task, there: There, source: Source, line: Line | None, spoken: Spoken) -> bool:
    if line is None or line.spoken is not spoken or _is_cleared(line, there):
        return False
    stays = {"device": task.options.device, "engine": task.options.engine}
    before = replace(line.options, **stays, engine_python=task.options.engine_python)
    return before == task.options and abs(line.start - source.start) < strips.MOVED and line.fps == task.fps


def apply(task: Task, spoken: Sequence[Spoken]) -> str:
    """Write the lines as keys; returns a sentence on what was done. Raises InputError, nothing changed."""
    draft = read(task, spoken)
    return write(draft, work_out(draft))


@dataclass(frozen=True)
class Draft:
    """What one generation is to write, by what it is worked out from.

    again: how many of the lines are of strips beside, which go on from another sound now
    seen:  lines and sliders, by which `is_outdated` tells whether somebody has worked on them since
    plain: whether it is all plain data, so that any thread may work it out
    """

    task: Task
    change: _Change
    again: int
    seen: object
    plain: bool


def read(task: Task, spoken: Sequence[Spoken]) -> Draft:
    """The first of three steps of `apply`, which `work_out` and `write` are the others of: look at what is there."""
    fresh = [
        Line(
            task.scene,
            source.name,
            source.start,
            source.origin,
            task.fps,
            task.options,
            each,
            strip_id=source.identifier,
        )
        for source, each in zip(task.sources, spoken, strict=False)
    ]
    again = [
        replace(line, start=source.start, origin=source.origin, fps=task.fps, spoken=each)
        for (source, line), each in zip(task.next, spoken[len(fresh) :], strict=True)
        if each is not line.spoken
    ]
    change = _change(task.character, [*fresh, *_renamed(again)])
    return Draft(task, change, len(again), _seen(task.character), plain=False)


def reading(draft: Draft) -> Iterator[Draft | None]:
    """Read all keys of a draft, a curve a step; the last step gives the draft that any thread may work out.

    Between two steps nothing of Blender is kept; `is_outdated` tells what was changed meanwhile.
    """
    character = draft.task.character
    there: dict[Owner, dict[str, Callable[[], Keys]]] = {owner: {} for owner in draft.change.there}
    for owner, name in [(owner, name) for owner, curves in draft.change.there.items() for name in curves]:
        now = _curves_there(character)[owner]
        if name in now:
            there[owner][name] = partial(_same, now[name]())
        yield None
    yield replace(draft, change=replace(draft.change, there=there), plain=True)


def work_out(draft: Draft) -> Plan:
    """What is to be written. Of a plain draft it touches nothing of Blender: for any thread."""
    plan = _worked_out(draft.change)
    return _with_keys_beside(plan, draft.change.there) if draft.plain else plan


def _with_keys_beside(plan: Plan, there: There) -> Plan:
    """The plan with all keys of its curves, so that none has to be read when they are written."""
    curves, keys = [], dict(plan.keys)
    for curve in plan.curves:
        name = keyframes.label(curve.data_path, curve.index)
        read_keys = there[curve.owner].get(name)
        own = keys.get(name, Keys.plain(curve.frames, curve.values))
        if read_keys is None or own is None:
            curves.append(curve)
            continue
        beside = read_keys().take(outside(read_keys().frames, curve.spans))
        keys[name] = together([beside, own])
        curves.append(replace(curve, spans=((-np.inf, np.inf),)))
    return replace(plan, curves=curves, keys=keys)


def still_right(draft: Draft) -> Iterator[bool]:
    """Whether lines, keys and sliders of the character are as they were read, a curve a step; ends where one is not.

    Between two steps nothing of Blender is kept.
    """
    character, there = draft.task.character, draft.change.there
    if _seen(character) != draft.seen:
        yield False
        return
    yield True
    for owner, name in [(owner, name) for owner, curves in there.items() for name in curves]:
        curves = {keyframes.label(c.data_path, c.array_index): c for c in _fcurves(character, owner)}
        same = name in curves and np.array_equal(there[owner][name]().numbers["co"], keyframes.places(curves[name]))
        yield same
        if not same:
            return


def is_outdated(draft: Draft) -> bool:
    """Whether anything is no longer `still_right`."""
    return not all(still_right(draft))


def _fcurves(character: Character, owner: Owner) -> list[compat.FCurve]:
    return compat.fcurves_of(keyframes.owners(character)[owner])


def _seen(character: Character) -> object:
    item = _object(character)
    return heads_of(character), layers.options(Options(), item), layers.rests(item), layers.keys_of(item)


def write(draft: Draft, plan: Plan, *, exchanging: bool = False) -> str:
    """Write what was worked out; returns a sentence on what was done. Raises InputError, nothing changed.

    exchanging: whether all its curves lie aside (`aside.write`), and are only to take their places
    """
    task, again = draft.task, draft.again
    _carry_out(task.character, plan, exchanging=exchanging)
    layers.show(_object(task.character), task.options)
    written = [line for line in plan.written if line.name in draft.change.replaced]
    keys = sum(len(each.keys) for line in written for each in line.written.values())
    curves = {name for line in written for name in line.written}
    changed = len(curves & {keyframes.label(curve.data_path, curve.index) for curve in plan.curves})
    missing = "" if "head" in task.character.bones else ", without head turns (no head bone)"
    beside = f"; {again} more, as what they go on from has changed" if again else ""
    mine = f"; your edits of {plan.edited} curves are kept" if plan.edited else ""
    lines = f"{len(task.sources)} line{'s' if len(task.sources) != 1 else ''}"
    done = f"{lines} on '{task.character.name}': {keys} keys in {len(curves)} curves{missing}{beside}{mine}."
    of_these = [f"{changed} of the curves have changed."] if changed < len(curves) else []
    along = rigs.share_shapes(_object(task.character))
    also = [f"{listed(along)} move{'s' if len(along) == 1 else ''} along by the same keys."] if along else []
    return " ".join([done, *of_these, *task.character.notes, *also])


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
    changed = stale if only else lines_up.near(stale)
    _carry_out(character, _worked_out(_to_do(character, before, lines_up, changed)))
    return len(stale)


def strips_to_regenerate(
    scene: bpy.types.Scene, item: bpy.types.Object, *, selected: bool = True
) -> list[compat.Strip]:
    """The strips of a character's lines: the `selected` ones, or all when none of them is or they do not count.

    Raises InputError when the character has no line of this scene.
    """
    character, there = rigs.describe(item), strips.sound_strips(compat.all_strips(scene))
    spoken = {line.strip for line in lines_of(character) if line.scene == scene.name}
    found = [strip for strip in there if strip.name in spoken]
    if not found:
        marks = baked_strips.marks(character)
        if any(baked_strips.is_baked(strip, marks) for strip in there):
            raise InputError(f"The keys of '{item.name}' are baked, and so yours: delete them to generate them again.")
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
    every = {name: read for curves in there.values() for name, read in curves.items()}
    found = []
    for line in lines_of(character):
        if _is_cleared(line, there):
            continue
        changes = {}
        for name, old in line.written.items():
            keys = every[name]() if name in every else Keys.none()
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
    """The lines that a character has keys of, by the names of now, each as a text for `lines.head`."""
    heads = lines.heads(_keeper(character))
    if heads.keys() <= _names_of_strips():
        return heads
    return {line.name: heads[line.kept_as or line.name] for line in lines_of(character)}


def lines_of(character: Character) -> list[Line]:
    """The lines that a character has keys of, in the order of time, by the names that scenes and strips have now."""
    return _renamed(lines.load(_keeper(character)))


def _renamed(found: list[Line]) -> list[Line]:
    """Lines under the names of now. Of a strip and its copies the one that stands where the line does is meant."""
    names, taken = _names_of_strips(), {line.name for line in found}
    if taken <= names:
        return found
    known: dict[str, list[tuple[float, str, str]]] = {}
    for scene in bpy.data.scenes:
        for strip in compat.all_strips(scene):
            if name_of(scene.name, strip.name) not in taken and (identifier := strips.identifier(strip)):
                place = compat.strip_timing(strip).left, scene.name, strip.name
                known.setdefault(identifier, []).append(place)
    now = []
    for line in found:
        places = known.get(line.strip_id, []) if line.name not in names else []
        if places:
            _, scene_name, strip_name = min(places, key=lambda place: abs(place[0] - line.start))
            line = replace(line, scene=scene_name, strip=strip_name, kept_as=line.kept_as or line.name)  # noqa: PLW2901
        now.append(line)
    return now


def _names_of_strips() -> set[str]:
    """What lines of the strips that there are would be called."""
    return {name_of(scene.name, strip.name) for scene in bpy.data.scenes for strip in compat.all_strips(scene)}


def write_lines(character: Character, fresh: Sequence[Line], *, drop: Drop | None = None) -> None:
    """Write lines, and what has to change of their neighbours, with the artist's edits on top.

    A line takes the place of the one of its strip, whose keys go. Raises InputError before anything is changed. `drop`
    says which edits to leave behind.
    """
    _carry_out(character, _worked_out(_change(character, fresh, drop)))


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
    changed = lines_up.near(_moved(lines_up, {line.name: line for line in kept}))
    _carry_out(character, _worked_out(_to_do(character, kept, lines_up, changed)))
    return len(gone)


Drop = Callable[[Edits], Edits | None]
"""Which of an artist's changes of a curve are left; None for none."""


@dataclass(frozen=True)
class _Rewrite:
    """One line to be written: as it will be (None: taken away), as it was (None: new), and its curves by label."""

    line: Line | None
    old: Line | None
    curves: dict[str, Curve]


There = Mapping[Owner, Mapping[str, Callable[[], Keys]]]
"""The curves that animate a character, by label: what reads their keys."""


@dataclass(frozen=True)
class _Change:
    """Lines of a character that are to be written.

    kept:     the lines as they are; lines_up: as they will be; changed: names of those to be written anew
    taking:   by name of each of these, what turns its motion into what the character takes
    replaced: by name of each new line, the one whose place it takes, None where there is none
    drop:     which edits to leave behind
    """

    character: Character
    kept: Sequence[Line]
    lines_up: LineUp
    changed: Collection[str]
    taking: Mapping[str, Callable[[Motion], Motion]]
    there: There
    replaced: Mapping[str, Line | None] = field(default_factory=dict)
    drop: Drop | None = None


@dataclass(frozen=True)
class Plan:
    """What is to be written, down to the keys.

    written: the lines as they will be kept; packed: the same by name, as the .blend keeps them
    gone:    names under which no line will be kept any more
    curves:  those that change; keys: by label, as `keyframes.write` takes them; edited: on how many there are edits
    """

    written: list[Line]
    packed: dict[str, lines.Packed]
    gone: list[str]
    curves: list[Curve]
    keys: dict[str, Keys | None]
    edited: int


def _change(character: Character, fresh: Sequence[Line], drop: Drop | None = None) -> _Change:
    """New lines among those of a character; see `write_lines`."""
    kept = lines_of(character)
    before = {line.name: line for line in kept}
    replaced = {line.name: _predecessor(line, before) for line in fresh}
    gone = {old.name for old in replaced.values() if old and old.name not in replaced}
    others = [line for line in kept if line.name not in {*replaced, *gone}]
    buried = {line.name for line in others if _is_buried(line, fresh)}
    lines_up = _lines_up([*fresh, *(line for line in others if line.name not in buried)], _object(character))
    changed = lines_up.near({*replaced, *_moved(lines_up, before)})
    return replace(_to_do(character, kept, lines_up, changed), replaced=replaced, drop=drop)


def _to_do(character: Character, kept: Sequence[Line], lines_up: LineUp, changed: Collection[str]) -> _Change:
    """Lines of a character that are to be written as they are in a line-up, over those that are kept."""
    taking = {
        line.name: flame_rig.taking(line.spoken.raw.basis, character, line.options.flame)
        for line in lines_up.lines
        if line.name in changed
    }
    return _Change(character, kept, lines_up, changed, taking, _curves_there(character))


def _lines_up(found: Sequence[Line], item: bpy.types.Object) -> LineUp:
    """Lines of a character with what its sliders say of the rests between them."""
    scene: bpy.types.Scene | None = bpy.data.scenes.get(found[0].scene) if found else None
    # what comes before the beginning of the scene is not seen
    frames = (scene.frame_start, scene.frame_end) if scene else (1, 1)
    rests = layers.rests(item)
    margin = round(_BEYOND * found[0].fps) if found else 0
    spoken = [round(at) for line in found for at in (line.start - margin, line.end + margin)]
    seen = [*spoken, *(frames if rests.ends or not spoken else ())]
    amounts = layers.amounts(item, min(seen), max(seen))
    return LineUp(found, rests, lineup.Scene(*frames, lambda line: amounts.over_time(line.start, line.fps)))


_BEYOND = 10.0
"""Seconds before a line and after it beyond which no amount counts that has keys: the longest ways to and from rest."""


def _worked_out(change: _Change) -> Plan:
    """The lines named in `changed` as they are in the line-up; those that it does not have are taken away."""
    lines_up = change.lines_up
    replaced = {name: old for name, old in change.replaced.items() if old}
    before = {line.name: line for line in change.kept} | replaced
    work, written = [], []
    for number, line in enumerate(lines_up.lines):
        if line.name not in change.changed:
            continue
        curves = _curves(lines_up, number, change)
        old = before.get(line.name)
        fresh = replace(line, rests=lines_up.rests, place=lines_up.place(number), bound=old.bound if old else 0.0)
        written.append(replace(fresh, written=lines.written(curves.items())))
        work.append(_Rewrite(written[-1], old, curves))
    stays = {line.name for line in lines_up.lines}
    taken = {old.name for old in replaced.values()}
    gone = [line for line in change.kept if line.name not in stays]
    work += [_Rewrite(None, line, {}) for line in gone if line.name not in taken]
    packed = {line.name: lines.pack(line) for line in written}
    old_names = [line.kept_as or line.name for line in gone]
    old_names += [line.kept_as for line in change.kept if line.kept_as and line.name in packed]
    return Plan(written, packed, old_names, *_keys_of(work, change.there, change.drop))


def _carry_out(character: Character, plan: Plan, *, exchanging: bool = False) -> None:
    """Write what a plan says; InputError before anything is changed. exchanging: as in `write`."""
    if not (plan.written or plan.gone):
        return
    if exchanging:
        keyframes.check(character, plan.curves)
        aside.exchange(character)
    else:
        keyframes.write(character, plan.curves, plan.keys)
    lines.store(_keeper(character), plan.packed, plan.gone)
    if any(line.is_loose for line in plan.written):
        layers.keep_reduced(_object(character))


def _curves(lines_up: LineUp, number: int, change: _Change) -> dict[str, Curve]:
    """The curves of a line in its place, by label."""
    place = lines_up.place(number)
    if not place:
        return {}
    begin, motion = lines_up.motion(number)
    taken = change.taking[lines_up.lines[number].name](motion)
    planned = plan(taken, change.character, begin, motion.fps)
    return {keyframes.label(curve.data_path, curve.index): lineup.shown(curve, place) for curve in planned}


def _keys_of(
    work: Sequence[_Rewrite], there: There, drop: Drop | None
) -> tuple[list[Curve], dict[str, Keys | None], int]:
    """The curves that change, keys for those of them that need their own, and on how many there are edits."""
    planned: dict[str, Curve] = {name: curve for each in work for name, curve in each.curves.items()}
    edited: dict[str, Keys | None] = {}
    curves, count = [], 0
    cleared = [each.old.name for each in work if each.old and _is_cleared(each.old, there)]
    for name, model in planned.items():
        keys_there = there[model.owner].get(name)
        keys = keys_there() if keys_there and (drop or cleared or _changes(name, work)) else None
        if keys_there and keys is None:
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
        if len(written) == 0 and keys_there is None:
            continue
        known = all(each.old and name in each.old.written for each in work if name in each.curves)
        if touched:
            edited[name] = written
        elif known and not drop:
            edited[name] = None  # new values may take the places of the old ones
        curves.append(replace(model, frames=written.frames, values=written.values, spans=tuple(spans)))
    return curves, edited, count


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


def _curves_there(character: Character) -> There:
    """The curves of ours that animate a character now."""
    there: dict[Owner, dict[str, Callable[[], Keys]]] = {}
    for owner, datablock in keyframes.owners(character).items():
        mine = keyframes.owned(datablock)
        named = {keyframes.label(c.data_path, c.array_index): c for c in compat.fcurves_of(datablock)}
        there[owner] = {name: partial(keyframes.read, curve) for name, curve in named.items() if name in mine}
    return there


def _same(keys: Keys) -> Keys:
    return keys


def _is_cleared(line: Line, there: There) -> bool:
    """Whether all keys of a line were deleted: that is no edit but a wish to begin anew."""
    return not any(
        len(_within(read(), line.written[name].spans))
        for curves in there.values()
        for name, read in curves.items()
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
    found = next((item for item in bpy.data.objects if item.session_uid == character.mesh), None)
    if found is None:
        raise InputError(f"The character '{character.name}' is no longer there: choose another and generate again.")
    return found


def _report(progress: Progress, before: float, share: float, fraction: float) -> None:
    """Pass on the progress of one clip among several."""
    progress(before + share * fraction)


def _still(character: Character) -> Motion:
    """A motion without motion: enough to see which curves keys would touch."""
    basis = BASES[character.basis]
    return Motion(np.zeros((2, len(basis)), np.float32), basis, 25.0)
