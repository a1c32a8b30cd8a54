# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage 3 of the training: the codec, from nothing or from one whose bits a generator knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from artalk.core.artalk.config import CodecConfig
from artalk.core.basis import ARKIT
from artalk.core.train import codec
from artalk.core.train.codec import CodecTraining
from artalk.core.train.loop import Schedule
from artalk.core.train.teacher import SIGNALS

SIZES = CodecConfig(motion_dim=len(ARKIT), code_dim=8, scales=(1, 5, 10), width=32, depth=1, heads=2, scale_gains=True)


def training(steps: int) -> CodecTraining:
    return CodecTraining(Schedule(steps=steps, learning_rate=3e-3, warmup=5, average=0.8, bf16=False), 8, SIZES)


@pytest.fixture
def signals() -> codec.Signals:
    time = np.arange(600)[:, None] / 25
    tracks = 0.3 + 0.3 * np.sin(2 * np.pi * time * np.linspace(1, 4, len(SIGNALS)))
    return tracks.astype(np.float16)


def test_a_decoder_that_goes_on_learns_and_leaves_the_bits(signals: codec.Signals, tmp_path: Path) -> None:
    first = codec.train(signals, tmp_path / "first", training(20))
    before = {name: tensor.clone() for name, tensor in first.state_dict().items()}
    later = codec.train(signals, tmp_path / "later", training(60), start=first)
    assert all(torch.equal(tensor, before[name]) for name, tensor in first.state_dict().items())
    moved = torch.from_numpy(codec.passages(signals, training(1), np.random.default_rng(1)))
    assert codec.bits_hash(first) == codec.bits_hash(later)
    bits = zip(first.encode(moved[:, :10]), later.encode(moved[:, :10]), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in bits)
    with torch.no_grad():
        losses = [float(codec.losses(each, moved)["loss"]) for each in (first, later)]
    assert losses[1] < 0.9 * losses[0]


def test_what_makes_the_bits_and_only_that_is_in_their_hash(signals: codec.Signals) -> None:
    made = codec.new_codec(SIZES, signals)
    before = codec.bits_hash(made)
    with torch.no_grad():
        made.decoder.out_mapping.bias += 1
    assert codec.bits_hash(made) == before
    with torch.no_grad():
        made.quantiser.log_gains += 1
    assert codec.bits_hash(made) != before


def test_what_never_moves_is_still_in_a_codec_out_of_weights_too(signals: codec.Signals) -> None:
    made = codec.new_codec(SIZES, signals).half().float()  # as weights are stored
    still = ARKIT.index("eyeBlinkLeft")
    with torch.no_grad():
        made.decoder.out_mapping.bias += 1
    codec.silence_unused(made)
    assert made.decoder.out_mapping.bias[still] == 0
    assert made.decoder.out_mapping.bias[ARKIT.index("jawOpen")] != 0
