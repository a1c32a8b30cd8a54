# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a head's own mouthClose closes what its jawOpen opens: measured on its mesh, so that lips meet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FOLLOWS, _STAYS = 0.5, 0.15
"""Share of the furthest movement under jawOpen from which a vertex is of the lower lip, or up to which of the upper."""
_CLOSES = 0.3
_NEAR, _FEW = (0.03, 0.06, 0.12), 12
"""Lips that meet are nearer to each other than this share of the largest opening; wider where so few are found."""
_MIDDLE = 0.35
_SPOKEN = 0.4
"""jawOpen at which closures of running speech are, and at which the lips are to meet."""
_EXACT = 0.05
_LIMITS = (0.3, 2.0)
_MOST = 600
"""So many vertices of each lip tell enough; more would only take time."""


def lip_pairs(rest: Floats, jaw: Floats, close: Floats) -> NDArray[np.int64]:
    """Upper and lower vertices (P, 2) that touch at rest, part under jawOpen and are brought together by mouthClose.

    rest, jaw, close: (V, 3) positions and what the two shapes add at 1, in any unit. Empty where there are no lips.
    """
    drop, shut = np.linalg.norm(jaw, axis=1), np.linalg.norm(close, axis=1)
    none = np.empty((0, 2), np.int64)
    if drop.max(initial=0) == 0 or shut.max(initial=0) == 0:
        return none
    lower = np.flatnonzero((shut > _CLOSES * shut.max()) & (drop > _FOLLOWS * drop.max()))
    if not len(lower):
        return none
    reach = _NEAR[-1] * drop.max()
    inside = np.all((rest > rest[lower].min(axis=0) - reach) & (rest < rest[lower].max(axis=0) + reach), axis=1)
    upper = np.flatnonzero(inside & (drop < _STAYS * drop.max()))
    if not len(upper):
        return none
    lower, upper = (numbers[:: -(-len(numbers) // _MOST)] for numbers in (lower, upper))
    apart = np.linalg.norm(rest[lower][:, None] - rest[upper][None], axis=2)
    nearest = apart.argmin(axis=1)
    closest = apart[np.arange(len(lower)), nearest]
    touching = next((t for near in _NEAR if (t := closest < near * drop.max()).sum() >= _FEW), closest < reach)
    return np.stack([upper[nearest[touching]], lower[touching]], axis=1)


def seal_gain(rest: Floats, jaw: Floats, close: Floats) -> float:
    """The factor on mouthClose with which mouthClose = jawOpen just shuts the lips; 1 where that cannot be told.

    Least squares over the pairs in the middle of the mouth, where it opens the most: the distance of the lips with
    jawOpen as in speech and mouthClose by the gain, as small as can be.
    """
    pairs = lip_pairs(rest, jaw, close)
    if len(pairs) < 3:
        return 1.0
    upper, lower = pairs.T
    opened, closed = jaw[lower] - jaw[upper], close[lower] - close[upper]
    size = np.linalg.norm(opened, axis=1)
    middle = size > (1 - _MIDDLE) * size.max()
    opened, closed = opened[middle] + (rest[lower] - rest[upper])[middle] / _SPOKEN, closed[middle]
    gain = -float((opened * closed).sum() / max((closed * closed).sum(), 1e-12))
    if not _LIMITS[0] < gain < _LIMITS[1] or abs(gain - 1) < _EXACT:
        return 1.0
    return round(gain, 3)
