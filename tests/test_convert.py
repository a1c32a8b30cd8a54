# SPDX-License-Identifier: GPL-3.0-or-later
"""`artalk convert`: motion, FLAME files and checkpoints, and what cannot be converted."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from artalk.core.artalk import checkpoint
from artalk.core.basis import ARKIT, FLAME, FLAME_EYES
from artalk.core.cli import main
from artalk.core.errors import InputError
from artalk.core.heads import flame
from artalk.core.heads.flame_files import read_flame
from artalk.core.motion import Motion
from artalk.core.motion_files import read_motion
from golden.models import build, state
from hypothesis import given, settings
from hypothesis import strategies as st

from .flame_like import flame_like, flame_like_arrays


@pytest.fixture(scope="module")
def flame_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("flame") / "flame.npz"
    np.savez(path, **flame_like_arrays())
    return path


def arkit_motion(frames=70, fps=30.0, seed=0):
    rng = np.random.default_rng(seed)
    values = np.zeros((frames, len(ARKIT)), np.float32)
    wave = 0.5 + 0.5 * np.sin(np.arange(frames)[:, None] / 5 + rng.random(6) * 6)
    names = ["jawOpen", "mouthLeft", "mouthPucker", "browInnerUp", "eyeBlinkLeft", "eyeBlinkRight"]
    values[:, ARKIT.indices(names)] = 0.3 * wave
    values[:, ARKIT.indices(["head_x", "left_eye_y"])] = rng.normal(0, 0.1, 2)
    return Motion(values, ARKIT, fps, {"model": "mini"})


def convert(*arguments):
    assert main(["convert", *map(str, arguments)]) == 0


def refused(capsys, *arguments, says):
    assert main(["convert", *map(str, arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("artalk: ")
    assert err.count("\n") == 1
    assert says in err, err


# --- motion ---------------------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.sampled_from([24, 25, 30, 60]), st.integers(61, 150), st.integers(0, 99))
def test_live_link_csv_comes_back_as_it_was(tmp_path_factory, fps, frames, seed):
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    motion = arkit_motion(frames, float(fps), seed)
    motion.save(path)
    found = read_motion(path)
    assert found.basis == ARKIT
    assert found.fps == fps
    np.testing.assert_allclose(found.values, motion.values, atol=1e-6)


def test_a_csv_and_an_npz_are_one_motion(tmp_path, capsys):
    motion = arkit_motion()
    motion.save(tmp_path / "a.npz")
    convert(tmp_path / "a.npz", tmp_path / "b.csv")
    convert(tmp_path / "b.csv", tmp_path / "c.npz", "--fps", 60)
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "b.csv"), str(tmp_path / "c.npz")]
    found = Motion.load(tmp_path / "c.npz")
    assert found.fps == 60
    np.testing.assert_allclose(found.values[::2], motion.values, atol=1e-5)


def test_misspelt_columns_are_named(tmp_path, capsys):
    source, out = tmp_path / "a.csv", tmp_path / "b.npz"
    arkit_motion().save(source)
    convert(source, out)
    assert capsys.readouterr().err == ""
    source.write_text(source.read_text().replace("JawOpen", "JawOpne").replace("HeadYaw", "HeadTilt"))
    convert(source, out)
    left_out, missing = capsys.readouterr().err.splitlines()
    assert left_out.endswith("left out: JawOpne, HeadTilt.")
    assert missing.endswith("taken as 0: JawOpen, HeadYaw.")
    assert not Motion.load(out).channel("jawOpen").any()


@pytest.mark.parametrize("basis", [FLAME, FLAME_EYES])
def test_flame_csv_comes_back(tmp_path, basis):
    values = np.random.default_rng(1).normal(0, 0.1, (80, len(basis))).astype(np.float32)
    Motion(values, basis, 25.0).save(tmp_path / "x.csv")
    found = read_motion(tmp_path / "x.csv")
    assert found.basis == basis
    np.testing.assert_allclose(found.values, values, atol=1e-6)


def test_a_capture_that_left_out_frames_is_filled_in(tmp_path):
    motion = arkit_motion(120, 60.0)
    motion.save(tmp_path / "x.csv")
    lines = (tmp_path / "x.csv").read_text().splitlines()
    # as the app writes it: other capitals, another first moment, frames between whole ones, lost frames
    kept = [line.replace("00:00:", "11:03:", 1).replace(".000,", ".250,", 1) for line in lines[1:]]
    del kept[40:42]
    (tmp_path / "y.csv").write_text("\n".join([lines[0].replace("BlendShapeCount", "BlendshapeCount"), *kept, ""]))
    found = read_motion(tmp_path / "y.csv")
    assert found.fps == 60
    assert len(found) == 120
    np.testing.assert_allclose(found.values, motion.values, atol=0.02)


def test_there_and_back_between_the_bases(tmp_path, flame_file, capsys):
    motion = arkit_motion()
    motion.save(tmp_path / "a.npz")
    convert(tmp_path / "a.npz", tmp_path / "f.npz", "--basis", "flame", "--flame", flame_file)
    assert "ARKit shapes are shown well" in capsys.readouterr().err
    assert Motion.load(tmp_path / "f.npz").basis == FLAME
    convert(tmp_path / "f.npz", tmp_path / "b.csv", "--basis", "arkit", "--flame", flame_file, "--residuals")
    err = capsys.readouterr().err
    assert "exp001" in err
    assert "jaw_x" in err
    found = read_motion(tmp_path / "b.csv")
    for name in ("jawOpen", "browInnerUp", "mouthPucker"):
        assert np.corrcoef(found.channel(name), motion.channel(name))[0, 1] > 0.85, name


def test_eyes_come_and_go_without_a_flame_file(tmp_path):
    values = np.random.default_rng(1).normal(0, 0.1, (8, len(FLAME_EYES))).astype(np.float32)
    Motion(values, FLAME_EYES, 25.0).save(tmp_path / "a.npz")
    convert(tmp_path / "a.npz", tmp_path / "b.npz", "--basis", "flame")
    found = Motion.load(tmp_path / "b.npz")
    assert found.basis == FLAME
    np.testing.assert_array_equal(found.values[:, :103], values[:, :103])


def test_motion_goes_to_another_version_of_flame(tmp_path, flame_file, capsys):
    arrays = flame_like_arrays()
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(100, 100)))
    other = arrays["shapedirs"].copy()
    other[:, :, 300:] = other[:, :, 300:] @ turn
    np.savez(tmp_path / "other.npz", **{**arrays, "shapedirs": other})
    values = np.zeros((4, len(FLAME)), np.float32)
    values[:, :10] = np.random.default_rng(2).normal(0, 1, (4, 10))
    Motion(values, FLAME, 25.0).save(tmp_path / "m.npz")
    choices = ["--flame", flame_file, "--to-flame", tmp_path / "other.npz"]
    convert(tmp_path / "m.npz", tmp_path / "n.npz", *choices)
    assert "100 %" in capsys.readouterr().err
    found = Motion.load(tmp_path / "n.npz")
    wanted, shown = (
        flame.motion_vertices(read_flame(file), motion)
        for file, motion in ((flame_file, Motion(values, FLAME, 25.0)), (tmp_path / "other.npz", found))
    )
    np.testing.assert_allclose(shown, wanted, atol=1e-4)


def test_flame_motion_knows_which_flame_it_was_made_with(tmp_path, flame_file, capsys):
    """Another version's expressions mean other faces, so its file is refused until the motion was turned to it."""
    arrays, other = flame_like_arrays(), tmp_path / "other.npz"
    shapes = arrays["shapedirs"].copy()
    shapes[:, :, 300:] = np.roll(shapes[:, :, 300:], 1, axis=2)
    np.savez(other, **{**arrays, "shapedirs": shapes})
    arkit_motion().save(tmp_path / "a.npz")
    made, turned, out = tmp_path / "made.npz", tmp_path / "turned.npz", tmp_path / "out.npz"
    convert(tmp_path / "a.npz", made, "--basis", "flame", "--flame", flame_file)
    convert(made, turned, "--flame", flame_file, "--to-flame", other)
    convert(turned, out, "--basis", "arkit", "--flame", other)
    convert(turned, out, "--flame", other, "--to-flame", flame_file)
    capsys.readouterr()
    out.unlink()
    for source, file in ((made, other), (turned, flame_file)):
        refused(capsys, source, out, "--basis", "arkit", "--flame", file, says="another version of FLAME")
    refused(capsys, made, out, "--flame", other, "--to-flame", flame_file, says="another version of FLAME")
    assert not out.exists()


