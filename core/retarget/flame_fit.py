# SPDX-License-Identifier: GPL-3.0-or-later
"""FLAME motion from ARKit motion and back, by least squares within bounds on the user's own FLAME head. numpy only.

FLAME has no ARKit shapes. So those of artalk's own head are brought onto the FLAME mesh (`face_match`), and from then
on everything is measured there: which expressions and which turn of the jaw move the skin as these shapes do, and which
shapes move it as an expression does. A frame is then a small problem in inner products, without vertices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..basis import ARKIT, ARKIT_SHAPES, EYE_ROTATION, FLAME, HEAD_ROTATION, JAW_ROTATION, Basis
from ..errors import InputError
from ..heads import default_head
from ..motion import Motion
from .bounded import bounded_least_squares
from .face_match import PROFILE, Face, landmarks, lid_pairs, transfer
from .flame_shapes import FlameShapes, with_finer_lips
from .visemes import Signs, closure, recipes

Floats = NDArray[np.float64]

FLAME_AND_EYES = Basis("flame_and_eyes", FLAME.channels + EYE_ROTATION)
"""FLAME with eyes that turn, as the bones of a FLAME head can."""

WELL = 0.75
"""A shape of which this share is shown is recognised."""
EXPRESSION_LIMIT = 3.0
"""Expressions are measured in standard deviations: beyond so many no face was ever seen."""
JAW_LIMITS = ((-0.05, 0.6), (-0.2, 0.2), (-0.2, 0.2))
"""Radians, about x, y and z."""

_EXPRESSION_COST, _SHAPE_COST, _ASYMMETRY_COST, _JAW_COST = 0.01, 0.02, 0.1, 0.01
"""mm² by which the mean squared error has to fall for an expression or a shape to go to 1, a left to differ by 1 from
its right, the jaw to turn by 1 radian."""
_NOT_OF_SKIN = frozenset(name for name in ARKIT_SHAPES if name.startswith("eyeLook")) | {"tongueOut"}
"""Shapes of eyes and tongue: FLAME's eyes turn by bones, and it has no tongue."""
_OPENED = 0.3  # rad: the jaw where it is taken for straight
_ANGLES = np.linspace(-0.1, 0.7, 17)
_ROUNDS = 4
_FOCUS, _NEAR, _LIPS, _LIDS = 6.0, 0.12, 2.0, 0.1
"""Skin at lips and lids counts so much more, within so many eye distances; and the gaps of the lips and of the lids as
much as so many whole faces."""
_ASIDE = 0.1  # rad
_SHUT: Signs = ((("mouthClose",), 0.02, 0.06),)
"""What tells a spoken closure of a fit, which finds two thirds of the jaw's way and so of mouthClose's."""
_PRESS_REACH, _PRESS_BESIDE = 0.04, 0.8
"""Lips press so many seconds before and after they are shut, by this share, as artalk's own motion does."""
_EYES = 64.0  # mm between the eyes, whatever the unit of the mesh


@dataclass(frozen=True)
class Residual:
    """How well one shape is shown: what it moves the skin by, root mean square in mm, and what of that is missed."""

    name: str
    moves: float
    missed: float

    @property
    def shown(self) -> float:
        """The share of the squared movement that is shown, 0 to 1."""
        return max(0.0, 1 - (self.missed / self.moves) ** 2) if self.moves > 0 else 0.0


