# SPDX-License-Identifier: GPL-3.0-or-later
"""artalk-mini from nothing: from the corpus to weights and model card. Resumable at every stage."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray

from ..artalk.checkpoint import load_safetensors, save_compact
from ..artalk.codec import MotionCodec
from ..artalk.files import file_hash
from ..artalk.log_mel import LogMelEncoder
from ..artalk.model import ArtalkModel
from ..artalk.moonshine import Moonshine
from ..errors import InputError
from . import (
    augment,
    codec,
    corpus,
    corpus_report,
    encoder,
    generator,
    hearing,
    listener,
    moonshine_package,
    recordings,
    tts_kokoro,
)
from .baked import Baked, read_baked, weights_hash
from .generator import encoder_of
from .loop import Say, Schedule, on_processor

CARD_HEAD = """# artalk-mini

Speech to facial animation: 16 kHz mono audio in, ARKit-52 shape weights and head rotation at 25 frames a second out.
The architecture is ARTalk's (Chu et al. 2025: multi-scale binary motion codec, autoregressive generator over scales,
style encoder) at a small size. As ARTalk does, it hears through a speech encoder that others have taught with real
speech: the lower four layers of Moonshine tiny (Jeffries et al. 2024), which have gone on learning to hear in noise and
rooms what they hear in the clear; beside them log-mels, and convolutions over both. Eye channels are zero: blinks and
gaze are layers added afterwards.
"""
CARD_DATA = """
## Data

Synthesised speech with exact phone timings (that of Kokoro and Pico is aligned), and recordings of people, aligned with
their texts; no motion capture. No recording of a speaker of the evaluation is among them; what Moonshine has heard
before is said in docs/credits.md. The texts are verses of the King James Bible (public domain) and sentence templates
and syllables written for this project. Minutes before augmentation:

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

Parameters: {sizes}; stored in half precision, Moonshine's matrices in 8 bits, sha256 `{hash}`.

{hours:g} hours of synthesised speech, each utterance augmented {variants} times, recordings {recorded} times (pitch
and vocal tract changed by Praat, speed, vocal-tract warp, contrast of formants, fronted [u], rooms, noise, babble,
music, band limits, telephones, clipping, levels; {quiet:.0%} clips without speech), seed {seed}. What the generator
learns to draw is the teacher's motion for what the encoder hears, in doubt the mean of what it might be
(`core/train/hearing.py`). Steps: {steps}. {origin}
"""
CARD_FROM_NOTHING = """The command that makes it from nothing, on Debian; it names the packages that it misses:

    artalk train mini --out weights/artalk-mini.safetensors"""
CARD_GOING_ON = """It went on from weights of sha256 `{hash}`, with their ears and the bits of their codec, at half
the rates:

    artalk train mini --from WEIGHTS --out weights/artalk-mini.safetensors"""
CARD_LIMITS = """
## Limits

It hears through an encoder that has learned English: expect more missed or surplus closures and f and v in other
languages, in noise, in singing and with several people talking. Head and brow motion follow the voice only. It is a
tool for animation, not a phonetic measurement, and it says nothing about the feelings of a speaker.

## Licence

