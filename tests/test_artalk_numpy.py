# SPDX-License-Identifier: GPL-3.0-or-later
"""The numpy engine: the same bits and motion as torch, its reader of weights, and that it needs nothing but numpy."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest
import torch
from artalk.core import audio
from artalk.core.artalk import log_mel as torch_log_mel
from artalk.core.artalk.bsq import area_pool, upsample
from artalk.core.artalk.checkpoint import load_pipeline as load_torch
from artalk.core.artalk.checkpoint import save_safetensors
from artalk.core.artalk.config import ArtalkConfig, AudioEncoderConfig, CodecConfig, GeneratorConfig, StyleConfig
from artalk.core.artalk.model import ArtalkModel
from artalk.core.artalk_numpy import layers, log_mel
from artalk.core.artalk_numpy.pipeline import load_pipeline as load_numpy
from artalk.core.artalk_numpy.weights import read_safetensors
from artalk.core.basis import ARKIT, FLAME
from artalk.core.errors import Cancelled, InputError
from artalk.core.models import MODELS
from artalk.core.motion import Motion
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.torch import load_file, save_file

from .conftest import ROOT

WEIGHTS = MODELS["mini"].weights
RECORDINGS = sorted((ROOT / "demo" / "speech").glob("*.flac"))
SECOND = 16000


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def shipped():
    return load_torch(WEIGHTS, "mini", "cpu"), load_numpy(WEIGHTS, "mini")


@pytest.fixture(scope="module")
def tiny_file(tmp_path_factory):
    """A small untrained model whose sizes are all unlike the shipped one's, with windows of one second."""
    torch.manual_seed(0)
    config = ArtalkConfig(
        audio=AudioEncoderConfig(
            "log_mel",
            24,
            {"bands": 20, "kernel": 5, "blocks_50": 2, "blocks_25": 1, "expansion": 3}
            | {"moonshine_layers": 2, "moonshine_width": 80},
        ),
        codec=CodecConfig(motion_dim=len(ARKIT), code_dim=8, scales=(1, 3, 12, 25), width=16, depth=2, heads=4),
        generator=GeneratorConfig(24, 2, 3, 2),
        style=StyleConfig(16, 1, 2, 20, 99),
        basis="arkit",
        guidance=1.4,
        head_gain=1.3,
    )
    path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    model = ArtalkModel(config)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name.endswith(("bias", "motion_mean")):
                value.normal_(std=0.1)
            if name.endswith("motion_std"):
                value.uniform_(0.5, 2)
    save_safetensors(model, path)
    return path


@pytest.fixture(scope="module")
def tiny(tiny_file):
    return load_torch(tiny_file, "mini", "cpu"), load_numpy(tiny_file, "mini")


def windows(pipeline, samples, style=None):
    """Per window: all bits, all bits of the window encoded again, and the motion, as numpy arrays without a batch."""
    size = pipeline.config.window_samples
    padded = np.zeros(math.ceil(len(samples) / size) * size, np.float32)
    padded[: len(samples)] = samples
    token = pipeline.style_token(style)
    loop = pipeline.begin(token)
    model, torchy = pipeline.model, isinstance(pipeline.model, ArtalkModel)
    for features in pipeline.features(padded):
        with torch.inference_mode():
            bits, motion = model.generate_window(features[None] if torchy else features, token, loop.history)
            loop.history = model.remember(motion, token)
        joined = [
            np.concatenate([np.asarray(b).reshape(-1, b.shape[-1]) for b in x]) for x in (bits, loop.history.bits)
        ]
        yield *joined, np.asarray(motion).reshape(-1, motion.shape[-1])


def assert_equal_windows(pair, samples, style=None):
    count = 0
    for ours, theirs in zip(*(windows(each, samples, style) for each in pair), strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])
        np.testing.assert_allclose(ours[2], theirs[2], atol=1e-5, rtol=0)
        count += 1
    assert count == math.ceil(len(samples) / pair[0].config.window_samples)


# --- equal to torch -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_real_speech_gives_the_same_bits_and_motion(shipped, path):
    samples = audio.read(path)
    assert_equal_windows(shipped, samples)
    motions = [pipeline.generate(samples) for pipeline in shipped]
    np.testing.assert_allclose(motions[0].values, motions[1].values, atol=1e-5, rtol=0)
    assert motions[0].meta == motions[1].meta
    assert motions[0].values.std() > 0.01


