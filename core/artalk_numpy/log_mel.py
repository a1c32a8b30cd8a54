# SPDX-License-Identifier: GPL-3.0-or-later
"""16 kHz audio to normalised log-mel spectra; the same arithmetic as `core.artalk.log_mel`."""

from __future__ import annotations

import math

import numpy as np

from ..artalk.listening import LEVEL
from ..artalk.mel import (
    ACTIVE_RANGE,
    BAND_RANGE,
    EVEN_ABOVE,
    EVEN_DROP,
    EVEN_MOST,
    EVEN_REACH,
    EVEN_SMOOTH,
    FFT,
    HOP,
    POWER_FLOOR,
    QUIETEST,
    RELATIVE_FLOOR,
    WINDOW,
)
from .weights import Array

_HANN = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
_SMOOTH = 5


def mel_power(audio: Array, matrix: Array) -> Array:
    """Audio (n,), n a multiple of HOP -> mel power (n / HOP, bands); frame k is centred on sample k * HOP."""
    padded = np.pad(audio, WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][: len(audio) // HOP]
    # numpy before 2.0 transforms in double precision whatever it is given: so does every version here
    spectrum = np.fft.rfft((frames * _HANN).astype(np.float64), FFT)
    power = (spectrum.real**2 + spectrum.imag**2) / FFT
    return np.asarray(power.astype(np.float32) @ matrix)


def window_power(audio: Array, index: int, window: int, matrix: Array) -> Array:
    """Mel power (window / HOP, bands) of one window, whose first and last frames look into the neighbours."""
    margin = HOP * math.ceil(WINDOW / 2 / HOP)
    piece = excerpt(audio, index * window - margin, (index + 1) * window + margin)
    first = margin // HOP
    return mel_power(piece, matrix)[first : first + window // HOP]


def excerpt(audio: Array, start: int, end: int) -> Array:
    """Samples `start` to `end` of audio (n,), with silence where they lie outside."""
    return np.pad(audio[max(0, start) : end], (max(0, -start), max(0, end - len(audio))))


def normalise(power: Array, span: Array, reference: Array) -> Array:
    """Log-mel features that depend neither on the level nor on the colour of the recording.

    power: (T, bands) mel power; span: (S, bands) mel power of the passage whose loudness counts;
    reference: (bands,) mean of the bands in average speech. Returns (T, bands).
    """
    spoken = _spoken(span)
    loud = _mean_log(spoken)
    mean = _relative_log(spoken, loud).mean(axis=0, dtype=np.float64)
    correction = np.clip(mean.astype(np.float32) - reference, -BAND_RANGE, BAND_RANGE)
    return np.asarray(_relative_log(power, loud) - reference - correction.astype(np.float32))


def loudness(span: Array) -> np.float32:
    """Mean log of mel power (S, bands), all bands together, where somebody speaks."""
    return _mean_log(_spoken(span))


def _mean_log(spoken: Array) -> np.float32:
    energy = np.log(spoken.sum(axis=1) + np.float32(POWER_FLOOR))
    return np.float32(max(energy.mean(dtype=np.float64), QUIETEST))


def _spoken(span: Array) -> Array:
    """The frames of mel power (S, bands) that are near its loudest."""
    smooth = _moving_average(np.log(span.sum(axis=1) + np.float32(POWER_FLOOR)), _SMOOTH)
    return span[smooth > smooth.max() - np.float32(ACTIVE_RANGE)]


def raised(power: Array, span: Array) -> Array:
    """How far (T,) the log of mel power (T, bands) is raised to the loudest of `span` (S, bands); pauses are not."""
    smooth, around = (
        _moving_average(np.log(part.sum(axis=1) + np.float32(POWER_FLOOR)), _SMOOTH) for part in (power, span)
    )
    padded = np.pad(smooth, EVEN_REACH // 2, mode="edge")
    loudest = np.lib.stride_tricks.sliding_window_view(padded, EVEN_REACH).max(axis=1)
    voiced = np.clip(loudest - np.quantile(around, 0.1) - EVEN_ABOVE, 0, 1)
    return _moving_average(np.clip(around.max() - EVEN_DROP - loudest, 0, EVEN_MOST) * voiced, EVEN_SMOOTH)


def levelled(audio: Array, lift: Array, loud: np.float32) -> Array:
    """Audio (T * HOP,) at the level that Moonshine hears: of loudness `loud`, with its log power raised by (T,)."""
    gain = np.repeat(np.exp((lift - loud) / 2) * np.float32(LEVEL), HOP)
    return np.asarray(np.clip(audio * gain, -1, 1), np.float32)


def _moving_average(x: Array, size: int) -> Array:
    """Mean over `size` neighbours of (n,), as far as there are any."""
    weights = np.ones(size)
    total = np.convolve(x.astype(np.float64), weights, "same")
    return np.asarray(total / np.convolve(np.ones(len(x)), weights, "same"), np.float32)


def _relative_log(power: Array, loudness: np.float32) -> Array:
    return np.asarray(np.log(power * np.exp(-loudness) + np.float32(RELATIVE_FLOOR)))
