# SPDX-License-Identifier: GPL-3.0-or-later
"""Forced alignment: when each phone of a known text is spoken in a recording, and whether the answer can be believed.

The recogniser is pocketsphinx with the US English acoustic model that comes inside its wheel. Other languages are read
by espeak-ng, each of its IPA symbols is aligned as the English phones that sound most like it, and then put back.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..audio import RATE
from ..errors import InputError
from ..phones import PhoneSpan, is_silence, lookup
from .tts import Speech

if TYPE_CHECKING:
    from pocketsphinx import Decoder

_FRAME = 0.01
_BIAS = 0.008
"""Seconds by which the aligner's onsets lie before those that phoneticians set by hand (207 onsets)."""

_NOISE_IN_FRONT = (0.1, 0.25, 0.0)
"""Seconds of noise to try in turn. Some comes first, since the decoder starts from what it heard last."""

_VOICELESS_STOPS = ("p", "t", "k", "c", "q", "ʈ")

# IPA without marks -> the ARPABET phones that the English model has for about that sound
_NEAREST = {
    **{"p": "P", "b": "B", "t": "T", "d": "D", "ʈ": "T", "ɖ": "D", "k": "K", "ɡ": "G", "g": "G", "c": "K", "ɟ": "G"},
    **{"q": "K", "ɢ": "G", "ʔ": "T", "m": "M", "ɱ": "M", "n": "N", "ɳ": "N", "ɲ": "N", "ŋ": "NG", "ɴ": "NG"},
    **{"f": "F", "v": "V", "ɸ": "F", "β": "V", "θ": "TH", "ð": "DH", "s": "S", "z": "Z", "ʃ": "SH", "ʒ": "ZH"},
    **{"ʂ": "SH", "ʐ": "ZH", "ɕ": "SH", "ʑ": "ZH", "ç": "SH", "ʝ": "Y", "x": "HH", "ɣ": "G", "χ": "HH", "ʁ": "R"},
    **{"ħ": "HH", "h": "HH", "ɦ": "HH", "ʕ": "AA", "ʀ": "R", "r": "R", "ɾ": "D", "ɹ": "R", "ɻ": "R", "ɽ": "D"},
    **{"ɐ̯": "AH", "l": "L", "ɫ": "L", "ɭ": "L", "ʎ": "L Y", "ɬ": "L", "ɮ": "L", "j": "Y", "w": "W", "ɥ": "Y"},
    **{"ʋ": "V", "ɰ": "W", "ʍ": "W", "ts": "T S", "dz": "D Z", "tʃ": "CH", "dʒ": "JH", "tɕ": "CH", "dʑ": "JH"},
    **{"tʂ": "CH", "ʈʂ": "CH", "dʐ": "JH", "pf": "P F", "i": "IY", "y": "IY", "ɨ": "IH", "ʉ": "UW", "ɯ": "UH"},
    **{"u": "UW", "ɪ": "IH", "ʏ": "IH", "ʊ": "UH", "e": "EH", "ø": "ER", "ɘ": "AH", "ɵ": "UH", "ɤ": "AH", "o": "OW"},
    **{"ə": "AH", "ɛ": "EH", "œ": "ER", "ɜ": "ER", "ɚ": "ER", "ɝ": "ER", "ɞ": "ER", "ʌ": "AH", "ɔ": "AO"},
    **{"æ": "AE", "ɐ": "AH", "a": "AA", "ɶ": "AA", "ɑ": "AA", "ɒ": "AO", "ᵻ": "IH", "ɚ̯": "ER", "aɪ": "AY", "ai": "AY"},
    **{"eɪ": "EY", "ei": "EY", "ɔɪ": "OY", "oɪ": "OY", "oi": "OY", "aʊ": "AW", "au": "AW", "oʊ": "OW", "əʊ": "OW"},
    **{"ou": "OW", "ɔø": "OY", "ɔʏ": "OY"},
}
_MARKS = "ˈˌːˑʰʼ˞ʲʷˤᵝ̪̃̍̊̈̆̋́̀̂̌̄̇̐̚.-#^`\"?*'!|~0123456789"


@dataclass(frozen=True)
class Aligned:
    """Phones from 0 to the end of a recording, and how well the acoustic model likes them.

    score: mean log likelihood of a frame against the likeliest sound at that moment, in the decoder's units: 0 at best,
        comparable between texts of the same recording.
    """

    phones: list[PhoneSpan]
    score: float


