# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion as CSV: the layout of the Live Link Face app for ARKit channels, one plain column per channel for others."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from .basis import ARKIT, ARKIT_SHAPES
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
    """Write one row per frame. Angles are in radians; ARKit's eye rolls, which no channel holds, are 0."""
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
