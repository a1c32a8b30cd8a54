# SPDX-License-Identifier: GPL-3.0-or-later
"""Displacement fields on the head: what a shape needs to say little and move much.

A shape gives exact displacements to handles, in the coordinates of the loops (place along the mouth, degrees on the
eyeball); all skin between a handle and the part of the head that stays still follows from one sparse solve, so that
cheeks and chin move as skin. Millimetres; a field is (V, 3) over the whole head or (N, 3) over its skin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from . import ears, lids, lips
from .assembly import Assembly
from .form import EYE_CENTRE, Array
from .layout import Indices

Mask = NDArray[np.bool_]
Curve = Callable[[Array], Array]  # of the signed place along the mouth: -1 right corner, 0 middle, 1 left corner

SHORTEST_EDGE = 0.8  # mm; shorter ones would be too stiff
MEMBRANE = 0.06  # share of the first-order term; the pure second-order one overshoots where handles are steep
# how much of a soft push reaches each ring of the lids
LID_TAKES = {
    "lid_inner2": 0,
    "lid_inner1": 0,
    "lid_edge0": 0,
    "lid_edge1": 0,
    "lid1": 0.02,
    "lid2": 0.06,
    "lid3": 0.16,
    "lid_crease": 0.3,
    "lid_fold": 0.5,
    "eye_skin0": 0.75,
    "eye_skin1": 0.92,
}
BROW_NEIGHBOURS = 5
ROLL_AXIS, THIN_TOWARDS = np.array([0, 0, -1.5]), np.array([0, 0, 0.4])  # mm from the foremost contact
ROLL_FADES = 2.5  # power of the place along the mouth


def _nothing(along: Array) -> Array:
    return np.zeros(len(along))


@dataclass(frozen=True)
class LipMove:
    """How one lip moves: mm to the left, up and forward, by the place along the mouth.

    roll: degrees that the red turns inwards; thin: share of the way that the red is drawn to the contact line, which is
    what a lip that rolls in looks like. The contact takes no part in either, so neither opens nor crosses the lips.
    """

    left: Curve = _nothing
    up: Curve = _nothing
    forward: Curve = _nothing
    roll: Curve = _nothing
    thin: Curve = _nothing

    def at(self, along: Array) -> Array:
        """(N, 3) displacement at the places."""
        return np.column_stack([self.left(along), self.up(along), self.forward(along)])


@dataclass(frozen=True)
class Handle:
    """Some more skin that a shape moves directly: everything within a radius of a point."""

    centre: tuple[float, float, float]
    radius: float
    move: tuple[float, float, float]


class Fields:
    """The head at rest, ready to be asked for displacement fields."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        skin = self.skin = assembly.skin
        self.points = skin.points
        self.count = len(skin.points)
        self.mouth = skin.named(*lips.RINGS)
        self.lips = skin.named(*lips.LIPS)
        self.contact = skin.named(*lips.CONTACT)
        self.inside = skin.named(*lips.INSIDE)
        station = np.where(self.mouth, skin.stations, 0)
        self.along = np.where(self.mouth, lips.ALONG[station] * skin.side, 0.0)
        self.lip_side = np.where(self.mouth, lips.SIDE[station], 0.0)
        self.partner, self.pivot = self._lip_pairs()
        self.still = self._still()
        self._adjacency, self._degree = self._graph()
        self._membrane = (sparse.diags(self._degree) - self._adjacency).tocsr()
        bending = self._membrane @ sparse.diags(1 / self._degree) @ self._membrane
        self._plate = (bending + MEMBRANE * self._membrane).tocsr()
        self._solvers: dict[tuple[bytes, bool], Any] = {}
        self._brow_bonds = {part: self._bond(part) for part in ("brow_left", "brow_right")}

    # ------------------------------------------------------------ solving
    def solve(self, handles: Mask, values: Array, still: Mask, *, membrane: bool = False) -> Array:
        """(N, C) field equal to `values` on the handles, 0 on what stays still, and smooth between.

        Minimises bending (biharmonic, Botsch and Kobbelt 2004) on the graph of edges weighted by inverse length, or
        stretching when `membrane` is asked for, which never overshoots.
        """
        held = handles | still
        matrix = self._membrane if membrane else self._plate
        out = np.where(handles[:, None], values, 0.0)
        key = held.tobytes(), membrane
        if key not in self._solvers:
            self._solvers[key] = splu(matrix[~held][:, ~held].tocsc())
        out[~held] = self._solvers[key].solve(-(matrix[~held][:, held] @ out[held]))
        return out

    def averaged(self, values: Array) -> Array:
        """(N,) mean of each vertex's neighbours."""
        return np.asarray(self._adjacency @ values / self._degree)

    # ------------------------------------------------------------ kinds of fields
    def lip_field(self, upper: LipMove, lower: LipMove, handles: Sequence[Handle] = ()) -> Array:
        """Skin field of both lips' moves; corners take the mean of the two."""
        above, below = upper.at(self.along), lower.at(self.along)
        side = self.lip_side[:, None]
        values = np.where(side > 0, above, np.where(side < 0, below, (above + below) / 2))
        for sign, move in ((1, upper), (-1, lower)):
            values += self._rolled(sign, move)
        held = self.lips.copy()
        for handle in handles:
            near = self.near(handle)
            values[near] = handle.move
            held |= near
        return self.solve(held, values, self.still)

    def push(self, centre: ArrayLike, reach: ArrayLike, move: ArrayLike) -> Array:
        """Skin field of a soft (Gaussian) push that spares the lids' margins and the inside of the mouth."""
        offset = (self.points - np.asarray(centre)) / np.asarray(reach)
        takes = np.where(self.inside, 0.0, 1.0)
        for ring, share in LID_TAKES.items():
            takes[self.skin.named(ring)] = share
        return np.outer(takes * np.exp(-0.5 * (offset**2).sum(1)), np.asarray(move))

    def lid_field(self, upper: ArrayLike, lower: ArrayLike, lift: float = 0.35) -> Array:
        """Skin field of the left lids: degrees that the margins go up at each of the 24 stations.

        The lids slide on the eyeball; the upper one rises `lift` mm for 20 degrees, to pass over the lower one.
        """
        out = np.zeros_like(self.points)
        chosen = self.skin.named(*lids.FOLLOWS) & (self.skin.side == 1)
        station = self.skin.stations[chosen]
        offset = self.points[chosen] - EYE_CENTRE
        radius = np.linalg.norm(offset, axis=1)
        latitude = np.degrees(np.arcsin(offset[:, 1] / radius))
        longitude = np.degrees(np.arctan2(offset[:, 0], offset[:, 2]))
        side = lids.SIDE[station]
        above, below = (np.broadcast_to(np.asarray(margin), lids.STATIONS)[station] for margin in (upper, lower))
        follows = np.array([lids.FOLLOWS[str(ring)] for ring in self.skin.rings[chosen]])
        turn = np.where(side > 0, above, np.where(side < 0, below, 0)) * follows
        radius = radius + np.where(side > 0, lift * np.minimum(np.abs(turn) / 20, 1), 0)
        out[chosen] = lids.on_sphere(longitude, latitude + turn, radius) - self.points[chosen]
        return out

    def near(self, handle: Handle) -> Mask:
        """Skin of the face, lips and lids apart, that a handle holds."""
        apart = (*lips.RED, *lips.CONTACT, *lips.INSIDE, *lids.RINGS, *ears.RINGS)
        close = np.linalg.norm(self.points - handle.centre, axis=1) < handle.radius
        return np.asarray(close & ~self.skin.named(*apart))

    # ------------------------------------------------------------ from the skin to the head
    def whole(self, field: Array) -> Array:
        """(V, 3) field of the whole head from one of the skin: brows follow the skin under them, the rest stays."""
        out = np.zeros_like(self.assembly.points)
        out[: self.count] = field
        for part, (bound, shares) in self._brow_bonds.items():
            out[self.assembly.span(part)] = (field[bound] * shares[..., None]).sum(1)
        return out

    def mirrored(self, field: Array) -> Array:
        """(V, 3) the same field on the other side."""
        return np.asarray(field[self.assembly.mirror] * [-1, 1, 1])

    # ------------------------------------------------------------ preparation
    def _lip_pairs(self) -> tuple[Indices, Indices]:
        """For each vertex of the mouth: its partner on the other lip, and its foremost contact vertex."""
        skin = self.skin
        places = {(str(skin.rings[i]), int(skin.stations[i]), int(skin.side[i])): i for i in np.flatnonzero(self.mouth)}
        partner, pivot = np.arange(self.count), np.arange(self.count)
        for (ring, station, side), i in places.items():
            partner[i] = places[ring, lips.LAST - station, side]
            pivot[i] = places[lips.CONTACT[0], station, side]
        return partner, pivot

    def _still(self) -> Mask:
        """Skin that never moves with the mouth."""
        y, z = self.points[:, 1], self.points[:, 2]
        outside = (y > 24) | (y < -100) | (z < 8) | self.skin.named(*ears.RINGS, *lids.RINGS)
        inside = self.inside | self.skin.named(*lips.RINGS)
        return np.asarray((outside & ~inside) | self.skin.named("mouth_bag3", lips.WALL))

    def _graph(self) -> tuple[Any, Array]:
        one, other = self.skin.edges().T
        length = np.linalg.norm(self.points[one] - self.points[other], axis=1)
        weight = 1 / np.maximum(length, SHORTEST_EDGE)
        entries = np.concatenate([weight, weight]), (np.concatenate([one, other]), np.concatenate([other, one]))
        adjacency = sparse.coo_matrix(entries, shape=(self.count, self.count)).tocsr()
        return adjacency, np.asarray(adjacency.sum(1)).ravel()

    def _rolled(self, sign: int, move: LipMove) -> Array:
        """What rolling and thinning add on one lip's red."""
        out = np.zeros_like(self.points)
        red = (self.lip_side == sign) & self.skin.named(*lips.RED)
        line = self.points[self.pivot[red]]
        # towards the corner the red is low: turned as far as in the middle it would go through the other lip's
        degrees = sign * move.roll(self.along) * (1 - np.abs(self.along) ** ROLL_FADES)
        place = turned_down(self.points[red], degrees[red], line + ROLL_AXIS)
        place += move.thin(self.along)[red, None] * (line + THIN_TOWARDS - place)
        out[red] = place - self.points[red]
        return out

    def _bond(self, part: str) -> tuple[Indices, Array]:
        """For each vertex of a brow: the skin under it and that skin's shares."""
        hidden = (*lips.INSIDE, *ears.RINGS, "lid_inner1", "lid_inner2")
        outer = np.flatnonzero(~self.skin.named(*hidden))
        distance, index = cKDTree(self.points[outer]).query(
            self.assembly.points[self.assembly.span(part)], k=BROW_NEIGHBOURS
        )
        shares = 1 / (distance + 0.5) ** 2
        return outer[index], shares / shares.sum(1, keepdims=True)


def turned_down(points: Array, degrees: ArrayLike, centre: ArrayLike) -> Array:
    """(N, 3) points turned about a left-right axis through `centre`; positive lowers what is in front."""
    angle = np.radians(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    x, y, z = (points - np.asarray(centre)).T
    return np.asarray(np.stack([x, cosine * y - sine * z, sine * y + cosine * z], axis=1) + np.asarray(centre))


def smoothstep(start: float, stop: float, value: ArrayLike) -> Array:
    """0 before start, 1 after stop, 3 t^2 - 2 t^3 between; start may be the greater one."""
    t = np.clip((np.asarray(value, np.float64) - start) / (stop - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
