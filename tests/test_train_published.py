# SPDX-License-Identifier: GPL-3.0-or-later
"""Training as published: losses and gradients of the published code, and a training on a folder of one's own."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
import two_processes
from accelerate import Accelerator
from artalk.core import models
from artalk.core.artalk.config import (
    ArtalkConfig,
    AudioEncoderConfig,
    CodecConfig,
    GeneratorConfig,
    StyleConfig,
)
from artalk.core.artalk.rotary import RotaryCodec, RotaryGenerator, speech_positions
from artalk.core.basis import ARKIT, FLAME
from artalk.core.cli import main
from artalk.core.errors import InputError
from artalk.core.heads.flame import fingerprint
from artalk.core.heads.flame_basis import trained_basis
from artalk.core.motion import Motion
from artalk.core.train import motion_folder, objectives, published
from artalk.core.train.flame_mesh import FlameMesh, load_flame
from artalk.core.train.loop import Schedule, fit
from golden.fill import audio_f32, flame_arrays, motion, unit_noise, weights
from golden.models import FOLDER, flame_model, golden
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

CODEC = CodecConfig(motion_dim=108, scales=(1, 10, 20, 50, 100), width=64, depth=2, heads=4)
RELATIVE = 1e-5


# ------------------------------------------------------------------------------------------------ the published code


def filled(module, keys_file, statistics):
    keys = json.loads((FOLDER / keys_file).read_text())
    state = {name: torch.from_numpy(value) for name, value in weights(keys["keys"], keys["salt"]).items()}
    constants = golden("artalk_train_codec_small")
    state |= {f"{statistics}motion_{part}": torch.from_numpy(constants[f"stats_{part}"]) for part in ("mean", "std")}
    module.load_state_dict(state)
    return module


def case(number):
    constants = golden("artalk_train_codec_small")
    mean, std = constants["stats_mean"], constants["stats_std"]
    return torch.from_numpy(np.stack([motion(f"train{number}/{row}", 100, mean, std) for row in (0, 1)]))


def assert_gradients(module, expected):
    norms = {name: p.grad.norm().item() for name, p in module.named_parameters() if p.grad is not None}
    assert norms == pytest.approx(dict(zip(expected["grad_names"], expected["grad_norms"], strict=True)), rel=RELATIVE)


def test_codec_objective_has_the_published_losses_and_gradients():
    expected = golden("artalk_train_codec_small")
    codec = filled(RotaryCodec(CODEC), "artalk_train_codec_small_keys.json", "").train()
    mesh = FlameMesh(flame_model(lips=golden("flame_lips")["lips"].astype(np.int64)))
    moved = case(int(expected["motion_case"]))
    decoded, quantised = codec.reconstruct(moved)
    np.testing.assert_array_equal(torch.cat(quantised.bits, 1).numpy(), expected["bits"].astype(bool))
    losses = objectives.codec_losses(decoded, moved, [quantised], mesh)
    losses["loss"].backward()
    published_parts = dict(zip(expected["loss_names"], expected["loss_values"], strict=True))
    parts = {f"{name}_loss": value.item() for name, value in losses.items() if name != "loss"}
    assert parts == pytest.approx(published_parts, rel=RELATIVE)
    assert losses["loss"].item() == pytest.approx(float(expected["total_loss"]), rel=RELATIVE)
    assert_gradients(codec, expected)


def test_generator_objective_has_the_published_loss_and_gradients():
    expected = golden("artalk_train_gen_small")
    generator = RotaryGenerator(GeneratorConfig(64, 2, 4, 4), RotaryCodec(CODEC), audio_width=1024)
    filled(generator, "artalk_train_gen_small_keys.json", "base_codec.")
    codec = generator.base_codec.eval().requires_grad_(False)
    this, previous, style = (codec.quantise(case(int(expected["train_motion_case"]) + i)) for i in range(3))
    audio = torch.from_numpy(unit_noise("train/audio_feat/100", (2, 199, 1024)))
    logits = generator(audio, style.feature, previous.feature, codec.next_scale_features(this.bits))
    bits = torch.cat(this.bits, 1)
    np.testing.assert_array_equal(bits.numpy(), expected["train_bits"].astype(bool))
    drawn = logits.flatten(2)[:, ::10].detach().numpy()
    np.testing.assert_allclose(drawn, expected["train_logits_rows10"], atol=1e-5)
    loss = objectives.bit_losses(logits, bits)["loss"]
    loss.backward()
    assert loss.item() == pytest.approx(float(expected["ce_loss"]), rel=RELATIVE)
    assert_gradients(generator, expected)


def test_generator_tokens_have_the_published_places_and_see_what_they_should():
    expected = golden("artalk_train_gen_small")
    generator = RotaryGenerator(GeneratorConfig(8, 1, 2, 2), RotaryCodec(replace(CODEC, width=8, depth=1)), 4)
    np.testing.assert_array_equal(generator.positions.numpy(), expected["rope_positions_self"])
    np.testing.assert_array_equal(speech_positions(199, 100).numpy(), expected["rope_positions_audio"])
    visible = np.unpackbits(expected["self_mask_visible_packed"], axis=1)[:, :381]
    np.testing.assert_array_equal(generator.visible.numpy(), visible.astype(bool))


def test_learning_rate_rises_from_a_tenth_and_falls_back_to_it():
    rates = [objectives.linear_rate(step, 3000, 1e-4, 1000) for step in (0, 500, 1000, 2000, 3000)]
    assert rates == pytest.approx([1e-5, 5.5e-5, 1e-4, 5.5e-5, 1e-5])


def test_bits_are_flipped_on_all_scales_but_the_last_and_conditions_dropped_at_times():
    torch.manual_seed(0)
    shares = np.array([objectives.flip_shares(5) for _ in range(2000)])
    assert (shares[:, -1] == 0).all()
    assert shares[:, :-1].mean() == pytest.approx(0.15, abs=0.01)
    assert shares.max() <= 0.3
    assert objectives.dropped(5000, torch.device("cpu")).float().mean().item() == pytest.approx(0.1, abs=0.02)


# ------------------------------------------------------------------------------------------------------- one's own data


def clip_motion(frames, seed=0):
    constants = golden("constants")
    phase = np.outer(np.arange(frames) / 25, np.linspace(2, 12, len(FLAME))) + seed + np.arange(len(FLAME))
    values = constants["artalk_motion_mean"] + constants["artalk_motion_std"] * np.sin(phase)
    return Motion(values.astype(np.float32), FLAME, 25.0)


def add_clip(folder, name, frames, ending=".npz", seed=0):
    clip_motion(frames, seed).save(folder / f"{name}{ending}")
    soundfile.write(folder / f"{name}.wav", audio_f32(640 * frames, seed), 16000)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for i, frames in enumerate((100, 130, 260)):
        add_clip(folder, f"clip{i}", frames, ".csv" if i == 1 else ".npz", i)
    add_clip(folder, "short", 50)
    return folder


TINY = published.PublishedTraining(
    ArtalkConfig(
        audio=AudioEncoderConfig("log_mel"),
        codec=CodecConfig(width=32, depth=1, heads=2),
        generator=GeneratorConfig(32, 1, 2, 2),
        style=StyleConfig(16, 1, 2, 32),
    ),
    codec=published.LinearSchedule(40, learning_rate=3e-3, warmup=5, average=0.9, bf16=False),
    generator=published.LinearSchedule(40, learning_rate=3e-3, warmup=5, average=0.9),
    batch=2,
)


def place(data, work):
    return published.Workplace(data, work, Accelerator(cpu=True))


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    np.savez(work / "flame.npz", **flame_arrays(60), lips=[3, 4, 4])
    published.make_model(place(data, work), TINY, work / "own.safetensors", work / "flame.npz")
    return work


@pytest.mark.parametrize("stage", ["codec", "generator"])
def test_losses_fall_and_are_logged_for_tensorboard(trained, stage):
    folder = next(path.parent for path in trained.rglob("log.jsonl") if path.parent.name == stage)
    losses = [json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert len(losses) == 3
    assert losses[-1] < 0.95 * losses[0]
    curves = EventAccumulator(str(folder)).Reload()
    assert [event.step for event in curves.Scalars("loss")] == [1, 20, 40]
    assert [event.value for event in curves.Scalars("loss")] == pytest.approx(losses, rel=1e-3)


def test_the_weights_know_the_flame_that_they_were_trained_with(trained):
    assert trained_basis(trained / "own.safetensors") == fingerprint(flame_model(60))


def test_the_weights_speak_as_the_model_artalk(trained):
    spoken = models.load("artalk", trained / "own.safetensors", "cpu").generate(audio_f32(20000, 1))
    assert spoken.basis == FLAME
    assert spoken.values.shape == (32, 106)
    assert np.isfinite(spoken.values).all()


def test_the_card_tells_data_steps_losses_and_hash(trained):
    card = (trained / "own.md").read_text(encoding="utf-8")
    for fact in ("3 clips", "0.3 minutes", "| codec | 40 | 2 |", "| generator | 40 | 2 |", "lips ", "on FLAME"):
        assert fact in card
    assert published.file_hash(trained / "own.safetensors") in card


def test_a_codec_is_trained_alone_and_taken_for_the_generator(data, trained, tmp_path):
    short = replace(TINY, codec=replace(TINY.codec, steps=1), generator=replace(TINY.generator, steps=1))
    published.make_codec(place(data, tmp_path), short, tmp_path / "codec.safetensors", None)
    assert "| codec | 1 |" in (tmp_path / "codec.md").read_text()
    codec = published.load_codec(tmp_path / "codec.safetensors")
    np.testing.assert_allclose(codec.motion_mean.numpy(), place(data, tmp_path).open().motion.mean(0), atol=1e-5)
    again = tmp_path / "again"
    published.make_model(
        place(data, again), short, again / "a.safetensors", None, codec_file=tmp_path / "codec.safetensors"
    )
    assert not (again / "codec").exists()
    taken = published.load_codec(again / "a.safetensors")
    assert torch.equal(taken.decoder.out_mapping.weight, codec.decoder.out_mapping.weight)
    # a codec of other bits gets another generator, the same one trained again its old one
    longer = replace(short, codec=replace(short.codec, steps=2))
    for steps in (short, longer):
        published.make_model(place(data, again), steps, again / "a.safetensors", None)
    assert len(list(again.glob("bits-*/generator/log.jsonl"))) == 2


def test_training_goes_on_where_it_was_stopped(tmp_path):
    schedule = Schedule(6, warmup=2, save_seconds=0.0, bf16=False)

    def learn(folder, stop_at=None):
        torch.manual_seed(0)
        module = nn.Linear(3, 1)

        def step(rng, progress):
            if stop_at is not None and progress >= stop_at / 6:
                raise KeyboardInterrupt
            return {"loss": module(torch.from_numpy(rng.normal(size=(4, 3))).float()).square().mean()}

        try:
            fit(module, step, schedule, folder)
        except KeyboardInterrupt:
            return None
        return module.weight.detach()

    whole = learn(tmp_path / "whole")
    assert learn(tmp_path / "stopped", stop_at=3) is None
    assert torch.equal(learn(tmp_path / "stopped"), whole)


SHARED = """
import sys
from pathlib import Path
import torch
from accelerate import Accelerator
from artalk.core.train.loop import Schedule, fit
torch.set_num_threads(1)
torch.manual_seed(0)
module = torch.nn.Linear(3, 1)
drawn = []
def step(rng, _):
    drawn.append(rng.normal(size=(4, 3)))
    return {"loss": module(torch.from_numpy(drawn[-1]).float()).square().mean()}
