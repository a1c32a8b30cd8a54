# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the default head: one implicit function, negative inside, put together from simple bodies.

Millimetres; x to the character's left, y up, z forward, the origin inside the head at the height of the nose's tip.
Only the left half is described. Bodies are joined by a polynomial smooth minimum (Quilez 2013), whose softness in
millimetres says how far the join reaches. Distances are approximate, the surface itself is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Triple = tuple[float, float, float]

EYE_CENTRE = np.array([33.5, 35.0, 77.0])  # of the left eyeball
EYE_RADIUS = 18.2
REACHED = 1e-6  # mm; a smaller step ends a ray


class Body(Protocol):
    """A solid that knows about how far points are from its surface."""

    def distance(self, points: Array) -> Array:
        """(N,) millimetres to the surface, negative inside."""


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid along the axes."""

    centre: Triple
    radii: Triple

    def distance(self, points: Array) -> Array:
        """(N,) first-order distance: exact on the surface, about right near it."""
        offset, radii = points - np.array(self.centre), np.array(self.radii)
        scaled = np.linalg.norm(offset / radii, axis=1)
        slope = np.linalg.norm(offset / radii**2, axis=1)
        return np.asarray(scaled * (scaled - 1) / np.maximum(slope, 1e-9))


@dataclass(frozen=True)
class Capsule:
    """A round bar from one point to another, with a radius at each end."""

    start: Triple
    end: Triple
    start_radius: float
    end_radius: float

    def distance(self, points: Array) -> Array:
        """(N,) distance, exact where both radii are equal."""
        start = np.array(self.start)
        axis = np.array(self.end) - start
        along = np.clip((points - start) @ axis / (axis @ axis), 0, 1)
        radius = self.start_radius + (self.end_radius - self.start_radius) * along
        return np.asarray(np.linalg.norm(points - start - along[:, None] * axis, axis=1) - radius)


@dataclass(frozen=True)
class Step:
    """One body added to the form so far, or carved out of it."""

    body: Body
    softness: float
    carved: bool = False


SKULL = (
    Step(Ellipsoid((0, 70, 3), (76, 82, 88)), 0),  # cranium
    Step(Ellipsoid((0, 79, 38), (60, 47, 65)), 24),  # forehead
    Step(Ellipsoid((0, 8, 35), (60, 68, 62)), 24),  # face
    Step(Ellipsoid((0, -33, 42), (43, 41, 57)), 24),  # jaw
    Step(Capsule((15, -63, 88), (44, -34, 16), 10, 13), 20),  # edge of the jaw
    Step(Ellipsoid((43, -14, 34), (15, 28, 28)), 22),  # muscle before the ear
    Step(Ellipsoid((0, 22, -38), (57, 46, 45)), 24),  # back of the head
    Step(Ellipsoid((0, -64.5, 97.5), (16, 12.5, 15.5)), 18),  # chin
    Step(Ellipsoid((0, -56, 64), (27, 20, 32)), 18),  # under the chin
    Step(Ellipsoid((0, -31, 86.5), (32, 24, 27)), 18),  # muzzle
    Step(Ellipsoid((38, 9, 72), (22, 17, 20)), 28),  # cheek
    Step(Capsule((0, 58, 92), (47, 59, 70), 12, 10), 16),  # brow ridge
    Step(Ellipsoid((34, 36, 111), (21, 14, 18)), 16, carved=True),  # eye socket
)
NOSE = (
    Step(Capsule((0, 44, 97.5), (0, 12, 115.5), 5.6, 6.0), 0),  # bridge
    Step(Ellipsoid((0, 4.2, 120.5), (9.4, 8.2, 9.0)), 8),  # tip
    Step(Ellipsoid((12.6, -2.4, 109.0), (6.6, 6.8, 9.2)), 3.0),  # wing
    Step(Capsule((0, -4.5, 121), (0, -11.5, 107.5), 3.2, 4), 5),  # between the nostrils
)
NOSE_SOFTNESS = 5.0
BUST = (
    Step(Capsule((0, -40, -10), (0, -150, -22), 48, 47), 13),  # neck
    Step(Ellipsoid((0, -187, -22), (128, 58, 60)), 44),  # shoulders
)


def distance(points: Array) -> Array:
    """(N,) approximate signed distance in millimetres of (N, 3) points to the skin, negative inside."""
    points = np.array(points, np.float64)
    points[:, 0] = np.sqrt(points[:, 0] ** 2 + 1e-6)
    skull = _grown(SKULL[0].body.distance(points), SKULL[1:], points)
    nose = _grown(NOSE[0].body.distance(points), NOSE[1:], points)
    return _grown(_union(skull, nose, NOSE_SOFTNESS), BUST, points)


def gradient(points: Array, step: float = 0.05) -> Array:
    """(N, 3) derivative of `distance` by central differences over `step` millimetres."""
    axes = np.eye(3) * step
    return np.stack([distance(points + axis) - distance(points - axis) for axis in axes], axis=1) / (2 * step)


def project(points: Array, steps: int = 8) -> Array:
    """(N, 3) points moved to the surface by a few damped Newton steps along the gradient."""
    points = np.array(points, np.float64)
    for _ in range(steps):
        slope = gradient(points)
        points -= np.clip(distance(points) / np.maximum((slope**2).sum(1), 0.2), -6, 6)[:, None] * slope
    return points


def cast(origins: ArrayLike, directions: ArrayLike, far: float = 230.0) -> Array:
    """(N, 3) first surface points met when coming from `far` millimetres outside back to the origins."""
    starts, rays = np.broadcast_arrays(np.asarray(origins, np.float64), np.asarray(directions, np.float64))
    rays = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    reach = np.full(len(starts), far)
    for _ in range(160):
        step = np.clip(distance(starts + rays * reach[:, None]), -4, 40) * 0.8
        reach -= step
        if np.abs(step).max() < REACHED:
            break
    return np.asarray(starts + rays * reach[:, None])


def front(places: ArrayLike) -> Array:
    """(N, 3) surface points seen from the front at the given (N, 2) x and y."""
    places = np.atleast_2d(np.asarray(places, np.float64))
    return cast(np.column_stack([places, np.zeros(len(places))]), np.array([[0.0, 0.0, 1.0]]))


def _grown(start: Array, steps: Sequence[Step], points: Array) -> Array:
    for step in steps:
        other = step.body.distance(points)
        start = -_union(-start, other, step.softness) if step.carved else _union(start, other, step.softness)
    return start


def _union(one: Array, other: Array, softness: float) -> Array:
    overlap = np.maximum(softness - np.abs(one - other), 0) / softness
    return np.asarray(np.minimum(one, other) - overlap**2 * softness / 4)
