# SPDX-License-Identifier: GPL-3.0-or-later
"""ARKit's shapes on a FLAME mesh, FLAME motion from ARKit's and back, measured on meshes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from artalk.core.basis import ARKIT, ARKIT_SHAPES, FLAME
from artalk.core.errors import InputError
from artalk.core.heads import flame
from artalk.core.motion import Motion
from artalk.core.retarget import flame_fit
from artalk.core.retarget.bounded import bounded_least_squares
from artalk.core.retarget.face_match import lid_pairs, transfer
from artalk.core.retarget.flame_shapes import shapes_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from .flame_like import flame_like, true_shapes


@pytest.fixture(scope="module")
def head():
    return shapes_of(flame_like())


@pytest.fixture(scope="module")
def fit(head):
    return flame_fit.fit(head)


def pose(**weights):
    values = np.zeros((1, len(ARKIT)), np.float32)
    for name, weight in weights.items():
        values[0, ARKIT.index(name)] = weight
    return Motion(values, ARKIT, 25.0)


def lip_gap(points, pairs):
    """How far the lips are apart in the middle of the mouth, mm."""
    upper, lower = points[pairs[:, 0]], points[pairs[:, 1]]
    return 1000 * float((upper - lower)[abs(upper[:, 0]) < 0.006, 1].min())


def lips_apart(points, faces, lower, forward):
    """The least height, in mm, of the upper lip's surface over the lower one's along the middle of the mouth.

    Below 0 where the lips go through one another. lower: (F,) which triangles are the lower lip's; forward: (2,) from
    where to where lips are looked for.
    """
    across, depth = np.meshgrid([-0.005, 0.0, 0.005], np.linspace(*forward, 80))
    at = np.stack([across.ravel(), depth.ravel()], axis=1)[:, None]
    a, b, c = (points[faces[:, corner]] for corner in range(3))
    u, v, from_a = (b - a)[:, [0, 2]], (c - a)[:, [0, 2]], at - a[:, [0, 2]]
    area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    area[area == 0] = np.nan
    s = (from_a[..., 0] * v[:, 1] - from_a[..., 1] * v[:, 0]) / area
    t = (u[:, 0] * from_a[..., 1] - u[:, 1] * from_a[..., 0]) / area
    height = np.where((s >= 0) & (t >= 0) & (s + t <= 1), a[:, 1] + s * (b - a)[:, 1] + t * (c - a)[:, 1], np.nan)
    under = np.where(lower, np.inf, np.nan_to_num(height, nan=np.inf)).min(axis=1)
    over = np.where(lower, np.nan_to_num(height, nan=-np.inf), -np.inf).max(axis=1)
    both = np.isfinite(under) & np.isfinite(over)
    return 1000 * (under - over)[both].min()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 5))
def test_the_solver_finds_what_scipy_finds(seed, size, rows):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(size + 3, size))
    goals = rng.normal(size=(rows, size + 3)) * 2
    low, high = -rng.random(size), rng.random(size)
    table = np.concatenate([table, 0.3 * np.eye(size)])
    goals = np.pad(goals, [(0, 0), (0, size)])
    found = bounded_least_squares(table.T @ table, goals @ table, low, high)
    for row, goal in zip(found, goals, strict=True):
        best = lsq_linear(table, goal, (low, high), tol=1e-12).x
        assert np.all((row >= low) & (row <= high))
        assert np.sum((table @ row - goal) ** 2) <= np.sum((table @ best - goal) ** 2) + 1e-3


def test_shapes_arrive_where_they_belong_on_another_face(head):
    skin, face = head.face()
    ours, moves = flame_fit._ours()
    found, wanted = transfer(ours, face, moves), true_shapes(flame_like())[:, skin]
    likeness = {
        name: (one * other).sum() / np.linalg.norm(one) / np.linalg.norm(other)
        for name, one, other in zip(ARKIT_SHAPES, found, wanted, strict=True)
        if np.linalg.norm(other, axis=1).max() > 1e-3
    }
    assert min(likeness.values()) > 0.75, likeness
    assert np.median(list(likeness.values())) > 0.9, likeness


def test_a_blink_shuts_the_eye(head, fit):
    skin, face = head.face()
    upper, lower = skin[lid_pairs(face)[:3]].T
    shown = flame.motion_vertices(flame_like(), fit.to_flame(pose(eyeBlinkLeft=1.0)), head=False)[0]
    open_eye, shut = ((points[upper, 1] - points[lower, 1]).mean() for points in (head.points, shown))
    assert open_eye > 0.008
    assert abs(shut) < 0.2 * open_eye, shut


@pytest.mark.parametrize("jaw", [0.1, 0.3, 0.6])
def test_the_mouth_opens_as_far_as_it_should(head, fit, jaw):
    model = flame_like()
    skin, face = head.face()
    pairs = skin[face.lips]
    rest, wide = lip_gap(head.points, pairs), true_shapes(model)[ARKIT_SHAPES.index("jawOpen")]
    wanted = lip_gap(head.points + jaw * wide, pairs) - rest
    shown = flame.motion_vertices(model, fit.to_flame(pose(jawOpen=jaw)), head=False)[0]
    assert lip_gap(shown, pairs) - rest == pytest.approx(wanted, rel=0.15)


def test_spoken_closures_close(head, fit):
    model = flame_like()
    skin, face = head.face()
    pairs = skin[face.lips]
    shut = pose(jawOpen=0.15, mouthClose=0.15, mouthPressLeft=0.4, mouthPressRight=0.4)
    shown = flame.motion_vertices(model, fit.to_flame(shut), head=False)[0]
    assert abs(lip_gap(shown, pairs)) < 0.6


@pytest.mark.parametrize("count", [None, 2600])
def test_closures_neither_cross_nor_gape_whatever_the_mesh(count):
    """Lips touch between the vertices of a coarse mesh: shutting those took them .7 mm through one another."""
    model = flame_like(count)
    head = shapes_of(model)
    skin, face = head.face()
    lips = face.points[face.lips]
    low, high = lips.min(axis=(0, 1)) - 0.004, lips.max(axis=(0, 1)) + 0.004
    faces = model.faces[((model.template[model.faces] > low) & (model.template[model.faces] < high)).all(axis=(1, 2))]
    share = np.zeros(len(head.points))
    share[skin] = face.share
    lower = share[faces].mean(axis=1) > share[skin[face.lips]].mean()
    shut = pose(jawOpen=0.15, mouthClose=0.15, mouthPressLeft=0.4, mouthPressRight=0.4)
    shown = flame.motion_vertices(model, flame_fit.fit(head).to_flame(shut), head=False)[0]
    assert -0.1 < lips_apart(shown, faces, lower, (low[2], high[2])) < 0.15


def test_what_was_made_flame_is_found_again(fit):
    rng = np.random.default_rng(2)
    names = [
        "jawOpen",
        "mouthPucker",
        "mouthFunnel",
        "browInnerUp",
        "eyeBlinkLeft",
        "eyeBlinkRight",
        "mouthUpperUpLeft",
    ]
    values = np.zeros((60, len(ARKIT)), np.float32)
    values[:, ARKIT.indices(names)] = 0.5 * rng.random((60, len(names)))
    values[:, ARKIT.index("head_y")] = 0.2
    motion = Motion(values, ARKIT, 25.0)
    there = fit.to_flame(motion)
    assert there.basis == FLAME
    assert np.abs(there.values[:, :100]).max() <= 3.0
    np.testing.assert_array_equal(there.channel("head_y"), motion.channel("head_y"))
    back = fit.to_arkit(there)
    assert back.values[:, :52].min() >= 0
    assert back.values[:, :52].max() <= 1
    for name in ("jawOpen", "mouthPucker", "browInnerUp", "eyeBlinkLeft"):
        assert np.corrcoef(back.channel(name), motion.channel(name))[0, 1] > 0.8, name


@pytest.mark.parametrize("fps", [25.0, 60.0])
def test_lips_press_a_little_before_and_after_they_are_shut_by_flame(fit, fps):
    shut = pose(jawOpen=0.08, mouthClose=0.08, mouthPressLeft=0.32, mouthPressRight=0.32).values
    frames = np.concatenate([np.repeat(pose(jawOpen=0.3).values, 12, axis=0), shut])
    flame_motion = fit.to_flame(Motion(frames, ARKIT, fps))
    press = fit.to_arkit(flame_motion).channel("mouthPressLeft")
    beside = round(0.04 * fps)
    assert press[-1] > 0.28
    np.testing.assert_allclose(press[-1 - beside : -1], 0.8 * press[-1], rtol=0.05)
    assert press[: -1 - beside].max() < 0.02


def test_lips_that_are_shut_for_a_closure_press_when_they_come_from_flame(fit):
    """Whatever the person: the fit alone gave .10 here, and nothing at all on a head that looks otherwise."""
    shut = fit.to_arkit(fit.to_flame(pose(jawOpen=0.15, mouthClose=0.15, mouthPressLeft=0.4, mouthPressRight=0.4)))
    for name in ("mouthPressLeft", "mouthPressRight"):
        assert 0.25 < shut.channel(name)[0] <= 0.4
    for other in (pose(jawOpen=0.2), pose(mouthPucker=0.6), pose(mouthSmileLeft=0.5, mouthSmileRight=0.5)):
        assert fit.to_arkit(fit.to_flame(other)).channel("mouthPressLeft")[0] < 0.05


def test_rest_stays_rest(fit):
    assert np.abs(fit.to_flame(pose()).values).max() < 1e-6
    assert np.abs(fit.to_arkit(Motion(np.zeros((2, len(FLAME))), FLAME, 25.0)).values).max() < 1e-6


def test_eyes_come_along_where_bones_can_turn_them(fit):
    motion = fit.to_flame(pose(left_eye_y=0.2, head_x=0.1), eyes=True)
    assert motion.channel("left_eye_y")[0] == pytest.approx(0.2)
    assert motion.channel("head_x")[0] == pytest.approx(0.1)


def test_residuals_say_what_flame_can_show(head):
    shapes, back = flame_fit.residuals(head)
    shown = {each.name: each.shown for each in shapes}
    assert shown["jawOpen"] > 0.9
    assert shown["mouthPucker"] > 0.7
    assert shown["tongueOut"] == 0.0
    assert next(each for each in back if each.name == "jaw_x").shown > 0.8
    # a head that can do less says so
    stiff = replace(head, expressions=0 * head.expressions)
    assert next(each for each in flame_fit.residuals(stiff)[0] if each.name == "mouthPucker").shown < 0.3


def test_scale_is_of_no_account(head, fit):
    larger = replace(head, points=10 * head.points, expressions=10 * head.expressions, joints=10 * head.joints)
    motion = pose(jawOpen=0.4, mouthPucker=0.3)
    np.testing.assert_allclose(flame_fit.fit(larger).to_flame(motion).values, fit.to_flame(motion).values, atol=0.02)


def test_a_file_without_faces_will_do(head, fit):
    points = replace(head, faces=np.zeros((0, 3), np.int64))
    motion = pose(jawOpen=0.4)
    found, known = (each.to_flame(motion).channel("jaw_x")[0] for each in (flame_fit.fit(points), fit))
    assert found == pytest.approx(known, rel=0.2)


def test_wrong_motion_and_heads_without_a_mouth_are_refused(head, fit):
    with pytest.raises(InputError, match="'flame' and not 'arkit'"):
        fit.to_flame(Motion(np.zeros((1, len(FLAME))), FLAME, 25.0))
    with pytest.raises(InputError, match="'arkit' and not 'flame'"):
        fit.to_arkit(pose())
    with pytest.raises(InputError, match="No face was found on this head: its jaw parts no lips"):
        flame_fit.fit(replace(head, weights=np.eye(5)[np.ones(len(head.points), int)]))
    cloud = np.random.default_rng(0).normal(0, 0.06, head.points.shape)
    with pytest.raises(InputError, match="No face was found on this head"):
        flame_fit.fit(replace(head, points=cloud))
    few = flame_fit.fit(replace(head, expressions=head.expressions[:, :, :50]))
    with pytest.raises(InputError, match="has 100 expressions and the FLAME file 50"):
        few.to_arkit(Motion(np.ones((1, len(FLAME))), FLAME, 25.0))