@dataclass(frozen=True)
class Plausibility:
    """What a right alignment has and a wrong one lacks.

    stops: number of p, t and k.
    dips: share of them that hold 10 ms or more at least 12 dB under the vowels; 1 when there are none.
    hurried: share of phones as short as the aligner allows (30 ms).
    longest: seconds of the longest phone.
    contrast: dB from the quietest tenth of the recording to the vowels' median level.
    missed: share of the recording that is called a pause and yet within 10 dB of the vowels.
    """

    stops: int
    dips: float
    hurried: float
    longest: float
    contrast: float
    missed: float

    def believable(self) -> bool:
        """Whether the labels may be taught: closures where stops are, no phones squeezed or stretched."""
        return (
            self.dips >= 0.5
            and self.hurried <= 0.4
            and self.longest <= 0.7
            and self.contrast >= 12
            and self.missed <= 0.1
        )


def align(samples: NDArray[Any], text: str, language: str = "en") -> list[PhoneSpan]:
    """When each phone of `text` is spoken: spans from 0 to the end of the samples, pauses named SIL.

    samples: (n,) mono at 16 kHz, int16 or floats within ±1.
    language: 'en' gives ARPABET without stress, AX for the schwa; any other voice of espeak-ng ('fr', 'pt-br') gives
        IPA as espeak-ng writes it.
    Method: two Viterbi passes (words, then their phones) in frames of 10 ms; against 207 onsets set by hand the mean
    error is 14 ms.
    Raises InputError when the text has no words or cannot be found in the recording.
    """
    return align_scored(samples, text, language).phones


def align_scored(samples: NDArray[Any], text: str, language: str = "en", *, patient: bool = True) -> Aligned:
    """`align` with the acoustic score. Raises InputError as it does.

    patient: try again where the decoder loses its way.
    """
    words = _words(text, language)
    decoder = _decoder()
    entries = _first_success(
        decoder, _audible(samples), _names(decoder, words), _NOISE_IN_FRONT if patient else _NOISE_IN_FRONT[:1]
    )
    if entries is None:
        raise InputError(f"'{text}' was not found in the recording: check that it says these words.")
    spoken = _respelled(entries, words)
    if language == "en":
        spoken = _with_schwas(spoken, text)
    score = sum(entry.score for entry in entries) * _FRAME / max(_FRAME, entries[-1].end)
    return Aligned(_gapless(spoken, len(samples) / RATE), score)


def aligned_speech(samples: NDArray[np.float32], text: str, language: str) -> Speech | None:
    """Speech (n,) of a synthesiser that says no timings, with those found; None when these are not believable."""
    try:
        phones = align(samples, text, language)
    except InputError:
        return None
    return Speech(samples, phones) if plausibility(samples, phones).believable() else None


def plausibility(samples: NDArray[Any], phones: Sequence[PhoneSpan]) -> Plausibility:
    """Check an alignment against the recording's loudness, in windows of 10 ms."""
    level = _levels(_audible(samples))
    within = [level[_frames(start, end, len(level))] for start, end, _ in phones]
    parts = [lookup(name)[0] for _, _, name in phones]
    vowels = [frames for frames, part in zip(within, parts, strict=True) if part.kind.startswith("vowel")]
    spoken = [span for span in phones if not is_silence(span[2])]
    loud = float(np.median(np.concatenate(vowels))) if vowels else float(np.percentile(level, 90))
    pauses = [frames for frames, span in zip(within, phones, strict=True) if is_silence(span[2])]
    dips = [
        bool(frames.min() < loud - 12)
        for frames, span in zip(within, phones, strict=True)
        if _is_voiceless_stop(span[2])
    ]
    durations = [end - start for start, end, _ in spoken] or [0.0]
    return Plausibility(
        stops=len(dips),
        dips=sum(dips) / len(dips) if dips else 1.0,
        hurried=sum(duration < 0.035 for duration in durations) / len(durations),
        longest=max(durations),
        contrast=loud - float(np.percentile(level, 10)),
        missed=sum(int(np.sum(frames > loud - 10)) for frames in pauses) / len(level),
    )


