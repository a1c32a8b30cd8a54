# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads `.safetensors` without its library: a header in JSON with names, kinds, shapes and places, then the numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..artalk.files import SCALE, check_scale, damaged
from ..errors import InputError

Array = NDArray[np.float32]

_LENGTH_BYTES = 8
_KINDS: dict[str, np.dtype[Any]] = {
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I8": np.dtype("i1"),
}


class Weights:
    """The arrays of a file by name, all float32, each to be taken once with the shape that the model wants."""

    def __init__(self, label: str, arrays: Mapping[str, Array]) -> None:
        self.label = label
        self._waiting = dict(arrays)

    def take(self, name: str, *shape: int) -> Array:
        """One array; InputError when it is missing or of another shape."""
        array = self._waiting.pop(name, None)
        if array is None:
            raise self._misfit(f"'{name}' is missing")
        if array.shape != shape:
            raise self._misfit(f"'{name}' is {array.shape} instead of {shape}")
        return array

    def finish(self) -> None:
        """Raise InputError when there is more than was taken."""
        if self._waiting:
            raise self._misfit(f"{len(self._waiting)} entries are unexpected ('{min(self._waiting)}' is one)")

    def _misfit(self, what: str) -> InputError:
        return InputError(
            f"'{self.label}' does not fit the model: {what}; get the file again or choose the model it was made for."
        )


def read_safetensors(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """All arrays of a file, as float32, and its metadata.

    Layout: length of the header (8 bytes, little endian), header, data without gaps (the format of `safetensors`).
    Matrices of 8-bit numbers are multiplied with their scales.
    Raises InputError when the file is damaged or holds something else than floating point numbers.
    """
    try:
        content = path.read_bytes()
        start = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
        if start > len(content):
            raise ValueError("cut short")
        header: dict[str, Any] = json.loads(content[_LENGTH_BYTES:start])
        metadata = header.pop("__metadata__", {})
        data = memoryview(content)[start:]
        _check_places(header, len(data))
        arrays = {name: _array(data, entry) for name, entry in header.items()}
        for name in [name for name, entry in header.items() if entry["dtype"] == "I8"]:
            scale = arrays.pop(name + SCALE)
            check_scale(arrays[name].shape, scale.shape)
            arrays[name] = arrays[name] * scale
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise damaged(path) from None
    return arrays, {str(key): str(value) for key, value in metadata.items()}


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a file, without reading its arrays; InputError when it is damaged."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            if size > path.stat().st_size:
                raise ValueError("cut short")
            metadata = json.loads(file.read(size)).get("__metadata__", {})
    except (OSError, ValueError, AttributeError, RecursionError):
        raise damaged(path) from None
    return {str(key): str(value) for key, value in metadata.items()}


def _check_places(header: Mapping[str, Any], size: int) -> None:
    """Raise ValueError unless the arrays lie one behind the other and fill the data."""
    end = 0
    for begin, stop in sorted(entry["data_offsets"] for entry in header.values()):
        if begin != end or stop < begin:
            raise ValueError("gap or overlap")
        end = stop
    if end != size:
        raise ValueError("cut short")


def _array(data: memoryview, entry: Mapping[str, Any]) -> Array:
    kind, shape = _KINDS[entry["dtype"]], tuple(entry["shape"])
    begin, end = entry["data_offsets"]
    if math.prod(shape) * kind.itemsize != end - begin:
        raise ValueError("shape and size differ")
    numbers = np.frombuffer(data[begin:end], kind)
    if entry["dtype"] == "BF16":
        # the upper half of a float32
        numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
    return numbers.reshape(shape).astype(np.float32)