def test_a_style_gives_the_same_bits_and_motion(shipped):
    samples = audio.read(RECORDINGS[0])
    rng = np.random.default_rng(3)
    style = Motion(rng.uniform(0, 0.6, (50, len(ARKIT))).astype(np.float32), ARKIT, 25.0)
    tokens = [np.asarray(each.style_token(style)).reshape(-1) for each in shipped]
    np.testing.assert_allclose(tokens[0], tokens[1], atol=1e-5)
    assert np.abs(tokens[1] - shipped[1].style_token(None)[0]).max() > 0.1
    assert_equal_windows(shipped, samples, style)
    at_another_rate = Motion(style.values, ARKIT, 30.0)
    np.testing.assert_allclose(*(each.generate(samples, style=at_another_rate).values for each in shipped), atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    st.one_of(st.integers(1, 3 * SECOND), st.sampled_from([1, 2, 159, 160, 161, SECOND - 1, SECOND, SECOND + 1])),
    st.integers(-3, 0),
    st.integers(0, 100),
    st.one_of(st.none(), st.integers(1, 99)),
)
def test_any_length_level_and_style_length_gives_the_same(tiny, samples, level, seed, styled):
    rng = np.random.default_rng(seed)
    wave = (rng.normal(0, 10.0**level, samples) * np.sin(np.arange(samples) / 3000)).astype(np.float32)
    style = styled and Motion(rng.normal(0, 1, (styled, len(ARKIT))).astype(np.float32), ARKIT, 25.0)
    assert_equal_windows(tiny, wave, style)
    assert len(tiny[1].generate(wave, style=style)) == len(tiny[0].generate(wave, style=style))


@pytest.mark.parametrize("what", ["silence", "a constant", "one sample"])
def test_sound_without_speech_gives_the_same(shipped, what):
    length = 1 if what == "one sample" else 5 * SECOND
    assert_equal_windows(shipped, np.full(length, 0.0 if what == "silence" else 0.4, np.float32))


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 2 * SECOND), min_size=1, max_size=5), st.integers(0, 9))
def test_a_live_stream_gives_the_same(tiny, sizes, seed):
    wave = np.random.default_rng(seed).normal(0, 0.1, sum(sizes) + 1).astype(np.float32)
    ends = np.cumsum([0, *sizes, 1]).tolist()
    results = []
    for pipeline in tiny:
        stream = pipeline.stream()
        pieces = [stream.feed(wave[a:b]).values for a, b in pairwise(ends)]
        results.append(np.concatenate([*pieces, stream.finish().values]))
    np.testing.assert_allclose(results[0], results[1], atol=1e-4, rtol=0)


@given(arrays.arrays(np.float32, st.integers(1, 60), elements=st.floats(-30, 30, width=32)))
def test_the_functions_without_scipy_are_exact(x):
    for ours, theirs in (
        (layers.gelu, torch.nn.functional.gelu),
        (layers.gelu_tanh, lambda y: torch.nn.functional.gelu(y, approximate="tanh")),
        (layers.silu, torch.nn.functional.silu),
    ):
        np.testing.assert_allclose(ours(x.copy()), theirs(torch.from_numpy(x)).numpy(), atol=1e-6, rtol=1e-6)


def test_gelu_is_the_one_of_the_error_function_and_stays_quiet_far_out():
    x = np.linspace(-200, 200, 100001).astype(np.float32)
    exact = np.array([0.5 * v * (1 + math.erf(v / math.sqrt(2))) for v in x.tolist()])
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_allclose(layers.gelu(x.copy()), exact, atol=5e-7, rtol=3e-7)
        layers.gelu_tanh(x.copy())
        layers.silu(x.copy())


@given(st.integers(1, 60), st.integers(1, 60))
def test_pooling_and_interpolation_are_torchs(frames, length):
    x = np.random.default_rng(frames * 61 + length).normal(size=(frames, 3)).astype(np.float32)
    tensor = torch.from_numpy(x)[None]
    np.testing.assert_allclose(layers.area_matrix(frames, length) @ x, area_pool(tensor, length)[0], atol=1e-6)
    np.testing.assert_allclose(layers.upsample_matrix(frames, length) @ x, upsample(tensor, length)[0], atol=1e-5)


@settings(deadline=None)
@given(st.integers(5, 40), st.integers(0, 50))
def test_log_mels_are_torchs(frames, seed):
    rng = np.random.default_rng(seed)
    wave = rng.normal(0, 0.1, frames * log_mel.HOP).astype(np.float32)
    matrix = torch_log_mel.mel_matrix(20)
    reference = rng.normal(-6, 1, 20).astype(np.float32)
    power = log_mel.mel_power(wave, matrix)
    theirs = torch_log_mel.mel_power(torch.from_numpy(wave), torch.from_numpy(matrix))
    np.testing.assert_allclose(power, theirs, rtol=1e-4, atol=1e-9)
    expected = torch_log_mel.normalise(theirs, theirs, torch.from_numpy(reference))
    np.testing.assert_allclose(log_mel.normalise(power, power, reference), expected, atol=1e-4)


# --- as a model -----------------------------------------------------------------------------------------------------


