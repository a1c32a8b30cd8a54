# SPDX-License-Identifier: GPL-3.0-or-later
"""The default head: shipped as a file that needs numpy alone, made by the code beside it (`python -m`, needs scipy)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..basis import ARKIT_SHAPES
from . import mesh
from .surfaces import MATERIALS

PATH = Path(__file__).with_name("default_head.npz")


def load() -> mesh.HeadMesh:
    """The head that is shipped with artalk."""
    return mesh.load(PATH)


def build() -> mesh.HeadMesh:
    """The same head made from nothing, in some seven seconds."""
    from . import eye_shapes, face_shapes, jaw, lids, lining, lip_shapes, lips, skinning
    from .assembly import assemble
    from .fields import Fields
    from .tint import tint
    from .unwrap import unwrap

    assembly = lining.at_rest(assemble())
    fields = Fields(assembly)
    carried = jaw.weights(fields)
    shapes = jaw.shapes(fields, carried) | lip_shapes.shapes(fields)
    shapes |= eye_shapes.shapes(fields) | face_shapes.shapes(fields)
    shapes = lining.off_the_teeth(fields, shapes)
    return mesh.HeadMesh(
        vertices=(assembly.points / mesh.MM).astype(np.float32),
        faces=assembly.faces.astype(np.int32),
        materials=MATERIALS,
        material_index=assembly.surfaces.astype(np.int32),
        tint=tint(assembly),
        uv=unwrap(assembly),
        shape_names=ARKIT_SHAPES,
        shape_deltas=np.stack([shapes[name] / mesh.MM for name in ARKIT_SHAPES]).astype(np.float32),
        joint_names=skinning.JOINTS,
        joint_heads=(skinning.HEADS / mesh.MM).astype(np.float32),
        joint_parents=np.array(skinning.PARENTS, np.int32),
        weights=skinning.weights(assembly, carried).astype(np.float32),
        parts=assembly.spans,
        lips=lips.pairs(assembly.skin),
        lids_left=lids.pairs(assembly.skin, 1),
        lids_right=lids.pairs(assembly.skin, -1),
    )


if __name__ == "__main__":
    build().save(PATH)
