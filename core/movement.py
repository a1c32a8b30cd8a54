# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a face moves, whatever the head does: what is left of a movement when its rigid part is taken out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def rigid_fit(before: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Rotation (3, 3) and shift (3,) that bring points (N, 3) nearest to others in least squares (Kabsch 1976)."""
    middle, goal = before.mean(axis=0), after.mean(axis=0)
    u, _, vt = np.linalg.svd((before - middle).T @ (after - goal))
    mirrored = np.sign(np.linalg.det(u @ vt))
    turn = (u * [1.0, 1.0, mirrored or 1.0]) @ vt
    return turn, goal - middle @ turn


def movement(before: Floats, after: Floats, still: NDArray[np.bool_]) -> Floats:
    """How far each point (N, 3) has gone beyond the rigid motion of the `still` ones (N,): (N,), in their unit."""
    turn, shift = rigid_fit(before[still], after[still])
    distance: Floats = np.linalg.norm(after - (before @ turn + shift), axis=1)
    return distance
