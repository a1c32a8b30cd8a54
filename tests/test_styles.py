# SPDX-License-Identifier: GPL-3.0-or-later
"""Styles by name: shipped, published and own; what they are cut from, and that speech follows them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from artalk.core import audio, styles
from artalk.core.basis import ARKIT, EYE_ROTATION, FLAME, HEAD_ROTATION
from artalk.core.cli import add_generate_arguments, main, options_from
from artalk.core.errors import InputError
from artalk.core.generate import Options, check, generate, provenance
from artalk.core.motion import Motion
from artalk.core.styles import FRAMES, available, cut, find, measures, save
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import ROOT
from .flame_like import flame_like_arrays

SENTENCE = ROOT / "demo" / "speech" / "austen_0880.flac"


SENTENCES = sorted((ROOT / "demo" / "speech").glob("*.flac"))


@cache
def spoken(name: str | None, sentence: Path = SENTENCE, **chosen: object) -> Motion:
    style = None if name is None else find(name, ARKIT, None)
    return generate(audio.read(sentence), Options(style=style, post="none", engine="numpy", **chosen))


def walk(seconds: float, fps: float = 24.0, level: float = 0.3) -> Motion:
    values = level * np.random.default_rng(0).random((round(seconds * fps), len(ARKIT)), np.float32)
    return Motion(values, ARKIT, fps)


# --- the shipped ones -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "part", "sign"),
    [
        ("calm", "lips", -1), ("calm", "head", -1), ("lively", "brows up", 1), ("lively", "head", 1),
        ("mumbling", "lips", -1), ("broad", "jaw", 1), ("smiling", "smile", 1), ("stern", "brows down", 1),
        ("stern", "smile", -1),
    ],
)  # fmt: skip
def test_speech_in_a_shipped_style_does_what_its_name_says(name, part, sign):
    # over 25 s: how far a head turns in a sentence of 3 s is chance
    even, styled = (np.mean([measures(spoken(style, each))[part] for each in SENTENCES]) for style in ("even", name))
    assert sign * (styled - even) > 0.05 * even


def test_guidance_says_how_much_of_a_style():
    smiles = [measures(spoken("smiling", guidance=amount))["smile"] for amount in (0.0, 1.0, 3.0)]
    assert smiles[0] < smiles[1] < smiles[2]
    assert measures(spoken(None))["smile"] == pytest.approx(smiles[0])
    with pytest.raises(InputError, match="outside 0 to 10"):
        spoken("smiling", guidance=-1.0)


def test_the_shipped_styles_are_what_the_tool_makes(tmp_path):
    import runpy

    runpy.run_path(str(ROOT / "tools" / "make_styles.py"))["main"](tmp_path)
    names = {path.name for path in styles.SHIPPED.glob("*.npz")}
    assert names == {path.name for path in tmp_path.glob("*.npz")}
    for name in names:
        made, shipped = Motion.load(tmp_path / name), Motion.load(styles.SHIPPED / name)
        np.testing.assert_allclose(made.values, shipped.values, atol=1e-6)
        assert made.meta["about"] == shipped.meta["about"]


# --- the other options ----------------------------------------------------------------------------------------------


def test_a_seed_motion_is_gone_on_from(tmp_path):
    smile = np.zeros((30, len(ARKIT)), np.float32)
    smile[:, ARKIT.index("mouthSmileLeft")] = smile[:, ARKIT.index("mouthSmileRight")] = 0.3
    Motion(smile, ARKIT, 30.0).save(tmp_path / "before.npz")
    first = [
        spoken(None, seed_motion=before).channel("mouthSmileLeft")[:10].mean()
        for before in (None, tmp_path / "before.npz")
    ]
    assert first[1] > first[0] + 0.005
    Motion(np.zeros((5, len(FLAME)), np.float32), FLAME, 25.0).save(tmp_path / "flame.npz")
    with pytest.raises(InputError, match="seed motion is motion in 'flame'"):
        spoken(None, seed_motion=tmp_path / "flame.npz")
    with pytest.raises(InputError, match=r"The seed motion 'before.wav' is no motion"):
        check(Options(seed_motion=tmp_path / "before.wav"))


@pytest.mark.parametrize("post", ["none", "artalk"])
def test_a_fixed_head_stays_still(post):
    still = generate(audio.read(SENTENCE), Options(post=post, engine="numpy", fix_head=True))
    assert not still.values[:, ARKIT.indices(HEAD_ROTATION)].any()
    assert still.channel("jawOpen").max() > 0.1


def test_what_was_chosen_is_in_the_motions_meta(tmp_path):
    silence = np.zeros(10, np.float32)
    assert provenance(silence, Options())["style"] is None
    save(cut(walk(3)), "mine", tmp_path)
    chosen = Options(style=find("mine", ARKIT, tmp_path), guidance=2.0)
    before = provenance(silence, chosen)
    save(cut(walk(3, level=0.2)), "mine", tmp_path, replace=True)
    assert before["style"] == "mine.npz"
    assert before["guidance"] == 2.0
    assert before["style_sha256"] != provenance(silence, chosen)["style_sha256"]


def test_a_style_of_flame_motion_is_fitted_by_the_users_flame_file(tmp_path):
    np.savez(tmp_path / "flame.npz", **flame_like_arrays())
    wide = np.zeros((FRAMES, len(FLAME)), np.float32)
    wide[:, FLAME.index("jaw_x")] = 0.25 * np.abs(np.sin(np.arange(FRAMES) / 2))
    save(Motion(wide, FLAME, 25.0), "wide", tmp_path)
    with pytest.raises(InputError, match="give your FLAME file"):
        find("wide", ARKIT, tmp_path)
    path = find("wide", ARKIT, tmp_path, fitted=True)
    sound, options = audio.read(SENTENCE), Options(post="none", engine="numpy", style=path)
    with pytest.raises(InputError, match="style is motion in 'flame'"):
        generate(sound, options)
    styled = generate(sound, replace(options, flame=tmp_path / "flame.npz"))
    assert measures(styled)["jaw"] > 1.05 * measures(spoken("mumbling"))["jaw"]
    out = tmp_path / "styled.npz"
    command = ["generate", str(SENTENCE), "--out", str(out), "--post", "none", "--engine", "numpy"]
    command += ["--head", str(tmp_path / "flame.npz")]
    assert main(command) == 2, "a head that nothing needs"
    assert main([*command, "--style", str(path)]) == 0
    np.testing.assert_array_equal(Motion.load(out).values, styled.values)


# --- by name --------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    published = tmp_path / "artalk" / "style_motion"
    published.mkdir(parents=True)
    torch.save(torch.rand(60, 106)[5:55], published / "happy_0.pt")
    save(cut(walk(3)), "my own", tmp_path)
    return tmp_path


def test_all_sources_are_found_by_name(folder):
    listed = {style.name: (style.basis, style.source) for style in available(folder)}
    assert listed["happy_0"] == ("flame", "published")
    assert listed["my own"] == ("arkit", "own")
    assert listed["calm"] == ("arkit", "shipped")
    assert styles.load(find("happy_0", FLAME, folder)).values.shape == (FRAMES, 106)
    assert find("x.npz", ARKIT, folder) == Path("x.npz")


def test_published_styles_beside_a_file_of_weights(folder):
    assert find("happy_0", FLAME, None, folder / "artalk" / "weights.pt").is_file()


def test_an_own_style_goes_before_a_shipped_one(folder):
    save(cut(walk(3)), "calm", folder)
    assert find("calm", ARKIT, folder).parent == styles.own_folder(folder)


@pytest.mark.parametrize(
    ("name", "basis", "words"),
    [
        ("nobody", ARKIT, "There is no style 'nobody': choose one of broad, calm, even"),
        ("happy_0", ARKIT, "'happy_0' is motion in 'flame' and the model's is 'arkit'"),
    ],
)
def test_a_style_that_is_not_there(folder, name, basis, words):
    with pytest.raises(InputError, match=words):
        find(name, basis, folder)


def test_the_command_line_takes_names(folder):
    import argparse

    parser = argparse.ArgumentParser()
    add_generate_arguments(parser)
    home = ["--model-folder", str(folder)]
    chosen = options_from(parser.parse_args(["--style", "my own", "--style-guidance", "1.5", "--fix-head", *home]))
    assert (chosen.style, chosen.guidance, chosen.fix_head) == (folder / "styles" / "my own.npz", 1.5, True)
    with pytest.raises(InputError, match="no style 'x'"):
        options_from(parser.parse_args(["--style", "x", *home]))


# --- the user's own -------------------------------------------------------------------------------------------------


@given(fps=st.floats(10, 120), start=st.floats(0, 3), seconds=st.floats(2.2, 4))
@settings(max_examples=30, deadline=None)
def test_two_seconds_are_taken_at_the_models_rate(fps, start, seconds):
    times = np.arange(int((start + seconds) * fps) + 2) / fps
    values = np.repeat((times / 10).astype(np.float32)[:, None], len(ARKIT), axis=1)
    taken = cut(Motion(values, ARKIT, fps), start)
    assert (len(taken), taken.fps) == (FRAMES, 25.0)
    np.testing.assert_allclose(taken.channel("jawOpen"), (start + np.arange(FRAMES) / 25) / 10, atol=1e-3)


@pytest.mark.parametrize(
    ("motion", "start", "end", "words"),
    [
        (walk(1.5), 0, None, r"takes 2 s of motion and there are 1\.5 s"),
        (walk(5), 4, None, "there are 1 s"),
        (walk(5), 9, None, "there are 0 s"),
        (walk(5), 1, 2, "there are 1 s"),
        (walk(5), -1, None, "cannot begin at -1 s"),
        (walk(5, level=0.0), 0, None, "Nothing moves"),
    ],
)
def test_what_makes_no_style(motion, start, end, words):
    with pytest.raises(InputError, match=words):
        cut(motion, start, end)


@pytest.mark.parametrize(("frames", "fps"), [(0, 25.0), (1, 25.0), (49, 25.0), (59, 30.0)])
def test_a_style_file_that_is_too_short_is_refused_before_the_model_runs(tmp_path, capsys, frames, fps):
    Motion(np.zeros((frames, len(ARKIT)), np.float32), ARKIT, fps).save(tmp_path / "short.npz")
    command = ["generate", str(SENTENCE), "--out", str(tmp_path / "o.npz"), "--style", str(tmp_path / "short.npz")]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert f"'short.npz' lasts {frames / fps:.2g} s ({frames} frames)" in said
    assert "50 frames at 25 a second: give a longer one" in said
    assert not (tmp_path / "o.npz").exists()


def test_of_a_longer_style_file_the_first_two_seconds_count():
    longer = walk(5, 25.0)
    taken = styles.two_seconds(longer, "walk")
    np.testing.assert_array_equal(taken.values, longer.values[:FRAMES])
    exact = longer.with_values(longer.values[:FRAMES])
    np.testing.assert_array_equal(styles.two_seconds(exact, "walk").values, exact.values)


@pytest.mark.parametrize("name", ["", "a/b", "../x", ".hidden", "é:"])
def test_a_name_that_is_no_files(name, tmp_path):
    with pytest.raises(InputError, match="cannot be a style's name"):
        save(cut(walk(3)), name, tmp_path)


def test_a_style_is_saved_listed_and_removed_on_the_command_line(tmp_path, capsys):
    walk(4).save(tmp_path / "motion.npz")
    home = ["--model-folder", str(tmp_path / "home")]
    save_it = ["style", "save", str(tmp_path / "motion.npz"), "--name", "mine", "--from", "1", *home]
    assert main(save_it) == 0
    path = Path(capsys.readouterr().out.strip())
    np.testing.assert_allclose(Motion.load(path).values, cut(walk(4), 1).values, atol=1e-6)
    assert main(save_it) == 2
    assert "already" in capsys.readouterr().err
    assert main([*save_it, "--replace"]) == 0
    capsys.readouterr()
    assert main(["style", "list", *home]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("mine"))
    assert "own" in line
    assert "jaw 1" in line
    assert main(["style", "measure", str(path)]) == 0
    assert capsys.readouterr().out.strip() in line
    assert main(["style", "remove", "mine", *home]) == 0
    assert main(["style", "remove", "mine", *home]) == 2
    assert "no style 'mine'" in capsys.readouterr().err


def test_blinks_and_glances_are_not_taken_for_style():
    shown = Motion.load(styles.SHIPPED / "even.npz")
    values = shown.values.copy()
    values[10:14, ARKIT.indices(["eyeBlinkLeft", "eyeBlinkRight", "noseSneerLeft"])] = 1
    values[:, ARKIT.indices(EYE_ROTATION)] = 0.2
    with_eyes = styles.as_shown(shown.with_values(values))
    np.testing.assert_array_equal(with_eyes.values, shown.values)
    assert styles.as_shown(Motion(np.ones((3, 106), np.float32), FLAME, 25.0)).values.all()
