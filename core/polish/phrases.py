# SPDX-License-Identifier: GPL-3.0-or-later
"""Where somebody speaks and where they pause, from the level of the sound alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..audio import RATE, level_dbfs

HOP = 0.02
"""Seconds between the decisions."""

_RANGE_DB = 35.0
_FLOOR_DBFS = -55.0
_QUIET_RANGE_DB, _OVER_NOISE_DB, _LOWEST_DBFS = 20.0, 15.0, -80.0
"""Of a recording that is quiet throughout: range, distance from the level between the words, and lowest floor."""
_SHORTEST_PAUSE = 0.25
_SHORTEST_SPEECH = 0.08


@dataclass(frozen=True)
class Phrase:
    """A stretch of speech, in seconds."""

    start: float
    end: float


def speaking(audio: NDArray[np.float32]) -> NDArray[np.bool_]:
    """One decision per 20 ms of audio (n,) at 16 kHz: is somebody speaking?

    Loud means within 35 dB of the loudest 20 ms (95th percentile, against clicks) and above -55 dBFS, or lower where
    all of the recording is that quiet but for what stands out well from its noise; gaps under 250 ms are bridged, as
    stop closures and short breaths lie in them, and bursts under 80 ms dropped.
    """
    level = level_dbfs(audio, HOP)
    noise, loudest = np.percentile(level, [5, 95])
    floor = min(_FLOOR_DBFS, max(loudest - _QUIET_RANGE_DB, noise + _OVER_NOISE_DB, _LOWEST_DBFS))
    loud = level > max(loudest - _RANGE_DB, floor)
    bridged = _drop_short(loud, value=False, shortest=round(_SHORTEST_PAUSE / HOP))
    return _drop_short(bridged, value=True, shortest=round(_SHORTEST_SPEECH / HOP))


def phrases(audio: NDArray[np.float32]) -> list[Phrase]:
    """The stretches of speech of audio (n,) at 16 kHz, in order."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], speaking(audio), [False]]).astype(np.int8)))
    length = len(audio) / RATE
    return [Phrase(start * HOP, min(end * HOP, length)) for start, end in edges.reshape(-1, 2)]


def _drop_short(flags: NDArray[np.bool_], *, value: bool, shortest: int) -> NDArray[np.bool_]:
    """Turn over every run of `value` that is shorter than `shortest`, save at the two ends."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8))) + 1
    starts = np.concatenate([[0], edges])
    ends = np.concatenate([edges, [len(flags)]])
    out = flags.copy()
    for start, end in zip(starts, ends, strict=True):
        inside = start > 0 and end < len(flags)
        if flags[start] == value and end - start < shortest and (inside or value):
            out[start:end] = not value
    return out
