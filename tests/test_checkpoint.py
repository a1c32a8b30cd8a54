# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights and styles in and out: what loads, and the one sentence for each file that does not."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from artalk.core import models
from artalk.core.artalk.checkpoint import (
    load_pipeline,
    load_published,
    load_safetensors,
    save_safetensors,
)
from artalk.core.artalk.config import ArtalkConfig, AudioEncoderConfig, CodecConfig, GeneratorConfig
from artalk.core.artalk.files import file_hash
from artalk.core.artalk.model import ArtalkModel
from artalk.core.artalk.pipeline import ArtalkPipeline
from artalk.core.basis import ARKIT, FLAME
from artalk.core.errors import Cancelled, InputError
from artalk.core.motion import Motion
from artalk.core.styles import load as load_style
from golden.fill import audio_f32
from golden.models import build, config, golden, golden_motion, state
from safetensors.torch import save_file

State = dict[str, torch.Tensor]
TINY_ARKIT = ArtalkConfig(
    audio=config("small").audio,
    codec=CodecConfig(motion_dim=59, width=16, depth=1, heads=2, scale_gains=True),
    generator=GeneratorConfig(16, 1, 2),
    basis="arkit",
)


@pytest.fixture(scope="module")
def small() -> ArtalkModel:
    return build("small")


@pytest.fixture(scope="module")
def small_state() -> State:
    return state("small")


@pytest.fixture
def saved(small: ArtalkModel, tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    save_safetensors(small, path, {"licence": "none"})
    return path


def message(error: pytest.ExceptionInfo[InputError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


def refused(content: object, tmp_path: Path) -> str:
    """What `load_published` says to a file with this content."""
    path = tmp_path / "weights.pt"
    torch.save(content, path)
    with pytest.raises(InputError) as error:
        load_published(path, config("small"))
    return message(error)


# ---------------------------------------------------------------------------------------------- published state dicts


def test_published_state_dict_gives_the_golden_motion(small_state: State, tmp_path: Path) -> None:
    torch.save(small_state, tmp_path / "weights.pt")
    pipeline = ArtalkPipeline(load_published(tmp_path / "weights.pt", config("small")))
    motion = pipeline.generate(audio_f32(158811, 22))
    assert np.abs(motion.values - golden("artalk_small_multi")["plain_motion"]).max() < 1e-4


def test_old_names_of_weight_normalisation_load(small_state: State, small: ArtalkModel, tmp_path: Path) -> None:
    old = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): value
        for name, value in small_state.items()
    }
    assert old.keys() != small_state.keys()
    torch.save(old, tmp_path / "weights.pt")
    loaded = load_published(tmp_path / "weights.pt", config("small")).state_dict()
    assert all(torch.equal(value, loaded[name]) for name, value in small.state_dict().items())


def test_a_file_in_the_older_unzipped_form_loads(small_state: State, tmp_path: Path) -> None:
    torch.save(small_state, tmp_path / "weights.pt", _use_new_zipfile_serialization=False)
    load_published(tmp_path / "weights.pt", config("small"))


def test_missing_entries_are_named(small_state: State, tmp_path: Path) -> None:
    fewer = {name: value for name, value in small_state.items() if name != "logits_head.weight"}
    assert "1 missing (logits_head.weight)" in refused(fewer, tmp_path)


def test_unexpected_entries_are_named(small_state: State, tmp_path: Path) -> None:
    assert "1 unexpected (extra.weight)" in refused({**small_state, "extra.weight": torch.zeros(2)}, tmp_path)


def test_wrong_shapes_are_named_with_both_sizes(small_state: State, tmp_path: Path) -> None:
    text = refused({**small_state, "lvl_embed.weight": torch.zeros(5, 97)}, tmp_path)
    assert "lvl_embed.weight is (5, 97) instead of (5, 96)" in text


def test_long_lists_are_cut(small_state: State, tmp_path: Path) -> None:
    fewer = {name: value for name, value in small_state.items() if not name.startswith("attn_blocks.0")}
    text = refused(fewer, tmp_path)
    assert "14 missing (" in text
    assert "…" in text
    assert len(text) < 400


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["base_codec.encoder.code_mapping.weight", "sos_embed"], "generator of ARTalk's training code"),
        (["encoder.code_mapping.weight", "motion_mean"], "codec of ARTalk's training code"),
        (["audio_encoder.acoustic_model.downsample.conv.weight"], "mimi variant: choose the model artalk-mimi"),
    ],
)
def test_a_relative_is_recognised(names: list[str], kind: str, tmp_path: Path) -> None:
    assert kind in refused({name: torch.zeros(2) for name in names}, tmp_path)


@pytest.mark.parametrize("name", ["learnable_style_emb.weight", "quantize.embedding.weight"])
def test_codetalker_is_recognised(name: str, tmp_path: Path) -> None:
    content = {"epoch": 3, "state_dict": {name: torch.zeros(2), "vertice_map.weight": torch.zeros(2)}}
    assert "CodeTalker" in refused(content, tmp_path)


