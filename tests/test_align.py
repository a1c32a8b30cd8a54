# SPDX-License-Identifier: GPL-3.0-or-later
"""Forced alignment against synthesised speech, whose phone times are known."""

import importlib.util
import shutil
from itertools import pairwise

import numpy as np
import pytest
from artalk.core.errors import InputError
from artalk.core.phones import is_silence
from artalk.core.train.align import align, align_scored, plausibility
from artalk.core.train.tts import Espeak, flite

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pocketsphinx") is None or not shutil.which("flite") or not shutil.which("espeak-ng"),
    reason="needs pocketsphinx, flite and espeak-ng",
)

TEXT = "My fish puffed, but the copper kettle was quiet."


@pytest.fixture(scope="module")
def spoken():
    return flite(TEXT, "slt")


def test_onsets_are_those_of_the_synthesiser(spoken):
    phones = align(spoken.samples, TEXT)
    ours = [span for span in phones if not is_silence(span[2])]
    theirs = [span for span in spoken.phones if not is_silence(span[2])]
    # they read 'was' with different vowels
    assert sum(a[2] != b[2].upper() for a, b in zip(ours, theirs, strict=True)) <= 1
    errors = np.array([a[0] - b[0] for a, b in zip(ours, theirs, strict=True)])
    assert np.abs(errors).mean() < 0.025
    assert abs(errors.mean()) < 0.02


def test_phones_fill_the_recording_without_gaps(spoken):
    phones = align(spoken.samples, TEXT)
    assert phones[0][0] == 0
    assert phones[-1][1] == pytest.approx(len(spoken.samples) / 16000)
    assert all(before[1] == after[0] for before, after in pairwise(phones))


def test_alignment_does_not_depend_on_what_was_aligned_before(spoken):
    first = align(spoken.samples, TEXT)
    align(flite("Another voice altogether.", "rms").samples, "Another voice altogether")
    assert align(spoken.samples, TEXT) == first


def test_words_outside_the_dictionary_are_read_by_flite():
    spoken = flite("the zorbliff vanished", "rms")
    names = [name for _, _, name in align(spoken.samples, "the zorbliff vanished") if name != "SIL"]
    assert "".join(names).startswith("DHAXZAORBL")


def test_other_languages_keep_their_ipa():
    spoken = Espeak().say("une tasse de café", "fr+f2")
    names = [name for _, _, name in align(spoken.samples, "une tasse de café", "fr")]
    assert "y" in names[1]
    assert {"s", "k", "f"} <= set(names)


def test_right_text_is_believable_and_wrong_text_is_not(spoken):
    right = align_scored(spoken.samples, TEXT)
    assert plausibility(spoken.samples, right.phones).believable()
    # what is said goes on long after the text has ended
    short = align_scored(spoken.samples, "my fish")
    assert not plausibility(spoken.samples, short.phones).believable()


def test_text_without_words_is_refused(spoken):
    with pytest.raises(InputError, match="no word to align"):
        align(spoken.samples, "… !")


def test_text_that_does_not_fit_is_refused(spoken):
    with pytest.raises(InputError, match="not found in the recording"):
        align(spoken.samples[:1600], TEXT)


def test_unknown_language_is_refused(spoken):
    with pytest.raises(InputError, match="no language 'xx-none'"):
        align(spoken.samples, TEXT, "xx-none")
