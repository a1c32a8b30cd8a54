# SPDX-License-Identifier: GPL-3.0-or-later
"""A quad mesh while it is being laid: vertices with names, rings bridged by quads, then mirrored and welded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import form
from .form import Array
from .surfaces import Surface

Indices = NDArray[np.int64]
Ring = list[int]


@dataclass
class Tag:
    """What the layout knows of a vertex: the ring it belongs to and its place in it, or its row of the tube."""

    ring: str
    station: int = -1
    row: int = -1
    middle: bool = False  # on the plane of symmetry
    pinned: bool = False  # stays where it was put when the skin relaxes
    dropped: bool = False  # inside a hole of the tube


@dataclass(frozen=True)
class Skin:
    """The finished skin: (N, 3) points in mm, (M, 4) quads, and what each vertex is.

    side is 1 on the character's left, -1 on the right, 0 between; mirror (N,) is the vertex on the other side.
    """

    points: Array
    faces: Indices
    surfaces: Indices
    rings: NDArray[np.str_]
    stations: Indices
    rows: Indices
    side: Indices
    mirror: Indices

    def named(self, *rings: str) -> NDArray[np.bool_]:
        """(N,) which vertices belong to one of the rings."""
        return np.isin(self.rings, rings)

    def edges(self) -> Indices:
        """(E, 2) every edge once, smaller vertex first."""
        return edges_of(self.faces)


class Layout:
    """A growing mesh of quads."""

    def __init__(self) -> None:
        self.points: list[Array] = []
        self.tags: list[Tag] = []
        self.faces: list[tuple[int, ...]] = []
        self.surfaces: list[int] = []

    def add(self, point: ArrayLike, tag: Tag) -> int:
        """One vertex; its number."""
        self.points.append(np.asarray(point, np.float64))
        self.tags.append(tag)
        return len(self.points) - 1

    def ring(self, points: Array, name: str) -> Ring:
        """Vertices of one ring, numbered along it."""
        return [self.add(point, Tag(name, station)) for station, point in enumerate(points)]

    def quad(self, corners: Sequence[int], surface: Surface = Surface.SKIN) -> None:
        """One face."""
        self.faces.append(tuple(corners))
        self.surfaces.append(surface)

    def bridge(self, one: Ring, other: Ring, surface: Surface = Surface.SKIN, *, closed: bool = False) -> None:
        """Quads between two rings of equal length."""
        count = len(one)
        for i in range(count if closed else count - 1):
            j = (i + 1) % count
            self.quad((one[i], one[j], other[j], other[i]), surface)

    def bridge_grid(self, grid: Sequence[Sequence[int]], surface: Surface = Surface.SKIN) -> None:
        """Quads between neighbouring rows of a rectangle of vertices."""
        for upper, lower in pairwise(grid):
            self.bridge(list(upper), list(lower), surface)

    def fill(
        self,
        outline: Ring,
        size: tuple[int, int],
        inner: Callable[[float, float, list[Array]], Array],
        name: str,
        *,
        surface: Surface = Surface.SKIN,
    ) -> None:
        """Close a ring of 2 (columns + rows) vertices with a patch of that size.

        inner(u, v, edges) gives a point of the patch from the points above, below, left and right of it on the ring.
        """
        columns, rows = size
        top, right = outline[: columns + 1], outline[columns : columns + rows + 1]
        bottom = outline[columns + rows : 2 * columns + rows + 1][::-1]
        left = [outline[0], *outline[2 * columns + rows :][::-1]]
        grid = [list(top)]
        for j in range(1, rows):
            line = [left[j]]
            for i in range(1, columns):
                edges = [self.points[k] for k in (top[i], bottom[i], left[j], right[j])]
                line.append(self.add(inner(i / columns, j / rows, edges), Tag(name)))
            grid.append([*line, right[j]])
        grid.append(list(bottom))
        self.bridge_grid(grid, surface)

    def at(self, ring: Ring) -> Array:
        """(K, 3) points of a ring."""
        return np.array([self.points[i] for i in ring])

    def soften(self, free: Sequence[int], rounds: int) -> None:
        """Average some vertices with their neighbours, off the implicit surface: removes steps the form should hide."""
        neighbours = neighbours_of(self.faces)
        for _ in range(rounds):
            moved = {
                i: 0.5 * self.points[i] + 0.5 * np.mean([self.points[j] for j in sorted(neighbours[i])], axis=0)
                for i in free
            }
            for i, point in moved.items():
                self.points[i] = point * [0, 1, 1] if self.tags[i].middle else point

    def relax(self, rounds: int = 40, anchor: float = 0.12) -> None:
        """Spread the free skin evenly over the form: smoothing and projection, softly tied to where it started.

        On the plane of symmetry the mirrored neighbours count as well, so that the middle line stays the middle.
        """
        points = np.array(self.points)
        start = points.copy()
        middle = np.array([tag.middle for tag in self.tags])
        held = np.array([tag.pinned or tag.dropped for tag in self.tags])
        border = np.array([tag.row == 0 for tag in self.tags])
        here, there = _directed_edges(self.faces, len(points))
        # an edge from the middle to the side stands for two, one on each side
        count = 1.0 + (middle[here] & ~middle[there])
        total = np.maximum(np.bincount(here, count, len(points)), 1)[:, None]
        for _ in range(rounds):
            sums = [np.bincount(here, count * points[there, axis], len(points)) for axis in range(3)]
            moved = points + 0.5 * (np.stack(sums, axis=1) / total - points) + anchor * (start - points)
            moved[border | held] = points[border | held]
            moved[middle, 0] = 0
            moved[~held] = form.project(moved[~held], 2)
            points = moved
            points[middle, 0] = 0
        points[~held] = form.project(points[~held], 4)
        points[middle, 0] = 0
        self.points = list(points)

    def mirrored(self) -> Skin:
        """Both halves, welded in the middle, unused vertices left out, all faces wound alike."""
        used = np.unique(np.array(self.faces))
        middle = np.array([self.tags[i].middle for i in used])
        points = np.array([self.points[i] for i in used])
        points[middle, 0] = 0
        left = np.full(len(self.points), -1)
        left[used] = np.arange(len(used))
        right = left.copy()
        aside = np.flatnonzero(~middle)
        right[used[aside]] = len(used) + np.arange(len(aside))
        mirror = np.concatenate([right[used], aside])
        faces = np.array(self.faces)
        origin = np.concatenate([used, used[aside]])
        tags = [self.tags[i] for i in origin]
        both = np.concatenate([points, points[aside] * [-1, 1, 1]])
        return Skin(
            points=both,
            faces=outward(np.concatenate([left[faces], right[faces][:, ::-1]]), both),
            surfaces=np.array(self.surfaces * 2),
            rings=np.array([tag.ring for tag in tags]),
            stations=np.array([tag.station for tag in tags]),
            rows=np.array([tag.row for tag in tags]),
            side=np.concatenate([np.where(middle, 0, 1), np.full(len(aside), -1)]),
            mirror=mirror,
        )


def spread(count: int) -> Array:
    """`count` places from -1 to 1, a little denser at the ends: where a ring's vertices sit between two corners."""
    even = np.linspace(0, 1, count)
    return np.asarray(0.62 * (2 * even - 1) - 0.38 * np.cos(np.pi * even))


