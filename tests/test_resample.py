# SPDX-License-Identifier: GPL-3.0-or-later
"""Change of sample rate: the reference values, and what must hold for any rates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from artalk.core.errors import InputError
from artalk.core.resample import resample
from golden.fill import audio_f32
from golden.models import golden
from hypothesis import given, settings
from hypothesis import strategies as st

RATES = st.sampled_from([8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000])
ODD_RATES = st.integers(4000, 50000)


def tone(hertz: float, rate: int, count: int) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(count) / rate).astype(np.float32)


@pytest.mark.parametrize("rate", [44100, 48000, 22050, 8000, 24000])
def test_to_16k_equals_the_reference(rate: int) -> None:
    converted = resample(audio_f32(rate // 4, 5, rate=rate), rate, 16000)
    expected = golden("resample")[f"from_{rate}"]
    assert converted.shape == expected.shape
    assert np.abs(converted - expected).max() < 5e-6


def test_16k_to_24k_equals_the_reference() -> None:
    converted = resample(audio_f32(4000, 5), 16000, 24000)
    assert np.abs(converted - golden("resample")["to_24000"]).max() < 5e-6


@given(RATES, RATES, st.integers(0, 3000))
def test_length_is_rounded_up(rate_in: int, rate_out: int, count: int) -> None:
    assert len(resample(np.zeros(count, np.float32), rate_in, rate_out)) == -(-count * rate_out // rate_in)


@settings(max_examples=20, deadline=None)
@given(ODD_RATES, ODD_RATES, st.integers(1, 400))
def test_rates_without_a_common_divisor(rate_in: int, rate_out: int, count: int) -> None:
    x = np.ones(count, np.float32)
    y = resample(x, rate_in, rate_out)
    assert len(y) == -(-count * rate_out // rate_in)
    assert np.isfinite(y).all()


@given(RATES, RATES, st.integers(1, 2000), st.integers(0, 2**31), st.floats(-2, 2, width=32))
def test_conversion_is_linear(rate_in: int, rate_out: int, count: int, seed: int, factor: float) -> None:
    a, b = np.random.default_rng(seed).standard_normal((2, count)).astype(np.float32)
    together = resample(a + np.float32(factor) * b, rate_in, rate_out)
    apart = resample(a, rate_in, rate_out) + np.float32(factor) * resample(b, rate_in, rate_out)
    np.testing.assert_allclose(together, apart, atol=2e-5)


@given(RATES, RATES, st.floats(60, 2600))
def test_a_tone_below_both_limits_stays_that_tone(rate_in: int, rate_out: int, hertz: float) -> None:
    y = resample(tone(hertz, rate_in, rate_in // 5), rate_in, rate_out)
    expected = tone(hertz, rate_out, len(y))
    # six zero crossings of the slower rate at either end see the silence outside the clip
    edge = math.ceil(8 * rate_out / min(rate_in, rate_out))
    assert np.abs(y - expected)[edge:-edge].max() < 0.02


@given(st.sampled_from([32000, 44100, 48000, 96000]), st.floats(10700, 15500))
def test_a_tone_above_the_new_limit_is_taken_out(rate_in: int, hertz: float) -> None:
    y = resample(tone(hertz, rate_in, rate_in // 5), rate_in, 16000)
    assert np.abs(y[10:-10]).max() < 0.02


@given(RATES, st.integers(0, 2**31))
def test_up_and_down_again_gives_the_signal_back(rate: int, seed: int) -> None:
    # well below the lower limit, where the filter has not begun to fall
    parts = np.random.default_rng(seed).uniform(50, 0.3 * rate, 5)
    x = np.sum([tone(hertz, rate, rate // 10) for hertz in parts], axis=0).astype(np.float32) / 5
    back = resample(resample(x, rate, 3 * rate), 3 * rate, rate)
    assert len(back) == len(x)
    assert np.abs(back - x)[20:-20].max() < 0.01


@given(RATES, RATES, st.integers(1, 3), st.integers(0, 2**31))
def test_channels_are_converted_one_by_one(rate_in: int, rate_out: int, channels: int, seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal((500, channels)).astype(np.float32)
    y = resample(x, rate_in, rate_out)
    for channel in range(channels):
        np.testing.assert_array_equal(y[:, channel], resample(x[:, channel], rate_in, rate_out))


def test_same_rate_is_a_copy() -> None:
    x = audio_f32(100)
    y = resample(x, 16000, 16000)
    np.testing.assert_array_equal(x, y)
    assert not np.shares_memory(x, y)


def test_blocks_of_a_long_clip_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    x = audio_f32(20000, 1, rate=48000)
    whole = resample(x, 48000, 16000)
    monkeypatch.setattr("artalk.core.resample.WINDOW_VALUES", 500)
    np.testing.assert_allclose(resample(x, 48000, 16000), whole, atol=1e-7)


@pytest.mark.parametrize(("rate_in", "rate_out"), [(0, 16000), (-8000, 16000), (16000, 0)])
def test_a_rate_that_is_none_is_refused(rate_in: int, rate_out: int) -> None:
    with pytest.raises(InputError, match="sample rate must be above 0"):
        resample(np.zeros(10, np.float32), rate_in, rate_out)
