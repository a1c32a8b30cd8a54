# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage 3: teach the codec to keep the teacher's motion, of every style, through its bits."""

from __future__ import annotations

import copy
import random
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor

from ..artalk.codec import MotionCodec
from ..artalk.config import CodecConfig
from ..basis import ARKIT
from .baked import cut, weights_hash
from .loop import Losses, Say, Schedule, fit, on_processor
from .teacher import NEUTRAL, Array, Style, motion

Signals = NDArray[np.float16]

REST_SHARE = 0.1
"""Share of passages that begin after the rest window, as the first window of a clip does."""
NEUTRAL_SHARE = 0.3
_WEIGHTS = {
    "jawOpen": 3.0, "mouthClose": 4.0, "mouthLowerDown": 1.5, "mouthUpperUp": 1.5, "mouthRollLower": 2.0,
    "mouthFunnel": 1.5, "mouthPucker": 1.0, "mouthPress": 1.5, "mouthRollUpper": 1.5, "mouthStretch": 1.0,
    "mouthSmile": 1.5, "jawForward": 1.5, "browInnerUp": 1.0, "browOuterUp": 0.8, "browDown": 1.0,
    "head_x": 4.0, "head_y": 4.0, "head_z": 5.0,
}  # fmt: skip
_DECODER = ("decoder.", "dec_pos_embed")
"""Begins the names of what makes motion of bits; all the rest makes bits of motion."""
_STILL = 0.01
"""Deviation of what never moves, which is small so that the decoder's noise in it is small as well."""
_GAP = {"jawOpen": 1.0, "mouthClose": -1.25, "mouthLowerDown": 0.2, "mouthUpperUp": 0.24, "mouthFunnel": 0.36}
"""How far the inner lips part by each shape, as a share of what jawOpen does (measured on a realistic head)."""


@dataclass(frozen=True)
class CodecTraining:
    """Sizes and lengths of stage 3."""

    schedule: Schedule = field(default_factory=lambda: Schedule(steps=8000, learning_rate=1.5e-3, average=0.995))
    batch: int = 24
    codec: CodecConfig = field(
        default_factory=lambda: CodecConfig(motion_dim=len(ARKIT), width=192, depth=3, heads=4, scale_gains=True)
    )


def train(
    signals: Signals,
    folder: Path,
    config: CodecTraining,
    say: Say | None = None,
    *,
    start: MotionCodec | None = None,
    accelerator: Accelerator | None = None,
) -> MotionCodec:
    """Train on the teacher's signals (T, 12) in random styles; checkpoints and log go to `folder`. Resumes.

    start: a codec to go on from, in its own size, which is left as it is. Its bits stay what a generator has learned
    to predict: the decoder alone learns.
    """
    accelerator = accelerator or on_processor()
    torch.manual_seed(config.schedule.seed)
    if start is None:
        codec = new_codec(config.codec, signals)
    else:
        codec, config = copy.deepcopy(start), replace(config, codec=start.config)
        for name, parameter in codec.named_parameters():
            parameter.requires_grad_(name.startswith(_DECODER))

    def step(rng: np.random.Generator, _: float) -> Losses:
        moved = torch.from_numpy(passages(signals, config, rng)).to(accelerator.device)
        return losses(codec, moved, exact_bits=start is not None)

    fit(codec, step, config.schedule, folder, say, accelerator=accelerator)
    codec.cpu()
    silence_unused(codec)
    return codec


def generator_folder(work: Path, codec: MotionCodec) -> Path:
    """Where a generator of this codec's bits keeps its checkpoints: one of others would not know them."""
    return work / f"bits-{bits_hash(codec)}" / "generator"


def bits_hash(codec: MotionCodec) -> str:
    """Twelve digits that are others when what makes bits of motion is."""
    return weights_hash({name: value for name, value in codec.state_dict().items() if not name.startswith(_DECODER)})


