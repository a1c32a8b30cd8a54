# SPDX-License-Identifier: GPL-3.0-or-later
"""Texture coordinates without overlap: every island is spread inside a circle, and the circles are packed in boxes.

An island's rim lies on its circle and each vertex inside at a positive mean of its neighbours, which no face can leave
or fold over (Tutte 1963; Floater 1997); the weights are then improved until areas are about right (Yoshizawa 2004).
The skin is cut up the back of the head; ears and the inside of the mouth are islands of their own. A closed piece opens
at its hindmost face, which lies beside the circle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve

from . import ears
from .assembly import Assembly
from .form import Array
from .layout import Indices, edges_of, sides_of
from .surfaces import Surface
from .topology import INSIDE_NOSE

ROUNDS, EAGERNESS = 8, 0.7  # of better weights, and the power of the stretch that betters them


@dataclass(frozen=True)
class Box:
    """A square of the texture: left, bottom, side; several pieces share it as a grid with so many columns."""

    left: float
    bottom: float
    side: float
    columns: int = 1


MOUTH, EAR = "mouth", "ear"
BOXES = {
    "skin": Box(0, 0.3, 0.7),
    "hair": Box(0, 0, 0.3),
    "mouth": Box(0.7, 0.7, 0.3),
    "ear_left": Box(0.7, 0.55, 0.15),
    "ear_right": Box(0.85, 0.55, 0.15),
    "eye_left": Box(0.3, 0.15, 0.15),
    "eye_right": Box(0.45, 0.15, 0.15),
    "tongue": Box(0.6, 0.15, 0.15),
    "upper_gum": Box(0.7, 0.42, 0.12),
    "lower_gum": Box(0.82, 0.42, 0.12),
    "upper_teeth": Box(0.3, 0, 0.15, 4),
    "lower_teeth": Box(0.45, 0, 0.15, 4),
    "brow_left": Box(0.6, 0, 0.1),
    "brow_right": Box(0.7, 0, 0.1),
    "caruncle_left": Box(0.8, 0, 0.05),
    "caruncle_right": Box(0.85, 0, 0.05),
}
MARGIN, ASIDE = 0.02, 0.1  # of a box's side: free round it; the side of what lies beside the circle


def unwrap(assembly: Assembly) -> NDArray[np.float32]:
    """(F, 4, 2) coordinates 0..1 of each face's corners."""
    out = np.zeros((*assembly.faces.shape, 2), np.float32)
    groups = _groups(assembly)
    faces = _cut(assembly, groups == "skin")
    points = np.concatenate([assembly.points, assembly.points])
    for name, box in BOXES.items():
        for number, piece in enumerate(_pieces(faces, np.flatnonzero(groups == name))):
            row, column = divmod(number, box.columns)
            side = box.side / box.columns
            corner = box.left + column * side, box.bottom + row * side
            out[piece] = corner + side * (MARGIN + (1 - 2 * MARGIN) * _flat(points, faces[piece]))
    return out


def _groups(assembly: Assembly) -> NDArray[np.str_]:
    """(F,) the box of each face."""
    groups = np.empty(len(assembly.faces), "U16")
    first = assembly.faces[:, 0]
    for name, (start, stop) in assembly.spans.items():
        groups[(start <= first) & (first < stop)] = name
    skin = groups == "skin"
    groups[skin & (assembly.surfaces == Surface.MOUTH)] = MOUTH
    ear = np.zeros(len(assembly.points), bool)
    ear[: len(assembly.skin.points)] = assembly.skin.named(*ears.RINGS[1:])
    aside = skin & ear[assembly.faces].all(1)
    left = assembly.points[assembly.faces].mean(1)[:, 0] > 0
    groups[aside] = np.where(left[aside], f"{EAR}_left", f"{EAR}_right")
    # the nostrils are lined like the mouth, and stay with the face
    inside = np.zeros(len(assembly.points), bool)
    inside[: len(assembly.skin.points)] = assembly.skin.named(INSIDE_NOSE)
    groups[skin & inside[assembly.faces].all(1)] = "skin"
    return groups


def _cut(assembly: Assembly, skin: NDArray[np.bool_]) -> Indices:
    """The faces, those right of the seam with vertices of their own there: numbered V and up."""
    points = assembly.points
    seam = (np.abs(points[:, 0]) < 1e-6) & (points[:, 2] < -10)
    right = skin & (points[assembly.faces].mean(1)[:, 0] < 0)
    on_seam = right[:, None] & seam[assembly.faces]
    return np.asarray(np.where(on_seam, assembly.faces + len(points), assembly.faces))


