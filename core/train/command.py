# SPDX-License-Identifier: GPL-3.0-or-later
"""`artalk train`: make the corpus, train artalk-mini."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import InputError

CACHE = Path(".cache")


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `train` to the command line."""
    command = commands.add_parser("train", help="make the corpus, train artalk-mini")
    actions = command.add_subparsers(required=True, metavar="ACTION")

    action = actions.add_parser("corpus", help="synthesise speech with exact phone timings")
    action.add_argument("--folder", type=Path, default=CACHE / "corpus", help="where the shards go")
    action.add_argument("--hours", type=float, default=12.0)
    action.add_argument("--seed", type=int, default=1)
    action.add_argument("--jobs", type=int, default=2, help="processes")
    action.set_defaults(run=_corpus)


def _corpus(arguments: argparse.Namespace) -> None:
    from . import corpus

    if arguments.hours <= 0:
        raise InputError("A corpus needs more than 0 hours: give --hours.")
    for path in corpus.build(arguments.folder, arguments.hours, arguments.seed, arguments.jobs, _say):
        print(path)


def _say(text: str) -> None:
    print(f"artalk train: {text}", file=sys.stderr)
