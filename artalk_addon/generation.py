# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job in three steps: `prepare` reads Blender, `speak` runs the model on plain data, `apply` writes keys.

The panel, the command and plain Python all go this way; only the middle step may run in a thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import bpy
import numpy as np

from ..core import models
from ..core.basis import ARKIT
from ..core.errors import InputError
from ..core.generate import Options, check, generate
from ..core.models import Cancel, Progress
from ..core.motion import Motion
from . import compat, keyframes, preflight, rigs, strips
from .plan import Character, Curve, join, plan
from .strips import Clip


@dataclass(frozen=True)
class Task:
    """All that one generation needs, as plain data. fps: frames per second of the scene with the strips."""

    clips: tuple[Clip, ...]
    character: Character
    fps: float
    options: Options


def prepare(
    scene: bpy.types.Scene, sound_strips: Sequence[compat.Strip], character: bpy.types.Object, options: Options
) -> Task:
    """Read strips and character; InputError for whatever would make the job fail later, before any time is spent."""
    check(options)
    entry = models.entry(options.model)
    if entry.basis != ARKIT:
        raise InputError(
            f"The model '{options.model}' gives {entry.basis.name.upper()} motion, which '{character.name}' cannot "
            "take: choose the model 'mini'."
        )
    described = rigs.describe(character)
    fps = strips.rate(scene)
    clips = tuple(strips.read_clip(strip, fps) for strip in sound_strips)
    task = Task(clips, described, fps, options)
    keyframes.check(described, _curves(task, [_still(clip) for clip in clips]))
    preflight.require_clear(character)
    return task


def speak(task: Task, progress: Progress, cancel: Cancel) -> list[Motion]:
    """One motion for each clip. Touches nothing of Blender, so any thread may run it."""
    total = sum(len(clip.samples) for clip in task.clips)
    done = 0
    motions = []
    for clip in task.clips:
        share, before = len(clip.samples) / total, done / total
        motions.append(generate(clip.samples, task.options, partial(_report, progress, before, share), cancel))
        done += len(clip.samples)
    return motions


def apply(task: Task, motions: Sequence[Motion]) -> str:
    """Write the motions as keys; returns a sentence on what was done. Raises InputError, nothing changed."""
    curves = _curves(task, motions)
    keys = keyframes.write(task.character, curves)
    missing = "" if "head" in task.character.bones else ", without head turns (no head bone)"
    lines = f"{len(motions)} line{'s' if len(motions) != 1 else ''}"
    return f"{lines} on '{task.character.name}': {keys} keys in {len(curves)} curves{missing}."


def _report(progress: Progress, before: float, share: float, fraction: float) -> None:
    """Pass on the progress of one clip among several."""
    progress(before + share * fraction)


def _curves(task: Task, motions: Sequence[Motion]) -> list[Curve]:
    pairs = zip(task.clips, motions, strict=True)
    return join([plan(motion, task.character, clip.start, task.fps) for clip, motion in pairs])


def _still(clip: Clip) -> Motion:
    """A motion without motion, as long as the clip: enough to see which curves its keys would touch."""
    return Motion(np.zeros((2, len(ARKIT)), np.float32), ARKIT, 16000 / max(1, len(clip.samples)))
