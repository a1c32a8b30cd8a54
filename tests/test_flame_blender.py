# SPDX-License-Identifier: GPL-3.0-or-later
"""FLAME in Blender itself: `blender/flame_scenario.py` on synthetic FLAME files and the golden models' weights."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from artalk.core.artalk.checkpoint import save_safetensors
from artalk.core.heads.flame_basis import BASIS_KEY, doubt, require_basis, trained_basis
from golden.fill import flame_arrays
from golden.models import build

from .blender_runs import BLENDERS, checks_of, runs

SMALL = 300


class Evil:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (self.trace,)


@pytest.fixture(scope="session")
def material(tmp_path_factory):
    """FLAME files of every kind, with nothing of FLAME in them, and weights that speak FLAME."""
    folder = tmp_path_factory.mktemp("flame")
    np.savez(folder / "flame.npz", **flame_arrays())
    small = flame_arrays(SMALL)
    np.savez(folder / "small.npz", **small)
    np.savez(folder / "fifty.npz", **{**small, "shapedirs": small["shapedirs"][:, :, :350]})
    np.savez(folder / "points.npz", **{name: array for name, array in small.items() if name != "f"})
    stiff = small["posedirs"].copy()
    stiff[:, :, [*range(14), 15, *range(17, 36)]] = 0  # of the jaw, row 2 column 3 and row 3 column 2 are left
    np.savez(folder / "stiff.npz", **{**small, "posedirs": stiff})
    weights = small["weights"].copy()
    weights[:100], weights[:50, 3], weights[50:100, 4] = 0, 1, 1
    faces = np.concatenate([np.arange(99).reshape(-1, 3), small["f"]])
    corners = np.random.default_rng(0).integers(0, 40, faces.shape)
    texture = np.random.default_rng(1).random((40, 2)).astype(np.float32)
    np.savez(folder / "eyes.npz", **{**small, "weights": weights, "f": faces, "vt": texture, "ft": corners})
    np.savez(folder / "artalk.npz", values=np.zeros(3))
    (folder / "evil.pkl").write_bytes(pickle.dumps({**small, "x": Evil(str(folder / "it_ran"))}, 2))
    model = build("small")
    save_safetensors(model, folder / "artalk.safetensors")
    save_safetensors(model, folder / "other_basis.safetensors", {BASIS_KEY: "0123456789abcdef"})
    return folder


@pytest.fixture(scope="session")
def reports(tmp_path_factory, material):
    return runs(tmp_path_factory, material)


TestFlame = checks_of("flame_scenario")


@pytest.mark.slow
@pytest.mark.parametrize("blender", BLENDERS)
def test_no_driver_hangs_on_itself(reports, blender):
    done, _ = reports("flame_scenario")(blender)
    assert "cycle" not in done.stdout + done.stderr


def test_weights_tell_which_flame_they_were_trained_with(material, tmp_path):
    assert trained_basis(material / "other_basis.safetensors") == "0123456789abcdef"
    assert trained_basis(material / "artalk.safetensors") == ""
    (tmp_path / "cut.safetensors").write_bytes(b"\xff" * 12)
    assert trained_basis(tmp_path / "cut.safetensors") == ""
    require_basis("head", "0123456789abcdef", material / "other_basis.safetensors")
    assert "FLAME_with_eye.pt" in doubt("0" * 64, "flame2023.pkl")