@dataclass(frozen=True)
class _Word:
    """A dictionary entry: its name, and each symbol to report with the ARPABET phones it is aligned as.

    A word of the decoder's own dictionary has no phones here: the decoder chooses among its pronunciations.
    """

    name: str
    phones: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class _Entry:
    """A phone of the decoder's alignment; `word` is the word's number in the text, None for a pause."""

    start: float
    end: float
    phone: str
    word: int | None
    score: float


@cache
def _decoder() -> Decoder:
    """One decoder a process: it takes most of a second to load.

    It rates every sound in every frame, so that scores do not depend on which sounds the text has.
    """
    try:
        from pocketsphinx import Decoder
    except ModuleNotFoundError:
        raise InputError(
            "Aligning recordings needs pocketsphinx, not installed here: pip install pocketsphinx."
        ) from None

    return Decoder(lm=None, cmn="batch", compallsen=True, loglevel="FATAL")


def _words(text: str, language: str) -> list[_Word]:
    words = _english_words(text) if language == "en" else _foreign_words(text, language)
    if not words:
        raise InputError(f"'{text}' holds no word to align: give what is spoken in the recording.")
    return words


def _names(decoder: Decoder, words: Sequence[_Word]) -> str:
    """The text for the decoder, all its words known to it."""
    for word in words:
        # the dictionary forgets nothing, so a word is added once in a process
        if decoder.lookup_word(word.name) is None:
            decoder.add_word(word.name, " ".join(phone for _, sounds in word.phones for phone in sounds), True)
    return " ".join(word.name for word in words)


def _noise(seconds: float) -> NDArray[np.int16]:
    return np.random.default_rng(0).normal(0, 30, int(seconds * RATE)).astype(np.int16)


def _first_success(decoder: Decoder, pcm: NDArray[np.int16], names: str, leads: Sequence[float]) -> list[_Entry] | None:
    """About one clip in twenty loses its way and finds it when more or less noise comes first."""
    for lead in leads:
        try:
            return _decode(decoder, np.concatenate([_noise(lead), pcm]), names, lead)
        except RuntimeError:
            continue
    return None


def _decode(decoder: Decoder, pcm: NDArray[np.int16], names: str, lead: float) -> list[_Entry]:
    """Both passes; times without the `lead` seconds of noise in front. Raises RuntimeError when nothing fits."""
    decoder.set_align_text(names)
    _pass(decoder, pcm)
    decoder.set_alignment()
    _pass(decoder, pcm)
    wanted = names.split()
    entries: list[_Entry] = []
    number = -1
    for word in decoder.get_alignment() or []:
        known = number + 1 < len(wanted) and _plain(word.name) == wanted[number + 1]
        number += known
        entries += [
            _Entry(
                max(0.0, phone.start * _FRAME - lead),
                max(0.0, (phone.start + phone.duration) * _FRAME - lead),
                phone.name,
                number if known else None,
                phone.score,
            )
            for phone in word
        ]
    if number + 1 != len(wanted):
        raise RuntimeError("not every word was found")
    return entries


def _pass(decoder: Decoder, pcm: NDArray[np.int16]) -> None:
    decoder.start_utt()
    try:
        decoder.process_raw(pcm.tobytes(), full_utt=True)
    finally:
        decoder.end_utt()


def _plain(name: str) -> str:
    """A word without the number of its pronunciation, `read(2)`."""
    return re.sub(r"\(\d+\)$", "", name)


def _audible(samples: NDArray[Any]) -> NDArray[np.int16]:
    """Samples at a common level as int16, over a whisper of noise: the model cannot take exact zeros."""
    floats = samples.astype(np.float64)
    floats -= floats.mean() if len(floats) else 0.0
    loudest = np.abs(floats).max(initial=0.0)
    noise = np.random.default_rng(0).normal(0, 3, len(floats))
    return np.clip(floats * (20000 / loudest if loudest else 0.0) + noise, -32767, 32767).astype(np.int16)


def _english_words(text: str) -> list[_Word]:
    words = []
    for spelled in re.findall(r"[a-z0-9']+", text.lower().replace("’", "'")):
        if _decoder().lookup_word(spelled) is not None:
            words.append(_Word(spelled, ()))
        elif phones := _flite_phones(spelled):
            words.append(_Word("flite:" + spelled, tuple((phone, _nearest(phone)) for phone in phones)))
    return words


