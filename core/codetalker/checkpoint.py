# SPDX-License-Identifier: GPL-3.0-or-later
"""The published files of CodeTalker: one for each stage, both of them needed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from ..artalk.checkpoint import Shapes, differences, pick_device, read_state_dict
from ..artalk.files import file_hash
from ..errors import InputError
from .config import CONFIGS, CodetalkerConfig
from .model import CodetalkerModel
from .pipeline import CodetalkerPipeline

RENAMED = (
    (r"(_transformer\.net\.\d+)\.norm\.", r"\1.fn.norm."),
    (r"(_transformer\.net\.\d+)\.(to_|l)", r"\1.fn.fn.\2"),
    (r"(squasher|expander)\.conv\.", r"\1.0.0."),
    (r"(_linear_embedding\w*)\.", r"\1.net."),
    (r"^codebook\.", "quantize.embedding."),
    (r"^layers\.", "transformer_decoder.layers."),
)
"""Our names of entries -> the published ones."""
POSITIONS = ".pe"
"""End of the names of tables that follow from the sizes, which the published files hold as well."""


def load_pipeline(path: Path, variant: str, device: str = "cpu") -> CodetalkerPipeline:
    """A model from its two published files, ready to speak.

    path: the folder with both, or either file; variant: the name in the registry; device: cpu, cuda, mps, or auto.
    Raises InputError when a file is missing, cannot be read, or is not that stage of that model.
    """
    where = pick_device(device)
    # convolutions in full float32 on GPUs as well: shortened ones could turn a code
    torch.backends.cudnn.allow_tf32 = False
    config = CONFIGS[variant]
    first, second = stage_files(path, config)
    model = from_published(read_state_dict(first), read_state_dict(second), config, (first.name, second.name))
    meta = {"model": variant, "weights_sha256": file_hash(second), "stage1_sha256": file_hash(first)}
    return CodetalkerPipeline(model.to(where), meta)


def stage_files(path: Path, config: CodetalkerConfig) -> tuple[Path, Path]:
    """The files of stage 1 and 2, from the folder with both or from either; InputError when one is missing."""
    if path.is_dir():
        files = [path / f"{config.dataset}_stage{stage}.pth.tar" for stage in (1, 2)]
    elif "stage1" in path.name or "stage2" in path.name:
        files = [path.with_name(re.sub("stage[12]", f"stage{stage}", path.name)) for stage in (1, 2)]
    else:
        raise InputError(
            f"CodeTalker is two files, of which '{path.name}' is neither by its name: give the folder that holds "
            f"{config.dataset}_stage1.pth.tar and {config.dataset}_stage2.pth.tar."
        )
    for file in files:
        if not file.is_file():
            raise InputError(f"CodeTalker is two files and '{file}' is missing: put both stages into one folder.")
    return files[0], files[1]


def from_published(
    stage1: Mapping[str, Tensor], stage2: Mapping[str, Tensor], config: CodetalkerConfig, labels: tuple[str, str]
) -> CodetalkerModel:
    """A model from the published state dicts of both stages; `labels` is what messages call them.

    Raises InputError that says what differs.
    """
    # without values of its own: most of a model this large would be drawn at random only to be replaced
    with torch.device("meta"):
        model = CodetalkerModel(config)
    for stage, (part, state) in enumerate(((model.codec, stage1), (model.generator, stage2)), 1):
        _load(part, state, labels[stage - 1], stage, config)
    return model


def published_name(name: str) -> str:
    """Name of an entry of `MotionCodec`'s or `Generator`'s state -> its name in the published state dict."""
    for ours, published in RENAMED:
        name = re.sub(ours, published, name)
    return _spelling(name)


def _spelling(name: str) -> str:
    """The older of the two spellings of weight normalisation, as the published files have it."""
    name = name.replace("parametrizations.weight.original0", "weight_g")
    return name.replace("parametrizations.weight.original1", "weight_v")


def _load(part: nn.Module, state: Mapping[str, Tensor], label: str, stage: int, config: CodetalkerConfig) -> None:
    state = {_spelling(name): value for name, value in state.items() if not name.endswith(POSITIONS)}
    names = {published_name(name): name for name in part.state_dict()}
    expected = {published: tuple(part.state_dict()[name].shape) for published, name in names.items()}
    found: Shapes = {name: tuple(value.shape) for name, value in state.items()}
    if unlike := differences(expected, found):
        raise InputError(
            f"'{label}' does not fit stage {stage} of codetalker-{config.dataset}: of its {len(expected)} entries "
            f"{unlike}; {_kinship(found, stage, config)}."
        )
    part.load_state_dict({name: state[published] for published, name in names.items()}, assign=True)


def _kinship(found: Shapes, stage: int, config: CodetalkerConfig) -> str:
    """What a file that does not fit seems to be, and what to do."""
    if any(name.startswith(("basic_vae.", "base_codec.")) for name in found):
        return "it looks like a model of ARTalk: choose the model artalk"
    if ("learnable_style_emb.weight" in found) != (stage == 2) and (
        {"learnable_style_emb.weight", "quantize.embedding.weight"} & found.keys()
    ):
        return f"it looks like stage {3 - stage}: give each file the name of its own stage"
    for other in CONFIGS.values():
        coordinates = other.codec.coordinates
        meshes = (found.get("decoder.vertice_map_reverse.weight", ())[:1], found.get("vertice_map.weight", ())[1:])
        if other.dataset != config.dataset and (coordinates,) in meshes:
            return f"it looks like the one of the other data set: choose the model codetalker-{other.dataset}"
    return "get the file again or choose the model it was made for"
