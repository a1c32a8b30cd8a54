# SPDX-License-Identifier: GPL-3.0-or-later
"""artalk-mini from nothing: corpus, encoder, codec, generator, weights and model card. Resumable at every stage."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from ..artalk.checkpoint import save_safetensors
from ..artalk.codec import MotionCodec
from ..artalk.files import file_hash
from ..artalk.model import ArtalkModel
from . import augment, codec, corpus, corpus_report, encoder, generator, recordings, steady
from .loop import Say, Schedule

CARD_HEAD = """# artalk-mini

Speech to facial animation: 16 kHz mono audio in, ARKit-52 shape weights and head rotation at 25 frames a second out.
The architecture is ARTalk's (Chu et al. 2025: multi-scale binary motion codec, autoregressive generator over scales,
style encoder) at a small size, with a log-mel convolutional speech encoder of two towers. Eye channels are zero: blinks
and gaze are layers added afterwards.
"""
CARD_DATA = """
## Data

Synthesised speech with exact phone timings (that of Pico is aligned), and recordings of people, aligned with their
texts; no motion capture. No speaker of the evaluation is among them. The texts are verses of the King James Bible
(public domain) and sentence templates and syllables written for this project. Minutes before augmentation:

{voices}

{credits}

The motion is the teacher's (`core/train/teacher.py`): phones to eight articulation tracks by dominance blending
(Cohen and Massaro 1993) with hard closures, an articulation map to ARKit shapes, and head and brows from pitch,
loudness and pauses, in random styles. The values of the phone table (`core/phones.csv`) were set by hand from
phonetics: lips shut in p b m, lower lip on the teeth in f v, teeth together in s z sh (Ladefoged and Johnson; Keating
1983; Löfqvist and Gracco 1997; Perkell and Matthies 1992).
"""
CARD_TRAINING = """
## Training

Parameters: {sizes}; stored in half precision, sha256 `{hash}`.

{hours:g} hours of synthesised speech, each utterance augmented {variants} times, recordings {recorded} times (pitch
and vocal tract changed by Praat, speed, vocal-tract warp, contrast of formants, fronted [u], rooms, noise, babble,
music, band limits, telephones, clipping, levels; {quiet:.0%} clips without speech), seed {seed}. What the generator
learns to draw is the teacher's motion for what the encoder hears, in doubt the mean of what it might be
(`core/train/hearing.py`). Steps: {steps}; two processor cores, no GPU. The command that makes it from nothing, on
Debian; it names the packages that it misses:

    artalk train mini --out weights/artalk-mini.safetensors
"""
CARD_LIMITS = """
## Limits

It has learned mostly from synthetic voices, so real voices are heard less well than those: expect missed or surplus
closures, more of them in languages other than English, in noise, in singing and with several people talking.
Head and brow motion follow the voice only. Lip-to-teeth contacts are the weakest sounds. It is a tool for
animation, not a phonetic measurement, and it says nothing about the feelings of a speaker.

## Licence

GPL-3.0-or-later, as the repository.
"""


@dataclass(frozen=True)
class MiniTraining:
    """Everything that decides what artalk-mini becomes."""

    hours: float = 12.0
    variants: int = 2
    """How many times each synthesised utterance is augmented."""
    recorded_variants: int = 6
    """How many times each recorded one is, since there are few; 0 leaves the recordings out."""
    seed: int = 1
    encoder: tuple[encoder.EncoderTraining, ...] = (
        encoder.EncoderTraining(),
        encoder.EncoderTraining(Schedule(steps=2500, seed=1)),
    )
    """The towers of the encoder. Closures and teeth are heard better the longer a tower learns; vowels of people are
    heard best by one that has not yet learned the corpus's voices by heart."""
    steady: steady.SteadyTraining = field(default_factory=steady.SteadyTraining)
    """The first tower, that of closures and teeth, then learns to hear altered speech as unaltered; what is won there
    would cost the second some of its vowels."""
    codec: codec.CodecTraining = field(default_factory=codec.CodecTraining)
    generator: generator.GeneratorTraining = field(default_factory=generator.GeneratorTraining)


def train_mini(
    out: Path, work: Path, config: MiniTraining | None = None, *, jobs: int = 2, say: Say | None = None
) -> Path:
    """Make the weights `out` (.safetensors) and the model card beside them (.md), starting from nothing.

    Everything in between is kept in the folder `work`, so that a second call goes on where the first one stopped.
    Raises InputError naming the Debian packages when a synthesiser is missing.
    """
    config = config or MiniTraining()
    model = train_generator(work, config, jobs=jobs, say=say)
    spoken, recorded = corpus_shards(work, config, jobs=jobs, say=say)
    export(model, out, config, voices=corpus_report.report([*spoken, *recorded]).by_source())
    return out


def train_corpus(work: Path, config: MiniTraining, *, jobs: int = 2, say: Say | None = None) -> Path:
    """The corpus, augmented, and a report on it in `work`: minutes by voice and licence, phone counts, pictures."""
    bake_corpus(work, config, jobs=jobs, say=say)
    spoken, recorded = corpus_shards(work, config, jobs=jobs, say=say)
    return corpus_report.write([*spoken, *recorded], work)


