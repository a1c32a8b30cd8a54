# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion: saving, loading, resampling, Live Link CSV."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from artalk.core.basis import ARKIT, FLAME, Basis
from artalk.core.errors import InputError
from artalk.core.motion import Motion, concatenate
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

TWO = Basis("two", ("a", "b"))


def noise(frames: int, basis: Basis = ARKIT, fps: float = 25.0) -> Motion:
    rng = np.random.default_rng(frames)
    return Motion(rng.uniform(0, 1, (frames, len(basis))).astype(np.float32), basis, fps)


def test_bases_have_the_published_channel_counts():
    assert len(FLAME) == 106
    assert len(ARKIT) == 59
    assert FLAME.channels[100:106] == ("head_x", "head_y", "head_z", "jaw_x", "jaw_y", "jaw_z")
    assert len(set(ARKIT.channels)) == 59


@pytest.mark.parametrize("basis", [ARKIT, FLAME, TWO])
def test_saved_motion_comes_back_exactly(tmp_path, basis):
    motion = Motion(noise(7, basis).values, basis, 29.97, {"model": "mini", "seed": 3})
    motion.save(tmp_path / "m.npz")
    back = Motion.load(tmp_path / "m.npz")
    assert np.array_equal(back.values, motion.values)
    assert (back.basis, back.fps, back.meta) == (basis, 29.97, {"model": "mini", "seed": 3})


def test_values_of_the_wrong_width_are_refused():
    with pytest.raises(ValueError, match="59"):
        Motion(np.zeros((3, 58), np.float32), ARKIT, 25)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_motion_gets_one_sentence(tmp_path, content):
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a motion"):
        Motion.load(path)


def test_a_missing_file_gets_one_sentence(tmp_path):
    with pytest.raises(InputError, match="no motion file"):
        Motion.load(tmp_path / "none.npz")


def test_channels_that_are_not_the_named_basis_are_refused(tmp_path):
    with (tmp_path / "m.npz").open("wb") as file:
        np.savez(file, values=np.zeros((2, 1)), channels=np.array(["x"]), fps=25.0, basis="arkit", meta="{}")
    with pytest.raises(InputError, match="channels"):
        Motion.load(tmp_path / "m.npz")


def test_unknown_ending_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"\.npz or \.csv"):
        noise(2).save(tmp_path / "m.fbx")


def test_csv_has_the_live_link_layout(tmp_path):
    motion = noise(30)
    motion.save(tmp_path / "m.csv")
    with (tmp_path / "m.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 30
    assert list(rows[0])[:3] == ["Timecode", "BlendShapeCount", "EyeBlinkLeft"]
    assert len(rows[0]) == 63
    assert rows[26]["Timecode"] == "00:00:01:01.000"
    assert float(rows[4]["JawOpen"]) == pytest.approx(motion.channel("jawOpen")[4], abs=1e-6)
    assert float(rows[4]["MouthLeft"]) == pytest.approx(motion.channel("mouthLeft")[4], abs=1e-6)
    assert float(rows[4]["HeadPitch"]) == pytest.approx(motion.channel("head_x")[4], abs=1e-6)


@given(arrays(np.float32, st.tuples(st.integers(2, 40), st.just(2)), elements=st.floats(0, 1, width=32)))
def test_resampling_passes_through_the_frames_and_never_overshoots(values):
    motion = Motion(values, TWO, 25)
    assert np.allclose(motion.sample(np.arange(len(values)) / 25), values, atol=1e-5)
    fine = motion.sample(np.linspace(0, (len(values) - 1) / 25, 7 * len(values)))
    position = np.linspace(0, len(values) - 1, 7 * len(values))
    left = np.minimum(position.astype(int), len(values) - 2)
    low = np.minimum(values[left], values[left + 1])
    high = np.maximum(values[left], values[left + 1])
    assert (fine >= low - 1e-5).all()
    assert (fine <= high + 1e-5).all()


@given(st.integers(1, 200), st.sampled_from([24, 25, 29.97, 30, 60, 12.5]))
def test_resampled_motion_ends_no_later_than_before(frames, fps):
    motion = noise(frames).resample(fps)
    last = (len(motion) - 1) / fps
    assert last <= (frames - 1) / 25 + 1e-5
    assert last > (frames - 1) / 25 - 1 / fps


@pytest.mark.parametrize("fps", [24, 29.97, 30, 60])
@pytest.mark.parametrize("at", range(3, 20))
def test_a_closure_of_two_frames_survives_resampling(fps, at):
    values = np.full((24, 2), 0.5, np.float32)
    values[at : at + 2] = 0
    assert Motion(values, TWO, 25).resample(fps).values.min() < 0.01


def test_times_outside_hold_the_ends():
    motion = noise(5)
    held = motion.sample(np.array([-1.0, 99.0]))
    assert np.array_equal(held, motion.values[[0, -1]])


def test_concatenate_joins_and_refuses_mixtures():
    joined = concatenate([noise(3), noise(4)])
    assert len(joined) == 7
    with pytest.raises(ValueError, match="same basis"):
        concatenate([noise(3), noise(3, FLAME)])
