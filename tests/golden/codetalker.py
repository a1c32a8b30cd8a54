# SPDX-License-Identifier: GPL-3.0-or-later
"""The published CodeTalker architectures with the golden vectors' weights, and the inputs of their goldens."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import torch
from artalk.core.codetalker.checkpoint import from_published
from artalk.core.codetalker.config import BIWI, VOCASET, CodetalkerConfig
from artalk.core.codetalker.model import CodetalkerModel
from numpy.typing import NDArray

from .fill import unit_noise, weights
from .models import FOLDER

CONFIGS = {"vocaset": VOCASET, "BIWI": BIWI}


@cache
def key_list(dataset: str, stage: int) -> dict[str, Any]:
    """The published state dict of a stage: salt, config, keys with shapes."""
    return json.loads((FOLDER / f"codetalker_{dataset}_stage{stage}_keys.json").read_text())


def shapes(dataset: str, stage: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a stage's published file."""
    return {entry["key"]: tuple(entry["shape"]) for entry in key_list(dataset, stage)["keys"]}


def state(dataset: str, stage: int) -> dict[str, torch.Tensor]:
    """The published state dict with the golden weights; the tables of positions, which nobody reads, are empty."""
    keys = key_list(dataset, stage)
    filled = {name: torch.from_numpy(value) for name, value in weights(keys["keys"], keys["salt"]).items()}
    return {name: filled.get(name, torch.zeros(0)) for name in shapes(dataset, stage)}


def build(dataset: str) -> CodetalkerModel:
    """The golden model of a data set, through the loader of published state dicts."""
    states = (state(dataset, stage) for stage in (1, 2))
    model = from_published(*states, config(dataset), ("golden stage 1", "golden stage 2"))
    return model.eval().requires_grad_(False)


def config(dataset: str) -> CodetalkerConfig:
    """The config of a golden model."""
    return CONFIGS[dataset]


def template(dataset: str) -> NDArray[np.float32]:
    """(1, 3 V) the neutral face of the goldens."""
    return unit_noise(f"ct/{dataset}/template", (1, config(dataset).codec.coordinates)) * np.float32(0.05)


def offsets(dataset: str, frames: int = 40) -> NDArray[np.float32]:
    """(frames, 3 V) the motion that stage 1 is tested with, without the neutral face."""
    total = np.zeros((frames, config(dataset).codec.coordinates), np.float32)
    for hold in (1, 4, 10):
        noise = unit_noise(f"ct/{dataset}/motion/{hold}", (-(-frames // hold), total.shape[1]))
        total += np.repeat(noise, hold, axis=0)[:frames] * np.float32(0.3)
    return total
