# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a model takes on a style that it never saw: the way from neutral to the style, group by group."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..basis import ARKIT, HEAD_ROTATION
from ..errors import InputError
from ..models import SpeechModel
from ..motion import Motion
from ..train import teacher
from ..train.teacher import NEUTRAL, Style
from .channels import channel_groups
from .clips import Clip
from .goals import at_least
from .systems import Recordings, Speak, say_progress
from .tables import Table

Array = NDArray[np.float64]

STYLE_FRAMES = 50
SHORTEST = 2.2
"""Seconds that a clip must have to show a style."""
WANTED_SHARE = at_least(0.7, 0.7)
GROUPS = ("jaw", "lips", "smile", "brows", "head")
_HEAD = ARKIT.indices(HEAD_ROTATION)


class _Corners(random.Random):
    """Draws one end of every range."""

    def uniform(self, a: float, b: float) -> float:
        return a if self.random() < 0.5 else b


def unseen_styles(count: int) -> dict[str, list[Style]]:
    """`count` styles drawn as the teacher draws them and `count` corners of their box, from seeds of their own."""
    return {
        "random styles": [Style.sample(random.Random(f"evaluate {n}")) for n in range(count)],
        "corner styles": [Style.sample(_Corners(f"evaluate {n}")) for n in range(count)],
    }


def measure(speak: Speak, clips: Sequence[Clip], recordings: Recordings, count: int = 12, lines: int = 3) -> Table:
    """Share of the way from the neutral amplitude to the style's, 1 being all of it, per channel group.

    Each style is shown as 50 frames of the teacher's motion of another clip. The amplitude of a channel is its root
    mean square over a clip, of the head's axes about their mean. The share is the slope, through zero, of the model's
    change of amplitude over the teacher's on the same speech, over all styles, `lines` clips and channels of a group.
    Raises InputError when fewer than two clips of speech are long enough to show a style.
    """
    chosen = _spread([clip for clip in clips if clip.kind == "speech" and clip.duration >= SHORTEST], lines)
    if len(chosen) < 2:
        raise InputError(f"Style adaptation needs two clips of speech of {SHORTEST:g} s or longer: give more clips.")
    signals = {clip.id: teacher.signals(recordings[clip.id], clip.phones) for clip in chosen}
    without = {clip.id: amplitudes(speak(recordings[clip.id])) for clip in chosen}
    rows: dict[str, dict[str, float]] = {group: {} for group in GROUPS}
    for kind, styles in unseen_styles(count).items():
        made, wanted = [], []
        for number, style in enumerate(styles):
            for k, clip in enumerate(chosen):
                shown = style_motion(signals[chosen[k - 1].id], style, number)
                made.append(amplitudes(speak(recordings[clip.id], style=shown)) - without[clip.id])
                wanted.append(_taught(signals[clip.id], style) - _taught(signals[clip.id], NEUTRAL))
            say_progress(kind, number + 1, len(styles))
        for group, columns in channel_groups(ARKIT).items():
            if group in rows:
                rows[group][kind] = share(np.array(made)[:, columns], np.array(wanted)[:, columns])
    marks = {(group, kind): WANTED_SHARE.mark(value) for group, row in rows.items() for kind, value in row.items()}
    note = "Share of the way from the neutral amplitude to that of a style shown for 2 s; at least .7 is wanted."
    return Table("style adaptation", rows, marks, f"{note} {count} styles of each kind on {len(chosen)} clips.")


def check(model: SpeechModel) -> None:
    """Raise InputError for a model whose motion the teacher cannot show a style in."""
    if model.basis != ARKIT:
        raise InputError(
            f"--style needs a model of ARKit motion, and this one's is '{model.basis.name}': leave it out."
        )


def style_motion(signals: teacher.Array, style: Style, seed: int) -> Motion:
    """50 frames of the teacher in a style, from a stretch of its signals (T, 12) drawn by the seed."""
    start = random.Random(f"evaluate stretch {seed}").randrange(len(signals) - STYLE_FRAMES + 1)
    return Motion(teacher.motion(signals[start : start + STYLE_FRAMES], style.vector()), ARKIT, teacher.FPS)


def amplitudes(motion: Motion) -> Array:
    """Root mean square of each channel, (C,); of the head's axes about their mean."""
    values = motion.values.astype(np.float64)
    values[:, _HEAD] -= values[:, _HEAD].mean(axis=0)
    return np.asarray(np.sqrt(np.mean(values**2, axis=0)))


def share(made: Array, wanted: Array) -> float:
    """Slope through zero of changes made over changes wanted, of any equal shape; nan when none was wanted."""
    total = float(np.sum(wanted**2))
    return float(np.sum(made * wanted)) / total if total > 1e-12 else float("nan")


def _taught(signals: teacher.Array, style: Style) -> Array:
    return amplitudes(Motion(teacher.motion(signals, style.vector()), ARKIT, teacher.FPS))


def _spread(clips: Sequence[Clip], count: int) -> list[Clip]:
    """`count` of the clips, evenly spread over their order."""
    return [clips[i] for i in dict.fromkeys(np.linspace(0, len(clips) - 1, count).round().astype(int))] if clips else []
