# SPDX-License-Identifier: GPL-3.0-or-later
"""Other speakers: a changed voice is another voice that says the same at times that are still known."""

import random

import numpy as np
import parselmouth
import pytest
from artalk.core import audio as sound
from artalk.core.evaluate.clips import SHIPPED_CLIPS, load_clips
from artalk.core.train import speakers
from artalk.core.train.speakers import RATE
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def clip():
    return load_clips(SHIPPED_CLIPS)[0]


@pytest.fixture(scope="module")
def speech(clip):
    return sound.read(clip.path)


def _median_pitch(audio):
    pitch = parselmouth.Sound(audio.astype(float), RATE).to_pitch().selected_array["frequency"]
    return np.median(pitch[pitch > 0])


def _envelope(audio):
    size = RATE // 50
    return np.sqrt(np.square(audio[: len(audio) // size * size]).reshape(-1, size).mean(1))


@settings(max_examples=8, deadline=None)
@given(st.floats(0.87, 1.17), st.floats(0.8, 1.25), st.integers(0, 1000))
def test_a_changed_voice_lasts_as_long_as_was_asked(speech, formants, slower, seed):
    changed = speakers.change_voice(speech, formants, random.Random(seed), slower)
    assert len(changed) == round(len(speech) * slower)
    assert np.isfinite(changed).all()


def test_long_vocal_tracts_speak_low_and_short_ones_high(speech):
    low = _median_pitch(speakers.change_voice(speech, 0.87, random.Random(2), 1.0))
    high = _median_pitch(speakers.change_voice(speech, 1.17, random.Random(2), 1.0))
    assert high > 2 * low


def test_a_changed_voice_says_the_same_at_scaled_times(speech):
    changed = speakers.change_voice(speech, 1.1, random.Random(1), 1.25)
    then, now = _envelope(speech), _envelope(changed)
    # a shift of 20 ms brings it under .8
    stretched = np.interp(np.arange(len(now)) / 1.25, np.arange(len(then)), then)
    assert np.corrcoef(stretched, now)[0, 1] > 0.85


def test_phones_follow_the_voice_whichever_way_it_is_changed(clip, speech):
    pcm = (speech * 32767).astype(np.int16)
    lengths = set()
    for seed in range(8):
        audio, phones = speakers.as_other_speaker(pcm, clip.phones, random.Random(seed))
        assert phones[-1][1] / clip.phones[-1][1] == pytest.approx(len(audio) / len(speech), abs=2e-3)
        lengths.add(len(audio))
    assert len(lengths) > 4


def test_the_same_seed_changes_a_voice_alike_and_a_breath_is_left_as_it_is(speech):
    again = [speakers.change_voice(speech[:16000], 1.1, random.Random(5), 1.0) for _ in range(2)]
    assert np.array_equal(*again)
    assert speakers.change_voice(np.zeros(400, np.float32), 1.1, random.Random(5), 1.0) is None
