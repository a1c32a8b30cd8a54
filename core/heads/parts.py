# SPDX-License-Identifier: GPL-3.0-or-later
"""What sits in and on the head: eyeballs, teeth, gums, tongue, brows, hair. Millimetres, as in `form`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from . import form, lips
from .form import EYE_CENTRE, EYE_RADIUS, Array
from .layout import Indices, Layout, Ring, neighbours_of, outward
from .surfaces import Surface


@dataclass(frozen=True)
class Part:
    """A piece of its own: (N, 3) points, (M, 4) faces (-1 ends a triangle), (M,) surfaces."""

    points: Array
    faces: Indices
    surfaces: Indices

    def mirrored(self) -> Part:
        """The same on the other side."""
        return _part(self.points * [-1, 1, 1], self.faces.tolist(), self.surfaces.tolist())


def _part(points: Array, faces: Sequence[Sequence[int]], surfaces: Sequence[int] | Surface) -> Part:
    wound = outward(np.array(faces), points)
    return Part(points, wound, np.full(len(faces), surfaces) if isinstance(surfaces, Surface) else np.array(surfaces))


def _bars(rings: int, around: int) -> list[tuple[int, int, int, int]]:
    """Quads of a tube of closed rings, numbered ring after ring."""
    return [
        (j * around + i, j * around + (i + 1) % around, (j + 1) * around + (i + 1) % around, (j + 1) * around + i)
        for j in range(rings - 1)
        for i in range(around)
    ]


def _caps(rings: int, around: int) -> list[tuple[int, int, int, int]]:
    """Quads that close both ends of such a tube; around is even."""
    return [
        (first + i, first + i + 1, first + around - 2 - i, first + around - 1 - i)
        for first in (0, (rings - 1) * around)
        for i in range(around // 2 - 1)
    ]


# ---------------------------------------------------------------- eyeballs
EYE_AROUND = 24
CORNEA_RISE, CORNEA_ANGLE = 0.4, 18.0  # mm, degrees
# ring angles from the pupil's centre, degrees, and the surface up to each
EYE_RINGS = (
    (6, Surface.PUPIL),
    (10.2, Surface.PUPIL),
    (11.6, Surface.IRIS),
    (18, Surface.IRIS),
    (23.5, Surface.IRIS),
    (25, Surface.LIMBUS),
    (27.5, Surface.LIMBUS),
    (33, Surface.SCLERA),
    (43, Surface.SCLERA),
    (56, Surface.SCLERA),
    (76, Surface.SCLERA),
    (100, Surface.SCLERA),
    (130, Surface.SCLERA),
    (160, Surface.SCLERA),
)


def eyeball() -> Part:
    """The left eye: a ball with a slight cornea that looks straight ahead."""
    turn = np.arange(EYE_AROUND) * 2 * np.pi / EYE_AROUND
    layout = Layout()
    rings = []
    for angle, _ in EYE_RINGS:
        across, ahead = np.sin(np.radians(angle)), np.full(EYE_AROUND, np.cos(np.radians(angle)))
        rings.append(
            layout.ring(_on_eye(np.column_stack([across * np.cos(turn), across * np.sin(turn), ahead])), "eye")
        )
    for (outer, inner), (_, surface) in zip(pairwise(rings), EYE_RINGS[1:], strict=True):
        layout.bridge(outer, inner, surface, closed=True)

    def pole(u: float, v: float, edges: list[Array]) -> Array:
        above, below, left, right = edges
        return _on_eye(((above * (1 - v) + below * v + left * (1 - u) + right * u) / 2 - EYE_CENTRE)[None])[0]

    layout.fill(rings[0], (EYE_AROUND // 4, EYE_AROUND // 4), pole, "eye", surface=Surface.PUPIL)
    layout.fill(rings[-1], (EYE_AROUND // 4, EYE_AROUND // 4), pole, "eye", surface=Surface.SCLERA)
    return _part(np.array(layout.points), layout.faces, layout.surfaces)


def _on_eye(directions: Array) -> Array:
    """(N, 3) points of the left eyeball in the given directions from its centre, the cornea included."""
    unit = _unit(directions)
    angle = np.degrees(np.arccos(np.clip(unit[:, 2], -1, 1)))
    return EYE_CENTRE + unit * (EYE_RADIUS + CORNEA_RISE * np.exp(-((angle / CORNEA_ANGLE) ** 4)))[:, None]


# ---------------------------------------------------------------- the corners of the eyes
CARUNCLE_RINGS, CARUNCLE_AROUND = 5, 8
CARUNCLE_PLACE, CARUNCLE_RADII = (-49.0, -4.3), (3.8, 2.3, 0.9)  # degrees about the eyeball; mm along, up, out


def caruncle() -> Part:
    """The pink flesh in the inner corner of the left eye: a flat grain on the eyeball."""
    longitude, latitude = np.radians(CARUNCLE_PLACE)
    out = np.array([np.sin(longitude) * np.cos(latitude), np.sin(latitude), np.cos(longitude) * np.cos(latitude)])
    along = np.array([out[2], 0, -out[0]]) / np.hypot(out[0], out[2])
    up = np.cross(out, along)
    turn = np.arange(CARUNCLE_AROUND) * 2 * np.pi / CARUNCLE_AROUND
    points = []
    for angle in np.radians(np.linspace(18, 162, CARUNCLE_RINGS)):
        ring = np.column_stack(
            [np.full(len(turn), np.cos(angle)), np.sin(angle) * np.sin(turn), np.sin(angle) * np.cos(turn)]
        )
        points.append(EYE_CENTRE + out * EYE_RADIUS + (ring * CARUNCLE_RADII) @ np.stack([along, up, out]))
    faces = _bars(CARUNCLE_RINGS, CARUNCLE_AROUND) + _caps(CARUNCLE_RINGS, CARUNCLE_AROUND)
    return _part(np.concatenate(points), faces, Surface.TONGUE)


# ---------------------------------------------------------------- teeth and gums
@dataclass(frozen=True)
class Frame:
    """Where a tooth stands: x and z of its centre, the directions along the arch and outwards."""

    centre: Array
    along: Array
    out: Array


@dataclass(frozen=True)
class Jaw:
    """One dental arch: half width and depth of its ellipse, then per tooth from the middle: width, height, how far
    its edge stands back from the arch's edge, thickness; all mm. up is 1 for the upper jaw."""

    up: int
    half_width: float
    depth: float
    widths: tuple[float, ...]
    heights: tuple[float, ...]
    edges: tuple[float, ...]
    thicknesses: tuple[float, ...] = (3.4, 3.2, 4, 6, 7, 8.5)

    def at(self, angle: Array, front: float) -> Array:
        """(N, 2) x and z of the arch at angles from its middle."""
        return np.column_stack([self.half_width * np.sin(angle), front - self.depth * (1 - np.cos(angle))])

    def outwards(self, angle: Array) -> Array:
        """(N, 2) the way out of the arch there, x and z, of length 1."""
        return _unit(np.column_stack([np.sin(angle) / self.half_width, np.cos(angle) / self.depth]))


