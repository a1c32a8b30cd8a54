# SPDX-License-Identifier: GPL-3.0-or-later
"""Pauses that are none: labels made by an aligner may call a word a pause, and a mouth that speaks there is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..audio import RATE
from ..phones import is_silence
from .clips import Clip
from .scorer import pause_middle

LOUD_DB = -15.0
"""Level against the clip's speech above which a pause is none. In studio recordings true ones lie 25 to 60 dB lower."""


def without_loud_pauses(clips: Sequence[Clip], recordings: Mapping[str, NDArray[np.float32]]) -> list[Clip]:
    """The clips less the pauses in whose middle it is as loud as in their speech."""
    return [_less_loud_pauses(clip, recordings[clip.id]) if clip.kind == "speech" else clip for clip in clips]


def _less_loud_pauses(clip: Clip, samples: NDArray[np.float32]) -> Clip:
    def power(spans: Sequence[tuple[float, float]]) -> float:
        parts = [samples[round(start * RATE) : round(end * RATE)] for start, end in spans]
        return float(np.mean(np.square(np.concatenate([np.zeros(1), *parts]))))

    limit = 10 ** (LOUD_DB / 10) * power([(start, end) for start, end, phone in clip.phones if not is_silence(phone)])

    def is_loud(i: int) -> bool:
        middle = pause_middle(clip, i) if is_silence(clip.phones[i][2]) else None
        return middle is not None and power([middle]) > limit

    return replace(clip, phones=tuple(span for i, span in enumerate(clip.phones) if not is_loud(i)))
