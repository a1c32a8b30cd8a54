# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep ARKit motion inside what a rig can show."""

from __future__ import annotations

import numpy as np

from ..basis import ARKIT_SHAPES
from ..motion import Motion


def within_limits(motion: Motion) -> Motion:
    """The motion with its shapes in [0, 1] and `mouthClose` at most `jawOpen`.

    `mouthClose` takes back what `jawOpen` opens; more of it would push the lips through each other.
    """
    values = motion.values.copy()
    shapes = motion.basis.indices(ARKIT_SHAPES)
    values[:, shapes] = np.clip(values[:, shapes], 0, 1)
    close, jaw = motion.basis.index("mouthClose"), motion.basis.index("jawOpen")
    values[:, close] = np.minimum(values[:, close], values[:, jaw])
    return motion.with_values(values)
