# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion: the one form in which animation passes between the rooms of this house."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from .basis import Basis, basis_named
from .errors import InputError


@dataclass(frozen=True)
class Motion:
    """Animation curves sampled at a fixed rate; frame k is the pose at k / fps seconds.

    values: (T, C) float32, one column per channel of `basis`. Shape weights are 0 to 1, rotations are in radians.
    meta:   where it came from (model, weights hash, seed, audio hash, options); plain JSON values.
    """

    values: NDArray[np.float32]
    basis: Basis
    fps: float
    meta: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values = np.ascontiguousarray(self.values, np.float32)
        if values.ndim != 2 or values.shape[1] != len(self.basis):
            raise ValueError(f"a motion in '{self.basis.name}' is (T, {len(self.basis)}), not {values.shape}")
        if not self.fps > 0:
            raise ValueError(f"the frame rate of a motion must be above 0, not {self.fps}")
        object.__setattr__(self, "values", values)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def duration(self) -> float:
        """Length in seconds, counting each frame as 1 / fps long."""
        return len(self) / self.fps

    def channel(self, name: str) -> NDArray[np.float32]:
        """One column, (T,)."""
        return self.values[:, self.basis.index(name)]

    def with_values(self, values: NDArray[np.float32]) -> Motion:
        """The same motion with other values of the same channels."""
        return replace(self, values=values)

    def sample(self, seconds: NDArray[np.float64]) -> NDArray[np.float32]:
        """Values at any times, (N, C): monotone cubic between frames, held before the first and after the last.

        Monotone (Fritsch and Carlson 1980), because an overshoot would open lips that a frame holds shut.
        """
        return _monotone_cubic(self.values, np.asarray(seconds, np.float64) * self.fps)

    def resample(self, fps: float) -> Motion:
        """The same motion at another rate, over the same time: the last frame lies at or before the old last one."""
        if fps == self.fps or len(self) == 0:
            return replace(self, fps=fps)
        frames = int(np.floor((len(self) - 1) / self.fps * fps + 1e-6)) + 1
        return replace(self, values=self.sample(np.arange(frames) / fps), fps=fps)

    def save(self, path: Path | str) -> None:
        """Write `.npz` (exact, everything) or `.csv` by the ending of the path.

        Raises InputError for another ending.
        """
        path = Path(path)
        if path.suffix.lower() == ".csv":
            from .live_link import write_csv

            write_csv(self, path)
        elif path.suffix.lower() == ".npz":
            # by way of memory: on a full disk the archive itself would not end quietly
            archive = io.BytesIO()
            np.savez_compressed(
                archive,
                values=self.values,
                channels=np.array(self.basis.channels),
                fps=np.float64(self.fps),
                basis=np.array(self.basis.name),
                meta=np.array(json.dumps(self.meta)),
            )
            path.write_bytes(archive.getbuffer())
        else:
            raise InputError(f"A motion is written as .npz or .csv, not '{path.suffix}': choose one of these endings.")

    @classmethod
    def load(cls, path: Path | str) -> Motion:
        """Read a motion written by `save` as `.npz`; InputError when it is not one."""
        try:
            with np.load(path, allow_pickle=False) as file:
                basis = basis_named(str(file["basis"]), [str(name) for name in file["channels"]])
                motion = cls(file["values"], basis, float(file["fps"]), json.loads(str(file["meta"])))
        except FileNotFoundError:
            raise InputError(f"There is no motion file '{path}'.") from None
        except (OSError, KeyError, ValueError, EOFError, BadZipFile):
            raise InputError(
                f"'{path}' is not a motion saved by artalk: give a .npz made by `artalk generate`."
            ) from None
        if not np.isfinite(motion.values).all():
            raise InputError(f"The motion '{path}' holds values that are not numbers: make it again.")
        return motion


def concatenate(motions: Sequence[Motion]) -> Motion:
    """Motions of one basis and rate, end to end; the meta of the first."""
    first = motions[0]
    if any(motion.basis != first.basis or motion.fps != first.fps for motion in motions):
        raise ValueError("only motions of the same basis and frame rate can be joined")
    return first.with_values(np.concatenate([motion.values for motion in motions]))


def _monotone_cubic(values: NDArray[np.float32], position: NDArray[np.float64]) -> NDArray[np.float32]:
    """Piecewise cubic Hermite interpolation of rows at fractional row numbers, without overshoot."""
    if len(values) < 2:
        return np.repeat(values, len(position), axis=0)
    rows = values.astype(np.float64)
    step = np.diff(rows, axis=0)
    product = step[:-1] * step[1:]
    total = step[:-1] + step[1:]
    slope = np.zeros_like(rows)
    slope[0], slope[-1] = step[0], step[-1]
    # harmonic mean of the two neighbouring steps, 0 at an extremum
    np.divide(2 * product, total, out=slope[1:-1], where=product > 0)
    position = np.clip(position, 0, len(rows) - 1)
    left = np.minimum(position.astype(int), len(rows) - 2)
    t = (position - left)[:, None]
    t2, t3 = t * t, t * t * t
    out = (2 * t3 - 3 * t2 + 1) * rows[left] + (t3 - 2 * t2 + t) * slope[left]
    out += (3 * t2 - 2 * t3) * rows[left + 1] + (t3 - t2) * slope[left + 1]
    result: NDArray[np.float32] = out.astype(np.float32)
    return result
