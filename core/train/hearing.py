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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..phones import CHANNELS, articulation_targets, vowel_classes
from .baked import PROCESSOR, Arrays, Baked, remembered, weights_hash
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
CONTRAST = {"round": 0.7, "jaw": 0.25}
"""How far a track is carried beyond its mean over some frames: means of what might be, a codec and a generator smooth
it by as much. The aperture is not among them: in doubt the lips would shut."""
_CONTRAST_FRAMES = 2.0
_OPENING = [CHANNELS.index(name) for name in SILENT_OPENING]
_BLOCK_FRAMES = 3000
_CONTEXT_FRAMES = 25
"""Beside a block at 25 Hz: more than the tower sees (`core.artalk.mel.tower_context`)."""


@dataclass(frozen=True)
class Heard:
    """features: (T, width) of the encoder, not yet mixed; signals: (T, 12) to aim at; both at 25 Hz."""

    features: NDArray[np.float16]
    signals: NDArray[np.float16]


def hear(
    teacher: EncoderTeacher,
    data: Baked,
    sound: NDArray[np.float16],
    folder: Path,
    device: torch.device = PROCESSOR,
) -> Heard:
    """What an encoder hears in a corpus, from the file in `folder` where an interrupted training left it.

    sound: (2 T, H) features of Moonshine.
    Silence and prosody stay as they are known: the mouth is shut in noise, and the head follows the voice. In silence
    the mouth opens as little as either says.
    """

    def listen() -> Arrays:
        blocks = list(_blocks(teacher, data.mels, sound, device))
        features, signals = (np.concatenate(parts).astype(np.float16) for parts in zip(*blocks, strict=True))
        return {"features": features, "signals": signals}

    rule = repr((SOUND_SHARE, VOWEL_SHARE, SILENT_OPENING, _DOUBTED, _SILENT, CONTRAST, _CONTRAST_FRAMES))
    heard = Heard(
        **remembered(folder / f"heard-{weights_hash(teacher.state_dict(), rule)}-{len(data.signals)}.npz", listen)
    )
    classes = data.phones[: 2 * len(heard.signals)]
    silent = np.maximum(classes[_before(len(heard.signals))], classes[::2]) == 0
    known = data.signals[: len(silent)].copy()
    known[:, _OPENING] = np.minimum(known[:, _OPENING], heard.signals[:, _OPENING])
    heard.signals[silent] = known[silent]
    heard.signals[:, len(CHANNELS) :] = data.signals[: len(heard.signals), len(CHANNELS) :]
    return heard


@torch.inference_mode()
def _blocks(
    teacher: EncoderTeacher, log_mels: NDArray[np.float16], sound: NDArray[np.float16], device: torch.device
) -> Iterator[tuple[NDArray[np.float32], ...]]:
    """Features and expected signals of what is heard in a corpus, in blocks with context at both ends."""
    frames = len(log_mels) // 4
    teacher = copy.deepcopy(teacher).to(device).eval()
    for start in range(0, frames, _BLOCK_FRAMES):
        end = min(start + _BLOCK_FRAMES, frames)
        first, last = max(0, start - _CONTEXT_FRAMES), min(frames, end + _CONTEXT_FRAMES)
        mels, heard = (
            torch.from_numpy(values[each * first : each * last].astype(np.float32))[None].to(device)
            for values, each in ((log_mels, 4), (sound, 2))
        )
        features, logits, drawn = _listen(teacher, mels, heard)
        inner = slice(start - first, end - first)
        signals = expected_signals(logits, drawn)
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
    likely = (each[:, _before(drawn.shape[1])] + each[:, ::2]) / 2
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
    for name, share in CONTRAST.items():
        track = signals[..., CHANNELS.index(name)]
        track += share * (track - _smooth(track))
    silent = ((likely[..., 0] - _DOUBTED) / (_SILENT - _DOUBTED)).clamp(0, 1)
    silent = silent * silent * (3 - 2 * silent)
    for name, most in SILENT_OPENING.items():
        opening = signals[..., CHANNELS.index(name)]
        opening -= silent * (opening - most).clamp_min(0)
        opening.clamp_min_(0)
    return signals


def _before(frames: int) -> NDArray[np.int64]:
    """Which of the 50 values a second lies before the time of each frame at 25 Hz; none before the first."""
    return np.maximum(2 * np.arange(frames) - 1, 0)


def _smooth(track: Tensor) -> Tensor:
    """Gaussian mean over time of (B, T)."""
    reach = math.ceil(4 * _CONTRAST_FRAMES)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / _CONTRAST_FRAMES) ** 2).to(track)
    padded = F.pad(track[:, None], (reach, reach), mode="replicate")
    return F.conv1d(padded, (kernel / kernel.sum())[None, None])[:, 0]
