# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: `artalk generate | convert | weights | evaluate | train | bench | demo`.

stdout is data, stderr is talk. Exit codes: 0 done, 2 the user's input, 130 Ctrl-C, 1 our fault.

Little is imported up here and the rooms inside the functions, so that a Ctrl-C while they load finds `main` at work.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .errors import Cancelled, InputError

TYPE_CHECKING = False  # as typing has it, which takes long to load
if TYPE_CHECKING:
    import argparse

    from .generate import Options
    from .motion import Motion

ENDINGS = (".npz", ".csv", ".blend")
_OWN_HEAD = Path("default")
INTERRUPTED = 130
"""Exit code after Ctrl-C, the one that shells give."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""

    def run() -> None:
        # while the rooms load there is nothing to tidy up, and numpy turns a KeyboardInterrupt into an ImportError
        with _left_by_interrupts():
            options = _parser().parse_args(arguments)
        options.run(options)

    return exit_code(run)


@contextmanager
def _left_by_interrupts() -> Iterator[None]:
    """Ctrl-C ends the program at once, but for a host with a handler of its own, which Python could not put back."""
    before = signal.getsignal(signal.SIGINT)
    if before is None:
        yield
        return
    signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _leave(*_signal: object) -> None:
    _say_cancelled()
    os._exit(INTERRUPTED)


def _say_cancelled() -> None:
    print("artalk: cancelled; what was being made is not written.", file=sys.stderr, flush=True)


def exit_code(run: Callable[[], None]) -> int:
    """Run something for a user at a terminal: its bad input and its cancelling become one sentence.

    Returns 0, 2 for bad input or work that was cancelled, and 130 for Ctrl-C, as shells have it.
    """
    try:
        run()
    except InputError as error:
        print(f"artalk: {error}", file=sys.stderr)
        return 2
    except (Cancelled, KeyboardInterrupt) as stop:
        _say_cancelled()
        return 2 if isinstance(stop, Cancelled) else INTERRUPTED
    return 0


def add_generate_arguments(parser: argparse.ArgumentParser, models_folder: Path | None = None) -> None:
    """The choices of one generation; shared with `blender --command artalk`, which has a folder of its own."""
    from . import model_folder
    from .basis import BASES
    from .generate import POSTS
    from .models import ENGINES, MODELS

    parser.add_argument("--model", default="mini", choices=list(MODELS), help="which model speaks")
    parser.add_argument("--weights", type=Path, help="weights file or folder, where they do not come with artalk")
    model_folder.add_argument(parser, models_folder)
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--engine", default="auto", choices=ENGINES, help="what computes (auto: torch, else numpy)")
    parser.add_argument("--engine-python", type=Path, metavar="FILE", help="the Python of the engine environment")
    parser.add_argument(
        "--style",
        type=Path,
        metavar="NAME|FILE",
        help="a style by its name (artalk style list) or a motion of two seconds (.npz, .pt); a speaker for CodeTalker",
    )
    parser.add_argument(
        "--style-guidance", type=float, metavar="W", help="how much of the style: 1 as it is, above 1 more"
    )
    parser.add_argument("--seed-motion", type=Path, metavar="FILE", help="what the face did before, to go on from")
    parser.add_argument("--fix-head", action="store_true", help="the head stays still")
    parser.add_argument("--seed", type=int, default=0, help="another number gives other blinks and glances")
    parser.add_argument("--fps", type=float, help="frame rate of the result (default: the model's own)")
    parser.add_argument("--post", default="artalk", choices=POSTS, help="layers of ours, the published ones, or none")
    parser.add_argument(
        "--basis",
        type=str.lower,
        choices=list(BASES),
        help="channel set of the result: arkit or flame (default: the model's own)",
    )


def add_head_argument(parser: argparse.ArgumentParser) -> None:
    """The choice of who speaks in a .blend."""
    parser.add_argument(
        "--head",
        type=Path,
        default=_OWN_HEAD,
        metavar="default|FLAME_FILE",
        help="who speaks in a .blend: artalk's own head, or that of your FLAME file (.pkl, .npz, .pt); and the FLAME "
        "file by which --basis turns motion",
    )


def options_from(arguments: argparse.Namespace) -> Options:
    """The Options that the shared arguments describe."""
    from . import model_folder, models, styles, weights_store
    from .generate import Options

    names = ("model", "seed_motion", "fix_head", "seed", "fps", "post", "basis", "device", "engine", "engine_python")
    entry, style, weights = models.entry(arguments.model), arguments.style, arguments.weights
    head = getattr(arguments, "head", _OWN_HEAD)
    flame = None if head == _OWN_HEAD else head
    if weights is None and entry.weights is None:
        weights = weights_store.installed(entry.name, model_folder.chosen(arguments))
    if style is not None and not entry.speakers:
        folder = model_folder.chosen(arguments)
        style = styles.find(str(style), entry.basis, folder, weights, fitted=flame is not None)
    chosen = {name: getattr(arguments, name) for name in names}
    return Options(weights=weights, style=style, guidance=arguments.style_guidance, flame=flame, **chosen)


def output_paths(inputs: Sequence[Path], out: Path, ending: str = ".npz") -> list[Path]:
    """One output for each input: `out` itself for one file, `out`/NAME with the ending where `out` is a folder.

    Raises InputError for an ending that is none of ours, and for two inputs that would write one file.
    """
    if out.suffix.lower() in ENDINGS and out.is_dir():
        raise InputError(f"'{out}' is a folder, not a file: choose another --out.")
    if out.suffix.lower() in ENDINGS:
        if len(inputs) > 1:
            raise InputError(f"{len(inputs)} sounds cannot go into the one file '{out}': give a folder with --out.")
        if not out.parent.is_dir():
            raise InputError(f"The folder '{out.parent}' does not exist: make it or choose another --out.")
        return [out]
    if out.suffix and not out.is_dir():
        raise InputError(f"'{out.suffix}' is no output that artalk writes: use {', '.join(ENDINGS)} or a folder.")
    names = [path.stem for path in inputs]
    if len(set(names)) < len(names):
        raise InputError(
            "Two of the sounds have the same name: animate them one call after the other, into different folders."
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder '{out}' cannot be made ({error.strerror}): choose another --out.") from None
    return [out / f"{name}{ending}" for name in names]


def _generate(arguments: argparse.Namespace) -> None:
    from . import models
    from .basis import ARKIT
    from .generate import check

    options = options_from(arguments)
    check(options)
    outputs = output_paths(arguments.audio, arguments.out, f".{arguments.format}")
    turned = options.basis not in {None, models.entry(options.model).basis.name}
    head = None if options.basis == ARKIT.name and turned else options.flame
    if head is not None and outputs[0].suffix.lower() != ".blend" and not turned and options.style is None:
        raise InputError(
            f"A head is for a .blend, another --basis or a style that is fitted by it, and '{outputs[0].name}' takes "
            "none of these: leave --head out."
        )
    if len(outputs) == 1:
        _generate_one(arguments.audio[0], outputs[0], options, head)
        return
    failed = 0
    for path, out in zip(arguments.audio, outputs, strict=True):
        try:
            _generate_one(path, out, options, head)
        except InputError as error:
            # one bad line must not cost the night's batch
            failed += 1
            print(f"artalk: {error}", file=sys.stderr)
    if failed:
        raise InputError(f"{failed} of {len(outputs)} sounds could not be animated: see the sentences above.")


def _generate_one(path: Path, out: Path, options: Options, head: Path | None) -> None:
    from . import audio as sound
    from .generate import generate

    samples = sound.read(path)
    sound.require_speech(samples, f"The sound '{path.name}'")
    bar = ProgressLine(path.name)
    if out.suffix.lower() == ".blend":
        _write_blend(path, out, options, head, bar)
    else:
        write_motion(generate(samples, options, progress=bar), out)
    bar.done()
    print(out)


def write_motion(motion: Motion, out: Path) -> None:
    """Write a motion, whole or not at all; InputError when it cannot be written."""
    from .whole_files import write_whole

    write_whole(out, motion.save)


def _write_blend(path: Path, out: Path, options: Options, head: Path | None, bar: ProgressLine) -> None:
    try:
        from ..artalk_addon.headless import generate_blend
    except ModuleNotFoundError as missing:
        if missing.name != "bpy":
            raise
        raise InputError("Writing a .blend needs Blender's Python module: install it with `pip install bpy`.") from None
    generate_blend(path, out, options, progress=bar, flame=head)


class ProgressLine:
    """A progress line on stderr: percent and time left, redrawn in place on a terminal."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.start = time.monotonic()
        self.live = sys.stderr.isatty()

    def __call__(self, fraction: float) -> None:
        """Show the fraction done (0 to 1)."""
        if self.live:
            spent = time.monotonic() - self.start
            left = f", {spent / fraction - spent:.0f} s left" if fraction > 0.02 else ""
            print(f"\r{self.title}: {100 * fraction:3.0f} %{left}    ", end="", file=sys.stderr, flush=True)

    def done(self) -> None:
        """End the line with the time that it took."""
        lead = "\r" if self.live else ""
        print(f"{lead}{self.title}: done in {time.monotonic() - self.start:.1f} s    ", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    from .command_parser import CommandParser
    from .convert import add_command as add_convert
    from .evaluate.command import add_command as add_evaluate
    from .styles_command import add_command as add_style
    from .train.command import add_command as add_train
    from .weights_command import add_command as add_weights

    parser: argparse.ArgumentParser = CommandParser(prog="artalk", description="Dialogue becomes facial animation.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("generate", help="animate recordings: to .npz, .csv or .blend")
    command.add_argument("audio", nargs="+", type=Path, metavar="AUDIO", help="recordings: WAV, FLAC, OGG, MP3, AIFF")
    command.add_argument("--out", type=Path, required=True, help="a .npz, .csv or .blend file, or a folder")
    command.add_argument("--format", default="npz", choices=[e[1:] for e in ENDINGS], help="of the files in a folder")
    add_head_argument(command)
    add_generate_arguments(command)
    command.set_defaults(run=_generate)

    add_weights(commands)
    add_style(commands)
    add_convert(commands)
    add_evaluate(commands)
    add_train(commands)
    _add_bench(commands)
    _add_demo(commands)
    return parser


def _add_bench(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("bench", help="measure speed and memory here: each a ratio of two things in one run")
    command.add_argument("name", nargs="?", metavar="NAME", help="one benchmark (default: all, one after another)")
    command.set_defaults(run=_bench)


def _bench(arguments: argparse.Namespace) -> None:
    try:
        from ..benchmarks import run
    except ModuleNotFoundError:
        raise InputError("The benchmarks come with the repository alone: run `artalk bench` in a checkout.") from None
    run(arguments.name)


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("demo", help="a human recording becomes a .blend, a contact sheet and a film")
    command.add_argument("--out", type=Path, default=Path("demo/output"), help="folder for the results")
    command.add_argument("--audio", type=Path, help="your own recording instead of the shipped one")
    command.set_defaults(run=_demo)


def _demo(arguments: argparse.Namespace) -> None:
    from ..artalk_addon.demo import run_demo

    for path in run_demo(arguments.out, arguments.audio):
        print(path)


if __name__ == "__main__":
    sys.exit(main())
