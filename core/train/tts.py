# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech with exact phone timings from flite and espeak-ng, and what all synthesisers here have in common."""

from __future__ import annotations

import ctypes
import ctypes.util
import math
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import resample_poly

from ..audio import RATE
from ..errors import InputError
from ..phones import PhoneSpan

_PAUSES = ("pau", "h#", "brth", "")
_PLAIN_ENGLISH = {
    "dx": "D", "nx": "N", "el": "L", "em": "M", "en": "N", "hv": "HH", "axr": "ER", "ssil": "SIL",
}  # fmt: skip


@dataclass(frozen=True)
class Speech:
    """What a synthesiser said: samples (n,) float32 mono at 16 kHz, and its phones from 0 to the end."""

    samples: NDArray[np.float32]
    phones: list[PhoneSpan]


def flite(
    text: str, voice: str, *, stretch: float = 1.0, pitch: float = 1.0, pitch_hz: tuple[float, float] | None = None
) -> Speech:
    """Say a text with a flite voice (slt, rms, awb, kal16).

    pitch: factor on the pitch of slt, rms and awb.
    pitch_hz: mean and deviation in Hz, for kal16 only.
    """
    settings = [f"duration_stretch={stretch:.3f}", f"f0_shift={pitch:.3f}"]
    if pitch_hz is not None:
        settings += [f"int_f0_target_mean={pitch_hz[0]:.1f}", f"int_f0_target_stddev={pitch_hz[1]:.1f}"]
    options = [word for setting in settings for word in ("--setf", setting)]
    with tempfile.NamedTemporaryFile(suffix=".wav") as wav:
        command = ["flite", "-voice", voice, *options, "-psdur", "-t", text, "-o", wav.name]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        samples = read(wav.name)
    ends = [(float(end), arpabet(name)) for name, end in (word.rsplit(":", 1) for word in printed.split())]
    return Speech(samples, from_ends(ends, len(samples) / RATE))


def arpabet(name: str) -> str:
    """A phone of flite or festival's English in capitals, for a lone small letter would be IPA: `y` is [j] here.

    Their flaps, syllabic sonants and the voiced h are given as the plain sound.
    """
    return _PLAIN_ENGLISH.get(name, "SIL" if name in _PAUSES else name.upper())


def spelling(table: str) -> dict[str, str]:
    """A table of phone names from words `name:ipa`, or `name` alone where both are the same."""
    pairs = (word.rpartition(":") for word in table.split())
    return {name or ipa: ipa for name, _, ipa in pairs}


def from_ends(ends: Sequence[tuple[float, str]], duration: float) -> list[PhoneSpan]:
    """Segments from each phone's end; the last one is stretched or a silence added, to the end of the audio."""
    phones: list[PhoneSpan] = []
    start = 0.0
    for wanted, name in ends:
        end = min(wanted, duration)
        if end > start:
            phones.append((start, end, name))
            start = end
    if duration > start:
        phones.append((start, duration, "SIL"))
    return phones


def read(path: Path | str) -> NDArray[np.float32]:
    """A sound file as (n,) float32 at 16 kHz."""
    samples, rate = soundfile.read(path, dtype="float32")
    return to_16k(samples, rate)