def superellipse(angles: Array, centre: tuple[float, float], radii: tuple[float, float], power: float) -> Array:
    """(N, 2) points of a superellipse at the given polar angles."""
    across, up = np.cos(angles), np.sin(angles)
    radius = (np.abs(across / radii[0]) ** power + np.abs(up / radii[1]) ** power) ** (-1 / power)
    return np.column_stack([centre[0] + radius * across, centre[1] + radius * up])


def edges_of(faces: Indices) -> Indices:
    """(E, 2) every edge of (M, 4) faces once, smaller vertex first; -1 ends a triangle."""
    sides = np.concatenate([sides_of(face) for face in faces.tolist()])
    return np.asarray(np.unique(np.sort(sides, axis=1), axis=0))


def sides_of(face: Sequence[int]) -> list[tuple[int, int]]:
    """Directed edges of one face, in its winding."""
    corners = [corner for corner in face if corner >= 0]
    return list(zip(corners, [*corners[1:], corners[0]], strict=True))


def neighbours_of(faces: Sequence[Sequence[int]]) -> dict[int, set[int]]:
    """Vertices that share an edge with each vertex."""
    neighbours: dict[int, set[int]] = {}
    for face in faces:
        for one, other in sides_of(face):
            neighbours.setdefault(one, set()).add(other)
            neighbours.setdefault(other, set()).add(one)
    return neighbours


def outward(faces: Indices, points: Array) -> Indices:
    """The same faces, each connected piece wound alike, its frontmost face looking forward.

    Patches laid by hand disagree in winding; one walk over the edges at the end is simpler than getting each right.
    """
    faces = faces.copy()
    by_edge: dict[tuple[int, int], list[int]] = {}
    for number, face in enumerate(faces.tolist()):
        for one, other in sides_of(face):
            by_edge.setdefault((min(one, other), max(one, other)), []).append(number)
    done = np.zeros(len(faces), bool)
    for seed in range(len(faces)):
        if not done[seed]:
            piece = _wind_alike(faces, by_edge, done, seed)
            _face_forward(faces, points, piece)
    return faces


def _wind_alike(faces: Indices, by_edge: dict[tuple[int, int], list[int]], done: NDArray[np.bool_], seed: int) -> Ring:
    """Give every face connected to `seed` its winding; the numbers of these faces."""
    done[seed] = True
    piece, waiting = [seed], [seed]
    while waiting:
        for one, other in sides_of(faces[waiting.pop()].tolist()):
            for number in by_edge[min(one, other), max(one, other)]:
                if done[number]:
                    continue
                if (one, other) in sides_of(faces[number].tolist()):
                    _flip(faces, number)
                done[number] = True
                waiting.append(number)
                piece.append(number)
    return piece


def _face_forward(faces: Indices, points: Array, piece: Ring) -> None:
    corners = points[faces[piece][:, :3]]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    if normals[np.argmax(corners.mean(1)[:, 2]), 2] < 0:
        for number in piece:
            _flip(faces, number)


def _flip(faces: Indices, number: int) -> None:
    corners = 4 if faces[number, 3] >= 0 else 3
    faces[number, :corners] = faces[number, :corners][::-1]


def _directed_edges(faces: Sequence[Sequence[int]], count: int) -> tuple[Indices, Indices]:
    neighbours = neighbours_of(faces)
    pairs = [(i, j) for i in range(count) for j in sorted(neighbours.get(i, ()))]
    here, there = np.array(pairs).T
    return here, there
