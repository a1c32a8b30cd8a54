# SPDX-License-Identifier: GPL-3.0-or-later
"""Colour of the skin by vertex: warmer cheeks, nose, ears, lids and chin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .assembly import Assembly
from .form import Triple


@dataclass(frozen=True)
class Blush:
    """A soft warm spot on both sides, mm."""

    strength: float
    centre: Triple
    reach: Triple


BLUSHES = (
    Blush(0.85, (42, 2, 80), (15, 12, 25)),
    Blush(0.6, (0, 2, 122), (9, 8, 14)),
    Blush(0.8, (84, 26, -6), (10, 16, 22)),
    Blush(0.15, (34, 36, 92), (20, 16, 14)),
    Blush(0.3, (0, -64, 104), (16, 9, 20)),
)
ABSORBED = np.array([0.03, 0.19, 0.19])  # of red, green, blue where the blush is full


def tint(assembly: Assembly) -> NDArray[np.float32]:
    """(V, 3) linear colour to multiply into the skin's; 1 where nothing changes."""
    skin = assembly.span("skin")
    points = np.abs(assembly.points[skin] * [1, 0, 0]) + assembly.points[skin] * [0, 1, 1]
    warmth = np.zeros(len(points))
    for blush in BLUSHES:
        warmth += blush.strength * np.exp(-0.5 * (((points - blush.centre) / blush.reach) ** 2).sum(1))
    out = np.ones((len(assembly.points), 3), np.float32)
    out[skin] -= np.outer(np.clip(warmth, 0, 1), ABSORBED).astype(np.float32)
    return out
