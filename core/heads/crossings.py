# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a mesh goes through itself or through another one, and how deep: numpy and scipy, for tests and measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Crossings:
    """K places where an edge goes through a triangle: (K, 2) vertices of the edge, (K, 3) of the triangle.

    depth (K,), in the unit of the points, is how far the edge's nearer end is beyond the triangle's plane, or its inner
    end from the triangle and those beside it, where that is less: none goes deeper. Triangles wound counter-clockwise
    look outside. Surfaces that lie on each other, as lips that meet do, cross at depth 0.
    """

    edges: Indices
    triangles: Indices
    depth: Array

    def deeper(self, than: float) -> Crossings:
        """Those deeper than a bound."""
        chosen = self.depth > than
        return Crossings(self.edges[chosen], self.triangles[chosen], self.depth[chosen])


def crossings(points: NDArray[np.floating[Any]], edges: Indices, triangles: Indices) -> Crossings:
    """Every place where one of (E, 2) edges goes through one of (M, 3) triangles with which it shares no vertex."""
    points = np.asarray(points, np.float64)
    pairs = _near(points, edges, triangles)
    lines, faces = edges[pairs[:, 0]], triangles[pairs[:, 1]]
    apart = (lines[:, :, None] != faces[:, None, :]).all(axis=(1, 2))
    lines, faces = lines[apart], faces[apart]
    a, b, c = (points[faces[:, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    start, end = points[lines[:, 0]], points[lines[:, 1]]
    below, above = ((end_point - a) * normal for end_point in (start, end))
    low, high = below.sum(1), above.sum(1)
    share = low / np.where(low == high, 1, low - high)
    hit = start + share[:, None] * (end - start)
    inside = (low * high < 0) & _within(hit, a, b, c, normal)
    lines, faces = lines[inside], faces[inside]
    low, high = low[inside], high[inside]
    behind = np.where(low < 0, lines[:, 0], lines[:, 1])
    beyond = np.minimum(np.abs(low), np.abs(high))
    return Crossings(lines, faces, np.minimum(beyond, _depths(points, triangles, behind, faces)))


def triangles_of(faces: NDArray[np.integer[Any]]) -> Indices:
    """(2 M, 3) triangles of (M, 4) quads; a face whose last corner is -1 is one triangle."""
    quads = np.asarray(faces, np.int64)
    return np.concatenate([quads[:, :3], quads[quads[:, 3] >= 0][:, [0, 2, 3]]])


def _near(points: Array, edges: Indices, triangles: Indices) -> Indices:
    """(K, 2) edge and triangle whose bounding spheres touch."""
    ends, corners = points[edges], points[triangles]
    middle, centre = ends.mean(1), corners.mean(1)
    half = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1) / 2
    reach = np.linalg.norm(corners - centre[:, None], axis=2).max(1)
    # large triangles are few and asked by themselves, so that they do not widen the search of all
    large = reach > 2 * np.median(reach)
    pairs = [
        _within_reach(middle, half, centre, reach, chosen)
        for chosen in map(np.flatnonzero, (large, ~large))
        if len(chosen)
    ]
    which, other = np.concatenate(pairs).T
    close = np.linalg.norm(middle[which] - centre[other], axis=1) < half[which] + reach[other]
    return np.column_stack([which[close], other[close]])


def _within_reach(middle: Array, half: Array, centre: Array, reach: Array, chosen: Indices) -> Indices:
    """(K, 2) edge and chosen triangle that could be near."""
    found = cKDTree(centre[chosen]).query_ball_point(middle, half + reach[chosen].max(), return_sorted=False)
    which = np.repeat(np.arange(len(middle)), [len(hits) for hits in found])
    return np.column_stack([which, chosen[np.concatenate(found).astype(np.int64)]])


def _depths(points: Array, triangles: Indices, behind: Indices, hit: Indices) -> Array:
    """(K,) distances of vertices from the triangle that their edge goes through, or from a nearer one beside it."""
    depths = np.empty(len(hit))
    for number, (vertex, corners) in enumerate(zip(behind, hit, strict=True)):
        beside = triangles[np.isin(triangles, corners).any(axis=1) & (triangles != vertex).all(axis=1)]
        depths[number] = _distances(points[vertex], points[beside]).min()
    return depths


def _distances(point: Array, triangles: Array) -> Array:
    """(N,) distances of a point (3,) from triangles (N, 3, 3)."""
    a, b, c = triangles.transpose(1, 0, 2)
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    height = ((point - a) * normal).sum(1)
    over = _within(point - height[:, None] * normal, a, b, c, normal)
    to_sides = np.min([_from_line(point, *side) for side in ((a, b), (b, c), (c, a))], axis=0)
    return np.where(over, np.abs(height), to_sides)


def _from_line(point: Array, start: Array, end: Array) -> Array:
    """(N,) distances of a point from straight lines between (N, 3) points."""
    way = end - start
    share = np.clip(((point - start) * way).sum(1) / np.maximum((way**2).sum(1), 1e-12), 0, 1)
    return np.asarray(np.linalg.norm(start + share[:, None] * way - point, axis=1))


def _within(place: Array, a: Array, b: Array, c: Array, normal: Array) -> NDArray[np.bool_]:
    """Whether places in the planes of triangles lie inside these."""
    sides = [(np.cross(end - start, place - start) * normal).sum(1) > 0 for start, end in ((a, b), (b, c), (c, a))]
    return np.logical_and.reduce(sides)
