# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
from artalk.core.movement import movement
from hypothesis import given
from hypothesis import strategies as st


def turned(points, angles, shift):
    x, y, z = angles
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return points @ about_x @ about_y @ about_z + shift


@given(st.tuples(*[st.floats(-3, 3)] * 3), st.tuples(*[st.floats(-5, 5)] * 3), st.floats(0, 2), st.integers(0, 99))
def test_only_what_goes_beyond_the_rigid_motion_counts(angles, shift, push, seed):
    points = np.random.default_rng(seed).normal(size=(40, 3))
    still = np.arange(40) >= 5
    moved = points.copy()
    moved[:5, 2] -= push
    distance = movement(points, turned(moved, angles, np.array(shift)), still)
    np.testing.assert_allclose(distance[:5], push, atol=1e-9)
    np.testing.assert_allclose(distance[5:], 0, atol=1e-9)
