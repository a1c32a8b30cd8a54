# SPDX-License-Identifier: GPL-3.0-or-later
"""How deep the default head goes through itself while it speaks, frame by frame: a Markdown table on stdout.

artalk generate line.wav --out line.blend
python docs/tools/measure_crossings.py line.blend ... [--subdivisions 1] [--every 2]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from artalk.core.heads import default_head
from artalk.core.heads.crossings import crossings, triangles_of
from artalk.core.heads.layout import edges_of
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

HEAD = default_head.load()
MM = 1000.0
# what is held against what; the skin is that round and in the mouth, the lids that about the eyes
PAIRS = (
    ("mouth", "mouth"),
    ("mouth", "teeth"),
    ("mouth", "tongue"),
    ("tongue", "teeth"),
    ("upper teeth", "lower teeth"),
    ("lids", "eyes"),
)
MADE_OF = {
    "teeth": ("upper_teeth", "lower_teeth"),
    "upper teeth": ("upper_teeth",),
    "lower teeth": ("lower_teeth",),
    "tongue": ("tongue",),
    "eyes": ("eye_left", "eye_right"),
}
BOUNDS = (0.1, 0.3)  # mm
EYE_REACH = 20.0  # mm about the middle of an eyeball


@dataclass(frozen=True)
class Piece:
    """Edges (E, 2) and triangles (M, 3) of a part of the evaluated mesh."""

    edges: NDArray[np.int64]
    triangles: NDArray[np.int64]


def evaluated(head: bpy.types.Object) -> tuple[NDArray[np.float64], bpy.types.Mesh]:
    """(V, 3) mm, and the mesh as Blender shows it."""
    mesh: Any = head.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    points = np.empty((len(mesh.vertices), 3), np.float32)
    mesh.vertices.foreach_get("co", points.ravel())
    return points * MM, mesh


def numbers(piece_of: NDArray[np.int32], *parts: str) -> NDArray[np.int32]:
    """Numbers of the connected pieces that parts of the default head are made of."""
    return np.unique(np.concatenate([piece_of[slice(*HEAD.parts[part])] for part in parts]))


def pieces(head: bpy.types.Object) -> dict[str, Piece]:
    """The parts of the evaluated head by name; its vertices before subdivision come first."""
    points, mesh = evaluated(head)
    faces = np.empty((len(mesh.polygons), 4), np.int64)
    mesh.polygons.foreach_get("vertices", faces.ravel())
    sides = edges_of(faces)
    links = coo_matrix((np.ones(len(sides)), sides.T), shape=(len(points), len(points)))
    piece_of = connected_components(links, directed=False)[1]
    part_of_face = piece_of[faces[:, 0]]
    chosen = {name: np.isin(part_of_face, numbers(piece_of, *parts)) for name, parts in MADE_OF.items()}
    skin = np.isin(part_of_face, numbers(piece_of, "skin"))
    # Blender's z is up and its -y forward; the head rests here
    middles = points[faces].mean(axis=1)[:, [0, 2, 1]] * [1, 1, -1]
    x, y, z = middles.T
    chosen["mouth"] = skin & (abs(x) < 50) & (abs(y + 37) < 45) & (z > -20)
    eyes = HEAD.joint_heads[[HEAD.joint_names.index(eye) for eye in ("left_eye", "right_eye")]] * MM
    chosen["lids"] = skin & np.any([np.linalg.norm(middles - eye, axis=1) < EYE_REACH for eye in eyes], axis=0)
    return {name: Piece(edges_of(faces[which]), triangles_of(faces[which])) for name, which in chosen.items()}


def deepest(points: NDArray[np.float64], one: Piece, other: Piece) -> float:
    """The deepest crossing of the edges of either with the triangles of the other, mm."""
    ways = [crossings(points, one.edges, other.triangles)]
    if other is not one:
        ways.append(crossings(points, other.edges, one.triangles))
    return max(max(way.depth, default=0.0) for way in ways)


def show(head: bpy.types.Object, *, at_rest: bool) -> None:
    """Show a head without its shapes and bones, or with them."""
    head.show_only_shape_key, head.active_shape_key_index = at_rest, 0
    for modifier in head.modifiers:
        if modifier.type == "ARMATURE":
            modifier.show_viewport = not at_rest


def frames(path: Path, subdivisions: int, every: int) -> Iterator[list[float]]:
    """Of each frame of a file the deepest crossing of each pair."""
    bpy.ops.wm.open_mainfile(filepath=str(path))
    scene: Any = bpy.context.scene
    head: Any = next(item for item in scene.objects if item.type == "MESH" and item.data.shape_keys)
    for modifier in head.modifiers:
        if modifier.type == "SUBSURF":
            modifier.levels, modifier.show_viewport = subdivisions, subdivisions > 0
    show(head, at_rest=True)
    parts = pieces(head)
    show(head, at_rest=False)
    for frame in range(scene.frame_start, scene.frame_end + 1, every):
        scene.frame_set(frame)
        points, _ = evaluated(head)
        yield [deepest(points, parts[one], parts[other]) for one, other in PAIRS]


def main() -> None:
    """Measure the files named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--subdivisions", type=int, default=0)
    parser.add_argument("--every", type=int, default=1, help="so many frames")
    options = parser.parse_args()
    found = np.array([row for path in options.files for row in frames(path, options.subdivisions, options.every)])
    print(f"{len(found)} frames, {options.subdivisions} subdivisions\n")
    print("| what | deepest mm | " + " | ".join(f"frames over {bound} mm" for bound in BOUNDS) + " |")
    print("|---|---|" + "---|" * len(BOUNDS))
    for (one, other), depths in zip(PAIRS, found.T, strict=True):
        shares = " | ".join(f"{100 * np.mean(depths > bound):.1f} %" for bound in BOUNDS)
        print(f"| {one} through {'itself' if one == other else other} | {depths.max():.2f} | {shares} |")


if __name__ == "__main__":
    main()
