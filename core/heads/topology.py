# SPDX-License-Identifier: GPL-3.0-or-later
"""The quads of the skin. Only the left half is laid; it is mirrored and welded in the middle.

A tube of 22 columns (front to back) and 29 rows (bust to hairline) is wrapped round the head and capped with a patch.
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

TUBE, CROWN, INSIDE_NOSE = "tube", "crown", "nostril"
AXIS_Z = 10.0  # of the tube
# degrees from the front
AZIMUTHS = (0, 2.2, 4.4, 6.4, 8.2, 10.2, 15, 20.5, 26, 31, 36.5, 42, 50, 60, 71, 83, 93, 104, 114, 128, 145, 162, 180)
COLUMNS = len(AZIMUTHS) - 1
CROWN_ROWS = 10


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


MOUTH = Hole((0, 8), (8, 16), (0, lips.HEIGHT - 0.5), (38, 20.5), 2.6)
EYE = Hole((5, 11), (20, 26), (35, 35.5), (23.5, 23), 2.3)
EAR = Hole((15, 18), (16, 23))
HOLES = (MOUTH, EYE, EAR)
# where the nose's vertices of a row start: middle, two on the tip, two on the wing, the crease beside the wing
NOSE = {
    17: ((0, -9.5, 119), (3.2, -9.3, 117), (6.2, -8.6, 115), (12.4, -9.4, 113), (17.0, -8.6, 108.5), (18.2, -9, 100)),
    18: ((0, -3.5, 129), (4.4, -3.8, 127), (8.2, -4.2, 122), (14.2, -5.0, 117), (19.0, -3.6, 110), (20.6, -2.6, 99)),
    19: ((0, 4.5, 130), (4.8, 4.0, 128), (8.8, 3.0, 122), (13.0, 2.2, 116), (17.6, 2.6, 109), (19.8, 5, 98)),
    20: ((0, 12, 124), (3.6, 11.8, 122), (6.6, 11.2, 117), (10.2, 10.4, 110), (14.6, 10.4, 103), (17.2, 12, 98)),
}
NOSTRIL = ((16, 1), (16, 2), (16, 3), (17, 3), (17, 2), (17, 1))  # row, column round the nostril's two cells
# how a nostril is pushed in: size, mm along x, y, z
NOSTRIL_STEPS = ((0.8, (0.3, 0.5, -0.8)), (0.75, (0.6, 2.0, -3.0)), (0.55, (1.0, 3.5, -4.0)))

Grid = list[list[int]]


def build() -> Skin:
    """The whole skin."""
    layout = Layout()
    grid = _tube(layout)
    _crown(layout, grid[-1])
    mouth_edge, eye_edge, ear_edge = _half_edge(grid, MOUTH), _edge(grid, EYE), _edge(grid, EAR)
    corners = np.radians([0, 55, 90, 125, 180])
    _pin(
        layout,
        mouth_edge,
        MOUTH,
        np.pi / 2 - np.interp(range(lips.LAST + 1), [0, 8, lips.CORNER, 16, lips.LAST], corners),
    )
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
    """The cap over the last row: half of a patch of 12 x 10 quads."""
    half = (COLUMNS - CROWN_ROWS) // 2
    front, side, back = top[: half + 1], top[half : half + CROWN_ROWS + 1], top[half + CROWN_ROWS :][::-1]
    grid = [list(front)]
    for j in range(1, CROWN_ROWS):
        row = []
        for i in range(half):
            length = layout.points[front[0]][2] * (1 - j / CROWN_ROWS) + layout.points[back[0]][2] * j / CROWN_ROWS
            edge = layout.points[side[j]]
            rise = 62 * (1 - 0.75 * max(i / half, abs(2 * j / CROWN_ROWS - 1)) ** 2)
            ray = [edge[0] * i / half, rise, length * (1 - i / half) + edge[2] * i / half - 3]
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
    """Push two cells on the nose's underside in."""
    ring = [grid[row][column] for row, column in NOSTRIL]
    kept = [i for i, face in enumerate(layout.faces) if not set(face) <= set(ring)]
    layout.faces = [layout.faces[i] for i in kept]
    layout.surfaces = [layout.surfaces[i] for i in kept]
    points = layout.at(ring)
    centre = points.mean(0)
    for size, push in NOSTRIL_STEPS:
        inner = [layout.add(point, Tag(INSIDE_NOSE)) for point in centre + (points - centre) * size + push]
        layout.bridge(ring, inner, Surface.MOUTH if push[1] > 1 else Surface.SKIN, closed=True)
        ring = inner
    for first, last in ((0, 5), (1, 4)):
        layout.quad((ring[first], ring[first + 1], ring[last - 1], ring[last]), Surface.MOUTH)
