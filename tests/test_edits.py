# SPDX-License-Identifier: GPL-3.0-or-later
"""An artist's changes of generated curves: found, carried over to new speech, dropped. Pure, without Blender."""

from __future__ import annotations

import numpy as np
import pytest
from artalk.artalk_addon import edits as hand
from artalk.artalk_addon.keys import NUMBERS, Keys, together
from hypothesis import given, settings
from hypothesis import strategies as st


def wave(first=1, last=60, phase=0.0):
    frames = np.arange(first, last + 1, dtype=np.float32)
    return Keys.plain(frames, (0.3 + 0.2 * np.sin(frames / 7 + phase)).astype(np.float32))


def changed(keys, **columns):
    """A copy with some numbers replaced: name=(mask or numbers, value)."""
    numbers = {name: array.copy() for name, array in keys.numbers.items()}
    for name, (which, value) in columns.items():
        numbers[name][which] = value
    return Keys(numbers)


def raised(keys, frames, by):
    return keys.moved(0.0, np.where(np.isin(keys.frames, frames), by, 0).astype(np.float32))


def without(keys, frames):
    return keys.take(~np.isin(keys.frames, frames))


def same(one, other):
    for name in NUMBERS:
        np.testing.assert_allclose(one.numbers[name], other.numbers[name], atol=2e-6, err_msg=name)


def test_nothing_is_found_where_nothing_was_changed():
    assert hand.find(wave(), wave()) is None


def test_a_moved_key_is_an_offset_on_the_new_speech():
    found = hand.find(raised(wave(), [20, 21], 0.4), wave())
    assert found.frames == [20, 21]
    new = wave(phase=1.0)
    same(hand.carry(found, new, 0), raised(new, [20, 21], 0.4))


def test_a_scaled_range_keeps_its_offsets():
    base = wave()
    scaled = changed(base, co=(slice(10, 30), np.stack([base.frames, base.values * 2], 1)[10:30]))
    new = wave(phase=0.5)
    after = hand.carry(hand.find(scaled, base), new, 0)
    np.testing.assert_allclose(after.values[10:30], new.values[10:30] + base.values[10:30], atol=1e-6)
    np.testing.assert_array_equal(after.values[30:], new.values[30:])


def test_a_key_taken_away_stays_away():
    found = hand.find(without(wave(), [20, 21, 22]), wave())
    assert found.removed == (20, 21, 22)
    same(hand.carry(found, wave(phase=1), 0), without(wave(phase=1), [20, 21, 22]))


def test_a_curve_redrawn_with_few_keys_stays_as_drawn():
    own = Keys.plain(np.array([24.0, 30.5], np.float32), np.array([0.9, 0.1], np.float32))
    own = changed(own, interpolation=(slice(None), 2))
    drawn = together([without(wave(), range(20, 35)), own])
    after = hand.carry(hand.find(drawn, wave()), wave(phase=1), 0)
    same(after, together([without(wave(phase=1), range(20, 35)), own]))


def test_a_changed_handle_keeps_its_form_on_the_new_value():
    base = wave()
    at = base.frames == 12
    bent = changed(
        base,
        interpolation=(at, 2),
        handle_right_type=(at, 0),
        handle_right=(at, base.numbers["co"][at] + [[3, 0.5]]),
    )
    found = hand.find(bent, base)
    assert found.frames == [12]
    new = wave(phase=2)
    after = hand.carry(found, new, 0)
    np.testing.assert_allclose(after.values, new.values, atol=1e-6)
    np.testing.assert_allclose(after.numbers["handle_right"][at] - after.numbers["co"][at], [[3, 0.5]], atol=1e-6)
    assert after.numbers["interpolation"][at] == 2
    assert (after.numbers["interpolation"][~at] == 1).all()


def test_handles_that_blender_places_are_no_edits():
    assert hand.find(changed(wave(), handle_left=(slice(None), 7.0)), wave()) is None


def test_edits_go_along_with_a_strip_that_was_moved():
    edited = together([without(raised(wave(), [20], 0.4), [30]), changed(wave(30, 30), co=(0, (30.5, 0.8)))])
    after = hand.carry(hand.find(edited, wave()), wave(101, 160), 100)
    np.testing.assert_allclose(after.frames - 100, edited.frames)
    assert after.values[after.frames == 120] == pytest.approx(wave(101, 160).values[19] + 0.4, abs=1e-6)


def test_an_offset_fades_where_the_new_speech_is_longer():
    after = hand.carry(hand.find(raised(wave(), np.arange(50, 61), 0.4), wave()), wave(1, 100), 0)
    offset = after.values - wave(1, 100).values
    assert offset[59] == pytest.approx(0.4, abs=1e-6)
    assert (np.diff(offset[59:]) <= 1e-6).all()
    assert np.abs(np.diff(offset[59:])).max() < 0.06
    assert offset[70] == pytest.approx(0, abs=1e-6)


def test_dropping_a_stretch_leaves_the_others():
    edited = without(raised(wave(), [10, 11, 40], 0.4), [41, 50])
    found = hand.find(edited, wave())
    assert hand.stretches([found]) == [(10, 11), (40, 41), (50, 50)]
    left = hand.without(found, 40, 41)
    same(hand.carry(left, wave(), 0), without(raised(wave(), [10, 11], 0.4), [50]))
    assert hand.without(left, 0, 60) is None


def test_few_keys_as_a_base_carry_to_dense_speech():
    """Reduced curves: an offset lies between the neighbours of the key that was moved."""
    sparse = wave().take(np.arange(0, 60, 10))
    after = hand.carry(hand.find(raised(sparse, [21], 0.3), sparse), wave(phase=1), 0)
    offset = after.values - wave(phase=1).values
    assert offset[20] == pytest.approx(0.3, abs=1e-6)
    assert offset[25] == pytest.approx(0.15, abs=1e-6)
    assert not offset[31:].any()


CHANGES = st.lists(
    st.tuples(st.sampled_from(["move", "remove", "add", "form"]), st.integers(1, 60), st.floats(0.05, 1)), max_size=12
)


@given(CHANGES, st.integers(-300, 300))
@settings(max_examples=80, deadline=None)
def test_carrying_over_to_the_same_speech_changes_nothing(changes, later):
    """Found and carried over, edits are found again the same: as often as one likes."""
    keys = wave()
    for kind, frame, size in changes:
        if kind == "move":
            keys = raised(keys, [frame], size)
        elif kind == "remove":
            keys = without(keys, [frame])
        elif kind == "add":
            keys = together([keys, Keys.plain(np.array([frame + 0.25], np.float32), np.array([size], np.float32))])
        else:
            keys = changed(keys, interpolation=(keys.frames == frame, 2))
    found = hand.find(keys, wave())
    if found is None:
        return
    same(hand.carry(found, wave(), 0), keys)
    moved = hand.carry(found, wave().moved(later, 0.0), later)
    again = hand.find(moved, wave().moved(later, 0.0))
    same(hand.carry(again, wave(), -later), keys)
