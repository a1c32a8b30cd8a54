# SPDX-License-Identifier: GPL-3.0-or-later
"""FLAME motion says which version of FLAME it is meant for, and is refused where it meets another."""

from __future__ import annotations

import numpy as np
import pytest
from artalk.core import generate as core_generate
from artalk.core.basis import ARKIT, FLAME
from artalk.core.errors import InputError
from artalk.core.generate import Options, check, generate
from artalk.core.heads.flame import fingerprint
from artalk.core.heads.flame_basis import BASIS_KEY, require_head
from artalk.core.motion import Motion
from safetensors.numpy import save_file

from .flame_like import flame_like, flame_like_arrays

OURS = fingerprint(flame_like())


@pytest.fixture
def speaks_flame(monkeypatch):
    """A model of FLAME motion that needs no weights."""

    class Model:
        def generate(self, audio, **_):
            return Motion(np.zeros((len(audio) // 640, len(FLAME)), np.float32), FLAME, 25.0)

    monkeypatch.setattr(core_generate, "load_model", lambda _: Model())


@pytest.fixture
def trained(tmp_path):
    """Weights that say which FLAME they were trained with."""
    save_file({"x": np.zeros(1, np.float32)}, tmp_path / "own.safetensors", {BASIS_KEY: OURS})
    return tmp_path / "own.safetensors"


@pytest.fixture
def files(tmp_path):
    """A FLAME file, and one of another version."""
    arrays = flame_like_arrays()
    np.savez(tmp_path / "flame.npz", **arrays)
    shapes = arrays["shapedirs"]
    rolled = np.concatenate([shapes[:, :, :300], np.roll(shapes[:, :, 300:], 1, axis=2)], axis=2)
    np.savez(tmp_path / "other.npz", **{**arrays, "shapedirs": rolled})
    return tmp_path / "flame.npz", tmp_path / "other.npz"


def test_flame_motion_says_its_version(speaks_flame, trained, files, tmp_path):
    audio = np.full(32000, 0.1, np.float32)
    by_weights = generate(audio, Options(model="artalk", weights=trained))
    by_file = generate(audio, Options(model="artalk", flame=files[0]))
    assert by_weights.meta[BASIS_KEY] == by_file.meta[BASIS_KEY] == OURS
    by_weights.save(tmp_path / "motion.npz")
    assert Motion.load(tmp_path / "motion.npz").meta[BASIS_KEY] == OURS
    assert BASIS_KEY not in generate(audio, Options(model="artalk")).meta, "unknown: nothing is claimed"


def test_another_flame_than_the_weights_is_refused_before_the_model_runs(trained, files):
    check(Options(model="artalk", weights=trained, flame=files[0], basis=ARKIT.name))
    with pytest.raises(InputError, match=r"trained with another version of FLAME than 'other\.npz'"):
        check(Options(model="artalk", weights=trained, flame=files[1], basis=ARKIT.name))


def test_a_head_of_another_version_is_refused():
    motion = Motion(np.zeros((2, len(FLAME)), np.float32), FLAME, 25.0, {BASIS_KEY: OURS})
    require_head(motion, OURS, "head")
    require_head(motion, "", "head")
    with pytest.raises(InputError, match=r"another version of FLAME than 'head'.*artalk convert"):
        require_head(motion, "0" * 16, "head")
