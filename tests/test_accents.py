# SPDX-License-Identifier: GPL-3.0-or-later
"""Rounded back vowels of other accents: the second formant rises, all else stays."""

from __future__ import annotations

import random

import numpy as np
import pytest
from artalk.core.audio import RATE
from artalk.core.train.accents import with_fronted_vowels
from hypothesis import given, settings
from hypothesis import strategies as st

parselmouth = pytest.importorskip("parselmouth")
SPANS = [(0.0, 0.3, "AA"), (0.3, 0.6, "UW"), (0.6, 0.9, "IY")]
FORMANTS = {"AA": (730, 1090, 2440), "UW": (300, 870, 2240), "IY": (270, 2290, 3010)}


def vowels():
    """A voice of 110 Hz through the formants of three vowels (Peterson and Barney 1952, men)."""
    grid = parselmouth.praat.call("Create FormantGrid", "vowels", 0, 0.9, 4, 550, 1100, 60, 50)
    for number in range(1, 5):
        parselmouth.praat.call(grid, "Remove formant points between", number, 0, 0.9)
        for start, end, name in SPANS:
            hz = (*FORMANTS[name], 3500)[number - 1]
            for time in (start + 0.03, end - 0.03):
                parselmouth.praat.call(grid, "Add formant point", number, time, hz)
    buzz = np.zeros(int(0.9 * RATE))
    buzz[:: RATE // 110] = 1
    spoken = parselmouth.praat.call([parselmouth.Sound(buzz, RATE), grid], "Filter (no scale)").values[0]
    return (0.3 * spoken / np.abs(spoken).max()).astype(np.float32)


def formant(audio, number, time):
    formants = parselmouth.Sound(audio.astype(np.float64), RATE).to_formant_burg(maximum_formant=5000)
    return formants.get_value_at_time(number, time)


def test_only_the_second_formant_of_the_rounded_vowel_rises():
    plain = vowels()
    accented = with_fronted_vowels(plain, SPANS, random.Random(1))
    assert accented.shape == plain.shape
    assert formant(accented, 2, 0.45) > formant(plain, 2, 0.45) + 300
    assert formant(accented, 1, 0.45) == pytest.approx(formant(plain, 1, 0.45), abs=60)
    for others in (slice(0, int(0.2 * RATE)), slice(int(0.7 * RATE), None)):
        np.testing.assert_allclose(accented[others], plain[others], atol=1e-4)


def test_accents_differ():
    plain = vowels()
    risen = [formant(with_fronted_vowels(plain, SPANS, random.Random(seed)), 2, 0.45) for seed in range(6)]
    assert max(risen) > min(risen) + 100


@given(st.integers(0, 1000), st.floats(0, 1), st.floats(0.3, 0.9))
@settings(max_examples=30, deadline=None)
def test_whatever_is_heard_comes_out_whole(seed, noisy, until):
    """In noise Praat finds no formant at times, and none at the very ends of a clip."""
    noise = 0.1 * np.random.default_rng(seed).standard_normal(int(until * RATE)).astype(np.float32)
    audio = noisy * noise + (1 - noisy) * vowels()[: len(noise)]
    accented = with_fronted_vowels(audio, [(0.0, until, "UW")], random.Random(seed))
    assert np.isfinite(accented).all()
    assert np.abs(accented).max() < 20 * np.abs(audio).max()


@pytest.mark.parametrize("spans", [[], [(0.0, 0.9, "AA")], [(0.0, 0.9, "SIL")]])
def test_speech_without_such_vowels_is_left_alone(spans):
    plain = vowels()
    assert np.array_equal(with_fronted_vowels(plain, spans, random.Random(0)), plain)
