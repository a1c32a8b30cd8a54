# SPDX-License-Identifier: GPL-3.0-or-later
"""Pauses that are none: labels made by an aligner may call a word a pause, and a mouth that speaks there is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress

import numpy as np

from ..audio import RATE
from ..phones import is_silence
from .clips import Clip
from .scorer import pause_middle
from .systems import Audio, Recordings

LOUD_DB = -15.0
"""Level against the clip's speech above which a pause is none. In studio recordings true ones lie 25 to 60 dB lower."""


def without_loud_pauses(clips: Sequence[Clip], recordings: Recordings) -> list[Clip]:
    """The clips less the pauses in whose middle it is as loud as in their speech."""
    return [_less_loud_pauses(clip, recordings[clip.id]) if clip.kind == "speech" else clip for clip in clips]


def pause_count(clips: Sequence[Clip]) -> int:
    """How many pauses the clips have that are measured."""
    return sum(
        pause_middle(clip, i) is not None for clip in clips if clip.kind == "speech" for i in range(len(clip.phones))
    )


def _less_loud_pauses(clip: Clip, samples: Audio) -> Clip:
    limit = 10 ** (LOUD_DB / 10) * _power(samples, [span[:2] for span in clip.phones if not is_silence(span[2])])
    middles = [pause_middle(clip, i) for i in range(len(clip.phones))]
    kept = [middle is None or _power(samples, [middle]) <= limit for middle in middles]
    return replace(clip, phones=tuple(compress(clip.phones, kept)))


def _power(samples: Audio, spans: Sequence[tuple[float, float]]) -> float:
    """Mean square of the samples in some spans of seconds, 0 where there are none."""
    inside = np.concatenate([samples[round(start * RATE) : round(end * RATE)] for start, end in spans])
    return float(np.mean(np.square(inside))) if len(inside) else 0.0
