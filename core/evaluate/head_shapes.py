# SPDX-License-Identifier: GPL-3.0-or-later
"""What each ARKit shape of a head does, in millimetres, at the places that tell a face's expression.

`moves` measures the default head; `read_moves` reads the same measures of another head from a table; `comparison`
puts them side by side. `ways` needs no more than points and shapes: how far each shape goes at most, and where to.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basis import ARKIT_SHAPES
from ..errors import InputError
from ..heads.mesh import MM, HeadMesh, lid_gap_mm, posed

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.intp]

_LIP_REACH, _MIDDLE = 9.0, 1.0
"""mm: how far from the mouth line a lip's front is looked for, and how far from the middle."""
_TOLD = 0.5
"""mm: what moves less is left out of the comparison."""
_SIDEWAYS = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
_SHARE = 0.45
"""A direction is named when it has at least this share of the way."""


@dataclass(frozen=True)
class ShapeMoves:
    """Changes in mm when a shape goes from 0 to 1. Corners and brows are means of both sides.

    largest is the longest way that any point of the face goes.
    """

    lip_gap: float
    mouth_width: float
    lip_forward: float
    upper_lip_up: float
    lower_lip_up: float
    corner_up: float
    chin_up: float
    right_lid: float
    left_lid: float
    inner_brow_up: float
    outer_brow_up: float
    largest: float

    def __add__(self, other: ShapeMoves) -> ShapeMoves:
        """Both together; the largest way is the larger one, as the halves of a shape lie apart."""
        sums = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return ShapeMoves(**sums | {"largest": max(self.largest, other.largest)})


@dataclass(frozen=True)
class _Places:
    """Vertices of a face: middles of both lips' inside, their fronts, corners, chin, ends of both brows, the face."""

    inner: tuple[int, int]
    fronts: Indices
    corners: Indices
    chin: int
    inner_brows: Indices
    outer_brows: Indices
    face: Indices


def moves(head: HeadMesh) -> dict[str, ShapeMoves]:
    """What every shape of the default head does."""
    places = _places(head)
    return {name: _measure(head, places, name) for name in head.shape_names}


def read_moves(path: Path) -> dict[str, ShapeMoves]:
    """Measures of another head from a .csv with a row per shape; shapes split in `_L` and `_R` get ARKit's names.

    Raises InputError when the file is missing or has other columns.
    """
    found: dict[str, ShapeMoves] = {}
    try:
        with path.open(newline="") as file:
            for name, *values in list(csv.reader(file))[2:]:
                arkit = name.removesuffix("_L").removesuffix("_R")
                if arkit not in ARKIT_SHAPES:
                    arkit = name.replace("_L", "Left").replace("_R", "Right")
                row = ShapeMoves(*map(float, values))
                found[arkit] = found[arkit] + row if arkit in found else row
    except (OSError, ValueError, TypeError):
        raise InputError(f"'{path}' is not a table of what shapes measure: give another one.") from None
    return {name: row for name, row in found.items() if name in ARKIT_SHAPES}


def comparison(ours: Mapping[str, ShapeMoves], theirs: Mapping[str, ShapeMoves]) -> str:
    """A Markdown table with a row for each shape: 'ours / theirs' where one of them moves over half a millimetre."""
    titles = [f.name.replace("_", " ") for f in fields(ShapeMoves)]
    lines = ["| shape | " + " | ".join(titles) + " |", "|---" * (len(titles) + 1) + "|"]
    for name, row in ours.items():
        other = theirs.get(name)
        lines.append(f"| {name} | " + " | ".join(_cell(row, other, f.name) for f in fields(ShapeMoves)) + " |")
    return "\n".join(lines)


def ways(points: Floats, shapes: Mapping[str, Floats], eyes_apart: float) -> dict[str, str]:
    """How far and where to each ARKit shape takes the point that it moves the most, as '9.6 down forward'.

    points: (V, 3), x to the character's left, y up, z forward, in any unit; shapes: what each adds at 1, (V, 3);
    eyes_apart: mm between the eyes that the head is scaled to. Outwards and inwards are away from the head's middle and
    towards it. Raises InputError for a head without blinks, which tell where its eyes are.
    """
    scale = eyes_apart / eye_distance(points, shapes)
    return {name: _way(points, move * scale, name) for name, move in shapes.items() if name in ARKIT_SHAPES}


