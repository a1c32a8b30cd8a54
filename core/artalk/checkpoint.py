# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights in and out: the published `.pt` state dicts and our `.safetensors`."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import InputError
from .audio_encoder import MimiEncoder
from .config import RELEASED, RELEASED_MIMI, ArtalkConfig
from .files import CONFIG_KEY, SCALE, check_basis, check_scale, damaged, file_hash, read_config, unnamed
from .model import ArtalkModel
from .pipeline import ArtalkPipeline
from .rotary import TRAINED, RotaryCodec, RotaryGenerator, RotaryModel
from .rotary_pipeline import RotaryPipeline
from .windows import SpeechPipeline

PUBLISHED_CONFIGS = {"artalk": RELEASED, "artalk-mimi": RELEASED_MIMI}
TRAINED_VARIANT = "artalk-trained"
NAMES_SHOWN = 3
MOONSHINE = "audio_encoder.moonshine."
"""Begins the names of all that is Moonshine's."""
Shapes = dict[str, tuple[int, ...]]


def load_pipeline(path: Path, variant: str, device: str = "cpu") -> SpeechPipeline:
    """A model from its weights, ready to speak.

    path: a published state dict or a `.safetensors` of ours; variant: the name in the registry, which decides what is
    expected of the file; device: cpu, cuda, mps, or auto for the best there is.
    Raises InputError when the file cannot be read or is not that model.
    """
    where = pick_device(device)
    # convolutions in full float32 on GPUs as well: shortened ones could turn a bit
    torch.backends.cudnn.allow_tf32 = False
    meta = {"model": variant, "weights_sha256": file_hash(path)}
    model: ArtalkModel | RotaryModel
    if _is_safetensors(path):
        model = load_safetensors(path)
        check_basis(model.config, path, variant)
    elif variant == TRAINED_VARIANT:
        model = load_trained(path)
    elif variant in PUBLISHED_CONFIGS:
        model = load_published(path, PUBLISHED_CONFIGS[variant])
    else:
        raise InputError(f"The weights of '{variant}' are a .safetensors file, '{path.name}' is none: give that file.")
    if isinstance(model, RotaryModel):
        return RotaryPipeline(model.to(where), meta)
    return ArtalkPipeline(model.to(where), meta)


def load_published(path: Path, config: ArtalkConfig) -> ArtalkModel:
    """A model of this size from a state dict with the published names, all of them and no others.

    Takes both spellings of weight normalisation and of mimi's parts. Raises InputError that says what differs.
    """
    return from_published(read_state_dict(path), config, path.name)


def from_published(state: Mapping[str, Tensor], config: ArtalkConfig, label: str) -> ArtalkModel:
    """As `load_published`, from a state dict in memory; `label` is what messages call it."""
    state = {_spelling(name): value for name, value in state.items()}
    model = ArtalkModel(config)
    _check_fit(label, published_shapes(model), {name: tuple(value.shape) for name, value in state.items()})
    model.load_state_dict({name: state[published] for published, name in _published_names(model).items()})
    return model


