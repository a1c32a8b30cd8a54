# SPDX-License-Identifier: GPL-3.0-or-later
"""Make one speaker sound like another who says the same, at times that are still known."""

from __future__ import annotations

import random

import numpy as np
import parselmouth
from numpy.typing import NDArray
from parselmouth.praat import call, run
from scipy.signal import resample_poly

from ..audio import RATE
from ..phones import PhoneSpan

CHANGED_SHARE = 0.6
"""Share of utterances whose voice is changed by Praat; the others are played at another speed."""
Audio = NDArray[np.float32]


def as_other_speaker(
    samples: NDArray[np.int16], spans: list[PhoneSpan], rng: random.Random
) -> tuple[Audio, list[PhoneSpan]]:
    """The utterance by somebody else, with its phones: another larynx and vocal tract, or just played faster or slower.

    Played faster, pitch and formants rise together, as from a man to a child; the other way sets them apart.
    """
    audio = samples.astype(np.float32) / 32768
    slower = rng.uniform(0.8, 1.25)
    changed = change_voice(audio, rng.uniform(0.87, 1.17), rng, slower) if rng.random() < CHANGED_SHARE else None
    if changed is None:
        percent = rng.randint(84, 120)
        slower = 100 / percent
        changed = np.asarray(resample_poly(audio, 100, percent), np.float32)
    return changed, [(start * slower, end * slower, name) for start, end, name in spans]


def change_voice(audio: Audio, formants: float, rng: random.Random, slower: float) -> Audio | None:
    """Speech (n,) with formants times `formants`, around a new median pitch, `slower` times as long.

    Praat's "Change gender" (overlap-add at the pitch periods). The new pitch goes with the formants, as in people:
    those with a long vocal tract have low voices. Its range may hardly grow: Praat never comes back from a pitch that
    would fall under zero. None where Praat finds too little voice to work on.
    """
    median = float(np.clip(165 * formants**4.5 * np.exp(rng.gauss(0, 0.3)), 75, 380))
    speech = parselmouth.Sound(audio.astype(np.float64), RATE)
    run(f"random_initializeWithSeedUnsafelyButPredictably ({rng.getrandbits(31)})")
    try:
        changed = call(speech, "Change gender", 60, 600, formants, median, rng.uniform(0.5, 1.05), slower)
    except parselmouth.PraatError:
        return None
    length = round(len(audio) * slower)
    values = changed.values[0][:length]
    return np.asarray(np.pad(values, (0, length - len(values))), np.float32)
