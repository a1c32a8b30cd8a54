# SPDX-License-Identifier: GPL-3.0-or-later
"""Rhubarb Lip Sync's results as mouth tracks, to stand beside a model.

Rhubarb (MIT) writes which of nine mouth shapes is shown from when on: as lines `seconds TAB shape`, or as JSON with
`mouthCues`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from .clips import Clip
from .mouth import MouthTracks

FPS = 25.0
OPEN_MM = 12.0
"""Lip gap and drop of the jaw of the shape D, a wide open [ɑ]."""
SHAPES = {  # aperture and jaw as shares of OPEN_MM, rounding, lip on teeth
    "A": (0.0, 0.1, 0.0, 0.0),
    "B": (0.2, 0.08, 0.0, 0.0),
    "C": (0.55, 0.5, 0.0, 0.0),
    "D": (1.0, 1.0, 0.0, 0.0),
    "E": (0.5, 0.5, 0.6, 0.0),
    "F": (0.15, 0.2, 1.0, 0.0),
    "G": (0.08, 0.15, 0.0, 1.0),
    "H": (0.5, 0.45, 0.0, 0.0),
    "X": (0.0, 0.0, 0.0, 0.0),
}


@dataclass(frozen=True)
class RhubarbFolder:
    """A folder with one result, ID.tsv or ID.json, for each clip."""

    folder: Path

    def tracks(self, clip: Clip) -> MouthTracks:
        """The mouth of one clip at 25 fps; InputError when its file is missing or is not Rhubarb's."""
        return tracks(read_cues(self._file(clip)), clip.duration)

    def _file(self, clip: Clip) -> Path:
        for ending in (".tsv", ".json"):
            if (path := self.folder / f"{clip.id}{ending}").is_file():
                return path
        raise InputError(
            f"'{self.folder}' has neither {clip.id}.tsv nor {clip.id}.json: run Rhubarb on every clip, or use --only."
        )


def read_cues(path: Path) -> list[tuple[float, str]]:
    """Start in seconds and shape of each cue of a file; InputError when it is not Rhubarb's."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            cues = [(float(cue["start"]), str(cue["value"])) for cue in json.loads(text)["mouthCues"]]
        else:
            cues = [(float(start), shape) for start, shape in (line.split() for line in text.splitlines() if line)]
    except (ValueError, KeyError, TypeError):
        cues = []
    if not cues or any(shape not in SHAPES for _, shape in cues):
        raise InputError(f"'{path}' is not a result of Rhubarb: write it with `rhubarb -f tsv` or `-f json`.")
    return cues


def tracks(cues: list[tuple[float, str]], duration: float) -> MouthTracks:
    """The shape shown at each frame, without a transition, as Rhubarb's users see it; closed before the first cue."""
    seconds = np.arange(int(duration * FPS) + 1) / FPS
    starts = np.array([start for start, _ in cues])
    rows = np.array([SHAPES["X"], *(SHAPES[shape] for _, shape in cues)])
    aperture, jaw, rounding, fv = rows[np.searchsorted(starts, seconds + 1e-9, side="right")].T
    return MouthTracks(FPS, aperture * OPEN_MM, jaw * OPEN_MM, rounding, fv)
