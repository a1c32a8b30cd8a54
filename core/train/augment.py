# SPDX-License-Identifier: GPL-3.0-or-later
"""Make few synthetic voices sound like many people in many rooms, and bake what is heard of it with its targets."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import parselmouth
import torch
from numpy.typing import NDArray

from ..artalk.listening import HEARD_STEP
from ..artalk.log_mel import excerpt, levelled, loudness, mel_power, normalise
from ..artalk.mel import FFT, HOP, mel_matrix
from ..audio import RATE
from ..phones import PhoneSpan, articulation_class, articulations
from . import corpus, moonshine_package
from .accents import with_fronted_vowels
from .noises import babble, background, over_telephone, reverberate, rms, with_breaths
from .speakers import as_other_speaker
from .teacher import rest, signals

PHONE_RATE = 50
BANDS = 64
BAND_REFERENCE = -6.0
NON_SPEECH_SHARE = 0.08
"""Share of clips without speech: the mouth stays shut in silence, noise and music."""
TELEPHONE_SHARE = 0.2
"""Share of clips that went through a telephone."""
ACCENT_SHARE = 0.15
"""Share of utterances in an accent that fronts its rounded vowels."""
MOONSHINE_LAYERS = 4
"""How many layers of Moonshine are listened to: from the fourth, phones of people are read best."""
WINDOW, BEYOND = 64000, 6080
"""Samples that are heard at a time, and what is heard of their neighbours: what the model does when it speaks."""
_ALIGN = 640
Audio = NDArray[np.float32]


@dataclass(frozen=True)
class Baked:
    """Training data of many clips, end to end.

    mels: (4 T, bands) float16 normalised log-mels at 100 Hz; heard: (2 T, H) float16 features of Moonshine at 50 Hz;
    phones: (2 T,) uint8 articulation classes at 50 Hz; signals: (T, 12) float16 teacher signals at 25 Hz;
    starts: first frame at 25 Hz of each clip.
    """

    mels: NDArray[np.float16]
    heard: NDArray[np.float16]
    phones: NDArray[np.uint8]
    signals: NDArray[np.float16]
    starts: NDArray[np.int64]

    @classmethod
    def join(cls, parts: list[Baked]) -> Baked:
        """Several of them as one."""
        offsets = np.cumsum([0] + [len(part.signals) for part in parts[:-1]])
        return cls(
            np.concatenate([part.mels for part in parts]),
            np.concatenate([part.heard for part in parts]),
            np.concatenate([part.phones for part in parts]),
            np.concatenate([part.signals for part in parts]),
            np.concatenate([part.starts + offset for part, offset in zip(parts, offsets, strict=True)]),
        )


def bake(
    shards: list[Path],
    folder: Path,
    *,
    variants: int,
    seed: int = 0,
    jobs: int = 2,
    say: Callable[[str], None] | None = None,
) -> list[Path]:
    """Augment every shard `variants` times, each time differently; files that are there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [
        (shard, folder / f"{shard.stem}-{seed}-{v}-heard.npz", f"{seed}/{v}")
        for v in range(variants)
        for shard in shards
    ]
    missing = [job for job in wanted if not job[1].is_file()]
    if missing:
        with get_context("spawn").Pool(min(jobs, len(missing))) as pool:
            for done, path in enumerate(pool.imap_unordered(_bake_shard, missing), 1):
                if say is not None:
                    say(f"bake: {path.name} made, {done} of {len(missing)}")
    return [path for _, path, _ in wanted]


def read_baked(paths: list[Path]) -> Baked:
    """Baked files as one set in memory."""
    parts = []
    for path in paths:
        with np.load(path, allow_pickle=False) as file:
            parts.append(Baked(**{name: file[name] for name in file.files}))
    return Baked.join(parts)


def cut(values: NDArray[Any], starts: NDArray[np.int64], frames: int, per_frame: int = 1) -> NDArray[Any]:
    """Passages (B, per_frame * frames, ...) of `frames` frames at 25 Hz that begin at the frames `starts` (B,)."""
    return np.stack([values[per_frame * first : per_frame * (first + frames)] for first in starts])


def _bake_shard(job: tuple[Path, Path, str]) -> Path:
    shard, path, seed = job
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", category=parselmouth.PraatWarning)  # whispered voices have no pitch to move
    baked = Baked.join(list(bake_items(list(corpus.read_shard(shard)), f"{seed}/{shard.stem}")))
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, **asdict(baked))
    partial.replace(path)
    return path


def bake_items(items: list[corpus.Item], seed: str) -> Iterator[Baked]:
    """Each utterance once, augmented at random, and clips without speech between them."""
    rng = random.Random(seed)
    noise_maker = np.random.default_rng(rng.getrandbits(32))
    for item in items:
        clean, phones = as_other_speaker(item.samples, item.phones, rng)
        target = signals(clean, phones)
        classes = _phone_classes(phones, len(target))
        said = with_fronted_vowels(clean, phones, rng) if rng.random() < ACCENT_SHARE else clean
        yield _finish(_altered(said, phones, items, rng, noise_maker), target, classes, rng, noise_maker)
        if rng.random() < NON_SPEECH_SHARE:
            yield _bake_non_speech(rng, noise_maker)


