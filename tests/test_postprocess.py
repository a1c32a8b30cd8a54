# SPDX-License-Identifier: GPL-3.0-or-later
"""The published post-processing: reference values, scipy's filter, and the smoother for live motion."""

from __future__ import annotations

import numpy as np
import pytest
from artalk.core.artalk.postprocess import StreamSmoother, _fit, published, savitzky_golay, smooth
from artalk.core.basis import ARKIT, FLAME, HEAD_ROTATION
from artalk.core.motion import Motion
from golden.models import golden
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import savgol_filter

HEAD = FLAME.indices(HEAD_ROTATION)


def raw(frames: int = 249) -> Motion:
    return Motion(golden("artalk_small_multi")["plain_motion"][:frames], FLAME, 25.0)


def test_smoothing_equals_the_reference() -> None:
    assert np.abs(smooth(raw().values, HEAD) - golden("artalk_post")["smoothed"]).max() < 2e-5


@pytest.mark.parametrize(("frames", "name"), [(9, "smoothed_9"), (12, "smoothed_12_from_first12")])
def test_smoothing_of_few_frames_equals_the_reference(frames: int, name: str) -> None:
    assert np.abs(smooth(raw(frames).values, HEAD) - golden("artalk_post")[name]).max() < 2e-5


@pytest.mark.parametrize(("window", "order"), [(5, 2), (9, 3)])
def test_filter_as_a_matrix_equals_the_reference(window: int, order: int) -> None:
    post = golden("artalk_post")
    np.testing.assert_allclose(_fit(window, order)[window // 2], post[f"coeffs_{window}_{order}"], atol=1e-12)
    impulses = savitzky_golay(np.eye(12, dtype=np.float32), window, order)
    np.testing.assert_allclose(impulses, post[f"matrix_{window}_{order}_n12"], atol=1e-6)


@pytest.mark.parametrize(("fix_pose", "name"), [(False, "post_limit100"), (True, "post_limit100_fixpose")])
def test_cut_and_zeroing_equal_the_reference(fix_pose: bool, name: str) -> None:
    motion = published(raw(), limit=100, fix_pose=fix_pose)
    assert len(motion) == 100
    assert np.abs(motion.values[::7] - golden("artalk_post")[name]).max() < 2e-5


def test_the_published_cut_is_at_30_seconds_and_can_be_left_out() -> None:
    motion = Motion(np.zeros((800, 106), np.float32), FLAME, 25.0)
    assert len(published(motion)) == 750
    assert len(published(motion, limit=None)) == 800


@given(st.integers(9, 60), st.sampled_from([(5, 2), (9, 3), (7, 2)]), st.integers(0, 2**31))
def test_filter_equals_scipy(frames: int, sizes: tuple[int, int], seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal((frames, 4)).astype(np.float32)
    expected = savgol_filter(x.astype(np.float64), *sizes, axis=0, mode="interp")
    np.testing.assert_allclose(savitzky_golay(x, *sizes), expected, atol=1e-6)


@given(st.integers(0, 8))
def test_too_few_frames_come_back_as_they_are(frames: int) -> None:
    np.testing.assert_array_equal(smooth(raw(frames).values, HEAD), raw(frames).values)


def test_the_motion_given_is_left_as_it_was() -> None:
    motion = raw()
    before = motion.values.copy()
    published(motion, fix_pose=True)
    np.testing.assert_array_equal(motion.values, before)


def test_another_basis_is_refused() -> None:
    with pytest.raises(ValueError, match="FLAME"):
        published(Motion(np.zeros((20, len(ARKIT)), np.float32), ARKIT, 25.0))


def feed_all(sizes: list[int]) -> list[np.ndarray]:
    values, start, pieces = raw(sum(sizes)).values, 0, []
    smoother = StreamSmoother(HEAD)
    for size in sizes:
        pieces.append(smoother.feed(values[start : start + size]))
        start += size
    return [*pieces, smoother.finish()]


def test_live_smoother_emits_as_the_reference() -> None:
    streaming = golden("artalk_streaming")
    pieces = feed_all(streaming["smoother_feed"].tolist())
    assert [len(piece) for piece in pieces] == streaming["smoother_emitted"].tolist()


@given(st.lists(st.integers(0, 30), min_size=1, max_size=8))
def test_live_smoother_equals_the_whole(sizes: list[int]) -> None:
    whole = smooth(raw(sum(sizes)).values, HEAD)
    np.testing.assert_allclose(np.concatenate(feed_all(sizes)), whole, atol=1e-6)
