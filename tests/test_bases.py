# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion in another basis than its model's: by `generate`, on the command line, and between versions of FLAME."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from artalk.core import models
from artalk.core.basis import ARKIT, FLAME
from artalk.core.cli import main
from artalk.core.errors import InputError
from artalk.core.generate import Options, check, generate, polish, speak
from artalk.core.heads import flame_basis
from artalk.core.heads.flame import vertices
from artalk.core.motion import Motion
from artalk.core.retarget.bases import fit_of_file, in_basis
from golden.fill import audio_f32

from .conftest import ROOT
from .flame_like import flame_like, flame_like_arrays

SPEECH = ROOT / "demo" / "speech" / "austen_0880.flac"


@pytest.fixture(scope="module")
def flame_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("flame") / "flame.npz"
    np.savez(path, **flame_like_arrays())
    return path


class Speaks:
    """A model of FLAME motion: the jaw opens and shuts."""

    basis, fps = FLAME, 25.0

    def generate(self, audio, **_choices):
        values = np.zeros((len(audio) // 640, len(FLAME)), np.float32)
        values[:, FLAME.index("jaw_x")] = 0.1 - 0.1 * np.cos(np.arange(len(values)) / 3)
        values[:, FLAME.index("head_y")] = 0.1
        return Motion(values, FLAME, 25.0)


@pytest.fixture
def flame_model(monkeypatch):
    monkeypatch.setattr(models, "load", lambda *_: Speaks())


def test_flame_motion_becomes_arkits_before_the_layers(flame_file, flame_model):
    options = Options(model="artalk", seed=3, basis="arkit", flame=flame_file)
    spoken = speak(audio_f32(32000), options)
    assert spoken.raw.basis == ARKIT
    wanted = 0.1 - 0.1 * np.cos(np.arange(len(spoken.raw)) / 3)
    assert np.corrcoef(spoken.raw.channel("jawOpen"), wanted)[0, 1] > 0.98
    layered = polish(spoken.raw, spoken.voice, options)
    assert layered.channel("eyeBlinkLeft").max() > 0.5, "our layers add blinks"
    assert layered.meta["retargeted"] == "flame to arkit"


def test_arkit_motion_becomes_flames_after_the_layers(flame_file):
    options = Options(basis="flame", flame=flame_file)
    samples = audio_f32(32000)
    ours, found = generate(samples, replace(options, basis=None)), generate(samples, options)
    assert found.basis == FLAME
    assert len(found) == len(ours)
    np.testing.assert_array_equal(found.values, in_basis(ours, "flame", flame_file).values)


def test_on_the_command_line(tmp_path, flame_file):
    out = tmp_path / "flame.npz"
    assert main(["generate", str(SPEECH), "--basis", "flame", "--head", str(flame_file), "--out", str(out)]) == 0
    assert Motion.load(out).basis == FLAME
    assert Motion.load(out).channel("jaw_x").max() > 0.05


def test_what_cannot_be_turned_is_said(flame_file, tmp_path):
    with pytest.raises(InputError, match=r"give your FLAME file \(--head FILE"):
        check(Options(basis="flame"))
    with pytest.raises(InputError, match=r"give your FLAME file \(--head FILE"):
        check(Options(model="artalk", basis="arkit"))
    with pytest.raises(InputError, match="moves vertices"):
        check(Options(model="codetalker-vocaset", basis="arkit", flame=flame_file))
    check(Options(model="artalk", basis="arkit", flame=flame_file))
    with pytest.raises(InputError, match="There is no FLAME file"):
        fit_of_file(tmp_path / "no.npz")


# --- versions of FLAME ----------------------------------------------------------------------------------------------


def another_version(model, seed=1):
    """The same faces by other expressions: turned about, stretched, in another order."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(100, 100)))
    return replace(model, expressions=(model.expressions @ turn * rng.uniform(0.7, 1.4, 100)).astype(np.float32))


def test_motion_of_one_version_of_flame_is_shown_by_another():
    old = flame_like()
    new = another_version(old)
    found = flame_basis.change(old.expressions, new.expressions)
    assert found.missed[:40].max() < 1e-3
    values = np.zeros((5, len(FLAME)), np.float32)
    values[:, :20] = np.random.default_rng(3).normal(0, 1, (5, 20))
    values[:, FLAME.index("jaw_x")] = 0.2
    moved = found.of(Motion(values, FLAME, 25.0))
    still = np.zeros((5, 15))
    wanted, shown = (vertices(m, v[:, :100], still) for m, v in ((old, values), (new, moved.values)))
    assert np.abs(wanted - shown).max() < 1e-4
    assert np.abs(vertices(new, values[:, :100], still) - wanted).max() > 1e-3, "as they are they mean other faces"
    np.testing.assert_array_equal(moved.channel("jaw_x"), values[:, FLAME.index("jaw_x")])


def test_what_the_new_version_cannot_show_is_told():
    old = flame_like()
    found = flame_basis.change(old.expressions, old.expressions[:, :, :10])
    np.testing.assert_allclose(found.missed[:10], 0, atol=1e-3)
    assert found.missed[10:40].min() > 0.9


def test_a_change_between_other_topologies_is_refused():
    old = flame_like()
    with pytest.raises(InputError, match="give two of one topology"):
        flame_basis.change(old.expressions, old.expressions[:-1])
    with pytest.raises(InputError, match="'arkit' and not 'flame'"):
        flame_basis.change(old.expressions, old.expressions).of(Motion(np.zeros((1, len(ARKIT))), ARKIT, 25.0))
