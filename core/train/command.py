# SPDX-License-Identifier: GPL-3.0-or-later
"""`artalk train`: artalk-mini as a whole or stage by stage, or ARTalk's codec and generator on your own motion."""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..errors import InputError

if TYPE_CHECKING:
    from .codec import CodecTraining
    from .encoder import EncoderTraining
    from .generator import GeneratorTraining
    from .listener import ListenerTraining
    from .mini import MiniTraining
    from .published import PublishedTraining

Stage = TypeVar("Stage", "ListenerTraining", "EncoderTraining", "CodecTraining", "GeneratorTraining")

WORK = Path(".cache/train")
OWN = ("out", "size", "flame", "batch", "codec", "audio_encoder")
"""What only training on one's own data takes; of these, `mini` has --out too."""
STAGES = {
    "corpus": "synthesise speech, fetch and align recordings; with a report",
    "listener": "teach Moonshine's layers to hear in noise and rooms (after corpus)",
    "encoder": "teach the speech encoder to hear (after listener)",
    "codec": "teach the motion codec (after encoder)",
    "generator": "teach the generator (after encoder and codec)",
    "mini": "everything, from nothing to weights and model card",
}


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `train` to the command line."""
    command = commands.add_parser(
        "train",
        help="make the corpus, train artalk-mini, or codec and generator on your own motion",
        description="With the default 4 hours of speech it takes some hours on two cores. "
        "Every stage resumes where it was stopped. "
        "codec and generator with --data train on your own recordings with FLAME motion instead.",
    )
    actions = command.add_subparsers(required=True, metavar="ACTION")
    for name, description in STAGES.items():
        action = actions.add_parser(name, help=description)
        action.add_argument("--work", type=Path, default=WORK, help="folder for the corpus, checkpoints and logs")
        action.add_argument("--hours", type=float, help="hours of synthesised speech; 1.5 of people come on top")
        action.add_argument("--seed", type=int, help="seed of the corpus; with --data, of the training")
        action.add_argument("--jobs", type=int, default=2, help="processes and threads")
        if name != "corpus":
            action.add_argument(
                "--device",
                default="auto",
                choices=("auto", "cpu"),
                help="auto takes the graphics card where there is one",
            )
        if name != "corpus":
            action.add_argument("--listener-steps", type=int, help="how long Moonshine's layers learn")
            action.add_argument(
                "--encoder-steps",
                type=int,
                help="how long the convolutions learn, and the reader that judges the listener",
            )
        if name in ("codec", "generator", "mini"):
            action.add_argument(
                "--codec-steps", type=int, help="how long the codec learns; with --from its decoder alone"
            )
        if name in ("generator", "mini"):
            action.add_argument("--generator-steps", type=int, help="how long the generator learns")
        if name in ("encoder", "codec", "generator", "mini"):
            action.add_argument(
                "--from",
                type=Path,
                dest="start",
                metavar="WEIGHTS",
                help="go on from weights of artalk-mini, with their ears and their codec's bits",
            )
        if name == "mini":
            action.add_argument("--out", type=Path, default=Path("artalk-mini.safetensors"), help="weights to write")
        if name in ("codec", "generator"):
            _add_own_data(action, name)
        action.set_defaults(run=_run, stage=name)


def _add_own_data(action: argparse.ArgumentParser, name: str) -> None:
    own = action.add_argument_group("on your own data", "sounds and FLAME motions of the same names in one folder")
    own.add_argument("--data", type=Path, help="the folder; without it, a stage of artalk-mini is trained")
    own.add_argument("--size", choices=("small", "full"), help="small (default), or full, the released model's")
    own.add_argument("--out", type=Path, help="weights to write (.safetensors)")
    own.add_argument("--flame", type=Path, help="your FLAME file, for the mesh parts of the codec's loss")
    own.add_argument("--batch", type=int, help="passages in one step of one process")
    if name == "generator":
        own.add_argument("--codec", type=Path, help="a trained codec; without it, one is trained first")
        own.add_argument("--audio-encoder", help="name or folder of the wav2vec 2.0 model of the full size")


def _run(arguments: argparse.Namespace) -> None:
    if arguments.jobs < 1:
        raise InputError(f"{arguments.jobs} processes can do nothing: give --jobs 1 or more.")
    if arguments.seed is not None and arguments.seed < 0:
        raise InputError(f"A seed of {arguments.seed} is below 0: choose a whole number from 0 up.")
    try:
        if getattr(arguments, "data", None) is not None:
            _run_published(arguments)
        else:
            _run_mini(arguments)
    except ModuleNotFoundError as missing:
        raise InputError(
            f"Training needs the Python package '{missing.name}': install it with `pip install artalk[train]`."
        ) from None


def _run_mini(arguments: argparse.Namespace) -> None:
    from accelerate import Accelerator

    from . import mini

    config = _config(arguments)
    if not 0 < config.hours < math.inf:
        raise InputError(f"Training on {config.hours:g} hours of speech cannot be done: give --hours above 0.")
    given = [name for name in OWN if getattr(arguments, name, None) is not None and arguments.stage != "mini"]
    if given:
        option = f"--{given[0].replace('_', '-')}"
        raise InputError(f"{option} is for training on your own data: give them with --data, or leave it out.")
    _make_folder(arguments.work, "--work")
    if arguments.stage == "mini":
        _check_weights(arguments.out)
        _make_folder(arguments.out.parent, "--out")
    stage = getattr(mini, f"train_{arguments.stage}")
    accelerator = Accelerator(cpu=getattr(arguments, "device", "cpu") == "cpu")
    machine = mini.Machine(arguments.jobs, _say if accelerator.is_main_process else None, accelerator)
    places = (arguments.out, arguments.work) if arguments.stage == "mini" else (arguments.work,)
    made = stage(*places, config, machine)
    if isinstance(made, Path) and accelerator.is_main_process:
        print(made)


def _run_published(arguments: argparse.Namespace) -> None:
    _check_weights(arguments.out)
    if getattr(arguments, "start", None) is not None:
        raise InputError("--from is of artalk-mini's training: leave it out, or leave out --data.")
    for name in ("listener", "encoder"):
        if getattr(arguments, f"{name}_steps") is not None:
            raise InputError(f"--{name}-steps is of artalk-mini's training: leave it out, or leave out --data.")
    if getattr(arguments, "codec", None) is not None and arguments.codec_steps is not None:
        raise InputError("A codec that is given by --codec does not learn: leave out --codec-steps, or --codec.")
    if arguments.hours is not None:
        raise InputError("--hours is of artalk-mini's corpus, your own data are used whole: leave it out.")
    import torch
    from accelerate import Accelerator

    from . import published

    torch.set_num_threads(arguments.jobs)
    accelerator = Accelerator(cpu=arguments.device == "cpu")
    work = arguments.out.with_suffix(".work") if arguments.work == WORK else arguments.work
    place = published.Workplace(arguments.data, work, accelerator, _say if accelerator.is_main_process else None)
    training = _own_training(arguments, published.SIZES[arguments.size or "small"])
    _make_folder(work, "--work")
    _make_folder(arguments.out.parent, "--out")
    if arguments.stage == "codec":
        published.make_codec(place, training, arguments.out, arguments.flame)
    else:
        source = arguments.audio_encoder or published.XLS_R
        published.make_model(place, training, arguments.out, arguments.flame, codec_file=arguments.codec, source=source)
    if accelerator.is_main_process:
        print(arguments.out)


def _check_weights(path: Path | None) -> None:
    """InputError unless a file of weights can have this name."""
    try:
        can_be = path is not None and path.suffix == ".safetensors" and not path.is_dir()
    except OSError as error:
        raise InputError(f"Weights cannot have that name ({error.strerror}): give another by --out.") from None
    if not can_be:
        raise InputError("Training writes one file of weights: give it with --out NAME.safetensors.")


def _make_folder(folder: Path, option: str) -> None:
    """Make a folder that the training writes to; InputError naming its option when nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"'{folder}' cannot be written to ({error.strerror}): give another by {option}.") from None


