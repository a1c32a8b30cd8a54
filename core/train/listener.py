# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage 1: teach Moonshine's layers to hear in noise, rooms and telephones what they hear in the clear.

They are their own teacher (Hinton et al. 2015): of altered speech they learn to make what they made of it before it was
altered. Labels reach them through the reader alone, so that the few voices of the corpus are not learned by heart. For
the same reason the weights taken in the end lie half-way between the old and the new ones (Wortsman et al. 2022):
people, whom the corpus has few of, are heard better by them than by either.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor

from ..artalk.moonshine import Moonshine
from . import moonshine_package
from .baked import FRAME_SAMPLES, LOUDEST, PROCESSOR, Arrays, Baked, cut, remembered, weights_hash
from .ears import BEYOND, MARGIN, MOONSHINE_LAYERS, WINDOW, hear
from .encoder import EncoderTeacher, signal_weights
from .loop import Losses, Say, Schedule, fit, on_processor

LEARNED_SHARE = 0.5
"""How far the weights go from Moonshine's to those that learned."""
_SPREAD = 0.2
"""Deviation of the log of how loud a passage is heard."""
_SAID_CLIPS = 1000
"""Clips between two words on how far it is."""


@dataclass(frozen=True)
class ListenerTraining:
    """Length of stage 1."""

    schedule: Schedule = field(
        default_factory=lambda: Schedule(steps=6000, learning_rate=3e-4, weight_decay=0.0, average=0.998)
    )
    batch: int = 8


def train(
    data: Baked,
    reader: EncoderTeacher,
    folder: Path,
    config: ListenerTraining,
    say: Say | None = None,
    *,
    accelerator: Accelerator | None = None,
) -> Moonshine:
    """Train on baked clips; checkpoints and log go to `folder`. Resumes when called again.

    reader: has learned to read what is heard in the clear; what it makes of both must agree.
    """
    accelerator = accelerator or on_processor()
    published = moonshine_package.moonshine(MOONSHINE_LAYERS)
    listener = copy.deepcopy(published).requires_grad_(True)
    reader = reader.to(accelerator.device).eval().requires_grad_(False)
    frames = (WINDOW + 2 * BEYOND) // FRAME_SAMPLES

    def step(rng: np.random.Generator, _: float) -> Losses:
        starts = rng.integers(0, len(data.signals) - frames, config.batch)
        loud = np.exp(rng.normal(0, _SPREAD, (config.batch, 1))) / LOUDEST
        audio = (cut(data.audio, starts, frames, FRAME_SAMPLES) * loud).astype(np.float32)
        clear = cut(data.clear, starts, frames, 2).astype(np.float32)
        sound, wanted = (torch.from_numpy(x).to(accelerator.device) for x in (audio, clear))
        heard, wanted = (x[:, MARGIN:-MARGIN] for x in (listener.at_50_hz(sound).float(), wanted))
        silent = ~wanted.any(-1, keepdim=True)  # digital silence, which is not listened to
        return losses(torch.where(silent, wanted, heard), wanted, reader)

    fit(listener, step, config.schedule, folder, say, accelerator=accelerator)
    return moonshine_package.as_stored(_between(published, listener.cpu()))


def _between(published: Moonshine, learned: Moonshine) -> Moonshine:
    """Weights LEARNED_SHARE of the way from one to the other."""
    mixed, before = copy.deepcopy(learned), published.state_dict()
    for name, tensor in mixed.state_dict().items():
        tensor.lerp_(before[name], 1 - LEARNED_SHARE)
    return mixed


def losses(heard: Tensor, clear: Tensor, reader: EncoderTeacher) -> Losses:
    """How far what is heard (B, 2 T, H) is from what is heard in the clear, as the reader's first layer sees both.

    Also how far apart the reader's phones (Kullback-Leibler) and signals are, which says which differences count.
    """
    listen = reader.tower.listen
    assert listen is not None
    seen, wanted = listen(heard).float(), listen(clear).float()
    features = (seen - wanted).square().mean() / wanted.var(dim=(0, 1)).mean()
    mels = heard.new_zeros(len(heard), 2 * heard.shape[1], reader.tower.down_50.in_channels)
    (phones, drawn), (clear_phones, clear_drawn) = reader(mels, heard), reader(mels, clear)
    likely, clear_likely = phones.float().log_softmax(-1), clear_phones.float().log_softmax(-1)
    phone = F.kl_div(likely, clear_likely, log_target=True, reduction="none").sum(-1).mean()
    signals = ((drawn.float() - clear_drawn.float()).abs() * signal_weights(seen)).mean()
    return {"loss": features + phone + signals, "features": features, "phone": phone, "signals": signals}


def hear_corpus(
    listener: Moonshine,
    data: Baked,
    folder: Path,
    say: Say | None = None,
    *,
    device: torch.device = PROCESSOR,
) -> NDArray[np.float16]:
    """Features (2 T, H) of what is heard of all clips, from the file in `folder` where an earlier call left it."""

    def listen() -> Arrays:
        return {"features": np.concatenate(list(_clips(copy.deepcopy(listener).to(device), data, say, device)))}

    return remembered(folder / f"listened-{weights_hash(listener.state_dict())}-{len(data.signals)}.npz", listen)[
        "features"
    ]


def _clips(listener: Moonshine, data: Baked, say: Say | None, device: torch.device) -> Iterator[NDArray[np.float16]]:
    ends = np.append(data.starts[1:], len(data.signals))
    for number, (first, end) in enumerate(zip(data.starts, ends, strict=True)):
        if say is not None and number % _SAID_CLIPS == 0:
            say(f"listening to the corpus: clip {number} of {len(ends)}")
        clip = data.audio[FRAME_SAMPLES * first : FRAME_SAMPLES * end].astype(np.float32) / LOUDEST
        yield hear(listener, torch.from_numpy(clip).to(device)).cpu().numpy().astype(np.float16)
