# SPDX-License-Identifier: GPL-3.0-or-later
"""Any audio file or samples -> mono float32 at 16 kHz, the form that every model hears."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .resample import resample

RATE = 16000
"""Samples per second of all audio inside artalk."""

SILENCE_DBFS = -60.0
"""A clip whose loudest 50 ms stay below this level holds no speech."""


def read(path: Path | str) -> NDArray[np.float32]:
    """Read an audio file (WAV, FLAC, OGG, MP3, AIFF, …) as mono (n,) at 16 kHz.

    Raises InputError when the file is missing, is not audio, or is empty.
    """
    import soundfile

    path = Path(path)
    if not path.is_file():
        raise InputError(f"The sound file '{path}' is missing: check the path.")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        raise InputError(
            f"'{path.name}' is not an audio file that can be read: use WAV, FLAC, OGG, MP3 or AIFF."
        ) from None
    if len(samples) == 0:
        raise InputError(f"The sound file '{path.name}' is empty: choose one with speech in it.")
    return to_mono_16k(samples, rate)


def to_mono_16k(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Samples (n,) or (n, channels) at any rate -> mono (n',) at 16 kHz.

    Converts the rate first and averages the channels afterwards, the order of ARTalk's published tools.
    """
    converted = resample(np.asarray(samples, np.float32), rate, RATE)
    mono = converted if converted.ndim == 1 else converted.mean(axis=1)
    return np.ascontiguousarray(mono, np.float32)


def level_dbfs(samples: NDArray[np.float32], window: float = 0.05) -> NDArray[np.float32]:
    """Level of each successive window of `window` seconds, dB below full scale (RMS), at least -120."""
    size = int(window * RATE)
    count = max(1, -(-len(samples) // size))
    padded = np.zeros(count * size, np.float32)
    padded[: len(samples)] = samples
    power = np.square(padded.reshape(count, size), dtype=np.float64).mean(axis=1)
    return np.float32(10) * np.log10(np.maximum(power, 1e-12)).astype(np.float32)


def require_speech(samples: NDArray[np.float32], what: str) -> None:
    """Raise InputError when the samples are empty or silent all through; `what` names them in the sentence."""
    if len(samples) == 0:
        raise InputError(f"{what} has no length: make it longer than zero frames.")
    if not np.isfinite(samples).all():
        raise InputError(f"{what} holds samples that are no numbers: export the sound again.")
    if level_dbfs(samples).max() < SILENCE_DBFS:
        raise InputError(f"{what} holds only silence: choose a sound with speech in it.")
