# SPDX-License-Identifier: GPL-3.0-or-later
"""The corpus: hours of synthesised speech with exact phone timings, in shards that can be made again from a seed."""

from __future__ import annotations

import ctypes.util
import json
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..audio import RATE
from ..errors import InputError
from ..phones import PhoneSpan
from ..whole_files import write_whole
from . import text, tts_festival, tts_kokoro, tts_pico, tts_rhvoice
from .tts import Espeak, Speech, flite

SHARD_MINUTES = 10.0
RECIPE = 3
"""Of which voices and texts a shard is made: counted up when that changes, so that older shards are not taken."""

_FESTIVAL_FOLDER = Path("/usr/share/festival/voices")
_RHVOICE_FOLDER = Path("/usr/share/RHVoice/voices")
_FLITE_VOICES = ("slt", "rms", "awb", "kal16")
_FLITE_WEIGHTS = (0.22, 0.34, 0.32, 0.12)  # slt speaks from three of the engines
_FESTIVAL_ENGLISH = tuple(name for name, voice in tts_festival.VOICES.items() if not voice.letters)
_FESTIVAL_OTHER = tuple(name for name, voice in tts_festival.VOICES.items() if voice.letters)
_RHVOICE_ENGLISH = ("clb", "slt", "bdl", "alan")
_RHVOICE_WEIGHTS = (0.45, 0.1, 0.25, 0.2)
_RHVOICE_OTHER = tuple(
    (letters, voice) for letters, voices in tts_rhvoice.VOICES.items() for voice in voices if letters != "english"
)
_PICO_ENGLISH = tuple(name for name, (_, letters) in tts_pico.VOICES.items() if not letters)
_PICO_OTHER = tuple(name for name, (_, letters) in tts_pico.VOICES.items() if letters)
_KOKORO_ENGLISH = tuple(name for name, (_, letters) in tts_kokoro.LANGUAGES.items() if not letters)
_KOKORO_OTHER = tuple(name for name, (_, letters) in tts_kokoro.LANGUAGES.items() if letters)
_ESPEAK_ENGLISH = ("en-us", "en-us", "en", "en-gb-x-rp", "en-gb-scotland", "en-029", "en-us-nyc", "en-gb-x-gbcwmd")
_ESPEAK_VARIANTS = (
    "m1 m2 m3 m4 m5 m6 m7 m8 f1 f2 f3 f4 f5 klatt klatt2 klatt3 klatt4 klatt6 Andy Annie Alicia Andrea Denis Diogo "
    "Gene Gene2 Hugo Jacky Lee Marco Mario Michael Mike adam anika antonio aunty belinda benjamin boris caleb croak "
    "david ed edward edward2 grandma grandpa gustave iven iven2 john linda marcelo max michel miguel norbert pablo "
    "paul pedro quincy rob robert sandro shelby steph steph2 steph3 travis victor zac whisper"
).split()
_ESPEAK_OTHER = ("fr", "de", "es", "es-419", "it", "pt", "pt-br", "nl", "sv", "pl", "cs", "hu", "fi", "tr", "ro", "id")
_ESPEAK_CYRILLIC = ("ru", "uk", "bg", "sr")
LICENCES = {
    "kokoro": "Kokoro-82M by hexgrad, model and voices Apache-2.0",
    "flite": "flite voices, free (BSD-like)",
    "festival": "festival voices, each free (BSD-like, GPL or LGPL)",
    "rhvoice": "RHVoice voices, LGPL-2.1+",
    "pico": "SVOX Pico voices, Apache-2.0",
    "espeak": "output of espeak-ng, not covered by its licence",
}
TEXT_SOURCES = "King James Bible (public domain), sentence templates and syllables of this project"


@dataclass(frozen=True)
class Item:
    """One utterance of the corpus."""

    samples: NDArray[np.int16]
    phones: list[PhoneSpan]
    engine: str
    voice: str
    text: str


@dataclass(frozen=True)
class _Spec:
    """What a shard is made of; written beside it, so a shard of another recipe is noticed."""

    seed: int
    index: int
    minutes: float