fit(module, step, Schedule(4, warmup=1, bf16=False), Path(sys.argv[1]), accelerator=Accelerator(cpu=True))
print(drawn[0][0, 0], module.weight.tolist())
"""


def test_two_processes_draw_different_batches_and_learn_the_same(tmp_path):
    printed = two_processes.run(SHARED, str(tmp_path))
    (first_drawn, first), (second_drawn, second) = (text.split(" ", 1) for text in printed)
    assert first_drawn != second_drawn
    assert first == second
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 2


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_passages_lie_inside_one_clip_with_silence_and_rest_before_it(data, packed, seed):
    batch = packed.batch(np.random.default_rng(seed), 3)
    clips = [motion_folder.read_pair(data / f"clip{i}.wav", data / f"clip{i}{e}") for i, e in enumerate(ENDINGS)]
    for moved, heard, style in zip(batch.motion, batch.audio, batch.style, strict=True):
        found = [
            (i, s) for i, (m, _) in enumerate(clips) for s in range(len(m) - 99) if (m[s:][:100] == moved[100:]).all()
        ]
        assert len(found) == 1
        values, samples = clips[found[0][0]]
        place_in_clip = found[0][1]
        known = min(100, place_in_clip)
        np.testing.assert_array_equal(moved[100 - known : 100], values[place_in_clip - known : place_in_clip])
        assert not moved[: 100 - known].any()
        np.testing.assert_allclose(heard[64000:], samples[640 * place_in_clip :][:64000], atol=1e-4)
        assert not heard[: 640 * (100 - known)].any()
        assert any((values[s : s + 50] == style).all() for s in range(len(values) - 49))


ENDINGS = (".npz", ".csv", ".npz")


@pytest.fixture(scope="module")
def packed(data, tmp_path_factory):
    return motion_folder.open_folder(data, tmp_path_factory.mktemp("packed"))


def test_a_changed_file_is_packed_anew(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    add_clip(folder, "a", 100)
    assert motion_folder.open_folder(folder, tmp_path / "work").frames.tolist() == [100]
    add_clip(folder, "b", 110)
    assert motion_folder.open_folder(folder, tmp_path / "work").frames.tolist() == [100, 110]


def test_wav2vec_is_read_from_a_folder_and_hears_the_last_window(tmp_path):
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    options = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "conv_dim": [8] * 7}
    layout = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}
    source = Wav2Vec2Model(Wav2Vec2Config(hidden_size=32, **options, **layout))
    source.save_pretrained(tmp_path)
    encoder, config = published.speech_encoder(AudioEncoderConfig("wav2vec2", 32, options), str(tmp_path))
    assert torch.equal(encoder.model.feature_projection.projection.weight, source.feature_projection.projection.weight)
    model = published.ArtalkModel(replace(TINY.model, audio=config)).eval()
    heard = published.hear(model, torch.randn(2, 128000))
    assert heard.shape == (2, 199, 32)
    with pytest.raises(InputError, match="another size"):
        published.speech_encoder(AudioEncoderConfig("wav2vec2", 64, options), str(tmp_path))


# ---------------------------------------------------------------------------------------------------------- bad input


def other_basis(folder):
    soundfile.write(folder / "a.wav", audio_f32(64000, 0), 16000)
    Motion(np.random.default_rng(0).random((100, len(ARKIT)), np.float32), ARKIT, 25.0).save(folder / "a.npz")


def other_length(folder):
    add_clip(folder, "a", 120)
    soundfile.write(folder / "a.wav", audio_f32(640 * 126, 0), 16000)


def still(folder):
    add_clip(folder, "a", 120)
    Motion(np.full((120, 106), 0.1, np.float32), FLAME, 25.0).save(folder / "a.npz")


def foreign_table(folder):
    add_clip(folder, "a", 120)
    (folder / "a.npz").unlink()
    (folder / "a.csv").write_text("time,exp001\n0,1\n")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda _: None, "neither sounds nor motions"),
        (lambda folder: soundfile.write(folder / "a.wav", audio_f32(64000, 0), 16000), "sounds but no motions"),
        (lambda folder: clip_motion(100).save(folder / "a.npz"), "motions but no sounds"),
        (other_basis, "basis 'arkit', not flame"),
        (other_length, "lasts 5.04 s but its motion 'a.npz' 4.80 s"),
        (still, "Nothing moves in 'a.npz'"),
        (foreign_table, "has no columns exp001"),
        (lambda folder: add_clip(folder, "a", 99), "shorter than 4 s"),
    ],
)
def test_folders_that_cannot_be_learned_from_are_refused(tmp_path, spoil, sentence):
    folder = tmp_path / "data"
    folder.mkdir()
    spoil(folder)
    with pytest.raises(InputError, match=sentence):
        motion_folder.open_folder(folder, tmp_path / "work")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["codec", "--data", "none"], "give it with --out"),
        (["codec", "--data", "none", "--out", "w.safetensors"], "There is no folder 'none'"),
        (["codec", "--data", "none", "--out", "w.safetensors", "--flame", "no.pt"], "no FLAME file 'no.pt'"),
        (["generator", "--data", "none", "--out", "w.safetensors", "--codec", "no"], "no codec 'no'"),
        (["generator", "--data", "none", "--out", "w.safetensors", "--batch", "0"], "at least one passage"),
        (["codec", "--data", "none", "--out", "w.safetensors", "--codec-steps", "0"], "more than 0 steps"),
    ],
)
def test_the_command_line_says_what_is_wrong(arguments, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *arguments, "--device", "cpu", "--jobs", "1"]) == 2
    assert sentence in capsys.readouterr().err


def test_files_that_are_no_flame_and_no_codec_are_refused(tmp_path):
    np.savez(tmp_path / "x.npz", a=1)
    with pytest.raises(InputError, match="is no FLAME model"):
        load_flame(tmp_path / "x.npz")
    with pytest.raises(InputError, match="holds no codec"):
        published.load_codec(tmp_path / "x.npz")
