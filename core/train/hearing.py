# SPDX-License-Identifier: GPL-3.0-or-later
"""What a trained encoder makes of a corpus: features for the generator, and the motion worth aiming at for them.

Where a sound is doubtful, the encoder's signals, drawn with an absolute error, are the *median* of what it might be:
a half-rounded doubt becomes no rounding at all. The likelihoods of the articulations give the *mean* instead, which
keeps vowels apart that are only just heard. A generator that aims at it learns a function of what is heard, not the
voices of its corpus by heart.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..phones import CHANNELS, articulation_targets, vowel_classes
from .augment import Baked
from .encoder import EncoderTeacher

SOUND_SHARE = {"round": 1.0, "fv": 0.4}
"""Share of the expected value against the drawn one, which knows coarticulation, in every sound."""
VOWEL_SHARE = {"aperture": 0.8, "jaw": 0.8, "width": 0.8, "round": 1.0}
"""The same for the value expected of the likely vowels alone, in a sure vowel."""
SILENT_OPENING = {"aperture": 0.04, "jaw": 0.06}
"""How far the mouth is open at most where silence is heard: in the teacher's tracks it opens long before a voice is.

Lips that are just apart rest, and do not look shut where a stop is taken for silence."""
_DOUBTED, _SILENT = 0.15, 0.4
"""Likelihoods of silence from which on that counts, and from which on it counts fully."""
CONTRAST = 0.7
"""How far rounding is carried beyond its mean over some frames: codec and generator smooth it by as much."""
_CONTRAST_FRAMES = 2.0
_OPENING = [CHANNELS.index(name) for name in SILENT_OPENING]
_BLOCK_FRAMES = 3000
_PROCESSOR = torch.device("cpu")
_CONTEXT_FRAMES = 25
"""Beside a block at 25 Hz: more than a tower sees (`core.artalk.mel.tower_context`)."""


@dataclass(frozen=True)
class Heard:
    """features: (T, towers * width) of the encoder, not yet mixed; signals: (T, 12) to aim at; both at 25 Hz."""

    features: NDArray[np.float16]
    signals: NDArray[np.float16]


def hear(teachers: Sequence[EncoderTeacher], data: Baked, folder: Path, device: torch.device = _PROCESSOR) -> Heard:
    """What the towers of an encoder hear in a corpus, from the file in `folder` where an interrupted training left it.

    What is said is the mean of what all think likely. The first tower draws the rest.

    Silence and prosody stay as they are known: the mouth is shut in noise, and the head follows the voice. In silence
    the mouth opens as little as either says.
    """
    tensors = (tensor for teacher in teachers for tensor in teacher.state_dict().values())
    weights = b"".join(tensor.numpy().tobytes() for tensor in tensors)
    rule = repr((SOUND_SHARE, VOWEL_SHARE, SILENT_OPENING, _DOUBTED, _SILENT, CONTRAST, _CONTRAST_FRAMES)).encode()
    path = folder / f"heard-{sha256(weights + rule).hexdigest()[:12]}-{len(data.signals)}.npz"
    if not path.is_file():
        blocks = list(_blocks(teachers, data, device))
        features, signals = (np.concatenate(parts).astype(np.float16) for parts in zip(*blocks, strict=True))
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, features=features, signals=signals)
        partial.replace(path)
    with np.load(path, allow_pickle=False) as file:
        heard = Heard(file["features"], file["signals"])
    classes = data.phones[: 2 * len(heard.signals)]
    silent = np.maximum(np.append(classes[:1], classes[1:-1:2]), classes[::2]) == 0
    known = data.signals[: len(silent)].copy()
    known[:, _OPENING] = np.minimum(known[:, _OPENING], heard.signals[:, _OPENING])
    heard.signals[silent] = known[silent]
    heard.signals[:, len(CHANNELS) :] = data.signals[: len(heard.signals), len(CHANNELS) :]
    return heard


@torch.inference_mode()
def _blocks(
    teachers: Sequence[EncoderTeacher], data: Baked, device: torch.device
) -> Iterator[tuple[NDArray[np.float32], ...]]:
    """Features and expected signals of what is heard in a corpus, in blocks with context at both ends."""
    frames = len(data.mels) // 4
    towers = [copy.deepcopy(teacher).to(device).eval() for teacher in teachers]
    for start in range(0, frames, _BLOCK_FRAMES):
        end = min(start + _BLOCK_FRAMES, frames)
        first, last = max(0, start - _CONTEXT_FRAMES), min(frames, end + _CONTEXT_FRAMES)
        mels, heard = (
            torch.from_numpy(sound[each * first : each * last].astype(np.float32))[None].to(device)
            for sound, each in ((data.mels, 4), (data.heard, 2))
        )
        parts = [_listen(tower, mels, heard) for tower in towers]
        inner = slice(start - first, end - first)
        likely = torch.stack([logits.log_softmax(-1) for _, logits, _ in parts]).mean(0)
        signals = expected_signals(likely, parts[0][2])
        features = torch.cat([part[0] for part in parts], dim=-1)
        yield features[0, inner].cpu().numpy(), signals[0, inner].cpu().numpy()


def _listen(teacher: EncoderTeacher, mels: Tensor, heard: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Log-mels (1, 4 T, bands), heard (1, 2 T, H) -> features (1, T, W), phone logits (1, 2 T, classes), signals."""
    with torch.autocast(mels.device.type, torch.bfloat16):
        phones = teacher.tower.phone_features(mels, heard)
        features = teacher.tower.frame_features(phones)
        logits, drawn = teacher.read(phones, features)
    return features.float(), logits.float(), drawn.float()


def expected_signals(logits: Tensor, drawn: Tensor) -> Tensor:
    """Phone logits (B, 2 T, classes) and drawn signals (B, T, 12) -> signals (B, T, 12) hedged by the likelihoods."""
    each = logits.softmax(-1)
    # a likelihood is that of the 20 ms from its time on, a signal that of its time: it lies between two of them
    before = torch.cat([each[:, :1], each[:, 1:-1:2]], dim=1)
    likely = (before + each[:, ::2]) / 2
    targets = torch.from_numpy(articulation_targets()).to(likely)
    vowels = likely * torch.from_numpy(vowel_classes()).to(likely)
    vowel = vowels.sum(-1)
    signals = drawn.clone()
    for name, share in SOUND_SHARE.items():
        channel = CHANNELS.index(name)
        signals[..., channel] += share * (likely @ targets[:, channel] - drawn[..., channel].clamp_min(0))
    for name, share in VOWEL_SHARE.items():
        channel = CHANNELS.index(name)
        expected = vowels @ targets[:, channel] / vowel.clamp_min(1e-6)
        signals[..., channel] += share * vowel * (expected - signals[..., channel])
    silent = ((likely[..., 0] - _DOUBTED) / (_SILENT - _DOUBTED)).clamp(0, 1)
    silent = silent * silent * (3 - 2 * silent)
    for name, most in SILENT_OPENING.items():
        opening = signals[..., CHANNELS.index(name)]
        opening -= silent * (opening - most).clamp_min(0)
    rounding = signals[..., CHANNELS.index("round")]
    rounding += CONTRAST * (rounding - _smooth(rounding))
    return signals


def _smooth(track: Tensor) -> Tensor:
    """Gaussian mean over time of (B, T)."""
    reach = math.ceil(4 * _CONTRAST_FRAMES)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / _CONTRAST_FRAMES) ** 2).to(track)
    padded = F.pad(track[:, None], (reach, reach), mode="replicate")
    return F.conv1d(padded, (kernel / kernel.sum())[None, None])[:, 0]
