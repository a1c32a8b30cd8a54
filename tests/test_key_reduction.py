# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest
from artalk.core.errors import InputError
from artalk.core.polish import key_reduction
from artalk.core.polish.key_reduction import Face, draw, fewest, reduce_keys, slopes_of
from hypothesis import given, settings
from hypothesis import strategies as st


def face(curves, points=12, pairs=4, seed=0):
    """Random shapes, two bones and lips that the first curve opens and the second shuts."""
    rng = np.random.default_rng(seed)
    shifts = rng.normal(0, 4, (curves, points, 3))
    levers = np.zeros((curves, points))
    shifts[-2:], levers[-2:] = 0, rng.uniform(0, 120, (2, points))
    gaps = np.zeros((curves, 2, pairs))
    gaps[0], gaps[1] = 20, -20
    gaps[2:, 1] = rng.uniform(-1, 1, (curves - 2, pairs))
    return Face(shifts, levers, gaps, np.zeros((2, pairs)))


def smooth(seed, frames, curves, speed):
    """Waves of several speeds, 0 to 1, and lips that shut every now and then."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(frames)[:, None] / 25
    waves = sum(np.sin(seconds * rng.uniform(1, speed, curves) + rng.uniform(0, 6, curves)) for _ in range(3))
    values = 0.5 + waves / 6
    values[:, 1] = np.where(np.sin(seconds[:, 0] * speed / 2) > 0.6, values[:, 0], 0)
    return values


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 999), st.integers(1, 90), st.floats(2, 40), st.sampled_from((0.05, 0.3, 2.0)))
def test_no_point_is_off_by_more_than_the_bound_and_seals_hold(seed, frames, speed, bound):
    values, skin = smooth(seed, frames, 6, speed), face(6, seed=seed)
    reduced = reduce_keys(np.arange(frames), values, skin, bound)
    drawn = draw(values, reduced.slopes, reduced.kept)
    off = skin.distances(drawn - values).max()
    assert off <= bound
    assert reduced.worst == pytest.approx(off)
    before, after = skin.apart(values), skin.apart(drawn)
    assert after.max(axis=2)[before.max(axis=2) <= 1.0].max(initial=0) <= 1.0 + 1e-3
    near = np.broadcast_to(before.max(axis=2, keepdims=True) <= 1.2, before.shape)
    assert (after <= np.maximum(before, 0.9) + 1e-3)[near].all(), "nor does what is nearly shut part further"
    assert reduced.kept[[0, -1]].all()
    np.testing.assert_array_equal(drawn[reduced.kept], values[reduced.kept])


def test_slow_curves_need_few_keys_and_a_wider_bound_fewer():
    values, skin = smooth(1, 300, 6, 3), face(6)
    keys = [reduce_keys(np.arange(300), values, skin, bound).keys for bound in (0.1, 0.3, 1.0)]
    assert keys == sorted(keys, reverse=True)
    assert keys[1] < values.size / 5
    lipless = Face(skin.shifts, skin.levers, np.zeros((6, 0, 0)), np.zeros((0, 0)))
    assert reduce_keys(np.arange(300), values, lipless, 1e6).keys <= 6 * (2 + 300 // key_reduction.LONGEST)


def test_the_fewest_keys_are_found():
    """Against every choice there is, for short curves."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        values = np.cumsum(rng.normal(0, 1, (8, 1)), axis=0)
        slopes, tolerance = slopes_of(values), np.full((8, 1), 0.8)
        least = 8
        for choice in range(64):
            kept = np.array([True, *(bool(choice >> bit & 1) for bit in range(6)), True])[:, None]
            if np.abs(draw(values, slopes, kept) - values).max() <= 0.8:
                least = min(least, int(kept.sum()))
        assert fewest(values, slopes, tolerance).sum() == least


def test_what_moves_nothing_keeps_its_ends_alone():
    values, skin = smooth(2, 40, 6, 20), face(6)
    skin.shifts[3], skin.gaps[3] = 0, 0
    kept = reduce_keys(np.arange(40), values, skin, 0.3).kept
    assert kept[:, 3].sum() == 2


def test_a_pause_between_lines_is_crossed_in_a_straight_line():
    values, skin = smooth(4, 60, 6, 5), face(6)
    frames = np.concatenate([np.arange(30), 500 + np.arange(30)])
    reduced = reduce_keys(frames, values, skin, 0.3)
    assert reduced.kept[[0, 29, 30, 59]].all()
    assert np.flatnonzero(reduced.straight).tolist() == [29]
    alone = reduce_keys(frames[:30], values[:30], skin, 0.3)
    np.testing.assert_array_equal(reduced.kept[:30], alone.kept)


def test_it_is_the_same_every_time():
    values, skin = smooth(5, 80, 6, 20), face(6)
    first, second = (reduce_keys(np.arange(80), values, skin, 0.3) for _ in range(2))
    np.testing.assert_array_equal(first.kept, second.kept)


def test_no_frames_and_a_bound_of_nothing():
    assert reduce_keys(np.zeros(0, int), np.zeros((0, 6)), face(6), 0.3).keys == 0
    for bound in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="not above 0"):
            reduce_keys(np.arange(5), np.zeros((5, 6)), face(6), bound)


def test_lips_that_touch_are_paired():
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 0, -0.1], [1, 0, -0.2], [9, 0, 0.0]])
    pairs = key_reduction.lip_pairs(points, [0, 1, 4], [2, 3], 0.5)
    assert pairs.tolist() == [[0, 2], [1, 3]]
    assert key_reduction.lip_pairs(points, [], [2], 0.5).shape == (0, 2)
