# SPDX-License-Identifier: GPL-3.0-or-later
"""A layer of breath: lips part a little and nostrils widen while somebody breathes in before a phrase."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..motion import Motion
from .curves import add_bump
from .phrases import Phrase

_SHORTEST_PAUSE, _LONGEST = 0.3, 0.6
_BEFORE_VOICE = 0.1
"""Seconds from the end of the breath to the voice: lips that begin with p or b are shut by then."""
_JAW, _NOSE = 0.03, 0.05
"""A jaw of .03 parts the lips by .8 mm on the default head and by 1.7 on a realistic one: at rest still, up to 2 mm."""


def add_breath(motion: Motion, spoken: Sequence[Phrase], amount: float = 1.0) -> Motion:
    """The motion with an inhalation in each pause over .3 s between phrases; no longer than .6 s."""
    seconds = np.arange(len(motion)) / motion.fps
    inhaling = np.zeros((len(motion), 1))
    for before, after in pairwise(spoken):
        pause = after.start - before.end
        if pause > _SHORTEST_PAUSE:
            length = min(pause - _BEFORE_VOICE, _LONGEST)
            top = after.start - _BEFORE_VOICE - 0.3 * length
            add_bump(inhaling, seconds, top, (0.7 * length, 0.3 * length), 1.0)
    values = motion.values.copy()
    for names, size in ((("jawOpen",), _JAW), (("noseSneerLeft", "noseSneerRight"), _NOSE)):
        columns = motion.basis.indices(names)
        breath = (amount * size * inhaling).astype(np.float32)
        values[:, columns] = np.maximum(values[:, columns], np.clip(breath, 0, 1))
    return motion.with_values(values)
