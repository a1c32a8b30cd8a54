# SPDX-License-Identifier: GPL-3.0-or-later
"""Skin and parts put together into one mesh at rest, millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from . import lips, parts, topology
from .form import Array
from .layout import Indices, Skin

OTHER_SIDE = {
    f"{name}_{side}": f"{name}_{other}"
    for name in ("eye", "caruncle", "brow")
    for side, other in (("left", "right"), ("right", "left"))
}


@dataclass(frozen=True)
class Assembly:
    """The whole head: the skin's vertices first, then each part's; spans says which are whose.

    mirror (V,) is the vertex on the other side; hair, which is not symmetric, is its own mirror.
    """

    skin: Skin
    points: Array
    faces: Indices
    surfaces: Indices
    spans: dict[str, tuple[int, int]]
    mirror: Indices

    def span(self, part: str) -> slice:
        """The vertices of a part."""
        return slice(*self.spans[part])


def assemble() -> Assembly:
    """Lay the skin, add the parts behind and on it."""
    skin = topology.build()
    pieces = {"skin": parts.Part(skin.points, skin.faces, skin.surfaces), **parts.build(lips.inside(skin))}
    starts = np.cumsum([0, *(len(piece.points) for piece in pieces.values())]).tolist()
    spans = {name: (start, stop) for name, start, stop in zip(pieces, starts[:-1], starts[1:], strict=True)}
    points = np.concatenate([piece.points for piece in pieces.values()])
    return Assembly(
        skin=skin,
        points=points,
        faces=np.concatenate(
            [np.where(piece.faces >= 0, piece.faces + spans[name][0], -1) for name, piece in pieces.items()]
        ),
        surfaces=np.concatenate([piece.surfaces for piece in pieces.values()]),
        spans=spans,
        mirror=_mirror(skin, points, spans),
    )


def _mirror(skin: Skin, points: Array, spans: dict[str, tuple[int, int]]) -> Indices:
    mirror = np.arange(len(points))
    mirror[slice(*spans["skin"])] = skin.mirror
    for name, (start, stop) in spans.items():
        if name not in ("skin", "hair"):
            other = spans[OTHER_SIDE.get(name, name)]
            reflected = points[slice(*other)] * [-1, 1, 1]
            mirror[start:stop] = other[0] + cKDTree(reflected).query(points[start:stop])[1]
    return mirror