def corpus_shards(
    work: Path, config: MiniTraining, *, jobs: int = 2, say: Say | None = None
) -> tuple[list[Path], list[Path]]:
    """Shards of synthesised speech and of recordings."""
    spoken = corpus.build(work / "corpus", config.hours, config.seed, jobs, say)
    return spoken, recordings.build(work / "recordings", jobs, say) if config.recorded_variants else []


def bake_corpus(work: Path, config: MiniTraining, *, jobs: int = 2, say: Say | None = None) -> list[Path]:
    """Corpus and augmented training data; returns the baked files, one variant of the whole after the other."""
    spoken, recorded = corpus_shards(work, config, jobs=jobs, say=say)
    baked = [
        augment.bake(kind, work / "baked", variants=variants, seed=config.seed, jobs=jobs, say=say)
        for kind, variants in ((spoken, config.variants), (recorded, config.recorded_variants))
    ]
    return [path for variant in range(config.variants) for kind in baked for path in _share(kind, variant, config)]


def bake_pairs(work: Path, config: MiniTraining, *, jobs: int = 2, say: Say | None = None) -> list[Path]:
    """Every second shard once more, each utterance altered and unaltered."""
    spoken, recorded = corpus_shards(work, config, jobs=jobs, say=say)
    shards = [*spoken[::2], *recorded[::2]]
    return augment.bake(shards, work / "pairs", variants=1, pairs=True, seed=config.seed, jobs=jobs, say=say)


def _share(baked: list[Path], variant: int, config: MiniTraining) -> list[Path]:
    """The files of one kind of speech that belong to one variant of the whole corpus."""
    return baked[len(baked) * variant // config.variants : len(baked) * (variant + 1) // config.variants]


def train_encoder(
    work: Path, config: MiniTraining, *, jobs: int = 2, say: Say | None = None
) -> list[encoder.EncoderTeacher]:
    """Stage 1, tower after tower, and what comes before it."""
    baked = bake_corpus(work, config, jobs=jobs, say=say)
    pairs = bake_pairs(work, config, jobs=jobs, say=say)
    torch.set_num_threads(jobs)
    first, *others = (
        encoder.train(baked, work / f"encoder-{n}", tower, say) for n, tower in enumerate(config.encoder, 1)
    )
    return [steady.train(pairs, work / "encoder-1" / "steady", first, config.steady, say), *others]


def train_codec(work: Path, config: MiniTraining, *, jobs: int = 2, say: Say | None = None) -> MotionCodec:
    """Stage 2 and what comes before it."""
    baked = bake_corpus(work, config, jobs=jobs, say=say)
    torch.set_num_threads(jobs)
    return codec.train(_first_variant(baked, config), work / "codec", config.codec, say)


def train_generator(work: Path, config: MiniTraining, *, jobs: int = 2, say: Say | None = None) -> ArtalkModel:
    """Stage 3 and what comes before it; returns the whole model."""
    heard = train_encoder(work, config, jobs=jobs, say=say)
    coded = train_codec(work, config, jobs=jobs, say=say)
    baked = bake_corpus(work, config, jobs=jobs, say=say)
    sizes = generator.model_config(config.encoder, config.codec.codec, config.generator)
    model = generator.new_model(
        sizes, generator.encoder_from(heard, sizes.audio), coded, config.generator.schedule.seed
    )
    return generator.train(baked, work / "generator", model, heard, config.generator, say=say)


def _first_variant(baked: list[Path], config: MiniTraining) -> list[Path]:
    """One augmented version of every utterance, enough for the codec, which hears nothing."""
    return baked[: len(baked) // config.variants]


def export(model: ArtalkModel, out: Path, config: MiniTraining, figures: str = "", voices: str = "") -> None:
    """Write weights in half precision and the model card; `figures` and `voices` are parts of the card."""
    out.parent.mkdir(parents=True, exist_ok=True)
    settings = json.dumps(asdict(config))
    save_safetensors(copy.deepcopy(model).half(), out, {"licence": "GPL-3.0-or-later", "training": settings})
    out.with_suffix(".md").write_text(card(model, out, config, figures, voices), encoding="utf-8")


def card(model: ArtalkModel, weights: Path, config: MiniTraining, figures: str, voices: str) -> str:
    """The model card in Markdown."""
    sources = recordings.SOURCES if config.recorded_variants else ()
    thanks = "\n".join(f"- `{source.package}` ({source.licence}): {source.credit}" for source in sources)
    parts = {
        "speech encoder": model.audio_encoder,
        "codec": model.codec,
        "generator": model.generator,
        "style encoder": model.style_encoder,
    }
    sizes = ", ".join(f"{name} {sum(p.numel() for p in part.parameters()) / 1e6:.2f} M" for name, part in parts.items())
    steadying = config.steady.schedule.steps
    towers = " and ".join(str(tower.schedule.steps) for tower in config.encoder)
    steps = [config.codec.schedule.steps, config.generator.schedule.steps]
    training = CARD_TRAINING.format(
        sizes=sizes,
        hash=file_hash(weights),
        hours=config.hours,
        variants=config.variants,
        recorded=config.recorded_variants,
        quiet=augment.NON_SPEECH_SHARE,
        seed=config.seed,
        steps=f"towers of the encoder {towers}, the first {steadying} more to hear altered speech as unaltered, "
        f"codec {steps[0]}, generator {steps[1]}",
    )
    data = CARD_DATA.format(voices=voices, credits=thanks)
    return CARD_HEAD + data + training + figures + CARD_LIMITS