def build(
    folder: Path, hours: float = 4.0, seed: int = 0, jobs: int = 2, say: Callable[[str], None] | None = None
) -> list[Path]:
    """Synthesise a corpus into `folder` as shards of about ten minutes; shards that are there already are kept.

    Mix by time: English by Kokoro 30 %, flite 15 %, RHVoice 13 %, espeak-ng 6 %, festival 6 % and Pico 4 %; other
    languages by Kokoro 12 %, festival 5 %, RHVoice 5 %, Pico 2 % and espeak-ng 2 %. Stretch, pitch and pauses are drawn
    at random. The timings are the synthesisers' own but for Kokoro and Pico, whose speech is aligned. The same seed and
    hours give the same corpus. Raises InputError naming the packages when a synthesiser is missing.
    """
    require_synthesisers()
    text.verses()
    folder.mkdir(parents=True, exist_ok=True)
    count = max(1, round(hours * 60 / SHARD_MINUTES))
    minutes = min(SHARD_MINUTES, hours * 60)
    specs = [_Spec(seed, index, minutes) for index in range(count)]
    missing = [(folder, spec) for spec in specs if not _path(folder, spec).is_file()]
    if missing:
        with get_context("spawn").Pool(min(jobs, len(missing))) as pool:
            for done, path in enumerate(pool.imap_unordered(_make_shard, missing), 1):
                if say is not None:
                    say(f"corpus: {path.name} made, {done} of {len(missing)}")
    return [_path(folder, spec) for spec in specs]


def require_synthesisers() -> None:
    """Raise InputError naming the packages when a synthesiser or a voice is not installed."""
    tts_kokoro.require()
    missing = missing_packages()
    if missing:
        raise InputError(
            f"Making the corpus needs synthesisers that are not installed here: apt-get install {' '.join(missing)} "
            "(libttspico-utils and rhvoice-* are in Debian's section non-free)."
        )


def missing_packages() -> list[str]:
    """The Debian packages of synthesisers and voices that are not installed."""
    tools = {"flite": "flite", "festival": "festival", "espeak-ng": "espeak-ng", "pico2wave": "libttspico-utils"}
    missing = [package for tool, package in tools.items() if shutil.which(tool) is None]
    if ctypes.util.find_library("RHVoice") is None:
        missing.append("librhvoice5")
    for folder, voices in ((_FESTIVAL_FOLDER, _festival_packages()), (_RHVOICE_FOLDER, _rhvoice_packages())):
        there = {path.name for path in folder.glob("**") if path.is_dir()}
        missing += sorted({package for voice, package in voices.items() if voice not in there})
    return missing


def _festival_packages() -> dict[str, str]:
    return {name: voice.package for name, voice in tts_festival.VOICES.items()}


def _rhvoice_packages() -> dict[str, str]:
    return {voice: f"rhvoice-{letters}" for letters, voices in tts_rhvoice.VOICES.items() for voice in voices}


def read_shard(path: Path) -> Iterator[Item]:
    """The utterances of a shard, one by one."""
    with np.load(path, allow_pickle=False) as file:
        about = json.loads(str(file["about"]))
        samples, sample_ends = file["samples"], file["sample_ends"]
        times, names, phone_ends = file["phone_times"], file["phone_names"], file["phone_ends"]
    first_sample = first_phone = 0
    for index, item in enumerate(about["items"]):
        last_sample, last_phone = int(sample_ends[index]), int(phone_ends[index])
        phones = [
            (float(start), float(end), str(name))
            for (start, end), name in zip(times[first_phone:last_phone], names[first_phone:last_phone], strict=True)
        ]
        yield Item(samples[first_sample:last_sample], phones, item["engine"], item["voice"], item["text"])
        first_sample, first_phone = last_sample, last_phone


def about(path: Path) -> dict[str, Any]:
    """What a shard says of itself; per item also source, licence, credit and language."""
    with np.load(path, allow_pickle=False) as file:
        return dict(json.loads(str(file["about"])))


