# SPDX-License-Identifier: GPL-3.0-or-later
"""The quads of the skin. Only the left half is laid; it is mirrored and welded in the middle.

A tube of 20 columns (front to back) and 29 rows (bust to hairline) is wrapped round the head and capped with a patch.
Rectangles of its cells are left out for the mouth, the eye and the ear, and each hole is filled with concentric
rings. So each hole has a five-valent pole at each corner of its rectangle and nearly all else is regular.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from . import ears, form, lids, lips
from .form import Array
from .layout import Layout, Ring, Skin, Tag, superellipse
from .surfaces import Surface

TUBE, CROWN, NOSTRIL = "tube", "crown", "nostril"
AXIS_Z = 10.0  # of the tube
# degrees from the front
AZIMUTHS = (0, 3.4, 6.6, 9.8, 15, 20.5, 26, 31, 36.5, 42, 50, 60, 71, 83, 93, 104, 114, 128, 145, 162, 180)
COLUMNS = len(AZIMUTHS) - 1


@dataclass(frozen=True)
class Row:
    """One row of the tube: height of its rays in front, at the side and behind, mm; their fall in front, degrees."""

    front: float
    side: float
    back: float
    tilt: float = 0


TUBE_ROWS = (
    Row(-152, -152, -150),
    Row(-137, -136, -132),
    Row(-119, -116, -110),
    Row(-102, -97, -90, -6),
    Row(-82, -84, -75, -28),
    Row(-68, -69, -57, -44),
    Row(-62, -57, -41, -22),
    Row(-60, -46, -27, -8),
    Row(-56, -35, -14),
    Row(-51, -29, -8),
    Row(-45, -23, -2),
    Row(-40, -18, 3),
    Row(-34, -12, 8),
    Row(-28, -7, 13),
    Row(-23, -3, 18),
    Row(-18, 1, 23),
    Row(-13, 5, 28),
    Row(-7, 10, 32),
    Row(0, 15, 36),
    Row(7, 20, 40),
    Row(14, 25, 44),
    Row(21, 31, 48),
    Row(28, 37, 53),
    Row(36, 43, 58),
    Row(44, 49, 63),
    Row(51, 55, 69),
    Row(58, 62, 75),
    Row(70, 73, 84),
    Row(85, 86, 94),
    Row(100, 99, 103, 2),
)


@dataclass(frozen=True)
class Hole:
    """A rectangle of the tube's cells, and the superellipse (front view, mm) that its edge is rounded to."""

    columns: tuple[int, int]
    rows: tuple[int, int]
    centre: tuple[float, float] = (0, 0)
    radii: tuple[float, float] = (0, 0)
    power: float = 2


MOUTH = Hole((0, 6), (8, 16), (0, lips.HEIGHT - 0.5), (38, 20.5), 2.6)
EYE = Hole((3, 9), (20, 26), (35, 35.5), (23.5, 23), 2.3)
EAR = Hole((13, 16), (18, 25))
HOLES = (MOUTH, EYE, EAR)
# where the nose's vertices of a row start: middle, side of the tip, wing, crease beside the wing
NOSE = {
    17: ((0, -7.6, 119), (4.4, -7.8, 117), (13.0, -8.8, 111), (17.4, -8.5, 102)),
    18: ((0, -1.5, 127), (5.8, -2.2, 124), (18.6, -2, 108), (20.8, -2, 98)),
    19: ((0, 6, 128), (6.0, 5.6, 124), (14.6, 4.4, 109.5), (18.6, 6, 98)),
    20: ((0, 13, 123), (5.2, 12.6, 119), (9.0, 12, 108), (16, 12, 98)),
}
NOSTRIL_CELL = ((16, 1), (16, 2), (17, 2), (17, 1))  # row, column
# how a nostril is pushed in: size, mm along x, y, z
NOSTRIL_STEPS = ((0.8, (0.2, 0.4, -0.2)), (0.72, (0.3, 2.6, -0.6)), (0.5, (0.5, 7.5, -2)))

Grid = list[list[int]]


def build() -> Skin:
    """The whole skin."""
    layout = Layout()
    grid = _tube(layout)
    _crown(layout, grid[-1])
    mouth_edge, eye_edge, ear_edge = _half_edge(grid, MOUTH), _edge(grid, EYE), _edge(grid, EAR)
    corners = np.radians([0, 55, 90, 125, 180])
    _pin(layout, mouth_edge, MOUTH, np.pi / 2 - np.interp(range(21), [0, 6, 10, 14, 20], corners))
    _pin(layout, eye_edge, EYE, np.radians(np.interp(range(24), [0, 6, 12, 18, 24], [135, 45, -45, -135, -225])))
    _pin_nose(layout, grid)
    layout.relax()
    mouth_rings = lips.build(layout, mouth_edge)
    eye_rings = lids.build(layout, eye_edge)
    _soften_eye(layout, eye_rings)
    layout.soften([i for ring in mouth_rings[:4] for i in ring[12:]], 5)  # the fold under the lower lip
    ears.build(layout, ear_edge)
    _nostril(layout, grid)
    return layout.mirrored()


