# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech with exact phone timings from three free synthesisers: flite, festival and espeak-ng."""

from __future__ import annotations

import ctypes
import ctypes.util
import math
import re
import shutil
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

from ..errors import InputError
from ..phones import PhoneSpan

RATE = 16000
PACKAGES = "flite festival festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts espeak-ng"


@dataclass(frozen=True)
class Speech:
    """What a synthesiser said: samples (n,) float32 mono at 16 kHz, and its phones from 0 to the end."""

    samples: NDArray[np.float32]
    phones: list[PhoneSpan]


def require_synthesisers() -> None:
    """Raise InputError naming the Debian packages when a synthesiser is not installed."""
    missing = [tool for tool in ("flite", "festival", "espeak-ng") if shutil.which(tool) is None]
    voices = Path("/usr/share/festival/voices")
    if not missing and not any(voices.glob("*/cmu_us_slt_arctic_hts")):
        missing = ["the festival voices"]
    if missing:
        raise InputError(
            f"Making the corpus needs {', '.join(missing)}, not installed here: apt-get install {PACKAGES} bible-kjv."
        )


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
        samples = _read(wav.name)
    ends = [(float(end), name) for name, end in (word.rsplit(":", 1) for word in printed.split())]
    return Speech(samples, _from_ends(ends, len(samples) / RATE))


def festival(
    texts: Sequence[str], voice: str, *, stretch: float = 1.0, pitch_hz: tuple[float, float] | None = None
) -> list[Speech]:
    """Say several texts with a festival voice (kal_diphone, ked_diphone, cmu_us_slt_arctic_hts) in one process.

    pitch_hz: mean and deviation in Hz, for the diphone voices only.
    """
    with tempfile.TemporaryDirectory() as folder:
        script = [f"(voice_{voice})", f"(Parameter.set 'Duration_Stretch {stretch:.3f})"]
        if pitch_hz is not None:
            mean, deviation = pitch_hz
            script.append(
                f"(set! int_lr_params '((target_f0_mean {mean:.1f}) (target_f0_std {deviation:.1f})"
                " (model_f0_mean 170) (model_f0_std 34)))"
            )
        for index, text in enumerate(texts):
            plain = re.sub(r'["\\]', " ", text)
            script.append(
                f'(set! u (utt.synth (Utterance Text "{plain}")))'
                f'(utt.save.wave u "{folder}/{index}.wav" \'riff)(utt.save.segs u "{folder}/{index}.lab")'
            )
        job = Path(folder, "job.scm")
        job.write_text("\n".join(script))
        subprocess.run(["festival", "-b", str(job)], check=True, capture_output=True)
        return [_festival_result(Path(folder, str(index))) for index in range(len(texts))]


def _festival_result(stem: Path) -> Speech:
    samples = _read(stem.with_suffix(".wav"))
    lines = [line.split() for line in stem.with_suffix(".lab").read_text().splitlines()]
    ends = [(float(words[0]), words[2]) for words in lines if len(words) == 3 and words[0] != "#"]
    return Speech(samples, _from_ends(ends, len(samples) / RATE))


def _from_ends(ends: Sequence[tuple[float, str]], duration: float) -> list[PhoneSpan]:
    """Segments from each phone's end; the last one is stretched or a silence added, to the end of the audio."""
    phones: list[PhoneSpan] = []
    start = 0.0
    for end, name in ends:
        if end > start:
            phones.append((start, end, name))
            start = end
    if duration > start:
        phones.append((start, duration, "SIL"))
    return phones


def _read(path: Path | str) -> NDArray[np.float32]:
    samples, rate = soundfile.read(path, dtype="float32")
    return _to_16k(samples, rate)


def _to_16k(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
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
        return Speech(_to_16k(pcm.astype(np.float32) / 32768, self._rate), phones)

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