def write_shard(path: Path, items: Sequence[Item], terms: Sequence[dict[str, str]], more: Mapping[str, object]) -> None:
    """Write utterances as a shard that `corpus.read_shard` reads; `terms` are added to what is said of each."""
    phones = [span for item in items for span in item.phones]
    said = [
        {"engine": item.engine, "voice": item.voice, "text": item.text, **term}
        for item, term in zip(items, terms, strict=True)
    ]
    write_whole(
        path,
        lambda partial: np.savez(
            partial,
            samples=np.concatenate([np.zeros(0, np.int16), *(item.samples for item in items)]),
            sample_ends=np.cumsum([len(item.samples) for item in items]),
            phone_times=np.array([span[:2] for span in phones], np.float32),
            phone_names=np.array([span[2] for span in phones], np.str_),
            phone_ends=np.cumsum([len(item.phones) for item in items]),
            about=np.array(json.dumps({**more, "items": said})),
        ),
    )


def _path(folder: Path, spec: _Spec) -> Path:
    return folder / f"speech{RECIPE}-{spec.seed}-{spec.minutes:g}min-{spec.index:04d}.npz"


def _make_shard(job: tuple[Path, _Spec]) -> Path:
    folder, spec = job
    rng = random.Random(f"{spec.seed}/{spec.index}")
    seconds = spec.minutes * 60
    makers = (
        (_kokoro_items(rng, _KOKORO_ENGLISH), 0.30),
        (_flite_items(rng), 0.15),
        (_rhvoice_items(rng, other_languages=False), 0.13),
        (_espeak_items(rng, other_languages=False), 0.06),
        (_festival_items(rng, _FESTIVAL_ENGLISH), 0.06),
        (_pico_items(rng, _PICO_ENGLISH), 0.04),
        (_kokoro_items(rng, _KOKORO_OTHER), 0.12),
        (_festival_items(rng, _FESTIVAL_OTHER), 0.05),
        (_rhvoice_items(rng, other_languages=True), 0.05),
        (_pico_items(rng, _PICO_OTHER), 0.02),
        (_espeak_items(rng, other_languages=True), 0.02),
    )
    items = [item for maker, share in makers for item in _take(maker, share * seconds)]
    about = {"recipe": asdict(spec), "texts": TEXT_SOURCES, "licences": LICENCES}
    path = _path(folder, spec)
    write_shard(path, items, [{"licence": _licence(item)} for item in items], about)
    return path


def _take(items: Iterator[Item], seconds: float) -> Iterator[Item]:
    """Items until they last `seconds` together, at least one."""
    while seconds > 0:
        item = next(items)
        seconds -= len(item.samples) / RATE
        yield item


def _kokoro_items(rng: random.Random, languages: Sequence[str]) -> Iterator[Item]:
    while True:
        language = rng.choice(languages)
        letters = tts_kokoro.LANGUAGES[language][1]
        words = text.syllables(rng, letters) if letters else _english(rng)
        spoken = tts_kokoro.kokoro(words, language, rng)
        if spoken is not None:
            yield _item(spoken, "kokoro", language, words, rng)


def _flite_items(rng: random.Random) -> Iterator[Item]:
    while True:
        voice = rng.choices(_FLITE_VOICES, _FLITE_WEIGHTS)[0]
        stretch = rng.uniform(0.8, 1.4)
        words = _english(rng)
        if voice == "kal16":
            spoken = flite(words, voice, stretch=stretch, pitch_hz=(rng.uniform(80, 190), rng.uniform(8, 35)))
        else:
            spoken = flite(words, voice, stretch=stretch, pitch=rng.uniform(0.75, 1.4))
        yield _item(spoken, "flite", voice, words, rng)


def _festival_items(rng: random.Random, voices: Sequence[str]) -> Iterator[Item]:
    """Festival in batches of 4 texts by one voice, since starting it takes as long as speaking."""
    while True:
        voice = rng.choice(voices)
        letters = tts_festival.VOICES[voice].letters
        texts = [text.syllables(rng, letters) if letters else _english(rng) for _ in range(4)]
        spoken = tts_festival.festival(
            texts, voice, stretch=rng.uniform(0.8, 1.35), pitch_hz=(rng.uniform(75, 200), rng.uniform(8, 32))
        )
        for words, speech in zip(texts, spoken, strict=True):
            if speech is not None:
                yield _item(speech, "festival", voice, words, rng)


