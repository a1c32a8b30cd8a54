# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage 4: teach generator and style encoder to predict the codec's bits from what the encoder hears."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn

from ..artalk.bsq import upsample
from ..artalk.codec import MotionCodec
from ..artalk.config import ArtalkConfig, AudioEncoderConfig, CodecConfig, GeneratorConfig, StyleConfig
from ..artalk.generator import pool_scales
from ..artalk.log_mel import LogMelEncoder
from ..artalk.model import ArtalkModel
from ..artalk.moonshine import Moonshine
from .baked import BAND_REFERENCE, BANDS, cut
from .codec import motion_losses, styles
from .ears import MOONSHINE_LAYERS
from .encoder import EncoderTeacher, EncoderTraining
from .hearing import Heard
from .loop import Losses, Say, Schedule, fit, on_processor
from .teacher import NEUTRAL, motion

STYLE_FRAMES = 50
STYLE_SPREAD = (0.13, 0.1, 0.06, 0.5, 0.09, 0.35)
"""Deviation of each number of a random style."""
GUIDANCE = 2.0
"""How far the token of a style is carried beyond that of none. Two seconds of motion say little of its amplitudes, and
what is predicted from little stays near the mean: at 2 the motion goes some .7 of the way to the style."""
HEAD_GAIN = 1.3
"""Factor on the head, which the generator, hearing only part of what moves it, turns .54 as far as the teacher. At the
whole 1.8, head and layers together move faster than people do (`artalk evaluate --naturalness`)."""


@dataclass(frozen=True)
class GeneratorTraining:
    """Sizes and lengths of stage 4."""

    schedule: Schedule = field(default_factory=lambda: Schedule(steps=6000, learning_rate=1.5e-3, average=0.997))
    batch: int = 24
    generator: GeneratorConfig = field(
        default_factory=lambda: GeneratorConfig(width=256, depth=4, heads=4, ffn_ratio=2)
    )
    style: StyleConfig = field(default_factory=lambda: StyleConfig(width=64, depth=2, heads=4, ffn_width=128))
    most_flips: float = 0.25
    """Largest share of bits flipped in training on every scale but the last."""
    rest_share: float = 0.15
    no_style_share: float = 0.1
    neutral_share: float = 0.35
    """Share of passages in the neutral style, most of them without a style token: what no style means."""
    no_audio_share: float = 0.03
    style_steps: int = 300
    """Steps at the end in which only what reads and hands on the style learns, always at the rate below: also when
    all else goes on at half its rate."""
    style_rate: float = 1.5e-3
    motion_weight: float = 0.3
    style_weight: float = 0.05


def model_config(encoder: EncoderTraining, codec: CodecConfig, training: GeneratorTraining) -> ArtalkConfig:
    """The config of the whole model from the configs of its stages."""
    sizes = {"blocks_50": encoder.blocks_50, "blocks_25": encoder.blocks_25}
    heard = {"moonshine_layers": MOONSHINE_LAYERS, "moonshine_width": encoder.heard}
    options = {"bands": BANDS, **heard, **sizes}
    return ArtalkConfig(
        audio=AudioEncoderConfig("log_mel", encoder.width, options),
        codec=codec,
        generator=training.generator,
        style=training.style,
        guidance=GUIDANCE,
        head_gain=HEAD_GAIN,
        basis="arkit",
    )


def encoder_of(model: ArtalkModel) -> LogMelEncoder:
    """The log-mel encoder of a model that has one."""
    assert isinstance(model.audio_encoder, LogMelEncoder)
    return model.audio_encoder


class Trained(nn.Module):
    """The parts that stage 4 trains, with a head that is thrown away: it reads the style's numbers off its feature."""

    def __init__(self, model: ArtalkModel) -> None:
        super().__init__()
        self.mix = encoder_of(model).mix
        self.generator = model.generator
        self.style_encoder = model.style_encoder
        self.style_head = nn.Linear(model.config.style.width, len(STYLE_SPREAD))


def encoder_from(listener: Moonshine, teacher: EncoderTeacher, config: AudioEncoderConfig) -> LogMelEncoder:
    """The encoder with a listener and its teacher's tower."""
    encoder = LogMelEncoder(config.width, **config.options)
    encoder.band_reference.fill_(BAND_REFERENCE)
    assert encoder.moonshine is not None
    encoder.moonshine.load_state_dict(listener.state_dict())
    encoder.tower.load_state_dict(teacher.tower.state_dict())
    nn.init.eye_(encoder.mix.weight)
    nn.init.zeros_(encoder.mix.bias)
    return encoder


