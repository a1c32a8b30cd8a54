# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of keyframes, which is pure: frames, values, rotations, overlaps."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from artalk.artalk_addon import plan as planning
from artalk.artalk_addon.plan import Bone, Character
from artalk.core.basis import ARKIT, ARKIT_SHAPES
from artalk.core.motion import Motion
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

RATES = (24.0, 25.0, 30000 / 1001, 30.0, 60.0)
ORDERS = ["".join(order) for order in permutations("XYZ")]


def motion(frames=50, fps=25.0):
    values = np.random.default_rng(3).uniform(0, 0.4, (frames, len(ARKIT)))
    return Motion(values.astype(np.float32), ARKIT, fps)


def character(mode="XYZ", rest=None):
    bone = Bone("neck", np.eye(3) if rest is None else rest, mode)
    return Character("head", 1, {name: name for name in ARKIT_SHAPES}, 2, {"head": bone})


def by_path(curves):
    return {(curve.data_path, curve.index): curve for curve in curves}


@pytest.mark.parametrize("fps", RATES)
@settings(deadline=None, max_examples=40)
@given(start=st.floats(-500, 50000), frames=st.integers(1, 300))
def test_keys_stand_on_whole_frames_and_read_the_motion_at_their_exact_time(fps, start, frames):
    spoken = motion(frames)
    curves = by_path(planning.plan(spoken, character(), start, fps))
    jaw = curves['key_blocks["jawOpen"].value', 0]
    assert np.all(jaw.frames == np.round(jaw.frames))
    assert np.all(np.diff(jaw.frames) == 1)
    assert -0.001 <= start - jaw.frames[0] < 1.001
    last = start + (frames - 1) / 25 * fps
    assert last - 1.001 < jaw.frames[-1] <= max(last + 0.001, jaw.frames[0])
    seconds = (jaw.frames.astype(np.float64) - start) / fps
    column = ARKIT.index("jawOpen")
    np.testing.assert_allclose(jaw.values, spoken.sample(seconds)[:, column], atol=1e-6)


@pytest.mark.parametrize("order", ORDERS)
@settings(deadline=None, max_examples=40)
@given(vectors=st.lists(st.tuples(*[st.floats(-0.8, 0.8)] * 3), min_size=1, max_size=8))
def test_euler_angles_are_the_rotation(order, vectors):
    angles = planning.eulers(np.array(vectors), order)
    in_order = angles[:, ["XYZ".index(letter) for letter in order]]
    # lower case: about fixed axes, which is Blender's meaning of an order
    wanted = Rotation.from_rotvec(vectors).as_matrix()
    np.testing.assert_allclose(Rotation.from_euler(order.lower(), in_order).as_matrix(), wanted, atol=1e-9)


@pytest.mark.parametrize("order", ORDERS)
def test_euler_angles_do_not_flip_when_a_head_turns_on(order):
    turning = np.linspace(0, 2 * math.pi, 200)[:, None] * [0.0, 0.0, 1.0]
    angles = planning.eulers(turning, order)
    assert np.abs(np.diff(angles, axis=0)).max() < 0.1
    assert abs(angles[-1, 2] - 2 * math.pi) < 1e-6


@settings(deadline=None, max_examples=40)
@given(vectors=st.lists(st.tuples(*[st.floats(-1.5, 1.5)] * 3), min_size=1, max_size=8))
def test_quaternions_and_axis_angles_are_the_rotation(vectors):
    wanted = Rotation.from_rotvec(vectors)
    w, *xyz = planning.quaternions(np.array(vectors)).T
    np.testing.assert_allclose(Rotation.from_quat(np.stack([*xyz, w], 1)).as_matrix(), wanted.as_matrix(), atol=1e-9)
    _, numbers = planning.in_mode(np.array(vectors), "AXIS_ANGLE")
    turned = Rotation.from_rotvec(numbers[:, :1] * numbers[:, 1:])
    np.testing.assert_allclose(turned.as_matrix(), wanted.as_matrix(), atol=1e-8)


@settings(deadline=None, max_examples=40)
@given(rest=st.tuples(*[st.floats(-3, 3)] * 3), turn=st.tuples(*[st.floats(-0.7, 0.7)] * 3))
def test_a_bone_turns_the_head_whatever_its_own_axes_are(rest, turn):
    values = np.zeros((2, len(ARKIT)), np.float32)
    values[:, ARKIT.indices(("head_x", "head_y", "head_z"))] = turn
    axes = Rotation.from_rotvec(rest).as_matrix()
    curves = by_path(planning.plan(Motion(values, ARKIT, 25.0), character("QUATERNION", axes), 1, 25.0))
    w, x, y, z = (curves['pose.bones["neck"].rotation_quaternion', index].values[0] for index in range(4))
    in_armature = axes @ Rotation.from_quat([x, y, z, w]).as_matrix() @ axes.T
    to_armature = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    wanted = to_armature @ Rotation.from_rotvec(np.float32(turn)).as_matrix() @ to_armature.T
    np.testing.assert_allclose(in_armature, wanted, atol=1e-5)


def test_eyes_without_bones_look_by_their_shapes():
    channels = {name: np.array([0.0]) for name in ARKIT.channels}
    channels |= {"left_eye_x": np.radians([15.0]), "left_eye_y": np.radians([-6.0]), "right_eye_y": np.radians([60.0])}
    shapes = planning.eye_look_shapes(channels)
    found = {name: float(value[0]) for name, value in shapes.items() if value[0] > 0}
    # the left eye looks down and to the character's right, which is inwards; the right one far to the left, inwards
    assert found == pytest.approx({"eyeLookDownLeft": 0.5, "eyeLookInLeft": 0.2, "eyeLookInRight": 1.0})


def test_shapes_are_known_whatever_their_capitals():
    table = planning.shape_table(["Basis", "JAWOPEN", "mouthclose", "Jaw Open", "eyeBlinkLeft"])
    assert table == {"jawOpen": "JAWOPEN", "mouthClose": "mouthclose", "eyeBlinkLeft": "eyeBlinkLeft"}


def test_names_with_quotes_make_valid_data_paths():
    named = Character("head", 1, {"jawOpen": 'jaw "open" \\'}, None, {})
    curve = planning.plan(motion(), named, 1, 25.0)[0]
    assert curve.data_path == 'key_blocks["jaw \\"open\\" \\\\"].value'


def test_an_empty_motion_makes_no_keys():
    assert planning.plan(motion(0), character(), 1, 25.0) == []