UPPER = Jaw(1, 26, 38, (8.4, 6.6, 7.6, 7, 7, 9.5), (10.5, 9, 10, 8.5, 8, 7.5), (0, 0.45, 0.1, 1.3, 1.7, 1.9))
LOWER = Jaw(-1, 24, 36, (5.6, 6.0, 6.8, 7, 7.4, 10), (8.5, 8.6, 9.6, 8.6, 8, 7.5), (0, -0.135, -0.03, 1.0, 1.1, 1.1))
TOOTH_LEVELS = (0, 0.5, 1)  # of its height
TOOTH_WIDTHS = (0.94, 1.0, 0.86)  # at each level
TOOTH_RIM = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))


def teeth(jaw: Jaw, edge: float, front: float) -> Part:
    """An arch of twelve teeth; edge is the height of the biting edge, front the z of the foremost tooth."""
    points: list[Array] = []
    faces: list[tuple[int, ...]] = []
    for side in (1, -1):
        for number, frame in enumerate(_tooth_frames(jaw, front)):
            faces += _tooth_faces(18 * len(points))
            points.append(_tooth(jaw, number, edge, frame) * [side, 1, 1])
    return _part(np.concatenate(points), faces, Surface.TEETH)


def _tooth_frames(jaw: Jaw, front: float) -> list[Frame]:
    """Of each tooth of the left half, from the middle."""
    arch = jaw.at(np.linspace(0, np.pi / 2, 400), front)
    walked = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(arch, axis=0), axis=1))])
    ends = np.concatenate([[0], np.cumsum(jaw.widths)])

    def place(length: float) -> Array:
        return np.array([np.interp(length, walked, arch[:, axis]) for axis in (0, 1)])

    frames = []
    for middle in (ends[1:] + ends[:-1]) / 2:
        along = place(middle + 0.5) - place(middle - 0.5)
        along /= np.linalg.norm(along)
        frames.append(Frame(place(middle), along, np.array([-along[1], along[0]])))
    return frames