def with_parts(model: ArtalkModel, teacher: EncoderTeacher, codec: MotionCodec) -> ArtalkModel:
    """A trained model with this teacher's tower and this codec, of the same bits, in place of its own, overwritten."""
    encoder_of(model).tower.load_state_dict(teacher.tower.state_dict())
    model.codec.load_state_dict(codec.state_dict())
    return model


def new_model(config: ArtalkConfig, encoder: nn.Module, codec: MotionCodec, seed: int = 0) -> ArtalkModel:
    """The whole model with a trained encoder and codec and an untrained generator."""
    torch.manual_seed(seed)
    model = ArtalkModel(config)
    model.audio_encoder.load_state_dict(encoder.state_dict())
    model.codec.load_state_dict(codec.state_dict())
    model.style_encoder.motion_mean.copy_(codec.motion_mean)
    model.style_encoder.motion_std.copy_(codec.motion_std.clamp_min(0.02))
    width = config.generator.width
    with torch.no_grad():
        for block in model.generator.attn_blocks:
            modulation = block.ada_lin[1]
            assert isinstance(modulation, nn.Linear)
            nn.init.normal_(modulation.weight, std=0.02)
            nn.init.zeros_(modulation.bias)
            modulation.bias[: 2 * width] = 0.4  # gates a little open, so that gradients flow at once
    return model


def train(
    heard: Heard,
    folder: Path,
    model: ArtalkModel,
    config: GeneratorTraining,
    *,
    say: Say | None = None,
    accelerator: Accelerator | None = None,
) -> ArtalkModel:
    """Train generator and style encoder of `model` in place, with its encoder and codec as they are. Resumes.

    heard: what the model's encoder makes of the corpus (`hearing`), and with it the motion to aim at.
    """
    accelerator = accelerator or on_processor()
    model.to(accelerator.device)
    model.codec.eval().requires_grad_(False)
    trained = Trained(model)
    _fit(trained, heard, model, config, folder, say=say, accelerator=accelerator)
    # speech says more of the motion than a style does, so that styles fade while the rest still learns
    for name, parameter in trained.named_parameters():
        parameter.requires_grad_(name.startswith(_STYLE_PARTS))
    schedule = replace(
        config.schedule, steps=config.style_steps, learning_rate=config.style_rate, warmup=10, average=0.97
    )
    styled = replace(
        config, schedule=schedule, neutral_share=0.0, no_style_share=0.0, rest_share=0.6, motion_weight=1.5
    )
    _fit(trained, heard, model, styled, folder / "style", say=say, accelerator=accelerator)
    return model.cpu().eval()


_STYLE_PARTS = ("style_encoder.", "generator.style_cond_embed.", "style_head.")


def _fit(
    trained: Trained,
    heard: Heard,
    model: ArtalkModel,
    config: GeneratorTraining,
    folder: Path,
    *,
    say: Say | None,
    accelerator: Accelerator,
) -> None:
    def step(rng: np.random.Generator, _: float) -> Losses:
        batch = _batch(heard, model, config, rng).to(accelerator.device)
        return losses(model, trained.style_head, batch, config)

    fit(trained, step, config.schedule, folder, say, accelerator=accelerator)


@dataclass(frozen=True)
class Batch:
    """Passages of two windows: the first is history, the second is to be predicted.

    moved: (B, 2 T, C) motion; audio: (B, T, A) features of the second, not yet mixed; style: (B, 50, C) other
    motion in the same style; with_style: (B,) bool; amounts: (B, 6) the style's numbers; flips: share of bits to flip
    per scale.
    """

    moved: Tensor
    audio: Tensor
    style: Tensor
    with_style: Tensor
    amounts: Tensor
    flips: Sequence[float]

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        moved, audio, style, with_style, amounts = (
            tensor.to(device) for tensor in (self.moved, self.audio, self.style, self.with_style, self.amounts)
        )
        return Batch(moved, audio, style, with_style, amounts, self.flips)


