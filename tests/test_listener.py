# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage 1 of the training: Moonshine's layers learn to hear in noise what they hear in the clear."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from artalk.core import audio
from artalk.core.train import ears, listener, moonshine_package
from artalk.core.train.baked import BANDS, Baked
from artalk.core.train.encoder import EncoderTeacher, EncoderTraining
from artalk.core.train.listener import ListenerTraining
from artalk.core.train.loop import Schedule
from artalk.core.train.teacher import SIGNALS

from .conftest import ROOT

pytestmark = pytest.mark.skipif(
    not moonshine_package.installed(),
    reason=f"needs the Python package {moonshine_package.PACKAGE} with Moonshine's weights",
)
FRAMES = 150


@pytest.fixture(scope="module")
def reader():
    torch.manual_seed(0)
    return EncoderTeacher(EncoderTraining(width=32, blocks_50=1, blocks_25=1)).eval()


@pytest.fixture(scope="module")
def noisy():
    """Two clips of speech in noise, with what is heard of them in the clear."""
    speech = audio.read(sorted((ROOT / "demo" / "speech").glob("*.flac"))[0])[: 640 * FRAMES]
    noise = np.random.default_rng(0).standard_normal(len(speech)).astype(np.float32)
    clear = ears.hear(moonshine_package.moonshine(ears.MOONSHINE_LAYERS), torch.from_numpy(speech))
    sound = speech + noise * speech.std() * 0.3
    return Baked(
        np.zeros((4 * FRAMES, BANDS), np.float16),
        (sound.clip(-1, 1) * 32767).astype(np.int16),
        clear.numpy().astype(np.float16),
        np.zeros(2 * FRAMES, np.uint8),
        np.zeros((FRAMES, len(SIGNALS)), np.float16),
        np.array([0, 100]),
    )


def test_it_learns_to_hear_what_is_clear_and_leaves_the_package_as_it_is(reader, noisy, tmp_path: Path) -> None:
    usual = moonshine_package.moonshine(ears.MOONSHINE_LAYERS)
    before = {name: tensor.clone() for name, tensor in usual.state_dict().items()}
    schedule = Schedule(steps=12, learning_rate=2e-4, warmup=3, average=0.8, bf16=False)
    learned = listener.train(noisy, reader, tmp_path, ListenerTraining(schedule, batch=2))
    assert all(torch.equal(tensor, before[name]) for name, tensor in usual.state_dict().items())
    clear = torch.from_numpy(noisy.clear.astype(np.float32))[None]
    errors = []
    for number, taught in enumerate((usual, learned)):
        heard = listener.hear_corpus(taught, noisy, tmp_path / str(number)).astype(np.float32)
        errors.append(float(listener.losses(torch.from_numpy(heard)[None], clear, reader)["loss"]))
    assert errors[1] < 0.9 * errors[0]


def test_what_agrees_with_the_clear_costs_nothing(reader) -> None:
    torch.manual_seed(1)
    clear = torch.randn(2, 40, 288)
    assert float(listener.losses(clear, clear, reader)["loss"]) == pytest.approx(0, abs=1e-5)
    away = listener.losses(clear + 0.5 * torch.randn(2, 40, 288), clear, reader)
    assert all(float(value) > 1e-3 for value in away.values())


def test_clips_are_heard_apart_once_and_then_read(noisy, tmp_path: Path, monkeypatch) -> None:
    usual = moonshine_package.moonshine(ears.MOONSHINE_LAYERS)
    first = listener.hear_corpus(usual, noisy, tmp_path)
    alone = torch.from_numpy(noisy.audio[640 * 100 :].astype(np.float32) / 32767)
    assert first.shape == noisy.clear.shape
    assert np.array_equal(first[200:], ears.hear(usual, alone).numpy().astype(np.float16))
    monkeypatch.setattr(listener, "hear", lambda *_: pytest.fail("it has been heard already"))
    assert np.array_equal(listener.hear_corpus(usual, noisy, tmp_path), first)
