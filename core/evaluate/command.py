# SPDX-License-Identifier: GPL-3.0-or-later
"""`artalk evaluate`: score a model on labelled recordings, beside the loudness baseline and the ceiling."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import audio as sound
from ..basis import ARKIT
from ..errors import InputError
from ..generate import POSTS, Options, generate
from ..motion import Motion
from .baselines import EnergyFlap
from .clips import SHIPPED_CLIPS, Clip, load_clips
from .mouth import MouthProbe, MouthTracks, default_head_probe, ict_probe
from .scorer import score

Animate = Callable[[Clip, NDArray[np.float32]], Motion]
Scores = dict[str, float]


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `evaluate` to the command line."""
    command = commands.add_parser("evaluate", help="score a model on labelled recordings")
    command.add_argument("--model", default="mini", help="which model (ARKit basis)")
    command.add_argument("--weights", type=Path, help="weights file, where they do not come with artalk")
    command.add_argument("--clips", type=Path, default=SHIPPED_CLIPS, help="folder with labels.json and the recordings")
    command.add_argument("--head", type=Path, help="folder with ict_facekit.npz, to measure on that head")
    command.add_argument("--post", default="artalk", choices=POSTS, help="score with our layers, or the bare model")
    command.add_argument("--report", type=Path, help="folder for scores.json")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Print one table per group of clips on stdout and write the report."""
    clips = load_clips(arguments.clips)
    if arguments.report:
        _make_folder(arguments.report)
    probe = ict_probe(arguments.head) if arguments.head else default_head_probe()
    options = Options(model=arguments.model, weights=arguments.weights, post=arguments.post)
    flap = EnergyFlap()
    systems: dict[str, Animate] = {
        arguments.model: lambda _clip, samples: generate(samples, options),
        "energy flap": lambda _clip, samples: flap.generate(samples),
        "ceiling": _ceiling,
    }
    recordings = {clip.id: sound.read(clip.path) for clip in clips}
    tracks = {name: _measure(clips, recordings, animate, probe, name) for name, animate in systems.items()}
    report: dict[str, dict[str, Scores]] = {}
    for group, members in _groups(clips).items():
        report[group] = {name: score(members, measured) for name, measured in tracks.items()}
        print(table(f"{group}: {len(members)} clips", report[group]))
    if arguments.report:
        (arguments.report / "scores.json").write_text(json.dumps(report, indent=1), encoding="utf-8")


def _measure(
    clips: Sequence[Clip],
    recordings: Mapping[str, NDArray[np.float32]],
    animate: Animate,
    probe: MouthProbe,
    name: str,
) -> dict[str, MouthTracks]:
    out = {}
    for number, clip in enumerate(clips, 1):
        out[clip.id] = probe.tracks(animate(clip, recordings[clip.id]))
        if sys.stderr.isatty():
            print(f"\r{name}: {number} of {len(clips)} clips", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return out


def _ceiling(clip: Clip, _samples: NDArray[np.float32]) -> Motion:
    """The articulation table itself, from the true phones: what a model that has learned it perfectly would reach."""
    from ..phones import articulate
    from ..train import teacher

    tracks = articulate(clip.phones, clip.duration, teacher.FPS)
    signal = np.pad(tracks, ((0, 0), (0, len(teacher.PROSODY)))).astype(np.float32)
    return Motion(teacher.motion(signal, teacher.NEUTRAL.vector()), ARKIT, teacher.FPS)


def _groups(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    """English with the clips without speech, and the other languages together, where there are any."""
    english = [clip for clip in clips if clip.language.startswith("en") or clip.kind != "speech"]
    others = [clip for clip in clips if clip not in english]
    return {name: group for name, group in (("english", english), ("other languages", others)) if group}


def table(title: str, scores: Mapping[str, Scores]) -> str:
    """A text table, one row per metric and one column per system."""
    names = list(scores)
    lines = [f"{title:22s}" + "".join(f"{name:>14s}" for name in names)]
    for metric in scores[names[0]]:
        cells = "".join(f"{scores[name].get(metric, float('nan')):14.3f}" for name in names)
        lines.append(f"{metric:22s}{cells}")
    return "\n".join(lines) + "\n"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder '{folder}' cannot be made ({error.strerror}): choose another --report.") from None