def save_safetensors(model: ArtalkModel | RotaryModel, path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write weights and config in one file; `metadata` is more text to keep beside them."""
    _write(model.state_dict(), model.config, path, metadata or {})


def save_compact(model: ArtalkModel, path: Path, metadata: Mapping[str, str]) -> None:
    """As `save_safetensors`, the weights `compacted`."""
    _write(compacted(model.state_dict()), model.config, path, metadata)


def _write(state: Mapping[str, Tensor], config: ArtalkConfig, path: Path, metadata: Mapping[str, str]) -> None:
    tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    save_file(tensors, path, {**metadata, CONFIG_KEY: config.to_json()})


def compacted(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights in half precision, and the matrices of Moonshine's layers in 8 bits with their scales."""
    small: dict[str, Tensor] = {}
    for name, value in state.items():
        if name.startswith(f"{MOONSHINE}layers.") and value.dim() == 2:
            small[name], small[name + SCALE] = eight_bits(value)
        else:
            small[name] = value.half()
    return small


def eight_bits(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix (n, m) as whole numbers from -127 to 127 in int8, and what to multiply each row with, (n, 1)."""
    scale = matrix.abs().amax(1, keepdim=True).clamp_min(1e-12) / 127
    return (matrix / scale).round().to(torch.int8), scale.float()


def expanded(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as they are after `compacted`; KeyError where a scale is missing, ValueError where it does not fit."""
    small = [name for name, value in state.items() if value.dtype == torch.int8]
    for name in small:
        check_scale(state[name].shape, state[name + SCALE].shape)
    scaled = {name: state[name].float() * state[name + SCALE] for name in small}
    return {name: value for name, value in state.items() if name.removesuffix(SCALE) not in small} | scaled


def load_safetensors(path: Path) -> ArtalkModel | RotaryModel:
    """A model written by `save_safetensors`, or smaller by `save_compact`.

    Raises InputError when the file is damaged, is not ours, or does not fit its own config.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            state = expanded({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError, ValueError, KeyError):
        raise damaged(path) from None
    config = read_config(metadata, path)
    model: ArtalkModel | RotaryModel
    try:
        model = RotaryModel(config) if config.family == "training" else ArtalkModel(config)
    except (TypeError, ValueError, AttributeError, AssertionError, RuntimeError, IndexError):
        raise unnamed(path) from None
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    _check_fit(path.name, expected, {name: tuple(value.shape) for name, value in state.items()})
    model.load_state_dict(state)
    return model


def load_trained(path: Path) -> RotaryModel:
    """A model from the generator's checkpoint of the training code, with the speech encoder in a folder beside it.

    The checkpoint holds the codec and no speech encoder, which training leaves as it is: the folder is transformers'
    own of that wav2vec 2.0. Raises InputError when either is missing or does not fit.
    """
    state = read_state_dict(path)
    folder = next((file.parent for file in sorted(path.parent.glob("*/config.json"))), None)
    if folder is None:
        raise InputError(
            f"'{path.name}' holds no speech encoder: put the folder of the wav2vec 2.0 that it was trained with "
            "(facebook/wav2vec2-xls-r-300m) beside it."
        )
    generator = RotaryGenerator(TRAINED.generator, RotaryCodec(TRAINED.codec), TRAINED.audio.width)
    expected = {name: tuple(value.shape) for name, value in generator.state_dict().items()}
    _check_fit(path.name, expected, {name: tuple(value.shape) for name, value in state.items()})
    model = RotaryModel(TRAINED)
    model.generator.load_state_dict(state)
    _load_encoder(model, folder)
    return model


def _load_encoder(model: RotaryModel, folder: Path) -> None:
    from transformers import Wav2Vec2Model

    try:
        trained = Wav2Vec2Model.from_pretrained(folder, local_files_only=True)
        model.audio_encoder.get_submodule("model").load_state_dict(trained.state_dict())
    except (OSError, ValueError, RuntimeError):
        raise InputError(
            f"The folder '{folder.name}' is not the speech encoder of this model: give that of "
            "facebook/wav2vec2-xls-r-300m."
        ) from None


def published_name(name: str, encoder_prefix: str = "") -> str:
    """Name of an entry of `ArtalkModel`'s state -> its name in the published state dict.

    encoder_prefix: `published_prefix` of the audio encoder's class.
    """
    head, _, rest = name.partition(".")
    if head == "generator":
        return rest
    if head == "codec":
        return f"basic_vae.{rest}"
    if head == "audio_encoder":
        return _spelling(f"audio_encoder.{encoder_prefix}{rest.removeprefix('model.')}")
    return name


def published_shapes(model: ArtalkModel) -> Shapes:
    """Every entry of the published state dict of a model of this size, with its shape."""
    names = _published_names(model)
    state = model.state_dict()
    tokens, frames = model.config.codec.tokens, 2 * model.config.codec.frames
    # tables that follow from the config, which the published model saves as well
    derived: Shapes = {
        "lvl_idx": (1, tokens),
        "attn_bias_for_masking": (1, 1, tokens, 2 * tokens),
        "basic_vae.attn_mask": (1, 1, frames, frames),
        "style_encoder.PE.pe": (1, *model.style_encoder.lengths.shape),
    }
    return {published: tuple(state[name].shape) for published, name in names.items()} | derived


def _published_names(model: ArtalkModel) -> dict[str, str]:
    """Published name -> our name, of every entry of our state."""
    prefix = str(model.audio_encoder.published_prefix)
    return {published_name(name, prefix): name for name in model.state_dict()}


def _spelling(name: str) -> str:
    """The one spelling of a published name that this room compares by."""
    name = name.replace("conv.weight_g", "conv.parametrizations.weight.original0")
    name = name.replace("conv.weight_v", "conv.parametrizations.weight.original1")
    mimi = f"audio_encoder.{MimiEncoder.published_prefix}"
    for new, old in MimiEncoder.renamed.items():
        if name.startswith(mimi + new):
            return mimi + old + name.removeprefix(mimi + new)
    return name


def _check_fit(label: str, expected: Shapes, found: Shapes) -> None:
    """Raise InputError that lists what is missing, not wanted, or of another shape."""
    if unlike := differences(expected, found):
        raise InputError(
            f"'{label}' does not fit the model: of its {len(expected)} entries {unlike}; {_kinship(found)}."
        )


def differences(expected: Shapes, found: Shapes) -> str:
    """How many entries are missing, not wanted, or of another shape, with some of their names; empty when none is."""
    missing = [name for name in expected if name not in found]
    unexpected = [name for name in found if name not in expected]
    reshaped = [
        f"{name} is {found[name]} instead of {shape}"
        for name, shape in expected.items()
        if found.get(name, shape) != shape
    ]
    return "; ".join(
        f"{len(names)} {what} ({', '.join(names[:NAMES_SHOWN])}{', …' if len(names) > NAMES_SHOWN else ''})"
        for what, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", reshaped))
        if names
    )


def _kinship(found: Shapes) -> str:
    """What a file that does not fit seems to be, and what to do."""
    if any(name.startswith("base_codec.") for name in found):
        return (
            "it looks like a generator of ARTalk's training code, which this model is not: choose the released "
            "weights, or the model artalk-trained"
        )
    if any(name.startswith("encoder.code_mapping") for name in found):
        return "it looks like a codec of ARTalk's training code, which this model is not: choose the released weights"
    if {"learnable_style_emb.weight", "quantize.embedding.weight"} & found.keys():
        return "it looks like a checkpoint of CodeTalker, which this model is not: choose ARTalk's weights"
    if any(name.startswith("audio_encoder.acoustic_model.") for name in found):
        return "it looks like the mimi variant: choose the model artalk-mimi"
    return "get the file again or choose the model it was made for"


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The named weights in a checkpoint, with or without a wrapper around them; InputError when there are none."""
    content = torch_load(path)
    if isinstance(content, dict) and "state_dict" in content:
        content = content["state_dict"]
    if not isinstance(content, dict) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise InputError(f"'{path.name}' holds no table of named weights: give a published checkpoint of the model.")
    return {str(name): value for name, value in content.items()}


def torch_load(path: Path) -> object:
    """What a `.pt` holds, without running any code in it; InputError when it cannot be read."""
    if not path.is_file():
        raise InputError(f"There is no file '{path}': check the path.")
    try:
        # mapping instead of reading keeps memory at one copy; only the newer, zipped form can be mapped
        content: object = torch.load(path, weights_only=True, map_location="cpu", mmap=zipfile.is_zipfile(path))
        return content
    except UnpicklingError:
        raise InputError(
            f"'{path.name}' holds more than plain weights or is damaged, so it was not opened: get the file again."
        ) from None
    except Exception:  # noqa: BLE001 (on damaged bytes the reader raises whatever it stumbles over)
        raise InputError(f"'{path.name}' is damaged, cut short or not a checkpoint: get the file again.") from None


def _is_safetensors(path: Path) -> bool:
    return path.suffix == ".safetensors"


def pick_device(name: str) -> torch.device:
    """The device of that name; InputError when it is not there."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available.get(name.partition(":")[0], False):
        raise InputError(f"There is no device '{name}' here: choose cpu or auto.")
    return torch.device(name)