@pytest.mark.parametrize(
    "form",
    [
        {"expression": (50,), "pose": (6,), "fps": 25.0},
        {"expr": (100,), "jaw_pose": (3,), "rotation": (3,), "fps": 30.0},
        {"expressions": (100,), "poses": (165,), "mocap_frame_rate": 30},
    ],
)
def test_flame_motion_of_other_tools_is_read(tmp_path, form):
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(0, 0.1, (12, *size)) if isinstance(size, tuple) else size for name, size in form.items()}
    np.savez(tmp_path / "x.npz", **arrays)
    found = read_motion(tmp_path / "x.npz")
    assert found.basis == FLAME
    assert found.fps == next(value for value in form.values() if not isinstance(value, tuple))
    expression = next(iter(arrays.values()))
    np.testing.assert_allclose(found.values[:, : expression.shape[1]], expression, atol=1e-6)
    jaw = arrays.get("jaw_pose", arrays.get("pose", np.zeros((12, 6)))[:, 3:])
    jaw = arrays["poses"][:, 66:69] if "poses" in arrays else jaw
    np.testing.assert_allclose(found.values[:, 103:], jaw, atol=1e-6)


# --- FLAME files and checkpoints ------------------------------------------------------------------------------------


def test_a_flame_file_becomes_plain_arrays(tmp_path):
    arrays = flame_like_arrays()
    (tmp_path / "flame.pkl").write_bytes(pickle.dumps(arrays, 2))
    convert(tmp_path / "flame.pkl", tmp_path / "flame.npz")
    found, wanted = read_flame(tmp_path / "flame.npz"), flame_like()
    for name in ("template", "faces", "identities", "expressions", "correctives", "regressor", "weights"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), err_msg=name)
    with np.load(tmp_path / "flame.npz", allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file)
    # texture coordinates come along, from any form to any
    corners = np.tile(np.arange(3), (len(arrays["f"]), 1))
    np.savez(tmp_path / "uv.npz", **arrays, vt=np.eye(3, 2), ft=corners)
    convert(tmp_path / "uv.npz", tmp_path / "uv2.npz")
    np.testing.assert_array_equal(read_flame(tmp_path / "uv2.npz").uv, np.eye(3, 2)[corners])