@cache
def _flite_phones(text: str) -> tuple[str, ...]:
    """Phones without pauses as flite reads a text: ARPABET with AX."""
    printed = subprocess.run(["flite", "-ps", "-t", text, "none"], check=True, capture_output=True, text=True).stdout
    return tuple(phone.upper() for phone in printed.split() if phone != "pau")


def _foreign_words(text: str, language: str) -> list[_Word]:
    """The words as espeak-ng reads them in their context, where it may join some."""
    words = []
    for reading in read_aloud(text, language, "--sep=_"):
        phones = tuple((symbol, _nearest(symbol)) for symbol in reading.split("_") if _nearest(symbol))
        if phones:
            words.append(_Word("ipa:" + "_".join(symbol for symbol, _ in phones), phones))
    return words


def read_aloud(text: str, language: str, marks: str) -> list[str]:
    """The sounds of each word in IPA as espeak-ng reads them; `marks` is its option for what stands between sounds.

    Raises InputError when it has no such language.
    """
    command = ["espeak-ng", "-q", "--ipa", marks, "-v", language, "--", text]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"espeak-ng has no language '{language}': see espeak-ng --voices.")
    # '(en)' marks a word read in another language
    return re.sub(r"\([^)]*\)", "", done.stdout).split()


@cache
def _nearest(symbol: str) -> tuple[str, ...]:
    """The phones of the acoustic model to align an IPA or ARPABET symbol as; none for what is not a sound."""
    if symbol.isascii() and symbol.isupper():
        return ("AH",) if symbol == "AX" else (symbol,)
    plain = "".join(letter for letter in symbol if letter not in _MARKS)
    phones: list[str] = []
    while plain:
        length = 2 if plain[:2] in _NEAREST else 1
        phones += _NEAREST.get(plain[:length], "").split()
        plain = plain[length:]
    return tuple(phones)


def _respelled(entries: Sequence[_Entry], words: Sequence[_Word]) -> list[PhoneSpan]:
    """The decoder's phones by the names that the words have for them; several of them may make up one symbol."""
    spans: list[PhoneSpan] = []
    for number, group in groupby(entries, key=lambda entry: entry.word):
        if number is None:
            continue
        sounds = list(group)
        first = 0
        for symbol, phones in words[number].phones or [(sound.phone, (sound.phone,)) for sound in sounds]:
            last = first + len(phones)
            spans.append((sounds[first].start, sounds[last - 1].end, symbol))
            first = last
    return spans


def _with_schwas(spans: Sequence[PhoneSpan], text: str) -> list[PhoneSpan]:
    """AH as AX where flite reads a schwa: the decoder's dictionary has one name for both."""
    read = _flite_phones(text)
    ours = ["AH" if name == "AX" else name for _, _, name in spans]
    theirs = ["AH" if phone == "AX" else phone for phone in read]
    named = list(spans)
    for block in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks():
        for offset in range(block.size):
            if read[block.b + offset] == "AX":
                start, end, _ = named[block.a + offset]
                named[block.a + offset] = (start, end, "AX")
    return named


def _gapless(spans: Sequence[PhoneSpan], duration: float) -> list[PhoneSpan]:
    """Spans later by the aligner's bias, with SIL before, between and after them, from 0 to `duration`."""
    phones: list[PhoneSpan] = []
    now = 0.0
    for start, end, name in spans:
        first, last = min(start + _BIAS, duration), min(end + _BIAS, duration)
        if first > now + 1e-6:
            phones.append((now, first, "SIL"))
        if last > first:
            phones.append((first, last, name))
            now = last
    if duration > now:
        phones.append((now, duration, "SIL"))
    return phones


def _is_voiceless_stop(name: str) -> bool:
    return name in ("P", "T", "K") if name.isupper() else name.lstrip("ˈˌ").startswith(_VOICELESS_STOPS)


def _levels(pcm: NDArray[np.int16]) -> NDArray[np.float64]:
    """Level of each 10 ms in dB, at least one."""
    size = int(_FRAME * RATE)
    whole = np.zeros(max(1, -(-len(pcm) // size)) * size)
    whole[: len(pcm)] = pcm
    return 10 * np.log10(np.square(whole).reshape(-1, size).mean(axis=1) + 1.0)


def _frames(start: float, end: float, count: int) -> slice:
    """The windows that a span covers, at least one."""
    first = min(round(start / _FRAME), count - 1)
    return slice(first, max(first + 1, round(end / _FRAME)))
