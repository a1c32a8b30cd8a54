# SPDX-License-Identifier: GPL-3.0-or-later
"""`artalk convert IN OUT`: motion between files, bases and rates; FLAME files and checkpoints into plain ones."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from .basis import BASES, FLAME_FAMILY
from .errors import InputError
from .heads.flame import FlameModel, fingerprint
from .heads.flame_basis import BASIS_KEY, change, require_own
from .heads.flame_files import ENDINGS as FLAME_ENDINGS
from .heads.flame_files import form, read_flame
from .live_link import odd_columns
from .motion import Motion
from .motion_files import read_motion
from .retarget.bases import in_basis, model_of_file
from .retarget.flame_fit import WELL, residuals, table
from .retarget.flame_shapes import shapes_of
from .torch_files import read_torch
from .weights_store import recognise
from .whole_files import write_whole

if TYPE_CHECKING:
    import argparse

ENDINGS = (".npz", ".csv", ".safetensors")


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `convert` to the command line."""
    import argparse

    command = commands.add_parser(
        "convert",
        help="motion between files, bases and rates; FLAME files and checkpoints into plain ones",
        description="What IN is decides what is done:\n"
        "  motion       .npz of artalk or of other tools' FLAME, .csv of Live Link Face, .pt style -> .npz or .csv\n"
        "  FLAME file   .pkl, .pt or .npz -> .npz of plain arrays, without chumpy\n"
        "  checkpoint   ARTalk's released .pt -> .safetensors, which loads faster and runs nothing",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("source", type=Path, metavar="IN", help="motion, FLAME file or checkpoint")
    command.add_argument("out", type=Path, metavar="OUT", help=f"file to write: {', '.join(ENDINGS)}")
    command.add_argument("--basis", type=str.lower, choices=list(BASES), help="turn motion into this basis")
    command.add_argument("--fps", type=float, help="frame rate to write")
    command.add_argument("--from-fps", type=float, help="frame rate of IN, where it does not tell")
    command.add_argument(
        "--flame", type=Path, metavar="FILE", help="the FLAME file to turn by, or that IN is meant for"
    )
    command.add_argument(
        "--to-flame", type=Path, metavar="FILE", help="another version of FLAME to turn FLAME motion to"
    )
    command.add_argument("--residuals", action="store_true", help="tell how well each shape is shown")
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    source, out = arguments.source, arguments.out
    if not source.is_file():
        raise InputError(f"There is no file '{source}': check the path.")
    if out.suffix.lower() not in ENDINGS:
        raise InputError(f"'{out.suffix or out}' is nothing that convert writes: use {', '.join(ENDINGS)}.")
    if not out.parent.is_dir():
        raise InputError(f"The folder '{out.parent}' does not exist: make it or choose another place.")
    if out.exists() and out.samefile(source):
        raise InputError(f"'{out}' would be written over itself: choose another OUT.")
    if out.suffix.lower() == ".safetensors":
        convert_checkpoint(source, out)
    elif is_flame_file(source):
        if out.suffix.lower() != ".npz":
            raise InputError(f"A FLAME file is written as .npz, not '{out.suffix}': choose that ending.")
        write_whole(out, partial(save_flame, read_flame(source)))
    else:
        for rate in (arguments.fps, arguments.from_fps):
            if rate is not None and not 1 <= rate <= 1000:
                raise InputError(f"A frame rate of {rate:g} is outside 1 to 1000: choose the rate of your scene.")
        motion = read_motion(source, arguments.from_fps)
        write_whole(
            out, convert_motion(motion, arguments.basis, arguments.fps, arguments.flame, arguments.to_flame).save
        )
        if source.suffix.lower() == ".csv":
            _tell_columns(source)
        _tell(motion, arguments)
    print(out)


def convert_motion(
    motion: Motion, basis: str | None, fps: float | None, flame: Path | None, to_flame: Path | None
) -> Motion:
    """Motion in another basis, of another version of FLAME, at another rate, each where it is given.

    flame: the FLAME file to turn by, or that the motion is meant for; to_flame: the other version.
    Raises InputError for what cannot be done.
    """
    if to_flame is not None:
        if flame is None or motion.basis not in FLAME_FAMILY:
            raise InputError("--to-flame turns FLAME motion from one version to another: give its own file by --flame.")
        old, new = model_of_file(flame), read_flame(to_flame)
        require_own(motion, fingerprint(old), flame)
        motion = change(old.expressions, new.expressions).of(motion)
        motion = replace(motion, meta={**motion.meta, BASIS_KEY: fingerprint(new)})
        flame = to_flame
    if flame is None and _is_fitted(motion, basis):
        raise InputError(f"To turn '{motion.basis.name}' into '{basis}' takes a FLAME head: give it by --flame FILE.")
    motion = in_basis(motion, basis, flame)
    return motion.resample(fps) if fps else motion


def _is_fitted(motion: Motion, basis: str | None) -> bool:
    """Whether a FLAME head decides what the motion is in this basis."""
    return basis is not None and (motion.basis in FLAME_FAMILY) != (BASES[basis] in FLAME_FAMILY)


def is_flame_file(path: Path) -> bool:
    """Whether a file is a FLAME head, as far as can be seen without opening a pickle."""
    try:
        kind = form(path)
        if kind == ".npz":
            with np.load(path, allow_pickle=False) as file:
                return "v_template" in file
    except (OSError, ValueError, EOFError, BadZipFile):
        return False
    if kind == ".pt":
        content = read_torch(path)
        return isinstance(content, dict) and "flame_model" in content
    with path.open("rb") as file:
        pickled = file.read(1) == b"\x80"  # as pickles begin since Python 2.3, whatever their file is called
    ending = path.suffix.lower()
    return ending == ".pkl" or (pickled and ending in FLAME_ENDINGS)


def save_flame(model: FlameModel, path: Path) -> None:
    """Write a FLAME model as a `.npz` of plain arrays under FLAME's own names."""
    extra: dict[str, NDArray[Any]] = {} if model.lips is None else {"lips": model.lips}
    if model.uv is not None:
        extra |= {"vt": model.uv.reshape(-1, 2), "ft": np.arange(3 * len(model.faces)).reshape(-1, 3)}
    with path.open("wb") as file:  # to a path, numpy would add an ending of its own
        np.savez_compressed(
            file,
            v_template=model.template,
            f=model.faces,
            shapedirs=np.concatenate([model.identities, model.expressions], axis=2),
            posedirs=model.correctives,
            J_regressor=model.regressor,
            weights=model.weights,
            **extra,
        )


def convert_checkpoint(source: Path, out: Path) -> None:
    """Write ARTalk's released checkpoint as `.safetensors`; InputError for whatever is not it."""
    if source.suffix == ".safetensors":
        raise InputError(f"'{source.name}' is a .safetensors file already: use it as it is.")
    name = recognise(source)
    try:
        from .artalk.checkpoint import PUBLISHED_CONFIGS, load_published, save_safetensors
    except ModuleNotFoundError as missing:
        raise InputError(
            f"A checkpoint takes torch, and this Python lacks '{missing.name}': use one with it."
        ) from None
    if name not in PUBLISHED_CONFIGS:
        raise InputError(f"'{source.name}' belongs to '{name}', which is used as it was published: nothing to convert.")
    write_whole(out, partial(save_safetensors, load_published(source, PUBLISHED_CONFIGS[name])))


def _tell_columns(source: Path) -> None:
    """On stderr, what a table has that motion lacks, and the other way round: a name may be misspelt."""
    unknown, missing = odd_columns(source)
    for names, meaning in ((unknown, "has unknown columns, left out"), (missing, "lacks columns, taken as 0")):
        if names:
            print(f"artalk: '{source.name}' {meaning}: {', '.join(names)}.", file=sys.stderr)


def _tell(motion: Motion, arguments: argparse.Namespace) -> None:
    """On stderr, how well the fit shows what was turned."""
    if arguments.to_flame is not None:
        lost = change(model_of_file(arguments.flame).expressions, model_of_file(arguments.to_flame).expressions).missed
        print(f"artalk: of the expressions, the other FLAME shows {100 * (1 - lost.mean()):.0f} %.", file=sys.stderr)
        if arguments.residuals:
            rows = "".join(f"exp{number:03d} {100 * (1 - part):5.0f} %\n" for number, part in enumerate(lost, 1))
            print(rows, end="", file=sys.stderr)
    if not _is_fitted(motion, arguments.basis):
        return
    model = model_of_file(arguments.to_flame or arguments.flame)
    shapes, back = residuals(shapes_of(model))
    found, what = (back, "expressions") if motion.basis in FLAME_FAMILY else (shapes, "ARKit shapes")
    well = sum(each.shown > WELL for each in found)
    print(f"artalk: {well} of {len(found)} {what} are shown well (FLAME {fingerprint(model)}).", file=sys.stderr)
    if arguments.residuals:
        print(table(found), end="", file=sys.stderr)