def test_progress_and_cancel_between_windows(tiny):
    done = []
    wave = np.zeros(3 * SECOND - 5, np.float32)
    tiny[1].generate(wave, progress=done.append)
    assert done == [1 / 3, 2 / 3, 1.0]
    done.clear()
    with pytest.raises(Cancelled):
        tiny[1].generate(wave, progress=done.append, cancel=lambda: len(done) == 2)
    assert len(done) == 2


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros(0, np.float32), "no samples"),
        (np.full(9, np.nan, np.float32), "not numbers"),
        (np.zeros((5, 2), np.float32), "mono"),
    ],
)
def test_bad_audio_is_refused_as_by_torch(tiny, samples, words):
    for pipeline in tiny:
        with pytest.raises(InputError, match=words):
            pipeline.generate(samples)


@pytest.mark.parametrize("basis", [ARKIT, FLAME])
def test_bad_styles_are_refused_as_by_torch(tiny, basis):
    style = Motion(np.zeros((100, len(basis)), np.float32), basis, 25.0)
    said = []
    for pipeline in tiny:
        with pytest.raises(InputError) as error:
            pipeline.generate(np.zeros(9, np.float32), style=style)
        said.append(str(error.value))
    assert said[0] == said[1]


# --- weights --------------------------------------------------------------------------------------------------------


def test_half_precision_becomes_the_same_float32():
    ours, _ = read_safetensors(WEIGHTS)
    theirs = load_file(WEIGHTS)
    halves = {name: tensor for name, tensor in theirs.items() if tensor.dtype == torch.float16}
    assert len(halves) > 100
    for name, tensor in halves.items():
        assert ours[name].dtype == np.float32
        np.testing.assert_array_equal(ours[name], tensor.float().numpy())


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_kind_of_number_is_read(tmp_path, kind):
    value = torch.tensor([[0.0, -1.5, 3e-5], [65504.0, -0.0, 1 / 3]], dtype=kind)
    save_file({"a": value, "b": torch.tensor(2.0, dtype=kind), "c": torch.zeros(0, 3)}, tmp_path / "x", {"say": "yes"})
    ours, metadata = read_safetensors(tmp_path / "x")
    np.testing.assert_array_equal(ours["a"], value.float().numpy())
    assert ours["b"].shape == ()
    assert ours["c"].shape == (0, 3)
    assert metadata == {"say": "yes"}


def packed(header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x40",
        b"\xff" * 8 + b"{}",
        packed(b'{"a": {"dtype"', b""),
        packed(b"[1, 2]", b""),
        packed(b"\xff\xfe", b""),
        packed(b"[" * 100000, b""),
        packed({"a": 3}, b""),
        packed({"a": entry()}, bytes(7)),
        packed({"a": entry()}, bytes(9)),
        packed({"a": entry(shape=(3,))}, bytes(8)),
        packed({"a": entry(shape=(-2,))}, bytes(8)),
        packed({"a": entry(offsets=(8, 0))}, bytes(8)),
        packed({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12)),
        packed({"a": entry("I64", (1,))}, bytes(8)),
        packed({"a": entry("POINTER", (1,))}, bytes(8)),
    ],
)
def test_damaged_weights_are_refused(tmp_path, content):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"'bad\.safetensors' is damaged"):
        read_safetensors(path)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_cut_or_changed_file_is_never_a_traceback(tiny_file, tmp_path_factory, data):
    content = bytearray(tiny_file.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        content[data.draw(st.integers(0, 4000))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("cut") / "cut.safetensors"
    path.write_bytes(content)
    with suppress(InputError):
        load_numpy(path, "mini")


def test_weights_that_do_not_fit_are_refused(tiny_file, tmp_path):
    tensors, metadata = load_file(tiny_file), read_safetensors(tiny_file)[1]

    def refused(changed, words, config=None):
        path = tmp_path / "other.safetensors"
        save_file(changed, path, metadata if config is None else config)
        with pytest.raises(InputError, match=words):
            load_numpy(path, "mini")

    name = "generator.logits_head.bias"
    refused({k: v for k, v in tensors.items() if k != name}, f"'{name}' is missing")
    refused(tensors | {"more": torch.zeros(1)}, "1 entries are unexpected")
    refused(tensors | {name: torch.zeros(3)}, r"is \(3,\) instead of \(16,\)")
    refused(tensors, "which model", {"format": "pt"})
    config = json.loads(metadata["artalk_config"])
    refused(
        tensors,
        "which model",
        {"artalk_config": json.dumps(config | {"generator": {**config["generator"], "heads": 7}})},
    )
    refused(tensors, "needs torch", {"artalk_config": json.dumps(config | {"audio": {"kind": "mimi", "width": 24}})})
    with pytest.raises(InputError, match="choose the model it was trained as"):
        load_numpy(tiny_file, "artalk")
