# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion as CSV: the layout of the Live Link Face app for ARKit channels, one plain column per channel for others."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .basis import ARKIT, ARKIT_SHAPES, BASES, Basis
from .errors import InputError
from .motion import Motion

# Live Link Face lists the right-hand jaw and mouth shifts before the left-hand ones
_SWAPPED = {"jawLeft": "jawRight", "jawRight": "jawLeft", "mouthLeft": "mouthRight", "mouthRight": "mouthLeft"}
_SHAPES = tuple(_SWAPPED.get(name, name) for name in ARKIT_SHAPES)
_ANGLES = {
    "HeadYaw": "head_y",
    "HeadPitch": "head_x",
    "HeadRoll": "head_z",
    "LeftEyeYaw": "left_eye_y",
    "LeftEyePitch": "left_eye_x",
    "LeftEyeRoll": None,
    "RightEyeYaw": "right_eye_y",
    "RightEyePitch": "right_eye_x",
    "RightEyeRoll": None,
}


def write_csv(motion: Motion, path: Path) -> None:
    """Write one row per frame. Angles are in radians; ARKit's eye rolls, which no channel holds, are 0.

    Raises InputError for motion without frames, as `read_csv` would.
    """
    if len(motion) == 0:
        raise InputError(f"The motion for '{path.name}' has no frames: give sound or motion that lasts.")
    if motion.basis == ARKIT:
        header = ["Timecode", "BlendShapeCount", *(name[0].upper() + name[1:] for name in _SHAPES), *_ANGLES]
        zeros = np.zeros(len(motion), np.float32)
        columns = [motion.channel(name) for name in _SHAPES]
        columns += [zeros if name is None else motion.channel(name) for name in _ANGLES.values()]
        lead = [[timecode(frame, motion.fps), str(len(header) - 2)] for frame in range(len(motion))]
        table = np.stack(columns, axis=1)
    else:
        header = ["Timecode", *motion.basis.channels]
        lead = [[timecode(frame, motion.fps)] for frame in range(len(motion))]
        table = motion.values
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([*start, *(f"{value:.6f}" for value in row)] for start, row in zip(lead, table, strict=True))


def timecode(frame: int, fps: float) -> str:
    """`hours:minutes:seconds:frames.thousandths`, as Live Link Face writes it."""
    whole_rate = max(1, round(fps))
    seconds, rest = divmod(frame, whole_rate)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{rest:02d}.000"


def read_csv(path: Path, fps: float | None = None) -> Motion:
    """Motion from a CSV of Live Link Face or of `write_csv`; fps: its rate, None to take it from the timecodes.

    Frames that the capture left out are filled in on straight lines; shapes of other trackers are left out.
    Raises InputError when the file is no such table, or its timecodes do not tell the rate.
    """
    names, rows = _read_rows(path)
    try:
        values = np.array([[float(cell or 0) for cell in row[1:]] for row in rows], np.float64)
        seconds, frames = _read_timecodes([row[0] for row in rows])
    except ValueError:
        raise InputError(f"'{path.name}' is cut off or no table of motion: export it again.") from None
    if not np.isfinite(values).all():
        raise InputError(f"'{path.name}' holds values that are not numbers: export it again.")
    rate = fps or _rate(seconds, frames, path)
    at = seconds + frames / rate
    if np.any(np.diff(at) <= 0):
        raise InputError(f"The timecodes of '{path.name}' do not go up at {rate:g} frames a second: give --from-fps.")
    even = at[0] + np.arange(round((at[-1] - at[0]) * rate) + 1) / rate
    columns = {name: np.interp(even, at, column) for name, column in zip(names[1:], values.T, strict=True)}
    basis = _basis(columns, path)
    nothing = np.zeros(len(even))
    table = np.stack([columns.get(name, nothing) for name in basis.channels], axis=1)
    return Motion(table.astype(np.float32), basis, rate, {"source": path.name})


def odd_columns(path: Path) -> tuple[list[str], list[str]]:
    """What `read_csv` leaves out of a CSV, and the channels that it takes as 0, as the file would call them."""
    names, _ = _read_rows(path)
    basis = _basis(names, path)
    known = {*basis.channels, *(_ANGLES if basis == ARKIT else ())}
    theirs = {ours: name for name, ours in _our_names().items()}
    missing = [name for name in basis.channels if name not in names]
    return [name for name in names[1:] if name not in known], [theirs.get(name, name) for name in missing]


def _our_names() -> dict[str, str]:
    """Our name of each ARKit channel, by Live Link Face's."""
    return {name[0].upper() + name[1:]: name for name in _SHAPES} | {a: name for a, name in _ANGLES.items() if name}


def _read_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """The channels' names, ours where they are known, and the rows; without the count of shapes, of equal length."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = [row for row in csv.reader(file) if row]
    except FileNotFoundError:
        raise InputError(f"There is no file '{path}': check the path.") from None
    except (OSError, UnicodeDecodeError, ValueError, csv.Error):
        raise InputError(f"'{path.name}' is no table of motion: give a CSV of Live Link Face or of artalk.") from None
    kept = [place for place, name in enumerate(header) if name.lower() != "blendshapecount"]
    if header[0].lower() != "timecode" or not rows or any(len(row) < len(header) for row in rows[:-1]):
        raise InputError(f"'{path.name}' is no table of motion: give a CSV of Live Link Face or of artalk.")
    if len(rows[-1]) < len(header):
        raise InputError(f"'{path.name}' is cut off in its last line: export it again.")
    ours = _our_names()
    return [ours.get(header[place], header[place]) for place in kept], [[row[p] for p in kept] for row in rows]


def _read_timecodes(cells: list[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Whole seconds and frames, (T,) each, of `hours:minutes:seconds:frames.thousandths`."""
    parts = np.array([[float(part) for part in cell.split(":")] for cell in cells])
    if parts.shape[1:] != (4,):
        raise ValueError("a timecode has four parts")
    return parts[:, :3] @ [3600.0, 60.0, 1.0], parts[:, 3]


def _rate(seconds: NDArray[np.float64], frames: NDArray[np.float64], path: Path) -> float:
    """The rate by the last frame of a second that is followed by another."""
    ends = np.flatnonzero(np.diff(seconds) > 0)
    if not len(ends):
        raise InputError(f"'{path.name}' is shorter than a second, so its rate is not known: give it with --from-fps.")
    return float(np.floor(frames[ends].max()) + 1)


def _basis(columns: Collection[str], path: Path) -> Basis:
    best = max(BASES.values(), key=lambda basis: sum(name in columns for name in basis.channels))
    if sum(name in columns for name in best.channels) > len(best) // 2:
        return best
    raise InputError(
        f"'{path.name}' has neither ARKit's shapes nor FLAME's: give a CSV of Live Link Face or of artalk."
    )
