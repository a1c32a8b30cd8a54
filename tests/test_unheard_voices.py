# SPDX-License-Identifier: GPL-3.0-or-later
"""Other languages by voices and people that no training heard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
from artalk.core.cli import main
from artalk.core.errors import InputError
from artalk.core.evaluate import unheard_people, unheard_voices
from artalk.core.evaluate.clips import SHIPPED_CLIPS, load_clips
from artalk.core.evaluate.mouth import default_head_probe
from artalk.core.evaluate.systems import ceiling
from artalk.core.phones import lookup
from artalk.core.train import recordings, tts, tts_rhvoice

SHORTEST = min(load_clips(SHIPPED_CLIPS), key=lambda clip: clip.duration)
NAMES = [language.name for language in unheard_voices.LANGUAGES]


@pytest.fixture
def two_sentences(monkeypatch):
    chosen = [
        replace(
            language, voices=dict([next(iter(language.voices.items()))]), sentences=(min(language.sentences, key=len),)
        )
        for language in unheard_voices.LANGUAGES[:2]
    ]
    try:
        unheard_voices.check(chosen)
    except InputError as missing:
        pytest.skip(str(missing))
    monkeypatch.setattr(unheard_voices, "LANGUAGES", chosen)


def test_each_language_is_a_row_of_the_evaluation(two_sentences, capsys):
    assert main(["evaluate", "--only", SHORTEST.id, "--unheard-voices"]) == 0
    lines = capsys.readouterr().out.splitlines()
    title = next(number for number, line in enumerate(lines) if line.startswith("unheard voices"))
    for name, line in zip(NAMES[:2], lines[title + 1 :], strict=False):
        assert line.startswith(name)
        clips, closures, recall = line.split()[1:4]
        assert int(clips) == 1
        assert int(closures) >= 1
        assert 0 <= float(recall) <= 1


def test_missing_voices_are_named_with_their_packages(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(unheard_voices, "VOICES_FOLDER", tmp_path)
    assert main(["evaluate", "--only", SHORTEST.id, "--unheard-voices"]) == 2
    said = capsys.readouterr()
    assert "apt-get install" in said.err
    assert all(f"rhvoice-{name}" in said.err for name in NAMES)
    assert not said.out


def test_closures_are_held_to_three_quarters():
    ideal = default_head_probe().tracks(ceiling(SHORTEST))
    agape = replace(ideal, aperture=np.maximum(ideal.aperture, 5))
    clips = [
        replace(SHORTEST, id=voice, group=voice, language=language)
        for language, voice in (("a", "first"), ("b", "second"), ("b", "third"))
    ]
    made = unheard_voices.table("title", "", clips, {"first": ideal, "second": agape, "third": agape})
    assert list(made.rows) == ["a", "b", "  second", "  third"]
    assert made.marks == {("a", "bilabial_recall"): "goal", ("b", "bilabial_recall"): "missed"}
    assert made.rows["b"]["p b m"] == 2 * made.rows["a"]["p b m"] > 0


def test_no_voice_is_one_of_those_that_training_hears():
    trained = {voice for voices in tts_rhvoice.VOICES.values() for voice in voices}
    assert not trained & {name.lower() for each in unheard_voices.LANGUAGES for name in (*each.voices, each.name)}


@pytest.mark.parametrize("name", [*NAMES, *(name for name in tts_rhvoice.VOICES if name != "english")])
def test_every_phone_of_a_language_has_its_articulation(name):
    listed = Path("/usr/share/RHVoice/languages", name.title(), "phonemes.xml")
    if not listed.is_file():
        pytest.skip(f"rhvoice-{name} is not installed")
    for phone in ElementTree.parse(listed).iter("phoneme"):
        if phone.attrib["name"] != "pau":
            kind = lookup(tts_rhvoice._TABLES[name][phone.attrib["name"]])[0].kind
            assert (kind in ("vowel", "schwa")) == (phone.attrib["vc"] == "+"), phone.attrib["name"]


@pytest.fixture
def one_word(monkeypatch, tmp_path):
    pytest.importorskip("pocketsphinx", reason="aligning needs pocketsphinx")
    monkeypatch.setattr(unheard_people, "WORDS", {"german": ("de", {"palm": "Palme"})})
    sounds = tmp_path / unheard_people.PACKAGE / "usr/share/ktuberling/sounds/de"
    sounds.mkdir(parents=True)
    soundfile.write(sounds / "palm.ogg", tts.Espeak().say("Palme", "de").samples, tts.RATE)
    return tmp_path


def test_words_of_people_are_aligned_and_scored(one_word, capsys):
    assert main(["evaluate", "--only", SHORTEST.id, "--unheard-people", str(one_word)]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("german"))
    clips, closures, recall = row.split()[1:4]
    assert (clips, closures) == ("1", "2")
    assert float(recall) in {0, 0.5, 1}


def test_recordings_that_cannot_be_fetched_are_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", "")
    assert main(["evaluate", "--only", SHORTEST.id, "--unheard-people", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert "ktuberling-data cannot be fetched" in said.err
    assert not said.out


def test_no_language_of_these_people_is_among_those_that_training_takes():
    assert not {code for code, _ in unheard_people.WORDS.values()} & set(recordings._KTUBERLING)