@dataclass(frozen=True)
class FlameFit:
    """Inner products, weighted mm², of ARKit's shapes (52) and FLAME's expressions with the jaw (E + 3) on one head.

    shapes: (52, 52); moves: (E + 3, E + 3); cross: (52, E + 3)
    jaw_shapes, jaw_moves: (A, 52), (A, E + 3): of the jaw's true way at each of the angles of the fit
    seal: (E + 3,): of lips that go from where they rest to where they touch
    """

    shapes: Floats
    moves: Floats
    cross: Floats
    jaw_shapes: Floats
    jaw_moves: Floats
    seal: Floats

    def to_flame(self, motion: Motion, *, eyes: bool = False) -> Motion:
        """ARKit motion as FLAME's (with `eyes` as FLAME_AND_EYES): expressions within ±3, the jaw within its limits."""
        _require(motion, ARKIT)
        weights = np.clip(motion.values[:, : len(ARKIT_SHAPES)].astype(np.float64), 0, 1)
        shut = closure(dict(zip(ARKIT_SHAPES, weights.T, strict=True)))
        found = self._flame(weights @ self.cross + shut[:, None] * self.seal)
        count = found.shape[1] - len(JAW_ROTATION)
        basis = FLAME_AND_EYES if eyes else FLAME
        values = np.zeros((len(motion), len(basis)), np.float32)
        values[:, :count] = found[:, :count]
        values[:, basis.indices(JAW_ROTATION)] = found[:, count:]
        same = [name for name in basis.channels if name in ARKIT.channels]
        values[:, basis.indices(same)] = motion.values[:, ARKIT.indices(same)]
        return Motion(values, basis, motion.fps, {**motion.meta, "retargeted": f"{ARKIT.name} to {FLAME.name}"})

    def to_arkit(self, motion: Motion) -> Motion:
        """FLAME motion as ARKit's, weights within 0 and 1; the eyes stay as they are where it has none.

        Raises InputError for motion of another basis, or with expressions that the head lacks.
        """
        _require(motion, FLAME)
        count = len(self.moves) - len(JAW_ROTATION)
        wanted = motion.values[:, : len(FLAME) - 6].astype(np.float64)
        if np.any(wanted[:, count:]):
            raise InputError(
                f"The motion has {len(FLAME) - 6} expressions and the FLAME file {count}: give one with all of them."
            )
        numbers = np.concatenate([wanted[:, :count], motion.values[:, FLAME.indices(JAW_ROTATION)]], axis=1)
        values = np.zeros((len(motion), len(ARKIT)), np.float32)
        values[:, : len(ARKIT_SHAPES)] = _pressed(self._arkit(numbers), round(_PRESS_REACH * motion.fps))
        values[:, ARKIT.indices(HEAD_ROTATION)] = motion.values[:, FLAME.indices(HEAD_ROTATION)]
        return Motion(values, ARKIT, motion.fps, {**motion.meta, "retargeted": f"{FLAME.name} to {ARKIT.name}"})

    def _flame(self, aims: Floats) -> Floats:
        """Aims (T, E + 3) -> numbers (T, E + 3). The jaw goes round: not its straight way counts, but its true one."""
        jaw = len(self.moves) - len(JAW_ROTATION)
        cost = np.full(len(self.moves), _EXPRESSION_COST)
        cost[jaw:] = _JAW_COST
        limits = np.array([(-EXPRESSION_LIMIT, EXPRESSION_LIMIT)] * jaw + list(JAW_LIMITS))
        gram = self.moves + np.diag(cost)
        bent = np.zeros_like(aims)
        found = bent
        for _ in range(_ROUNDS):
            found = bounded_least_squares(gram, aims - bent, *limits.T)
            angle = found[:, jaw]
            bent = _along(angle, self.jaw_moves) - angle[:, None] * self.moves[jaw]
        return found

    def _arkit(self, numbers: Floats) -> Floats:
        """(T, E + 3) -> (T, 52)."""
        jaw = len(self.moves) - len(JAW_ROTATION)
        straight = numbers.copy()
        straight[:, jaw] = 0
        aims = straight @ self.cross.T + _along(numbers[:, jaw], self.jaw_shapes)
        shown = [i for i, name in enumerate(ARKIT_SHAPES) if name not in _NOT_OF_SKIN]
        gram = (self.shapes + _shape_costs())[np.ix_(shown, shown)]
        values = np.zeros((len(numbers), len(ARKIT_SHAPES)))
        low, high = np.zeros(len(shown)), np.ones(len(shown))
        values[:, shown] = bounded_least_squares(gram, aims[:, shown], low, high)
        return values


def _pressed(weights: Floats, reach: int) -> Floats:
    """Weights (T, 52) with lips that press where they are shut for a p, b or m, as in the recipe of these sounds, and
    less in so many frames beside.

    Pressing moves the skin by half a millimetre, by another one on each face, so that no fit tells it from rolled lips;
    that the lips are shut over a jaw that is open is seen well.
    """
    if not len(weights):
        return weights
    shut = closure(dict(zip(ARKIT_SHAPES, weights.T, strict=True)), _SHUT)
    about = np.pad(_PRESS_BESIDE * shut, reach)
    shut = np.maximum(shut, sliding_window_view(about, 2 * reach + 1).max(axis=1))
    pressed = weights.copy()
    for name in ("mouthPressLeft", "mouthPressRight"):
        column = ARKIT_SHAPES.index(name)
        pressed[:, column] = np.maximum(weights[:, column], recipes()["PP"][name] * shut)
    return pressed


