# SPDX-License-Identifier: GPL-3.0-or-later
"""Train codec and generator of ARTalk's released architecture, for the published objectives, on a user's own motion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from .. import models
from ..artalk.audio_encoder import build_audio_encoder
from ..artalk.checkpoint import load_safetensors, save_safetensors
from ..artalk.codec import MotionCodec
from ..artalk.config import (
    RELEASED,
    ArtalkConfig,
    AudioEncoderConfig,
    CodecConfig,
    GeneratorConfig,
    StyleConfig,
)
from ..artalk.files import CONFIG_KEY, file_hash
from ..artalk.generator import pool_scales
from ..artalk.model import ArtalkModel
from ..errors import InputError
from ..heads.flame_basis import BASIS_KEY
from .codec import generator_folder
from .flame_mesh import FlameMesh, load_flame
from .generator import new_model, style_tokens
from .loop import Losses, Say, Schedule, fit
from .motion_folder import MotionFolder, open_folder
from .objectives import bit_losses, codec_losses, dropped, flip_shares, linear_rate

XLS_R = "facebook/wav2vec2-xls-r-300m"
"""The published speech encoder, which stays as it is; Apache-2.0."""
SMALLEST_DEVIATION = 1e-3
"""What never moves keeps a small scale, so that the decoder's noise in it is small as well."""


class LinearSchedule(Schedule):
    """The published course of the learning rate."""

    def rate(self, step: int) -> float:
        """See `linear_rate`."""
        return linear_rate(step, self.steps, self.learning_rate, self.warmup)


@dataclass(frozen=True)
class PublishedTraining:
    """What a training makes; `model.audio` is replaced by the shipped speech encoder's where its kind is log_mel."""

    model: ArtalkConfig
    codec: Schedule
    generator: Schedule
    batch: int


def _schedule(steps: int) -> LinearSchedule:
    # published: AdamW at 1e-4, warm-up of 1000 steps; lengths and averaging are ours
    return LinearSchedule(steps, learning_rate=1e-4, warmup=1000, average=0.999)


def _small_schedule(steps: int) -> LinearSchedule:
    return LinearSchedule(steps, learning_rate=1e-3, warmup=100, average=0.995)


SIZES = {
    "full": PublishedTraining(RELEASED, _schedule(50_000), _schedule(100_000), batch=32),
    "small": PublishedTraining(
        ArtalkConfig(
            audio=AudioEncoderConfig("log_mel", 256),
            codec=CodecConfig(width=192, depth=3, heads=4),
            generator=GeneratorConfig(width=256, depth=4, heads=4, ffn_ratio=2),
            style=StyleConfig(width=64, depth=2, heads=4, ffn_width=128),
        ),
        _small_schedule(3000),
        _small_schedule(4000),
        batch=16,
    ),
}


@dataclass(frozen=True)
class Workplace:
    """Where a training happens: the user's data, the folder for checkpoints and logs, the device, whom to tell."""

    data: Path
    work: Path
    accelerator: Accelerator
    say: Say | None = None

    def open(self) -> MotionFolder:
        """The packed data; one process packs, the others wait."""
        with self.accelerator.main_process_first():
            return open_folder(self.data, self.work / "data")

    def tensor(self, values: Any) -> Tensor:  # noqa: ANN401 (any array)
        """An array on the device."""
        return torch.from_numpy(values).to(self.accelerator.device)


def train_codec(place: Workplace, training: PublishedTraining, mesh: FlameMesh | None) -> MotionCodec:
    """A codec for the motion of the folder; without FLAME's mesh its loss has no mesh parts. Resumes."""
    data = place.open()
    torch.manual_seed(training.codec.seed)
    codec = MotionCodec(training.model.codec)
    codec.motion_mean.copy_(torch.from_numpy(data.motion.mean(0, dtype=np.float64)))
    codec.motion_std.copy_(torch.from_numpy(data.motion.std(0, dtype=np.float64)).clamp_min(SMALLEST_DEVIATION))
    if mesh is not None:
        mesh = mesh.to(place.accelerator.device)

    def step(rng: np.random.Generator, _: float) -> Losses:
        moved = place.tensor(data.batch(rng, training.batch).motion)
        windows = [codec.quantise(window) for window in moved.chunk(2, dim=1)]
        decoded = codec.decode_pair(windows[0].feature, windows[1].feature).float()
        with torch.autocast(moved.device.type, enabled=False):
            return codec_losses(decoded, moved, windows, mesh)

    fit(codec, step, training.codec, place.work / "codec", place.say, accelerator=place.accelerator)
    return codec


