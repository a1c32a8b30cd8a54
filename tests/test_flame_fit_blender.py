# SPDX-License-Identifier: GPL-3.0-or-later
"""The fit between FLAME and ARKit in Blender itself: `blender/flame_fit_scenario.py`."""

from __future__ import annotations

import numpy as np
import pytest
from artalk.core.artalk.checkpoint import save_safetensors
from artalk.core.heads import flame
from artalk.core.heads.flame_basis import BASIS_KEY
from golden.models import build

from .blender_runs import checks_of, runs
from .flame_like import flame_like, flame_like_arrays


@pytest.fixture(scope="session")
def material(tmp_path_factory):
    """A FLAME file with a face, the same face by other expressions, and weights that speak FLAME."""
    folder = tmp_path_factory.mktemp("flame_fit")
    arrays = flame_like_arrays()
    np.savez(folder / "flame.npz", **arrays)
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(100, 100)))
    other = arrays["shapedirs"].copy()
    other[:, :, 300:] = other[:, :, 300:] @ turn
    np.savez(folder / "other.npz", **{**arrays, "shapedirs": other})
    model = build("small")
    save_safetensors(model, folder / "artalk.safetensors")
    save_safetensors(model, folder / "trained.safetensors", {BASIS_KEY: flame.fingerprint(flame_like())})
    return folder


@pytest.fixture(scope="session")
def reports(tmp_path_factory, material):
    return runs(tmp_path_factory, material)


TestFlameFit = checks_of("flame_fit_scenario")