GPL-3.0-or-later, as the repository. The part that is Moonshine's: MIT, © 2025 Moonshine AI (LICENSE-moonshine.txt).
"""


LICENCE = "GPL-3.0-or-later; Moonshine's part: MIT, Copyright (c) 2025 Moonshine AI"


@dataclass(frozen=True)
class Start:
    """Weights whose training goes on, as they were when it began."""

    weights: Path
    sha256: str

    def read(self) -> ArtalkModel:
        """The model in single precision. Raises InputError when it is not artalk-mini, or no longer the same."""
        if _hash_of(self.weights) != self.sha256:
            raise InputError(f"'{self.weights.name}' has changed since the training began: begin it again.")
        model = load_safetensors(self.weights)
        if not isinstance(model, ArtalkModel) or not isinstance(model.audio_encoder, LogMelEncoder):
            raise InputError(
                f"'{self.weights.name}' is not artalk-mini: give weights that `artalk train mini` has written."
            )
        return model.float()


def _hash_of(weights: Path) -> str:
    try:
        return file_hash(weights)
    except OSError as error:
        raise InputError(f"The weights '{weights}' cannot be read ({error.strerror}): give others by --from.") from None


@dataclass(frozen=True)
class MiniTraining:
    """Everything that decides what artalk-mini becomes."""

    hours: float = 4.0
    variants: int = 3
    """How many times each synthesised utterance is augmented."""
    recorded_variants: int = 3
    """The same for recordings of people; 0 leaves them out."""
    seed: int = 1
    listener: listener.ListenerTraining = field(default_factory=listener.ListenerTraining)
    encoder: encoder.EncoderTraining = field(default_factory=encoder.EncoderTraining)
    codec: codec.CodecTraining = field(default_factory=codec.CodecTraining)
    generator: generator.GeneratorTraining = field(default_factory=generator.GeneratorTraining)
    start: Start | None = None
    """Weights to go on from, with their listener and the bits of their codec; None to learn everything from nothing."""

    def going_on_from(self, weights: Path) -> MiniTraining:
        """The training that goes on from these weights, at half the rates: what is known shall not be lost at once.

        Their listener stays as it is, and so do the bits of their codec, of which the decoder alone goes on.

        Raises InputError when they are not there, or of another size than what is trained.
        """
        start = Start(weights, _hash_of(weights))
        found = start.read().config
        wanted = generator.model_config(self.encoder, self.codec.codec, self.generator)
        if replace(found, guidance=wanted.guidance, head_gain=wanted.head_gain) != wanted:
            raise InputError(f"'{weights.name}' is a model of another size than artalk-mini: give other weights.")

        def slower(schedule: Schedule) -> Schedule:
            return replace(schedule, learning_rate=schedule.learning_rate / 2)

        return replace(
            self,
            encoder=replace(self.encoder, schedule=slower(self.encoder.schedule)),
            codec=replace(self.codec, schedule=slower(self.codec.schedule)),
            generator=replace(self.generator, schedule=slower(self.generator.schedule)),
            start=start,
        )


@dataclass(frozen=True)
class Machine:
    """What a training runs on, and whom it tells.

    jobs: processes that make the corpus, and threads of a training on the processor; accelerator: one processor, one
    GPU or, under `accelerate launch`, many, of which the first makes the corpus.
    """

    jobs: int = 2
    say: Say | None = None
    accelerator: Accelerator = field(default_factory=on_processor)


def train_mini(out: Path, work: Path, config: MiniTraining, machine: Machine) -> Path:
    """Make the weights `out` (.safetensors) and the model card beside them (.md).

    Everything in between is kept in the folder `work`, so that a second call goes on where the first one stopped.
    Raises InputError naming the packages when a synthesiser is missing.
    """
    model = train_generator(work, config, machine)
    spoken, recorded = corpus_shards(work, config, machine)
    if machine.accelerator.is_main_process:
        export(model, out, config, voices=corpus_report.report([*spoken, *recorded]).by_source())
    return out


def train_corpus(work: Path, config: MiniTraining, machine: Machine) -> Path | None:
    """The corpus, augmented, and a report on it in `work`: minutes by voice and licence, phone counts, pictures.

    Only the first of several processes writes it and returns its path.
    """
    bake_corpus(work, config, machine)
    spoken, recorded = corpus_shards(work, config, machine)
    return corpus_report.write([*spoken, *recorded], work) if machine.accelerator.is_main_process else None


def corpus_shards(work: Path, config: MiniTraining, machine: Machine) -> tuple[list[Path], list[Path]]:
    """Shards of synthesised speech and of recordings; InputError when they could not be listened to afterwards."""
    moonshine_package.require()
    with machine.accelerator.main_process_first():
        spoken = corpus.build(work / "corpus", config.hours, config.seed, machine.jobs, machine.say)
        recorded = recordings.build(work / "recordings", machine.jobs, machine.say) if config.recorded_variants else []
    return spoken, recorded


def bake_corpus(work: Path, config: MiniTraining, machine: Machine) -> list[Path]:
    """Corpus and augmented training data; returns the baked files, one variant of the whole after the other."""
    spoken, recorded = corpus_shards(work, config, machine)
    with machine.accelerator.main_process_first():
        baked = [
            augment.bake(kind, work / "baked", variants=variants, seed=config.seed, jobs=machine.jobs, say=machine.say)
            for kind, variants in ((spoken, config.variants), (recorded, config.recorded_variants))
        ]
    return [path for variant in range(config.variants) for kind in baked for path in _share(kind, variant, config)]


def _share(baked: list[Path], variant: int, config: MiniTraining) -> list[Path]:
    """The files of one kind of speech that belong to one variant of the whole corpus."""
    return baked[len(baked) * variant // config.variants : len(baked) * (variant + 1) // config.variants]


@dataclass(frozen=True)
class Ear:
    """What has learned to hear, and what it hears in the corpus.

    before: the weights that it goes on from; sound: (2 T, H) features of the listener; stages: folder of all that is
    learned with it.
    """

    listener: Moonshine
    teacher: encoder.EncoderTeacher
    before: ArtalkModel | None
    data: Baked
    sound: NDArray[np.float16]
    stages: Path


def train_listener(work: Path, config: MiniTraining, machine: Machine) -> Moonshine:
    """Stage 1 and what comes before it."""
    return _fit_listener(work, config, machine, _read_corpus(work, config, machine))


def _read_corpus(work: Path, config: MiniTraining, machine: Machine) -> Baked:
    """The augmented corpus in memory; what learns on it has the machine's threads."""
    data = read_baked(bake_corpus(work, config, machine))
    torch.set_num_threads(machine.jobs)
    return data