def _pieces(faces: Indices, chosen: Indices) -> Iterator[Indices]:
    """The connected pieces of some faces, as numbers of faces."""
    count = faces.max() + 1
    links = faces[chosen]
    one, other = links[:, [0, 0, 0]].ravel(), links[:, 1:].ravel()
    graph = sparse.coo_matrix((np.ones(len(one)), (one, other)), shape=(count, count))
    label = connected_components(graph, directed=False)[1][links[:, 0]]
    for piece in np.unique(label):
        yield chosen[label == piece]


def _flat(points: Array, faces: Indices) -> Array:
    """(M, 4, 2) an island's corners in a square of side 1."""
    used, local = np.unique(faces, return_inverse=True)
    local = local.reshape(faces.shape)
    places = points[used]
    loops = _rims(local)
    if loops:
        rim, holes, kept = loops[0], loops[1:], np.ones(len(local), bool)
    else:
        hind = int(places[local].mean(1)[:, 2].argmin())
        kept = np.arange(len(local)) != hind
        rim, holes = _rims(local[kept])[0], []
    spread = _spread(places, local[kept], rim, holes)
    out = np.empty((len(local), 4, 2))
    out[kept] = 0.5 + 0.5 * spread[local[kept]]
    out[~kept] = ASIDE * np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    return out


def _rims(faces: Indices) -> list[Indices]:
    """The loops of edges that only one face has, the longest first, in the faces' winding."""
    sides = {side for face in faces.tolist() for side in sides_of(face)}
    following = {one: other for one, other in sides if (other, one) not in sides}
    loops = []
    while following:
        start, here = following.popitem()
        loop = [start]
        while here != start:
            loop.append(here)
            here = following.pop(here)
        loops.append(np.array(loop))
    return sorted(loops, key=len, reverse=True)


def _spread(points: Array, faces: Indices, rim: Indices, holes: list[Indices]) -> Array:
    """(N, 2) the island in the unit circle; a hole is held open by a vertex in its middle."""
    count = len(points)
    middles = [points[hole].mean(0) for hole in holes]
    places = np.concatenate([points, *([np.array(middles)] if middles else [])])
    spokes = [np.column_stack([hole, np.full(len(hole), count + i)]) for i, hole in enumerate(holes)]
    edges = np.concatenate([edges_of(faces), *spokes])
    here, there = np.concatenate([edges, edges[:, ::-1]]).T
    weight = 1 / np.maximum(np.linalg.norm(places[here] - places[there], axis=1), 1e-6)
    out = np.zeros((len(places), 2))
    step = np.linalg.norm(np.roll(points[rim], -1, axis=0) - points[rim], axis=1)
    angle = 2 * np.pi * np.concatenate([[0], np.cumsum(step)[:-1]]) / step.sum()
    out[rim] = np.column_stack([np.cos(angle), np.sin(angle)])
    free = np.setdiff1d(np.arange(len(places)), rim)
    area = _vertex_areas(points, faces)
    for _ in range(ROUNDS):
        matrix = sparse.coo_matrix((weight, (here, there)), shape=(len(places), len(places))).tocsr()
        total = np.asarray(matrix.sum(1)).ravel()
        system = (sparse.diags(total) - matrix)[free]
        out[free] = spsolve(system[:, free].tocsc(), -(system[:, rim] @ out[rim]))
        stretch = np.ones(len(places))
        stretch[:count] = np.sqrt(area / np.maximum(_vertex_areas(out[:count], faces), 1e-12))
        stretch[:count] /= np.median(stretch[:count])
        weight = weight / stretch[there] ** EAGERNESS
    return _upright(out[:count], points)


def _upright(flat: Array, points: Array) -> Array:
    """(N, 2) turned in its circle until it stands as the island does when seen from the front."""
    centred = points[:, :2] - points[:, :2].mean(0)
    turn = np.vdot(flat @ (1, 1j), centred @ (1, 1j))
    turned = flat @ (1, 1j) * turn / abs(turn)
    return np.column_stack([turned.real, turned.imag])


def _vertex_areas(points: Array, faces: Indices) -> Array:
    """(N,) areas of the faces round each vertex; (N, 2) or (N, 3) points."""
    one, other = points[faces[:, 2]] - points[faces[:, 0]], points[faces[:, 3]] - points[faces[:, 1]]
    cross = np.cross(one, other)
    area = np.abs(cross) / 2 if cross.ndim == 1 else np.linalg.norm(cross, axis=1) / 2
    return np.asarray(np.bincount(faces.ravel(), np.repeat(area, 4), len(points)), np.float64)
