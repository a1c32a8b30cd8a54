# SPDX-License-Identifier: GPL-3.0-or-later
"""The ear: rings of 20 vertices from the side of the head over the helix into the bowl."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from . import form
from .form import Array
from .layout import Layout, Ring


@dataclass(frozen=True)
class Whorl:
    """One ring: size relative to the ear's outline, mm out from the head behind, in front and in the lobe, and what the
    tragus, the flap before the bowl, adds: mm out and mm back."""

    ring: str
    size: float
    behind: float
    before: float
    lobe: float
    tragus: float = 0
    tragus_back: float = 0


WHORLS = (
    Whorl("ear_root0", 0.80, 0.2, 0.0, 0.1),
    Whorl("ear_root1", 0.60, 5.0, 0.4, 1.6),
    Whorl("ear_back", 0.93, 12.0, 1.2, 4.0),
    Whorl("ear_rim0", 1.02, 15.5, 2.4, 6.2),
    Whorl("ear_rim1", 1.01, 18.6, 3.6, 8.8),
    Whorl("ear_rim2", 0.90, 19.2, 4.2, 9.8, 0.8),
    Whorl("ear_groove", 0.79, 13.2, 2.2, 9.2, 2.2, 0.5),
    Whorl("ear_antihelix0", 0.66, 15.0, 3.2, 9.0, 3.6, 1.0),
    Whorl("ear_antihelix1", 0.53, 14.4, 2.2, 9.4, 5.6, 2.5),
    Whorl("ear_bowl0", 0.42, 6.5, -1.5, 5.0, 5.0, 3.0),
    Whorl("ear_bowl1", 0.30, 1.5, -5, -2.0, 1.0, 1.0),
)
ROOTS = 2  # so many rings take their size from the hole in the head, not from the outline
BOTTOM = "ear_bottom"
RINGS = (*(whorl.ring for whorl in WHORLS), BOTTOM)
UPWARD, OUTWARD = np.array([0, 0.97, -0.22]), np.array([0.95, 0.06, 0.24])
SHIFT = np.array([1.2, -3, -4.5])  # of the ear from the middle of its hole, mm
ABOVE, BELOW, BEFORE, BEHIND = 29.0, 30.0, 11.0, 18.5  # half axes of the outline, mm
LOBE, TRAGUS = (-90, 38), (-14, 24)  # where they are round the ear and how far they reach, degrees, 0 in front


def build(layout: Layout, edge: Ring) -> None:
    """Lay the ear into the hole whose edge (20 vertices) is given."""
    rim = layout.at(edge)
    centre = rim.mean(0) + SHIFT
    up, out, forward = _frame()
    angles = np.arctan2((rim - centre) @ up, (rim - centre) @ forward)
    across, height = _outline(angles)
    behind = np.clip((0.5 - 0.5 * np.cos(angles)) * 1.25, 0, 1) ** 0.8
    rings = [edge]
    lobe, tragus = (np.exp(-((np.degrees(angles) - place) ** 2) / reach**2) for place, reach in (LOBE, TRAGUS))
    for number, whorl in enumerate(WHORLS):
        lift = whorl.before + (whorl.behind - whorl.before) * behind
        lift += (whorl.lobe - lift) * lobe + whorl.tragus * tragus
        flat = np.outer(across * whorl.size - whorl.tragus_back * tragus, forward) + np.outer(height * whorl.size, up)
        if number < ROOTS:
            flat = (rim - centre) * whorl.size
        # the roots and the ear's front lie on the head, its back stands off it, and nothing is inside it
        ground = (form.project(centre + flat) - centre - flat) @ out
        if number >= ROOTS:
            ground = np.where(ground > 0, ground, ground * (1 - behind))
        rings.append(layout.ring(centre + flat + np.outer(lift + ground, out), whorl.ring))
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
    narrowing = np.where(sine > 0, 1.08, 1 - 0.34 * np.abs(sine) ** 1.6)
    across = cosine * np.where(cosine > 0, BEFORE, BEHIND) * narrowing
    return across, sine * np.where(sine > 0, ABOVE, BELOW)