def _tube(layout: Layout) -> Grid:
    azimuth = np.radians(AZIMUTHS)
    ahead = np.cos(azimuth)
    grid = []
    for number, row in enumerate(TUBE_ROWS):
        height = np.where(
            ahead > 0,
            row.side + (row.front - row.side) * np.abs(ahead) ** 1.5,
            row.side + (row.back - row.side) * np.abs(ahead) ** 1.2,
        )
        fall = np.radians(row.tilt) * np.clip(ahead, 0, 1) ** 0.8
        rays = np.column_stack([np.sin(azimuth) * np.cos(fall), np.sin(fall), ahead * np.cos(fall)])
        axis = np.column_stack([np.zeros(len(height)), height, np.full(len(height), AXIS_Z)])
        grid.append(
            [
                layout.add(point, Tag(TUBE, row=number, middle=column in (0, COLUMNS), dropped=_inside(column, number)))
                for column, point in enumerate(form.cast(axis, rays))
            ]
        )
    for row_number, (lower, upper) in enumerate(pairwise(grid)):
        for column in range(COLUMNS):
            if not any(_has_cell(hole, column, row_number) for hole in HOLES):
                layout.quad((lower[column], lower[column + 1], upper[column + 1], upper[column]))
    return grid


def _has_cell(hole: Hole, column: int, row: int) -> bool:
    return hole.columns[0] <= column < hole.columns[1] and hole.rows[0] <= row < hole.rows[1]


def _inside(column: int, row: int) -> bool:
    """Whether a vertex of the tube lies within a hole; the mouth's hole goes on beyond the middle."""
    return any(
        (hole.columns[0] < column or column == hole.columns[0] == 0)
        and column < hole.columns[1]
        and hole.rows[0] < row < hole.rows[1]
        for hole in HOLES
    )


def _crown(layout: Layout, top: Ring) -> None:
    """The cap over the last row: half of a patch of 10 x 10 quads."""
    front, side, back = top[:6], top[5:16], top[15:][::-1]
    grid = [list(front)]
    for j in range(1, 10):
        row = []
        for i in range(5):
            length = layout.points[front[0]][2] * (1 - j / 10) + layout.points[back[0]][2] * j / 10
            edge = layout.points[side[j]]
            rise = 62 * (1 - 0.75 * max(i / 5, abs(j - 5) / 5) ** 2)
            ray = [edge[0] * i / 5, rise, length * (1 - i / 5) + edge[2] * i / 5 - 3]
            point = form.cast([[0, 60, 3]], [ray])[0]
            row.append(layout.add(point, Tag(CROWN, middle=i == 0)))
        grid.append([*row, side[j]])
    grid.append(list(back))
    layout.bridge_grid(grid)


def _edge(grid: Grid, hole: Hole) -> Ring:
    """Vertices round a hole, from its upper inner corner, the outer side first."""
    (first, last), (low, high) = hole.columns, hole.rows
    top = [grid[high][column] for column in range(first, last)]
    outer = [grid[row][last] for row in range(high, low, -1)]
    bottom = [grid[low][column] for column in range(last, first, -1)]
    return top + outer + bottom + [grid[row][first] for row in range(low, high)]


def _half_edge(grid: Grid, hole: Hole) -> Ring:
    """The same for a hole that begins in the middle: from the middle above to the middle below."""
    height = hole.rows[1] - hole.rows[0]
    return _edge(grid, hole)[: 1 - height]


def _pin(layout: Layout, edge: Ring, hole: Hole, angles: Array) -> None:
    """Round a hole's edge and hold it there."""
    places = superellipse(angles, hole.centre, hole.radii, hole.power)
    places[[layout.tags[i].middle for i in edge], 0] = 0
    for i, point in zip(edge, form.front(places), strict=True):
        layout.points[i] = point
        layout.tags[i].pinned = True


def _pin_nose(layout: Layout, grid: Grid) -> None:
    for row, line in NOSE.items():
        for column, place in enumerate(line):
            i = grid[row][column]
            if not layout.tags[i].pinned:
                point = form.project(np.array([place], np.float64), 6)[0]
                layout.points[i] = point * [0, 1, 1] if column == 0 else point
                layout.tags[i].pinned = True


def _soften_eye(layout: Layout, rings: list[Ring]) -> None:
    """Let the rings between the lids and the cheek and brow flow, off the form."""
    below = [i for ring in rings[-5:-3] for k, i in enumerate(ring) if lids.SIDE[k] < 0]
    layout.soften(below + [i for ring in rings[-3:] for i in ring], 8)


def _nostril(layout: Layout, grid: Grid) -> None:
    """Push one cell on the nose's underside in."""
    ring = [grid[row][column] for row, column in NOSTRIL_CELL]
    kept = [i for i, face in enumerate(layout.faces) if set(face) != set(ring)]
    layout.faces = [layout.faces[i] for i in kept]
    layout.surfaces = [layout.surfaces[i] for i in kept]
    points = layout.at(ring)
    centre = points.mean(0)
    for size, push in NOSTRIL_STEPS:
        inner = [layout.add(point, Tag(NOSTRIL)) for point in centre + (points - centre) * size + push]
        layout.bridge(ring, inner, Surface.MOUTH if push[1] > 1 else Surface.SKIN, closed=True)
        ring = inner
    layout.quad(ring, Surface.MOUTH)
