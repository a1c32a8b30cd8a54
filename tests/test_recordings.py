# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings of people as a corpus: what is kept, what is dropped, what is written down."""

import importlib.util
import shutil
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from artalk.core.errors import InputError
from artalk.core.train import corpus, corpus_report, recordings
from artalk.core.train.recordings import Clip, Source, Voice
from artalk.core.train.tts import flite

needs_aligner = pytest.mark.skipif(
    importlib.util.find_spec("pocketsphinx") is None or not shutil.which("flite"),
    reason="needs pocketsphinx and flite",
)
TEXTS = ("another voice altogether", "copper kettles boil", "some quiet afternoon")


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    clips = []
    for index, text in enumerate(TEXTS):
        path = folder / f"{index}.wav"
        samples = np.pad(flite(text, "slt").samples, 16000)
        soundfile.write(path, samples, 16000)
        clips.append(Clip(path, text, "en", "somebody"))
    return Voice("a-package", "a licence", "a name", tuple(clips))


@needs_aligner
def test_right_texts_are_kept_and_wrong_ones_dropped(voice):
    items, tally = recordings.align_voice(voice)
    assert [item.text for item in items] == list(TEXTS)
    assert tally.kept == 3
    # long silence is cut, and the phones go with it
    assert all(item.phones[-1][1] == pytest.approx(len(item.samples) / 16000, abs=1e-3) for item in items)
    assert all(len(item.samples) < 16000 * 3 for item in items)
    clips = voice.clips
    mistaken = tuple(replace(clip, text=other.text) for clip, other in zip(clips, clips[1:] + clips[:1], strict=True))
    items, tally = recordings.align_voice(replace(voice, clips=mistaken))
    assert items == []
    assert tally.kept == 0


@needs_aligner
def test_unreadable_clip_is_dropped(voice, tmp_path):
    broken = tmp_path / "broken.ogg"
    broken.write_bytes(b"no sound")
    with_broken = replace(voice, clips=(*voice.clips, replace(voice.clips[0], path=broken)))
    assert recordings.align_voice(with_broken)[1].dropped == {"unreadable": 1}


@needs_aligner
def test_build_writes_shards_with_licence_and_credit_once(voice, tmp_path, monkeypatch):
    source = Source(voice.source, voice.licence, voice.credit, lambda _: iter(voice.clips))
    monkeypatch.setattr(recordings, "SOURCES", (source,))
    (tmp_path / "packages" / voice.source).mkdir(parents=True)
    (shard,) = recordings.build(tmp_path, jobs=1)
    assert {item.text for item in corpus.read_shard(shard)} == set(TEXTS)
    said = corpus.about(shard)["items"][0]
    assert (said["source"], said["licence"], said["credit"]) == ("a-package", "a licence", "a name")
    before = shard.stat().st_mtime_ns
    assert recordings.build(tmp_path, jobs=1) == [shard]
    assert shard.stat().st_mtime_ns == before

    written = corpus_report.write([shard], tmp_path).read_text()
    assert "a-package | somebody" in written
    assert "a licence" in written
    assert (tmp_path / "corpus-a-package.png").stat().st_size > 1000


def test_sources_find_texts(tmp_path):
    stamps = tmp_path / "usr/share/tuxpaint/stamps/animals"
    stamps.mkdir(parents=True)
    (stamps / "owl.txt").write_text("An owl.\nfr.utf8=Un hibou.\nru.utf8=Сова.\n", encoding="utf-8")
    for name in ("owl.ogg", "owl_desc_fr.ogg", "owl_desc_es.ogg"):
        (stamps / name).touch()
    tuxpaint = recordings.SOURCES[0]
    assert [(clip.text, clip.language, clip.voice) for clip in tuxpaint.clips(tmp_path)] == [
        ("Un hibou.", "fr", "tuxpaint-fr")
    ]


def test_labels_that_come_with_a_recording_are_taken_as_they_are(tmp_path):
    root = tmp_path / "usr/share/festival/voices/russian/msu_ru_nsh_clunits"
    for name in ("etc", "lab", "wav"):
        (root / name).mkdir(parents=True)
    (root / "etc" / "txt.done.data").write_text('( ru_0001 "Да." )\n', encoding="utf-8")
    (root / "lab" / "ru_0001.lab").write_text("#\n0.50 125 pau\n0.60 125 dd\n0.90 125 aa\n1.20 125 pau\n")
    soundfile.write(root / "wav" / "ru_0001.wav", np.full(24000, 0.1, np.float32), 16000)
    source = next(source for source in recordings.SOURCES if source.package == "festvox-ru")
    (voice,) = recordings.voices_of(source, tmp_path)
    (item,), tally = recordings.align_voice(voice)
    assert tally.kept == 1
    # .4 s of pause are left before the first phone
    assert [(round(end - start, 2), name) for start, end, name in item.phones] == [
        (0.4, "SIL"), (0.1, "dʲ"), (0.3, "a"), (0.3, "SIL"),
    ]  # fmt: skip


def test_package_that_cannot_be_fetched_is_named(tmp_path):
    with pytest.raises(InputError, match="package no-such-package-of-ours cannot be fetched"):
        recordings.fetch("no-such-package-of-ours", tmp_path, (said := []).append)
    assert said == ["recordings: fetching Debian's no-such-package-of-ours"]


def test_report_of_nothing_is_refused():
    with pytest.raises(InputError, match="no corpus"):
        corpus_report.report([])
