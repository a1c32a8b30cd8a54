# SPDX-License-Identifier: GPL-3.0-or-later
"""Even out the roughness where the windows of a model meet."""

from __future__ import annotations

import numpy as np

from ..motion import Motion
from .seals import SEALED_MM, lip_gap

WINDOW = "window_frames"
"""Entry of a motion's `meta`: how many frames the model made at a time."""
_KERNEL = np.array([1, 4, 6, 4, 1]) / 16
_AMOUNTS = np.array([0.07, 0.17, 0.28, 0.28, 0.17, 0.07])
"""How much of the smoothed curve counts on the three frames to either side of a border: what makes its jerk that of
other places (`artalk evaluate --seams`)."""


def ease_seams(motion: Motion) -> Motion:
    """The motion, on the model's own frames, a little smoother at the borders of its windows; sealed lips stay sealed.

    A window's first and last frames are decoded with one side of their neighbourhood missing. Without `WINDOW` in its
    `meta` a motion is returned as it is.
    """
    window = int(motion.meta.get(WINDOW, 0))
    if not window or len(motion) <= window:
        return motion
    reach = len(_KERNEL) // 2
    padded = np.pad(motion.values, ((reach, reach), (0, 0)), mode="edge")
    smooth = sum(share * padded[at : at + len(motion)] for at, share in enumerate(_KERNEL))
    amount = np.zeros(len(motion))
    for border in range(window, len(motion), window):
        first = border - len(_AMOUNTS) // 2
        amount[first : first + len(_AMOUNTS)] = _AMOUNTS[: len(motion) - first]
    amount[lip_gap(motion) <= SEALED_MM] = 0
    values = motion.values + amount[:, None].astype(np.float32) * (np.asarray(smooth, np.float32) - motion.values)
    return motion.with_values(values)
