# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a FLAME head is the one that a model's numbers are meant for.

The versions of FLAME have the same number of expressions that mean other things, so a model's motion plays on all of
them and looks right on one.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basis import FLAME, FLAME_FAMILY
from ..errors import InputError
from ..motion import Motion

Floats = NDArray[np.floating[Any]]

BASIS_KEY = "flame_basis"
"""Name of the fingerprint in what is kept of weights that were trained with a FLAME file, and of motion made by one."""

PUBLISHED_FILE = "b87a1d3513b3df0504f1e1f93bcb85ac01abe4dadf92e75ac08046c4a68403be"
"""SHA-256 of `FLAME_with_eye.pt`, which the released ARTalk was trained with."""


def doubt(file_hash: str, file_name: str) -> str:
    """A sentence for a head that may not be the one of the released ARTalk; empty when it is."""
    if file_hash == PUBLISHED_FILE:
        return ""
    return (
        f"'{file_name}' is not the FLAME_with_eye.pt that the released ARTalk was trained with: if the face looks "
        "wrong with that model, import that file instead."
    )


def require_basis(head: str, fingerprint: str, weights: Path | None) -> None:
    """Raise InputError when weights say that they were trained with another expression basis than a head has.

    head: name of the head; fingerprint: of its basis, empty when unknown, which passes.
    """
    trained = trained_basis(weights) if weights else ""
    if fingerprint and trained and fingerprint != trained:
        raise InputError(
            f"The weights '{weights.name if weights else ''}' were trained with another version of FLAME than '{head}' "
            f"is (basis {trained}, not {fingerprint}): import the FLAME file that they were trained with, or choose it "
            "as FLAME File in the panel, so that the motion is fitted to this head."
        )


def require_own(motion: Motion, fingerprint: str, file: Path) -> None:
    """Raise InputError when FLAME motion says that it was fitted to another expression basis than a file's."""
    own = motion.meta.get(BASIS_KEY, fingerprint)
    if own != fingerprint:
        raise InputError(
            f"The motion is meant for another version of FLAME than '{file.name}' (basis {own}, not {fingerprint}): "
            "give the file that it was made with."
        )


def require_head(motion: Motion, fingerprint: str, head: str) -> None:
    """Raise InputError when FLAME motion says that it is meant for another expression basis than a head's.

    fingerprint: of the head's basis, empty when unknown, which passes; head: its name.
    """
    own = motion.meta.get(BASIS_KEY, fingerprint)
    if fingerprint and own != fingerprint:
        raise InputError(
            f"The motion is meant for another version of FLAME than '{head}' (basis {own}, not {fingerprint}): choose "
            "the file that it was made with as FLAME File, or turn it by artalk convert --flame OWN --to-flame OTHER."
        )


def trained_basis(weights: Path) -> str:
    """The fingerprint in a `.safetensors` file's metadata; empty for other files, and where there is none."""
    if weights.suffix != ".safetensors":
        return ""
    try:
        with weights.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > weights.stat().st_size:
                return ""
            return str(json.loads(file.read(size)).get("__metadata__", {}).get(BASIS_KEY, ""))
    except (OSError, ValueError, struct.error, AttributeError):
        return ""  # whoever loads the weights says what is wrong with them


@dataclass(frozen=True)
class BasisChange:
    """From the expressions of one version of FLAME to another's.

    table:  (E, F) what each of the old expressions is in the new ones
    missed: (E,) the share of its squared movement that the new ones cannot show
    """

    table: Floats
    missed: Floats

    def of(self, motion: Motion) -> Motion:
        """FLAME motion in the new expressions; jaw, head and eyes stay. InputError for other motion."""
        if motion.basis not in FLAME_FAMILY:
            raise InputError(f"The motion is '{motion.basis.name}' and not 'flame': give FLAME motion.")
        count = sum(name.startswith("exp") for name in FLAME.channels)
        old, new = self.table.shape
        if np.any(motion.values[:, old:count]):
            raise InputError(
                f"The motion has {count} expressions and its FLAME file {old}: give the file that it is meant for."
            )
        values = motion.values.copy()
        values[:, :count] = 0
        values[:, :new] = motion.values[:, :old] @ self.table
        return motion.with_values(values)


def change(old: Floats, new: Floats) -> BasisChange:
    """The change from expressions (V, 3, E) to others (V, 3, F) of the same vertices, by least squares.

    Raises InputError when the vertices are not the same in number.
    """
    if len(old) != len(new):
        raise InputError(f"One FLAME file has {len(old)} vertices and the other {len(new)}: give two of one topology.")
    rows, others = (shapes.reshape(-1, shapes.shape[2]).astype(np.float64) for shapes in (old, new))
    gram = others.T @ others
    table = np.linalg.solve(gram + _RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram)), others.T @ rows)
    size = (rows**2).sum(axis=0)
    missed = ((rows - others @ table) ** 2).sum(axis=0) / np.maximum(size, 1e-30)
    return BasisChange(table.T, np.where(size > 0, missed, 0.0))


_RIDGE = 1e-6
"""So little that it is not seen, and enough where two expressions are nearly one."""