def new_codec(config: CodecConfig, signals: Signals) -> MotionCodec:
    """An untrained codec that knows mean and deviation of the teacher's motion."""
    codec = MotionCodec(config)
    rng = np.random.default_rng(0)
    sample = signals[: 250 * (len(signals) // 250)].reshape(-1, 250, signals.shape[1])
    sample = sample[rng.permutation(len(sample))[:400]].astype(np.float32)
    moved = motion(sample, styles(rng, len(sample), neutral_share=0.0)).reshape(-1, config.motion_dim)
    codec.motion_mean.copy_(torch.from_numpy(moved.mean(0)))
    codec.motion_std.copy_(torch.from_numpy(np.maximum(moved.std(0), _STILL)))
    return codec


def silence_unused(codec: MotionCodec) -> None:
    """Make channels the teacher never moves exactly zero."""
    unused = (codec.motion_std < 1.01 * _STILL) & (codec.motion_mean == 0)  # weights are stored as halves
    with torch.no_grad():
        codec.decoder.out_mapping.weight[unused] = 0
        codec.decoder.out_mapping.bias[unused] = 0


class _TowardsEnds(random.Random):
    """Draws the ends of a range more often than its middle, for extremes of a style are what is learned worst."""

    def uniform(self, a: float, b: float) -> float:
        return a + (b - a) * self.betavariate(0.6, 0.6)


def styles(rng: np.random.Generator, count: int, neutral_share: float) -> Array:
    """Random styles (count, 6), a share of them neutral."""
    source = _TowardsEnds(int(rng.integers(2**31)))
    drawn = [NEUTRAL if source.random() < neutral_share else Style.sample(source) for _ in range(count)]
    return np.stack([style.vector() for style in drawn])


def passages(signals: Signals, config: CodecTraining, rng: np.random.Generator) -> Array:
    """Two windows in a row of the teacher's motion in random styles (B, 2 T, C); some after the rest window."""
    frames = config.codec.frames
    starts = rng.integers(0, len(signals) - 2 * frames, config.batch)
    said = cut(signals, starts, 2 * frames).astype(np.float32)
    moved = motion(said, styles(rng, config.batch, NEUTRAL_SHARE))
    moved[rng.random(config.batch) < REST_SHARE, :frames] = 0
    return moved


def losses(codec: MotionCodec, moved: Tensor, *, exact_bits: bool = False) -> Losses:
    """Reconstruction of two windows (B, 2 T, C) from their bits: position, velocity and lip gap, weighted L1.

    Closed lips count fourfold. The quantiser adds its commitment, and an entropy part that keeps bits in use.
    exact_bits: make them in single precision, as they are when a generator learns or speaks.
    """
    frames = codec.config.frames
    with torch.autocast(moved.device.type, enabled=False) if exact_bits else nullcontext():
        first, second = codec.quantise(moved[:, :frames]), codec.quantise(moved[:, frames:])
    decoded = codec.decode_pair(first.feature, second.feature).float()
    parts = motion_losses(decoded, moved)
    commitment = torch.stack([*first.commitment, *second.commitment]).mean()
    entropy = torch.stack([*first.entropy, *second.entropy]).mean()
    total = parts["position"] + 0.5 * parts["velocity"] + parts["gap"] + 0.02 * commitment + 0.0005 * entropy
    return {"loss": total, **parts, "commitment": commitment, "entropy": entropy}


def motion_losses(decoded: Tensor, moved: Tensor, closure: float = 3.0) -> Losses:
    """Position, velocity and lip-gap error of ARKit motion (B, T, 59), weighted by what is seen.

    closure: how many times more the lip gap counts where the lips are shut; a third of it for lips on the teeth.
    """
    weight, gap = _vector(_WEIGHTS, 0.3).to(moved), _vector(_GAP, 0.0).to(moved)
    shut = 1 + closure * (moved[..., ARKIT.index("mouthPressLeft"), None] > 0.2)
    tooth = 1 + closure / 3 * (moved[..., ARKIT.index("mouthRollLower"), None] > 0.3)
    error = decoded - moved
    position = (error.abs() * weight * shut.clamp_max(2) * tooth).mean()
    velocity = (error.diff(dim=1).abs() * weight).mean()
    lip_gap = ((error @ gap).abs() * shut[..., 0]).mean()
    return {"position": 20 * position, "velocity": 20 * velocity, "gap": 6 * lip_gap}


def _vector(named: dict[str, float], default: float) -> Tensor:
    """One number per channel, the same for left and right."""
    return torch.tensor([
        named.get(channel, named.get(channel.removesuffix("Left").removesuffix("Right"), default))
        for channel in ARKIT.channels
    ])  # fmt: skip
