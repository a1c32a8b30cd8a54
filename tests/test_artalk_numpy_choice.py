# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engine a model runs on, and the whole road from sound to motion in a Python that has numpy alone."""

from __future__ import annotations

import subprocess
import sys
import wave

import numpy as np
import pytest
from artalk.core import audio, models
from artalk.core.artalk.pipeline import ArtalkPipeline
from artalk.core.artalk_numpy.pipeline import NumpyPipeline
from artalk.core.cli import main
from artalk.core.errors import InputError
from artalk.core.generate import Options, generate
from artalk.core.motion import Motion

BLOCK = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {'torch', 'transformers', 'scipy', 'soundfile', 'safetensors', 'bpy'}:
            raise ModuleNotFoundError(f'refused {name}', name=name)
sys.meta_path.insert(0, Refuse())
"""


def alone(code, *arguments):
    """Run code in a Python that has numpy and artalk alone."""
    done = subprocess.run(
        [sys.executable, "-c", BLOCK + code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def no_torch(monkeypatch):
    """torch cannot be imported, nor what stands on it."""
    for name in [*sys.modules]:
        if name.partition(".")[0] == "torch" or name.startswith(("artalk.core.artalk.checkpoint", "safetensors")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)


def write_wav(path, samples, width=2, rate=16000):
    whole = np.round(np.asarray(samples, np.float64) * (1 << (8 * width - 1))).astype(np.int64)
    whole += 128 if width == 1 else 0
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(whole.reshape(-1, 1).astype("<i8").view(np.uint8)[:, :width].tobytes())
    return path


def test_sound_becomes_finished_motion_with_numpy_alone(sentence, tmp_path):
    """As in a Blender that has nothing else: from a WAV file, with all layers, equal to what torch gives."""
    samples = audio.read(sentence)
    path = write_wav(tmp_path / "line.wav", samples)
    expected = generate(audio.read(path), Options(engine="torch", device="cpu"))
    code = """
from artalk.core.audio import read
from artalk.core.generate import Options, generate
generate(read(sys.argv[1]), Options()).save(sys.argv[2])
print(sorted(name for name in sys.modules if name.partition('.')[0] in {'torch', 'scipy', 'soundfile', 'safetensors'}))
"""
    assert alone(code, path, tmp_path / "out.npz").strip() == "[]"
    motion = Motion.load(tmp_path / "out.npz")
    np.testing.assert_allclose(motion.values, expected.values, atol=1e-4, rtol=0)
    assert motion.meta == expected.meta


def test_the_command_line_runs_with_numpy_alone(voice, tmp_path):
    path = write_wav(tmp_path / "line.wav", voice)
    code = """
from artalk.core.cli import main
sys.exit(main(['generate', sys.argv[1], '--out', sys.argv[2]]) or main(['weights', 'verify', '--model', 'mini']))
"""
    assert "fits the model 'mini'" in alone(code, path, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().count("\n") > 50


def test_auto_is_torch_where_it_is_and_each_can_be_asked_for():
    assert isinstance(models.load("mini"), ArtalkPipeline)
    assert isinstance(models.load("mini", None, "cpu", "torch"), ArtalkPipeline)
    assert isinstance(models.load("mini", None, "auto", "numpy"), NumpyPipeline)


def test_auto_is_numpy_where_torch_is_not(no_torch):
    assert isinstance(models.load("mini"), NumpyPipeline)
    with pytest.raises(InputError, match=r"device 'cuda' without torch"):
        models.load("mini", None, "cuda")


def test_auto_is_the_environment_for_what_numpy_cannot(no_torch, monkeypatch, tmp_path):
    from artalk.core.engine import process

    asked = []
    monkeypatch.setattr(process, "EngineModel", lambda *arguments: asked.append(arguments) or "there")
    python, released = tmp_path / "python", tmp_path / "released.pt"
    released.write_bytes(b"x")
    assert models.load("artalk", released, "auto", "auto", python) == "there"
    assert models.load("mini", None, "cuda", "auto", python) == "there"
    assert models.load("mini", None, "cpu", "environment", python) == "there"
    assert [arguments[:2] for arguments in asked] == [(python, "artalk"), (python, "mini"), (python, "mini")]
    assert isinstance(models.load("mini", None, "auto", "auto", python), NumpyPipeline)
    with pytest.raises(InputError, match=r"no engine environment: name its Python"):
        models.load("mini", engine="environment")


def test_a_torch_that_cannot_start_is_none(monkeypatch):
    """Its libraries are of another machine: Windows says so with an OSError."""

    def broken(*_):
        raise OSError("a library is missing")

    monkeypatch.setattr(models, "import_module", broken)
    assert isinstance(models.load("mini"), NumpyPipeline)


def test_the_option_reaches_the_engine(voice, tmp_path, monkeypatch):
    asked = []
    load = models.load
    monkeypatch.setattr(models, "load", lambda *arguments: asked.append(arguments[3]) or load(*arguments))
    path = write_wav(tmp_path / "line.wav", voice)
    assert main(["generate", str(path), "--out", str(tmp_path / "x.npz"), "--engine", "numpy"]) == 0
    assert asked == ["numpy"]


@pytest.mark.parametrize("engine", ["auto", "torch"])
def test_a_model_that_needs_torch_says_what_to_do(no_torch, tmp_path, engine):
    weights = tmp_path / "released.pt"
    weights.write_bytes(b"x")
    with pytest.raises(InputError, match=r"^'released\.pt' needs torch.*: choose the model 'mini'.*\.$"):
        models.load("artalk", weights, "auto", engine)


def test_other_bad_choices_are_one_sentence(no_torch, tmp_path):
    with pytest.raises(InputError, match="no engine 'abacus': choose one of auto, torch, numpy"):
        models.load("mini", engine="abacus")
    (tmp_path / "released.pt").write_bytes(b"x")
    with pytest.raises(InputError, match="damaged"):
        models.load("artalk", tmp_path / "released.pt", "auto", "numpy")


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_wav_files_are_read_without_soundfile(monkeypatch, tmp_path, width, channels):
    rng = np.random.default_rng(width)
    samples = rng.uniform(-0.99, 0.99, (500, channels))
    path = write_wav(tmp_path / "line.wav", samples, width, 22050)
    expected, rate = audio.decode(path)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    read, same_rate = audio.decode(path)
    assert (same_rate, read.dtype) == (rate, np.float32)
    np.testing.assert_allclose(read, expected, atol=1e-7, rtol=0)
    np.testing.assert_allclose(read, samples, atol=max(2.0 ** (1 - 8 * width), 1e-7), rtol=0)


@pytest.mark.parametrize("content", [b"", b"fLaC and so on", b"RIFF\x00\x00\x00\x00WAVE"])
def test_other_sound_without_soundfile_says_what_to_do(monkeypatch, tmp_path, content):
    (tmp_path / "line.flac").write_bytes(content)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(InputError, match=r"'line\.flac' is not a plain WAV file.*: export it as WAV"):
        audio.decode(tmp_path / "line.flac")


def test_the_benchmark_compares_both_engines(capsys):
    from artalk.benchmarks import numpy_engine

    assert numpy_engine.run(seconds=4, rounds=1) > 0
    assert "motion apart by" in capsys.readouterr().out