def to_16k(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Samples (n,) of another rate in Hz."""
    common = math.gcd(rate, RATE)
    return np.asarray(resample_poly(samples, RATE // common, rate // common), np.float32)


class _Id(ctypes.Union):
    _fields_: ClassVar = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    """`espeak_EVENT` of espeak-ng's speak_lib.h."""

    _fields_: ClassVar = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
_SYNCHRONOUS, _PHONEME_EVENTS_IPA, _PHONEME_EVENT = 2, 1 | 2, 7
_RATE_PARAMETER, _PITCH_PARAMETER, _RANGE_PARAMETER = 1, 3, 4


@dataclass
class Espeak:
    """The espeak-ng library. Its state is global, so one of these per process."""

    _pcm: bytearray = field(default_factory=bytearray)
    _events: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._library: Any = ctypes.CDLL(ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1")
        self._rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS_IPA)
        self._callback = _Callback(self._receive)  # kept here, or it would be collected while the library holds it
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, samples: Any, count: int, events: Any) -> int:  # noqa: ANN401  ctypes pointers
        if samples and count > 0:
            self._pcm += ctypes.string_at(samples, 2 * count)
        index = 0
        while events[index].type:
            if events[index].type == _PHONEME_EVENT:
                name = events[index].id.string.decode("utf-8", "ignore")
                if not name.startswith("("):  # "(en)" says the language switched and has no sound
                    self._events.append((events[index].audio_position / 1000, name))
            index += 1
        return 0

    def say(self, text: str, voice: str, *, rate: int = 170, pitch: int = 50, pitch_range: int = 50) -> Speech:
        """Say a text with a voice by its file name (`en-us+f3`); rate in words a minute, pitches 0 to 100.

        Raises InputError when the voice does not exist.
        """
        self._pcm.clear()
        self._events.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise InputError(f"espeak-ng has no voice '{voice}': install a newer espeak-ng (1.51 is known to work).")
        for parameter, value in ((_RATE_PARAMETER, rate), (_PITCH_PARAMETER, pitch), (_RANGE_PARAMETER, pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        encoded = text.encode() + b"\0"
        utf8 = 1
        self._library.espeak_Synth(encoded, len(encoded), 0, 1, 0, utf8, None, None)
        self._library.espeak_Synchronize()
        pcm = np.frombuffer(bytes(self._pcm), np.int16)
        phones = _join_short_gaps(_move_to_closures(self._segments(len(pcm) / self._rate), pcm, self._rate))
        return Speech(to_16k(pcm.astype(np.float32) / 32768, self._rate), phones)

    def _segments(self, duration: float) -> list[PhoneSpan]:
        times = [time for time, _ in self._events] + [duration]
        named = [(start, end, name) for (start, name), end in zip(self._events, times[1:], strict=True) if end > start]
        return [(0.0, named[0][0], ""), *named] if named and named[0][0] > 0 else named


def _move_to_closures(phones: list[PhoneSpan], pcm: NDArray[np.int16], rate: int) -> list[PhoneSpan]:
    """Start voiceless stops at their closure.

    espeak-ng starts their label at the burst and counts the silent closure (exact zeros) to the phone before, which
    would close the lips after they should be.
    """
    per_ms = rate // 1000
    loud = np.abs(pcm[: len(pcm) // per_ms * per_ms].astype(int)).reshape(-1, per_ms).max(1, initial=0) > 30
    moved = list(phones)
    for index in range(1, len(moved)):
        start, end, name = moved[index]
        before = moved[index - 1]
        if not before[2] or not name.lstrip("ˈˌ").startswith(("p", "t", "k", "c", "q", "ʈ")):
            continue
        lowest = int(max(before[0] + 0.02, start - 0.12) * 1000)
        last = min(int(start * 1000) + 6, len(loud) - 1)
        while last > lowest and loud[last]:
            last -= 1
        first = last
        while first > lowest and not loud[first - 1]:
            first -= 1
        if last - first >= 8 and last / 1000 > start - 0.02:
            moved[index] = (first / 1000, end, name)
            moved[index - 1] = (before[0], first / 1000, before[2])
    return moved


def _join_short_gaps(phones: list[PhoneSpan]) -> list[PhoneSpan]:
    """An unnamed event is a pause, unless it is under 60 ms inside a word: then it belongs to the phone before."""
    joined: list[PhoneSpan] = []
    for start, end, name in phones:
        if not name and joined and joined[-1][2] and end - start < 0.06:
            joined[-1] = (joined[-1][0], end, joined[-1][2])
        else:
            joined.append((start, end, name))
    return joined
