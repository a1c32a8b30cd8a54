# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech with exact phone timings from RHVoice: statistical voices trained on recordings of people."""

from __future__ import annotations

import ctypes
import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..errors import InputError
from ..phones import PhoneSpan
from .tts import Speech, arpabet, spelling, to_16k

PACKAGES = "librhvoice5 rhvoice-english rhvoice-russian rhvoice-ukrainian rhvoice-esperanto rhvoice-kyrgyz"

# Only voices under the LGPL. The same packages bring voices that may not be used commercially or changed (arina,
# artemiy, evgeniy, lyubov, mikhail, pavel, tatiana, victoria, vitaliy, yuriy, marianna, volodymyr): not these.
VOICES = {
    "english": ("clb", "slt", "bdl", "alan"),
    "russian": ("anna", "elena", "irina", "aleksandr"),
    "ukrainian": ("natalia", "anatol"),
    "esperanto": ("spomenka",),
    "kyrgyz": ("nazgul", "azamat"),
}

_SLAVIC = (
    "p b m f v t d n s z l r k j a e o u i pp:pʲ bb:bʲ mm:mʲ ff:fʲ vv:vʲ tt:tʲ dd:dʲ nn:nʲ ss:sʲ zz:zʲ ll:lʲ rr:rʲ "
    "kk:kʲ gg:ɡʲ g:ɡ h:x hh:xʲ c:ts ch:tɕ sh:ʂ sch:ɕ zh:ʐ y:ɨ a0:ɐ e0:ɪ i0:ɪ o0:ɐ y0:ɨ u0:ʊ"
)
_TABLES = {
    "russian": spelling(_SLAVIC),
    "ukrainian": spelling(
        "p b m f t d n s z l r k j a e o u i:ɪ ii:i pj:pʲ bj:bʲ mj:mʲ fj:fʲ wj:ʋ tj:tʲ dj:dʲ nj:nʲ sj:sʲ zj:zʲ lj:lʲ "
        "rj:rʲ kj:kʲ g:ɡ gj:ɡʲ gh:ɦ ghj:ɦ h:x hj:xʲ w:ʋ ts tsj:ts dz dzj:dz tsh:tʃ tshj:tʃ dzh:dʒ dzhj:dʒ sh:ʃ shj:ʃ "
        "zh:ʒ zhj:ʒ"
    ),
    "esperanto": spelling("p b m f v t d n s z l r k w h a e i o u g:ɡ zh:ʒ sh:ʃ hh:x j:dʒ c:ts ch:tʃ y:j"),
    "kyrgyz": spelling(
        "p b m f v t d n s z l r k j a e i o u g:ɡ aa:aː ee:eː oo:oː uu:uː of:ø oof:øː uf:y uuf:yː y:ɯ h:x c:ts ch:tʃ "
        "dzh:dʒ zh:ʒ sh:ʃ sch:ɕ ng:ŋ"
    ),
    # never trained on: what core/evaluate/unheard_voices.py listens with
    "polish": spelling(
        "p b m f v t d n s z l r k w a e:ɛ i o:ɔ u ih:ɨ en:ɛ̃ on:ɔ̃ g:ɡ h:x y:j ni:ɲ c:ts dz ch:tʂ dzh:dʐ ci:tɕ dzi:dʑ "
        "sh:ʂ zh:ʐ si:ɕ zi:ʑ"
    ),
    "brazilian-portuguese": spelling(
        "p b m f v t d n s z l k j w a e i o u an:ɐ̃ en:ẽ in:ĩ on:õ un:ũ ee:ɛ oo:ɔ g:ɡ r:ɾ rh:ʁ nj:ɲ lj:ʎ jn:j wn:w "
        "tj:tʃ dj:dʒ sh:ʃ zh:ʒ"
    ),
    "albanian": spelling(
        "p b m f v t d n s z l k j h a i u y e:ɛ o:ɔ ih:ə ihs:ə g:ɡ ll:ɫ nj:ɲ r:ɾ rr:r rx:ɾ th:θ dh:ð ts dz ch:tʃ "
        "dzh:dʒ tch:c gj:ɟ sh:ʃ zh:ʒ"
    ),
    "macedonian": spelling(
        "p b m f v t d n s z l r k j a u i:ɨ ii:i e:ɛ o:ɔ ax:ə g:ɡ kj:c gj:ɟ nj:ɲ lj:ʎ h:x ts dz tsh:tʃ dzh:dʒ sh:ʃ "
        "zh:ʒ"
    ),
    "tatar": spelling(
        "p b m f v t d n s z l r k j w h a:ɑ e i o u af:æ of:ø uf:y y:ɤ g:ɡ gh:ʁ kh:q hh:χ ng:ŋ sh:ʃ zh:ʒ shj:ɕ zhj:ʑ"
    ),
}


