# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers after the model: phrases, blinks, gaze, hold in silence."""

from __future__ import annotations

import numpy as np
import pytest
from artalk.core.basis import ARKIT
from artalk.core.generate import Options, polish
from artalk.core.motion import Motion
from artalk.core.polish.blinks import add_blinks, blink_curve, blink_times
from artalk.core.polish.breath import add_breath
from artalk.core.polish.brows import add_brows
from artalk.core.polish.gaze import Shift, add_gaze, gaze_shifts
from artalk.core.polish.head import add_head, ease_jumps, hold_in_pauses
from artalk.core.polish.limits import within_limits
from artalk.core.polish.phrases import Phrase, phrases
from artalk.core.polish.prosody import Accent, Prosody, listen, pitch_semitones
from artalk.core.polish.seals import hold_seals, lip_gap, pressed, shut_slits
from artalk.core.polish.silence import hold_in_silence, mouth_channels
from hypothesis import given, settings
from hypothesis import strategies as st


def still(seconds: float, fps: float = 25, value: float = 0.0) -> Motion:
    return Motion(np.full((round(seconds * fps), len(ARKIT)), value, np.float32), ARKIT, fps)


def test_phrases_of_two_buzzes(voice):
    found = phrases(voice)
    assert [(round(p.start, 1), round(p.end, 1)) for p in found] == [(0.0, 1.0), (1.6, 2.6)]


@given(st.floats(0.0005, 1.0), st.floats(0.0005, 1))
def test_phrases_do_not_depend_on_the_level(gain, other):
    seconds = np.arange(32000) / 16000
    buzz = (0.5 * np.sin(2 * np.pi * 150 * seconds) * (seconds % 1 < 0.5)).astype(np.float32)
    assert len(phrases(buzz * np.float32(gain))) == len(phrases(buzz * np.float32(other))) == 2


def test_silence_has_no_phrase():
    assert phrases(np.zeros(16000, np.float32)) == []


@given(st.floats(-100, -56), st.floats(0, 8))
def test_noise_of_a_quiet_room_has_no_phrase(level, swell):
    """Nor where it comes and goes by some decibels."""
    seconds = np.arange(64000) / 16000
    gain = 10 ** ((level - 0.5 * swell * (1 - np.sin(2 * np.pi * seconds))) / 20)
    noise = gain * np.random.default_rng(0).standard_normal(64000)
    assert phrases(noise.astype(np.float32)) == []


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
    motion = hold_in_silence(still(3, value=0.5), phrases(voice))
    jaw = motion.channel("jawOpen")
    assert jaw[5:25].min() == pytest.approx(0.5)
    assert jaw[31:36].max() < 0.01
    assert jaw[45:62].min() > 0.45
    assert motion.channel("browInnerUp").min() == 0.5
    assert np.array_equal(hold_in_silence(still(3, value=0.5), phrases(voice), 0).values, still(3, value=0.5).values)


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


TALK = [Phrase(3.0 * i + 0.5, 3.0 * i + 2.6) for i in range(40)]
BEATS = [Accent(phrase.start + lag, rank) for phrase in TALK for lag, rank in ((0.4, 0.5), (1.4, 0.95))]
VOICE = Prosody(TALK, BEATS, np.zeros(6000), np.zeros(6000))


def head_of(motion):
    return np.degrees(motion.values[:, 52:55])


