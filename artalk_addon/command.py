# SPDX-License-Identifier: GPL-3.0-or-later
"""`blender -b FILE --command artalk generate|regenerate|status|reduce|bake|export …`: the panel's jobs, windowless."""

from __future__ import annotations

import argparse
import atexit
import json
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import bpy

from ..core import cli
from ..core.command_parser import CommandParser
from ..core.errors import InputError
from . import (
    bake,
    batch,
    compat,
    dialogue,
    export,
    generation,
    headless,
    job_queue,
    mapping_panel,
    operators,
    preferences,
    preflight,
    reduce,
    rigs,
    strips,
)
from .line import name_of
from .properties import settings

_handle: Any = None


def run(arguments: Sequence[str]) -> int:
    """One command on the open file; returns its exit code: 0 done, 2 the user's input, 1 our fault.

    stdout gets one JSON object a line, stderr the talk. With recordings in the arguments this is `artalk generate`,
    which needs no open file and prints the paths of what it made.
    """
    ended = 0

    def all_events() -> None:
        nonlocal ended
        options = _parser().parse_args(arguments)
        if getattr(options, "audio", None):
            ended = cli.main(_of_recordings(arguments, options))
            return
        for event in options.run(options):
            if event.get("state") == "failed":
                ended = 2
            _print(event)

    try:
        code = cli.exit_code(all_events)
    except Exception as error:  # noqa: BLE001 - a farm must be told, whatever it was
        traceback.print_exc()
        _print({"event": "error", "message": f"{type(error).__name__}: {error}: please report this."})
        return 1
    return code or ended


def _of_recordings(arguments: Sequence[str], options: argparse.Namespace) -> list[str]:
    """The same for `artalk generate`; InputError when it would not know some. What the user gives goes before ours."""
    given = [
        name for name in ("all", "channel", "strip", "character", "mapping", "save", "lines") if getattr(options, name)
    ]
    if given:
        raise InputError(f"--{given[0]} is of the open file, not of recordings: leave it out, or leave them out.")
    folder = preferences.models_folder(bpy.context)
    ours = ["--model-folder", str(folder)] if folder else []
    return [arguments[0], *ours, *arguments[1:]]


def _print(event: dict[str, Any]) -> None:
    print(json.dumps(event, ensure_ascii=False), flush=True)


Events = Iterator[dict[str, Any]]


def _generate(options: argparse.Namespace) -> Events:
    if options.lines is not None:
        yield from _lines_of_a_table(options)
        return
    if options.out or options.fps:
        raise InputError(
            "--out and --fps are for recordings: strips get keys at the rate of their scene, kept by --save."
        )
    _require_file(options)
    scene = compat.sequencer_scene(bpy.context)
    if options.all and not options.again:
        yield from _generate_all(scene, options)
        return
    if options.again:
        cast = [(character, _lines(scene, character, options)) for character in _speakers(scene, options)]
    else:
        cast = _cast(scene, _strips(scene, options), options)
    yield from _speak(scene, cast, options)


def _generate_all(scene: bpy.types.Scene, options: argparse.Namespace) -> Events:
    """All strips that are heard, each by its own character; those that are up to date stay as they are.

    What cannot be made costs the others nothing: it is an event of its own, and the file is saved with the good ones.
    """
    _strips(scene, options)
    character = _character(bpy.context, options) if options.character else None
    asked = dialogue.ask(scene, cli.options_from(options), character)
    rows = [row for row in dialogue.look(asked, _unsaid, _never) if row.state != "strip is gone"]
    for row in rows:
        if row.state == "no character":
            yield _row_event(row)
        elif row.state == "unreadable":
            yield _failed(row.strip, row.character, row.message)
    if all(row.state == "no character" for row in rows):
        raise InputError(rows[0].message)
    todo = {row.strip for row in rows if row.state in {"missing", "changed"}}
    if not todo:
        if count := sum(row.state in {"up to date", "baked"} for row in rows):
            yield {"event": "generated", "lines": 0, "message": job_queue.up_to_date(count)}
        return
    chosen = [strip for strip in strips.heard_sound_strips(scene) if strip.name in todo]
    made = 0
    for each in _cast(scene, chosen, options):
        try:
            yield from _speak(scene, [each], options, again=True, save=False)
            made += 1
        except InputError as error:
            for strip in each[1]:
                yield _failed(strip.name, each[0].name, str(error))
    if made:
        _save(options)