def fit(head: FlameShapes) -> FlameFit:
    """Everything that turning motion needs to know of a FLAME head. About a second.

    Raises InputError when the head has no lips that its jaw parts.
    """
    return _fit(_measure(head))


def _fit(found: _Measured) -> FlameFit:
    shapes, moves, ways = (_rows(part, found) for part in (found.shapes, found.moves, found.ways))
    touching = np.zeros((1, *found.shapes.shape[1:]))
    touching[0, found.pairs[:, 1], 1] = found.gaps
    seal = _gap_rows(touching, found.pairs, _LIPS) @ _gap_rows(found.moves, found.pairs, _LIPS).T
    return FlameFit(shapes @ shapes.T, moves @ moves.T, shapes @ moves.T, ways @ shapes.T, ways @ moves.T, seal[0])


def residuals(head: FlameShapes) -> tuple[tuple[Residual, ...], tuple[Residual, ...]]:
    """How well FLAME shows each ARKit shape at 1; and ARKit's shapes each expression at 1 and the jaw open (jaw_x)."""
    found = _measure(head)
    known = _fit(found)
    count = len(found.moves) - len(JAW_ROTATION)
    opened = np.array([_OPENED])
    asked = np.eye(count + 1, len(found.moves))
    asked[count, count] = _OPENED
    numbers = known._flame(known.cross)
    there = zip(ARKIT_SHAPES, found.shapes, _shown(numbers, found), strict=True)
    names = [*(f"exp{number + 1:03d}" for number in range(count)), JAW_ROTATION[0]]
    wanted = np.concatenate([found.moves[:count], _along(opened, found.ways)])
    back = zip(names, wanted, np.tensordot(known._arkit(asked), found.shapes, 1), strict=True)
    return tuple(_residual(*each, found) for each in there), tuple(_residual(*each, found) for each in back)


@dataclass(frozen=True)
class _Measured:
    """A FLAME head's skin as a fit sees it, mm: what shapes (52, V, 3), moves (E + 3, V, 3) and the jaw at the angles
    of the fit (A, V, 3) do, how much vertices count (V,), pairs of the lips (P, 2) with their gaps at rest (P,), and of
    the lids (6, 2)."""

    shapes: Floats
    moves: Floats
    ways: Floats
    weights: Floats
    pairs: NDArray[np.int64]
    gaps: Floats
    lids: NDArray[np.int64]


def _measure(head: FlameShapes) -> _Measured:
    head = with_finer_lips(head)
    skin, face = head.face()
    ours, movements = _ours()
    scale = _EYES / face.unit
    shapes = scale * transfer(ours, face, movements)
    jaw = [(_OPENED, 0.0, 0.0), (0.0, _ASIDE, 0.0), (0.0, 0.0, _ASIDE)]
    turns = [head.turned(turn)[skin] / max(turn) for turn in jaw]
    moves = scale * np.concatenate([head.expressions[skin].transpose(2, 0, 1), turns])
    ways = scale * np.stack([head.turned((angle, 0.0, 0.0))[skin] for angle in _ANGLES])
    weights = _weights(head, skin, face, shapes)
    return _Measured(shapes, moves, ways, weights, face.lips, scale * _rest_gaps(face), lid_pairs(face))


def _rest_gaps(face: Face) -> Floats:
    """How far the lips are apart at rest where each of their pairs is, (P,): by the nearest pair there."""
    upper, lower = face.points[face.lips].transpose(1, 0, 2)
    apart = np.linalg.norm(upper - lower, axis=1)
    near = abs(upper[:, None, 0] - upper[None, :, 0]) < _NEAR / 2 * face.unit
    nearest = np.where(near, apart, np.inf).argmin(axis=1)
    gaps: Floats = np.maximum((upper - lower)[nearest, 1], 0)
    return gaps


def table(found: tuple[Residual, ...]) -> str:
    """Residuals as a table to read, one a line."""
    width = max(len(each.name) for each in found)
    rows = [f"{'':{width}}   moves mm   missed mm   shown"]
    rows += [f"{e.name:{width}} {e.moves:10.2f} {e.missed:11.2f} {100 * e.shown:5.0f} %" for e in found]
    return "\n".join(rows) + "\n"


def _require(motion: Motion, basis: Basis) -> None:
    if motion.basis != basis:
        raise InputError(f"The motion is '{motion.basis.name}' and not '{basis.name}': give one of that basis.")


