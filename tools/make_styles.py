# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the styles that are shipped for artalk-mini: its teacher says two seconds of a sentence in each of them.

python tools/make_styles.py FOLDER      writes FOLDER/NAME.npz for each; the shipped ones lie in weights/styles
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from artalk.core import audio, styles
from artalk.core.basis import ARKIT
from artalk.core.evaluate.clips import SHIPPED_CLIPS, load_clips
from artalk.core.motion import Motion
from artalk.core.train import teacher
from artalk.core.train.teacher import Style

# beyond what was trained at times, on purpose: the model goes only part of the way
STYLES = {
    "even": (Style(), "as most people speak"),
    "calm": (Style(jaw=0.8, lips=0.7, brow=0.2, head=0.4), "a quiet head and quiet brows"),
    "lively": (Style(jaw=1.2, lips=1.15, smile=0.04, brow=2.5, brow_rest=0.05, head=3.0), "head and brows take part"),
    "mumbling": (Style(jaw=0.7, lips=0.75, brow=0.5, head=0.7), "lips that move little"),
    "broad": (Style(jaw=1.5, lips=1.35), "a mouth that opens wide"),
    "smiling": (Style(smile=0.2, brow=1.2, brow_rest=0.05), "smiles while it speaks"),
    "stern": (Style(smile=0.0, brow=0.4, brow_rest=-0.12, head=0.7), "lowered brows, no smile"),
}
CLIP = "austen_0890"


def main(folder: Path) -> None:
    """Write all styles."""
    folder.mkdir(parents=True, exist_ok=True)
    clip = next(clip for clip in load_clips(SHIPPED_CLIPS) if clip.id == CLIP)
    signals = teacher.signals(audio.read(clip.path), clip.phones)
    start = busiest(signals)
    for name, (style, about) in STYLES.items():
        values = teacher.motion(signals[start : start + styles.FRAMES], style.vector())
        Motion(values, ARKIT, styles.FPS, {"about": about}).save(folder / f"{name}.npz")
        print(folder / f"{name}.npz")


def busiest(signals: teacher.Array) -> int:
    """First frame of the two seconds in which mouth and head move the most."""
    moved = np.abs(np.diff(signals, axis=0)).sum(axis=1)
    return int(np.convolve(moved, np.ones(styles.FRAMES - 1), "valid").argmax())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
