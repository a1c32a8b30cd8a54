# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers after the model: phrases, blinks, gaze, hold in silence."""

from __future__ import annotations

import numpy as np
import pytest
from artalk.core.basis import ARKIT
from artalk.core.motion import Motion
from artalk.core.polish.blinks import add_blinks, blink_curve, blink_times
from artalk.core.polish.gaze import add_gaze, gaze_shifts
from artalk.core.polish.limits import within_limits
from artalk.core.polish.phrases import Phrase, phrases
from artalk.core.polish.silence import hold_in_silence, mouth_channels
from hypothesis import given, settings
from hypothesis import strategies as st


def still(seconds: float, fps: float = 25, value: float = 0.0) -> Motion:
    return Motion(np.full((round(seconds * fps), len(ARKIT)), value, np.float32), ARKIT, fps)


def test_phrases_of_two_buzzes(voice):
    found = phrases(voice)
    assert [(round(p.start, 1), round(p.end, 1)) for p in found] == [(0.0, 1.0), (1.6, 2.6)]


@given(st.floats(0.01, 1.0), st.floats(0.05, 1))
def test_phrases_do_not_depend_on_a_moderate_level(gain, other):
    seconds = np.arange(32000) / 16000
    buzz = (0.5 * np.sin(2 * np.pi * 150 * seconds) * (seconds % 1 < 0.5)).astype(np.float32)
    assert len(phrases(buzz * np.float32(gain))) == len(phrases(buzz * np.float32(other))) == 2


def test_silence_has_no_phrase():
    assert phrases(np.zeros(16000, np.float32)) == []


def test_blinks_come_at_a_human_rate_and_never_at_the_very_start():
    rate = []
    for seed in range(20):
        times = blink_times(120, [], np.random.default_rng(seed))
        assert times == sorted(times)
        assert min(np.diff(times)) > 0.2
        rate.append(len(times) / 2)
    assert 14 < np.mean(rate) < 26


def test_blinks_are_drawn_to_phrase_ends():
    spoken = [Phrase(3.0 * i, 3.0 * i + 2.2) for i in range(100)]
    ends = np.array([p.end for p in spoken])
    near = 0
    times = blink_times(300, spoken, np.random.default_rng(1))
    for t in times:
        near += bool((np.abs(ends - t) < 0.15).any())
    assert near / len(times) > 0.25  # by chance it would be 0.1


@pytest.mark.parametrize("fps", [24, 25, 30, 60])
def test_every_full_blink_shows_a_closed_lid_at_every_rate(fps):
    for start in np.linspace(1, 1.05, 11):
        curve = blink_curve(np.arange(3 * fps) / fps, start, 1.0, max(1.0, 1 / (fps * 0.045)))
        assert curve.max() > 0.99


def test_blink_layer_is_seeded_and_can_be_turned_off():
    motion = still(30)
    one, same, other = (add_blinks(motion, [], seed) for seed in (1, 1, 2))
    assert np.array_equal(one.values, same.values)
    assert not np.array_equal(one.values, other.values)
    assert one.channel("eyeBlinkLeft").max() == 1
    assert not add_blinks(motion, [], 1, amount=0).values.any()
    touched = np.flatnonzero((one.values != motion.values).any(axis=0))
    assert [ARKIT.channels[i] for i in touched] == ["eyeBlinkLeft", "eyeBlinkRight"]


def test_eyes_hold_their_target_while_the_head_turns():
    motion = still(20)
    values = motion.values.copy()
    values[:, ARKIT.index("head_y")] = 0.1 * np.sin(np.arange(len(motion)) / 25 * 2)
    shifts = gaze_shifts(20, [], 5)
    turning = add_gaze(motion.with_values(values), shifts)
    fixed = add_gaze(motion, shifts)
    difference = turning.channel("left_eye_y") - fixed.channel("left_eye_y")
    assert np.allclose(difference, -0.97 * values[:, ARKIT.index("head_y")], atol=1e-5)
    assert np.abs(np.degrees(fixed.values[:, -4:])).max() <= 30
    assert (fixed.channel("left_eye_x") == fixed.channel("right_eye_x")).all()


def test_gaze_is_mostly_on_the_listener_and_makes_saccades():
    shifts = gaze_shifts(120, [Phrase(i, i + 0.8) for i in range(119)], 3)
    eyes = np.degrees(add_gaze(still(120, 60), shifts).values[:, -4:-2])
    assert 0.5 < (np.linalg.norm(eyes, axis=1) < 5).mean() < 0.97
    speed = np.abs(np.diff(eyes[:, 1])) * 60
    assert speed.max() < 700
    assert 0.4 < ((speed[1:] > 15) & (speed[:-1] <= 15)).sum() / 120 < 2.5


@given(st.integers(0, 5), st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_layers_keep_shapes_in_range(seed, value):
    out = add_gaze(still(6, value=np.float32(value)), gaze_shifts(6, [Phrase(1, 4)], seed))
    out = add_blinks(out, [Phrase(1, 4)], seed)
    shapes = out.values[:, :52]
    assert shapes.min() >= 0
    assert shapes.max() <= 1


def test_mouth_rests_in_the_pause_and_is_free_in_speech(voice):
    motion = hold_in_silence(still(3, value=0.5), voice)
    jaw = motion.channel("jawOpen")
    assert jaw[5:25].min() == pytest.approx(0.5)
    assert jaw[31:36].max() < 0.01
    assert jaw[45:62].min() > 0.45
    assert motion.channel("browInnerUp").min() == 0.5
    assert np.array_equal(hold_in_silence(still(3, value=0.5), voice, 0).values, still(3, value=0.5).values)


def test_mouth_channels_leave_the_upper_face_alone():
    names = {ARKIT.channels[i] for i in mouth_channels(ARKIT.channels)}
    assert {"jawOpen", "mouthClose", "tongueOut", "cheekPuff"} <= names
    assert not names & {"eyeBlinkLeft", "browInnerUp", "head_x", "cheekSquintLeft"}


def test_lips_are_not_pushed_through_each_other():
    values = np.random.default_rng(0).uniform(-0.5, 1.5, (40, len(ARKIT))).astype(np.float32)
    out = within_limits(Motion(values, ARKIT, 25))
    assert out.values[:, :52].min() >= 0
    assert out.values[:, :52].max() <= 1
    assert (out.channel("mouthClose") <= out.channel("jawOpen")).all()
    assert np.array_equal(out.values[:, 52:], values[:, 52:])
