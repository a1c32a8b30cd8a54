# SPDX-License-Identifier: GPL-3.0-or-later
"""Pauses that are none: labels made by an aligner may call a word a pause, and a mouth that speaks there is right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..audio import RATE
from ..phones import is_silence
from .clips import Clip
from .scorer import Span, pause_middles
from .systems import Audio

LOUD_DB = -15.0
"""Level against the clip's speech above which a pause is none. In studio recordings true ones lie 25 to 60 dB lower."""


def quiet_pauses(clip: Clip, samples: Audio) -> list[Span]:
    """The middles of the clip's pauses, less those in which it is as loud as in its speech; none without speech."""
    if clip.kind != "speech":
        return []
    samples = samples - samples.mean()
    limit = 10 ** (LOUD_DB / 10) * _power(samples, [span[:2] for span in clip.phones if not is_silence(span[2])])
    return [middle for middle in pause_middles(clip) if _power(samples, [middle]) <= limit]


def _power(samples: Audio, spans: Sequence[Span]) -> float:
    """Mean square of the samples in some spans of seconds, 0 where there are none."""
    inside = np.concatenate([samples[round(start * RATE) : round(end * RATE)] for start, end in spans])
    return float(np.mean(np.square(inside))) if len(inside) else 0.0
