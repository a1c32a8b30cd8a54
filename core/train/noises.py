# SPDX-License-Identifier: GPL-3.0-or-later
"""What is heard beside a voice: breaths, rooms, lines, noise, music, other people."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import butter, fftconvolve, sosfiltfilt

from ..audio import RATE
from ..phones import PhoneSpan, is_silence

Audio = NDArray[np.float32]

_MU = 255.0


def rms(audio: Audio) -> float:
    """Root mean square, 0 of nothing."""
    return float(np.sqrt(np.mean(np.square(audio)))) if len(audio) else 0.0


def with_breaths(audio: Audio, phones: list[PhoneSpan], rng: random.Random, noise: np.random.Generator) -> Audio:
    """Breath-like noise and small clicks in the longer pauses."""
    audio = audio.copy()
    for start, end, name in phones:
        if end - start < 0.25 or not is_silence(name) or rng.random() < 0.4:
            continue
        length = int(min(end - start - 0.05, rng.uniform(0.15, 0.5)) * RATE)
        first = int(start * RATE) + rng.randint(0, max(0, int((end - start) * RATE) - length))
        burst = _coloured(length, rng.uniform(-1.2, 0.5), noise) * np.hanning(length).astype(np.float32)
        piece = audio[first : first + length]
        piece += burst[: len(piece)] * rng.uniform(0.003, 0.05)
    return audio


def reverberate(audio: Audio, rng: random.Random, noise: np.random.Generator) -> Audio:
    """A room: direct sound and exponentially decaying noise of .1 to .8 s, 0 to 14 dB below it."""
    decay = rng.uniform(0.1, 0.8)
    time = np.arange(int(decay * RATE), dtype=np.float32) / RATE
    tail = noise.standard_normal(len(time), np.float32) * np.exp(-6.9 * time / decay)
    tail[: int(0.002 * RATE)] = 0
    tail *= 10 ** (-rng.uniform(0, 14) / 20) / np.sqrt(np.square(tail).sum())
    tail[0] = 1
    return np.asarray(fftconvolve(audio, tail)[: len(audio)], np.float32)


def over_telephone(audio: Audio, rng: random.Random) -> Audio:
    """A telephone line: a band from 200 to 350 Hz up to 3 to 3.7 kHz, and at times the 8 bits of G.711 mu-law."""
    edges = (rng.uniform(200, 350), rng.uniform(3000, 3700))
    narrow = sosfiltfilt(butter(rng.randint(2, 5), edges, "bandpass", fs=RATE, output="sos"), audio)
    if rng.random() < 0.5:
        return np.asarray(narrow, np.float32)
    peak = max(float(np.abs(narrow).max(initial=0)), 1e-6)
    squeezed = np.log1p(_MU * np.abs(narrow) / peak) / np.log1p(_MU)
    steps = np.sign(narrow) * np.round(squeezed * 127) / 127
    return np.asarray(np.sign(steps) * peak * np.expm1(np.abs(steps) * np.log1p(_MU)) / _MU, np.float32)


def _coloured(length: int, slope: float, noise: np.random.Generator) -> Audio:
    """Noise whose amplitude goes with frequency to the power `slope`, RMS 1."""
    size = next_fast_len(max(length, 2), real=True)
    spectrum = rfft(noise.standard_normal(size, np.float32))
    spectrum *= np.maximum(np.arange(len(spectrum), dtype=np.float32) / len(spectrum), 0.003) ** slope
    audio = irfft(spectrum, size)[:length]
    return np.asarray(audio / max(rms(audio), 1e-6), np.float32)


def background(kind: str, length: int, rng: random.Random, noise: np.random.Generator) -> Audio:
    """Noise of many colours, hum and clicks; the even hiss of a recorder, which hides f and v; or music."""
    if kind == "music":
        return _music(length, rng)
    if kind == "hiss":
        return _coloured(length, rng.uniform(-0.3, 0.3), noise)
    audio = _coloured(length, rng.uniform(-1.3, 0.4), noise)
    if rng.random() < 0.5:  # comes and goes
        points = noise.uniform(-1.2, 1.2, length // 4000 + 2)
        audio = audio * np.exp(np.interp(np.arange(length) / 4000, np.arange(len(points)), points)).astype(np.float32)
    if rng.random() < 0.25:
        time = np.arange(length) / RATE
        hum = sum(np.sin(2 * np.pi * rng.choice((50, 60)) * k * time) / k for k in range(1, 6))
        audio = audio * rng.uniform(0, 0.7) + np.asarray(hum, np.float32)
    if rng.random() < 0.25:
        for _ in range(rng.randint(1, 12)):
            first = rng.randrange(length)
            click = audio[first : first + 200]
            click += (np.exp(-np.arange(len(click)) / 30) * noise.standard_normal(len(click))).astype(np.float32) * 8
    return audio.astype(np.float32)


def _music(length: int, rng: random.Random) -> Audio:
    """Notes of a random scale on harmonic tones: chords, a bass and a melody, with or without drums."""
    audio = np.zeros(length, np.float32)
    root = rng.uniform(80, 220)
    scale = [0, 2, 4, 5, 7, 9, 11] if rng.random() < 0.5 else [0, 2, 3, 5, 7, 8, 10]
    beat = int(rng.uniform(0.2, 0.6) * RATE)
    brightness = rng.uniform(0.6, 2.0)
    decay = rng.uniform(0.15, 2.0)
    vibrato = rng.uniform(0, 0.006)
    for first in range(0, length, beat):
        for octave, chance in ((0.5, 0.6), (1, 0.7), (1, 0.5), (2, 0.7), (4, 0.3)):
            if rng.random() > chance:
                continue
            pitch = root * octave * 2 ** (rng.choice(scale) / 12)
            note = _note(pitch, min(beat * rng.randint(1, 3), length - first), brightness, decay, vibrato)
            audio[first : first + len(note)] += note * rng.uniform(0.3, 1)
    if rng.random() < 0.5:
        drums = np.random.default_rng(rng.getrandbits(32))
        for first in range(0, length, beat):
            hit = audio[first : first + RATE // 8]
            colour = drums.standard_normal(len(hit)) * np.exp(-np.arange(len(hit)) / rng.uniform(100, 800))
            hit += colour.astype(np.float32) * rng.uniform(0, 1.5)
    return audio


def _note(pitch: float, length: int, brightness: float, decay: float, vibrato: float) -> Audio:
    time = np.arange(length, dtype=np.float32) / RATE
    phase = 2 * np.pi * pitch * (time + vibrato * np.sin(2 * np.pi * 5 * time) / (2 * np.pi * 5))
    tone = np.zeros(length, np.float32)
    for harmonic in range(1, max(2, min(9, int(7000 / pitch)))):
        tone += np.sin(harmonic * phase).astype(np.float32) / harmonic**brightness
    attack = np.minimum(1, time / 0.02)
    return np.asarray(tone * attack * np.exp(-time / decay), np.float32)


def babble(voices: Sequence[NDArray[np.int16]], length: int, rng: random.Random) -> Audio:
    """Three to six other utterances at once."""
    audio = np.zeros(length, np.float32)
    for _ in range(rng.randint(3, 6)):
        other = rng.choice(voices)
        audio += np.resize(np.roll(other, rng.randrange(len(other))), length).astype(np.float32) / 32768
    return audio