def _fit_listener(work: Path, config: MiniTraining, machine: Machine, data: Baked) -> Moonshine:
    say, accelerator = machine.say, machine.accelerator
    reader = encoder.train(data, data.clear, work / "reader", config.encoder, say, accelerator=accelerator)
    return listener.train(data, reader, work / "listener", config.listener, say, accelerator=accelerator)


def train_encoder(work: Path, config: MiniTraining, machine: Machine) -> Ear:
    """Stage 2 and what comes before it."""
    say, accelerator = machine.say, machine.accelerator
    data = _read_corpus(work, config, machine)
    before = None if config.start is None else config.start.read()
    known = None if before is None else encoder_of(before)
    ears = _fit_listener(work, config, machine, data) if known is None else known.moonshine
    assert ears is not None  # as `going_on_from` sees to
    stages = _stages(work, config, ears)
    with accelerator.main_process_first():
        sound = listener.hear_corpus(ears, data, stages / "encoder", say, device=accelerator.device)
    data = data.listened_to()
    tower = None if known is None else known.tower
    teacher = encoder.train(data, sound, stages / "encoder", config.encoder, say, start=tower, accelerator=accelerator)
    return Ear(ears, teacher, before, data, sound, stages)


def train_codec(work: Path, config: MiniTraining, machine: Machine) -> MotionCodec:
    """Stage 3 and what comes before it: a codec for the teacher's motion, as it is and for what the encoder hears."""
    return _learn_codec(work, config, machine).codec


@dataclass(frozen=True)
class Coded:
    """A codec, what it was learned with, and what the encoder makes of the corpus."""

    ears: Moonshine
    teacher: encoder.EncoderTeacher
    heard: hearing.Heard
    codec: MotionCodec
    before: ArtalkModel | None
    stages: Path


