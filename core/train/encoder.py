# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage 2: teach the log-mel encoder's tower to hear, by naming articulations and drawing the teacher's signals."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor, nn

from ..artalk.log_mel import Tower
from ..phones import articulation_classes
from .baked import BANDS, Baked, cut
from .loop import Losses, Say, Schedule, fit, on_processor
from .teacher import SIGNALS

PROSODY_SCALE = 8.0
"""Head signals are a tenth of a radian, the others about 1: this makes them count alike."""
MELS_LEFT_OUT = 0.5
"""Share of passages without log-mels."""
HEARD_SPREAD = 0.4
"""Deviation of the factors on Moonshine's features."""
_SCALES = [1.0] * 8 + [PROSODY_SCALE] * 3 + [1.0]
_WEIGHTS = [2.0, 1.2, 0.7, 1.2, 1.2, 1.5, 0.3, 0.8, 0.4, 0.4, 0.4, 0.3]


@dataclass(frozen=True)
class EncoderTraining:
    """Sizes and length of stage 2."""

    schedule: Schedule = field(default_factory=lambda: Schedule(steps=1600, average=0.996))
    batch: int = 18
    frames: int = 150
    """Length of a crop at 25 Hz."""
    width: int = 256
    blocks_50: int = 2
    blocks_25: int = 2
    heard: int = 288
    """Numbers in Moonshine's features."""
    phone_weight: float = 0.35
    heads: Schedule = field(
        default_factory=lambda: Schedule(steps=150, learning_rate=5e-3, warmup=10, average=0.97, seed=77)
    )
    """For a tower that is there already, which comes without them: its heads alone are learned first."""


class EncoderTeacher(nn.Module):
    """The encoder's tower with two heads that are thrown away after stage 2."""

    def __init__(self, config: EncoderTraining) -> None:
        super().__init__()
        self.tower = Tower(
            config.width, BANDS, heard=config.heard, blocks_50=config.blocks_50, blocks_25=config.blocks_25
        )
        self.phone_head = nn.Linear(config.width, articulation_classes())
        self.signal_head = nn.Linear(config.width, len(SIGNALS))

    def forward(self, mels: Tensor, heard: Tensor) -> tuple[Tensor, Tensor]:
        """Log-mels (B, 4 T, bands) and heard (B, 2 T, H) -> phone logits (B, 2 T, classes) and signals (B, T, 12)."""
        phones = self.tower.phone_features(mels, heard)
        return self.read(phones, self.tower.frame_features(phones))

    def read(self, phones: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, 2 T, W) of phones and (B, T, W) of frames -> phone logits and signals."""
        return self.phone_head(phones), self.signal_head(frames) / phones.new_tensor(_SCALES)


def train(
    data: Baked,
    heard: NDArray[np.float16],
    folder: Path,
    config: EncoderTraining,
    say: Say | None = None,
    *,
    start: Tower | None = None,
    accelerator: Accelerator | None = None,
) -> EncoderTeacher:
    """Train on baked clips; checkpoints and log go to `folder`. Resumes when called again.

    heard: (2 T, H) features of Moonshine; start: a tower to go on from; accelerator: as of `fit`.
    """
    accelerator = accelerator or on_processor()
    torch.manual_seed(config.schedule.seed)
    model = EncoderTeacher(config)

    def step(rng: np.random.Generator, _: float) -> Losses:
        mels, sound, *others = _crops(data, heard, config, rng)
        altered = (_mask(mels, rng), _varied(sound))
        mels, sound, phones, signals = (x.to(accelerator.device) for x in (*altered, *others))
        logits, drawn = model(mels, sound)
        return losses(logits, drawn, phones, signals, config.phone_weight)

    if start is not None:
        model.tower.load_state_dict(start.state_dict())
        model.tower.requires_grad_(False)
        fit(model, step, config.heads, folder / "heads", say, accelerator=accelerator)
        model.tower.requires_grad_(True)
    fit(model, step, config.schedule, folder, say, accelerator=accelerator)
    return model.cpu()


def losses(logits: Tensor, drawn: Tensor, phones: Tensor, signals: Tensor, phone_weight: float) -> Losses:
    """Cross-entropy of the articulation, weighted L1 of the signals and half of it of their velocity.

    Closures count threefold on aperture and press, lip-to-teeth contacts on fv: they are short and must not be missed.
    """
    weight = signal_weights(drawn)
    important = torch.ones_like(signals)
    shut, tooth = signals[..., 4] > 0.6, signals[..., 5] > 0.6
    important[..., 0] += 2 * shut
    important[..., 4] += 2 * shut
    important[..., 5] += 2 * tooth
    position = ((drawn.float() - signals).abs() * important * weight).mean()
    velocity = ((drawn.float().diff(dim=1) - signals.diff(dim=1)).abs() * weight).mean()
    phone = F.cross_entropy(logits.flatten(0, 1).float(), phones.flatten(), label_smoothing=0.05)
    hit = (logits.argmax(-1) == phones).float().mean()
    total = position + 0.5 * velocity + phone_weight * phone
    return {"loss": total, "position": position, "velocity": velocity, "phone": phone, "phone_hits": hit}


def signal_weights(like: Tensor) -> Tensor:
    """How much each of the signals (12,) counts, on the device and in the precision of a tensor."""
    return like.new_tensor(_WEIGHTS) * like.new_tensor(_SCALES)


def _crops(
    data: Baked, heard: NDArray[np.float16], config: EncoderTraining, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Log-mels, what is heard, phones and signals of random passages, across the borders of clips too."""
    starts = rng.integers(0, len(data.signals) - config.frames, config.batch)
    mels = torch.from_numpy(cut(data.mels, starts, config.frames, 4)).float()
    phones = torch.from_numpy(cut(data.phones, starts, config.frames, 2)).long()
    sound = torch.from_numpy(cut(heard, starts, config.frames, 2)).float()
    return mels, sound, phones, torch.from_numpy(cut(data.signals, starts, config.frames)).float()


