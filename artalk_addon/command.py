# SPDX-License-Identifier: GPL-3.0-or-later
"""`blender -b FILE --command artalk generate …`: the panel's job without a window."""

from __future__ import annotations

import argparse
import atexit
from collections.abc import Sequence
from typing import Any

import bpy

from ..core import cli
from ..core.errors import InputError
from . import compat, generation, mapping_panel, rigs, strips

_handle: Any = None


def run(arguments: Sequence[str]) -> int:
    """One command on the open file; returns its exit code: 0 done, 2 the user's input.

    With recordings in the arguments this is `artalk generate`, which needs no open file.
    """
    options = _parser().parse_args(arguments)
    if options.audio:
        return cli.main(arguments)
    return cli.exit_code(lambda: print(generate_in_file(options)))


def generate_in_file(options: argparse.Namespace) -> str:
    """Generate in the open file and save it if asked; returns a sentence on what was done."""
    if options.out or options.fps:
        raise InputError(
            "--out and --fps are for recordings: strips get keys at the rate of their scene, kept by --save."
        )
    if options.save and not bpy.data.filepath:
        raise InputError("There is no file to save to: give it as `blender -b FILE --command artalk …`.")
    context = bpy.context
    scene = compat.sequencer_scene(context)
    character = _character(context, options)
    if options.mapping is not None:
        mapping_panel.use(character, options.mapping)
    task = generation.prepare(scene, _strips(scene, options), character, cli.options_from(options))
    bar = cli.ProgressLine(scene.name)
    motions = generation.speak(task, bar, lambda: False)
    sentence = generation.apply(task, motions)
    bar.done()
    if options.save:
        bpy.ops.wm.save_mainfile()
    return sentence


def _strips(scene: bpy.types.Scene, options: argparse.Namespace) -> list[compat.Strip]:
    if not options.all and options.strip is None:
        return strips.selected_sound_strips(scene)
    found = strips.sound_strips(compat.strips_in_view(scene))
    if options.strip is not None:
        found = [strip for strip in found if strip.name == options.strip]
    else:
        found = [strip for strip in found if not strip.mute]
    if not found:
        wanted = f"sound strip '{options.strip}'" if options.strip is not None else "sound strip that is heard"
        raise InputError(
            f"There is no {wanted} in the scene '{scene.name}' (meta strips are not opened): look in the sequencer."
        )
    return found


def _character(context: bpy.types.Context, options: argparse.Namespace) -> bpy.types.Object:
    if options.character is None:
        active = context.view_layer.objects.active if context.view_layer else None
        return rigs.find_character(compat.scene(context), active)
    scene = compat.scene(context)
    item: bpy.types.Object | None = scene.objects.get(options.character)
    if item is None:
        raise InputError(f"There is no object '{options.character}' in the scene: see the outliner for its name.")
    return rigs.find_character(scene, item)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="blender -b FILE --command artalk")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    action = actions.add_parser("generate", help="speech strips of the file become keyframes on a character")
    action.add_argument("audio", nargs="*", help="recordings: animate these instead, as `artalk generate` does")
    action.add_argument("--out", help="with recordings: where the result goes")
    action.add_argument("--format", help="with recordings: of the files in a folder")
    action.add_argument("--all", action="store_true", help="all sound strips that are not muted")
    action.add_argument("--strip", help="only the sound strip of this name")
    action.add_argument("--character", help="the mesh or armature that speaks")
    action.add_argument("--mapping", help="what moves what on the character: a preset's name or a mapping file")
    action.add_argument("--save", action="store_true", help="save the file afterwards")
    cli.add_generate_arguments(action)
    return parser


def register() -> None:
    """Make the command known to Blender."""
    global _handle  # noqa: PLW0603
    _handle = bpy.utils.register_cli_command("artalk", run)
    # a command left behind at exit crashes Blender's Python module up to 4.5
    atexit.register(unregister)


def unregister() -> None:
    """Take it away; does nothing the second time."""
    global _handle  # noqa: PLW0603
    if _handle is not None:
        bpy.utils.unregister_cli_command(_handle)
        _handle = None
    atexit.unregister(unregister)
