# SPDX-License-Identifier: GPL-3.0-or-later
"""Moonshine's lower layers: equal to their first implementation, in time, deaf to empty space and to level."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from artalk.core import audio
from artalk.core.artalk.checkpoint import eight_bits, load_safetensors, save_compact
from artalk.core.artalk.config import ArtalkConfig, AudioEncoderConfig, CodecConfig, GeneratorConfig, StyleConfig
from artalk.core.artalk.listening import HEARD_STEP, between_frames, sounding
from artalk.core.artalk.log_mel import LogMelEncoder
from artalk.core.artalk.model import ArtalkModel
from artalk.core.artalk.moonshine import Moonshine
from artalk.core.artalk_numpy import pipeline as numpy_pipeline
from artalk.core.artalk_numpy.weights import read_safetensors
from artalk.core.basis import ARKIT
from artalk.core.errors import InputError
from artalk.core.models import MODELS
from artalk.core.train import moonshine_package
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from .conftest import ROOT

SPEECH = ROOT / "demo" / "speech"
needs_package = pytest.mark.skipif(
    not moonshine_package.installed(),
    reason=f"needs the Python package {moonshine_package.PACKAGE} with Moonshine's weights",
)


@pytest.fixture(scope="module")
def random_layers():
    torch.manual_seed(0)
    return Moonshine(2).eval()


@pytest.fixture(scope="module")
def speech():
    return audio.read(sorted(SPEECH.glob("*.flac"))[0])[:48000]


def test_it_computes_what_transformers_computes(random_layers, speech):
    from transformers import MoonshineConfig
    from transformers.models.moonshine.modeling_moonshine import MoonshineEncoder

    config = MoonshineConfig(encoder_num_hidden_layers=2, encoder_num_attention_heads=8)
    theirs = MoonshineEncoder(config).eval()
    theirs.load_state_dict({**random_layers.state_dict(), "layer_norm.weight": torch.ones(288)})
    samples = torch.from_numpy(speech)[None]
    with torch.inference_mode():
        ours = torch.nn.functional.layer_norm(random_layers(samples), (288,))
        expected = theirs(samples).last_hidden_state
    assert ours.shape == expected.shape
    assert torch.allclose(ours, expected, atol=1e-4)


@needs_package
def test_the_packages_weights_are_read_as_onnx_runtime_reads_them(speech):
    from onnxruntime import InferenceSession

    session = InferenceSession(str(moonshine_package._file()), providers=["CPUExecutionProvider"])
    samples = speech[None]
    (expected,) = session.run(None, {"input_values": samples, "attention_mask": np.ones_like(samples, np.int64)})
    with torch.inference_mode():
        ours = moonshine_package.moonshine(6)(torch.from_numpy(samples))
        ours = torch.nn.functional.layer_norm(ours, (288,)) * moonshine_package._state()["layer_norm.weight"]
    # it rounds what goes into each product to 8 bits as well
    assert np.corrcoef(ours.numpy().ravel(), expected.ravel())[0, 1] > 0.998


@needs_package
def test_in_noise_the_shipped_model_hears_more_of_what_moonshine_hears_in_the_clear(speech):
    model = load_safetensors(MODELS["mini"].weights)
    assert isinstance(model, ArtalkModel)
    assert isinstance(model.audio_encoder, LogMelEncoder)
    assert model.audio_encoder.moonshine is not None
    ours = model.audio_encoder.moonshine.float()
    theirs = moonshine_package.moonshine(len(ours.layers))
    clear = torch.from_numpy(speech)[None]
    noise = torch.randn(clear.shape, generator=torch.Generator().manual_seed(0))
    noisy = clear + noise * clear.std() * 10 ** (-10 / 20)
    with torch.inference_mode():
        wanted, heard, usual, still = (
            torch.nn.functional.layer_norm(features, (288,))
            for features in (theirs(clear), ours(noisy), theirs(noisy), ours(clear))
        )
    assert (heard - wanted).square().mean() < 0.8 * (usual - wanted).square().mean()
    assert (still - wanted).square().mean() < 0.5 * (heard - wanted).square().mean()


@pytest.mark.parametrize("installed", [False, True])
def test_without_the_package_or_with_another_version_it_is_one_sentence(installed, monkeypatch, tmp_path):
    other = tmp_path / "encoder_model.ort"
    other.write_bytes(b"of another version")
    monkeypatch.setattr(moonshine_package, "_file", lambda: other if installed else None)
    with pytest.raises(InputError, match=r"needs moonshine-voice .*: pip install moonshine-voice==\d"):
        moonshine_package.require()


@settings(max_examples=20, deadline=None)
@given(before=st.integers(0, 9), after=st.integers(0, 9), length=st.integers(6, 40))
def test_digital_silence_around_speech_changes_nothing(random_layers, speech, before, after, length):
    piece = torch.from_numpy(speech[8000 : 8000 + length * HEARD_STEP])
    padded = torch.nn.functional.pad(piece, (before * HEARD_STEP, after * HEARD_STEP))
    with torch.inference_mode():
        alone, among = random_layers.hear(piece), random_layers.hear(padded)
    assert among.shape == (before + length + after, 288)
    assert torch.allclose(among[before : before + length], alone, atol=1e-5)
    assert not among[:before].any()
    assert not among[before + length :].any()


@pytest.mark.parametrize("samples", [0, 320, 1600, 64000])
def test_digital_silence_alone_is_nothing(random_layers, samples):
    heard = random_layers.hear(torch.zeros(samples))
    assert heard.shape == (samples // HEARD_STEP, 288)
    assert not heard.any()


@pytest.mark.parametrize("place", [0, 1, 12345, 31999])
def test_a_single_click_is_heard(random_layers, place):
    click = torch.zeros(32000)
    click[place] = 0.5
    heard = random_layers.hear(click)
    assert torch.isfinite(heard).all()
    assert heard.any(1).nonzero().ravel().tolist() == [place // HEARD_STEP]


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 400), st.integers(2, 300))
def test_a_feature_lies_between_the_frames_around_its_time(features, frames):
    left, share = between_frames(features, frames)
    assert ((left >= 0) & (left + 1 < frames) & (share >= 0) & (share <= 1)).all()
    seconds = (384 * (left + share) + 447) / 16000
    wanted = (np.arange(features) + 0.5) / 50
    inside = (wanted > 447 / 16000) & (wanted < (384 * (frames - 1) + 447) / 16000)
    assert seconds[inside] == pytest.approx(wanted[inside], abs=1e-6)


def test_what_sounds_is_found_in_whole_steps():
    sound = np.zeros(3200, np.float32)
    assert sounding(sound) == (0, 0)
    sound[700], sound[1999] = 0.1, -0.1
    assert sounding(sound) == (640, 2240)


def test_a_burst_moves_the_features_of_its_time(random_layers):
    noise = 0.01 * torch.randn(64000, generator=torch.Generator().manual_seed(0))
    burst = noise.clone()
    burst[32000:33600] += 0.3 * torch.sin(torch.arange(1600) * 0.3)
    with torch.inference_mode():
        change = (random_layers.hear(burst) - random_layers.hear(noise)).norm(dim=1)
    assert 100 <= int(change.argmax()) < 105


@pytest.fixture(scope="module")
def small_file(tmp_path_factory):
    torch.manual_seed(0)
    options = {"bands": 20, "blocks_50": 1, "blocks_25": 1, "moonshine_layers": 1, "moonshine_width": 32}
    config = ArtalkConfig(
        audio=AudioEncoderConfig("log_mel", 24, options),
        codec=CodecConfig(motion_dim=len(ARKIT), code_dim=8, width=16, depth=1, heads=2),
        generator=GeneratorConfig(24, 1, 2, 2),
        style=StyleConfig(16, 1, 2, 20, 99),
        basis="arkit",
    )
    path = tmp_path_factory.mktemp("small") / "small.safetensors"
    model = ArtalkModel(config)
    save_compact(model, path, {})
    return path, model


def test_matrices_in_8_bits_are_read_alike_by_both_engines(small_file):
    path, model = small_file
    stored = load_file(path)
    small = [name for name, value in stored.items() if value.dtype == torch.int8]
    assert len(small) == 6
    ours, _ = read_safetensors(path)
    theirs = load_safetensors(path).state_dict()
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], value.numpy()) for name, value in theirs.items())
    for name in small:
        away = (theirs[name] - model.state_dict()[name]).abs().amax(1)
        assert (away <= model.state_dict()[name].abs().amax(1) / 254 * 1.01).all()


def test_storing_again_changes_nothing(small_file, tmp_path):
    again = tmp_path / "again.safetensors"
    save_compact(load_safetensors(small_file[0]), again, {})
    before, after = load_file(small_file[0]), load_file(again)
    assert all(torch.equal(after[name], value) for name, value in before.items())
    matrix = torch.randn(7, 5)
    rounded, scale = eight_bits(matrix)
    assert torch.equal(eight_bits(rounded * scale)[0], rounded)
    assert not eight_bits(torch.zeros(3, 4))[0].any()


@pytest.mark.parametrize("scale", [None, torch.ones(7, 1), torch.ones(1, 1), torch.ones(32), torch.ones(1, 32)])
def test_a_scale_that_is_missing_or_does_not_fit_is_a_damaged_file(small_file, tmp_path, scale):
    stored = load_file(small_file[0])
    name = next(name for name in stored if name.endswith("q_proj.weight.scale"))
    if scale is None:
        del stored[name]
    else:
        stored[name] = scale
    header = small_file[0].read_bytes()
    size = int.from_bytes(header[:8], "little")
    path = tmp_path / "without.safetensors"
    save_file(stored, path, json.loads(header[8 : 8 + size])["__metadata__"])
    for read in (load_safetensors, read_safetensors):
        with pytest.raises(InputError, match="damaged"):
            read(Path(path))


def test_an_encoder_of_before_is_one_sentence(small_file, tmp_path):
    content = small_file[0].read_bytes()
    size = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + size])["__metadata__"]
    config = json.loads(metadata["artalk_config"])
    config["audio"]["options"]["towers"] = 1
    path = tmp_path / "none.safetensors"
    save_file(load_file(small_file[0]), path, {**metadata, "artalk_config": json.dumps(config)})
    for load in (load_safetensors, lambda file: numpy_pipeline.load_pipeline(file, "mini")):
        with pytest.raises(InputError, match="written by an earlier artalk"):
            load(path)
