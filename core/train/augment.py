# SPDX-License-Identifier: GPL-3.0-or-later
"""Make few synthetic voices sound like many people in many rooms, and bake that with its targets."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import parselmouth
import torch
from numpy.typing import NDArray

from ..artalk.log_mel import levelled, loudness, mel_power, normalise
from ..artalk.mel import FFT, HOP, mel_matrix
from ..audio import RATE
from ..phones import PhoneSpan, articulation_class, articulations
from . import corpus, moonshine_package
from .accents import with_fronted_vowels
from .baked import BAND_REFERENCE, BANDS, FRAME_SAMPLES, LOUDEST, Baked, write_arrays
from .ears import MOONSHINE_LAYERS, hear
from .noises import babble, background, over_telephone, reverberate, rms, with_breaths
from .speakers import as_other_speaker
from .teacher import rest, signals

PHONE_RATE = 50
NON_SPEECH_SHARE = 0.08
"""Share of clips without speech: the mouth stays shut in silence, noise and music."""
TELEPHONE_SHARE = 0.2
"""Share of clips that went through a telephone."""
ACCENT_SHARE = 0.15
"""Share of utterances in an accent that fronts its rounded vowels."""
_DITHER = 10 ** (-95 / 20)
"""Noise of the clearest voice: Moonshine does not listen to digital silence, which the altered voice has none of."""
Audio = NDArray[np.float32]


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
        (shard, folder / f"{shard.stem}-{seed}-{v}-clear.npz", f"{seed}/{v}")
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


def _bake_shard(job: tuple[Path, Path, str]) -> Path:
    shard, path, seed = job
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", category=parselmouth.PraatWarning)  # whispered voices have no pitch to move
    baked = Baked.join(list(bake_items(list(corpus.read_shard(shard)), f"{seed}/{shard.stem}")))
    write_arrays(path, asdict(baked))
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
        yield _finish(said, _altered(said, phones, items, rng, noise_maker), target, classes, (rng, noise_maker))
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
    frames = -(-count // FRAME_SAMPLES)
    return _finish(None, audio, rest(frames), np.zeros(2 * frames, np.uint8), (rng, noise_maker))


def _finish(
    said: Audio | None,
    altered: Audio,
    target: NDArray[np.float32],
    phones: NDArray[np.uint8],
    chance: tuple[random.Random, np.random.Generator],
) -> Baked:
    """Level, noise floor and spectrum: what is heard of a recorded clip, and what would be of the voice alone.

    said: the voice alone; None where nothing is said: that is heard as it is.
    """
    rng, noise = chance
    count = len(target) * FRAME_SAMPLES
    audio = _coloured(np.pad(altered, (0, count - len(altered))), rng)
    peak = float(np.abs(audio).max(initial=0))
    if peak > 0:
        audio = audio * (10 ** (rng.uniform(-36, -1) / 20) / peak)
    if peak > 0 or rng.random() < 0.5:  # else digital silence, which stands before and after every clip
        audio = audio + 10 ** (rng.uniform(-95, -62) / 20) * noise.standard_normal(len(audio), np.float32)
    power = mel_power(_samples(audio), _warped_mels(rng.randrange(_WARPS)))
    mels = normalise(power, power, torch.full((BANDS,), BAND_REFERENCE))
    assert len(mels) == 4 * len(target) == 2 * len(phones), (len(audio) // HOP, len(target))
    if said is None:
        clear, clear_power = audio, power
    else:
        clear = np.pad(said, (0, count - len(said))) + _DITHER * noise.standard_normal(count, np.float32)
        clear_power = mel_power(_samples(clear), _warped_mels(_WARPS // 2))
    moonshine = moonshine_package.moonshine(MOONSHINE_LAYERS)
    return Baked(
        mels.numpy().astype(np.float16),
        np.rint(_levelled(audio, power).numpy() * LOUDEST).astype(np.int16),
        hear(moonshine, _levelled(clear, clear_power)).numpy().astype(np.float16),
        phones,
        target.astype(np.float16),
        np.zeros(1, np.int64),
    )


def _samples(audio: Audio) -> torch.Tensor:
    return torch.from_numpy(audio.astype(np.float32))


def _levelled(audio: Audio, power: torch.Tensor) -> torch.Tensor:
    """Audio (n,) of mel power (n / HOP, bands) at the level that Moonshine hears."""
    return levelled(_samples(audio), torch.zeros(len(power)), loudness(power))


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