class _Parameters(ctypes.Structure):
    """`RHVoice_synth_params` of RHVoice.h."""

    _fields_: ClassVar = [
        ("voice_profile", ctypes.c_char_p),
        *((f"absolute_{name}", ctypes.c_double) for name in ("rate", "pitch", "volume")),
        *((f"relative_{name}", ctypes.c_double) for name in ("rate", "pitch", "volume")),
        ("punctuation_mode", ctypes.c_int),
        ("punctuation_list", ctypes.c_char_p),
        ("capitals_mode", ctypes.c_int),
        ("flags", ctypes.c_int),
    ]


_SetRate = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
_Play = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_uint, ctypes.c_void_p)


class _Start(ctypes.Structure):
    """`RHVoice_init_params`, the callbacks that are not used here left null."""

    _fields_: ClassVar = [
        ("data_path", ctypes.c_char_p),
        ("config_path", ctypes.c_char_p),
        ("resource_paths", ctypes.c_void_p),
        ("set_sample_rate", _SetRate),
        ("play_speech", _Play),
        ("others", ctypes.c_void_p * 7),
        ("options", ctypes.c_uint),
    ]


@dataclass
class RHVoice:
    """The RHVoice library with the voices installed; one of these per process, for it is steered by the environment.

    Its engine writes what it synthesised, frame by frame, beside the file that RHVOICE_DEBUG_HTS_FILE names, and so do
    we learn the timings. Only the engine of the highest quality does so, hence the configuration file.
    """

    _pcm: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        try:
            self._library: Any = ctypes.CDLL("libRHVoice.so.5")
        except OSError:
            raise InputError(
                f"Making the corpus needs RHVoice, not installed here: apt-get install {PACKAGES}."
            ) from None
        self._folder = tempfile.TemporaryDirectory()
        Path(self._folder.name, "RHVoice.conf").write_text("quality=max\n")
        os.environ["RHVOICE_DEBUG_HTS_FILE"] = f"{self._folder.name}/said"
        self._rate = 24000
        self._start = _Start(
            data_path=b"/usr/share/RHVoice",
            config_path=self._folder.name.encode(),
            set_sample_rate=_SetRate(self._set_rate),
            play_speech=_Play(self._receive),
        )
        self._library.RHVoice_new_tts_engine.restype = ctypes.c_void_p
        self._library.RHVoice_new_message.restype = ctypes.c_void_p
        self._engine = ctypes.c_void_p(self._library.RHVoice_new_tts_engine(ctypes.byref(self._start)))

    def _set_rate(self, rate: int, _: Any) -> int:  # noqa: ANN401  ctypes pointer
        self._rate = rate
        return 1

    def _receive(self, samples: Any, count: int, _: Any) -> int:  # noqa: ANN401  ctypes pointer
        self._pcm += ctypes.string_at(samples, 2 * count)
        return 1

    def say(self, text: str, language: str, voice: str, *, rate: float = 1.0, pitch: float = 1.0) -> Speech:
        """Say a text as one sentence; rate and pitch are factors.

        Raises InputError when the voice is not installed.
        """
        self._pcm.clear()
        # a second sentence would overwrite the timings of the first
        encoded = re.sub(r"[.?!:;]+(?=.)", ",", text.strip()).encode()
        parameters = _Parameters(voice.encode(), 0, 0, 0, rate, pitch, 1, 0, None, 0, 0)
        message = ctypes.c_void_p(
            self._library.RHVoice_new_message(self._engine, encoded, len(encoded), 0, ctypes.byref(parameters), None)
        )
        if not message:
            raise InputError(f"RHVoice has no voice '{voice}': apt-get install {PACKAGES}.")
        self._library.RHVoice_speak(message)
        self._library.RHVoice_delete_message(message)
        samples = np.frombuffer(bytes(self._pcm), np.int16).astype(np.float32) / 32768
        return Speech(to_16k(samples, self._rate), self._phones(language, len(samples) / self._rate))

    def _phones(self, language: str, duration: float) -> list[PhoneSpan]:
        """The label file: start, end in units of 100 ns and the phone between - and + of its context.

        Its times are those before the rate was applied, which stretches the speech evenly.
        """
        lines = [line.split(" ", 2) for line in Path(self._folder.name, "said.lab").read_text().splitlines()]
        scale = duration / int(lines[-1][1])
        return [
            (int(start) * scale, int(end) * scale, _spelled(context.split("-", 1)[1].split("+", 1)[0], language))
            for start, end, context in lines
        ]


def _spelled(name: str, language: str) -> str:
    if name == "pau":
        return "SIL"
    return arpabet(name) if language == "english" else _TABLES[language][name]
