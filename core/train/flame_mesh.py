# SPDX-License-Identifier: GPL-3.0-or-later
"""FLAME's vertices from motion, with gradients: what the mesh parts of the codec's loss are measured on.

FLAME (Li et al. 2017): expression blend shapes, pose correctives, linear blend skinning about joints regressed from the
shape. Here the head stands still and the identity is the average, so only jaw and eyes turn.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..heads.flame import FlameModel, fingerprint
from ..heads.flame_files import read_flame

EXPRESSIONS = 100
MOVING_JOINTS = slice(2, 5)
"""Jaw, left eye, right eye among root, neck, jaw and eyes."""


class FlameMesh(nn.Module):
    """Expression, jaw and eye rotation -> vertices in metres.

    basis: fingerprint of the expressions
    lips: vertex numbers that the lip part of the loss is measured on, repeated where they count more, or None.
    """

    template: Tensor
    expressions: Tensor
    correctives: Tensor
    joints: Tensor
    joint_expressions: Tensor
    weights: Tensor

    def __init__(self, model: FlameModel) -> None:
        super().__init__()
        template, expressions, posedirs, regressor, weights = map(
            torch.from_numpy, (model.template, model.expressions, model.correctives, model.regressor, model.weights)
        )
        vertices = len(template)
        self.register_buffer("template", template, persistent=False)
        self.register_buffer("expressions", expressions.reshape(3 * vertices, -1).T.contiguous(), persistent=False)
        # 9 numbers of each of the joints neck, jaw, eyes; the neck does not turn
        self.register_buffer("correctives", posedirs.reshape(3 * vertices, 36).T[9:].contiguous(), persistent=False)
        self.register_buffer("joints", (regressor @ template)[MOVING_JOINTS], persistent=False)
        joint_expressions = torch.einsum("jv,vce->ejc", regressor[MOVING_JOINTS], expressions)
        self.register_buffer("joint_expressions", joint_expressions.contiguous(), persistent=False)
        self.register_buffer("weights", weights[:, MOVING_JOINTS].contiguous(), persistent=False)
        self.basis = fingerprint(model)
        self.lips = None if model.lips is None else torch.from_numpy(model.lips)

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
    """FLAME's mesh from any of its files. The lips are the triangles under the mouth's landmarks in ARTalk's
    `FLAME_with_eye.pt`, or an array `lips` of vertex numbers in a `.npz`; other files have none.

    Raises InputError when the file is no FLAME model or has fewer expressions than motion has.
    """
    model = read_flame(path)
    if model.expressions.shape[2] != EXPRESSIONS:
        raise InputError(
            f"'{path.name}' has {model.expressions.shape[2]} expressions and the motion has {EXPRESSIONS}: "
            "give FLAME's file with all of them."
        )
    return FlameMesh(model)
