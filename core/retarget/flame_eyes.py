# SPDX-License-Identifier: GPL-3.0-or-later
"""FLAME motion with and without eyes: the released ARTalk turns the jaw about three axes, its training code about one
and the eyes about two."""

from __future__ import annotations

import numpy as np

from ..basis import FLAME, FLAME_EYES, Basis
from ..motion import Motion


def with_eyes(motion: Motion) -> Motion:
    """FLAME motion as that with eyes, which look ahead; other motion as it is."""
    return _as(motion, FLAME_EYES) if motion.basis == FLAME else motion


def without_eyes(motion: Motion) -> Motion:
    """FLAME motion with eyes as that without them, of which the jaw only opens; other motion as it is."""
    return _as(motion, FLAME) if motion.basis == FLAME_EYES else motion


def _as(motion: Motion, basis: Basis) -> Motion:
    """The channels that two bases share; the others are 0."""
    values = np.zeros((len(motion), len(basis)), np.float32)
    shared = [name for name in basis.channels if name in motion.basis.channels]
    values[:, basis.indices(shared)] = motion.values[:, motion.basis.indices(shared)]
    return Motion(values, basis, motion.fps, motion.meta)