def _batch(heard: Heard, model: ArtalkModel, config: GeneratorTraining, rng: np.random.Generator) -> Batch:
    frames, count = model.config.codec.frames, config.batch
    starts = rng.integers(0, len(heard.signals) - 2 * frames, count)
    others = rng.integers(0, len(heard.signals) - STYLE_FRAMES, count)
    drawn = styles(rng, count, config.neutral_share)
    neutral = (drawn == NEUTRAL.vector()).all(1)
    moved = motion(cut(heard.signals, starts, 2 * frames).astype(np.float32), drawn)
    moved[rng.random(count) < config.rest_share, :frames] = 0
    audio = cut(heard.features, starts + frames, frames).astype(np.float32)
    audio[rng.random(count) < config.no_audio_share] = 0
    without = rng.random(count) < np.where(neutral, 0.75, config.no_style_share)
    flips = [float(rng.uniform(0, config.most_flips)) for _ in model.config.codec.scales[:-1]] + [0.0]
    style = motion(cut(heard.signals, others, STYLE_FRAMES).astype(np.float32), drawn)
    return Batch(
        moved=torch.from_numpy(moved),
        audio=torch.from_numpy(audio),
        style=torch.from_numpy(style),
        with_style=torch.from_numpy(~without),
        amounts=torch.from_numpy(drawn),
        flips=flips,
    )


def losses(model: ArtalkModel, style_head: nn.Module, batch: Batch, config: GeneratorTraining) -> Losses:
    """Cross-entropy of the bits, the error of the decoded likely motion, and of the style's numbers.

    Closures count no more than the rest: the corpus has more of them than real speech, and lips would shut in doubt.
    """
    codec, generator = model.codec, model.generator
    frames = codec.config.frames
    with torch.no_grad(), torch.autocast(batch.moved.device.type, enabled=False):
        history = codec.quantise(batch.moved[:, :frames], [0.05] * len(codec.config.scales))
        target = codec.quantise(batch.moved[:, frames:], batch.flips)
        context_features = codec.next_scale_features(history.used)
        features = codec.next_scale_features(target.used)
    style = model.style_encoder(batch.style)
    token = style_tokens(model, style, batch.with_style)
    audio = pool_scales(encoder_of(model).mix(batch.audio), codec.config.scales)
    logits = generator(generator.context(token, context_features), token, features, audio).float()
    margin = logits[..., 1] - logits[..., 0]
    bits = torch.cat(target.bits, dim=1)
    wrong = F.binary_cross_entropy_with_logits(margin, bits.float(), reduction="none").mean(-1)
    cross_entropy = (wrong * _token_weights(codec.config).to(wrong)).sum(1).mean()
    decoded = codec.decode(history.feature, likely_feature(codec, margin)).float()
    parts = motion_losses(decoded, batch.moved[:, frames:], closure=0.0)
    moved = parts["position"] + 0.5 * parts["velocity"] + parts["gap"]
    hits = ((margin > 0) == bits).float().mean()
    amounts = (batch.amounts - batch.amounts.new_tensor(NEUTRAL.vector())) / batch.amounts.new_tensor(STYLE_SPREAD)
    style_error = F.mse_loss(style_head(style).float(), amounts)
    total = cross_entropy + config.motion_weight * moved + config.style_weight * style_error
    return {
        "loss": total,
        "bits": cross_entropy,
        "bit_hits": hits,
        "motion": moved,
        "gap": parts["gap"],
        "style": style_error,
    }


def likely_feature(codec: MotionCodec, margin: Tensor) -> Tensor:
    """Logit differences (B, tokens, d) -> the expected sum of codes (B, T, d), through which gradients flow."""
    quantiser = codec.quantiser
    expected = (margin / 2).tanh() / codec.config.code_dim**0.5
    total = torch.zeros(())
    for scale, part in enumerate(quantiser.split(expected)):
        total = total + upsample(part * quantiser.gain(scale), quantiser.frames)
    return total


def style_tokens(model: ArtalkModel, style: Tensor, with_style: Tensor) -> Tensor:
    """Style features (B, S) and whose style counts (B,) bool -> tokens (B, 1, W), for the others that of no style."""
    generator = model.generator
    return torch.where(with_style[:, None, None], generator.style_cond_embed(style)[:, None], generator.null_style_cond)


def _token_weights(config: CodecConfig) -> Tensor:
    """Weight of each token's loss: scales count by the square root of their length, all together 1."""
    per_scale = [length**0.5 for length in config.scales]
    weights = [root / length for root, length in zip(per_scale, config.scales, strict=True) for _ in range(length)]
    return torch.tensor(weights) / sum(per_scale)
