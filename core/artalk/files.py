# SPDX-License-Identifier: GPL-3.0-or-later
"""What every engine must know of a weights file; without torch."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from .. import models
from ..basis import BASES
from ..errors import InputError
from .config import ArtalkConfig

CONFIG_KEY = "artalk_config"
SCALE = ".scale"
"""Ends the name of what the rows of a matrix of 8-bit numbers are multiplied with."""


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()


def check_scale(matrix: tuple[int, ...], scale: tuple[int, ...]) -> None:
    """Raise ValueError unless an array of 8-bit numbers and its scale have shapes that go together."""
    if scale != (*matrix[:1], 1):
        raise ValueError("a scale is not one number a row")


def damaged(path: Path) -> InputError:
    """What to raise for a weights file that cannot be read."""
    return InputError(f"The weights file '{path.name}' is damaged or cut short: get it again or reinstall artalk.")


def unnamed(path: Path) -> InputError:
    """What to raise for a file of weights that lacks a model's config."""
    return InputError(f"'{path.name}' does not say which model it holds: give a .safetensors written by artalk.")


def read_config(metadata: Mapping[str, str], path: Path) -> ArtalkConfig:
    """The config in the metadata of a `.safetensors` of ours; InputError when there is none or it contradicts itself.

    A model of these sizes may still be impossible to build.
    """
    try:
        config = ArtalkConfig.from_json(metadata[CONFIG_KEY])
        basis = BASES[config.basis]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise unnamed(path) from None
    if "towers" in config.audio.options:
        raise InputError(
            f"'{path.name}' was written by an earlier artalk, whose speech encoder was another: "
            "train it again, or take the model that comes with artalk."
        )
    if len(basis) != config.codec.motion_dim:
        raise InputError(
            f"'{path.name}' makes {config.codec.motion_dim} numbers a frame but says its basis is '{config.basis}' "
            f"with {len(basis)}: give a file written by artalk."
        )
    return config


def check_basis(config: ArtalkConfig, path: Path, variant: str) -> None:
    """Raise InputError when a file's motion is not that of the registry's model `variant`."""
    expected = models.entry(variant).basis.name
    if config.basis != expected:
        raise InputError(
            f"'{path.name}' is a model of '{config.basis}' motion, but '{variant}' gives '{expected}': "
            "choose the model it was trained as."
        )
