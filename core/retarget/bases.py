# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion in another basis than its model's own, with the FLAME file that this takes."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from ..basis import ARKIT, EYE_ROTATION, FLAME_EYES, FLAME_FAMILY, Basis
from ..errors import InputError
from ..heads.flame import FlameModel, fingerprint
from ..heads.flame_basis import BASIS_KEY, require_own
from ..heads.flame_files import read_flame
from ..motion import Motion
from .flame_eyes import with_eyes, without_eyes
from .flame_fit import FlameFit, fit
from .flame_shapes import shapes_of


def require_way(model: str, own: Basis, wanted: str | None, flame: Path | None) -> None:
    """Raise InputError when a model's motion cannot be turned into the basis wanted (None: its own)."""
    if wanted in {None, own.name} or (own in FLAME_FAMILY and wanted in {basis.name for basis in FLAME_FAMILY}):
        return
    if own != ARKIT and own not in FLAME_FAMILY:
        raise InputError(
            f"The model '{model}' moves vertices, which cannot be turned into '{wanted}': leave the basis out."
        )
    if flame is None:
        raise InputError(
            f"The model '{model}' gives {own.name.upper()} motion, and to turn it into {str(wanted).upper()} takes a "
            "FLAME head to measure on: give your FLAME file (--head FILE, or FLAME File in the panel)."
        )


def in_basis(motion: Motion, wanted: str | None, flame: Path | None) -> Motion:
    """The motion in the basis wanted (None: as it is); see `require_way` for what it raises."""
    if wanted in {None, motion.basis.name}:
        return motion
    require_way(str(motion.meta.get("model", "?")), motion.basis, wanted, flame)
    if motion.basis in FLAME_FAMILY and wanted != ARKIT.name:
        return with_eyes(motion) if wanted == FLAME_EYES.name else without_eyes(motion)
    assert flame is not None
    found, version = fit_of_file(flame), fingerprint(model_of_file(flame))
    if wanted == ARKIT.name:
        require_own(motion, version, flame)
        return _looking(found.to_arkit(without_eyes(motion)), motion)
    made = found.to_flame(motion)
    made = replace(made, meta={**made.meta, BASIS_KEY: version})
    return _looking(with_eyes(made), motion) if wanted == FLAME_EYES.name else made


def _looking(made: Motion, source: Motion) -> Motion:
    """A motion whose eyes turn as in the one that it was made from, where that has eyes."""
    if not set(EYE_ROTATION) <= set(source.basis.channels):
        return made
    values = made.values.copy()
    values[:, made.basis.indices(EYE_ROTATION)] = source.values[:, source.basis.indices(EYE_ROTATION)]
    return made.with_values(values)


def fit_of_file(path: Path) -> FlameFit:
    """The fit of a FLAME file; the last ones are kept. InputError for a file that is none or has no face."""
    return _fit_of(path, _stamp(path))


def model_of_file(path: Path) -> FlameModel:
    """A FLAME file's model; the last one is kept. InputError for a file that is none."""
    return _model_of(path, _stamp(path))


def _stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.is_file() else 0


@lru_cache(maxsize=4)
def _fit_of(path: Path, stamp: int) -> FlameFit:
    return fit(shapes_of(_model_of(path, stamp)))


@lru_cache(maxsize=1)
def _model_of(path: Path, _stamp: int) -> FlameModel:
    return read_flame(path)
