# SPDX-License-Identifier: GPL-3.0-or-later
"""The mouth: rings of 48 vertices from the face over the red and the contact of the lips into the mouth.

A ring's vertex has a station, 0 in the middle of the upper lip, 12 in the corner, 24 in the middle of the lower lip,
and a place along the mouth, 0 in the middle and 1 in the corner, the same in every ring. Upper and lower contact
vertices of one place coincide at rest, over several millimetres of depth: the lips really meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from . import form
from .form import Array
from .layout import Layout, Ring, Skin, Tag, spread
from .surfaces import Surface

HALF_WIDTH = 24.0
HEIGHT = -33.5
CORNER, LAST = 12, 24  # stations
ALONG = np.clip(np.concatenate([spread(LAST + 1)[CORNER:], spread(LAST + 1)[CORNER:-1][::-1]]), 0, 1)
SIDE = np.concatenate([np.ones(CORNER), np.zeros(1), -np.ones(CORNER)])  # 1 upper lip, 0 corner, -1 lower lip


@dataclass(frozen=True)
class Section:
    """One ring of the lips' profile: share of the red's height, mm forward of the muzzle and wider than the mouth."""

    ring: str
    height: float
    forward: float
    wider: float


@dataclass(frozen=True)
class Pocket:
    """One ring inside the mouth: mm over and under the contact, mm back in the middle and the corners, half width."""

    ring: str
    apart: float
    back: float
    corner_back: float
    half_width: float


SECTIONS = (
    Section("lip_border", 1.00, 0.0, 2.7),
    Section("lip_red1", 0.86, 1.6, 2.15),
    Section("lip_red2", 0.62, 2.8, 1.55),
    Section("lip_red3", 0.36, 3.0, 0.95),
    Section("lip_red4", 0.14, 2.0, 0.42),
    Section("lip_contact0", 0.0, 0.2, 0.0),
    Section("lip_contact1", 0.0, -1.8, -0.2),
    Section("lip_contact2", 0.0, -4.2, -0.5),
)
POCKETS = (
    Pocket("lip_inner1", 2.2, 1.6, 8.0, 24.0),
    Pocket("lip_inner2", 7.5, 2.0, 12.0, 25.5),
    Pocket("lip_inner3", 13, 3.6, 18.0, 28.0),
    Pocket("mouth_bag1", 17, 10, 27.0, 30.5),
    Pocket("mouth_bag2", 18, 30, 40.0, 31.5),
    Pocket("mouth_bag3", 15, 54, 56.0, 26.0),
)
AROUND = ("mouth_skin0", "mouth_skin1", "mouth_skin2", "mouth_skin3")
AROUND_SHARE = (0.2, 0.42, 0.64, 0.84)  # of the way from the hole's edge to the lips' border
CONTACT = tuple(section.ring for section in SECTIONS[5:])
RED = tuple(section.ring for section in SECTIONS[:5])
INNER = ("lip_inner1", "lip_inner2")
LIPS = (*RED, *CONTACT, *INNER)  # the rings that a shape of the lips moves directly
WALL = "mouth_wall"
INSIDE = (*(pocket.ring for pocket in POCKETS), WALL)
RINGS = (*AROUND, *RED, *CONTACT, *(pocket.ring for pocket in POCKETS))


def line(along: Array) -> Array:
    """Height of the mouth line, mm, with a small bow in the middle and the corners a little up."""
    dip = 0.6 * np.exp(-((along / 0.16) ** 2))
    shoulder = 0.4 * np.exp(-(((along - 0.38) / 0.2) ** 2))
    return np.asarray(HEIGHT - 0.3 + 3.3 * np.abs(along) ** 2.4 - dip + shoulder)


def red_height(along: Array) -> Array:
    """How high the red of the lip stands over or under the mouth line at each station, mm, cupid's bow included."""
    upper = 6.7 * np.clip(1 - along**1.9, 0, 1) ** 0.95 - 1.1 * np.exp(-((along / 0.13) ** 2))
    lower = 7.9 * np.clip(1 - along**3.0, 0, 1) ** 0.85
    return np.asarray(np.where(SIDE > 0, upper, np.where(SIDE < 0, lower, 0)))


def build(layout: Layout, edge: Ring) -> list[Ring]:
    """Lay the mouth into the hole whose edge (25 vertices of the left half) is given; the rings from outside in."""
    border = _border()
    rings = [edge, *_around(layout, edge, border), *_lips(layout, border)]
    rings += _pockets(layout, layout.at(rings[-1]))
    for i, (outer, inner) in enumerate(pairwise(rings)):
        layout.bridge(outer, inner, Surface.SKIN if i < 5 else Surface.LIPS if i < 10 else Surface.MOUTH)
    _wall(layout, rings[-1])
    for ring in rings:
        layout.tags[ring[0]].middle = layout.tags[ring[-1]].middle = True
    return rings


