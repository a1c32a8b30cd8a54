# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a head's own mouthClose closes what its jawOpen opens: measured on its mesh, so that lips meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .visemes import recipes

Floats = NDArray[np.float64]

_FOLLOWS, _STAYS = 0.5, 0.15
"""Share of the furthest movement under jawOpen from which a vertex is of the lower lip, or up to which of the upper."""
_CLOSES = 0.3
_NEAR, _FEW = (0.03, 0.06, 0.12), 12
"""Lips that meet are nearer to each other than this share of the largest opening; wider where so few are found."""
_MIDDLE = 0.12
_EXACT, _TOUCHES = 0.05, 0.012
"""A gain so near to 1 is 1; lips that stay nearer than this share of the widest opening (.3 mm) touch."""
_PRESSED = 0.64  # of both sides together, in a spoken closure
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


def _spoken() -> dict[str, float]:
    """The shapes of a spoken closure beside those that gain is about."""
    return {name: weight for name, weight in recipes()["PP"].items() if name not in {"jawOpen", "mouthClose"}}


@dataclass(frozen=True)
class Seal:
    """How much of mouthClose just shuts a head's lips: gain times the motion's mouthClose, and press for each side
    that is pressed, below 0 where pressed lips would go through one another."""

    gain: float = 1.0
    press: float = 0.0


NO_SEAL = Seal()
CLOSING = ("jawOpen", "mouthClose", *_spoken())
"""The ARKit shapes that tell a head's seal."""


def seal_of(rest: Floats, moves: Mapping[str, Floats], up: Floats) -> Seal:
    """What shuts the lips of a head: rest (V, 3), and what each ARKit shape adds at 1, (V, 3), in any unit.

    gain is such that mouthClose takes back what jawOpen parts; press such that lips that are pressed, rolled and raised
    as for a p, b or m end where they touch. Both by heights, along up (3,), in the middle of the mouth, as lips slide
    to and fro on one another. Seal() where that cannot be told, as for a head that is scaled to nothing (up is 0), or
    is so already.
    """
    if not {"jawOpen", "mouthClose"} <= moves.keys() or not up.any():
        return Seal()
    pairs = lip_pairs(rest, moves["jawOpen"], moves["mouthClose"])
    if len(pairs) < 3:
        return Seal()
    opened = _parts(moves["jawOpen"], pairs)
    size = np.linalg.norm(opened, axis=1)
    # lips part the furthest, and when pressed meet the first, in the middle
    middle = size > (1 - _MIDDLE) * size.max()
    pairs, opened = pairs[middle], opened[middle]
    down = -up / np.linalg.norm(up)
    shut = max(-float((_parts(moves["mouthClose"], pairs) @ down).mean()), 1e-12)
    gain = float((opened @ down).mean()) / shut
    if not _LIMITS[0] < gain < _LIMITS[1]:
        return Seal()
    # of lips that are a little apart at rest the nearest ones touch
    touching = pairs[np.argsort(np.linalg.norm(_parts(rest, pairs), axis=1))[: max(3, len(pairs) // 2)]]
    pressed = sum((w * _parts(moves[n], touching) for n, w in _spoken().items() if n in moves), _parts(rest, touching))
    gap = float((pressed @ down).mean())
    press = gap / shut / _PRESSED
    exact = abs(gap) < _TOUCHES * float(size.max())
    return Seal(1.0 if abs(gain - 1) < _EXACT else round(gain, 3), 0.0 if exact else round(press, 4))


def _parts(move: Floats, pairs: NDArray[np.int64]) -> Floats:
    """How far the lower vertex of each pair goes from the upper one, (P, 3)."""
    parts: Floats = move[pairs[:, 1]] - move[pairs[:, 0]]
    return parts