def _failed(strip: str, character: str, message: str) -> dict[str, Any]:
    return {"event": "line", "strip": strip, "character": character, "state": "failed", "message": message}


def _cast(scene: bpy.types.Scene, chosen: list[compat.Strip], options: argparse.Namespace) -> dialogue.Cast:
    """Strips by who speaks them: of several named ones the character that is given, or the roles of the scene say."""
    if options.character is None:
        return dialogue.cast(scene, chosen)
    character = _character(bpy.context, options)
    mine = chosen if options.strip else [each for each in chosen if dialogue.speaks(character, scene, each)]
    if not mine:
        raise InputError(f"No role of the scene gives a strip to '{character.name}': see the panel Dialogue.")
    return [(character, mine)]


def _speak(
    scene: bpy.types.Scene,
    cast: dialogue.Cast,
    options: argparse.Namespace,
    *,
    again: bool = False,
    save: bool = True,
) -> Events:
    """Generate, and save if asked; nothing is written before the model has spoken all lines."""
    if options.mapping is not None:
        for character, _ in cast:
            mapping_panel.use(character, options.mapping)
    wanted = cli.options_from(options)
    again = again or options.again
    tasks = [generation.prepare(scene, chosen, character, wanted, again=again) for character, chosen in cast]
    bar = cli.ProgressLine(scene.name)
    work = list(zip(tasks, dialogue.speak_all(tasks, bar, _never), strict=True))
    if again:
        work = [generation.stale(*each) for each in work]
    said = [
        generation.apply(task, spoken) if task.sources else job_queue.up_to_date(len(chosen))
        for (task, spoken), (_, chosen) in zip(work, cast, strict=True)
    ]
    bar.done()
    if save:
        _save(options)
    for (character, _), (task, _), sentence in zip(cast, work, said, strict=True):
        wrong = preflight.what_is_wrong(compat.scene(bpy.context), character)
        event = {"event": "generated", "character": character.name, "lines": len(task.sources), "message": sentence}
        yield event | {"moves": not wrong}
        for obstacle in (wrong or preflight.limits(character))[:1]:
            yield {"event": "warning", "cause": obstacle.cause, "message": obstacle.sentence}


def _unsaid(_fraction: float) -> None:
    pass


def _never() -> bool:
    return False


def _lines_of_a_table(options: argparse.Namespace) -> Events:
    if options.all or options.strip or options.channel or options.save or options.out or options.fps:
        raise InputError(
            "--lines says itself what to make and where: leave --all, --strip, --out, --fps and --save out."
        )
    return batch.run(options.lines, cli.options_from(options))


def _status(options: argparse.Namespace) -> Events:
    if options.lines is not None:
        return batch.status(options.lines, cli.options_from(options))
    return _status_of_file(options)


def _status_of_file(options: argparse.Namespace) -> Events:
    """How far each strip that is heard is, lines whose strips are gone, and what is in the way of seeing them."""
    if not bpy.data.filepath:
        # Blender goes on with an empty file where it cannot open the one that it was given
        raise InputError("No file is open to say the status of: give one as `blender -b FILE --command artalk status`.")
    scene = compat.sequencer_scene(bpy.context)
    chosen = _character(bpy.context, options) if options.character else None
    rows = dialogue.look(dialogue.ask(scene, cli.options_from(options), chosen), _unsaid, _never)
    characters = {name: scene.objects[name] for name in dict.fromkeys(row.character for row in rows) if name}
    edited = {
        (name, line.strip): len(changes)
        for name, item in characters.items()
        for line, changes in generation.edits_of(item)
    }
    kept = {
        (name, line.strip): line
        for name, item in characters.items()
        for line in generation.lines_of(rigs.describe(item))
        if line.scene == scene.name
    }
    if not rows:
        where = f"is spoken by '{chosen.name}'" if chosen else "is heard"
        message = f"There is no sound strip that {where} in the scene '{scene.name}': look in the sequencer."
        yield {"event": "warning", "message": message}
    for row in rows:
        event = _row_event(row)
        line = kept.get((row.character, row.strip))
        if line is not None:
            event |= {"model": line.options.model, "seed": line.options.seed}
            event["edited_curves"] = edited.get((row.character, row.strip), 0)
        yield event
    for item in characters.values():
        for obstacle in preflight.obstacles(item):
            yield {
                "event": "warning",
                "character": item.name,
                "cause": obstacle.cause,
                "message": obstacle.sentence,
            }