def test_head_layer_moves_as_a_speaker_does_is_seeded_and_can_be_turned_off():
    motion = still(120)
    one, same, other = (add_head(motion, VOICE, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.values, same.values)
    assert np.abs(head_of(one) - head_of(other)).max() > 2
    assert (head_of(one).std(axis=0) > (1.2, 1.2, 0.7)).all()
    assert np.linalg.norm(np.diff(head_of(one), axis=0), axis=1).max() * 25 < 90
    assert not add_head(motion, VOICE, 1, amount=0).values.any()
    half = head_of(add_head(motion, VOICE, 1, amount=0.5))
    assert 0.3 < half.std() / head_of(one).std() < 0.7
    assert not one.values[:, :52].any()


def test_head_nods_down_after_accents():
    head = head_of(add_head(still(120), VOICE, 3))[:, 0]
    frames = np.round(np.array([beat.time for beat in BEATS]) * 25).astype(int)
    about = np.array([head[frames + shift].mean() for shift in range(-8, 15)])
    assert 8 <= about.argmax() <= 8 + 0.35 * 25


def test_one_seed_is_one_performance_at_every_rate_and_length():
    at_25, at_50, longer = (add_head(still(length, fps), VOICE, 4) for length, fps in ((120, 25), (120, 50), (150, 25)))
    assert np.abs(head_of(at_25) - head_of(at_50)[::2]).max() < 0.6
    assert np.abs(head_of(at_25)[:2700] - head_of(longer)[:2700]).max() < 0.2


def test_idle_head_is_nearly_still():
    head = head_of(add_head(still(120), Prosody([], [], np.zeros(6000), np.zeros(6000)), 1))
    assert 0.2 < head[:, 0].std() < 1.2
    assert (np.linalg.norm(np.diff(head, axis=0), axis=1) * 25 > 2).mean() < 0.4


def test_the_head_rests_in_a_pause_and_goes_on_after_it():
    seconds = np.arange(0, 10, 0.04)
    moving = np.stack([5 * np.sin(2 * seconds)] * 3, axis=1)
    held = hold_in_pauses(moving, seconds, [Phrase(1, 4), Phrase(6, 9)], 1.0)
    inside = (seconds > 4.2) & (seconds < 5.8)
    assert np.ptp(held[inside], axis=0).max() < 1e-6
    assert np.allclose(held[(seconds > 6.6) & (seconds < 8.8)], moving[(seconds > 6.6) & (seconds < 8.8)])
    assert np.array_equal(hold_in_pauses(moving, seconds, [Phrase(1, 4), Phrase(6, 9)], 0.0), moving)


def test_jumps_between_windows_become_moves():
    values = still(8).values.copy()
    values[100:, ARKIT.index("head_y")] = np.radians(6)
    eased = head_of(ease_jumps(still(8).with_values(values)))[:, 1]
    assert np.diff(eased).max() * 25 < 45
    assert eased[0] == 0
    assert eased[-1] == pytest.approx(6, abs=1e-4)


@given(st.integers(0, 4), st.floats(0, 0.6))
@settings(max_examples=15, deadline=None)
def test_head_keeps_within_what_a_neck_can_do(seed, own):
    values = still(20).values.copy()
    values[:, 52:55] = own
    head = np.abs(head_of(add_head(still(20).with_values(values), VOICE, seed, 2.0)))
    assert (head.max(axis=0) <= np.array([20, 25, 12]) + 1e-3).all()


def test_brows_rise_with_some_of_the_strongest_accents():
    motion = still(120)
    out = add_brows(motion, BEATS, 0)
    raised = out.channel("browInnerUp")
    tops = np.flatnonzero((raised[1:-1] > raised[:-2]) & (raised[1:-1] >= raised[2:])) + 1
    strong = np.array([beat.time for beat in BEATS if beat.rank > 0.9])
    assert 10 <= len(tops) < len(strong)
    assert max(np.abs(strong - top / 25).min() for top in tops) <= 0.04
    assert 0.1 < raised.max() <= 0.36
    assert not add_brows(motion, BEATS, 0, amount=0).values.any()


def test_breath_parts_the_lips_before_a_phrase_and_still_counts_as_rest():
    out = add_breath(still(10), [Phrase(1, 4), Phrase(5, 6), Phrase(6.2, 8)])
    jaw = out.channel("jawOpen")
    assert jaw[round(4.6 * 25) : 5 * 25].max() > 0.025
    assert lip_gap(out).max() <= 2
    assert not jaw[: 4 * 25].any()
    assert not jaw[5 * 25 - 1 :].any()  # lips are shut for a first p; the second pause is too short to breathe in
    assert not add_breath(still(10), TALK, amount=0).values.any()


def test_short_seals_are_held_and_long_ones_left_alone():
    values = still(2).values.copy()
    jaw = ARKIT.index("jawOpen")
    values[:, jaw] = 0.3
    values[10, jaw] = 0.0
    values[30:34, jaw] = 0.0
    gap = lip_gap(hold_seals(still(2).with_values(values), np.ones(50, bool)))
    seconds = np.arange(0, 2, 0.001)
    shut = np.interp(seconds * 25, np.arange(50), gap) <= 1.0
    assert 0.06 < shut[: 20 * 40].sum() * 0.001 < 0.1
    assert np.array_equal(gap[25:], lip_gap(still(2).with_values(values))[25:])
    assert gap[9] >= 1
    assert gap[11] >= 1


def test_lips_part_from_a_seal_that_is_held_in_a_smaller_jump():
    values = still(2).values.copy()
    values[:, ARKIT.index("jawOpen")] = 0.3
    values[10, ARKIT.index("jawOpen")] = 0.0
    gap = lip_gap(hold_seals(still(2).with_values(values), np.ones(50, bool)))
    drawn, following = 1 - gap[[9, 11]] / 8.1, 1 - gap[[8, 12]] / 8.1
    assert (drawn > 0.7).all()
    assert following == pytest.approx(0.15 * drawn**2, abs=1e-3), "a share of the way to the frame that is drawn"
    assert gap[[7, 13]] == pytest.approx(8.1, abs=1e-4)


def held_gap(*millimetres: float):
    values = np.zeros((len(millimetres), len(ARKIT)), np.float32)
    values[:, ARKIT.index("jawOpen")] = np.array(millimetres) / 27
    return lip_gap(hold_seals(Motion(values, ARKIT, 25), np.ones(len(values), bool)))


def test_a_frame_between_two_held_seals_follows_one_of_them():
    alone = held_gap(8, 8, 8, 0, 8, 8, 8, 8, 8, 8, 8)[5]
    assert alone < 7.3
    assert held_gap(8, 8, 8, 0, 8, 8, 8, 0, 8, 8, 8)[5] == pytest.approx(alone, abs=1e-4)


def test_lips_that_part_ever_faster_are_not_drawn_further():
    assert held_gap(6, 8, 8, 4, 2, 0, 2, 4, 8, 8, 6)[[3, 7]] == pytest.approx(4, abs=1e-4)


def test_two_short_seals_beside_each_other_stay_two():
    values = np.zeros((7, len(ARKIT)), np.float32)
    values[:, ARKIT.index("jawOpen")] = np.array([3, 3, 0.2, 3, 0.2, 3, 3]) / 27
    gap = lip_gap(hold_seals(Motion(values, ARKIT, 25), np.ones(7, bool)))
    assert gap[[2, 4]] == pytest.approx(0.2, abs=1e-4)
    assert gap[[1, 3, 5]].min() > 0.99


PRESS = ARKIT.indices(["mouthPressLeft", "mouthPressRight"])


def test_only_seals_that_are_pressed_are_held():
    values = still(2).values.copy()
    values[:, ARKIT.index("jawOpen")] = 0.3
    values[[10, 30], ARKIT.index("jawOpen")] = 0.0
    values[10, PRESS], values[30, PRESS] = 0.3, 0.04
    motion = still(2).with_values(values)
    meant = pressed(motion)
    assert np.flatnonzero(meant).tolist() == [10]
    changed = np.flatnonzero(np.abs(hold_seals(motion, meant).values - values).max(axis=1) > 0)
    assert changed.tolist() == [8, 9, 11, 12]


def test_what_a_flame_model_shuts_is_held_without_a_press():
    values = still(2).values.copy()
    values[:, ARKIT.index("jawOpen")] = 0.3
    values[10, ARKIT.index("jawOpen")] = 0.0
    beside = {}
    for model in ("artalk", "mini"):
        shown = polish(still(2).with_values(values), VOICE, Options(model=model, hold_in_silence=0.0))
        beside[model] = lip_gap(shown)[[9, 11]]
    assert (beside["artalk"] < 2).all()
    assert (beside["mini"] > 7).all()


def test_slits_are_shut_where_lips_are_meant_to_meet_or_rest_and_nowhere_else():
    gaps = np.full(60, 8.0)
    gaps[:4] = gaps[57:] = 0.3  # rest, at either end
    gaps[11:14], gaps[16], gaps[20] = 0.4, 0.4, 0.75  # pressed, at least in the middle
    gaps[24], gaps[28] = 0.3, 0.6  # in passing
    gaps[32:40] = [0.1, 0.3, 0.75, 0.99, 0.1, 0.1, -0.1, 0.3]  # rest
    values = np.zeros((60, len(ARKIT)), np.float32)
    values[:, ARKIT.index("jawOpen")] = 0.3
    values[:, ARKIT.index("mouthClose")] = 0.3 - gaps / 27
    values[np.ix_([12, 16, 20], PRESS)] = 0.3
    motion = still(2.4).with_values(values)
    shut = shut_slits(motion, pressed(motion))
    gap = lip_gap(shut)
    assert gap[[0, 3, 57, 59, 11, 12, 13, 16]] == pytest.approx(0, abs=1e-4)
    assert gap[20] == pytest.approx(0.375, abs=1e-3)
    assert gap[[24, 28]] == pytest.approx([0.3, 0.6], abs=1e-4)
    assert gap[32:40] == pytest.approx([0, 0, 0.375, 0.9702, 0, 0, -0.1, 0], abs=1e-3)
    assert gap[[10, 22, 50]] == pytest.approx(8, abs=1e-4)
    assert np.array_equal(shut.channel("jawOpen"), values[:, ARKIT.index("jawOpen")])


def test_very_large_shifts_of_gaze_bring_a_blink():
    shifts = [Shift(5.0 * i, (0, -17), (0, 17)) for i in range(1, 20)]
    times = np.array(blink_times(100, [], np.random.default_rng(0), shifts))
    assert np.mean([np.abs(times - shift.start).min() < 0.3 for shift in shifts]) > 0.9


def test_pitch_is_heard_in_semitones():
    seconds = np.arange(32000) / 16000
    voice = np.sin(2 * np.pi * np.where(seconds < 1, 110.0, 220 * 2 ** (-6 / 12)) * seconds).astype(np.float32)
    pitch = pitch_semitones(voice)
    assert np.median(pitch[60:95]) - np.median(pitch[5:40]) == pytest.approx(6, abs=0.4)
    assert not pitch_semitones(np.zeros(16000, np.float32)).any()


def test_accents_are_where_the_voice_is_louder():
    seconds = np.arange(4 * 16000) / 16000
    loud = 0.05 + 0.3 * (np.abs(seconds - 2) < 0.1)
    accents = listen((loud * np.sin(2 * np.pi * 130 * seconds)).astype(np.float32)).accents
    strongest = max(accents, key=lambda accent: accent.rank)
    assert strongest.time == pytest.approx(1.9, abs=0.06)


def test_polish_puts_eyes_against_the_finished_head_at_the_final_rate(voice):
    voice = listen(voice)
    out = polish(still(3), voice, Options(fps=50))
    assert out.fps == 50
    without = polish(still(3), voice, Options(fps=50, head=0))
    turned = out.channel("left_eye_y") - without.channel("left_eye_y")
    assert np.allclose(turned, -0.97 * (out.channel("head_y") - without.channel("head_y")), atol=1e-5)
    off = Options(head=0, gaze=0, brows=0, breath=0, blinks=0, hold_in_silence=0)
    assert not polish(still(3), voice, off).values.any()
