# SPDX-License-Identifier: GPL-3.0-or-later
"""`artalk style list | measure | save | remove`: styles by name."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import model_folder, styles
from .motion import Motion


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `style` and its actions to the command line."""
    command = commands.add_parser("style", help="styles by name: list them, make one of a motion, remove one")
    actions = command.add_subparsers(required=True, metavar="ACTION")

    action = actions.add_parser("list", help="every style, the basis of its motion and what it looks like")
    model_folder.add_argument(action)
    action.set_defaults(run=_list)

    action = actions.add_parser("measure", help="how much of the face moves in a motion")
    action.add_argument("motion", type=Path, metavar="MOTION", help="a motion as .npz, or a published style as .pt")
    action.set_defaults(run=_measure)

    action = actions.add_parser("save", help="two seconds of a motion become a style of yours")
    action.add_argument("motion", type=Path, metavar="MOTION", help="a motion as .npz, or a published style as .pt")
    action.add_argument("--name", required=True, help="what to call it")
    action.add_argument("--from", dest="start", type=float, default=0.0, metavar="S", help="second at which to begin")
    action.add_argument("--to", dest="end", type=float, metavar="S", help="second not to go beyond")
    action.add_argument("--replace", action="store_true", help="in place of a style of this name")
    model_folder.add_argument(action)
    action.set_defaults(run=_save)

    action = actions.add_parser("remove", help="delete a style of yours")
    action.add_argument("name")
    model_folder.add_argument(action)
    action.set_defaults(run=_remove)


def _list(arguments: argparse.Namespace) -> None:
    for style in styles.available(model_folder.chosen(arguments)):
        print(f"{style.name:16s} {style.basis:8s} {style.source:10s} {style.about}")


def _measure(arguments: argparse.Namespace) -> None:
    print(styles.describe(styles.load(arguments.motion)))


def _save(arguments: argparse.Namespace) -> None:
    motion: Motion = styles.cut(styles.load(arguments.motion), arguments.start, arguments.end)
    folder = model_folder.chosen(arguments)
    print(styles.save(motion, arguments.name, folder, replace=arguments.replace))


def _remove(arguments: argparse.Namespace) -> None:
    styles.remove(arguments.name, model_folder.chosen(arguments))
