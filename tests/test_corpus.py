# SPDX-License-Identifier: GPL-3.0-or-later
"""The corpus: timings cover the audio, a seed gives the same speech again, augmentation keeps targets aligned."""

import random
import shutil

import numpy as np
import pytest
import torch
from artalk.core.artalk.listening import HEARD_STEP
from artalk.core.artalk.log_mel import LogMelEncoder, levelled, loudness, mel_power
from artalk.core.artalk.mel import HOP, mel_matrix
from artalk.core.errors import InputError
from artalk.core.phones import is_silence, lookup, table
from artalk.core.train import (
    align,
    augment,
    corpus,
    ears,
    moonshine_package,
    noises,
    text,
    tts,
    tts_festival,
    tts_kokoro,
    tts_pico,
)
from artalk.core.train.baked import BANDS

pytestmark = pytest.mark.skipif(
    bool(corpus.missing_packages()) or not tts_kokoro.installed() or shutil.which("bible") is None,
    reason="the synthesisers, their voices and bible-kjv are not all installed",
)


needs_moonshine = pytest.mark.skipif(
    not moonshine_package.installed(), reason=f"needs the Python package {moonshine_package.PACKAGE}"
)


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    return corpus.build(tmp_path_factory.mktemp("corpus"), hours=0.3 / 60, seed=3, jobs=1)[0]


@pytest.fixture(scope="module")
def items(shard):
    return list(corpus.read_shard(shard))


def test_every_engine_is_in_the_mix(items):
    assert {item.engine for item in items} == {"kokoro", "flite", "festival", "rhvoice", "pico", "espeak"}
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


@needs_moonshine
def test_augmented_clips_have_targets_for_every_moment(items):
    for baked in augment.bake_items(items[:4], "test"):
        frames = len(baked.signals)
        assert baked.mels.shape == (4 * frames, BANDS)
        assert baked.audio.shape == (640 * frames,)
        assert baked.clear.shape == (2 * frames, 288)
        assert baked.phones.shape == (2 * frames,)
        assert np.isfinite(baked.mels.astype(np.float32)).all()


@needs_moonshine
def test_what_is_clear_is_heard_without_what_is_done_to_the_voice(items, monkeypatch):
    baked = []
    for altered in (lambda audio, *_: audio, lambda audio, *_: np.roll(audio, 100)):
        monkeypatch.setattr(augment, "_altered", altered)
        baked.append(next(augment.bake_items(items[:1], "clear")))
    assert np.array_equal(baked[0].clear, baked[1].clear)
    assert not np.array_equal(baked[0].audio, baked[1].audio)


@needs_moonshine
def test_bilabial_frames_of_the_target_are_shut_where_the_phone_is(items):
    bilabial = {augment.articulation_class(lookup(name)[0]) for name in "pbm"}
    for baked in augment.bake_items(items, "closures"):
        inside = np.isin(baked.phones, list(bilabial)).reshape(-1, 2).all(1)
        if not inside.any():
            continue
        assert baked.signals[inside, 0].max(initial=0) < 0.5
        assert np.mean(baked.signals[inside, 0] > 0.1) <= 0.5


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_an_accent_changes_fronted_vowels_alone(items, share, monkeypatch):
    monkeypatch.setattr(augment, "_altered", lambda audio, *_: audio)
    monkeypatch.setattr(augment, "_finish", lambda _, audio, __, phones, ___: (audio, phones))
    variants = []
    for accents in (0.0, share):
        monkeypatch.setattr(augment, "ACCENT_SHARE", accents)
        variants.append([next(augment.bake_items([item], item.text)) for item in items[:6]])
    matrix = torch.from_numpy(mel_matrix(BANDS))
    fronted = {augment.articulation_class(part) for part in lookup("UW")}
    away, vowels = [], []
    for (plain, phones), (accented, _) in zip(*variants, strict=True):
        frames = len(plain) // HOP
        logs = [(mel_power(torch.from_numpy(each[: frames * HOP]), matrix) + 1e-6).log() for each in (plain, accented)]
        away.append((logs[0] - logs[1]).abs().amax(1).numpy())
        vowels.append(np.isin(np.repeat(phones, 2), list(fronted))[:frames])
    away, vowels = np.concatenate(away), np.concatenate(vowels)
    assert vowels.any()
    assert (np.median(away[vowels]) > 4 * np.median(away) + 0.3) == bool(share)


