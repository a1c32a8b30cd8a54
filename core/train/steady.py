# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage 1, second part: a tower learns to hear altered speech as it hears the same speech unaltered.

Rooms, noise and telephones move a tower's features away from those that the same words have in a quiet recording.
Here the tower is its own teacher: what it makes of the unaltered speech is what it has to make of both. Then its
weights go only part of the way to the new ones, which keeps what is heard of clean speech (Wortsman et al. 2022,
'Robust fine-tuning of zero-shot models').
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor

from .augment import Baked, cut, read_baked
from .encoder import EncoderTeacher, losses
from .loop import Losses, Say, Schedule, fit, on_processor

_PHONES, _TRUTH = 0.5, 0.15
"""Weights beside the features': of the likelihoods of phones, and of stage 1's own loss."""
_SAMPLE_FRAMES = 1500


@dataclass(frozen=True)
class SteadyTraining:
    """Length of the second part of stage 1."""

    schedule: Schedule = field(
        default_factory=lambda: Schedule(steps=900, learning_rate=8e-4, warmup=40, average=0.99, seed=31)
    )
    altered: int = 9
    """Altered passages in a batch."""
    unaltered: int = 3
    frames: int = 150
    """Length of a passage at 25 Hz."""
    share: float = 0.3
    """How far the weights go from the old ones to the new."""
    phone_weight: float = 0.35


def train(
    pairs: list[Path],
    folder: Path,
    teacher: EncoderTeacher,
    config: SteadyTraining,
    say: Say | None = None,
    *,
    accelerator: Accelerator | None = None,
) -> EncoderTeacher:
    """A steadier version of `teacher`, from files baked as pairs; log and checkpoints go to `folder`. Resumes."""
    accelerator = accelerator or on_processor()
    device = accelerator.device
    data = read_baked(pairs)
    torch.manual_seed(config.schedule.seed)
    teacher = teacher.eval().requires_grad_(False)
    spread = _spread(teacher, data).to(device)
    teacher.to(device)
    model = copy.deepcopy(teacher).requires_grad_(True)

    def step(rng: np.random.Generator, _: float) -> Losses:
        model.eval()  # dropout alone would make it differ from its teacher
        return steady_losses(model, teacher, _passages(data, config, rng, device), spread, config)

    fit(model, step, config.schedule, folder, say, accelerator=accelerator)
    return blend(teacher.cpu(), model.cpu(), config.share)


def blend(old: EncoderTeacher, new: EncoderTeacher, share: float) -> EncoderTeacher:
    """The model whose weights lie `share` of the way from the old ones to the new."""
    blended = copy.deepcopy(old)
    before, after = old.state_dict(), new.state_dict()
    blended.load_state_dict({name: torch.lerp(before[name], after[name], share) for name in before})
    return blended


@dataclass(frozen=True)
class Passages:
    """heard, unaltered: (B, 4 T, bands) log-mels of the same words; phones: (B, 2 T) classes; signals: (B, T, 12)."""

    heard: Tensor
    unaltered: Tensor
    phones: Tensor
    signals: Tensor


def steady_losses(
    model: EncoderTeacher, teacher: EncoderTeacher, passages: Passages, spread: Tensor, config: SteadyTraining
) -> Losses:
    """Squared distance of the features in units of their `spread` (W,), divergence of the phones, stage 1's losses."""
    with torch.no_grad():
        phones = teacher.tower.phone_features(passages.unaltered)
        wanted = teacher.tower.frame_features(phones)
        likely = teacher.phone_head(phones).float().log_softmax(-1)
    phones = model.tower.phone_features(passages.heard)
    frames = model.tower.frame_features(phones)
    logits, drawn = model.read(phones, frames)
    away = ((frames.float() - wanted.float()) / spread).square().mean()
    unlike = F.kl_div(
        logits.float().log_softmax(-1).flatten(0, 1), likely.flatten(0, 1), log_target=True, reduction="batchmean"
    )
    truth = losses(logits, drawn, passages.phones, passages.signals, config.phone_weight)["loss"]
    return {"loss": away + _PHONES * unlike + _TRUTH * truth, "away": away, "unlike": unlike, "truth": truth}


@torch.no_grad()
def _spread(teacher: EncoderTeacher, data: Baked) -> Tensor:
    """Deviation of each feature (W,) in a minute of unaltered speech."""
    mels = torch.from_numpy(data.unaltered[: 4 * _SAMPLE_FRAMES]).float()
    return teacher.tower(mels[None]).float().std((0, 1)).clamp_min(1e-3)


def _passages(data: Baked, config: SteadyTraining, rng: np.random.Generator, device: torch.device) -> Passages:
    """Random passages, across the borders of clips too; the first ones altered."""
    starts = rng.integers(0, len(data.signals) - config.frames, config.altered + config.unaltered)

    def passages(values: NDArray[Any], per_frame: int = 1) -> Tensor:
        return torch.from_numpy(cut(values, starts, config.frames, per_frame)).to(device)

    unaltered = passages(data.unaltered, 4).float()
    heard = torch.cat([passages(data.mels, 4).float()[: config.altered], unaltered[config.altered :]])
    return Passages(heard, unaltered, passages(data.phones, 2).long(), passages(data.signals).float())
