# SPDX-License-Identifier: GPL-3.0-or-later
"""Make few synthetic voices sound like many people in many rooms, and bake the result as log-mels with its targets."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import parselmouth
import torch
from numpy.typing import NDArray
from parselmouth.praat import call, run
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import fftconvolve, resample_poly

from ..artalk.log_mel import HOP, mel_matrix, mel_power, normalise
from ..phones import PhoneSpan, articulation_class, is_silence, lookup
from . import corpus
from .teacher import rest, signals

RATE = 16000
PHONE_RATE = 50
BANDS = 64
BAND_REFERENCE = -6.0
NON_SPEECH_SHARE = 0.08
"""Share of clips without speech: the mouth stays shut in silence, noise and music."""
CHANGED_SHARE = 0.6
"""Share of utterances whose voice is changed by Praat; the others are played at another speed."""
_ALIGN = 640
Audio = NDArray[np.float32]


@dataclass(frozen=True)
class Baked:
    """Training data of many clips, end to end.

    mels: (4 T, bands) float16 normalised log-mels at 100 Hz; phones: (2 T,) uint8 articulation classes at 50 Hz;
    signals: (T, 12) float16 teacher signals at 25 Hz; starts: first frame at 25 Hz of each clip.
    """

    mels: NDArray[np.float16]
    phones: NDArray[np.uint8]
    signals: NDArray[np.float16]
    starts: NDArray[np.int64]

    @classmethod
    def join(cls, parts: list[Baked]) -> Baked:
        """Several of them as one."""
        offsets = np.cumsum([0] + [len(part.signals) for part in parts[:-1]])
        return cls(
            np.concatenate([part.mels for part in parts]),
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
        (shard, folder / f"{shard.stem}-{seed}-{v}.npz", f"{seed}/{v}") for v in range(variants) for shard in shards
    ]
    missing = [job for job in wanted if not job[1].is_file()]
    if missing:
        with get_context("spawn").Pool(min(jobs, len(missing))) as pool:
            for done, path in enumerate(pool.imap_unordered(_bake_shard, missing), 1):
                if say is not None:
                    say(f"bake: {path.name} made, {done} of {len(missing)}")
    return [path for _, path, _ in wanted]


def read_baked(paths: list[Path], *, with_mels: bool = True) -> Baked:
    """Baked files as one set in memory; without the log-mels it is small."""
    parts = []
    for path in paths:
        with np.load(path, allow_pickle=False) as file:
            mels = file["mels"] if with_mels else np.zeros((0, BANDS), np.float16)
            parts.append(Baked(mels, file["phones"], file["signals"], file["starts"]))
    return Baked.join(parts)


def _bake_shard(job: tuple[Path, Path, str]) -> Path:
    shard, path, seed = job
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", category=parselmouth.PraatWarning)  # whispered voices have no pitch to move
    baked = Baked.join(list(bake_items(list(corpus.read_shard(shard)), f"{seed}/{shard.stem}")))
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, mels=baked.mels, phones=baked.phones, signals=baked.signals, starts=baked.starts)
    partial.replace(path)
    return path


def bake_items(items: list[corpus.Item], seed: str) -> Iterator[Baked]:
    """Each utterance once, augmented at random, and clips without speech between them."""
    rng = random.Random(seed)
    noise_maker = np.random.default_rng(rng.getrandbits(32))
    for item in items:
        yield _bake_speech(item, items, rng, noise_maker)
        if rng.random() < NON_SPEECH_SHARE:
            yield _bake_non_speech(rng, noise_maker)


def _bake_speech(
    item: corpus.Item, items: list[corpus.Item], rng: random.Random, noise_maker: np.random.Generator
) -> Baked:
    clean, phones = _as_other_speaker(item, rng)
    target = signals(clean, phones)
    audio = clean
    if rng.random() < 0.3:
        audio = _with_breaths(audio, phones, rng, noise_maker)
    if rng.random() < 0.4:
        audio = _reverberate(audio, rng, noise_maker)
    level = _rms(audio[np.abs(audio) > 0.01])
    if rng.random() < 0.85:
        kind = rng.choice(("noise", "noise", "babble", "music"))
        noise = _babble(items, len(audio), rng) if kind == "babble" else _background(kind, len(audio), rng, noise_maker)
        lowest = 14 if kind == "babble" else 4
        snr = rng.uniform(lowest, 45)
        audio = audio + noise * (level / max(_rms(noise), 1e-5) * 10 ** (-snr / 20))
    if rng.random() < 0.06:
        limit = np.abs(audio).max() * rng.uniform(0.2, 0.6)
        audio = np.clip(audio, -limit, limit)
    return _finish(audio, target, _phone_classes(phones, len(target)), rng, noise_maker)


def _bake_non_speech(rng: random.Random, noise_maker: np.random.Generator) -> Baked:
    count = int(rng.uniform(2, 8) * RATE)
    kind = rng.choice(("silence", "noise", "noise", "music", "music"))
    audio = np.zeros(count, np.float32) if kind == "silence" else _background(kind, count, rng, noise_maker)
    frames = -(-count // _ALIGN)
    return _finish(audio, rest(frames), np.zeros(2 * frames, np.uint8), rng, noise_maker)


def _finish(
    audio: Audio, target: NDArray[np.float32], phones: NDArray[np.uint8], rng: random.Random, noise: np.random.Generator
) -> Baked:
    """Level, noise floor and spectrum: the log-mels of a recorded clip."""
    peak = float(np.abs(audio).max(initial=0))
    if peak > 0:
        audio = audio * (10 ** (rng.uniform(-36, -1) / 20) / peak)
    floor = 10 ** (rng.uniform(-95, -62) / 20)
    audio = np.pad(audio, (0, len(target) * _ALIGN - len(audio)))
    audio = audio + floor * noise.standard_normal(len(audio), np.float32)
    if rng.random() < 0.03:
        audio = np.zeros_like(audio) if peak == 0 else audio
    power = mel_power(torch.from_numpy(audio.astype(np.float32)), _warped_mels(rng.randrange(_WARPS)))
    power = power * torch.from_numpy(_colour(rng))
    mels = normalise(power, power, torch.full((BANDS,), BAND_REFERENCE))
    assert len(mels) == 4 * len(target) == 2 * len(phones), (len(audio) // HOP, len(target))
    return Baked(mels.numpy().astype(np.float16), phones, target.astype(np.float16), np.zeros(1, np.int64))


def _as_other_speaker(item: corpus.Item, rng: random.Random) -> tuple[Audio, list[PhoneSpan]]:
    """The utterance by somebody else, with its phones: another larynx and vocal tract, or just played faster or slower.

    Played faster, pitch and formants rise together, as from a man to a child; the other way sets them apart.
    """
    audio = item.samples.astype(np.float32) / 32768
    slower = rng.uniform(0.8, 1.25)
    changed = change_voice(audio, rng.uniform(0.87, 1.17), rng, slower) if rng.random() < CHANGED_SHARE else None
    if changed is None:
        percent = rng.randint(84, 120)
        slower = 100 / percent
        changed = np.asarray(resample_poly(audio, 100, percent), np.float32)
    return changed, [(start * slower, end * slower, name) for start, end, name in item.phones]


def change_voice(audio: Audio, formants: float, rng: random.Random, slower: float) -> Audio | None:
    """Speech (n,) with formants times `formants`, around a new median pitch, `slower` times as long.

    Praat's "Change gender" (overlap-add at the pitch periods). The new pitch goes with the formants, as in people:
    those with a long vocal tract have low voices. Its range may hardly grow: Praat never comes back from a pitch that
    would fall under zero. None where Praat finds too little voice to work on.
    """
    median = float(np.clip(165 * formants**4.5 * np.exp(rng.gauss(0, 0.3)), 75, 380))
    speech = parselmouth.Sound(audio.astype(np.float64), RATE)
    run(f"random_initializeWithSeedUnsafelyButPredictably ({rng.getrandbits(31)})")
    try:
        changed = call(speech, "Change gender", 60, 600, formants, median, rng.uniform(0.5, 1.05), slower)
    except parselmouth.PraatError:
        return None
    length = round(len(audio) * slower)
    values = changed.values[0][:length]
    return np.asarray(np.pad(values, (0, length - len(values))), np.float32)


def _phone_classes(phones: list[PhoneSpan], frames: int) -> NDArray[np.uint8]:
    """Articulation class of the phone at each fiftieth of a second; a diphthong changes half-way."""
    classes = np.zeros(2 * frames, np.uint8)
    for start, end, name in phones:
        parts = lookup(name)
        edges = np.linspace(start, end, len(parts) + 1)
        for part, first, last in zip(parts, edges, edges[1:], strict=False):
            classes[round(first * PHONE_RATE) : round(last * PHONE_RATE)] = articulation_class(part)
    return classes


def _rms(audio: Audio) -> float:
    return float(np.sqrt(np.mean(np.square(audio)))) if len(audio) else 0.0


def _with_breaths(audio: Audio, phones: list[PhoneSpan], rng: random.Random, noise: np.random.Generator) -> Audio:
    """Breath-like noise and small clicks in the longer pauses."""
    audio = audio.copy()
    for start, end, name in phones:
        if end - start < 0.25 or not is_silence(name) or rng.random() < 0.4:
            continue
        length = int(min(end - start - 0.05, rng.uniform(0.15, 0.5)) * RATE)
        first = int(start * RATE) + rng.randint(0, max(0, int((end - start) * RATE) - length))
        burst = _coloured(length, rng.uniform(-1.2, 0.5), noise) * np.hanning(length).astype(np.float32)
        piece = audio[first : first + length]
        piece += burst[: len(piece)] * rng.uniform(0.003, 0.05)
    return audio


def _reverberate(audio: Audio, rng: random.Random, noise: np.random.Generator) -> Audio:
    """A room: direct sound and exponentially decaying noise of .1 to .6 s, 3 to 15 dB below it."""
    decay = rng.uniform(0.1, 0.6)
    time = np.arange(int(decay * RATE), dtype=np.float32) / RATE
    tail = noise.standard_normal(len(time), np.float32) * np.exp(-6.9 * time / decay)
    tail[: int(0.002 * RATE)] = 0
    tail *= 10 ** (-rng.uniform(3, 15) / 20) / np.sqrt(np.square(tail).sum())
    tail[0] = 1
    return np.asarray(fftconvolve(audio, tail)[: len(audio)], np.float32)


def _coloured(length: int, slope: float, noise: np.random.Generator) -> Audio:
    """Noise whose amplitude goes with frequency to the power `slope`, RMS 1."""
    size = next_fast_len(max(length, 2), real=True)
    spectrum = rfft(noise.standard_normal(size, np.float32))
    spectrum *= np.maximum(np.arange(len(spectrum), dtype=np.float32) / len(spectrum), 0.003) ** slope
    audio = irfft(spectrum, size)[:length]
    return np.asarray(audio / max(_rms(audio), 1e-6), np.float32)


def _background(kind: str, length: int, rng: random.Random, noise: np.random.Generator) -> Audio:
    """Noise of many colours, hum and clicks, or music."""
    if kind == "music":
        return _music(length, rng)
    audio = _coloured(length, rng.uniform(-1.3, 0.4), noise)
    if rng.random() < 0.5:  # comes and goes
        points = noise.uniform(-1.2, 1.2, length // 4000 + 2)
        audio = audio * np.exp(np.interp(np.arange(length) / 4000, np.arange(len(points)), points)).astype(np.float32)
    if rng.random() < 0.25:
        time = np.arange(length) / RATE
        hum = sum(np.sin(2 * np.pi * rng.choice((50, 60)) * k * time) / k for k in range(1, 6))
        audio = audio * rng.uniform(0, 0.7) + np.asarray(hum, np.float32)
    if rng.random() < 0.25:
        for _ in range(rng.randint(1, 12)):
            first = rng.randrange(length)
            click = audio[first : first + 200]
            click += (np.exp(-np.arange(len(click)) / 30) * noise.standard_normal(len(click))).astype(np.float32) * 8
    return audio.astype(np.float32)


def _music(length: int, rng: random.Random) -> Audio:
    """Notes of a random scale on harmonic tones: chords, a bass and a melody, with or without drums."""
    audio = np.zeros(length, np.float32)
    root = rng.uniform(80, 220)
    scale = [0, 2, 4, 5, 7, 9, 11] if rng.random() < 0.5 else [0, 2, 3, 5, 7, 8, 10]
    beat = int(rng.uniform(0.2, 0.6) * RATE)
    brightness = rng.uniform(0.6, 2.0)
    decay = rng.uniform(0.15, 2.0)
    vibrato = rng.uniform(0, 0.006)
    for first in range(0, length, beat):
        for octave, chance in ((0.5, 0.6), (1, 0.7), (1, 0.5), (2, 0.7), (4, 0.3)):
            if rng.random() > chance:
                continue
            pitch = root * octave * 2 ** (rng.choice(scale) / 12)
            note = _note(pitch, min(beat * rng.randint(1, 3), length - first), brightness, decay, vibrato)
            audio[first : first + len(note)] += note * rng.uniform(0.3, 1)
    if rng.random() < 0.5:
        drums = np.random.default_rng(rng.getrandbits(32))
        for first in range(0, length, beat):
            hit = audio[first : first + RATE // 8]
            colour = drums.standard_normal(len(hit)) * np.exp(-np.arange(len(hit)) / rng.uniform(100, 800))
            hit += colour.astype(np.float32) * rng.uniform(0, 1.5)
    return audio


def _note(pitch: float, length: int, brightness: float, decay: float, vibrato: float) -> Audio:
    time = np.arange(length, dtype=np.float32) / RATE
    phase = 2 * np.pi * pitch * (time + vibrato * np.sin(2 * np.pi * 5 * time) / (2 * np.pi * 5))
    tone = np.zeros(length, np.float32)
    for harmonic in range(1, max(2, min(9, int(7000 / pitch)))):
        tone += np.sin(harmonic * phase).astype(np.float32) / harmonic**brightness
    attack = np.minimum(1, time / 0.02)
    return np.asarray(tone * attack * np.exp(-time / decay), np.float32)


def _babble(items: list[corpus.Item], length: int, rng: random.Random) -> Audio:
    """Three to six other utterances at once."""
    audio = np.zeros(length, np.float32)
    for _ in range(rng.randint(3, 6)):
        other = rng.choice(items).samples
        audio += np.resize(np.roll(other, rng.randrange(len(other))), length).astype(np.float32) / 32768
    return audio


_WARPS = 11


@cache
def _warped_mels(index: int) -> torch.Tensor:
    """Mel matrices for vocal tracts from .86 to 1.16 of the usual."""
    return torch.from_numpy(mel_matrix(BANDS, 0.86 + 0.30 * index / (_WARPS - 1)))


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