@pytest.mark.parametrize("content", [{}, [1, 2], {"epoch": 3}, torch.zeros(3), {"a": [1.0]}])
def test_content_that_is_no_state_dict(content: object, tmp_path: Path) -> None:
    assert "no table of named weights" in refused(content, tmp_path)


def test_a_hostile_pickle_runs_nothing(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / "it_ran",)

    text = refused({"state_dict": Hostile()}, tmp_path)
    assert "was not opened" in text
    path = tmp_path / "plain.pt"
    path.write_bytes(pickle.dumps(Hostile(), protocol=2))
    with pytest.raises(InputError):
        load_published(path, config("small"))
    assert not (tmp_path / "it_ran").exists()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.2, 0.9, 0.999])
def test_a_truncated_file(small_state: State, tmp_path: Path, share: float, zipped: bool) -> None:
    path = tmp_path / "weights.pt"
    torch.save(small_state, path, _use_new_zipfile_serialization=zipped)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(InputError, match="damaged") as error:
        load_published(path, config("small"))
    message(error)


@pytest.mark.parametrize("content", [b"RIFF1234WAVE", b"\x80\x02garbage", b"{'a': 1}", b"PK\x03\x04" + bytes(200)])
def test_a_file_that_is_no_checkpoint(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        load_published(path, config("small"))
    message(error)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        load_published(tmp_path / "none.pt", config("small"))


# ------------------------------------------------------------------------------------------------------- safetensors


def test_our_file_gives_the_same_model(small: ArtalkModel, saved: Path) -> None:
    loaded = load_safetensors(saved)
    assert loaded.config == small.config
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in small.state_dict().items())


def test_our_file_in_half_precision_loads_as_float32(small: ArtalkModel, saved: Path, tmp_path: Path) -> None:
    half = {name: value.half() for name, value in small.state_dict().items()}
    save_file(half, tmp_path / "half.safetensors", {"artalk_config": small.config.to_json()})
    loaded = load_safetensors(tmp_path / "half.safetensors")
    assert {value.dtype for value in loaded.state_dict().values()} == {torch.float32}
    assert torch.allclose(loaded.codec.motion_std, small.codec.motion_std, rtol=1e-3)


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.3, 0.999])
def test_our_file_truncated(saved: Path, share: float) -> None:
    saved.write_bytes(saved.read_bytes()[: int(saved.stat().st_size * share)])
    with pytest.raises(InputError, match="damaged or cut short") as error:
        load_safetensors(saved)
    message(error)


@pytest.mark.parametrize("text", [None, "{", "{}", '{"codec": 3}', "[]"])
def test_a_safetensors_file_of_something_else(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(2)}, path, {"artalk_config": text} if text else {"format": "pt"})
    with pytest.raises(InputError, match="does not say which model") as error:
        load_safetensors(path)
    message(error)