def train_generator(
    place: Workplace, training: PublishedTraining, codec: MotionCodec, encoder: nn.Module, audio: AudioEncoderConfig
) -> ArtalkModel:
    """The whole model, its generator and style encoder trained; codec and speech encoder stay as they are. Resumes."""
    data = place.open()
    config = ArtalkConfig(audio, codec.config, training.model.generator, training.model.style)
    model = new_model(config, encoder, codec, training.generator.seed).to(place.accelerator.device)
    model.codec.eval().requires_grad_(False)
    model.audio_encoder.eval().requires_grad_(False)
    trained = nn.ModuleList([model.generator, model.style_encoder])

    def step(rng: np.random.Generator, _: float) -> Losses:
        batch = data.batch(rng, training.batch)
        return generator_losses(model, *map(place.tensor, (batch.motion, batch.audio, batch.style)))

    folder = generator_folder(place.work, codec)
    fit(trained, step, training.generator, folder, place.say, accelerator=place.accelerator)
    return model.eval()


def generator_losses(model: ArtalkModel, moved: Tensor, audio: Tensor, style: Tensor) -> Losses:
    """Cross-entropy of the bits of the second window, with flipped bits and dropped conditions.

    moved (B, 2 T, C), audio (B, n) of both windows, style (B, 50, C). Where history is dropped the window before is at
    rest, where audio is dropped its features are zero, where style is dropped the token is that of no style.
    """
    codec, generator, count = model.codec, model.generator, len(moved)
    before, this = moved.chunk(2, dim=1)
    with torch.no_grad(), torch.autocast(moved.device.type, enabled=False):
        history = codec.quantise(before.masked_fill(dropped(count, moved.device)[:, None, None], 0))
        target = codec.quantise(this, flip_shares(len(codec.config.scales)))
        heard = hear(model, audio).masked_fill(dropped(count, moved.device)[:, None, None], 0)
        context_features = codec.next_scale_features(history.bits)
        features = codec.next_scale_features(target.used)
    token = style_tokens(model, model.style_encoder(style), ~dropped(count, moved.device))
    context = generator.context(token, context_features)
    logits = generator(context, token, features, pool_scales(heard, codec.config.scales))
    return bit_losses(logits, torch.cat(target.bits, dim=1))


def hear(model: ArtalkModel, audio: Tensor) -> Tensor:
    """Audio (B, n) of two windows -> features of the second (B, T, A), heard as in a live stream."""
    window = model.config.window_samples
    if model.encoder.memory_windows == 0:
        features: Tensor = model.audio_encoder(audio[:, -window:])
        return features
    return torch.stack([list(model.encoder.encode_clip(one, window))[-1] for one in audio])


def speech_encoder(config: AudioEncoderConfig, source: str) -> tuple[nn.Module, AudioEncoderConfig]:
    """A trained speech encoder and its config: artalk-mini's for log_mel, else wav2vec 2.0 by its name or folder.

    Raises InputError when it is not there or of another size.
    """
    if config.kind == "log_mel":
        mini = load_safetensors(_shipped())
        return mini.audio_encoder, mini.config.audio
    from transformers import Wav2Vec2Model

    encoder = build_audio_encoder(config)
    try:
        trained = Wav2Vec2Model.from_pretrained(source)
        encoder.get_submodule("model").load_state_dict(trained.state_dict())
    except (OSError, ValueError):
        raise InputError(
            f"The speech encoder '{source}' is neither a folder here nor could it be fetched: download {XLS_R} and "
            "give its folder with --audio-encoder."
        ) from None
    except RuntimeError:
        raise InputError(
            f"The speech encoder '{source}' is of another size than the model: give {XLS_R} with --audio-encoder."
        ) from None
    return encoder, config


def _shipped() -> Path:
    weights = models.entry("mini").weights
    if weights is None or not weights.is_file():
        raise InputError("The weights of artalk-mini, whose speech encoder is used, are missing: reinstall artalk.")
    return weights


