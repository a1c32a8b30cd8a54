# SPDX-License-Identifier: GPL-3.0-or-later
"""What a corpus is made of: minutes by voice, language and licence, how often each phone comes, and a picture."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..audio import RATE
from ..errors import InputError
from ..phones import is_silence, lookup
from . import corpus


def _zeros() -> defaultdict[str, float]:
    return defaultdict(float)


@dataclass
class CorpusReport:
    """Minutes of audio by engine or package and voice, by language and by licence; number of phones by their IPA."""

    voices: defaultdict[str, float] = field(default_factory=_zeros)
    languages: defaultdict[str, float] = field(default_factory=_zeros)
    licences: defaultdict[str, float] = field(default_factory=_zeros)
    phones: Counter[str] = field(default_factory=Counter)

    def by_source(self) -> str:
        """Minutes and voices of each engine or package as a Markdown table."""
        minutes: defaultdict[str, float] = _zeros()
        names: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in self.voices.items():
            source, voice = name.split(" | ")
            minutes[source] += value
            names[source].append(voice)
        rows = [(f"{source} | {_listed(sorted(names[source]))}", value) for source, value in _minutes(minutes)]
        return _table("source | voices", rows)

    def text(self) -> str:
        """The report as Markdown tables."""
        return "\n\n".join(
            [
                _table("source | voice", _minutes(self.voices)),
                _table("language", _minutes(self.languages)),
                _table("licence", _minutes(self.licences)),
                _table("phone", [(name, str(count)) for name, count in self.phones.most_common()], "times"),
            ]
        )


def report(shards: Sequence[Path]) -> CorpusReport:
    """Read all shards and count. Raises InputError when there are none."""
    if not shards:
        raise InputError("There is no corpus to report on: make it with 'artalk train corpus'.")
    counts = CorpusReport()
    for path in shards:
        said = corpus.about(path)
        for item, terms in zip(corpus.read_shard(path), said["items"], strict=True):
            minutes = len(item.samples) / RATE / 60
            counts.voices[f"{terms.get('source', item.engine)} | {item.voice}"] += minutes
            counts.languages[terms.get("language", "synthesised")] += minutes
            counts.licences[terms.get("licence") or said.get("licences", {}).get(item.engine, "unknown")] += minutes
            counts.phones.update(lookup(name)[0].ipa for _, _, name in item.phones if not is_silence(name))
    return counts


def write(shards: Sequence[Path], folder: Path) -> Path:
    """Write `corpus-report.md` and, for each source, `corpus-SOURCE.png` into `folder`; returns the report's path."""
    path = folder / "corpus-report.md"
    path.write_text(report(shards).text() + "\n", encoding="utf-8")
    shown: set[str] = set()
    for shard in shards:
        terms = corpus.about(shard)["items"]
        for item, term in zip(corpus.read_shard(shard), terms, strict=True):
            source = term.get("source", item.engine)
            if source not in shown:
                shown.add(source)
                plot(item, folder / f"corpus-{source}.png")
    return path


def plot(item: corpus.Item, path: Path) -> None:
    """Waveform and spectrogram of an utterance with its phones, as a PNG."""
    from matplotlib.figure import Figure

    seconds = len(item.samples) / RATE
    figure = Figure(figsize=(max(6.0, 4 * seconds), 4.5), layout="constrained")
    wave, spectrum = figure.subplots(2, 1, sharex=True, height_ratios=(1, 3))
    wave.plot([index / RATE for index in range(len(item.samples))], item.samples, linewidth=0.4)
    wave.set_title(f"{item.voice}: {item.text}", fontsize=9)
    wave.set_yticks([])
    # exact zeros have no logarithm
    audible = item.samples / 32768 + np.random.default_rng(0).normal(0, 1e-6, len(item.samples))
    spectrum.specgram(audible, NFFT=256, Fs=RATE, noverlap=192, vmin=-140)
    spectrum.set_xlim(0, seconds)
    for start, end, name in item.phones:
        for axes in (wave, spectrum):
            axes.axvline(start, color="black", linewidth=0.6)
        spectrum.text((start + end) / 2, 7400, "" if is_silence(name) else name, ha="center", fontsize=9, color="white")
    spectrum.set_xlabel("seconds")
    spectrum.set_ylabel("Hz")
    figure.savefig(path, dpi=110)


def _listed(voices: Sequence[str]) -> str:
    """The names of up to 40 voices; espeak-ng has hundreds."""
    return f"{len(voices)}: {' '.join(voices)}" if len(voices) <= 40 else str(len(voices))


def _minutes(counted: Mapping[str, float]) -> list[tuple[str, str]]:
    return [(name, f"{minutes:.1f}") for name, minutes in sorted(counted.items(), key=lambda row: -row[1])]


def _table(what: str, rows: Sequence[tuple[str, str]], unit: str = "minutes") -> str:
    head = f"| {what} | {unit} |"
    lines = [f"| {name} | {value} |" for name, value in rows]
    return "\n".join([head, "|" + " --- |" * (head.count("|") - 1), *lines])