def _learn_codec(work: Path, config: MiniTraining, machine: Machine) -> Coded:
    say, accelerator = machine.say, machine.accelerator
    ear = train_encoder(work, config, machine)
    ears, teacher, before, stages, known = ear.listener, ear.teacher, ear.before, ear.stages, ear.data.signals
    with accelerator.main_process_first():
        heard = hearing.hear(teacher, ear.data, ear.sound, stages / "encoder", accelerator.device)
    del ear  # the corpus, which is large
    signals, start = np.concatenate([known, heard.signals]), None if before is None else before.codec
    coded = codec.train(signals, stages / "codec", config.codec, say, start=start, accelerator=accelerator)
    return Coded(ears, teacher, heard, coded, before, stages)


def train_generator(work: Path, config: MiniTraining, machine: Machine) -> ArtalkModel:
    """Stage 4 and what comes before it; returns the whole model."""
    learned = _learn_codec(work, config, machine)
    if learned.before is not None:
        model = generator.with_parts(learned.before, learned.teacher, learned.codec)
    else:
        sizes = generator.model_config(config.encoder, config.codec.codec, config.generator)
        model = generator.new_model(
            sizes,
            generator.encoder_from(learned.ears, learned.teacher, sizes.audio),
            learned.codec,
            config.generator.schedule.seed,
        )
    folder, say = codec.generator_folder(learned.stages, learned.codec), machine.say
    return generator.train(learned.heard, folder, model, config.generator, say=say, accelerator=machine.accelerator)


def _stages(work: Path, config: MiniTraining, ears: Moonshine) -> Path:
    """Where the stages after the listener keep checkpoints: apart from what was learned with other ears or weights."""
    return work / (
        f"ears-{weights_hash(ears.state_dict())}" if config.start is None else f"from-{config.start.sha256[:12]}"
    )


def export(model: ArtalkModel, out: Path, config: MiniTraining, figures: str = "", voices: str = "") -> None:
    """Write weights in half precision and the model card; `figures` and `voices` are parts of the card."""
    out.parent.mkdir(parents=True, exist_ok=True)
    settings = json.dumps({**asdict(config), "start": config.start and config.start.sha256})
    save_compact(model, out, {"licence": LICENCE, "training": settings})
    out.with_suffix(".md").write_text(card(model, out, config, figures, voices), encoding="utf-8")


def card(model: ArtalkModel, weights: Path, config: MiniTraining, figures: str, voices: str) -> str:
    """The model card in Markdown."""
    sources = recordings.SOURCES if config.recorded_variants else ()
    thanks = "\n".join(
        [
            f"- {moonshine_package.CREDIT}",
            f"- {tts_kokoro.CREDIT}",
            *(f"- `{source.package}` ({source.licence}): {source.credit}" for source in sources),
        ]
    )
    parts = {
        "speech encoder": model.audio_encoder,
        "codec": model.codec,
        "generator": model.generator,
        "style encoder": model.style_encoder,
    }
    sizes = ", ".join(f"{name} {sum(p.numel() for p in part.parameters()) / 1e6:.2f} M" for name, part in parts.items())
    steps = {
        "Moonshine's layers": None if config.start else config.listener,
        "convolutions of the encoder": config.encoder,
        "decoder of the codec" if config.start else "codec": config.codec,
        "generator": config.generator,
    }
    training = CARD_TRAINING.format(
        sizes=sizes,
        hash=file_hash(weights),
        hours=config.hours,
        variants=config.variants,
        recorded=config.recorded_variants,
        quiet=augment.NON_SPEECH_SHARE,
        seed=config.seed,
        steps=", ".join(f"{name} {stage.schedule.steps}" for name, stage in steps.items() if stage is not None),
        origin=CARD_GOING_ON.format(hash=config.start.sha256) if config.start else CARD_FROM_NOTHING,
    )
    data = CARD_DATA.format(voices=voices, credits=thanks)
    return CARD_HEAD + data + training + figures + CARD_LIMITS
