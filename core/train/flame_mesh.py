# SPDX-License-Identifier: GPL-3.0-or-later
"""FLAME's vertices from motion, with gradients: what the mesh parts of the codec's loss are measured on.

FLAME (Li et al. 2017): expression blend shapes, pose correctives, linear blend skinning about joints regressed from the
shape. Here the head stands still and the identity is the average, so only jaw and eyes turn.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..artalk.checkpoint import torch_load
from ..errors import InputError

IDENTITY_SHAPES = 300
EXPRESSIONS = 100
MOVING_JOINTS = slice(2, 5)
"""Jaw, left eye, right eye among root, neck, jaw and eyes."""
MOUTH_LANDMARKS = slice(48, 68)
"""The lips among the landmarks of Sagonas et al. (2013)."""
_ARRAYS = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights")


class FlameMesh(nn.Module):
    """Expression, jaw and eye rotation -> vertices in metres.

    lips: vertex numbers that the lip part of the loss is measured on, repeated where they count more, or None.
    """

    template: Tensor
    expressions: Tensor
    correctives: Tensor
    joints: Tensor
    joint_expressions: Tensor
    weights: Tensor

    def __init__(self, arrays: dict[str, Any], lips: Any | None = None) -> None:  # noqa: ANN401 (any array)
        super().__init__()
        template, shapes, posedirs, regressor, weights = (
            torch.as_tensor(np.asarray(arrays[name], np.float32)) for name in _ARRAYS
        )
        vertices = len(template)
        expressions = shapes[:, :, IDENTITY_SHAPES : IDENTITY_SHAPES + EXPRESSIONS]
        self.register_buffer("template", template, persistent=False)
        self.register_buffer("expressions", expressions.reshape(3 * vertices, -1).T.contiguous(), persistent=False)
        # 9 numbers of each of the joints neck, jaw, eyes; the neck does not turn
        self.register_buffer("correctives", posedirs.reshape(3 * vertices, 36).T[9:].contiguous(), persistent=False)
        self.register_buffer("joints", (regressor @ template)[MOVING_JOINTS], persistent=False)
        joint_expressions = torch.einsum("jv,vce->ejc", regressor[MOVING_JOINTS], expressions)
        self.register_buffer("joint_expressions", joint_expressions.contiguous(), persistent=False)
        self.register_buffer("weights", weights[:, MOVING_JOINTS].contiguous(), persistent=False)
        self.lips = None if lips is None else torch.as_tensor(np.asarray(lips, np.int64))

    def forward(self, expression: Tensor, jaw: Tensor, eyes: Tensor) -> Tensor:
        """(N, 100), rotation vectors (N, 3) and (N, 6) left then right -> (N, V, 3)."""
        count = len(expression)
        rotation = rotation_matrices(torch.cat([jaw, eyes], dim=1).view(count, 3, 3))
        turned = (rotation - torch.eye(3, device=rotation.device)).view(count, 27)
        shape = (expression @ self.expressions + turned @ self.correctives).view(count, -1, 3) + self.template
        joints = self.joints + torch.einsum("ne,ejc->njc", expression, self.joint_expressions)
        # a vertex moves by the share w of each joint: v + sum of w (R - I)(v - joint)
        extra = rotation - torch.eye(3, device=rotation.device)
        moved = shape
        for j in range(3):
            offset = (shape - joints[:, j, None]) @ extra[:, j].transpose(1, 2)
            moved = moved + self.weights[:, j, None] * offset
        return moved


def rotation_matrices(vectors: Tensor) -> Tensor:
    """Rotation vectors (..., 3) in radians -> matrices (..., 3, 3) (Rodrigues), with gradients at 0 as well."""
    angle = (vectors + 1e-8).norm(dim=-1, keepdim=True)[..., None]
    x, y, z = (vectors / angle[..., 0]).unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).view(*x.shape, 3, 3)
    eye = torch.eye(3, device=vectors.device)
    return eye + angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)


def load_flame(path: Path) -> FlameMesh:
    """A FLAME file: `FLAME_with_eye.pt` of ARTalk's tools, or a `.npz` of FLAME's arrays under FLAME's names.

    The lips are the triangles under the mouth's landmarks, or an array `lips` in the `.npz`.
    Raises InputError when it is neither, or of another size.
    """
    if not path.is_file():
        raise InputError(f"There is no FLAME file '{path}': check the path.")
    try:
        arrays, lips = _read_npz(path) if path.suffix == ".npz" else _read_pt(path)
        mesh = FlameMesh(arrays, lips)
    except (KeyError, TypeError, ValueError, RuntimeError, OSError, IndexError, zipfile.BadZipFile):
        raise InputError(
            f"'{path.name}' is no FLAME model: give FLAME_with_eye.pt, or a .npz with {', '.join(_ARRAYS)}."
        ) from None
    if mesh.expressions.shape[0] != EXPRESSIONS or mesh.weights.shape[1] != 3:
        raise InputError(
            f"'{path.name}' has not FLAME's 400 shapes and 5 joints: give the file of FLAME 2020 or later."
        )
    return mesh


def _read_npz(path: Path) -> tuple[dict[str, Any], Any]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in _ARRAYS}, file.get("lips")


def _read_pt(path: Path) -> tuple[dict[str, Any], Any]:
    content: Any = torch_load(path)
    faces = torch.as_tensor(content["flame_model"]["f"])
    landmarks = torch.as_tensor(content["lmk_embeddings"]["full_lmk_faces_idx_with_eye"]).flatten()[MOUTH_LANDMARKS]
    return content["flame_model"], np.unique(faces[landmarks].numpy())
