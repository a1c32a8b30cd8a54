# SPDX-License-Identifier: GPL-3.0-or-later
"""A model without weights whose motion is known: what the Blender tests generate with, instead of a network."""

from __future__ import annotations

import numpy as np

FPS = 25.0
HEAD = ("head_x", "head_y", "head_z")


def is_closed(frames):
    """Whether the stand-in's lips are sealed at its own frames, counted from 0: three of every eight."""
    return np.asarray(frames) % 8 >= 5


def values(channels, frames):
    """(frames, channels): every channel a wave of its own, the mouth opening and sealing, head and eyes turning."""
    seconds = np.arange(frames) / FPS
    waves = 0.15 + 0.15 * np.sin(seconds[:, None] * (3 + np.arange(len(channels))))
    still = ("mouth", "jaw", "tongue", "cheek", "nose")  # what would part sealed lips
    by_name = {name: wave for name, wave in zip(channels, waves.T, strict=True) if not name.startswith(still)}
    jaw = 0.5 + 0.2 * np.sin(seconds * 5)
    by_name["jawOpen"] = jaw
    by_name["mouthClose"] = np.where(is_closed(np.arange(frames)), jaw, 0.0)
    for number, name in enumerate(HEAD):
        by_name[name] = 0.35 * np.sin(seconds * (2 + number))
    return np.stack([by_name.get(name, np.zeros(frames)) for name in channels], axis=1).astype(np.float32)


class StandIn:
    """A SpeechModel. `ending`: how it ends: None, or an exception to raise half-way."""

    def __init__(self, basis, motion, ending=None):
        self.basis, self.fps, self.ending, self.motion = basis, FPS, ending, motion

    def generate(self, audio, *, style=None, seed=0, progress=None, cancel=None):  # noqa: ARG002
        progress(0.5)
        if self.ending is not None:
            raise self.ending
        frames = max(1, int(len(audio) / 16000 * FPS))
        progress(1.0)
        return self.motion(values(self.basis.channels, frames), self.basis, FPS, {"model": "stand-in"})