def _row_event(row: dialogue.Row) -> dict[str, Any]:
    event: dict[str, Any] = {"event": "line", "strip": row.strip, "character": row.character, "state": row.state}
    if row.why:
        event["changed"] = list(row.why)
    if row.message:
        event["message"] = row.message
    return event


def _reduce(options: argparse.Namespace) -> Events:
    _require_file(options)
    report = reduce.reduce_character(_character(bpy.context, options), options.bound)
    _save(options)
    yield {
        "event": "reduced",
        "character": report.name,
        "keys_before": report.before,
        "keys_after": report.after,
        "worst_mm": round(report.worst, 4),
        "bound_mm": report.bound,
        "edited_curves": report.edited,
    }


def _bake(options: argparse.Namespace) -> Events:
    _require_file(options)
    item = _character(bpy.context, options)
    keys = bake.bake_character(item)
    _save(options)
    yield {"event": "baked", "character": item.name, "keys": keys}


def _export(options: argparse.Namespace) -> Events:
    item = _character(bpy.context, options)
    first, last = export.export_character(item, options.out, options.step)
    yield {"event": "exported", "character": item.name, "output": str(options.out), "first": first, "last": last}


def _require_file(options: argparse.Namespace) -> None:
    if options.save and not bpy.data.filepath:
        raise InputError("There is no file to save to: give it as `blender -b FILE --command artalk …`.")
    if options.save:
        headless.require_unchanged()


def _save(options: argparse.Namespace) -> None:
    if options.save:
        headless.save()


def _strips(scene: bpy.types.Scene, options: argparse.Namespace) -> list[compat.Strip]:
    if options.strip is not None:
        every = strips.sound_strips(compat.all_strips(scene))
        found = [strip for strip in every if strip.name == options.strip]
        wanted = f"sound strip '{options.strip}'"
    elif options.all or options.channel is not None:
        found = strips.heard_sound_strips(scene, options.channel)
        wanted = "sound strip that is heard" + (f" on the channel '{options.channel}'" if options.channel else "")
    else:
        return strips.selected_sound_strips(scene)
    if not found:
        raise InputError(f"There is no {wanted} in the scene '{scene.name}': look in the sequencer.")
    return found


def _speakers(scene: bpy.types.Scene, options: argparse.Namespace) -> list[bpy.types.Object]:
    """Whose lines to regenerate: of a strip its speaker's, with --all and roles those of all, else one character's."""
    if options.strip is not None and options.character is None:
        return [_speaker(scene, options)]
    if not options.all or options.strip is not None or options.character is not None:
        return [_character(bpy.context, options)]
    roles = dict.fromkeys(role.character for role in settings(scene).roles)
    there = [item for item in roles if item is not None and item.users_scene]
    spoken = [
        item for item in there if any(line.scene == scene.name for line in generation.lines_of(rigs.describe(item)))
    ]
    return spoken or [_character(bpy.context, options)]


def _speaker(scene: bpy.types.Scene, options: argparse.Namespace) -> bpy.types.Object:
    """Who has spoken the strip that is named; where nobody has, who would."""
    (strip,) = _strips(scene, options)
    name = name_of(scene.name, strip.name)
    try:
        meant = dialogue.speaker(scene, strip)
    except InputError:
        meant = None
    # who is meant first: meshes of one character have its lines in common
    characters = [item for item in (meant, *scene.objects) if item is not None and rigs.is_character(item)]
    spoken = (item for item in characters if name in generation.heads_of(rigs.describe(item)))
    return next(spoken, None) or meant or dialogue.speaker(scene, strip)


def _lines(scene: bpy.types.Scene, character: bpy.types.Object, options: argparse.Namespace) -> list[compat.Strip]:
    """The strips to regenerate: that of one name, or of all lines of the character."""
    found = generation.strips_to_regenerate(scene, character, selected=False)
    if options.strip is not None:
        found = [strip for strip in found if strip.name == options.strip]
        if not found:
            raise InputError(f"'{character.name}' has no line of a strip '{options.strip}': generate it first.")
    return found