def _rhvoice_items(rng: random.Random, *, other_languages: bool) -> Iterator[Item]:
    engine = _rhvoice()
    while True:
        if other_languages:
            letters, voice = rng.choice(_RHVOICE_OTHER)
            words = text.syllables(rng, letters)
        else:
            letters, voice = "english", rng.choices(_RHVOICE_ENGLISH, _RHVOICE_WEIGHTS)[0]
            words = _english(rng)
        spoken = engine.say(words, letters, voice, rate=rng.uniform(0.8, 1.25), pitch=rng.uniform(0.8, 1.25))
        yield _item(spoken, "rhvoice", voice, words, rng)


def _pico_items(rng: random.Random, voices: Sequence[str]) -> Iterator[Item]:
    while True:
        voice = rng.choice(voices)
        letters = tts_pico.VOICES[voice][1]
        words = text.syllables(rng, letters) if letters else _english(rng)
        spoken = tts_pico.pico(words, voice, speed=rng.randint(75, 125), pitch=rng.randint(80, 125))
        if spoken is not None:
            yield _item(spoken, "pico", voice, words, rng)


def _espeak_items(rng: random.Random, *, other_languages: bool) -> Iterator[Item]:
    engine = _espeak()
    while True:
        if not other_languages:
            language, words = rng.choice(_ESPEAK_ENGLISH), _english(rng)
        elif rng.random() < 0.2:
            language, words = rng.choice(_ESPEAK_CYRILLIC), text.syllables(rng, "cyrillic")
        else:
            language, words = rng.choice(_ESPEAK_OTHER), text.syllables(rng)
        voice = f"{language}+{rng.choice(_ESPEAK_VARIANTS)}"
        spoken = engine.say(
            words, voice, rate=rng.randint(115, 215), pitch=rng.randint(20, 80), pitch_range=rng.randint(20, 85)
        )
        yield _item(spoken, "espeak", voice, words, rng)


def _licence(item: Item) -> str:
    return tts_festival.VOICES[item.voice].licence if item.engine == "festival" else LICENCES[item.engine]


@cache
def _rhvoice() -> tts_rhvoice.RHVoice:
    return tts_rhvoice.RHVoice()


@cache
def _espeak() -> Espeak:
    return Espeak()


def _english(rng: random.Random) -> str:
    return text.english(rng) if rng.random() < 0.93 else text.syllables(rng)


def _item(spoken: Speech, engine: str, voice: str, words: str, rng: random.Random) -> Item:
    """An utterance at a common level, with silence put before, after and sometimes into its pauses."""
    samples, phones = _with_pauses(spoken, rng)
    peak = float(np.abs(samples).max(initial=1e-4))
    return Item(np.round(samples * (0.7 / peak) * 32767).astype(np.int16), phones, engine, voice, words)


def _with_pauses(spoken: Speech, rng: random.Random) -> tuple[NDArray[np.float32], list[PhoneSpan]]:
    """Silence of 0 to 0.9 s at both ends, and of 0.2 to 1.2 s within every fourth pause."""
    pieces: list[NDArray[np.float32]] = []
    phones: list[PhoneSpan] = []
    now = 0.0

    def add_silence(seconds: float) -> None:
        nonlocal now
        count = int(seconds * RATE)
        pieces.append(np.zeros(count, np.float32))
        phones.append((now, now + count / RATE, "SIL"))
        now += count / RATE

    add_silence(rng.uniform(0, 0.9))
    for start, end, name in spoken.phones:
        piece = spoken.samples[round(start * RATE) : round(end * RATE)]
        pieces.append(piece)
        phones.append((now, now + len(piece) / RATE, name))
        now += len(piece) / RATE
        if name in ("pau", "", "SIL") and rng.random() < 0.25:
            add_silence(rng.uniform(0.2, 1.2))
    add_silence(rng.uniform(0, 0.9))
    return np.concatenate(pieces), [span for span in phones if span[1] > span[0]]
