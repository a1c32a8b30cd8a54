# SPDX-License-Identifier: GPL-3.0-or-later
"""The objectives that ARTalk's codec and generator are trained for, as published.

Parts, weights and options are those of ARTalk's training code (Chu et al. 2025) and agree with it in values and
gradients; see `tests/test_train_published.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..artalk.bsq import Quantised
from .flame_mesh import EXPRESSIONS, FlameMesh
from .loop import Losses

POSE_CHANNELS = {106: slice(100, 106), 108: slice(100, 104)}
"""Head rotation and jaw among FLAME's 106 numbers and the training code's 108."""
CODEC_WEIGHTS = {
    "vq": 1.0, "exp": 1.0, "pose": 8.0, "head_vel": 5.0, "head_smooth": 0.5,
    "mesh": 2.0, "lips": 0.1, "mesh_vel": 1e7, "mesh_smooth": 1e5,
}  # fmt: skip
MOST_FLIPS = 0.3
DROP_SHARE = 0.1


def codec_losses(decoded: Tensor, motion: Tensor, quantised: Sequence[Quantised], mesh: FlameMesh | None) -> Losses:
    """Every part, weighted, and their sum `loss`.

    decoded, motion: (B, T, 106 or 108); quantised: of each window in it. The mesh parts, in millimetres (`mesh`,
    `lips`) and metres, need FLAME and are left out without it.
    """
    parts = {"vq": torch.stack([torch.stack(window.losses).mean() for window in quantised]).mean()}
    parts |= parameter_losses(decoded, motion)
    if mesh is not None:
        parts |= mesh_losses(mesh, decoded, motion)
    weighted = {name: CODEC_WEIGHTS[name] * value for name, value in parts.items()}
    return {"loss": torch.stack(list(weighted.values())).sum(), **weighted}


def parameter_losses(decoded: Tensor, motion: Tensor) -> Losses:
    """L1 of everything and of head and jaw, and the head's velocity; smooth is the mean square of its acceleration."""
    pose = POSE_CHANNELS[motion.shape[-1]]
    head, true_head = decoded[..., pose], motion[..., pose]
    velocity = head.diff(dim=1)
    return {
        "exp": F.l1_loss(decoded, motion),
        "pose": F.l1_loss(head, true_head),
        "head_vel": F.mse_loss(velocity, true_head.diff(dim=1)),
        "head_smooth": velocity.diff(dim=1).square().mean(),
    }


def mesh_losses(mesh: FlameMesh, decoded: Tensor, motion: Tensor) -> Losses:
    """Squared error of the vertices, of the lips, of their velocity; smooth is the mean square of the acceleration."""
    vertices, true_vertices = face_vertices(mesh, decoded), face_vertices(mesh, motion)
    velocity = vertices.diff(dim=1)
    losses = {
        "mesh": F.mse_loss(1000 * vertices, 1000 * true_vertices),
        "mesh_vel": F.mse_loss(velocity, true_vertices.diff(dim=1)),
        "mesh_smooth": velocity.diff(dim=1).square().mean(),
    }
    if mesh.lips is not None:
        losses["lips"] = F.mse_loss(1000 * vertices[:, :, mesh.lips], 1000 * true_vertices[:, :, mesh.lips])
    return losses


def face_vertices(mesh: FlameMesh, motion: Tensor) -> Tensor:
    """Motion (B, T, 106 or 108) -> vertices (B, T, V, 3) in metres, without the rotation of the head.

    Of the 108 numbers one opens the jaw, and the last four turn the left and the right eye about x and y.
    """
    flat = motion.flatten(0, 1).float()
    nothing = torch.zeros_like(flat[:, :1])
    if flat.shape[1] == 106:
        jaw, eyes = flat[:, 103:106], nothing.expand(-1, 6)
    else:
        jaw = torch.cat([flat[:, 103:104], nothing, nothing], dim=1)
        eyes = torch.cat([flat[:, 104:106], nothing, flat[:, 106:108], nothing], dim=1)
    vertices: Tensor = mesh(flat[:, :EXPRESSIONS], jaw, eyes)
    return vertices.view(*motion.shape[:2], -1, 3)


def bit_losses(logits: Tensor, bits: Tensor) -> Losses:
    """Cross-entropy of logits (B, L, d, 2) against the true bits (B, L, d), and the share of bits hit."""
    loss = F.cross_entropy(logits.float().flatten(0, 2), bits.flatten().long())
    return {"loss": loss, "bit_hits": (logits.argmax(-1) == bits).float().mean()}


def flip_shares(scales: int) -> list[float]:
    """Share of bits to flip on each scale, drawn anew in each step; the last scale has nothing after it to mend it."""
    return [float(share) for share in MOST_FLIPS * torch.rand(scales - 1)] + [0.0]


def dropped(count: int, device: torch.device) -> Tensor:
    """(count,) bool: whose condition to leave out, which is what guidance needs (Ho and Salimans 2022)."""
    return torch.rand(count, device=device) < DROP_SHARE


def linear_rate(step: int, steps: int, peak: float, warmup: int) -> float:
    """Learning rate: linear from a tenth of `peak` up in `warmup` steps, then linear down to a tenth."""
    if step < warmup:
        return peak * (0.1 + 0.9 * step / warmup)
    return peak * (1 - 0.9 * (step - warmup) / max(steps - warmup, 1))
