# SPDX-License-Identifier: GPL-3.0-or-later
"""The same speech as others would hear or say it: noise, telephone, room; a child's, a deep, a fast, a slow voice.

Everything is seeded by the clip and the condition, so that two evaluations hear the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from ..audio import RATE, level_dbfs
from ..errors import InputError
from .clips import Clip

Audio = NDArray[np.float32]
Change = Callable[[Audio, np.random.Generator], Audio]

NOISE_SNR_DB = 20.0
ROOM_RT60 = 0.5
"""Seconds in which the room's sound falls by 60 dB."""
ROOM_DIRECT_DB = 3.0
"""Level of the direct sound over the reverberation's, about a metre from the speaker."""


@dataclass(frozen=True)
class Condition:
    """One way to alter speech; `stretch` is the factor on all times. `noise`: the voice and its words stay."""

    name: str
    change: Change
    noise: bool = False
    stretch: float = 1.0

    def apply(self, clip: Clip, samples: Audio) -> tuple[Clip, Audio]:
        """The altered samples, with the clip's phones moved along."""
        rng = np.random.default_rng(crc32(f"{self.name} {clip.id}".encode()))
        phones = tuple((start * self.stretch, end * self.stretch, phone) for start, end, phone in clip.phones)
        altered = replace(clip, phones=phones, duration=clip.duration * self.stretch)
        return altered, np.ascontiguousarray(self.change(samples, rng), np.float32)


def with_noise(samples: Audio, rng: np.random.Generator) -> Audio:
    """White noise 20 dB under the speech, whose level is that of its louder half."""
    levels = level_dbfs(samples)
    speech = levels[levels >= np.median(levels)]
    power = float(np.mean(10 ** (speech / 10)))
    noise = rng.standard_normal(len(samples)) * np.sqrt(power * 10 ** (-NOISE_SNR_DB / 10))
    return np.asarray(samples + noise, np.float32)


def through_telephone(samples: Audio, _rng: np.random.Generator) -> Audio:
    """300 to 3400 Hz at 8 kHz, without delay."""
    from scipy.signal import butter, resample_poly, sosfiltfilt

    narrow = resample_poly(samples.astype(np.float64), 1, 2)
    # run forwards and backwards, so that the order counts twice and nothing is late
    band = butter(4, (300, 3400), "bandpass", fs=RATE // 2, output="sos")
    wide = resample_poly(sosfiltfilt(band, narrow), 2, 1)
    return np.asarray(wide[: len(samples)], np.float32)


def in_a_room(samples: Audio, rng: np.random.Generator) -> Audio:
    """Direct sound and an exponential tail of noise, after Polack's model of a diffuse room."""
    from scipy.signal import fftconvolve

    seconds = np.arange(int(1.2 * ROOM_RT60 * RATE)) / RATE
    response = rng.standard_normal(len(seconds)) * 10 ** (-3 * seconds / ROOM_RT60)
    response[seconds < 0.0025] = 0
    response *= 10 ** (-ROOM_DIRECT_DB / 20) / np.sqrt(np.sum(response**2))
    response[0] = 1
    return np.asarray(fftconvolve(samples, response)[: len(samples)], np.float32)


def other_voice(formants: float, pitch: float, duration: float = 1.0) -> Change:
    """Praat's "Change gender": factors on formants, median pitch and duration."""

    def change(samples: Audio, rng: np.random.Generator) -> Audio:
        try:
            import parselmouth
            from parselmouth.praat import call, run
        except ModuleNotFoundError:
            raise InputError(
                "Other voices need the Python package 'praat-parselmouth': install it with "
                "`pip install praat-parselmouth`."
            ) from None
        voice = parselmouth.Sound(samples.astype(np.float64), sampling_frequency=RATE)
        heard = voice.to_pitch().selected_array["frequency"]
        voiced = heard[heard > 0]
        # 0 keeps the pitch, which a clip without any must
        median = float(np.median(voiced)) * pitch if len(voiced) and pitch != 1 else 0.0
        # it draws its own random numbers for what is not voiced
        run(f"random_initializeWithSeedUnsafelyButPredictably ({rng.integers(2**31)})")
        altered = call(voice, "Change gender", 75, 600, formants, median, 1, duration)
        return np.asarray(altered.values[0], np.float32)

    return change


CONDITIONS = (
    Condition("noise 20 dB", with_noise, noise=True),
    Condition("telephone", through_telephone, noise=True),
    Condition("room", in_a_room, noise=True),
    Condition("child-like voice", other_voice(1.2, 1.5)),
    Condition("deep voice", other_voice(0.87, 0.75)),
    Condition("fast 1.3", other_voice(1, 1, 1 / 1.3), stretch=1 / 1.3),
    Condition("slow 0.8", other_voice(1, 1, 1 / 0.8), stretch=1 / 0.8),
)
