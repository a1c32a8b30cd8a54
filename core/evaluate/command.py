# SPDX-License-Identifier: GPL-3.0-or-later
"""`artalk evaluate`: score a model on labelled recordings, beside the loudness baseline and the ceiling."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import audio as sound
from ..basis import ARKIT
from ..errors import InputError
from ..generate import POSTS, Options, check, load_model
from ..models import SpeechModel
from ..phones import is_silence
from . import diversity, report, scores, seams, unheard_people, unheard_voices
from .baselines import EnergyFlap
from .clips import SHIPPED_CLIPS, Clip, load_clips
from .mouth import MouthProbe, MouthTracks, default_head_probe, ict_probe
from .rhubarb import RhubarbFolder
from .systems import Audio, ModelSpeaker, Recordings, ceiling, measure_all
from .tables import Table

FURTHER = {
    "groups": "also by language, set and kind of the clips",
    "conditions": "also with noise, over the telephone, in a room, and with other voices and speeds",
    "style": "also how far styles that were never trained on are taken on",
    "diversity": "also what another seed changes",
    "codec": "also what the model's motion codec loses, and how it uses its codes",
    "naturalness": "also whether head, eyes, lids and lips move as people's do: fourteen checks on ten minutes",
    "seams": "also ten minutes at a stretch: borders of windows, drift of the head",
}
"""Each an option of its own; `--all` is all of them."""


@dataclass(frozen=True)
class Evaluation:
    """What every measure needs: the clips with their samples, the model and how its mouth is measured.

    people: folder with the recordings of `unheard_people`, where they are wanted.
    """

    clips: Sequence[Clip]
    recordings: Recordings
    model: SpeechModel
    speak: ModelSpeaker
    probe: MouthProbe
    people: Path | None

    @property
    def name(self) -> str:
        """The model's name in the registry, the head of its column."""
        return self.speak.options.model

    def tracks(self, _clip: Clip, samples: Audio) -> MouthTracks:
        """The mouth of the model on some samples."""
        return self.probe.tracks(self.speak(samples))


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `evaluate` to the command line."""
    command = commands.add_parser("evaluate", help="score a model on labelled recordings")
    command.add_argument("--model", default="mini", help="which model (mouth scores need ARKit motion)")
    command.add_argument("--weights", type=Path, help="weights file, where they do not come with artalk")
    command.add_argument("--clips", type=Path, default=SHIPPED_CLIPS, help="folder with labels.json and the recordings")
    command.add_argument(
        "--only", action="append", metavar="SET", help="only clips of this set, or this id; repeatable"
    )
    command.add_argument("--head", type=Path, help="folder with ict_facekit.npz, to measure on that head")
    command.add_argument("--post", default="artalk", choices=POSTS, help="score with our layers, or the bare model")
    command.add_argument("--rhubarb", type=Path, metavar="DIR", help="Rhubarb's results, ID.tsv or ID.json: one column")
    command.add_argument(
        "--unheard-voices",
        action="store_true",
        help="also five other languages by voices of RHVoice that no training heard; needs them (not among --all)",
    )
    command.add_argument(
        "--unheard-people",
        type=Path,
        metavar="DIR",
        help="also words of KTuberling in two other languages, fetched into DIR: people that no training heard",
    )
    for name, meaning in FURTHER.items():
        command.add_argument(f"--{name}", action="store_true", help=meaning)
    command.add_argument("--all", action="store_true", help="all of these")
    command.add_argument("--report", type=Path, metavar="DIR", help="folder for index.html and scores.json")
    command.add_argument("--pictures", type=int, default=2, metavar="N", help="clips to draw and render in the report")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Print the tables on stdout as they are made, and write the report."""
    evaluation = _prepare(arguments)
    wanted = [name for name in FURTHER if arguments.all or getattr(arguments, name)]
    if arguments.unheard_voices:
        wanted.append("unheard-voices")
    _check_further(evaluation.model, wanted)
    if arguments.report:
        report.make_folder(arguments.report)
    systems = _systems(evaluation, arguments.rhubarb, codec="codec" in wanted)
    tables = []
    for table in _tables(evaluation, systems, wanted):
        print(table.text(), flush=True)
        tables.append(table)
    if arguments.report:
        pictures = list(_pictures(evaluation, systems, arguments.pictures)) if systems else []
        report.write(arguments.report, f"artalk evaluate: {evaluation.name}", _settings(arguments), tables, pictures)
        print(arguments.report / "index.html", file=sys.stderr)


def _check_further(model: SpeechModel, wanted: Sequence[str]) -> None:
    """Raise InputError for a measure that this model does not allow."""
    # these two stand on the teacher and with it on scipy, which no other command line needs
    from . import codec_quality, naturalness, style_transfer

    if "style" in wanted:
        style_transfer.check(model)
    if "codec" in wanted:
        codec_quality.codec_of(model)
    if "naturalness" in wanted:
        naturalness.check(model)
    if "unheard-voices" in wanted:
        unheard_voices.check(unheard_voices.LANGUAGES)