def _character(context: bpy.types.Context, options: argparse.Namespace) -> bpy.types.Object:
    if options.character is None:
        return operators.character_of(context, compat.sequencer_scene(context))
    scene = compat.scene(context)
    item: bpy.types.Object | None = scene.objects.get(options.character)
    if item is None:
        raise InputError(f"There is no object '{options.character}' in the scene: see the outliner for its name.")
    return rigs.find_character(scene, item)


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = CommandParser(prog="blender -b FILE --command artalk")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    action = actions.add_parser("generate", help="speech strips of the file become keyframes on a character")
    action.add_argument("audio", nargs="*", help="recordings: animate these instead, as `artalk generate` does")
    action.add_argument("--out", help="with recordings: where the result goes")
    action.add_argument("--format", help="with recordings: of the files in a folder")
    action.add_argument("--all", action="store_true", help="all sound strips that are heard, inside meta strips too")
    action.add_argument("--channel", help="those of the channel of this name")
    action.add_argument("--strip", help="only the sound strip of this name")
    action.add_argument("--character", help="the mesh or armature that speaks")
    action.add_argument("--mapping", help="what moves what on the character: a preset's name or a mapping file")
    action.add_argument("--save", action="store_true", help="save the file afterwards")
    action.add_argument("--lines", type=Path, help="a table (CSV: audio, character, style, output): make each output")
    cli.add_head_argument(action)
    cli.add_generate_arguments(action, preferences.models_folder(bpy.context))
    action.set_defaults(again=False, run=_generate)
    action = actions.add_parser("regenerate", help="lines are brought up to date with their strips, your edits kept")
    action.add_argument("--all", action="store_true", help="all lines, of all characters that roles name")
    action.add_argument("--strip", help="only the line of the strip of this name")
    action.add_argument("--character", help="the mesh or armature that speaks")
    action.add_argument("--save", action="store_true", help="save the file afterwards")
    cli.add_generate_arguments(action, preferences.models_folder(bpy.context))
    action.set_defaults(again=True, audio=[], out=None, mapping=None, lines=None, run=_generate)
    action = actions.add_parser("status", help="which lines are missing, up to date or changed, and what is in the way")
    action.add_argument("--lines", type=Path, help="a table: of its outputs instead of the strips of the file")
    action.add_argument("--character", help="the mesh or armature that speaks")
    cli.add_generate_arguments(action, preferences.models_folder(bpy.context))
    action.set_defaults(run=_status)
    action = actions.add_parser("reduce", help="few editable keys in place of one a frame")
    action.add_argument("--bound", type=float, default=reduce.BOUND, help="mm that a point of the face may be off")
    _add_target(action)
    action.set_defaults(run=_reduce)
    action = actions.add_parser("bake", help="plain keys at every frame, with nothing of artalk left")
    _add_target(action)
    action.set_defaults(run=_bake)
    action = actions.add_parser("export", help="the character and its speech into a file of another program")
    action.add_argument("--out", type=Path, required=True, help=f"one of {', '.join(export.ENDINGS)}")
    action.add_argument("--step", type=float, default=1.0, help="frames between two samples, in .fbx and .csv")
    action.add_argument("--character", help="the mesh or armature that speaks")
    action.set_defaults(run=_export)
    return parser


def _add_target(action: argparse.ArgumentParser) -> None:
    action.add_argument("--character", help="the mesh or armature that speaks")
    action.add_argument("--save", action="store_true", help="save the file afterwards")


def _after_load(*_: object) -> None:
    headless.remember()


def register() -> None:
    """Make the command known to Blender."""
    global _handle  # noqa: PLW0603
    _handle = bpy.utils.register_cli_command("artalk", run)
    persistent: Any = bpy.app.handlers.persistent  # which marks the function: else it goes when a file is opened
    bpy.app.handlers.load_post.append(persistent(_after_load))
    bpy.app.handlers.save_post.append(persistent(_after_load))
    # a command left behind at exit crashes Blender's Python module up to 4.5
    atexit.register(unregister)


def unregister() -> None:
    """Take it away; does nothing the second time."""
    global _handle  # noqa: PLW0603
    if _handle is not None:
        bpy.utils.unregister_cli_command(_handle)
        _handle = None
        bpy.app.handlers.save_post.remove(_after_load)
        bpy.app.handlers.load_post.remove(_after_load)
    atexit.unregister(unregister)
