# SPDX-License-Identifier: GPL-3.0-or-later
"""Any audio file or samples -> mono float32 at 16 kHz, the form that every model hears."""

from __future__ import annotations

import math
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .resample import resample

RATE = 16000
"""Samples per second of all audio inside artalk."""

SILENCE_DBFS = -60.0
"""A clip whose loudest 50 ms stay below this level holds no speech."""

_CANCELLED_SHARE = 1e-3
"""An average with less than this share of the loudest channel's power (30 dB) has cancelled itself."""


def read(path: Path | str) -> NDArray[np.float32]:
    """Read an audio file (WAV, FLAC, OGG, MP3, AIFF, …) as mono (n,) at 16 kHz.

    Raises InputError when the file is missing, is not audio, or is empty.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"'{path}' is a folder: give a sound file.")
    if not path.is_file():
        raise InputError(f"The sound file '{path}' is missing: check the path.")
    samples, rate = decode(path)
    if len(samples) == 0:
        raise InputError(f"The sound file '{path.name}' is empty: choose one with speech in it.")
    return to_mono_16k(samples, rate)


def decode(path: Path) -> tuple[NDArray[np.float32], int]:
    """All samples (n, channels) of an existing file and their rate; InputError when it is no audio."""
    try:
        import soundfile
    except (ImportError, OSError):
        return _decode_wav(path)
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        raise InputError(
            f"'{path.name}' is not an audio file that can be read: use WAV, FLAC, OGG, MP3 or AIFF."
        ) from None
    return samples, rate


def _decode_wav(path: Path) -> tuple[NDArray[np.float32], int]:
    """As `decode`, through Python's own reader of WAV files with whole numbers, for a Python without soundfile."""
    try:
        with wave.open(str(path)) as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = np.frombuffer(file.readframes(file.getnframes()), np.uint8)
    except (wave.Error, EOFError):
        raise InputError(
            f"'{path.name}' is not a plain WAV file, which is all that can be read without the Python package "
            "'soundfile': export it as WAV with 16 bits."
        ) from None
    # the bytes of a sample are the upper ones of a whole number of 32 bits; those of 8 bits have no sign
    padded = np.zeros((len(data) // width, 4), np.uint8)
    padded[:, 4 - width :] = data.reshape(-1, width) ^ (128 if width == 1 else 0)
    return (padded.view("<i4").astype(np.float32) / np.float32(1 << 31)).reshape(-1, channels), rate


def to_mono_16k(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Samples (n,) or (n, channels) at any rate -> mono (n',) at 16 kHz.

    Converts the rate first and averages the channels afterwards, the order of ARTalk's published tools; channels that
    cancel each other give the loudest one instead.
    """
    converted = resample(np.asarray(samples, np.float32), rate, RATE)
    if converted.ndim == 1:
        return converted
    mono = _mean(converted)
    power = np.square(converted, dtype=np.float64).sum(axis=0)
    # channels in opposite phase cancel in the average although the voice is heard: then one channel speaks
    cancelled = np.square(mono, dtype=np.float64).sum() < _CANCELLED_SHARE * power.max()
    return np.ascontiguousarray(converted[:, power.argmax()]) if cancelled else mono


def _mean(converted: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(converted.mean(axis=1), np.float32)


def to_mono_16k_by_pieces(
    read: Callable[[int, int], NDArray[np.float32]], count: int, rate: int
) -> NDArray[np.float32]:
    """As `to_mono_16k` of `read(0, count)`, (count, channels), but never with more than two minutes of it in memory."""
    step = rate // math.gcd(rate, RATE)
    piece = -(-_PIECE * rate // step) * step
    if count <= piece:
        return to_mono_16k(read(0, count), rate)
    # more than the resampler reaches, and a whole number of its periods
    margin = -(-rate // step) * step
    mono = np.empty(-(-count * RATE // rate), np.float32)
    power: NDArray[np.float64] | float = 0.0

    def pieces() -> Iterator[tuple[slice, NDArray[np.float32]]]:
        for begin in range(0, count, piece):
            before, end = max(0, begin - margin), min(count, begin + piece)
            converted = resample(read(before, min(count, end + margin)), rate, RATE)
            first = begin * RATE // rate
            here = slice(first, min(len(mono), first + piece * RATE // rate))
            yield here, converted[first - before * RATE // rate :][: here.stop - first]

    for here, converted in pieces():
        mono[here] = _mean(converted)
        power = power + np.square(converted, dtype=np.float64).sum(axis=0)
    if np.square(mono).sum(dtype=np.float64) < _CANCELLED_SHARE * np.max(power):
        loudest = int(np.argmax(power))
        for here, converted in pieces():
            mono[here] = converted[:, loudest]
    return mono


_PIECE = 120
"""Seconds."""
_LARGEST = 2.0**32
"""A generous bound: whole numbers of 32 bits that are taken for shares of full scale pass."""


def level_dbfs(samples: NDArray[np.float32], window: float = 0.05) -> NDArray[np.float32]:
    """Level of each successive window of `window` seconds, dB below full scale (RMS), at least -120."""
    size = int(window * RATE)
    count = max(1, -(-len(samples) // size))
    padded = np.zeros(count * size, np.float32)
    padded[: len(samples)] = samples
    power = np.square(padded.reshape(count, size), dtype=np.float64).mean(axis=1)
    return np.float32(10) * np.log10(np.maximum(power, 1e-12)).astype(np.float32)


def are_samples(samples: NDArray[np.float32]) -> bool:
    """Whether all of them are numbers that a sound can have; whole numbers of 32 bits, wrongly scaled, pass."""
    return bool((np.abs(samples) <= _LARGEST).all())


def require_speech(samples: NDArray[np.float32], what: str) -> None:
    """Raise InputError when the samples are empty or silent all through; `what` names them in the sentence."""
    if len(samples) == 0:
        raise InputError(f"{what} has no length: make it longer than zero frames.")
    if not are_samples(samples):
        raise InputError(f"{what} holds samples that are no numbers or far too large: export the sound again.")
    # a constant offset is no sound
    if level_dbfs(samples - samples.mean()).max() < SILENCE_DBFS:
        raise InputError(f"{what} holds only silence: choose a sound with speech in it, or make it louder.")