def test_endings_in_capitals(tmp_path, flame_file):
    arkit_motion().save(tmp_path / "a.npz")
    (tmp_path / "A.NPZ").write_bytes((tmp_path / "a.npz").read_bytes())
    convert(tmp_path / "A.NPZ", tmp_path / "TAKE.CSV")
    convert(tmp_path / "TAKE.CSV", tmp_path / "AGAIN.NPZ")
    np.testing.assert_allclose(read_motion(tmp_path / "AGAIN.NPZ").values, arkit_motion().values, atol=1e-5)
    convert(flame_file, tmp_path / "FLAME.NPZ")
    assert read_flame(tmp_path / "FLAME.NPZ").template.shape == flame_like().template.shape
    assert {path.name for path in tmp_path.iterdir()} == {"a.npz", "A.NPZ", "TAKE.CSV", "AGAIN.NPZ", "FLAME.NPZ"}


def test_a_checkpoint_becomes_safetensors(tmp_path, monkeypatch):
    model = build("small")
    torch.save(state("small"), tmp_path / "a.pt")
    monkeypatch.setitem(checkpoint.PUBLISHED_CONFIGS, "artalk", model.config)
    convert(tmp_path / "a.pt", tmp_path / "a.safetensors")
    found = checkpoint.load_safetensors(tmp_path / "a.safetensors")
    for name, value in model.state_dict().items():
        assert torch.equal(found.state_dict()[name], value), name