def _tooth(jaw: Jaw, number: int, edge: float, frame: Frame) -> Array:
    """(18, 3) a grid of 3 x 3 in front and one behind, rounded by subdivision."""
    points = []
    for behind in (False, True):
        for level, share in zip(TOOTH_LEVELS, TOOTH_WIDTHS, strict=True):
            for across in (-1, 0, 1):
                if behind:
                    depth = -jaw.thicknesses[number] * (0.45 if level == 0 else 0.9)
                else:
                    depth = 0.25 - 0.5 * across**2 - (0.5 if level == 0 else 0)
                half = jaw.widths[number] / 2 * share * across * (0.88 if behind else 1)
                x, z = frame.centre + frame.along * half + frame.out * depth
                points.append((x, edge + jaw.up * (jaw.edges[number] + jaw.heights[number] * level), z))
    return np.array(points)


def _tooth_faces(first: int) -> list[tuple[int, ...]]:
    def at(layer: int, level: int, across: int) -> int:
        return first + 9 * layer + 3 * level + across

    faces: list[tuple[int, ...]] = [
        (at(layer, j, i), at(layer, j, i + 1), at(layer, j + 1, i + 1), at(layer, j + 1, i))
        for layer in (0, 1)
        for j in (0, 1)
        for i in (0, 1)
    ]
    rim = zip(TOOTH_RIM, TOOTH_RIM[1:] + TOOTH_RIM[:1], strict=True)
    return faces + [(at(0, *one), at(0, *other), at(1, *other), at(1, *one)) for one, other in rim]


GUM_RINGS, GUM_AROUND = 13, 8
GUM_HEIGHT, GUM_RADII, GUM_INWARD = 12.4, (3.9, 4.6), 2.6  # mm


def gum(jaw: Jaw, edge: float, front: float) -> Part:
    """A bent tube that the teeth of the jaw stand in."""
    turn = np.arange(GUM_AROUND) * 2 * np.pi / GUM_AROUND
    points = []
    angles = np.linspace(-1, 1, GUM_RINGS) * np.radians(80)
    for centre, out in zip(jaw.at(angles, front), jaw.outwards(angles), strict=True):
        x, z = centre[:, None] + np.outer(out, GUM_RADII[0] * np.cos(turn) - GUM_INWARD)
        y = edge + jaw.up * (GUM_HEIGHT + GUM_RADII[1] * np.sin(turn))
        points.append(np.column_stack([x, y, z]))
    faces = _bars(GUM_RINGS, GUM_AROUND) + _caps(GUM_RINGS, GUM_AROUND)
    return _part(np.concatenate(points), faces, Surface.GUM)


# ---------------------------------------------------------------- tongue
TONGUE_RINGS, TONGUE_AROUND, TONGUE_LENGTH = 11, 14, 35.0


def tongue(tip: Array) -> Part:
    """A tongue that lies behind the teeth, its thin tip at the given point."""
    turn = np.arange(TONGUE_AROUND) * 2 * np.pi / TONGUE_AROUND
    points = []
    for back in np.linspace(0, 1, TONGUE_RINGS):
        width = 13.8 * np.sqrt(np.clip(1 - (1 - min(back * 1.9 + 0.06, 1)) ** 2, 0, 1))
        height = 1.3 + 6.3 * min(1, back * 1.5) ** 1.3
        centre = tip + np.array([0, -7 * back**2, -TONGUE_LENGTH * back])
        groove = 1.3 * np.exp(-((np.cos(turn) / 0.35) ** 2)) * (np.sin(turn) > 0)
        flat = np.column_stack([width * np.cos(turn), height * np.sin(turn) - groove, np.zeros(TONGUE_AROUND)])
        points.append(centre + flat)
    faces = _bars(TONGUE_RINGS, TONGUE_AROUND) + _caps(TONGUE_RINGS, TONGUE_AROUND)
    return _part(np.concatenate(points), faces, Surface.TONGUE)