@cache
def _ours() -> tuple[Face, Floats]:
    """The skin of artalk's own head, and what each ARKit shape does to it, (52, V, 3)."""
    head = default_head.load()
    skin = slice(*head.parts["skin"])
    moves = head.shape_deltas[[head.shape_names.index(name) for name in ARKIT_SHAPES], skin].astype(np.float64)
    eyes = [head.joint_names.index(eye) for eye in ("left_eye", "right_eye")]
    rest = head.vertices[skin].astype(np.float64)
    return Face(rest, moves[ARKIT_SHAPES.index("jawOpen")], head.joint_heads[eyes].astype(np.float64)), moves


def _weights(head: FlameShapes, skin: NDArray[np.int64], face: Face, shapes: Floats) -> Floats:
    """How much each vertex of the skin counts, (V,), in all 1: its area, more at lips and lids, 0 where no shape is."""
    area = np.full(len(head.points), 0.0 if len(head.faces) else 1.0)
    corners = head.points[head.faces]
    faces = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    np.add.at(area, head.faces.ravel(), np.repeat(faces, 3))
    used = area[skin] * np.clip(np.linalg.norm(shapes, axis=2).max(axis=0), 0, 1)
    marks = landmarks(face)[:-PROFILE]
    far = np.linalg.norm(face.points[:, None] - marks[None], axis=2).min(axis=1) / face.unit
    used *= 1 + _FOCUS * np.exp(-((far / _NEAR) ** 2))
    weights: Floats = used / used.sum()
    return weights


def _rows(moves: Floats, face: _Measured) -> Floats:
    """Movements (S, V, 3) as rows of which the products are weighted mm²; gaps of lips and lids count of their own."""
    used = np.flatnonzero(face.weights)
    skin = moves[:, used] * np.sqrt(face.weights[used])[:, None]
    lips, lids = _gap_rows(moves, face.pairs, _LIPS), _gap_rows(moves, face.lids, _LIDS)
    return np.concatenate([skin.reshape(len(moves), -1), lips, lids], axis=1)


def _gap_rows(moves: Floats, pairs: NDArray[np.int64], share: float) -> Floats:
    """The part of the rows that is of the gap between upper and lower vertices (P, 2), (S, 3 P)."""
    upper, lower = pairs.T
    gaps: Floats = (moves[:, lower] - moves[:, upper]) * np.sqrt(share / len(pairs))
    return gaps.reshape(len(moves), -1)


def _along(angles: Floats, table: Floats) -> Floats:
    """Entries of a table (A, …) over the angles of the fit, at any angles (T,): (T, …)."""
    place = (np.clip(angles, _ANGLES[0], _ANGLES[-1]) - _ANGLES[0]) / (_ANGLES[1] - _ANGLES[0])
    low = np.minimum(place.astype(int), len(_ANGLES) - 2)
    part = (place - low).reshape(-1, *(1,) * (table.ndim - 1))
    mixed: Floats = table[low] * (1 - part) + table[low + 1] * part
    return mixed


def _shown(numbers: Floats, face: _Measured) -> Floats:
    """What numbers (T, E + 3) do to the skin, (T, V, 3)."""
    jaw = len(face.moves) - len(JAW_ROTATION)
    straight = numbers.copy()
    straight[:, jaw] = 0
    moved: Floats = np.tensordot(straight, face.moves, 1) + _along(numbers[:, jaw], face.ways)
    return moved


def _residual(name: str, wanted: Floats, shown: Floats, face: _Measured) -> Residual:
    moves, missed = (float(np.sqrt(((m**2).sum(axis=1) * face.weights).sum())) for m in (wanted, wanted - shown))
    return Residual(name, moves, missed)


@cache
def _shape_costs() -> Floats:
    """What weights cost, (52, 52): each by itself, and a left that is not as its right."""
    costs = _SHAPE_COST * np.eye(len(ARKIT_SHAPES))
    for left in (name for name in ARKIT_SHAPES if name.endswith("Left") and name not in {"jawLeft", "mouthLeft"}):
        pair = np.zeros(len(ARKIT_SHAPES))
        pair[[ARKIT_SHAPES.index(left), ARKIT_SHAPES.index(left.removesuffix("Left") + "Right")]] = 1, -1
        costs += _ASYMMETRY_COST * np.outer(pair, pair)
    return costs
