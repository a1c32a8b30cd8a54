# SPDX-License-Identifier: GPL-3.0-or-later
"""The lining of lips and cheeks yields to the teeth: no shape carries it through them.

Each shape is tried at 1. Where the lining is then among the teeth it is pushed out, towards lips and cheeks, past the
biting edges or behind the last tooth, and what is pushed takes its neighbourhood along (position-based dynamics, Müller
et al. 2007). The push becomes part of the shape. The lips' contact goes to and fro only, and `mouthClose` brings both
lips equally far forward again, so that it stays shut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy import sparse

from . import lips, parts
from .assembly import Assembly
from .crowns import Crowns, MovedCrowns
from .fields import Fields, smoothstep
from .form import Array
from .layout import Indices, Skin

FREE = (*lips.INNER, "lip_inner3", "mouth_bag1", "mouth_bag2", "mouth_bag3")  # rings that may go anywhere
THINNEST = 0.3  # mm that the rows of the contact stay behind one another
SAMPLES = (np.arange(3) + 0.5) / 3  # of a quad, in each direction
SMOOTH_ROUNDS, EXACT_ROUNDS = 40, 20
HALVES_MEET = 12.0  # mm from the middle: between them what is pushed passes from the left shape to the right one
# company that a shape is tried in, of shapes that come before it
COMPANY: dict[str, tuple[dict[str, float], ...]] = {
    "mouthClose": ({"jawOpen": 1.0},),
    "mouthLeft": ({}, {"jawOpen": 0.2}, {"jawLeft": 0.6}),
}
SHUTTING = ("mouthClose",)
WHOLE = ("jawLeft", "mouthLeft")  # not the left half of a pair


def at_rest(assembly: Assembly) -> Assembly:
    """The same head with its lining off the teeth."""
    skin = assembly.skin.points + _Room(assembly).push([np.zeros_like(assembly.points)])
    points = np.concatenate([skin, assembly.points[len(skin) :]])
    return replace(assembly, points=points, skin=replace(assembly.skin, points=skin))


def off_the_teeth(fields: Fields, shapes: dict[str, Array]) -> dict[str, Array]:
    """The same (V, 3) shapes with the lining kept off the teeth, by each with its other side and in its company."""
    room = _Room(fields.assembly)
    left_share = smoothstep(-HALVES_MEET, HALVES_MEET, fields.points[:, 0])[:, None]
    out = dict(shapes)
    for name, shape in shapes.items():
        if name.startswith(("eye", "brow")) or name.endswith("Right"):
            continue
        other = f"{name.removesuffix('Left')}Right" if name.endswith("Left") else ""
        half = other and name not in WHOLE
        both = shape + shapes[other] if half else shape
        companies = COMPANY.get(name, ({},))
        poses = [sum((w * out[friend] for friend, w in company.items()), both) for company in companies]
        push = room.push(poses, shut=name in SHUTTING)
        if push.any():
            out[name] = shape.copy()
            out[name][: fields.count] += push * left_share if half else push
            if other:
                out[other] = fields.mirrored(out[name])
    return out


class _Room:
    """The lining, seen at samples of its faces, and the teeth that it has to go round."""

    def __init__(self, assembly: Assembly) -> None:
        skin = assembly.skin
        self.rest, self.count = assembly.points, len(skin.points)
        self.crowns = [
            (Crowns.of(*jaw), assembly.span(f"{name}_teeth"))
            for name, jaw in parts.dentition(lips.inside(skin)).items()
        ]
        touching = skin.named(*lips.CONTACT[1:])
        free = skin.named(*FREE)
        self.free = np.where(touching[:, None], [0.0, 0, 1], free[:, None])
        self.rows = _rows_of_the_contact(skin)
        pairs = lips.pairs(skin)
        self.pairs = pairs[touching[pairs].all(axis=1)]
        self.samples = _samples(skin.faces[(free | touching)[skin.faces].any(axis=1)], self.count)
        one, other = np.concatenate([skin.edges(), skin.edges()[:, ::-1]]).T
        beside = sparse.csr_matrix((np.ones(len(one)), (one, other)), shape=(self.count, self.count))
        self.averaged = sparse.diags(1 / np.asarray(beside.sum(axis=1)).ravel()) @ beside

    def push(self, poses: Sequence[Array], *, shut: bool = False) -> Array:
        """(N, 3) what to add to the skin so that it is off the teeth in each pose, (V, 3).

        shut: the lips are to lie on each other in the first pose as they do at rest
        """
        skins = [self.rest[: self.count] + pose[: self.count] for pose in poses]
        moved = [[MovedCrowns(crowns, self.rest[part], pose[part]) for crowns, part in self.crowns] for pose in poses]
        push = np.zeros_like(skins[0])
        for number in range(SMOOTH_ROUNDS + EXACT_ROUNDS):
            before = push
            for skin, teeth in zip(skins, moved, strict=True):
                push = self._pushed(push, skin, teeth)
            if push is before:
                break
            if number < SMOOTH_ROUNDS:
                push = self.free * (push + self.averaged @ push) / 2
            push = self._in_rows(self._together(push, skins[0]) if shut else push, skins[0])
        return push

    def _pushed(self, push: Array, skin: Array, teeth: Sequence[MovedCrowns]) -> Array:
        """The same and what brings the samples that are among the teeth out of them."""
        places = self.samples @ (skin + push)
        out = np.sum([crowns.way_out(places) for crowns in teeth], axis=0)
        hit = out.any(axis=1)
        if not hit.any():
            return push
        shares = self.samples[hit]
        weight = np.asarray(shares.sum(axis=0)).reshape(-1, 1)
        return np.asarray(push + self.free * (shares.T @ out[hit]) / np.where(weight > 0, weight, 1))

    def _together(self, push: Array, skin: Array) -> Array:
        """The same with what lies on each other in the contact at rest as far forward as the foremost of the two."""
        out = push.copy()
        forward = skin[self.pairs, 2] + push[self.pairs, 2] - self.rest[self.pairs, 2]
        out[self.pairs, 2] += forward.max(axis=1, keepdims=True) - forward
        return out

    def _in_rows(self, push: Array, skin: Array) -> Array:
        """The same with the rows of the contact one behind the other, and none further back than it was."""
        out = push.copy()
        for front, back in pairwise(self.rows):
            most = skin[front, 2] + out[front, 2] - THINNEST - skin[back, 2]
            out[back, 2] = np.minimum(out[back, 2], np.maximum(most, 0))
        return out


def _rows_of_the_contact(skin: Skin) -> Indices:
    """(3, L) the contact's vertices, one row behind the other."""
    chosen = np.flatnonzero(skin.named(*lips.CONTACT))
    place = {(str(skin.rings[i]), int(skin.stations[i]), int(skin.side[i])): int(i) for i in chosen}
    columns = [key[1:] for key in place if key[0] == lips.CONTACT[0]]
    return np.array([[place[ring, *column] for column in columns] for ring in lips.CONTACT])


def _samples(quads: Indices, count: int) -> sparse.csr_matrix:
    """Sparse (S, count): places on the quads as means of their corners."""
    u, v = (grid.ravel() for grid in np.meshgrid(SAMPLES, SAMPLES))
    shares = np.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v], axis=1)
    rows = np.arange(len(quads) * len(u))
    entries = np.tile(shares, (len(quads), 1)).ravel()
    corners = np.repeat(quads, len(u), axis=0).ravel()
    return sparse.csr_matrix((entries, (np.repeat(rows, 4), corners)), shape=(len(rows), count))