# ---------------------------------------------------------------- brows
BROW_LINE = ((11.5, 53.5), (17, 57), (25, 60.0), (34, 61.8), (43, 61.6), (49.5, 59.6), (54.5, 56.6))  # x, y from inside
BROW_RINGS, BROW_AROUND = 12, 6


def brow() -> Part:
    """The left brow: a tapered ribbon on the ridge."""
    along = np.linspace(0, 1, BROW_RINGS)
    knots = np.array(BROW_LINE)
    steps = np.linspace(0, 1, len(knots))
    places = np.column_stack([np.interp(along, steps, knots[:, axis]) for axis in (0, 1)])
    for _ in range(2):
        places[1:-1] = (places[:-2] + 2 * places[1:-1] + places[2:]) / 4
    spine = form.front(places)
    normal = _unit(form.gradient(spine))
    across = np.cross(normal, _unit(np.gradient(spine, axis=0)))
    across *= np.sign(across[:, 1:2])
    half = np.interp(along, [0, 0.12, 0.45, 0.8, 1], [1.5, 3.1, 3.0, 1.9, 0.8])
    thickness = np.interp(along, [0, 0.15, 0.8, 1], [0.9, 1.6, 1.1, 0.5])
    strands = []
    for turn in np.arange(BROW_AROUND) * 2 * np.pi / BROW_AROUND:
        ground = form.project(spine + across * (half * np.cos(turn))[:, None], 4)
        strands.append(ground + normal * (thickness * np.sin(turn) + 0.7)[:, None])
    points = np.stack(strands, axis=1).reshape(-1, 3)
    faces = _bars(BROW_RINGS, BROW_AROUND) + _caps(BROW_RINGS, BROW_AROUND)
    return _part(points, faces, Surface.BROW)


# ---------------------------------------------------------------- hair
HAIRLINE = (  # azimuth from the front, degrees; height, mm
    (0, 108),
    (18, 109),
    (34, 106),
    (46, 97),
    (56, 82),
    (66, 72),
    (72, 58),
    (78, 45),
    (83, 41),
    (88, 53),
    (94, 65),
    (104, 66),
    (115, 52),
    (122, 26),
    (132, 2),
    (150, -12),
    (180, -18),
)
HAIR_AROUND = 40
HAIR_CENTRE, PARTING = np.array([0, 52.0, 2.0]), np.array([0.34, 0.9, 0.10])
# way from the hairline to the parting, share of the full thickness
HAIR_RINGS = (
    (-0.03, -0.45),
    (-0.012, 0.25),
    (0.015, 0.62),
    (0.06, 0.85),
    (0.14, 1),
    (0.26, 1),
    (0.40, 1),
    (0.55, 1),
    (0.70, 1),
)
LEAST_HAIR = 3.5  # mm over the scalp


def hair() -> Part:
    """Short hair swept to one side, as one sculpted shell carried on great circles from the hairline to the parting."""
    parting = PARTING / np.linalg.norm(PARTING)
    edge = _unit(_hairline() - HAIR_CENTRE)
    angle = np.arccos(np.clip(edge @ parting, -1, 1))[:, None]
    layout = Layout()
    rings: list[Ring] = []
    for way, thickness in HAIR_RINGS:
        rays = (np.sin((1 - way) * angle) * edge + np.sin(way * angle) * parting) / np.sin(angle)
        rings.append(layout.ring(_over_scalp(rays, thickness, parting), "hair"))
    for outer, inner in pairwise(rings):
        layout.bridge(outer, inner, Surface.HAIR, closed=True)

    def cap(u: float, v: float, edges: list[Array]) -> Array:
        shares = (1 - v, v, 1 - u, u)
        ray = sum(share * (point - HAIR_CENTRE) for share, point in zip(shares, edges, strict=True)) / 2
        return _over_scalp((ray + parting * 30 * min(u, 1 - u, v, 1 - v))[None], 1.0, parting)[0]

    layout.fill(rings[-1], (10, 10), cap, "hair", surface=Surface.HAIR)
    points = _smoothed_hair(np.array(layout.points), layout.faces)
    return _part(points, layout.faces, Surface.HAIR)


