# SPDX-License-Identifier: GPL-3.0-or-later
"""The released ARTalk architecture, small and full, with the golden vectors' weights."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from artalk.core.artalk.checkpoint import from_published, published_shapes
from artalk.core.artalk.config import (
    RELEASED,
    RELEASED_MIMI,
    ArtalkConfig,
    AudioEncoderConfig,
    CodecConfig,
    GeneratorConfig,
)
from artalk.core.artalk.generator import visibility
from artalk.core.artalk.model import ArtalkModel
from artalk.core.artalk.style import sinusoids
from artalk.core.heads.flame import FlameModel
from numpy.typing import NDArray

from .fill import flame_arrays, motion, weights

FOLDER = Path(__file__).resolve().parent
KEYS = {"small": "artalk_small_keys.json", "full": "artalk_wav2vec_keys.json", "mimi": "artalk_mimi_keys.json"}


@cache
def golden(name: str) -> dict[str, NDArray[Any]]:
    """The arrays of one golden file."""
    with np.load(FOLDER / f"{name}.npz") as file:
        return dict(file)


@cache
def key_list(size: str) -> dict[str, Any]:
    """The published state dict of a size: salt, config, keys with shapes."""
    return json.loads((FOLDER / KEYS[size]).read_text())


def config(size: str) -> ArtalkConfig:
    """The config of a golden model."""
    if size != "small":
        return RELEASED if size == "full" else RELEASED_MIMI
    sizes = key_list("small")["config"]
    audio, vae, ar = dict(sizes["audio"]), sizes["vae"], sizes["ar"]
    return ArtalkConfig(
        audio=AudioEncoderConfig("wav2vec2", audio.pop("hidden_size"), audio),
        codec=CodecConfig(width=vae["hidden"], depth=vae["depth"], heads=vae["heads"]),
        generator=GeneratorConfig(ar["dim"], ar["depth"], ar["heads"], ar["ffn_ratio"]),
    )


def state(size: str) -> dict[str, torch.Tensor]:
    """The published state dict with the golden weights, every entry."""
    keys, constants = key_list(size), golden("constants")
    filled: dict[str, NDArray[Any]] = {**weights(keys["keys"], keys["salt"])}
    for part in ("basic_vae", "style_encoder"):
        filled[f"{part}.motion_mean"] = constants["artalk_motion_mean"]
        filled[f"{part}.motion_std"] = constants["artalk_motion_std"]
    tensors = {name: torch.from_numpy(np.asarray(value)) for name, value in filled.items()}
    levels = torch.from_numpy(constants["lvl_idx"])
    tensors["lvl_idx"] = levels
    tensors["attn_bias_for_masking"] = _bias(visibility(levels[0]))
    tensors["basic_vae.attn_mask"] = _bias(torch.from_numpy(constants["vae_mask_visible"]) > 0)
    tensors["style_encoder.PE.pe"] = sinusoids(600, 128)[None]
    return tensors


def _bias(visible: torch.Tensor) -> torch.Tensor:
    return torch.where(visible, 0.0, -torch.inf)[None, None]


def build(size: str) -> ArtalkModel:
    """The golden model of a size, through the loader of published state dicts."""
    return from_published(state(size), config(size), f"golden {size}").eval().requires_grad_(False)


def flame_model(vertices: int = 5023, lips: NDArray[np.int64] | None = None) -> FlameModel:
    """A head of FLAME's form with nothing of FLAME in it."""
    arrays = flame_arrays(vertices)
    shapes = arrays["shapedirs"]
    return FlameModel(
        template=arrays["v_template"],
        faces=arrays["f"],
        identities=shapes[:, :, :300],
        expressions=shapes[:, :, 300:],
        correctives=arrays["posedirs"],
        regressor=arrays["J_regressor"],
        weights=arrays["weights"],
        lips=lips,
    )


def golden_motion(name: str, frames: int) -> torch.Tensor:
    """(1, frames, 106) of the golden test motions."""
    constants = golden("constants")
    values = motion(name, frames, constants["artalk_motion_mean"], constants["artalk_motion_std"])
    return torch.from_numpy(values)[None]


def shapes(size: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes that our classes of this size expect in a published file."""
    return published_shapes(ArtalkModel(config(size)))
