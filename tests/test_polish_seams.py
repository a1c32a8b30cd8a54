# SPDX-License-Identifier: GPL-3.0-or-later
"""Borders of a model's windows: smoother, and nothing else changed."""

import numpy as np
import pytest
from artalk.core.basis import ARKIT
from artalk.core.motion import Motion
from artalk.core.polish.seals import SEALED_MM, lip_gap
from artalk.core.polish.seams import WINDOW, ease_seams

JAW = ARKIT.index("jawOpen")


def speech(seed=0, frames=250, window=100):
    """Smooth motion with a little roughness just where windows of `window` frames meet."""
    rng = np.random.default_rng(seed)
    values = np.zeros((frames, len(ARKIT)), np.float32)
    values[:] = 0.3 + 0.2 * np.sin(np.arange(frames) / 4)[:, None]
    for border in range(window, frames, window):
        values[border - 1 : border + 1] += rng.normal(0, 0.05, (2, len(ARKIT))).astype(np.float32)
    return Motion(values, ARKIT, 25, {WINDOW: window})


def jerk(motion, border):
    return np.abs(np.diff(motion.values[border - 4 : border + 4], 3, axis=0)).mean()


def test_borders_are_smoother_and_nothing_else_changes():
    motion = speech()
    eased = ease_seams(motion)
    far = np.abs((np.arange(len(motion)) + 50) % 100 - 50 + 0.5) > 4
    for border in (100, 200):
        assert jerk(eased, border) < 0.9 * jerk(motion, border)
    assert np.array_equal(eased.values[far], motion.values[far])


def test_lips_sealed_at_a_border_stay_sealed():
    motion = speech()
    values = motion.values.copy()
    values[98:102] = 0
    eased = ease_seams(motion.with_values(values))
    assert lip_gap(eased)[98:102].max() <= SEALED_MM


@pytest.mark.parametrize("meta", [{}, {WINDOW: 100}])
def test_motion_without_borders_is_left_alone(meta):
    values = speech(frames=90).values
    motion = Motion(values, ARKIT, 25, meta)
    assert np.array_equal(ease_seams(motion).values, values)