# --- what is refused ------------------------------------------------------------------------------------------------


class Evil:
    def __reduce__(self):
        import os

        return os.mkdir, ("/tmp/it_ran_in_convert",)


def test_what_cannot_be_converted_is_said(tmp_path, capsys, flame_file):
    motion, here = arkit_motion(), tmp_path
    motion.save(here / "a.npz")
    motion.save(here / "a.csv")
    (here / "evil.pkl").write_bytes(pickle.dumps({**flame_like_arrays(), "x": Evil()}, 2))
    (here / "words.csv").write_text("to be,or not\n1,2\n")
    (here / "cut.csv").write_text((here / "a.csv").read_text()[:-300])
    (here / "cut.npz").write_bytes((here / "a.npz").read_bytes()[:-99])
    np.savez(here / "other.npz", something=np.zeros(3))
    np.savez(here / "no_rate.npz", expression=np.zeros((4, 50)))
    np.savez(here / "many.npz", expression=np.zeros((4, 300)), fps=25)
    np.savez(here / "odd.npz", expression=np.zeros((4, 50)), jaw=np.zeros((3, 3)), fps=25)
    arkit_motion(10).save(here / "short.csv")
    arkit_motion(0).save(here / "empty.npz")
    torch.save({"a": torch.zeros(2)}, here / "weights.pt")
    out = here / "out.npz"
    for arguments, says in (
        ([here / "no.npz", out], "There is no file"),
        ([here / "a.npz", here / "out.fbx"], "nothing that convert writes"),
        ([here / "a.npz", here / "out"], "out' is nothing that convert writes"),
        ([here / "a.npz", here / "none" / "out.npz"], "does not exist"),
        ([here / "a.npz", here / "a.npz", "--fps", "24"], "written over itself"),
        ([flame_file, flame_file], "written over itself"),
        ([here / "evil.pkl", out], "holds more than arrays"),
        ([here / "words.csv", out], "no table of motion"),
        ([here / "cut.csv", out], "cut off"),
        ([here / "cut.npz", out], "damaged"),
        ([here / "other.npz", out], "no FLAME expressions"),
        ([here / "no_rate.npz", out], "give it with --from-fps"),
        ([here / "many.npz", out], "300 expressions"),
        ([here / "odd.npz", out], "one vector for each of its 4 frames"),
        ([here / "short.csv", out], "shorter than a second"),
        ([here / "empty.npz", out], "'empty.npz' holds no frames"),
        ([here / "empty.npz", here / "out.csv"], "'empty.npz' holds no frames"),
        ([here / "a.npz", out, "--fps", "0"], "frame rate of 0"),
        ([here / "a.npz", out, "--basis", "flame"], "give it by --flame FILE"),
        ([here / "a.npz", out, "--basis", "flame", "--flame", here / "no.npz"], "There is no FLAME file"),
        ([here / "a.npz", out, "--flame", flame_file, "--to-flame", flame_file], "turns FLAME motion"),
        ([flame_file, here / "out.csv"], "A FLAME file is written as .npz"),
        ([here / "weights.pt", here / "out.safetensors"], "no model that artalk knows"),
        ([here / "a.npz", here / "out.safetensors"], "damaged"),
        ([here / "a.csv", "/proc/out.npz"], "cannot be written"),
    ):
        refused(capsys, *arguments, says=says)
    assert not out.exists()
    assert not [path for path in here.iterdir() if "partial" in path.name]


def test_no_csv_is_written_of_motion_without_frames(tmp_path):
    with pytest.raises(InputError, match="has no frames"):
        arkit_motion(0).save(tmp_path / "empty.csv")
    assert not (tmp_path / "empty.csv").exists()


def test_a_short_capture_is_read_with_its_rate(tmp_path):
    arkit_motion(10, 60.0).save(tmp_path / "x.csv")
    assert len(read_motion(tmp_path / "x.csv", 60.0)) == 10
    arkit_motion(130, 60.0).save(tmp_path / "y.csv")
    with pytest.raises(InputError, match="do not go up at 2 frames"):
        read_motion(tmp_path / "y.csv", 2.0)
