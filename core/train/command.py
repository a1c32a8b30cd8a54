# SPDX-License-Identifier: GPL-3.0-or-later
"""`artalk train`: make the corpus, train artalk-mini as a whole or stage by stage."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from .mini import MiniTraining

WORK = Path(".cache/train")
STAGES = {
    "corpus": "synthesise speech with exact phone timings",
    "encoder": "teach the speech encoder to hear (after corpus)",
    "codec": "teach the motion codec (after corpus)",
    "generator": "teach the generator (after encoder and codec)",
    "mini": "everything, from nothing to weights and model card",
}


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `train` to the command line."""
    command = commands.add_parser(
        "train",
        help="make the corpus, train artalk-mini",
        description="On two cores, with the default 14 hours of speech: corpus about 10 minutes, encoder 50, "
        "codec 15, generator 25. Every stage resumes where it was stopped.",
    )
    actions = command.add_subparsers(required=True, metavar="ACTION")
    for name, description in STAGES.items():
        action = actions.add_parser(name, help=description)
        action.add_argument("--work", type=Path, default=WORK, help="folder for the corpus, checkpoints and logs")
        action.add_argument("--hours", type=float, help="hours of speech")
        action.add_argument("--seed", type=int, help="seed of the corpus")
        action.add_argument("--jobs", type=int, default=2, help="processes and threads")
        if name in ("encoder", "mini"):
            action.add_argument("--encoder-steps", type=int)
        if name in ("codec", "mini"):
            action.add_argument("--codec-steps", type=int)
        if name in ("generator", "mini"):
            action.add_argument("--generator-steps", type=int)
        if name == "mini":
            action.add_argument("--out", type=Path, default=Path("artalk-mini.safetensors"), help="weights to write")
        action.set_defaults(run=_run, stage=name)


def _run(arguments: argparse.Namespace) -> None:
    from . import mini

    config = _config(arguments)
    if config.hours <= 0:
        raise InputError("Training needs more than 0 hours of speech: give --hours.")
    stage = getattr(mini, f"train_{arguments.stage}")
    if arguments.stage == "mini":
        print(stage(arguments.out, arguments.work, config, jobs=arguments.jobs, say=_say))
    else:
        stage(arguments.work, config, jobs=arguments.jobs, say=_say)


def _config(arguments: argparse.Namespace) -> MiniTraining:
    """The shipped model's settings with what the user gave in their place."""
    from .mini import MiniTraining

    config = MiniTraining()
    for name in ("encoder", "codec", "generator"):
        steps = getattr(arguments, f"{name}_steps", None)
        if steps is not None:
            stage = getattr(config, name)
            config = replace(config, **{name: replace(stage, schedule=replace(stage.schedule, steps=steps))})
    given = {name: getattr(arguments, name) for name in ("hours", "seed") if getattr(arguments, name) is not None}
    return replace(config, **given)


def _say(text: str) -> None:
    print(f"artalk train: {text}", file=sys.stderr)
