# SPDX-License-Identifier: GPL-3.0-or-later
"""A CodeTalker of the published form, narrow enough for tests that take no time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from artalk.core.codetalker.checkpoint import published_name
from artalk.core.codetalker.config import VOCASET, CodecConfig, CodetalkerConfig, GeneratorConfig
from artalk.core.codetalker.model import CodetalkerModel

HEARING = {
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
TINY = replace(
    VOCASET,
    codec=CodecConfig(parts=4, part_width=8, entries=32, depth=2, heads=2, ffn_width=48),
    generator=GeneratorConfig(depth=2, ffn_width=64, period=7, audio_width=32, audio_options=HEARING),
)
TINY_WIDE = replace(
    TINY, fps=25.0, codec=replace(TINY.codec, wide_mesh=True), generator=replace(TINY.generator, audio_per_frame=2)
)
"""As for BIWI: more linear layers, two speech features for each frame."""


def tiny(config: CodetalkerConfig = TINY) -> CodetalkerModel:
    """A model with random weights whose codes vary from frame to frame."""
    torch.manual_seed(1)
    model = CodetalkerModel(config).eval().requires_grad_(False)
    model.generator.feat_map.weight *= 4
    model.generator.vertice_map.weight *= 20
    return model


def states(model: CodetalkerModel) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The state dicts of both stages as the published code saves them."""
    first, second = (
        {published_name(name): value.clone() for name, value in part.state_dict().items()}
        for part in (model.codec, model.generator)
    )
    position = {"encoder.encoder_pos_embedding.pe": torch.zeros(5000, 1, 4)}
    return {**first, **position}, {**second, "PPE.pe": torch.zeros(1, 630, 4)}


def save(folder: Path, model: CodetalkerModel, dataset: str = "vocaset") -> Path:
    """Write both published files of a model; returns their folder."""
    for stage, state in enumerate(states(model), 1):
        torch.save({"epoch": 100, "state_dict": state}, folder / f"{dataset}_stage{stage}.pth.tar")
    return folder