@pytest.mark.parametrize(
    "numbers", [{"fps": 0}, {"fps": 1e7}, {"fps": "25"}, {"fps": True}, {"head_gain": None}, {"guidance": float("nan")}]
)
def test_a_config_with_impossible_numbers(small: ArtalkModel, numbers: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    config = {**json.loads(small.config.to_json()), **numbers}
    save_file(small.state_dict(), path, {"artalk_config": json.dumps(config)})
    with pytest.raises(InputError, match="does not say which model") as error:
        load_safetensors(path)
    message(error)


def test_our_file_of_another_shape_than_its_config(small: ArtalkModel, tmp_path: Path) -> None:
    path = tmp_path / "wrong.safetensors"
    other = replace(small.config, generator=replace(small.config.generator, depth=1))
    save_file(small.state_dict(), path, {"artalk_config": other.to_json()})
    with pytest.raises(InputError, match=r"14 unexpected \(generator.attn_blocks.1"):
        load_safetensors(path)


def test_our_file_whose_basis_does_not_fit(tmp_path: Path) -> None:
    wrong = replace(TINY_ARKIT, basis="flame")
    save_safetensors(ArtalkModel(wrong), tmp_path / "wrong.safetensors")
    with pytest.raises(InputError, match="59 numbers a frame but says its basis is 'flame'"):
        load_safetensors(tmp_path / "wrong.safetensors")


def test_config_survives_json() -> None:
    odd = ArtalkConfig(AudioEncoderConfig("log_mel", 64, {"bands": 40}), CodecConfig(scales=(1, 2, 4)), fps=30.0)
    assert ArtalkConfig.from_json(odd.to_json()) == odd


# --------------------------------------------------------------------------------------------------- through the door


def test_registry_loads_our_file_and_says_where_motion_came_from(tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    save_safetensors(ArtalkModel(TINY_ARKIT), path)
    model = models.load("mini", path)
    motion = model.generate(audio_f32(16000))
    assert (motion.basis, len(motion)) == (ARKIT, 25)
    assert motion.meta == {"model": "mini", "weights_sha256": file_hash(path), "window_frames": 100}


def test_model_of_another_basis_than_asked_for(saved: Path) -> None:
    with pytest.raises(InputError, match="'flame' motion, but 'mini' gives 'arkit'") as error:
        load_pipeline(saved, "mini")
    message(error)


def test_published_file_given_as_mini(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(2)}, tmp_path / "weights.pt")
    with pytest.raises(InputError, match=r"are a \.safetensors file"):
        load_pipeline(tmp_path / "weights.pt", "mini")


def test_unknown_device(saved: Path) -> None:
    with pytest.raises(InputError, match="no device 'abacus'"):
        load_pipeline(saved, "artalk", device="abacus")


def test_automatic_device(saved: Path) -> None:
    assert load_pipeline(saved, "artalk", device="auto").device.type in ("cpu", "cuda", "mps")


# ------------------------------------------------------------------------------------------------------------- styles


def test_style_saved_by_us(tmp_path: Path) -> None:
    style = Motion(golden_motion("style0", 50)[0].numpy(), FLAME, 25.0)
    style.save(tmp_path / "style.npz")
    np.testing.assert_array_equal(load_style(tmp_path / "style.npz").values, style.values)


def test_published_style_that_is_a_view_of_a_longer_recording(tmp_path: Path) -> None:
    recording = golden_motion("recording", 400)[0]
    columns = torch.cat([recording, recording], dim=1)
    view = columns[100:150, 53:159]
    assert view.storage_offset() > 0
    assert view.stride() != (106, 1)
    torch.save(view, tmp_path / "style.pt")
    style = load_style(tmp_path / "style.pt")
    assert (style.basis, style.fps) == (FLAME, 25.0)
    np.testing.assert_array_equal(style.values, view.numpy())


@pytest.mark.parametrize(
    "content", [torch.zeros(50, 105), torch.zeros(106), torch.zeros(0, 106), torch.zeros(1, 50, 106), {"a": 1}]
)
def test_a_file_that_is_no_style(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "style.pt")
    with pytest.raises(InputError, match="is not a style") as error:
        load_style(tmp_path / "style.pt")
    message(error)


def test_a_style_of_numbers_that_are_none(tmp_path: Path) -> None:
    torch.save(torch.full((50, 106), torch.nan), tmp_path / "style.pt")
    with pytest.raises(InputError, match="not numbers"):
        load_style(tmp_path / "style.pt")


def test_style_of_another_basis(small: ArtalkModel) -> None:
    style = Motion(np.zeros((50, len(ARKIT)), np.float32), ARKIT, 25.0)
    with pytest.raises(InputError, match="style is motion in 'arkit' but the model's is 'flame'"):
        ArtalkPipeline(small).generate(audio_f32(1000), style=style)


@pytest.mark.parametrize("frames", [0, 600])
def test_style_of_a_length_the_model_does_not_take(small: ArtalkModel, frames: int) -> None:
    style = Motion(np.zeros((frames, len(FLAME)), np.float32), FLAME, 25.0)
    with pytest.raises(InputError, match=f"1 to 599 frames, not {frames}"):
        ArtalkPipeline(small).generate(audio_f32(1000), style=style)


def test_style_at_another_rate_is_resampled(small: ArtalkModel) -> None:
    style = Motion(golden_motion("style0", 50)[0].numpy(), FLAME, 25.0)
    pipeline = ArtalkPipeline(small)
    expected = pipeline.style_token(style.resample(50.0).resample(25.0))
    assert torch.equal(pipeline.style_token(style.resample(50.0)), expected)


# -------------------------------------------------------------------------------------------------------------- audio


@pytest.mark.parametrize(
    ("audio", "what"),
    [
        (np.zeros(0, np.float32), "no samples"),
        (np.zeros((100, 2), np.float32), "takes mono audio"),
        (np.full(100, np.nan, np.float32), "not numbers"),
        (np.full(100, 1e20, np.float32), "far too large"),
    ],
)
def test_audio_that_cannot_be_spoken(small: ArtalkModel, audio: np.ndarray, what: str) -> None:
    with pytest.raises(InputError, match=what) as error:
        ArtalkPipeline(small).generate(audio)
    message(error)


def test_cancel_is_asked_before_each_window(small: ArtalkModel) -> None:
    asked: list[bool] = []
    done: list[float] = []

    def cancel() -> bool:
        asked.append(True)
        return len(asked) == 2

    with pytest.raises(Cancelled):
        ArtalkPipeline(small).generate(audio_f32(158811, 22), progress=done.append, cancel=cancel)
    assert done == [1 / 3]
