# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers that are turned by hand: amounts, smoothing, offsets, rests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from artalk.core.audio import read
from artalk.core.basis import ARKIT
from artalk.core.generate import ANIMATED, Options, Spoken, generate, polish, speak
from artalk.core.motion import Motion
from artalk.core.polish.amounts import going_on, scale, scale_mouth, shift, smooth
from artalk.core.polish.limits import within_limits
from artalk.core.polish.presets import PRESETS
from artalk.core.polish.prosody import listen
from artalk.core.polish.seals import SEALED_MM, lip_gap
from hypothesis import given, settings
from hypothesis import strategies as st

AMOUNTS = st.floats(0, 2)


def talking(seed: int = 0, seconds: float = 4, fps: float = 25) -> Motion:
    """Every channel at random; the lips meet in a third of the frames."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0, 0.6, (round(seconds * fps), len(ARKIT))).astype(np.float32)
    values[:, 52:] -= 0.3
    meeting = rng.uniform(size=len(values)) < 1 / 3
    small = values[meeting]
    small[:, [i for i, name in enumerate(ARKIT.channels) if name.startswith("mouth")]] *= rng.uniform(0, 0.05)
    small[:, ARKIT.index("mouthClose")] = small[:, ARKIT.index("jawOpen")]
    values[meeting] = small
    return within_limits(Motion(values, ARKIT, fps))


@pytest.fixture(scope="module")
def spoken(sentence) -> Spoken:
    return speak(read(sentence), Options())


@given(st.integers(0, 9), AMOUNTS, AMOUNTS, st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_lips_that_meet_meet_whatever_the_amounts(seed, jaw, lips, smoothing):
    motion = talking(seed)
    met = lip_gap(motion) <= SEALED_MM
    assert met.any()
    out = scale_mouth(smooth(motion, smoothing), jaw, lips)
    assert (lip_gap(out)[met] <= lip_gap(motion)[met] + 1e-3).all()
    assert out.values[:, :52].min() >= 0
    assert out.values[:, :52].max() <= 1
    assert (out.channel("mouthClose") <= out.channel("jawOpen")).all()


@pytest.mark.parametrize("change", [{"jaw": 1.7}, {"lips": 2.0}, {"jaw": 0.4, "lips": 0.0}, {"smoothing": 1.0}])
def test_closures_of_a_real_sentence_stay_closed(spoken, change):
    plain = polish(spoken.raw, spoken.voice, Options())
    turned = polish(spoken.raw, spoken.voice, replace(Options(), **change))
    met = lip_gap(plain) <= SEALED_MM
    assert met.sum() > 10
    assert lip_gap(turned)[met].max() < 1.25 * SEALED_MM


def test_each_amount_moves_its_own_part(spoken):
    one = polish(spoken.raw, spoken.voice, Options())
    parts = {
        "jaw": "jawOpen",
        "lips": "mouthPucker",
        "brows": "browInnerUp",
        "head": "head_x",
        "eyes": "left_eye_y",
        "blinks": "eyeBlinkLeft",
    }
    for name, channel in parts.items():
        none = polish(spoken.raw, spoken.voice, replace(Options(), **{name: 0.0}))
        half = polish(spoken.raw, spoken.voice, replace(Options(), **{name: 0.5}))
        assert one.channel(channel).std() > 0.003, channel
        assert none.channel(channel).std() < 0.5 * half.channel(channel).std(), channel
        assert 0.2 < half.channel(channel).std() / one.channel(channel).std() < 0.9, channel


def test_amounts_over_time_are_those_amounts_where_they_hold(spoken):
    """Full until the middle and none after it, for each amount that may change."""
    middle = spoken.raw.duration / 2
    for name in ANIMATED:
        over_time = {name: lambda seconds: (seconds < middle).astype(float)}
        mixed = polish(spoken.raw, spoken.voice, Options(), over_time).values
        ends = [polish(spoken.raw, spoken.voice, replace(Options(), **{name: value})).values for value in (1.0, 0.0)]
        half = len(mixed) // 2
        assert np.allclose(mixed[: half - 4], ends[0][: half - 4], atol=1e-5), name
        assert np.allclose(mixed[half + 4 :], ends[1][half + 4 :], atol=1e-5), name


def test_generate_is_speaking_then_polishing(spoken, sentence):
    options = Options(fps=30, jaw=0.8)
    whole = generate(read(sentence), options)
    assert np.array_equal(whole.values, polish(spoken.raw, spoken.voice, options).values)
    assert len(whole.meta["audio_sha256"]) == 64


def test_the_default_smoothing_and_amounts_change_nothing():
    motion = talking()
    assert smooth(motion, 0) is motion
    assert np.array_equal(scale_mouth(motion, 1.0, 1.0).values, motion.values)
    assert np.array_equal(shift(motion, ("head_x",), 0).values, motion.values)


def test_smoothing_takes_the_quick_part_away():
    motion = talking()
    quick = [np.abs(np.diff(smooth(motion, amount).channel("browInnerUp"))).mean() for amount in (0, 0.3, 1)]
    assert quick[0] > 1.5 * quick[1] > 2 * quick[2]


def test_an_offset_moves_its_channels_alone_in_time():
    motion = talking(fps=50)
    later = shift(motion, ("head_x", "head_y"), 0.1)
    assert np.allclose(later.channel("head_x")[5:], motion.channel("head_x")[:-5], atol=1e-6)
    assert (later.channel("head_x")[:5] == motion.channel("head_x")[0]).all()
    assert np.array_equal(later.channel("jawOpen"), motion.channel("jawOpen"))
    earlier = shift(motion, ("head_x",), -0.1)
    assert np.allclose(earlier.channel("head_x")[:-5], motion.channel("head_x")[5:], atol=1e-6)


def test_the_mouths_offset_keeps_its_closures(spoken):
    plain = polish(spoken.raw, spoken.voice, Options())
    late = polish(spoken.raw, spoken.voice, Options(mouth_offset=0.08))  # two frames
    assert np.allclose(lip_gap(late)[2:], lip_gap(plain)[:-2], atol=1e-3)
    assert np.array_equal(late.channel("head_x"), plain.channel("head_x"))


def test_what_follows_goes_to_rest_as_far_as_wanted():
    motion = talking()
    out = going_on(motion, 3.0, 0.4)
    assert len(out) == len(motion) + 75
    assert np.array_equal(out.values[: len(motion)], motion.values)
    assert not out.values[-1].any()
    after = out.values[len(motion) + 3 :, out.basis.index("jawOpen")]
    assert (np.diff(after) <= 0).all()
    held = going_on(motion, 3.0, 0.4, 0.0)
    assert (held.values[-1] == held.values[-10]).all()
    assert held.values[-1].any()


def test_presets_are_options_that_work(voice):
    heard = listen(voice)
    results = [polish(talking(), heard, replace(Options(), **values)).values for values in PRESETS.values()]
    assert len(results) >= 4
    for number, one in enumerate(results):
        assert not any(np.array_equal(one, other) for other in results[:number])


def test_the_head_stays_within_what_a_neck_can_do():
    out = scale(talking(), ("head_x", "head_y", "head_z"), 20.0)
    assert (np.abs(np.degrees(out.values[:, 52:55])).max(axis=0) <= np.array([20, 25, 12]) + 1e-3).all()
