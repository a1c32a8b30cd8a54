# SPDX-License-Identifier: GPL-3.0-or-later
"""From speech to finished motion: the one function behind the panel, the Blender command and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from . import models
from .basis import ARKIT, FLAME
from .errors import InputError
from .models import Cancel, Progress, SpeechModel
from .motion import Motion
from .polish.blinks import add_blinks
from .polish.breath import add_breath
from .polish.brows import add_brows
from .polish.gaze import add_gaze, gaze_shifts
from .polish.head import add_head, ease_jumps
from .polish.limits import within_limits
from .polish.prosody import listen
from .polish.seals import hold_seals
from .polish.silence import hold_in_silence

Post = Literal["artalk", "published", "none"]
POSTS: tuple[Post, ...] = get_args(Post)


@dataclass(frozen=True)
class Options:
    """What a user can choose for one generation.

    post: 'artalk' = our layers (below), 'published' = the smoothing and zeroing of ARTalk's own tools, 'none' = the
          model's own output, exact.
    fps:  rate of the result; None keeps the model's own.
    head, gaze, brows, breath, blinks, hold_in_silence: how much of each layer, 0 none, 1 as people do; ARKit only.
    """

    model: str = "mini"
    weights: Path | None = None
    style: Path | None = None
    seed: int = 0
    fps: float | None = None
    post: Post = "artalk"
    basis: str | None = None
    device: str = "auto"
    head: float = 1.0
    gaze: float = 1.0
    brows: float = 1.0
    breath: float = 1.0
    blinks: float = 1.0
    hold_in_silence: float = 1.0


def generate(
    audio: NDArray[np.float32],
    options: Options,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Motion:
    """Speech (n,) mono at 16 kHz -> finished motion with its provenance in `meta`.

    Raises InputError for a choice that cannot be met and Cancelled when `cancel` said so.
    """
    check(options)
    model = load_model(options)
    style = load_style(options.style) if options.style else None
    raw = model.generate(audio, style=style, seed=options.seed, progress=progress, cancel=cancel)
    motion = polish(raw, audio, options)
    return Motion(motion.values, motion.basis, motion.fps, {**motion.meta, **_provenance(audio, options)})


def check(options: Options) -> None:
    """Raise InputError when the options contradict each other or name what is not there; loads nothing."""
    entry = models.entry(options.model)
    if options.post not in POSTS:
        raise InputError(f"There is no post-processing '{options.post}': choose one of {', '.join(POSTS)}.")
    if options.basis is not None and options.basis != entry.basis.name:
        raise InputError(
            f"The model '{options.model}' gives the basis '{entry.basis.name}' and cannot be turned into "
            f"'{options.basis}' yet: leave the basis out or choose a model of that basis."
        )
    if options.post == "published" and entry.basis != FLAME:
        raise InputError(
            f"The published post-processing is for FLAME motion: with '{options.model}' choose artalk or none."
        )
    if options.seed < 0:
        raise InputError(f"A seed of {options.seed} is below 0: choose a whole number from 0 up.")
    if options.fps is not None and not 1 <= options.fps <= 1000:
        raise InputError(f"A frame rate of {options.fps:g} is outside 1 to 1000: choose the rate of your scene.")


def load_model(options: Options) -> SpeechModel:
    """The model of these options; the last one used is kept, unless its file has changed since."""
    path = options.weights or models.entry(options.model).weights
    stamp = path.stat().st_mtime_ns if path and path.is_file() else 0
    return _load_cached(options.model, options.weights, options.device, stamp)


@lru_cache(maxsize=1)
def _load_cached(name: str, weights: Path | None, device: str, _stamp: int) -> SpeechModel:
    return models.load(name, weights, device)


def load_style(path: Path) -> Motion:
    """A style motion from a `.npz` of ours or a published `.pt`; InputError when it is neither."""
    if path.suffix not in (".npz", ".pt"):
        raise InputError(f"The style '{path}' is no motion: give a .npz made by artalk, or a published style as .pt.")
    from .artalk.checkpoint import load_style as load

    return load(path)


def polish(motion: Motion, audio: NDArray[np.float32], options: Options) -> Motion:
    """Post-processing of a model's own motion, at the rate asked for: pure, seeded, and quick beside the model."""
    layered = options.post == "artalk" and motion.basis == ARKIT
    if options.post != "none" and motion.basis == FLAME:
        from .artalk.postprocess import PUBLISHED_LIMIT, published

        # the published tools cut at 30 s, which nobody wants of a long line
        motion = published(motion, limit=PUBLISHED_LIMIT if options.post == "published" else None)
    if layered:
        # on the model's own frames: afterwards a jump or a seal is spread over more of them
        motion = hold_seals(ease_jumps(within_limits(motion)))
    motion = motion.resample(options.fps or motion.fps)
    return add_layers(motion, audio, options) if layered else motion


def add_layers(motion: Motion, audio: NDArray[np.float32], options: Options) -> Motion:
    """Our layers on ARKit motion at its final rate: saccades and blinks are too quick to be resampled.

    The order matters: the eyes turn against the finished head, and nothing comes after the blinks.
    """
    voice = listen(audio)
    seed = options.seed
    motion = hold_in_silence(motion, audio, options.hold_in_silence)
    motion = add_breath(motion, voice.phrases, options.breath)
    motion = add_brows(motion, voice.accents, seed, options.brows)
    motion = add_head(motion, voice, seed, options.head)
    shifts = gaze_shifts(motion.duration, voice.phrases, seed) if options.gaze else []
    motion = add_gaze(motion, shifts, options.gaze)
    return add_blinks(motion, voice.phrases, seed, options.blinks, shifts)


def _provenance(audio: NDArray[np.float32], options: Options) -> dict[str, object]:
    return {
        "model": options.model,
        "seed": options.seed,
        "post": options.post,
        "style": options.style.name if options.style else None,
        "audio_sha256": sha256(audio.tobytes()).hexdigest(),
    }
