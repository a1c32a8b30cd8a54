# SPDX-License-Identifier: GPL-3.0-or-later
"""The corpus: timings cover the audio, a seed gives the same speech again, augmentation keeps targets aligned."""

import random
import shutil

import numpy as np
import pytest
from artalk.core.errors import InputError
from artalk.core.phones import is_silence, lookup
from artalk.core.train import augment, corpus, text, tts

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("flite", "festival", "espeak-ng", "bible")),
    reason="flite, festival, espeak-ng and bible-kjv are not all installed",
)


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    return corpus.build(tmp_path_factory.mktemp("corpus"), hours=0.3 / 60, seed=3, jobs=1)[0]


@pytest.fixture(scope="module")
def items(shard):
    return list(corpus.read_shard(shard))


def test_every_engine_is_in_the_mix(items):
    assert {item.engine for item in items} == {"flite", "festival", "espeak"}
    assert all(item.engine in corpus.LICENCES for item in items)
    assert all(item.text for item in items)


def test_phones_follow_one_another_and_cover_the_audio(items):
    for item in items:
        assert item.phones[0][0] == 0
        for (_, end, _), (start, _, _) in zip(item.phones, item.phones[1:], strict=False):
            assert start == pytest.approx(end, abs=1e-3)
        assert item.phones[-1][1] == pytest.approx(len(item.samples) / tts.RATE, abs=2e-3)


def test_vowels_are_loud_and_pauses_are_not(items):
    for item in items:
        audio = item.samples / 32768
        loud = [np.abs(_cut(audio, span)).mean() for span in item.phones if lookup(span[2])[0].kind == "vowel"]
        quiet = [np.abs(_cut(audio, span)).mean() for span in item.phones if is_silence(span[2])]
        assert np.median(quiet) < 0.1 * np.median(loud)


def _cut(audio, span):
    return audio[round(span[0] * tts.RATE) : max(round(span[1] * tts.RATE), round(span[0] * tts.RATE) + 1)]


def test_the_same_seed_gives_the_same_shard_and_shards_there_are_kept(shard, items, tmp_path):
    again = corpus.build(tmp_path, hours=0.3 / 60, seed=3, jobs=1)[0]
    repeated = list(corpus.read_shard(again))
    assert [item.text for item in repeated] == [item.text for item in items]
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(items, repeated, strict=True))
    written = shard.stat().st_mtime_ns
    corpus.build(shard.parent, hours=0.3 / 60, seed=3, jobs=1)
    assert shard.stat().st_mtime_ns == written


def test_voiceless_stops_of_espeak_begin_at_their_closure():
    spoken = tts.Espeak().say("A paper.", "en-us")
    start = next(start for start, _, name in spoken.phones if name == "p")
    closure = spoken.samples[round((start + 0.005) * tts.RATE) : round((start + 0.02) * tts.RATE)]
    assert np.abs(closure).max() < 0.01


def test_an_unknown_voice_is_one_sentence():
    with pytest.raises(InputError, match="no voice 'klingon-9'"):
        tts.Espeak().say("Hello.", "klingon-9")


def test_augmented_clips_have_targets_for_every_moment(items):
    for baked in augment.bake_items(items[:4], "test"):
        frames = len(baked.signals)
        assert baked.mels.shape == (4 * frames, augment.BANDS)
        assert baked.phones.shape == (2 * frames,)
        assert np.isfinite(baked.mels.astype(np.float32)).all()


def test_bilabial_frames_of_the_target_are_shut_where_the_phone_is(items):
    bilabial = {augment.articulation_class(lookup(name)[0]) for name in "pbm"}
    for baked in augment.bake_items(items, "closures"):
        inside = np.isin(baked.phones, list(bilabial)).reshape(-1, 2).all(1)
        if not inside.any():
            continue
        assert baked.signals[inside, 0].max(initial=0) < 0.5
        assert np.mean(baked.signals[inside, 0] > 0.1) <= 0.5


def test_verses_and_sentences_are_plain_text():
    rng = random.Random(1)
    for _ in range(200):
        for words in (text.verse(rng), text.sentence(rng), text.syllables(rng), text.syllables(rng, "cyrillic")):
            assert words.strip()
            assert not set("{}_<>\n") & set(words)


def test_missing_tools_are_named_with_their_packages(monkeypatch, tmp_path):
    monkeypatch.setattr(tts.shutil, "which", lambda tool: None if tool == "flite" else f"/usr/bin/{tool}")
    with pytest.raises(InputError, match=r"flite.*apt-get install"):
        corpus.build(tmp_path, hours=0.01)
