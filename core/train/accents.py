# SPDX-License-Identifier: GPL-3.0-or-later
"""Rounded back vowels as other accents have them: the tongue further forward, the lips as before.

'You', 'two' and 'good' are fronted nearly everywhere that English is spoken (Labov, Ash and Boberg 2006, 'The Atlas of
North American English', part D), and most after [j], [t] and [n]. Synthesisers speak older accents, and who has learnt
from them takes a high second formant for spread lips.
"""

from __future__ import annotations

import random

import numpy as np
import parselmouth
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter
from scipy.signal import istft, stft

from ..audio import RATE
from ..phones import PhoneSpan, articulations

FRONTED = frozenset("uʊɯ")
"""Vowels that are fronted, also as a part of a diphthong."""
_WINDOW, _HOP = 512, 128
"""Samples of the short-time spectra."""
_HIGHEST_FORMANT = 5300.0
"""Hz below which Praat looks for five formants."""
_FRONT_SECOND = 0.83
"""The second formant of [y] as a share of the third."""
_BANDWIDTHS = (60.0, 250.0)
"""Hz, least and most; the most as well where Praat finds none."""
_GLIDE_SECONDS = 0.02
"""How gradually a vowel is reached."""
Audio = NDArray[np.float32]


def with_fronted_vowels(audio: Audio, phones: list[PhoneSpan], rng: random.Random) -> Audio:
    """Speech (n,) in an accent that fronts [u] and [ʊ], some accents by little and some all the way.

    The second formant is moved as in a cascade of resonators: the old one is filtered out, a new one in.
    """
    accent = rng.uniform(0.35, 1.0)
    fronted = [
        (first, last, accent * rng.uniform(0.8, 1.0))
        for part, first, last in articulations(phones)
        if part.ipa in FRONTED
    ]
    if not fronted:
        return audio
    hz, times, spectrum = stft(audio, RATE, nperseg=_WINDOW, noverlap=_WINDOW - _HOP)
    amount = np.zeros(len(times))
    for first, last, share in fronted:
        amount[(times >= first) & (times < last)] = share
    amount = gaussian_filter1d(amount, _GLIDE_SECONDS * RATE / _HOP)
    second, third, bandwidth = _formants(audio, times)
    front = np.maximum(_FRONT_SECOND * third, second)
    for frame in np.flatnonzero((amount > 0.02) & np.isfinite(front)):
        moved = second[frame] + amount[frame] * (front[frame] - second[frame])
        old, new = (_resonance(hz, formant, bandwidth[frame]) for formant in (second[frame], moved))
        spectrum[:, frame] *= new / old
    changed = istft(spectrum, RATE, nperseg=_WINDOW, noverlap=_WINDOW - _HOP)[1][: len(audio)]
    return np.asarray(np.pad(changed, (0, len(audio) - len(changed))), np.float32)


def _formants(audio: Audio, times: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Hz of the second formant, of the third, and the second's bandwidth at each time (T,); nan where there is none."""
    found = parselmouth.Sound(audio.astype(np.float64), RATE).to_formant_burg(
        time_step=_HOP / RATE, maximum_formant=_HIGHEST_FORMANT
    )
    second, third, bandwidth = (
        np.array([value(number, time) for time in times])
        for value, number in (
            (found.get_value_at_time, 2),
            (found.get_value_at_time, 3),
            (found.get_bandwidth_at_time, 2),
        )
    )
    return (
        median_filter(second, 5),
        median_filter(third, 5),
        np.clip(np.nan_to_num(bandwidth, nan=np.inf), *_BANDWIDTHS),
    )


def _resonance(hz: NDArray[np.float64], formant: float, bandwidth: float) -> NDArray[np.complex128]:
    """Response at `hz` (bins,) of a digital resonator with unity gain at 0 Hz (Klatt 1980, eq. 2)."""
    c = -np.exp(-2 * np.pi * bandwidth / RATE)
    b = 2 * np.exp(-np.pi * bandwidth / RATE) * np.cos(2 * np.pi * formant / RATE)
    z = np.exp(-2j * np.pi * hz / RATE)
    return np.asarray((1 - b - c) / (1 - b * z - c * z**2))