def _hairline() -> Array:
    """(HAIR_AROUND, 3) the hairline on the scalp, lower on one side of the forehead."""
    azimuth = np.radians(np.arange(HAIR_AROUND) * 360 / HAIR_AROUND + 45)
    signed = (np.degrees(azimuth) + 180) % 360 - 180
    knots = np.array(HAIRLINE, np.float64)
    sweep = 4 * np.exp(-(((signed - 20) / 14) ** 2)) - 9 * np.exp(-(((signed + 24) / 24) ** 2))
    height = np.interp(np.abs(signed), knots[:, 0], knots[:, 1]) + sweep
    level = np.zeros(HAIR_AROUND)
    origins = np.column_stack([level, height, level + 4])
    return form.cast(origins, np.column_stack([np.sin(azimuth), level, np.cos(azimuth)]))


def _over_scalp(rays: Array, thickness: float, parting: Array) -> Array:
    """Points over the scalp along rays: thicker in front and on top, in locks that run away from the parting."""
    rays = _unit(rays)
    front = np.clip(rays[:, 2], 0, 1) * np.clip(rays[:, 1], 0, 1)
    flat = rays - np.outer(rays @ parting, parting)
    wave = np.abs(np.sin(6 * np.arctan2(flat[:, 0], flat[:, 2]) + 1.5 * rays[:, 1]))
    lock = wave * np.clip(np.linalg.norm(flat, axis=1) * 1.6 - 0.1, 0, 1)
    rise = 4.5 + 5.0 * front + 3.5 * np.clip(rays[:, 1], 0, 1) + 2.4 * lock
    return form.cast(HAIR_CENTRE[None], rays) + rays * (thickness * rise)[:, None]


def _smoothed_hair(points: Array, faces: Sequence[Sequence[int]]) -> Array:
    """One soft pass over the cap, then lifted off the scalp where it came too near."""
    neighbours = neighbours_of(faces)
    for _ in range(3):
        smooth = points.copy()
        for i in range(5 * HAIR_AROUND, len(points)):
            smooth[i] = 0.5 * points[i] + 0.5 * points[sorted(neighbours[i])].mean(0)
        points = smooth
    cap = slice(4 * HAIR_AROUND, None)
    for _ in range(3):
        slope = form.gradient(points[cap])
        lift = np.maximum(LEAST_HAIR - form.distance(points[cap]), 0)
        points[cap] += slope * (lift / np.maximum((slope**2).sum(1), 0.2))[:, None]
    return points


# ---------------------------------------------------------------- all of them
TEETH_BEHIND_LIPS = 2.6  # mm between the inside of the lips and the upper front teeth
UPPER_EDGE, LOWER_EDGE, OVERJET = -3.8, -1.0, 4.2  # biting edges from the mouth line; lower teeth behind the upper
TONGUE_TIP = 0.5  # mm over the mouth line: just over the lower teeth, so that it can come out straight


def dentition(inside_of_lips: float) -> dict[str, tuple[Jaw, float, float]]:
    """Both jaws, each with the height of its biting edge and the z of its foremost tooth, as `teeth` wants them."""
    front = inside_of_lips - TEETH_BEHIND_LIPS
    return {
        "upper": (UPPER, lips.HEIGHT + UPPER_EDGE, front),
        "lower": (LOWER, lips.HEIGHT + LOWER_EDGE, front - OVERJET),
    }


def build(inside_of_lips: float) -> dict[str, Part]:
    """Every part by name; inside_of_lips is the foremost z of the lips' inner contact, mm."""
    jaws = dentition(inside_of_lips)
    upper, lower = jaws["upper"], jaws["lower"]
    eye, corner, ridge = eyeball(), caruncle(), brow()
    return {
        "eye_left": eye,
        "eye_right": eye.mirrored(),
        "caruncle_left": corner,
        "caruncle_right": corner.mirrored(),
        "upper_teeth": teeth(*upper),
        "upper_gum": gum(*upper),
        "lower_teeth": teeth(*lower),
        "lower_gum": gum(*lower),
        "tongue": tongue(np.array([0, lips.HEIGHT + TONGUE_TIP, upper[2] - 9.5])),
        "brow_left": ridge,
        "brow_right": ridge.mirrored(),
        "hair": hair(),
    }


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))