def _prepare(arguments: argparse.Namespace) -> Evaluation:
    """Everything that bad input could spoil, before any time is spent."""
    clips = _chosen(load_clips(arguments.clips), arguments.only)
    options = Options(model=arguments.model, weights=arguments.weights, post=arguments.post)
    check(options)
    if arguments.pictures < 0:
        raise InputError(f"{arguments.pictures} pictures cannot be drawn: give --pictures a number from 0 up.")
    probe = ict_probe(arguments.head) if arguments.head else default_head_probe()
    recordings = {clip.id: sound.read(clip.path) for clip in clips}
    for clip in clips:
        if abs(len(recordings[clip.id]) / sound.RATE - clip.duration) > 0.1:
            raise InputError(f"'{clip.path}' does not last the {clip.duration:g} s of its label: mend labels.json.")
    people = unheard_people.fetch(arguments.unheard_people) if arguments.unheard_people else None
    return Evaluation(clips, recordings, load_model(options), ModelSpeaker(options), probe, people)


def _chosen(clips: Sequence[Clip], only: Sequence[str] | None) -> list[Clip]:
    """The clips whose set or id is among `only`; all of them without it."""
    kept = [clip for clip in clips if not only or clip.id in only or clip.group in only]
    if not kept:
        sets = ", ".join(sorted({clip.group for clip in clips}))
        raise InputError(f"No clip is of the set or has the id {', '.join(only or [])}: the sets are {sets}.")
    return kept


def _systems(evaluation: Evaluation, rhubarb: Path | None, *, codec: bool) -> dict[str, scores.Tracks]:
    """Mouth tracks of the model and what stands beside it; nothing for a model whose mouth cannot be measured."""
    clips, recordings, probe = evaluation.clips, evaluation.recordings, evaluation.probe
    others: dict[str, scores.Tracks] = {}
    if rhubarb:
        cues = RhubarbFolder(rhubarb)
        others["Rhubarb"] = {clip.id: cues.tracks(clip) for clip in clips}
    if evaluation.model.basis != ARKIT:
        print(
            f"artalk: mouth scores are for ARKit motion; '{evaluation.name}' gives '{evaluation.model.basis.name}', "
            "so only --diversity and --seams can measure it.",
            file=sys.stderr,
        )
        return {}
    taught = {clip.id: ceiling(clip) for clip in clips}
    if codec:
        from . import codec_quality

        coder = codec_quality.codec_of(evaluation.model)
        decoded = {name: codec_quality.through_codec(coder, motion)[0] for name, motion in taught.items()}
        others["codec"] = {name: probe.tracks(motion) for name, motion in decoded.items()}
    flap = EnergyFlap()
    return {
        evaluation.name: measure_all(evaluation.name, evaluation.tracks, clips, recordings),
        "energy flap": {clip.id: probe.tracks(flap.generate(recordings[clip.id])) for clip in clips},
        **others,
        "ceiling": {name: probe.tracks(motion) for name, motion in taught.items()},
    }


def _tables(evaluation: Evaluation, systems: dict[str, scores.Tracks], wanted: Sequence[str]) -> Iterator[Table]:
    """Every table in turn, as soon as it is made."""
    clips, recordings, probe, speak = evaluation.clips, evaluation.recordings, evaluation.probe, evaluation.speak
    if systems:
        for group, members in scores.main_groups(clips).items():
            yield scores.side_by_side(group, members, systems, evaluation.name, recordings)
    if systems and "groups" in wanted:
        yield scores.by_group(clips, systems[evaluation.name])
    if systems and "unheard-voices" in wanted:
        yield unheard_voices.measure(evaluation.tracks, unheard_voices.LANGUAGES)
    if systems and evaluation.people:
        yield unheard_people.measure(evaluation.tracks, evaluation.people, unheard_people.WORDS)
    if systems and "conditions" in wanted:
        yield from scores.by_condition(clips, recordings, evaluation.tracks)
    if "style" in wanted:
        from . import style_transfer

        yield style_transfer.measure(speak, clips, recordings)
    if "diversity" in wanted:
        yield diversity.measure(speak, clips, recordings)
    if "codec" in wanted:
        from . import codec_quality

        yield from codec_quality.measure(codec_quality.codec_of(evaluation.model), clips, recordings, probe)
    if "naturalness" in wanted:
        from . import naturalness

        yield naturalness.measure(speak.options, clips, recordings)
    if "seams" in wanted:
        english = [clip for clip in clips if clip.language.startswith("en")]
        yield seams.measure(speak, seams.long_speech(english or clips, recordings), probe)


def _pictures(evaluation: Evaluation, systems: dict[str, scores.Tracks], count: int) -> Iterator[report.Picture]:
    """Curves, and rendered frames where Blender's module is there, of clips spread over the list."""
    from .pictures import contact_sheet, phone_curves

    spoken = [clip for clip in evaluation.clips if not all(is_silence(phone) for _, _, phone in clip.phones)]
    for clip in spoken[:: max(1, len(spoken) // max(count, 1))][:count]:
        drawn = {name: systems[name][clip.id] for name in (evaluation.name, "Rhubarb") if name in systems}
        samples = evaluation.recordings[clip.id]
        yield report.Picture(
            f"{clip.id}: curves over the phones", phone_curves(clip, samples, drawn, systems["ceiling"][clip.id])
        )
        try:
            sheet = contact_sheet(clip, evaluation.speak.options)
        except InputError as missing:
            print(f"artalk: {missing}", file=sys.stderr)
        else:
            yield report.Picture(f"{clip.id}: the default head at some of its phones", sheet)


def _settings(arguments: argparse.Namespace) -> dict[str, str]:
    """What the figures depend on, in the user's words; file and folder names without the way to them."""
    names = ("model", "weights", "post", "clips", "only", "head", "rhubarb")
    found = {name: getattr(arguments, name) for name in names}
    return {
        name: value.name if isinstance(value, Path) else ", ".join(value) if isinstance(value, list) else value
        for name, value in found.items()
        if value
    }
