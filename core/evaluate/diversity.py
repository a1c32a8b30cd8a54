# SPDX-License-Identifier: GPL-3.0-or-later
"""What another seed changes, and that the same seed changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..basis import HEAD_ROTATION
from .channels import channel_groups
from .clips import Clip
from .systems import Recordings, Speak, say_progress
from .tables import Cell, Mark, Table


def measure(speak: Speak, clips: Sequence[Clip], recordings: Recordings, seeds: int = 4, lines: int = 6) -> Table:
    """Spread of the motion over seeds beside its movement in time, per channel group, on the first clips of speech.

    movement: deviation in time; spread: deviation over seeds at the same moment, both root mean squares over the
    channels of a group, the head's in degrees; `same seed`: whether using a seed again gives the same to the last bit.
    """
    spoken = [clip for clip in clips if clip.kind == "speech"][:lines]
    made, again = [], []
    for number, clip in enumerate(spoken, 1):
        samples = recordings[clip.id]
        motions = [speak(samples, seed=seed) for seed in range(seeds)]
        made.append(np.stack([motion.values for motion in motions]))
        again.append(np.abs(speak(samples, seed=0).values - motions[0].values).max(axis=0))
        basis = motions[0].basis
        say_progress("seeds", number, len(spoken))
    rows: dict[str, dict[str, Cell]] = {}
    marks: dict[tuple[str, str], Mark] = {}
    for group, columns in channel_groups(basis).items():
        unit = 180 / np.pi if columns == basis.indices(HEAD_ROTATION) else 1.0
        movement, spread = unit * _movement(made, columns), unit * _spread(made, columns)
        name = f"{group}, degrees" if unit != 1 else group
        same = float(np.max(np.stack(again)[:, columns]))
        marks[name, "same seed"] = "missed" if same else "goal"
        rows[name] = {
            "movement": movement,
            "spread": spread,
            "spread / movement": spread / movement if movement > 1e-9 else float("nan"),
            "same seed": f"differs by {same:.0e}" if same else "identical",
        }
    note = f"{len(spoken)} clips with {seeds} seeds each."
    return Table("diversity over seeds", rows, marks, note)


def _movement(made: Sequence[NDArray[np.float32]], columns: Sequence[int]) -> float:
    """Deviation in time of the motions (S, T, C)."""
    return _rms([motion[..., columns].astype(np.float64).var(axis=1).mean() for motion in made])


def _spread(made: Sequence[NDArray[np.float32]], columns: Sequence[int]) -> float:
    """Deviation over the seeds of the motions (S, T, C)."""
    return _rms([motion[..., columns].astype(np.float64).var(axis=0).mean() for motion in made])


def _rms(variances: Sequence[float]) -> float:
    return float(np.sqrt(np.mean(variances)))
