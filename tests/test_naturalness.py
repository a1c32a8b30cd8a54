# SPDX-License-Identifier: GPL-3.0-or-later
"""The naturalness checks: each passes motion as people make it and fails the fault that it is there to find."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from artalk.core.basis import FLAME
from artalk.core.errors import InputError
from artalk.core.evaluate import naturalness
from artalk.core.evaluate.clips import Clip
from artalk.core.evaluate.mouth import MouthTracks
from artalk.core.polish.blinks import blink_curve, blink_times
from artalk.core.polish.curves import add_bump, slow_noise
from artalk.core.polish.gaze import gaze_angles, gaze_shifts
from artalk.core.polish.phrases import Phrase

FPS, DURATION = 60.0, 300.0
SECONDS = np.arange(round(DURATION * FPS)) / FPS
SPANS = [(4.0 * i, 4.0 * i + 2.6) for i in range(round(DURATION / 4))]
ENDS = [end for _, end in SPANS]


def passes(measures):
    return all(one.passed for one in measures)


def blinks_at(starts, amplitude=1.0, pace=1.0):
    closure = np.zeros(len(SECONDS))
    for start in starts:
        closure = np.maximum(closure, blink_curve(SECONDS, start, amplitude, pace))
    return naturalness.find_blinks(closure, FPS)


@pytest.fixture(scope="module")
def human_blinks():
    phrases = [Phrase(*span) for span in SPANS]
    return blinks_at(blink_times(DURATION, phrases, np.random.default_rng(0)))


@pytest.fixture(scope="module")
def human_head():
    """A slow wander with quicker, smaller motion on top, which stops in the pauses."""
    rng = np.random.default_rng(1)
    return 2.4 * slow_noise(SECONDS, 3, 0.25, rng) + 0.9 * slow_noise(SECONDS, 3, 1.2, rng)


@pytest.fixture(scope="module")
def human_gaze():
    return gaze_angles(gaze_shifts(DURATION, [], 1), SECONDS)


def test_check_1_blink_rate(human_blinks):
    assert passes(naturalness.blink_rate(human_blinks, DURATION))
    assert not passes(naturalness.blink_rate(human_blinks[::4], DURATION))
    assert not passes(naturalness.blink_rate([], DURATION))


def test_check_2_blink_intervals(human_blinks):
    assert passes(naturalness.blink_intervals(human_blinks))
    assert not passes(naturalness.blink_intervals(blinks_at(np.arange(1, DURATION - 1, 3.0))))


def test_check_3_blinks_at_phrase_ends(human_blinks):
    assert passes(naturalness.blinks_at_ends(human_blinks, ENDS, DURATION))
    anywhere = blinks_at(np.random.default_rng(0).uniform(0, DURATION - 1, 100))
    amid = blinks_at(np.array(ENDS) - 1.3)
    assert not passes(naturalness.blinks_at_ends(amid, ENDS, DURATION))
    assert naturalness.blinks_at_ends(anywhere, ENDS, DURATION)[0].value < 1.4


def test_check_4_blink_shape(human_blinks):
    assert passes(naturalness.blink_shape(human_blinks))
    starts = np.arange(1, DURATION - 2, 4.0)
    assert not passes(naturalness.blink_shape(blinks_at(starts, amplitude=0.7)))
    assert not passes(naturalness.blink_shape(blinks_at(starts, pace=2.5)))
    assert not passes(naturalness.blink_shape([]))


def test_a_blink_from_lowered_lids_is_as_wide_as_any_other():
    closure = np.maximum(0.15, blink_curve(SECONDS, 5.0, 1.0, 1.0))
    (blink,) = naturalness.find_blinks(closure, FPS)
    assert blink.width < 0.3
    assert 0.1 < blink.half_width < 0.16


def test_check_5_head_spread(human_head):
    assert passes(naturalness.head_spread(human_head, FPS))
    assert not passes(naturalness.head_spread(0.3 * human_head, FPS))
    assert not passes(naturalness.head_spread(4 * human_head, FPS))


def test_check_6_head_spectrum(human_head):
    assert passes(naturalness.head_spectrum(human_head, FPS))
    tremor = human_head + 2 * np.sin(2 * np.pi * 5 * SECONDS)[:, None]
    assert not passes(naturalness.head_spectrum(tremor, FPS))
    assert not passes(naturalness.head_spectrum(slow_noise(SECONDS, 3, 0.1, np.random.default_rng(0)), FPS))


def test_check_7_head_speed(human_head):
    assert passes(naturalness.head_speed(human_head, FPS))
    jump = human_head.copy()
    jump[1000:] += 5
    assert not passes(naturalness.head_speed(jump, FPS))
    assert not passes(naturalness.head_speed(0.2 * human_head, FPS))


def test_check_8_head_moving(human_head):
    rested = human_head.copy()
    for (_, end), (start, _) in pairwise(SPANS):
        rested[round(end * FPS) : round(start * FPS)] = rested[round(end * FPS)]
    assert passes(naturalness.head_moving(rested, FPS, SPANS))
    assert not passes(naturalness.head_moving(human_head, FPS, SPANS))
    assert not passes(naturalness.head_moving(0 * human_head, FPS, SPANS))


def test_check_9_reflex(human_head, human_gaze):
    head = human_head[:, :2]
    assert passes(naturalness.reflex(human_gaze - 0.97 * head, head, FPS))
    assert not passes(naturalness.reflex(human_gaze, head, FPS))


def test_check_10_gaze_steps(human_gaze):
    assert passes(naturalness.gaze_steps(human_gaze, FPS))
    assert not passes(naturalness.gaze_steps(0 * human_gaze, FPS))
    assert not passes(naturalness.gaze_steps(5 * human_gaze, FPS))


def test_check_11_saccade_durations(human_gaze):
    assert passes(naturalness.saccade_durations(human_gaze, human_gaze, FPS))
    slow = np.stack([np.convolve(axis, np.ones(15) / 15, "same") for axis in human_gaze.T], axis=1)
    assert not passes(naturalness.saccade_durations(slow, slow, FPS))
    sudden = np.round(human_gaze / 15) * 15
    assert not passes(naturalness.saccade_durations(sudden, sudden, FPS))


def lips_of(sealed: float, late: float = 0.0, buzz: float = 0.0):
    """A mouth that says `ama` over and over, shut for `sealed` seconds at each m."""
    period = 0.25
    phones = tuple(
        span
        for i in range(200)
        for span in ((i * period, i * period + 0.08, "M"), (i * period + 0.08, (i + 1) * period, "AA1"))
    )
    clip = Clip("lips", Path("lips"), 200 * period, "speech", "", "en", phones)
    seconds = np.arange(round(clip.duration * FPS)) / FPS - late
    distance = np.abs((seconds - 0.04 + period / 2) % period - period / 2)
    gap = np.clip((distance - sealed / 2) * 160, 0, 10) + buzz * np.sin(2 * np.pi * 11 * seconds)
    zero = np.zeros(len(gap))
    return MouthTracks(FPS, np.maximum(gap, 0), zero, zero, zero), clip


def test_check_12_lips():
    failed = {
        name: [one.name for one in naturalness.lips(*lips_of(**kind)) if not one.passed]
        for name, kind in {
            "good": {"sealed": 0.08},
            "short": {"sealed": 0.02},
            "late": {"sealed": 0.08, "late": 0.08},
            "buzz": {"sealed": 0.08, "buzz": 6.0},
        }.items()
    }
    assert failed["good"] == []
    assert "… share of seals held 60 ms" in failed["short"]
    assert "… lag, ms" in failed["late"]
    assert "lip power 2-7 Hz / above" in failed["buzz"]


def test_check_13_head_loop(human_head):
    assert passes(naturalness.head_loop(human_head, FPS))
    loop = np.tile(human_head[: round(20 * FPS)], (15, 1))
    assert not passes(naturalness.head_loop(loop, FPS))


def test_check_14_nods_on_accents(human_head):
    accents = np.sort(np.random.default_rng(3).uniform(2, DURATION - 2, 200))
    nodding = human_head.copy()
    for accent in accents:
        add_bump(nodding, SECONDS, accent + 0.12, (0.22, 0.3), np.array([2.5, 0, 0]))
    assert passes(naturalness.nods_on_accents(nodding[:, 0], FPS, list(accents)))
    assert not passes(naturalness.nods_on_accents(human_head[:, 0], FPS, list(accents)))
    assert not passes(naturalness.nods_on_accents(nodding[:, 0], FPS, list(accents - 0.3)))


def test_accents_are_the_vowels_that_stand_out_in_pitch():
    seconds = np.arange(6 * 16000) / 16000
    pitch = np.where((seconds > 3) & (seconds < 3.2), 170.0, 120.0)
    voice = (0.3 * np.sign(np.sin(2 * np.pi * np.cumsum(pitch) / 16000))).astype(np.float32)
    phones = [(0.2 * i, 0.2 * (i + 1), "AA1" if i % 5 == 0 else "N") for i in range(30)]
    assert naturalness.pitch_accents(voice, phones) == [pytest.approx(3.0)]


def test_the_long_recording_repeats_english_speech_in_other_orders():
    clips = [
        Clip(name, Path(name), 1.0, kind, "", language, ((0.0, 0.5, "AA1"), (0.5, 1.0, "SIL")))
        for name, kind, language in (("a", "speech", "en"), ("b", "speech", "en-us"), ("c", "noise", ""))
    ]
    recordings = {clip.id: np.full(16000, i, np.float32) for i, clip in enumerate(clips)}
    audio, long = naturalness.long_recording(clips, recordings, 20.5, 0)
    order = audio[::16000].tolist()
    assert len(audio) == 20.5 * 16000
    assert set(order) == {0, 1}
    assert order != order[:2] * 10 + order[:1]
    assert max(end for _, end, _ in long.phones) <= 20.5
    assert naturalness.spoken_spans(long.phones)[:2] == [(0.0, 0.5), (1.0, 1.5)]
    with pytest.raises(InputError, match="needs clips of speech"):
        naturalness.long_recording(clips[2:], recordings, 5, 0)


def test_a_model_without_eyes_is_refused_in_one_sentence():
    class Flame:
        basis, fps = FLAME, 25.0

    with pytest.raises(InputError, match="needs ARKit motion"):
        naturalness.check(Flame())


def test_the_table_says_what_passes():
    table = naturalness.table(
        [naturalness.Measure(1, "blinks a minute", 20, 12, 30), naturalness.Measure(2, "sd", float("nan"), 0, 1)]
    )
    assert table.rows["1. blinks a minute"]["result"] == "pass"
    assert table.rows["2. sd"]["result"] == "FAIL"
    assert table.note == "1 of 2 checks pass"
