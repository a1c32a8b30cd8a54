# SPDX-License-Identifier: GPL-3.0-or-later
"""Every line of a table in the open .blend, one after another, each into its own file.

`core/lines.py` shares the lines out among processes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import bpy

from ..core import cli, lines, models, styles
from ..core.errors import InputError
from ..core.generate import Options, check
from . import compat, export, generation, headless, preferences, preflight, rigs, strips

ENDINGS = (".blend", ".npz", *export.ENDINGS)


def settings(options: Options) -> dict[str, Any]:
    """What all lines are made from, beside their own sound and style: the options, the weights and the open .blend.

    Raises InputError when one of these cannot be read.
    """
    weights = options.weights or models.entry(options.model).weights
    chosen = {name: str(v) if isinstance(v, Path) else v for name, v in asdict(options).items()}
    for name in ("style", "weights", "device", "engine"):
        chosen.pop(name, None)
    return {
        "options": chosen,
        "weights_sha256": lines.file_hash(weights) if weights else None,
        "blend_sha256": lines.file_hash(Path(bpy.data.filepath)) if bpy.data.filepath else None,
    }


def run(table: Path, options: Options) -> Iterator[dict[str, Any]]:
    """Generate what is missing or changed; yields events as `lines.work_off`, and warnings of lips that do not move.

    Raises InputError for a table that is none, before any time is spent.
    """
    found = read(table, options)
    check(options)
    shot = bpy.data.filepath
    warnings: list[dict[str, Any]] = []

    def make(line: lines.Line, alive: Callable[[float], None]) -> None:
        message = _make(shot, line, replace(options, style=line.style), alive)
        if message:
            warnings.append({"event": "warning", "number": line.number, "message": message})

    for event in lines.work_off(found, settings(options), make):
        yield from warnings
        warnings.clear()
        yield event


def status(table: Path, options: Options) -> Iterator[dict[str, Any]]:
    """How far each line of a table is, and a summary; touches nothing."""
    now = settings(options)
    counts: dict[str, int] = {"missing": 0, "up_to_date": 0, "changed": 0, "being_made": 0}
    for line in read(table, options):
        state = lines.state(line, now)
        counts[state.replace(" ", "_")] += 1
        yield {"event": "line", "number": line.number, "output": str(line.output), "state": state}
    yield {"event": "summary", **counts}


def read(table: Path, options: Options) -> list[lines.Line]:
    """The lines of a table, all of whose outputs can be written; InputError when not. Styles may be named."""
    found = lines.read_lines(table)
    for line in found:
        if line.output.suffix.lower() not in ENDINGS:
            raise InputError(
                f"Line {line.number} of '{table}' writes '{line.output.name}', which is no format of artalk's: "
                f"use one of {', '.join(ENDINGS)}."
            )
        if bpy.data.filepath and line.output.resolve() == Path(bpy.data.filepath).resolve():
            raise InputError(
                f"Line {line.number} of '{table}' would write over '{line.output.name}', which is the shot itself: "
                "change the output."
            )
    return [_with_style(line, options) for line in found]


def _with_style(line: lines.Line, options: Options) -> lines.Line:
    """A line whose style is a file; with a name that no style has it fails when its turn comes."""
    if line.style is None or line.style.suffix or line.style.exists():
        return line
    basis, folder = models.entry(options.model).basis, preferences.models_folder(bpy.context)
    fitted = options.flame is not None
    try:
        return replace(line, style=styles.find(line.style.name, basis, folder, options.weights, fitted=fitted))
    except InputError as error:
        return replace(line, fault=str(error))


def _make(shot: str, line: lines.Line, options: Options, alive: Callable[[float], None]) -> str:
    """Make one output from the shot as it lies on the disk; returns what keeps the lips from moving, or nothing."""
    with headless.quiet():
        if shot:
            bpy.ops.wm.open_mainfile(filepath=shot, load_ui=False)
    scene = compat.scene(bpy.context)
    if not shot:
        _clear_strips(scene)
    item = _character(scene, line.character)
    strip = _add_strip(scene, line.audio)
    task = generation.prepare(scene, [strip], item, options)
    generation.apply(task, generation.speak(task, alive, lambda: False))
    item = next(each for each in bpy.data.objects if each.session_uid == task.character.mesh)
    wrong = preflight.what_is_wrong(scene, item) or preflight.limits(item)
    scene.frame_end = max(scene.frame_start, math.ceil(compat.strip_timing(strip).right) - 1)
    ending = line.output.suffix.lower()
    if ending == ".blend":
        headless.save_atomically(line.output)
    elif ending == ".npz":
        character = rigs.describe(item)
        motion = export.sampled(scene, item, character, export.keyed_range(character))
        cli.write_motion(motion, line.output)
    else:
        export.export_character(item, line.output)
    return wrong[0].sentence if wrong else ""


def _character(scene: bpy.types.Scene, name: str) -> bpy.types.Object:
    item: bpy.types.Object | None = scene.objects.get(name) if name else None
    if name and item is None:
        raise InputError(f"There is no object '{name}' in the scene: see the outliner for its name.")
    return rigs.find_character(scene, item)


def _add_strip(scene: bpy.types.Scene, path: Path) -> compat.Strip:
    """The line's sound from the first frame on, above all other strips, which are left as they are."""
    if not path.is_file():
        raise InputError(f"The sound file '{path}' is missing: check the path.")
    above = max((strip.channel for strip in compat.all_strips(scene)), default=0) + 1
    try:
        return compat.ensure_strips(scene).new_sound(path.stem, str(path), above, scene.frame_start)
    except RuntimeError:
        raise InputError(
            "This build of Blender has no sound, so no strip can be made: use Blender 4.5 or newer."
        ) from None


def _clear_strips(scene: bpy.types.Scene) -> None:
    """An unsaved file cannot be opened anew for each line, so at least the last line's strips go."""
    top = compat.ensure_strips(scene)
    for strip in list(strips.sound_strips(top)):
        top.remove(strip)
