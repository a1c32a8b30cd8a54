# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what `torch.save` wrote, without torch and without running anything in it: a zip of a pickle and raw numbers.

The form that torch writes since 1.6. Only tables and tensors come out; whatever else a pickle asks for is refused
before it is looked up. Other files with pickles in them are read by the same unpickler.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError

_NUMBERS = {"Float": "<f4", "Double": "<f8", "Half": "<f2", "BFloat16": "<u2", "Long": "<i8", "Int": "<i4",
            "Short": "<i2", "Char": "i1", "Byte": "u1", "Bool": "?"}  # fmt: skip


@dataclass(frozen=True)
class StoredTensor:
    """Where in a file a tensor lies. kind: numpy's name of its numbers; offset, stride: in numbers, not bytes."""

    archive: Path
    member: str
    kind: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def read(self) -> NDArray[Any]:
        """The numbers; InputError when they would lie beyond their storage."""
        with zipfile.ZipFile(self.archive) as archive:
            storage = np.frombuffer(archive.read(self.member), self.kind)
        reach = self.offset + sum((length - 1) * step for length, step in zip(self.shape, self.stride, strict=True))
        if self.offset < 0 or min((*self.shape, *self.stride), default=0) < 0:
            raise _damaged(self.archive)
        if 0 not in self.shape and reach >= len(storage):
            raise _damaged(self.archive)
        steps = tuple(step * storage.itemsize for step in self.stride)
        return np.lib.stride_tricks.as_strided(storage[self.offset :], self.shape, steps, writeable=False).copy()


def read_torch(path: Path) -> object:
    """What a file holds, with a `StoredTensor` for each tensor: reading names and shapes of 2 GB takes no memory.

    Raises InputError when the file is missing, damaged, of the older form, or holds more than tables of tensors.
    """
    if not path.is_file():
        raise InputError(f"There is no file '{path}': check the path.")
    try:
        return unpickled(path, TENSORS)
    except Refused as found:
        raise InputError(
            f"'{path.name}' holds more than tensors ({found}), so it was not opened: get the file again."
        ) from None
    except Exception:  # noqa: BLE001 (on damaged bytes the readers raise whatever they stumble over)
        raise _damaged(path) from None


def unpickled(path: Path, admitted: Admitted) -> object:
    """The same with what `admitted` names beside tensors; raises Refused, and whatever damaged bytes make of it."""
    with zipfile.ZipFile(path) as archive:
        pickled = next(name for name in archive.namelist() if name.endswith("data.pkl"))
        with archive.open(pickled) as file:
            storage = partial(_storage, path, pickled.removesuffix("data.pkl"))
            return RestrictedUnpickler(file, admitted, storage).load()


def named_tensors(path: Path) -> Mapping[str, StoredTensor]:
    """The named tensors of a checkpoint, with or without a wrapper around them; InputError when there are none."""
    content = read_torch(path)
    if isinstance(content, dict) and "state_dict" in content:
        content = content["state_dict"]
    if not isinstance(content, dict) or not content:
        raise InputError(f"'{path.name}' holds no table of named weights: give a published checkpoint of a model.")
    return {str(name): value for name, value in content.items() if isinstance(value, StoredTensor)}


def _damaged(path: Path) -> InputError:
    return InputError(f"'{path.name}' is damaged, cut short or not a file of torch's: get the file again.")


Admitted = Mapping[tuple[str, str], Any]
"""(module, name) as in a pickle -> what is made of it; the name "*" is any in a package."""


class Refused(Exception):  # noqa: N818 (an outcome)
    """A pickle asks for something that is not admitted; the message names it."""


@dataclass(frozen=True)
class _Kind:
    """Stands for torch's FloatStorage and its like."""

    numbers: str


@dataclass(frozen=True)
class _Storage:
    archive: Path
    member: str
    kind: str


def _tensor(storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object) -> StoredTensor:
    return StoredTensor(storage.archive, storage.member, storage.kind, offset, tuple(size), tuple(stride))


def _parameter(tensor: StoredTensor, *_: object) -> StoredTensor:
    return tensor


TENSORS: Admitted = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    **{("torch", f"{name}Storage"): _Kind(numbers) for name, numbers in _NUMBERS.items()},
}


def _storage(archive: Path, prefix: str, pid: tuple[Any, ...]) -> _Storage:
    _, kind, key, *_ = pid
    return _Storage(archive, f"{prefix}data/{key}", kind.numbers)


def _no_storage(_pid: tuple[Any, ...]) -> _Storage:
    raise Refused("a reference to outside")


class RestrictedUnpickler(pickle.Unpickler):
    """Makes containers and what is admitted; whatever else a pickle asks for is refused before it is looked up."""

    def __init__(
        self,
        file: IO[bytes],
        admitted: Admitted,
        storage: Callable[[tuple[Any, ...]], _Storage] = _no_storage,
        encoding: str = "ASCII",
    ) -> None:
        super().__init__(file, encoding=encoding)
        self._admitted, self._storage = admitted, storage

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 (pickle's own signature)
        """What stands for a name in the pickle; Refused when nothing does."""
        for known in ((module, name), (module.partition(".")[0], "*")):
            if known in self._admitted:
                return self._admitted[known]
        raise Refused(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> _Storage:  # noqa: ANN401
        """Where the numbers of a tensor lie."""
        return self._storage(pid)
