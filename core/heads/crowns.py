# SPDX-License-Identifier: GPL-3.0-or-later
"""The crowns of the teeth as a bent bar, and the way out of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from .form import Array
from .parts import Jaw

CLEARANCE = 0.5  # mm round the bar that are taken for teeth
BULGE = 0.3  # mm that the teeth stand out of their arch
DEEPEST = 8.0  # mm behind the arch: what is further in is on the tongue's side


@dataclass(frozen=True)
class Crowns:
    """The crowns of one jaw, mm.

    up: 1 for the upper jaw, -1 for the lower one; and at P places along the arch: x and z (tree), the way outwards
    (P, 2), height of the biting edges (P,) and of the gum's (P,), how far beyond the last tooth (P,), below 0 before.
    """

    up: int
    tree: cKDTree
    outwards: Array
    edge: Array
    neck: Array
    beyond: Array

    @classmethod
    def of(cls, jaw: Jaw, edge: float, front: float) -> Crowns:
        """Those of a jaw; edge is the height of the biting edge, front the z of the foremost tooth."""
        angles = np.linspace(-np.pi / 2, np.pi / 2, 801)
        places = jaw.at(angles, front)
        walked = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(places, axis=0), axis=1))])
        along = np.abs(walked - walked[-1] / 2)
        ends = np.concatenate([[0], np.cumsum(jaw.widths)])
        middles = (ends[1:] + ends[:-1]) / 2
        low = edge + jaw.up * np.interp(along, middles, jaw.edges)
        high = low + jaw.up * np.interp(along, middles, jaw.heights)
        return cls(jaw.up, cKDTree(places), jaw.outwards(angles), low, high, along - ends[-1])

    def way_out(self, points: Array) -> Array:
        """(N, 3) the shortest way out of the bar: outwards, past the edge or behind the last tooth; 0 outside of it."""
        out = np.zeros_like(points)
        heights = np.concatenate([self.edge, self.neck])
        level = np.abs(points[:, 1] - (heights.max() + heights.min()) / 2) < np.ptp(heights) / 2 + CLEARANCE
        flat, height = points[level][:, [0, 2]], points[level, 1]
        _, at = self.tree.query(flat)
        outwards = self.outwards[at]
        from_arch = ((flat - self.tree.data[at]) * outwards).sum(axis=1)
        from_edge = self.up * (height - self.edge[at])
        ways = np.stack([BULGE - from_arch, from_edge, CLEARANCE - self.beyond[at]], axis=1) + CLEARANCE
        among = (ways > 0).all(axis=1) & (ways[:, 0] < DEEPEST) & (self.up * (self.neck[at] - height) > 0)
        directions = np.zeros((len(at), 3, 3))
        directions[:, 0, [0, 2]] = outwards
        directions[:, 1, 1] = -self.up
        directions[:, 2, 2] = -1
        shortest = ways[among].argmin(axis=1)
        out[np.flatnonzero(level)[among]] = ways[among, shortest, None] * directions[among, shortest]
        return out


class MovedCrowns:
    """Crowns of which the points at rest (P, 3) are moved (P, 3), which is as good as an affine map."""

    def __init__(self, crowns: Crowns, rest: Array, move: Array) -> None:
        known = np.column_stack([rest, np.ones(len(rest))])
        matrix = np.linalg.lstsq(known, rest + move, rcond=None)[0]
        self.crowns, self.turn, self.shift = crowns, matrix[:3], matrix[3]
        self.back = np.linalg.inv(self.turn)

    def way_out(self, points: Array) -> Array:
        """(N, 3) as `Crowns.way_out`."""
        return self.crowns.way_out((points - self.shift) @ self.back) @ self.turn
