# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold the mouth at rest where nobody speaks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..motion import Motion
from .phrases import HOP, Phrase

_LEAD, _TAIL = 0.12, 0.10
"""Seconds for which the mouth may move before a phrase is heard, and after it."""
_FADE = 0.12


def mouth_channels(channels: tuple[str, ...]) -> list[int]:
    """Columns of the channels that shape the mouth."""
    return [i for i, name in enumerate(channels) if name.startswith(("jaw", "mouth", "tongue", "cheekPuff"))]


def hold_in_silence(motion: Motion, spoken: Sequence[Phrase], amount: float | NDArray[np.float64] = 1.0) -> Motion:
    """The motion with jaw, mouth and tongue faded to rest (0) in the pauses between phrases.

    The mouth is free from 120 ms before each phrase to 100 ms after it, as lips part before the voice is heard.
    """
    active = np.zeros(int(np.ceil(motion.duration / HOP)) + 1)
    for phrase in spoken:
        active[round(phrase.start / HOP) : int(np.ceil(phrase.end / HOP - 1e-6))] = 1.0
    free = _widen(active, round(_LEAD / HOP), round(_TAIL / HOP))
    ramp = np.hanning(2 * round(_FADE / HOP / 2) + 3)[1:-1]
    gate = np.minimum(1.0, np.convolve(np.pad(free, len(ramp) // 2, mode="edge"), ramp / ramp.sum(), "valid"))
    at = np.arange(len(motion)) / motion.fps / HOP - 0.5
    gain = 1 - amount * (1 - np.interp(at, np.arange(len(gate)), gate))
    values = motion.values.copy()
    columns = mouth_channels(motion.basis.channels)
    values[:, columns] *= gain[:, None].astype(np.float32)
    return motion.with_values(values)


def _widen(active: NDArray[np.float64], lead: int, tail: int) -> NDArray[np.float64]:
    """Extend each run of ones by `lead` steps to the left and `tail` steps to the right."""
    out = active.copy()
    for shift in range(1, lead + 1):
        out[:-shift] = np.maximum(out[:-shift], active[shift:])
    for shift in range(1, tail + 1):
        out[shift:] = np.maximum(out[shift:], active[:-shift])
    return out
