# SPDX-License-Identifier: GPL-3.0-or-later
"""A tower that learns to hear altered speech as unaltered: nearer to it afterwards, and weights part of the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from artalk.core.train import steady
from artalk.core.train.augment import Baked
from artalk.core.train.encoder import EncoderTeacher, EncoderTraining
from artalk.core.train.loop import Schedule
from artalk.core.train.teacher import SIGNALS

SCHEDULE = Schedule(steps=60, learning_rate=3e-3, warmup=5, average=0.9, bf16=False)
CONFIG = steady.SteadyTraining(SCHEDULE, altered=4, unaltered=2, frames=25, share=1.0)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> Path:
    """Log-mels whose upper half an alteration takes away."""
    rng = np.random.default_rng(0)
    frames = 300
    unaltered = rng.normal(size=(4 * frames, 64)).astype(np.float16)
    altered = unaltered.copy()
    altered[:, 32:] = -3
    path = tmp_path_factory.mktemp("pairs") / "pairs.npz"
    np.savez(
        path,
        mels=altered,
        unaltered=unaltered,
        phones=np.zeros(2 * frames, np.uint8),
        signals=np.zeros((frames, len(SIGNALS)), np.float16),
        starts=np.zeros(1, np.int64),
    )
    return path


@pytest.fixture
def teacher() -> EncoderTeacher:
    torch.manual_seed(0)
    return EncoderTeacher(EncoderTraining(width=16, blocks_50=1, blocks_25=1)).eval()


def distance(model: EncoderTeacher, teacher: EncoderTeacher, path: Path) -> float:
    with np.load(path) as file, torch.no_grad():
        heard, unaltered = (torch.from_numpy(file[name]).float()[None] for name in ("mels", "unaltered"))
        return float((model.tower(heard) - teacher.tower(unaltered)).square().mean())


def test_altered_speech_comes_nearer_to_unaltered(pairs, teacher, tmp_path):
    steadier = steady.train([pairs], tmp_path, teacher, CONFIG)
    assert distance(steadier, teacher, pairs) < 0.7 * distance(teacher, teacher, pairs)


def test_weights_go_their_share_of_the_way(pairs, teacher, tmp_path):
    whole = steady.train([pairs], tmp_path, teacher, CONFIG)
    half = steady.train([pairs], tmp_path, teacher, replace(CONFIG, share=0.5))  # resumes: nothing is left to learn
    for before, middle, after in zip(teacher.parameters(), half.parameters(), whole.parameters(), strict=True):
        assert torch.allclose(middle, (before + after) / 2, atol=1e-6)
    assert not torch.equal(next(whole.parameters()), next(teacher.parameters()))


def test_only_the_first_passages_are_altered(pairs):
    with np.load(pairs) as file:
        data = Baked(**file)
    passages = steady._passages(data, CONFIG, np.random.default_rng(1), torch.device("cpu"))
    same = (passages.heard == passages.unaltered).flatten(1).all(1)
    assert same.tolist() == [False] * 4 + [True] * 2