@needs_moonshine
def test_moonshine_hears_a_baked_clip_as_the_model_would(items):
    """Of a clip as it was recorded, the same as the encoder of a model that is given it."""
    audio = items[0].samples[: len(items[0].samples) // 640 * 640].astype(np.float32) / 32768
    samples = torch.from_numpy(np.pad(audio, (0, -len(audio) % ears.WINDOW)))
    encoder = LogMelEncoder(32, blocks_50=2, blocks_25=2, moonshine_layers=ears.MOONSHINE_LAYERS)
    encoder.moonshine = moonshine_package.moonshine(ears.MOONSHINE_LAYERS)
    given = []
    encoder.forward = lambda _, heard: given.append(heard[0]) or torch.zeros(1, 100, 32)
    list(encoder.encode_clip(samples, ears.WINDOW))
    reach = (encoder.context - 1) // 2
    assert reach * HEARD_STEP == ears.BEYOND
    expected = torch.cat([heard[reach:-reach] for heard in given])
    power = mel_power(samples, encoder.mel)
    baked = ears.hear(encoder.moonshine, levelled(samples, torch.zeros(len(power)), loudness(power)))
    # quiet words are raised when it speaks, and each window's loudness is that of its neighbours
    assert np.corrcoef(baked.numpy().ravel(), expected.numpy().ravel())[0, 1] > 0.97


@pytest.mark.parametrize("seed", range(4))
def test_a_telephone_keeps_its_band_alone(seed):
    white = np.random.default_rng(seed).standard_normal(32000).astype(np.float32)
    heard = noises.over_telephone(white, random.Random(seed))
    power = np.abs(np.fft.rfft(heard)) ** 2
    hertz = np.fft.rfftfreq(len(heard), 1 / 16000)
    inside = power[(hertz > 500) & (hertz < 2800)].mean()
    assert power[hertz > 6500].mean() < 0.02 * inside
    assert power[hertz < 80].mean() < 0.05 * inside
    assert inside == pytest.approx(32000, rel=0.2)


@pytest.mark.parametrize("seed", range(4))
def test_hiss_is_as_loud_in_the_band_of_f_as_below(seed):
    heard = noises.background("hiss", 64000, random.Random(seed), np.random.default_rng(seed))
    power = np.abs(np.fft.rfft(heard)) ** 2
    assert noises.rms(heard) == pytest.approx(1, abs=1e-3)
    assert 0.2 < power[16000:].mean() / power[2000:16000].mean() < 5


def test_verses_and_sentences_are_plain_text():
    rng = random.Random(1)
    for _ in range(200):
        for words in (text.verse(rng), text.sentence(rng), text.syllables(rng), text.syllables(rng, "cyrillic")):
            assert words.strip()
            assert not set("{}_<>\n") & set(words)


def test_missing_tools_are_named_with_their_packages(monkeypatch, tmp_path):
    monkeypatch.setattr(corpus.shutil, "which", lambda tool: None if tool == "pico2wave" else f"/usr/bin/{tool}")
    monkeypatch.setattr(corpus, "_RHVOICE_FOLDER", tmp_path)
    with pytest.raises(InputError, match=r"apt-get install libttspico-utils.*rhvoice-english"):
        corpus.build(tmp_path, hours=0.01)


@pytest.mark.parametrize("voice", [name for name, about in tts_festival.VOICES.items() if about.letters])
def test_phones_of_every_other_festival_voice_are_in_the_table(voice):
    rng = random.Random(5)
    words = [text.syllables(rng, tts_festival.VOICES[voice].letters) for _ in range(3)]
    for spoken in tts_festival.festival(words, voice):
        assert all(name.rstrip("ʲː") in table() for _, _, name in spoken.phones)
        assert len({name for _, _, name in spoken.phones}) > 5


def test_an_unknown_phone_of_a_festival_voice_is_not_passed_over():
    with pytest.raises(KeyError):
        tts_festival.VOICES["lp_diphone"].spelled("q5")


@pytest.mark.parametrize(("voice", "faster"), [("clb", 1.0), ("clb", 1.25), ("bdl", 0.8)])
def test_rhvoice_tells_where_its_closures_and_hisses_are(voice, faster):
    spoken = corpus._rhvoice().say("A paper boat. A copper cup, a passing bus!", "english", voice, rate=faster)
    assert [name for _, _, name in spoken.phones].count("P") == 5
    loud = np.median([np.abs(_cut(spoken.samples, span)).mean() for span in spoken.phones if span[2] in ("EY", "AA")])
    for start, end, name in spoken.phones:
        if name == "P" and start > 0.3:
            assert np.abs(_cut(spoken.samples, (start + 0.01, (start + end) / 2))).mean() < 0.25 * loud
        if name == "S":
            edge = 0.2 * (end - start)
            power = np.abs(np.fft.rfft(_cut(spoken.samples, (start + edge, end - edge)))) ** 2
            assert power[len(power) // 4 :].sum() > 0.9 * power.sum()


def test_english_phones_of_flite_are_not_taken_for_ipa():
    names = [name for _, _, name in tts.flite("You.", "slt").phones]
    assert "Y" in names
    assert lookup("Y")[0].ipa == "j"


def test_speech_of_pico_that_aligns_badly_is_thrown_away(monkeypatch):
    assert tts_pico.pico("My puppy likes a big apple.", "en-US") is not None
    monkeypatch.setattr(align, "align", lambda samples, *_: [(0.0, len(samples) / tts.RATE, "AA")])
    assert tts_pico.pico("My puppy likes a big apple.", "en-US") is None