def _altered(
    audio: Audio,
    phones: list[PhoneSpan],
    items: list[corpus.Item],
    rng: random.Random,
    noise_maker: np.random.Generator,
) -> Audio:
    """The voice in a place and on a line: breaths, a room, noise or others that talk, clipping, a telephone."""
    if rng.random() < 0.3:
        audio = with_breaths(audio, phones, rng, noise_maker)
    if rng.random() < 0.5:
        audio = reverberate(audio, rng, noise_maker)
    level = rms(audio[np.abs(audio) > 0.01])
    if rng.random() < 0.85:
        kind = rng.choice(("noise", "noise", "hiss", "hiss", "babble", "music"))
        noise = (
            babble([other.samples for other in items], len(audio), rng)
            if kind == "babble"
            else background(kind, len(audio), rng, noise_maker)
        )
        lowest = 14 if kind == "babble" else 4
        snr = rng.triangular(lowest, 45, 15)
        audio = audio + noise * (level / max(rms(noise), 1e-5) * 10 ** (-snr / 20))
    if rng.random() < 0.06:
        limit = np.abs(audio).max() * rng.uniform(0.2, 0.6)
        audio = np.clip(audio, -limit, limit)
    if rng.random() < TELEPHONE_SHARE:
        audio = over_telephone(audio, rng)
    return audio


def _bake_non_speech(rng: random.Random, noise_maker: np.random.Generator) -> Baked:
    count = int(rng.uniform(2, 8) * RATE)
    kind = rng.choice(("silence", "noise", "noise", "music", "music"))
    audio = np.zeros(count, np.float32) if kind == "silence" else background(kind, count, rng, noise_maker)
    frames = -(-count // _ALIGN)
    return _finish(audio, rest(frames), np.zeros(2 * frames, np.uint8), rng, noise_maker)


def _finish(
    audio: Audio, target: NDArray[np.float32], phones: NDArray[np.uint8], rng: random.Random, noise: np.random.Generator
) -> Baked:
    """Level, noise floor and spectrum: what is heard of a recorded clip."""
    audio = _coloured(np.pad(audio, (0, len(target) * _ALIGN - len(audio))), rng)
    peak = float(np.abs(audio).max(initial=0))
    if peak > 0:
        audio = audio * (10 ** (rng.uniform(-36, -1) / 20) / peak)
    if peak > 0 or rng.random() < 0.5:  # else digital silence, which stands before and after every clip
        audio = audio + 10 ** (rng.uniform(-95, -62) / 20) * noise.standard_normal(len(audio), np.float32)
    samples = torch.from_numpy(audio.astype(np.float32))
    power = mel_power(samples, _warped_mels(rng.randrange(_WARPS)))
    mels = normalise(power, power, torch.full((BANDS,), BAND_REFERENCE))
    assert len(mels) == 4 * len(target) == 2 * len(phones), (len(audio) // HOP, len(target))
    heard = hear(levelled(samples, torch.zeros(len(power)), loudness(power)))
    return Baked(
        mels.numpy().astype(np.float16),
        heard.numpy().astype(np.float16),
        phones,
        target.astype(np.float16),
        np.zeros(1, np.int64),
    )


@torch.inference_mode()
def hear(audio: torch.Tensor) -> torch.Tensor:
    """Levelled audio (n,) -> features of Moonshine (n / HEARD_STEP, H), window by window as the model hears it."""
    listener, beyond = moonshine_package.moonshine(MOONSHINE_LAYERS), BEYOND // HEARD_STEP
    windows = [excerpt(audio, start - BEYOND, start + WINDOW + BEYOND) for start in range(0, len(audio), WINDOW)]
    return torch.cat([listener.hear(window)[beyond:-beyond] for window in windows])[: len(audio) // HEARD_STEP]


def _phone_classes(phones: list[PhoneSpan], frames: int) -> NDArray[np.uint8]:
    """Articulation class of the phone at each fiftieth of a second; a diphthong changes half-way."""
    classes = np.zeros(2 * frames, np.uint8)
    for part, first, last in articulations(phones):
        classes[round(first * PHONE_RATE) : round(last * PHONE_RATE)] = articulation_class(part)
    return classes


_WARPS = 11


@cache
def _warped_mels(index: int) -> torch.Tensor:
    """Mel matrices for vocal tracts from .86 to 1.16 of the usual."""
    return torch.from_numpy(mel_matrix(BANDS, 0.86 + 0.30 * index / (_WARPS - 1)))


def _coloured(audio: Audio, rng: random.Random) -> Audio:
    """The sound through a microphone and a line, without delay."""
    matrix = mel_matrix(BANDS)
    centres = np.arange(len(matrix)) @ (matrix / matrix.sum(0)) / FFT  # of the bands, in cycles per sample
    spectrum = np.fft.rfft(audio)
    gain = np.interp(np.fft.rfftfreq(len(audio)), centres, np.sqrt(_colour(rng)))
    return np.asarray(np.fft.irfft(spectrum * gain, len(audio)), np.float32)


def _colour(rng: random.Random) -> NDArray[np.float32]:
    """Power of each band through a microphone and a line: a smooth curve, sometimes a telephone's limits."""
    bands = np.arange(BANDS) / (BANDS - 1)
    gain = 6 * rng.uniform(-1, 1) * (bands - 0.5)
    for k in (1, 2, 3):
        gain += rng.gauss(0, 2.0 / k) * np.cos(np.pi * k * bands + rng.uniform(0, 6))
    if rng.random() < 0.3:
        gain -= 60 * np.clip((bands - rng.uniform(0.6, 0.97)) * 8, 0, 1)
    if rng.random() < 0.25:
        gain -= 40 * np.clip((rng.uniform(0.02, 0.12) - bands) * 12, 0, 1)
    return np.asarray(10 ** (gain / 10), np.float32)
