# SPDX-License-Identifier: GPL-3.0-or-later
"""Styles by name: two seconds of motion that show a model how to move.

Some are shipped, some were published with ARTalk and lie beside its weights, and the user makes more of own motion.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .basis import ARKIT, EYE_ROTATION, FLAME, HEAD_ROTATION, Basis
from .errors import InputError
from .motion import Motion
from .releases import STYLES_FOLDER
from .torch_files import StoredTensor, read_torch

Source = Literal["shipped", "published", "own"]

SHIPPED = Path(__file__).resolve().parent.parent / "weights" / "styles"
FPS, FRAMES = 25.0, 50
ENDINGS = (".npz", ".pt")
SECONDS = FRAMES / FPS
"""What the models of the ARTalk family were shown of a style in their training."""
STILL = 0.004
"""A motion of which no channel changes by so much (a shape's weight, or radians) shows no style."""


@dataclass(frozen=True)
class Style:
    """One style. basis: name of the basis of its motion; about: what it looks like, in a few words."""

    name: str
    path: Path
    basis: str
    source: Source
    about: str = ""


# --- finding --------------------------------------------------------------------------------------------------------


def available(folder: Path | None, weights: Path | None = None) -> list[Style]:
    """All styles: the shipped ones, those published beside ARTalk's weights, the user's own; one of a name and basis.

    folder: of the user's models and styles; weights: a file of weights that may have styles beside it
    """
    found = [_described(path, "shipped") for path in sorted(SHIPPED.glob("*.npz"))]
    beside = [weights.parent] if weights is not None else []
    for place in (*beside, *([folder / "artalk"] if folder else [])):
        paths = sorted((place / STYLES_FOLDER).glob("*.pt"))
        found += [Style(path.stem, path, FLAME.name, "published", "published with ARTalk") for path in paths]
    found += [_described(path, "own") for path in sorted(own_folder(folder).glob("*.npz"))] if folder else []
    # the user's own go before others of the same name
    return list({(style.name, style.basis): style for style in found if style is not None}.values())


def find(
    name_or_file: str, basis: Basis, folder: Path | None, weights: Path | None = None, *, fitted: bool = False
) -> Path:
    """The file of a style for a model of that basis, by its name or path; InputError that lists the names.

    fitted: whether styles of other bases will do, as there is a FLAME file to fit their motion by
    """
    if Path(name_or_file).suffix.lower() in ENDINGS:
        return Path(name_or_file)
    every = available(folder, weights)
    fitting = [style for style in every if style.basis == basis.name]
    for style in (*fitting, *(every if fitted else [])):
        if style.name == name_or_file:
            return style.path
    for style in every:
        if style.name == name_or_file:
            raise InputError(
                f"The style '{name_or_file}' is motion in '{style.basis}' and the model's is '{basis.name}': choose "
                f"{_names(fitting)}, or give your FLAME file, which it is fitted by."
            )
    raise InputError(f"There is no style '{name_or_file}': choose {_names(fitting)}.")


def _names(fitting: Iterable[Style]) -> str:
    names = sorted(style.name for style in fitting)
    return f"one of {', '.join(names)}, or give a motion as .npz" if names else "a motion, as .npz or published .pt"


def _described(path: Path, source: Source) -> Style | None:
    """What a file says of itself, without reading its motion; None when it is no motion of ours."""
    try:
        motion = Motion.load(path)
    except InputError:
        return None
    return Style(path.stem, path, motion.basis.name, source, str(motion.meta.get("about", "")))


def load(path: Path) -> Motion:
    """A style motion from a `.npz` of ours or a published `.pt` tensor (T, 106) at 25 fps; InputError for others."""
    if path.suffix.lower() == ".npz":
        return Motion.load(path)
    if path.suffix.lower() != ".pt":
        raise InputError(f"The style '{path}' is no motion: give a .npz made by artalk, or a published style as .pt.")
    tensor = read_torch(path)
    if (
        not isinstance(tensor, StoredTensor)
        or len(tensor.shape) != 2
        or tensor.shape[1] != len(FLAME)
        or not tensor.shape[0]
    ):
        raise InputError(
            f"'{path.name}' is not a style: give a published style of (50, {len(FLAME)}) numbers or a motion as .npz."
        )
    values = tensor.read().astype(np.float32)
    if not np.isfinite(values).all():
        raise InputError(f"The style '{path.name}' holds values that are not numbers: get the file again.")
    return Motion(values, FLAME, FPS, {"style": path.name})


def two_seconds(style: Motion, name: str) -> Motion:
    """The first two seconds of a style's motion, at the rate that models know; InputError for one that is shorter."""
    if style.duration < SECONDS - 1e-6:
        raise InputError(
            f"The style '{name}' lasts {style.duration:.2g} s ({len(style)} frames) and a style is {SECONDS:g} s of "
            f"motion, {FRAMES} frames at {FPS:g} a second: give a longer one."
        )
    return _from(style, 0.0)


def _from(motion: Motion, start: float) -> Motion:
    return Motion(motion.sample(start + np.arange(FRAMES) / FPS), motion.basis, FPS, motion.meta)


_NOT_SHOWN = ("eyeBlink", "eyeLook", "eyeWide", "jawLeft", "jawRight", "mouthLeft", "mouthRight", "mouthFrown",
              "mouthDimple", "mouthShrugUpper", "cheekPuff", "noseSneer", *EYE_ROTATION)  # fmt: skip


def as_shown(style: Motion) -> Motion:
    """What of a style a model is shown: of ARKit motion only the channels that artalk-mini moves.

    In all it ever saw, the others were still, so that a blink would count for fifty times what a word does.
    """
    if style.basis != ARKIT:
        return style
    values = style.values.copy()
    values[:, [name.startswith(_NOT_SHOWN) for name in ARKIT.channels]] = 0
    return style.with_values(values)


# --- the user's own -------------------------------------------------------------------------------------------------


def own_folder(folder: Path) -> Path:
    """Where the user's own styles are."""
    return folder / "styles"


def cut(motion: Motion, start: float = 0.0, end: float | None = None) -> Motion:
    """Two seconds of a motion at the rate that the models know, from `start` seconds on.

    end: no later than here, in seconds; what lies between has to last two seconds.
    Raises InputError when there are fewer, or nothing moves in them.
    """
    last = motion.duration if end is None else min(end, motion.duration)
    # the last frame of a motion lasts as long as the others
    if start < 0:
        raise InputError(f"A style cannot begin at {start:g} s: a motion begins at 0.")
    if last - start < SECONDS - 1e-6:
        there = max(0.0, last - start)
        raise InputError(
            f"A style takes {SECONDS:g} s of motion and there are {there:.2g} s: choose a range that is long enough."
        )
    taken = _from(motion, start)
    if np.ptp(taken.values, axis=0).max() < STILL:
        raise InputError("Nothing moves in these two seconds, so they show no style: choose others.")
    return taken


def save(motion: Motion, name: str, folder: Path, *, replace: bool = False) -> Path:
    """Keep two seconds of motion (see `cut`) under a name; InputError for a bad name, or one taken unless `replace`."""
    if not re.fullmatch(r"\w[\w\- ]*", name):
        raise InputError(f"'{name}' cannot be a style's name: use letters, digits, spaces, '-' and '_'.")
    path = own_folder(folder) / f"{name}.npz"
    if path.exists() and not replace:
        raise InputError(f"There is a style '{name}' already: choose another name, or say that it is to be replaced.")
    meta = {**motion.meta, "about": describe(motion)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Motion(motion.values, motion.basis, motion.fps, meta).save(path)
    except OSError as error:
        raise InputError(f"'{path}' cannot be written ({error.strerror}): choose another folder of models.") from None
    return path


def remove(name: str, folder: Path) -> None:
    """Delete a style of the user's own; InputError when there is none of that name."""
    path = own_folder(folder) / f"{name}.npz"
    if not path.is_file():
        raise InputError(f"There is no style '{name}' of your own: see 'artalk style list'.")
    path.unlink()


# --- what it does ---------------------------------------------------------------------------------------------------

_SHAPES: dict[str, tuple[str, ...]] = {
    "jaw": ("jawOpen",),
    "lips": ("mouthFunnel", "mouthPucker", "mouthStretchLeft", "mouthStretchRight", "mouthLowerDownLeft",
             "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight"),
    "smile": ("mouthSmileLeft", "mouthSmileRight"),
    "brows up": ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    "brows down": ("browDownLeft", "browDownRight"),
}  # fmt: skip
_ROTATIONS = {"jaw": ("jaw_x",), "head": HEAD_ROTATION}


def measures(motion: Motion) -> dict[str, float]:
    """How much each part of the face moves: root mean square of its shapes' weights, of rotations in degrees.

    Rotations are taken about their mean, as a head held high does not move.
    """
    found = {
        part: _rms(motion.values[:, motion.basis.indices(channels)])
        for part, channels in _SHAPES.items()
        if set(channels) <= set(motion.basis.channels)
    }
    for part, channels in _ROTATIONS.items():
        if set(channels) <= set(motion.basis.channels):
            turns = np.degrees(motion.values[:, motion.basis.indices(channels)].astype(np.float64))
            found[part] = _rms(turns - turns.mean(axis=0))
    return found


def _rms(values: NDArray[np.floating[Any]]) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def describe(motion: Motion) -> str:
    """Its measures in a few words: 'jaw 21 %, lips 7 %, …, head 2.4°'."""
    shapes = motion.basis == ARKIT
    return ", ".join(
        f"{part} {value:.1f}°" if part in _ROTATIONS and not (shapes and part in _SHAPES) else f"{part} {value:.0%}"
        for part, value in measures(motion).items()
    ).replace("%", " %")
