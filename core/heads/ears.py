# SPDX-License-Identifier: GPL-3.0-or-later
"""The ear: rings of 20 vertices from the side of the head over the helix into the bowl."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .form import Array
from .layout import Layout, Ring


@dataclass(frozen=True)
class Whorl:
    """One ring: size relative to the ear's outline, mm out from the head behind and in front."""

    ring: str
    size: float
    out_behind: float
    out_before: float


WHORLS = (
    Whorl("ear_root0", 0.80, 1.0, 1.0),
    Whorl("ear_root1", 0.80, 6.5, 1.5),
    Whorl("ear_back", 0.95, 11.5, 2.2),
    Whorl("ear_rim0", 1.02, 14.5, 3.0),
    Whorl("ear_rim1", 1.0, 17.5, 3.6),
    Whorl("ear_rim2", 0.85, 17.8, 3.8),
    Whorl("ear_groove", 0.74, 10, 0.8),
    Whorl("ear_antihelix0", 0.62, 13.2, 2.4),
    Whorl("ear_antihelix1", 0.48, 12.4, 0.8),
    Whorl("ear_bowl0", 0.38, 5.5, -2),
    Whorl("ear_bowl1", 0.26, 1, -5),
)
BOTTOM = "ear_bottom"
RINGS = (*(whorl.ring for whorl in WHORLS), BOTTOM)
UPWARD, OUTWARD = np.array([0, 0.97, -0.22]), np.array([0.95, 0.06, 0.24])
SHIFT = np.array([1.0, 1, -1])  # of the ear from the middle of its hole, mm
ABOVE, BELOW, BEFORE, BEHIND = 24.5, 25.0, 11.0, 15.5  # half axes of the outline, mm


def build(layout: Layout, edge: Ring) -> None:
    """Lay the ear into the hole whose edge (20 vertices) is given."""
    rim = layout.at(edge)
    centre = rim.mean(0) + SHIFT
    up, out, forward = _frame()
    angles = np.arctan2((rim - centre) @ up, (rim - centre) @ forward)
    across, height = _outline(angles)
    behind = np.clip((0.5 - 0.5 * np.cos(angles)) * 1.25, 0, 1) ** 0.8
    rings = [edge]
    for whorl in WHORLS:
        lift = whorl.out_before + (whorl.out_behind - whorl.out_before) * behind
        flat = np.outer(across * whorl.size, forward) + np.outer(height * whorl.size, up)
        rings.append(layout.ring(centre + flat + np.outer(lift, out), whorl.ring))
    for outer, inner in pairwise(rings):
        layout.bridge(outer, inner, closed=True)

    def bowl(u: float, v: float, edges: list[Array]) -> Array:
        above, below, left, right = edges
        return (above * (1 - v) + below * v + left * (1 - u) + right * u) / 2 - out * 1.5

    layout.fill(rings[-1], (3, 7), bowl, BOTTOM)


def _frame() -> tuple[Array, Array, Array]:
    """Unit vectors up along the ear, out from the head, forward along the ear."""
    up = UPWARD / np.linalg.norm(UPWARD)
    out = OUTWARD - up * (OUTWARD @ up)
    out /= np.linalg.norm(out)
    return up, out, np.cross(out, up)


def _outline(angles: Array) -> tuple[Array, Array]:
    """Forward and upward mm of an egg with its small end, the lobe, down and a little forward."""
    cosine, sine = np.cos(angles), np.sin(angles)
    narrowing = np.where(sine > 0, 1.08, 1 - 0.38 * np.abs(sine) ** 1.4)
    across = cosine * np.where(cosine > 0, BEFORE, BEHIND) * narrowing
    return across, sine * np.where(sine > 0, ABOVE, BELOW)
