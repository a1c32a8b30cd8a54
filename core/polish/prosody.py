# SPDX-License-Identifier: GPL-3.0-or-later
"""What the layers hear in a voice: phrases, level, pitch, and the accents that head and brows answer to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..audio import RATE, level_dbfs
from .phrases import HOP, Phrase, phrases

Array = NDArray[np.float64]

_PITCH_RANGE = (65.0, 400.0)
_PITCH_WINDOW = 512
"""Samples at 8 kHz, 64 ms: four periods of the lowest voice."""
_LAGS = 128
"""More than the longest period in samples, and a quick size for the Fourier transform together with the window."""
_VOICED, _OCTAVE_COST = 0.5, 0.05
_AT_ONCE = 2000

_ACCENTS_PER_SECOND = 1.0
_APART = 0.4
_ONSET_DROP, _ONSET_EARLIEST = 5.0, 0.16


@dataclass(frozen=True)
class Accent:
    """A syllable that stands out: when its vowel begins (s), and its rank among all accents, 0 weakest to 1."""

    time: float
    rank: float


@dataclass(frozen=True)
class Prosody:
    """A voice as the layers hear it; level and pitch have one value every 20 ms.

    level: dB below full scale.     pitch: semitones above the voice's median, bridged where it is voiceless.
    """

    phrases: list[Phrase]
    accents: list[Accent]
    level: Array
    pitch: Array


def listen(audio: NDArray[np.float32]) -> Prosody:
    """The prosody of audio (n,) mono at 16 kHz."""
    spoken = phrases(audio)
    level = _smooth(level_dbfs(audio, HOP).astype(np.float64), 5)
    pitch = pitch_semitones(audio)
    return Prosody(spoken, find_accents(level, pitch, spoken), level, pitch)


def pitch_semitones(audio: NDArray[np.float32]) -> Array:
    """Pitch in semitones above the voice's median every 20 ms of audio (n,) at 16 kHz; all 0 when nothing is voiced.

    The highest peak of the autocorrelation of 64 ms, at half the rate; octave errors, which lie far from the middle of
    the voice, and voiceless stretches are bridged by straight lines.
    """
    hop, half = int(HOP * RATE) // 2, _PITCH_WINDOW // 2
    count = -(-len(audio) // (2 * hop))
    low = np.zeros(count * hop + _PITCH_WINDOW, np.float32)
    pairs = audio[: len(audio) // 2 * 2].reshape(-1, 2).mean(axis=1)
    low[half : half + len(pairs)] = pairs
    pieces = np.lib.stride_tricks.sliding_window_view(low, _PITCH_WINDOW)[::hop][:count]
    lag, strength = np.zeros(count), np.zeros(count)
    for first in range(0, count, _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        lag[part], strength[part] = _periods(pieces[part])
    voiced = np.flatnonzero(strength > _VOICED)
    if len(voiced) == 0:
        return np.zeros(count)
    heard = 12 * np.log2(RATE / 2 / lag[voiced])
    heard -= np.median(heard)
    near = np.abs(heard) < 9
    return np.interp(np.arange(count), voiced[near], heard[near])


def find_accents(level: Array, pitch: Array, spoken: Sequence[Phrase]) -> list[Accent]:
    """The syllables of each phrase that are loudest and highest, about one a second and at least .4 s apart.

    Rising level and pitch together make an accent heard; both are compared with the phrase's own middle, so that a
    quiet phrase has its accents too.
    """
    found: list[tuple[float, float]] = []
    for phrase in spoken:
        first, last = round(phrase.start / HOP), min(round(phrase.end / HOP), len(level))
        loud, high = level[first:last], pitch[first:last]
        if len(loud) < 3:
            continue
        tops = 1 + np.flatnonzero((loud[1:-1] >= loud[:-2]) & (loud[1:-1] > loud[2:]))
        salience = (loud - np.median(loud)) / 6 + (high - np.median(high)) / 3
        wanted = int(np.ceil(_ACCENTS_PER_SECOND * (phrase.end - phrase.start)))
        kept: list[int] = []
        for top in tops[np.argsort(-salience[tops])]:
            if len(kept) < wanted and all(abs(top - other) * HOP >= _APART for other in kept):
                kept.append(int(top))
        found += [(phrase.start + _onset(loud, top) * HOP, float(salience[top])) for top in kept]
    order = np.argsort(np.argsort([salience for _, salience in found]))
    ranks = order / max(len(found) - 1, 1)
    return sorted((Accent(time, float(rank)) for (time, _), rank in zip(found, ranks, strict=True)), key=_time)


def _time(accent: Accent) -> float:
    return accent.time


def _onset(level: Array, top: int) -> int:
    """Where the vowel whose level is highest at `top` begins: 5 dB below, at most .16 s before."""
    at = top
    while at > 0 and top - at < _ONSET_EARLIEST / HOP and level[at] > level[top] - _ONSET_DROP:
        at -= 1
    return at


def _periods(pieces: NDArray[np.float32]) -> tuple[Array, Array]:
    """Period in samples of each piece (n, window), and how strongly it repeats itself, 0 to 1."""
    window = np.hanning(pieces.shape[1]).astype(np.float32)
    shortest, longest = (int(RATE / 2 / pitch) for pitch in _PITCH_RANGE[::-1])
    # the window makes longer periods look weaker; its own correlation takes that out
    correlation, own = _autocorrelation(pieces * window, longest), _autocorrelation(window, longest)
    search = correlation[:, shortest:] / own[shortest:]
    # two periods fit as well as one: the shorter wins when they are alike (Boersma 1993, 'octave cost')
    cost = _OCTAVE_COST * np.log2(np.arange(shortest, longest + 1) / shortest)
    best = (search - cost * correlation[:, :1] / own[0]).argmax(axis=1)
    silent = correlation[:, 0] < 1e-4 * own[0]
    strength = search[np.arange(len(pieces)), best] / np.where(silent, np.inf, correlation[:, 0] / own[0])
    return (best + shortest).astype(np.float64), strength


def _autocorrelation(pieces: NDArray[np.float32], longest: int) -> Array:
    """Pieces (..., window) against themselves, (..., longest + 1): lags from 0 to `longest`."""
    size = pieces.shape[-1] + _LAGS  # a circle so long that no lag in question meets the other end
    spectrum = np.fft.rfft(pieces, size)
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(np.fft.irfft(power, size)[..., : longest + 1])


def _smooth(values: Array, size: int) -> Array:
    kernel = np.hanning(size + 2)[1:-1]
    return np.convolve(np.pad(values, size // 2, mode="edge"), kernel / kernel.sum(), "valid")
