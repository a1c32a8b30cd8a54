# SPDX-License-Identifier: GPL-3.0-or-later
"""Pauses that are none: an aligner's label may call a word a pause, and a mouth that speaks there is right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..audio import RATE
from ..phones import is_silence
from .clips import Clip
from .scorer import Span, pause_middles
from .systems import Audio

LOUD_DB = -15.0
"""Level against the clip's speech above which a pause is none. In studio recordings true ones lie 25 to 60 dB lower."""
_BESIDE = 0.15
"""Seconds beside speech that are not measured, as in `pause_middles`."""
_STEP, _STRETCH = 0.01, 0.05
"""Seconds from one level to the next, and over which each is taken."""


def quiet_pauses(clip: Clip, samples: Audio) -> list[Span]:
    """What is measured of the clip's pauses, less what is as loud as its speech or beside that; none without speech."""
    if clip.kind != "speech":
        return []
    power = np.square(samples - samples.mean(), dtype=np.float64)
    spoken = [
        power[round(start * RATE) : round(end * RATE)] for start, end, phone in clip.phones if not is_silence(phone)
    ]
    limit = 10 ** (LOUD_DB / 10) * float(np.concatenate([*spoken, np.zeros(0)]).mean()) if spoken else 0.0
    return [part for middle in pause_middles(clip) for part in _quiet_parts(power, middle, limit)]


def _quiet_parts(power: NDArray[np.float64], middle: Span, limit: float) -> list[Span]:
    """The parts of a pause's middle that lie apart from all that is louder in the pause; power: (n,) of each sample."""
    first, end = max(0.0, middle[0] - _BESIDE), middle[1] + _BESIDE
    stretches = np.arange(first, end - _STRETCH, _STEP)
    edges = np.round(np.stack([stretches, stretches + _STRETCH]) * RATE).astype(int).clip(0, len(power))
    sums = np.concatenate([[0.0], np.cumsum(power)])
    loud = stretches[sums[edges[1]] - sums[edges[0]] > limit * _STRETCH * RATE] + _STRETCH / 2
    cells = np.arange(middle[0], middle[1], _STEP)
    apart = np.abs(cells[:, None] + _STEP / 2 - loud[None]).min(axis=1, initial=np.inf) > _BESIDE
    borders = np.flatnonzero(np.diff(apart, prepend=False, append=False))
    return [(cells[a], min(cells[b - 1] + _STEP, middle[1])) for a, b in borders.reshape(-1, 2)]
