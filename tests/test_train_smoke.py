# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole training in small: a minute of speech, a few steps of every stage, weights and card out of it."""

import contextlib
import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import two_processes
from artalk.core import models
from artalk.core.artalk.config import CodecConfig, GeneratorConfig, StyleConfig
from artalk.core.artalk.files import file_hash
from artalk.core.basis import ARKIT
from artalk.core.errors import InputError
from artalk.core.train import corpus, mini, moonshine_package, tts_kokoro
from artalk.core.train.codec import CodecTraining
from artalk.core.train.ears import MOONSHINE_LAYERS
from artalk.core.train.encoder import EncoderTraining
from artalk.core.train.generator import GeneratorTraining
from artalk.core.train.listener import ListenerTraining
from artalk.core.train.loop import Schedule
from safetensors import safe_open
from safetensors.torch import load_file

pytestmark = pytest.mark.skipif(
    bool(corpus.missing_packages())
    or not (tts_kokoro.installed() and moonshine_package.installed())
    or shutil.which("bible") is None,
    reason="the synthesisers, their voices, Moonshine and bible-kjv are not all installed",
)


def small(steps):
    schedule = Schedule(steps=steps, learning_rate=3e-3, warmup=5, bf16=False)
    return mini.MiniTraining(
        hours=1 / 60,
        variants=1,
        recorded_variants=0,
        listener=ListenerTraining(replace(schedule, learning_rate=3e-4), batch=2),
        encoder=EncoderTraining(schedule, batch=4, frames=50, width=32, blocks_50=1, blocks_25=1),
        codec=CodecTraining(
            schedule, batch=4, codec=CodecConfig(len(ARKIT), code_dim=8, width=32, depth=1, heads=2, scale_gains=True)
        ),
        generator=GeneratorTraining(
            schedule, batch=4, generator=GeneratorConfig(32, 1, 2, 2), style=StyleConfig(16, 1, 2, 32), style_steps=4
        ),
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    out = mini.train_mini(work / "out" / "tiny.safetensors", work, small(40), mini.Machine(jobs=1))
    return out, work


KEPT = ("codec.encoder.", "codec.quantiser.", "codec.motion_", "codec.enc_pos", "audio_encoder.moonshine.")
"""Begins the names of what training that goes on from weights leaves as it is."""


def stages_of(work):
    """The one folder of what was learned with the listener."""
    (folder,) = work.glob("ears-*")
    return folder


def generator_of(work):
    """The one folder of the generator of what was learned with the listener and the codec."""
    (folder,) = stages_of(work).glob("bits-*/generator")
    return folder


@pytest.mark.parametrize("stage", ["reader", "encoder", "codec", "generator"])
def test_every_loss_falls(trained, stage):
    _, work = trained
    folder = generator_of(work) if stage == "generator" else (work if stage == "reader" else stages_of(work)) / stage
    lines = (folder / "log.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in lines]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.95 * losses[0]


def test_the_model_hears_through_what_moonshine_became(trained):
    out, work = trained
    found = models.load("mini", out).model.audio_encoder.moonshine.float().state_dict()
    learned = torch.load(work / "listener" / "checkpoint.pt", weights_only=True)["average"]
    before = moonshine_package.moonshine(MOONSHINE_LAYERS).state_dict()
    half = {name: (before[name] + tensor) / 2 for name, tensor in learned.items()}
    for name, tensor in found.items():
        assert torch.allclose(tensor, half[name], rtol=0.01, atol=float(half[name].abs().max()) / 200), name
    convolutions = [name for name in found if not name.startswith("layers.")]  # the rest is rounded to 8 bits
    away = [(found[name] - before[name]).norm() / (learned[name] - before[name]).norm() for name in convolutions]
    assert 0.4 < np.median(away) < 0.6


def test_the_codec_learns_the_motion_for_what_is_heard_too(trained, monkeypatch):
    _, work = trained
    seen = []
    monkeypatch.setattr(mini.codec, "train", lambda signals, *_, **__: seen.append(signals))
    before = sorted(work.glob("*/*/heard-*.npz"))
    mini.train_codec(work, small(40), mini.Machine(jobs=1))
    assert sorted(work.glob("*/*/heard-*.npz")) == before  # once for codec and generator
    known, heard = np.split(seen[0], 2)
    assert np.array_equal(known[:, 8:], heard[:, 8:])
    assert np.abs(known[:, :8] - heard[:, :8]).mean() > 0.02


def test_in_the_end_only_styles_are_learned(trained):
    _, work = trained
    before, after = (
        torch.load(folder / "checkpoint.pt", weights_only=True)["average"]
        for folder in (generator_of(work), generator_of(work) / "style")
    )
    changed = {name.split(".")[0] for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert changed == {"style_encoder", "generator", "style_head"}
    assert all(torch.equal(after[n], before[n]) for n in after if n.startswith("generator.attn_blocks"))


def test_the_weights_speak(trained):
    out, _ = trained
    motion = models.load("mini", out).generate(np.zeros(20000, np.float32))
    assert motion.values.shape == (32, len(ARKIT))
    assert np.isfinite(motion.values).all()
    never_moved = [name for name in ARKIT.channels if "Blink" in name or "_eye_" in name]
    assert not motion.values[:, ARKIT.indices(never_moved)].any()


def test_the_card_says_what_it_was_made_of(trained):
    out, _ = trained
    card = out.with_suffix(".md").read_text(encoding="utf-8")
    for fact in (
        "flite",
        "Kokoro-82M, model and voices",
        "King James",
        "Moonshine tiny, speech recognition in English, © 2025 Moonshine AI",
        "Moonshine's layers 40, convolutions of the encoder 40, ",
        "codec 40, generator 40",
        "artalk train mini",
        "GPL-3.0",
    ):
        assert fact in card


def test_only_the_first_process_writes_the_report(trained, tmp_path):
    _, work = trained
    for part in ("corpus", "baked"):
        (tmp_path / part).symlink_to(work / part)
    second = SimpleNamespace(is_main_process=False, main_process_first=contextlib.nullcontext)
    assert mini.train_corpus(tmp_path, small(40), mini.Machine(jobs=1, accelerator=second)) is None
    assert not list(tmp_path.glob("*report*"))


def test_the_corpus_is_reported_on(trained):
    _, work = trained
    report = mini.train_corpus(work, small(40), mini.Machine(jobs=1)).read_text(encoding="utf-8")
    assert "| flite | " in report
    assert "Apache-2.0" in report
    assert (work / "corpus-pico.png").stat().st_size > 10_000


def test_training_again_finds_everything_done(trained):
    out, work = trained
    first = load_file(out)
    assert mini.train_mini(out, work, small(40), mini.Machine(jobs=1)) == out
    again = load_file(out)
    assert again.keys() == first.keys()
    assert all(torch.equal(again[name], tensor) for name, tensor in first.items())


def test_more_steps_go_on_and_other_settings_are_refused(trained, tmp_path):
    work = tmp_path / "work"
    shutil.copytree(trained[1], work)
    config = small(40)

    def encoder_with(**changes):
        return replace(config, encoder=replace(config.encoder, schedule=replace(config.encoder.schedule, **changes)))

    def steps():
        return torch.load(stages_of(work) / "encoder" / "checkpoint.pt", weights_only=True)["step"]

    mini.train_encoder(work, encoder_with(steps=42), mini.Machine(jobs=1))
    assert steps() == 42
    for other in ({"steps": 41}, {"learning_rate": 0.5}):
        with pytest.raises(InputError, match="other settings"):
            mini.train_encoder(work, encoder_with(**other), mini.Machine(jobs=1))
    # the generator listens anew with the encoder that went on
    before = set(work.glob("*/encoder/heard-*"))
    mini.train_generator(work, encoder_with(steps=42), mini.Machine(jobs=1))
    assert len(set(work.glob("*/encoder/heard-*")) - before) == 1
    # with a listener that went on, all that comes after it begins anew
    listener = replace(config.listener, schedule=replace(config.listener.schedule, steps=41))
    longer = replace(encoder_with(steps=42), listener=listener)
    stages = stages_of(work)
    ear = mini.train_encoder(work, longer, mini.Machine(jobs=1))
    assert ear.stages != stages
    assert json.loads((ear.stages / "encoder" / "log.jsonl").read_text().splitlines()[0])["step"] == 1
    assert np.abs(ear.sound - np.load(next(stages.glob("encoder/listened-*")))["features"]).max() > 0.01


def test_training_goes_on_from_weights_and_keeps_their_bits(trained, tmp_path):
    out, work = trained
    again = tmp_path / "work"
    for name in ("corpus", "baked"):
        shutil.copytree(work / name, again / name)
    config = small(12).going_on_from(out)
    assert config.encoder.schedule.learning_rate == small(12).encoder.schedule.learning_rate / 2
    config = replace(config, encoder=replace(config.encoder, heads=small(15).codec.schedule))
    weights = mini.train_mini(tmp_path / "on.safetensors", again, config, mini.Machine(jobs=1))
    before, after = load_file(out), load_file(weights)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items() if name.startswith(KEPT))
    for name in ("audio_encoder.tower.down_50.weight", "codec.decoder.out_mapping.weight"):
        away = (after[name].float() - before[name].float()).norm() / before[name].float().norm()
        assert 0 < away < 0.5
    # what goes on from other weights would keep its checkpoints elsewhere
    stages = (stages_of(work), again / f"from-{file_hash(out)[:12]}")
    first = [json.loads((folder / "encoder" / "log.jsonl").read_text().splitlines()[0]) for folder in stages]
    assert first[1]["loss"] < first[0]["loss"]
    # weights and card say which others they went on from
    card = weights.with_suffix(".md").read_text(encoding="utf-8")
    assert file_hash(out) in card
    assert "--from WEIGHTS" in card
    assert "decoder of the codec 12" in card
    assert "Moonshine's layers" not in card
    with safe_open(weights, "pt") as file:
        assert file_hash(out) in file.metadata()["training"]


def test_weights_of_another_size_or_changed_meanwhile_are_one_sentence(trained, tmp_path):
    config = small(12)
    deeper = replace(config, encoder=replace(config.encoder, blocks_50=2))
    with pytest.raises(InputError, match="another size"):
        deeper.going_on_from(trained[0])
    weights = tmp_path / "copy.safetensors"
    shutil.copy(trained[0], weights)
    going_on = config.going_on_from(weights)
    weights.write_bytes(b"another file")
    with pytest.raises(InputError, match="has changed"):
        mini.train_encoder(tmp_path, going_on, mini.Machine(jobs=1))


SHARED = """
import sys
from pathlib import Path
import torch
from artalk.core.train import mini
from test_train_smoke import small
torch.set_num_threads(1)
machine = mini.Machine(jobs=1)
model = mini.train_generator(Path(sys.argv[1]), small(6), machine)
print(machine.accelerator.num_processes, float(sum(p.double().abs().sum() for p in model.parameters())))
"""


def test_two_processes_train_one_model(trained, tmp_path):
    work = tmp_path / "work"
    for name in ("corpus", "baked"):
        shutil.copytree(trained[1] / name, work / name)
    first, second = (printed.split() for printed in two_processes.run(SHARED, str(work)))
    assert first == second
    assert first[0] == "2"
