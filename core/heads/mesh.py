# SPDX-License-Identifier: GPL-3.0-or-later
"""A rigged head as plain arrays: what Blender, the tests and the plots read. numpy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

MM = 1000.0  # millimetres in a metre
_TABLES = ("materials", "shape_names", "shape_deltas", "joint_names", "parts")  # written in a form of their own


@dataclass(frozen=True)
class Material:
    """A plain surface: linear RGB, roughness 0..1 and the share of light that enters the skin 0..1."""

    name: str
    colour: tuple[float, float, float]
    roughness: float
    subsurface: float


@dataclass(frozen=True)
class HeadMesh:
    """A head at rest, its shapes and its joints. Metres, life-size; x to the character's left, y up, z forward.

    vertices:       (V, 3)
    faces:          (F, 4) vertex numbers, counter-clockwise from outside; -1 in the last column of a triangle
    materials:      the surfaces; material_index (F,) says which one a face has
    tint:           (V, 3) vertex colour, linear, to be multiplied into the skin's colour
    uv:             (F, 4, 2) texture coordinates 0..1 of each face's corners
    shape_names:    S names; shape_deltas (S, V, 3) is what each adds to `vertices` at weight 1
    joint_names:    J names; joint_heads (J, 3) their pivots, joint_parents (J,) the parent's number or -1
    weights:        (V, J) skinning weights, each row sums to 1
    parts:          name -> (start, stop) of its vertices
    lips:           (P, 2) upper and lower vertices that touch when the lips meet, three deep, corner to corner
    lids_left, lids_right: (Q, 2) upper and lower vertices of the eyelids' margins, inner to outer corner
    """

    vertices: Floats
    faces: Ints
    materials: tuple[Material, ...]
    material_index: Ints
    tint: Floats
    uv: Floats
    shape_names: tuple[str, ...]
    shape_deltas: Floats
    joint_names: tuple[str, ...]
    joint_heads: Floats
    joint_parents: Ints
    weights: Floats
    parts: dict[str, tuple[int, int]]
    lips: Ints
    lids_left: Ints
    lids_right: Ints

    def save(self, path: Path) -> None:
        """Write one compressed `.npz` that `load` reads; the same head gives the same bytes."""
        packed = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _TABLES}
        shape, vertex = np.nonzero(self.shape_deltas.any(axis=2))
        np.savez_compressed(
            path,
            **packed,
            material_names=np.array([m.name for m in self.materials]),
            material_values=np.array([(*m.colour, m.roughness, m.subsurface) for m in self.materials], np.float32),
            shape_names=np.array(self.shape_names),
            shape_counts=np.bincount(shape, minlength=len(self.shape_names)).astype(np.int32),
            shape_vertex=vertex.astype(np.int32),
            shape_delta=self.shape_deltas[shape, vertex],
            joint_names=np.array(self.joint_names),
            part_names=np.array(list(self.parts)),
            part_spans=np.array(list(self.parts.values()), np.int32),
        )


def load(path: Path) -> HeadMesh:
    """Read a head written by `HeadMesh.save`; InputError when the file is missing or is not one."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return _unpacked(dict(file))
    except FileNotFoundError:
        raise InputError(f"There is no head file '{path}': build it or give another one.") from None
    except (OSError, KeyError, ValueError, EOFError, BadZipFile):
        raise InputError(f"'{path}' is not a head saved by artalk: build it again.") from None


def _unpacked(file: dict[str, NDArray[Any]]) -> HeadMesh:
    names = tuple(str(name) for name in file["shape_names"])
    deltas = np.zeros((len(names), *file["vertices"].shape), np.float32)
    deltas[np.repeat(np.arange(len(names)), file["shape_counts"]), file["shape_vertex"]] = file["shape_delta"]
    materials = tuple(
        Material(str(name), (float(r), float(g), float(b)), float(roughness), float(subsurface))
        for name, (r, g, b, roughness, subsurface) in zip(file["material_names"], file["material_values"], strict=True)
    )
    parts = {
        str(name): (int(start), int(stop))
        for name, (start, stop) in zip(file["part_names"], file["part_spans"], strict=True)
    }
    plain = ("vertices", "faces", "material_index", "tint", "uv", "joint_heads", "joint_parents", "weights")
    return HeadMesh(
        **{name: file[name] for name in (*plain, "lips", "lids_left", "lids_right")},
        materials=materials,
        shape_names=names,
        shape_deltas=deltas,
        joint_names=tuple(str(name) for name in file["joint_names"]),
        parts=parts,
    )


def posed(head: HeadMesh, weights: Mapping[str, float] | Floats) -> Floats:
    """Vertices in metres with shapes applied (no joints): (V, 3) for a mapping name -> weight, (T, V, 3) for (T, S)."""
    if isinstance(weights, Mapping):
        row = np.zeros(len(head.shape_names), np.float32)
        for name, weight in weights.items():
            row[head.shape_names.index(name)] = weight
        return head.vertices + np.tensordot(row, head.shape_deltas, 1)
    return head.vertices + np.tensordot(np.asarray(weights, np.float32), head.shape_deltas, 1)


def lip_gaps_mm(head: HeadMesh, vertices: Floats) -> Floats:
    """Height of each upper contact vertex over its lower partner, (..., P) mm; below 0 where the lips cross."""
    return _heights_mm(vertices, head.lips)


def lip_gap_mm(head: HeadMesh, vertices: Floats) -> Floats:
    """How far the lips are apart where they are furthest apart, (...) mm; 0 when they are sealed."""
    gap: Floats = lip_gaps_mm(head, vertices).max(axis=-1)
    return gap


def lid_gap_mm(head: HeadMesh, vertices: Floats) -> Floats:
    """Widest opening between upper and lower eyelid, (..., 2) mm: the character's left eye, then the right."""
    sides = [_heights_mm(vertices, pairs).max(axis=-1) for pairs in (head.lids_left, head.lids_right)]
    return np.stack(sides, axis=-1)


def _heights_mm(vertices: Floats, pairs: Ints) -> Floats:
    heights: Floats = (vertices[..., pairs[:, 0], 1] - vertices[..., pairs[:, 1], 1]) * np.float32(MM)
    return heights