def _mask(mels: Tensor, rng: np.random.Generator) -> Tensor:
    """Contrast, shift by a band, colour, noise, blank bands and moments (SpecAugment, Park et al. 2019).

    Every second passage has no log-mels at all: in them, synthetic voices are learned by heart sooner than in what
    Moonshine hears, which has to be enough.
    """
    B, T, bands = mels.shape
    mels = _contrast(mels, rng)
    mels = torch.stack(
        [torch.roll(x, int(shift), dims=1) for x, shift in zip(mels, rng.integers(-1, 2, B), strict=True)]
    )
    curve = np.cumsum(rng.normal(0, 0.12, (B, 1, bands)), axis=2)
    curve += rng.normal(0, 0.3, (B, 1, 1)) - curve.mean(2, keepdims=True)
    mels = mels + torch.from_numpy(curve).float() + 0.15 * torch.randn(mels.shape)
    for x in mels:
        for _ in range(int(rng.integers(0, 3))):
            size = int(rng.integers(1, 9))
            first = int(rng.integers(0, bands - size))
            x[:, first : first + size] = -2.0
        for _ in range(int(rng.integers(0, 4))):
            size = int(rng.integers(1, 9))
            first = int(rng.integers(0, T - size))
            x[first : first + size] = -4.0
    return mels * torch.from_numpy(rng.random((B, 1, 1)) > MELS_LEFT_OUT).float()


def _varied(heard: Tensor) -> Tensor:
    """Each of Moonshine's features (B, T, H) louder or softer throughout a passage, as if another person spoke.

    The corpus has few people, and what tells them apart would be learned by heart.
    """
    return heard * (1 + HEARD_SPREAD * torch.randn(len(heard), 1, heard.shape[2]))


def _contrast(mels: Tensor, rng: np.random.Generator) -> Tensor:
    """Sharper or flatter formants: what stands out from the 25 bands around it, times .75 to 1.4.

    Statistical synthesisers average formants away, and people differ in them; nothing else in the corpus varies that.
    """
    kernel = torch.exp(-0.5 * (torch.arange(-12, 13) / 4.0) ** 2)
    flat = F.pad(mels.flatten(0, 1)[:, None], (12, 12), mode="replicate")
    smooth = F.conv1d(flat, (kernel / kernel.sum())[None, None])[:, 0].view_as(mels)
    factor = torch.from_numpy(rng.uniform(0.75, 1.4, (len(mels), 1, 1))).float()
    return smooth + factor * (mels - smooth)