def eye_distance(points: Floats, shapes: Mapping[str, Floats]) -> float:
    """Between the middles of what the left and the right blink move, in the unit of the points."""
    if not {"eyeBlinkLeft", "eyeBlinkRight"} <= shapes.keys():
        raise InputError("The head has no eyeBlinkLeft and eyeBlinkRight, which tell its size: give another one.")
    sizes = (np.linalg.norm(shapes[f"eyeBlink{side}"], axis=1) for side in ("Left", "Right"))
    left, right = (np.average(points, axis=0, weights=size) for size in sizes)
    return float(np.linalg.norm(left - right))


def _way(points: Floats, move: Floats, name: str) -> str:
    furthest = np.linalg.norm(move, axis=1).argmax()
    way = move[furthest].astype(np.float64)
    length = np.linalg.norm(way)
    if length < _TOLD:
        return "–"
    outwards = points[furthest, 0] * way[0] > 0
    side = ("left" if way[0] > 0 else "right") if name in _SIDEWAYS else "outwards" if outwards else "inwards"
    words = (side, "up" if way[1] > 0 else "down", "forward" if way[2] > 0 else "back")
    told = [axis for axis in np.argsort(-np.abs(way)) if abs(way[axis]) >= _SHARE * length]
    return " ".join([f"{length:.1f}", *(words[axis] for axis in told)])


def _cell(ours: ShapeMoves, theirs: ShapeMoves | None, measure: str) -> str:
    values = [getattr(moves, measure) for moves in (ours, theirs) if moves]
    if max(map(abs, values)) < _TOLD:
        return ""
    return " / ".join(f"{value:.1f}" for value in values) + ("" if theirs else " / –")


def _measure(head: HeadMesh, places: _Places, shape: str) -> ShapeMoves:
    moved = posed(head, {shape: 1.0})
    change = (moved - head.vertices).astype(np.float64) * MM
    upper, lower = places.inner
    right, left = moved[places.corners]
    width = np.linalg.norm(left - right) - np.linalg.norm(np.diff(head.vertices[places.corners], axis=0))
    lids = lid_gap_mm(head, moved) - lid_gap_mm(head, head.vertices)
    return ShapeMoves(
        lip_gap=change[upper, 1] - change[lower, 1],
        mouth_width=float(width) * MM,
        lip_forward=change[places.fronts, 2].mean(),
        upper_lip_up=change[upper, 1],
        lower_lip_up=change[lower, 1],
        corner_up=change[places.corners, 1].mean(),
        chin_up=change[places.chin, 1],
        right_lid=float(lids[1]),
        left_lid=float(lids[0]),
        inner_brow_up=change[places.inner_brows, 1].mean(),
        outer_brow_up=change[places.outer_brows, 1].mean(),
        largest=np.linalg.norm(change[places.face], axis=1).max(),
    )


def _places(head: HeadMesh) -> _Places:
    rest = head.vertices.astype(np.float64) * MM
    ring = head.lips[: len(head.lips) // 3]  # the foremost of three
    upper, lower = ring[len(ring) // 2]
    skin = np.arange(*head.parts["skin"])
    middle = skin[np.abs(rest[skin, 0]) < _MIDDLE]
    fronts = []
    for sign in (1, -1):
        height = sign * (rest[middle, 1] - rest[upper, 1])
        lip = middle[(height > 0) & (height < _LIP_REACH)]
        fronts.append(lip[rest[lip, 2].argmax()])
    below = middle[rest[middle, 1] < rest[lower, 1] - 3 * _LIP_REACH]
    brows = [np.arange(*head.parts[f"brow_{side}"]) for side in ("left", "right")]
    ordered = [brow[np.argsort(np.abs(rest[brow, 0]))] for brow in brows]
    few = len(ordered[0]) // 6
    return _Places(
        inner=(int(upper), int(lower)),
        fronts=np.array(fronts),
        corners=ring[[0, -1], 0],
        chin=int(below[rest[below, 2].argmax()]),
        inner_brows=np.concatenate([brow[:few] for brow in ordered]),
        outer_brows=np.concatenate([brow[-few:] for brow in ordered]),
        face=skin[rest[skin, 2] > 0],
    )