def load_codec(path: Path) -> MotionCodec:
    """A codec from `save_codec` or out of a whole model; InputError when the file is neither."""
    if not path.is_file():
        raise InputError(f"There is no codec '{path}': check the path, or leave --codec out to train one.")
    try:
        with safe_open(path, "pt") as file:
            config = ArtalkConfig.from_json((file.metadata() or {})[CONFIG_KEY])
            names = [name for name in file.keys() if name.startswith("codec.")]  # noqa: SIM118 (not a mapping)
            state = {name.removeprefix("codec."): file.get_tensor(name) for name in names}
        codec = MotionCodec(config.codec)
        codec.load_state_dict(state)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError):
        raise InputError(f"'{path.name}' holds no codec: give a file written by `artalk train codec --out`.") from None
    if codec.config.motion_dim != RELEASED.codec.motion_dim:
        raise InputError(f"The codec '{path.name}' is not of the basis flame: give one trained on FLAME motion.")
    return codec


def make_codec(place: Workplace, training: PublishedTraining, out: Path, flame: Path | None) -> None:
    """Train a codec on the folder; the main process writes it to `out` and its card beside it."""
    mesh = None if flame is None else load_flame(flame)
    codec = train_codec(place, training, mesh)
    if place.accelerator.is_main_process:
        out.parent.mkdir(parents=True, exist_ok=True)
        state = {f"codec.{name}": value.cpu().contiguous() for name, value in codec.state_dict().items()}
        save_file(state, out, {CONFIG_KEY: ArtalkConfig(codec=codec.config).to_json()})
        _write_card(out, place, training, {"codec": place.work / "codec"}, mesh)


def make_model(
    place: Workplace,
    training: PublishedTraining,
    out: Path,
    flame: Path | None,
    *,
    codec_file: Path | None = None,
    source: str = XLS_R,
) -> None:
    """Train a generator on the folder, and a codec before it unless one is given; weights and card as `make_codec`.

    source: name or folder of the wav2vec 2.0 model, where the size has one.
    """
    mesh = None if flame is None else load_flame(flame)
    encoder, audio = speech_encoder(training.model.audio, source)
    codec = train_codec(place, training, mesh) if codec_file is None else load_codec(codec_file)
    model = train_generator(place, training, codec, encoder, audio)
    if place.accelerator.is_main_process:
        out.parent.mkdir(parents=True, exist_ok=True)
        save_safetensors(model, out, {} if mesh is None else {BASIS_KEY: mesh.basis})
        made = {} if codec_file else {"codec": place.work / "codec"}
        _write_card(out, place, training, {**made, "generator": generator_folder(place.work, codec)}, mesh)


def _write_card(
    out: Path, place: Workplace, training: PublishedTraining, stages: Mapping[str, Path], mesh: FlameMesh | None
) -> None:
    text = card(out.stem, place, training, stages, mesh)
    out.with_suffix(".md").write_text(f"{text}\nsha256 of the weights: `{file_hash(out)}`\n", encoding="utf-8")


def card(
    name: str, place: Workplace, training: PublishedTraining, stages: Mapping[str, Path], mesh: FlameMesh | None
) -> str:
    """The model card in Markdown: what was trained, on how much, how long, and the losses at the end.

    stages: what was trained, and the folder of its log.
    """
    # the main process writes the card by itself, so it must not wait for the others here
    data = open_folder(place.data, place.work / "data")
    lines = [
        f"# {name}",
        "",
        "Speech to FLAME motion (100 expressions, head and jaw rotation, 25 frames a second), in the architecture of "
        "ARTalk (Chu et al. 2025), trained for its published objectives.",
        "",
        f"Data: {len(data.frames)} clips of sound and motion, {data.minutes:.1f} minutes. Their terms bind these "
        "weights: write them here.",
        "",
        f"Mesh parts of the codec's loss: {'on FLAME' if mesh is not None else 'none, no FLAME file was given'}.",
        "",
        "| stage | steps | batch | processes | losses at the end |",
        "|---|---|---|---|---|",
    ]
    for stage, folder in stages.items():
        steps = getattr(training, stage).steps
        ended = (folder / "log.jsonl").read_text().splitlines()[-1]
        losses = {key: value for key, value in json.loads(ended).items() if key not in ("step", "time")}
        in_words = ", ".join(f"{key} {value:.4g}" for key, value in losses.items())
        lines.append(f"| {stage} | {steps} | {training.batch} | {place.accelerator.num_processes} | {in_words} |")
    lines += ["", "## Settings", "", "```json", json.dumps(asdict(training), indent=1), "```", ""]
    return "\n".join(lines)
