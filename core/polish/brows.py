# SPDX-License-Identifier: GPL-3.0-or-later
"""A layer of brows: they rise with the strongest accents.

Published facts behind the numbers: visible raises go with about 7 % of the words, most of them strongly accented
(Ambrazaitis and House 2017; Swerts and Krahmer 2010), rise in about 270 ms and fall as fast (Gast 2023).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..motion import Motion
from .curves import add_bump
from .prosody import Accent

_STRONGEST, _CHANCE = 0.9, 0.6
_APART = 1.2
_HEIGHT_MEDIAN, _HEIGHT_SIGMA, _HEIGHT_RANGE, _LARGEST = 0.23, 0.3, (0.15, 0.35), 0.6
_RISE = 0.27
_OUTER, _OTHER_SIDE = 0.7, (0.85, 1.0)


def add_brows(motion: Motion, accents: Sequence[Accent], seed: int, amount: float = 1.0) -> Motion:
    """The motion with a raise of both brows on some of the strongest accents, its top where the vowel begins.

    Merged with the model's own raises by maximum, as an accent is raised once.
    """
    rng = np.random.default_rng([seed, 4])
    seconds = np.arange(len(motion)) / motion.fps
    raised = np.zeros((len(motion), 3))
    last = -_APART
    for accent in accents:
        chance, other = rng.uniform(), rng.uniform(*_OTHER_SIDE)
        height = float(np.clip(rng.lognormal(np.log(_HEIGHT_MEDIAN), _HEIGHT_SIGMA), *_HEIGHT_RANGE))
        if accent.rank >= _STRONGEST and chance < _CHANCE and accent.time - last >= _APART:
            sides = _OUTER * np.array([1.0, other] if rng.uniform() < 0.5 else [other, 1.0])
            add_bump(raised, seconds, accent.time, (_RISE, _RISE), height * np.array([1.0, *sides]))
            last = accent.time
    columns = motion.basis.indices(("browInnerUp", "browOuterUpLeft", "browOuterUpRight"))
    values = motion.values.copy()
    values[:, columns] = np.maximum(values[:, columns], np.clip(amount * raised, 0, _LARGEST))
    return motion.with_values(values)
