# SPDX-License-Identifier: GPL-3.0-or-later
"""Models of ARTalk's training code speak as its own inference does: bits exact, logits and motion within float32.

The golden arrays took the likelier side of each bit instead of drawing it, and given features in the place of sound.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from artalk.core.artalk.checkpoint import load_pipeline, load_trained, save_safetensors
from artalk.core.artalk.config import AudioEncoderConfig, CodecConfig, GeneratorConfig
from artalk.core.artalk.rotary import TRAINED, RotaryCodec, RotaryGenerator, RotaryModel
from artalk.core.artalk.rotary_pipeline import RotaryLoop, RotaryPipeline, kept_sides
from artalk.core.basis import FLAME, FLAME_EYES
from artalk.core.errors import InputError
from artalk.core.motion import Motion
from artalk.core.retarget.flame_eyes import with_eyes, without_eyes
from artalk.core.weights_store import import_weights
from golden.fill import audio_f32, motion, unit_noise, weights
from golden.models import FOLDER, config, golden

LOGITS, MOTION = 1e-4, 1e-4
SMALL = replace(
    TRAINED,
    audio=replace(config("small").audio),
    codec=CodecConfig(motion_dim=108, scales=(1, 10, 20, 50, 100), width=64, depth=2, heads=4),
    generator=GeneratorConfig(64, 2, 4, 4),
)


def filled_state():
    keys = json.loads((FOLDER / "artalk_train_gen_small_keys.json").read_text())
    state = {name: torch.from_numpy(value) for name, value in weights(keys["keys"], keys["salt"]).items()}
    constants = golden("artalk_train_codec_small")
    parts = {f"base_codec.motion_{part}": torch.from_numpy(constants[f"stats_{part}"]) for part in ("mean", "std")}
    return state | parts


@pytest.fixture(scope="module")
def model():
    """The golden generator, with a small speech encoder of random weights whose features are as wide as its own."""
    torch.manual_seed(0)
    sizes = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "conv_dim": [32] * 7}
    built = RotaryModel(replace(SMALL, audio=AudioEncoderConfig("wav2vec2", 1024, sizes)))
    built.generator.load_state_dict(filled_state())
    return built


def golden_style():
    constants = golden("artalk_train_codec_small")
    values = motion("train50/0", 100, constants["stats_mean"], constants["stats_std"])
    return Motion(values, FLAME_EYES, 25.0)


def test_two_windows_as_the_published_code_has_them(model):
    expected, pipeline = golden("artalk_train_gen_small"), RotaryPipeline(model, draws=False)
    style = pipeline.style_token(golden_style())
    loop, made = RotaryLoop(pipeline, None, 0), []
    for chunk in (0, 1):
        features = torch.from_numpy(unit_noise(f"train/audio_feat/{chunk}", (1, 199, 1024)))[0]
        with torch.inference_mode():
            scales = list(loop.scales(features, style))
        bits = torch.cat([bits for _, bits in scales], 1)[0].numpy()
        np.testing.assert_array_equal(bits, expected["infer_bits"][chunk].astype(bool))
        if chunk == 0:
            for scale, rows in ((0, 1), (1, 1), (4, 10)):
                name = f"infer_logits_chunk0_scale{scale}" + ("_rows10" if rows > 1 else "")
                np.testing.assert_allclose(scales[scale][0][0, ::rows].numpy(), expected[name], atol=LOGITS)
        made.append(loop.next(features, style))
    frames = pipeline.frame_count(100000)
    assert frames == int(expected["infer_frames"])
    np.testing.assert_allclose(np.concatenate(made)[:frames][::4], expected["infer_motion"], atol=MOTION)


def test_unlikely_sides_are_dropped_as_published():
    expected = golden("artalk_train_gen_small")
    kept = kept_sides(torch.from_numpy(expected["topp_logits"])).isfinite().numpy()
    np.testing.assert_array_equal(kept, expected["topp_kept"].astype(bool))


def test_frames_are_counted_exactly(model):
    assert [RotaryPipeline(model).frame_count(n) for n in (1, 640, 641, 4480, 100000)] == [1, 1, 2, 7, 157]


def test_a_seed_gives_one_performance(model):
    pipeline, audio = RotaryPipeline(model), audio_f32(70000, 22)
    first, again, other = (pipeline.generate(audio, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.values, again.values)
    assert np.abs(first.values - other.values).max() > 1e-3
    assert (first.basis, len(first)) == (FLAME_EYES, 110)


def test_style_guidance_and_seed_motion_are_heard(model):
    pipeline, audio = RotaryPipeline(model, draws=False), audio_f32(64000, 22)
    plain = pipeline.generate(audio).values
    style = Motion(golden_style().values[:50], FLAME_EYES, 25.0)
    for chosen in ({"style": style}, {"guidance": 0.0}, {"seed_motion": style}):
        assert np.abs(pipeline.generate(audio, **chosen).values - plain).max() > 1e-3, chosen
    flame = without_eyes(style)
    assert flame.basis == FLAME
    assert np.isfinite(pipeline.generate(audio, style=flame).values).all(), "a published style will do"


def test_eyes_come_and_go():
    values = np.random.default_rng(0).random((4, 108), np.float32)
    there = without_eyes(Motion(values, FLAME_EYES, 25.0))
    np.testing.assert_array_equal(there.values[:, :104], values[:, :104])
    assert not there.values[:, 104:].any()
    np.testing.assert_array_equal(with_eyes(there).values[:, :104], values[:, :104])


def test_a_file_of_ours_holds_all_of_it(model, tmp_path):
    save_safetensors(model, tmp_path / "own.safetensors")
    assert import_weights(tmp_path / "own.safetensors", tmp_path / "models").model == "artalk-trained"
    loaded = load_pipeline(tmp_path / "own.safetensors", "artalk-trained")
    audio = audio_f32(20000, 22)
    np.testing.assert_array_equal(loaded.generate(audio).values, RotaryPipeline(model).generate(audio).values)


def test_the_checkpoint_of_the_training_code_needs_its_speech_encoder(tmp_path):
    torch.save(filled_state(), tmp_path / "gen.pt")
    with pytest.raises(InputError, match="put the folder of the wav2vec"):
        load_trained(tmp_path / "gen.pt")
    with pytest.raises(InputError, match="beside it, then import it"):
        import_weights(tmp_path / "gen.pt", tmp_path / "models")
    (tmp_path / "encoder").mkdir()
    (tmp_path / "encoder" / "config.json").write_text("{}")
    with pytest.raises(InputError, match="does not fit the model"):
        load_trained(tmp_path / "gen.pt")  # of the small golden model
    done = import_weights(tmp_path / "gen.pt", tmp_path / "models")
    assert done.model == "artalk-trained"
    assert (tmp_path / "models" / "artalk-trained" / "encoder" / "config.json").is_file()


def test_the_training_codes_own_sizes_are_known():
    keys = json.loads((FOLDER / "artalk_train_gen_full_keys.json").read_text())["keys"]
    generator = RotaryGenerator(TRAINED.generator, RotaryCodec(TRAINED.codec), TRAINED.audio.width)
    found = {name: tuple(value.shape) for name, value in generator.state_dict().items()}
    assert found == {entry["key"]: tuple(entry["shape"]) for entry in keys}