def _border() -> Array:
    """(25, 3) the edge of the red on the form."""
    x, y = ALONG * (HALF_WIDTH + SECTIONS[0].wider), line(ALONG) + SIDE * red_height(ALONG)
    return form.front(np.column_stack([x, y]))


def _around(layout: Layout, edge: Ring, border: Array) -> list[Ring]:
    """Skin between the hole's edge and the red."""
    rings = []
    for name, share in zip(AROUND, AROUND_SHARE, strict=True):
        flat = layout.at(edge) * (1 - share) + border * share
        rings.append(layout.ring(form.front(flat[:, :2]), name))
    return rings


def _lips(layout: Layout, border: Array) -> list[Ring]:
    """The red and the contact; the mouth line lies a little behind the muzzle."""
    middle, red = line(ALONG), red_height(ALONG)
    fullness = np.clip(1 - ALONG**2.6, 0, 1) ** 0.75
    seam = form.front(np.column_stack([ALONG * HALF_WIDTH, middle]))[:, 2] - 1.6 - 2.0 * ALONG**2
    rings = []
    for section in SECTIONS:
        sunk = np.clip((1 - section.height) / 0.35, 0, 1)
        swell = fullness * np.where(SIDE > 0, 0.9, 1.15) if section.forward > 0 else np.ones(len(ALONG))
        depth = border[:, 2] * (1 - sunk) + seam * sunk + section.forward * swell
        if section.ring == "lip_border":
            depth = depth + 0.5 * fullness  # a small rim catches the light
        x, y = ALONG * (HALF_WIDTH + section.wider), middle + SIDE * red * section.height
        rings.append(layout.ring(np.column_stack([x, y, depth]), section.ring))
    return rings


def _pockets(layout: Layout, contact: Array) -> list[Ring]:
    """The inside of the lips and cheeks: wider than the teeth, which stand in it."""
    opening = np.clip(1 - ALONG**4, 0, 1) ** 0.6
    rings = []
    for pocket in POCKETS:
        points = contact * [pocket.half_width / HALF_WIDTH, 1, 1]
        points[:, 1] += SIDE * pocket.apart * opening
        points[:, 2] = contact[0, 2] - pocket.back - (pocket.corner_back - pocket.back) * ALONG**2.5
        points[:, 2] = np.minimum(points[:, 2], contact[:, 2] - 1.2)
        rings.append(layout.ring(points, pocket.ring))
    return rings


def _wall(layout: Layout, ring: Ring) -> None:
    """The back of the mouth: half of a patch of 16 x 8 quads."""
    top, side, bottom = ring[:9], ring[8:17], ring[16:][::-1]
    grid = [list(top)]
    for j in range(1, 8):
        row = []
        for i in range(8):
            point = layout.points[top[i]] * (1 - j / 8) + layout.points[bottom[i]] * j / 8
            hollow = 5 * (1 - (i / 8) ** 2) * (1 - (j / 4 - 1) ** 2)
            row.append(layout.add(point - [0, 0, hollow], Tag(WALL, middle=i == 0)))
        grid.append([*row, side[j]])
    grid.append(list(bottom))
    layout.bridge_grid(grid, Surface.MOUTH)


def inside(skin: Skin) -> float:
    """The foremost z of the lips' inner contact, mm: what the teeth stand behind."""
    return float(skin.points[skin.named(CONTACT[-1]), 2].max())


def pairs(skin: Skin) -> NDArray[np.int32]:
    """(P, 2) upper and lower vertices of the contact that lie on each other at rest, ring by ring."""
    return np.concatenate([_ring_pairs(skin, ring) for ring in CONTACT])


def _ring_pairs(skin: Skin, ring: str) -> NDArray[np.int32]:
    """From the right corner to the left one; the corners themselves belong to both lips."""
    chosen = np.flatnonzero(skin.named(ring))
    at = {(int(skin.stations[i]), int(skin.side[i])): int(i) for i in chosen}
    right = [(at[k, -1], at[LAST - k, -1]) for k in range(CORNER - 1, 0, -1)]
    left = [(at[k, 1], at[LAST - k, 1]) for k in range(1, CORNER)]
    return np.array([*right, (at[0, 0], at[LAST, 0]), *left], np.int32)