def _own_training(arguments: argparse.Namespace, training: PublishedTraining) -> PublishedTraining:
    """A size's settings with what the user gave in their place."""
    for name in ("codec", "generator"):
        schedule = getattr(training, name)
        given = {"steps": getattr(arguments, f"{name}_steps", None), "seed": arguments.seed}
        schedule = replace(schedule, **{key: value for key, value in given.items() if value is not None})
        if schedule.steps <= 0:
            raise InputError(f"Training needs more than 0 steps: give another --{name}-steps.")
        training = replace(training, **{name: schedule})
    if arguments.batch is None:
        return training
    if arguments.batch <= 0:
        raise InputError("A step needs at least one passage: give another --batch.")
    return replace(training, batch=arguments.batch)


def _config(arguments: argparse.Namespace) -> MiniTraining:
    """The shipped model's settings with what the user gave in their place."""
    from .mini import MiniTraining

    config = MiniTraining()
    for name in ("listener", "encoder", "codec", "generator"):
        if getattr(arguments, f"{name}_steps", None) is not None:
            config = replace(
                config, **{name: _shorter(name, getattr(config, name), getattr(arguments, f"{name}_steps"))}
            )
    given = {name: getattr(arguments, name) for name in ("hours", "seed") if getattr(arguments, name) is not None}
    config = replace(config, **given)
    start = getattr(arguments, "start", None)
    if start is not None and arguments.listener_steps is not None:
        raise InputError("What goes on from weights keeps their listener: leave out --listener-steps, or --from.")
    return config if start is None else config.going_on_from(start)


def _shorter(name: str, stage: Stage, steps: int) -> Stage:
    """A stage's settings with other steps."""
    if steps <= 0:
        raise InputError(f"Training needs more than 0 steps: give another --{name}-steps.")
    return replace(stage, schedule=replace(stage.schedule, steps=steps))


def _say(text: str) -> None:
    print(f"artalk train: {text}", file=sys.stderr)
