# SPDX-License-Identifier: GPL-3.0-or-later
"""Pauses that are none: an aligner's label may call a word a pause, and a mouth that speaks there is right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..audio import RATE
from ..phones import is_silence
from .clips import Clip
from .scorer import BESIDE_SPEECH, Span, pause_middles
from .systems import Audio

LOUD_DB = -15.0
"""Level against the clip's speech above which a pause is none. In studio recordings true ones lie 25 to 60 dB lower."""
_STEP, _STRETCH = 0.01, 0.05
"""Seconds from one level to the next, and over which each is taken."""


def quiet_pauses(clip: Clip, samples: Audio) -> list[Span]:
    """What is measured of the clip's pauses, less what is as loud as its speech or beside that; none without speech."""
    if clip.kind != "speech":
        return []
    power = np.square(samples - samples.mean(), dtype=np.float64)
    speech = [
        power[round(start * RATE) : round(end * RATE)] for start, end, name in clip.phones if not is_silence(name)
    ]
    spoken = np.concatenate([np.zeros(0), *speech])
    limit = 10 ** (LOUD_DB / 10) * float(spoken.mean()) if len(spoken) else 0.0
    sums = np.concatenate([[0.0], np.cumsum(power)])
    return [part for middle in pause_middles(clip) for part in _quiet_parts(sums, middle, limit)]


def _quiet_parts(sums: NDArray[np.float64], middle: Span, limit: float) -> list[Span]:
    """The parts of a pause's middle that lie apart from all that is louder in the pause.

    sums: (n + 1,) power of all samples before each; limit: power of one, above which it is loud.
    """
    first, end = max(0.0, middle[0] - BESIDE_SPEECH), middle[1] + BESIDE_SPEECH
    stretches = np.arange(first, end - _STRETCH, _STEP)
    edges = np.round(np.stack([stretches, stretches + _STRETCH]) * RATE).astype(int).clip(0, len(sums) - 1)
    loud = stretches[sums[edges[1]] - sums[edges[0]] > limit * _STRETCH * RATE] + _STRETCH / 2
    cells = np.arange(middle[0], middle[1], _STEP)
    apart = np.abs(cells[:, None] + _STEP / 2 - loud[None]).min(axis=1, initial=np.inf) > BESIDE_SPEECH
    borders = np.flatnonzero(np.diff(apart, prepend=False, append=False))
    return [(cells[a], min(cells[b - 1] + _STEP, middle[1])) for a, b in borders.reshape(-1, 2)]
