# SPDX-License-Identifier: GPL-3.0-or-later
"""How far, and where to, each shape of the default head goes beside other heads: a Markdown table on stdout.

python docs/tools/compare_ways.py HEAD...     ICT-FaceKit (folder, .npz) or any .glb, .gltf or .fbx that Blender reads
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from artalk.core.errors import InputError
from artalk.core.evaluate import head_shapes
from artalk.core.heads import default_head, ict_facekit
from artalk.core.heads.mesh import HeadMesh
from artalk.core.retarget.names import arkit_shape
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Head = tuple[Floats, dict[str, Floats]]  # points (V, 3) and what each shape adds


def of_mesh(head: HeadMesh, part: str) -> Head:
    """One part of a head as arrays."""
    span = slice(*head.parts[part])
    return head.vertices[span], dict(zip(head.shape_names, head.shape_deltas[:, span], strict=True))


def read(path: Path) -> Head:
    """The skin of a head; of a file that Blender imports, the mesh with the most shapes."""
    if path.is_dir() or path.suffix == ".npz":
        return of_mesh(ict_facekit.load(path), "face")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    if path.suffix == ".fbx":
        bpy.ops.import_scene.fbx(filepath=str(path))
    else:
        bpy.ops.import_scene.gltf(filepath=str(path))
    items = [item for item in bpy.data.objects if item.type == "MESH" and item.data.shape_keys]
    if not items:
        raise InputError(f"'{path}' has no shapes: give another head.")
    item: Any = max(items, key=lambda item: len(item.data.shape_keys.key_blocks))
    keys = item.data.shape_keys
    # Blender's z is up and its -y forward
    axes = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]) @ np.array(item.matrix_world.to_3x3())
    rest = positions(keys.reference_key) @ axes.T
    seen = {key.name: arkit_shape(key.name) for key in keys.key_blocks}
    shapes = {
        name[0].sources[0][0]: positions(keys.key_blocks[key]) @ axes.T - rest for key, name in seen.items() if name
    }
    return rest, shapes


def positions(key: bpy.types.ShapeKey) -> Floats:
    """(V, 3) points of a shape key."""
    points = np.empty((len(key.data), 3), np.float32)
    key.data.foreach_get("co", points.ravel())
    return points


def main() -> None:
    """Compare with the heads named on the command line."""
    ours = of_mesh(default_head.load(), "skin")
    eyes_apart = 1000 * head_shapes.eye_distance(*ours)
    heads = [ours, *(read(Path(name)) for name in sys.argv[1:])]
    columns = [head_shapes.ways(*head, eyes_apart) for head in heads]
    print("| shape | default head | " + " | ".join(Path(name).stem for name in sys.argv[1:]) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for shape in columns[0]:
        print(f"| {shape} | " + " | ".join(column.get(shape, "") for column in columns) + " |")


if __name__ == "__main__":
    main()
