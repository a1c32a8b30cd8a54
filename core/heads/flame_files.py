# SPDX-License-Identifier: GPL-3.0-or-later
"""FLAME's files in all their forms, read without running anything that is in them and with numpy alone.

`.pkl` of 2017 to 2023, with or without chumpy's arrays inside; `.npz` with the same names; `FLAME_with_eye.pt` of
ARTalk's tools. And files with the numbers of an identity.
"""

from __future__ import annotations

import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..torch_files import TENSORS, Admitted, Refused, RestrictedUnpickler, StoredTensor, unpickled
from .flame import JOINTS, FlameModel

ENDINGS = (".pkl", ".npz", ".pt")
COMPONENTS = {400: (300, 100), 350: (300, 50), 200: (100, 100), 150: (100, 50)}
"""Length of `shapedirs` -> how many of them are identities and how many expressions."""

_MOUTH_LANDMARKS = slice(48, 68)  # the lips among the landmarks of Sagonas et al. (2013)
_BETAS_NAMES = ("betas", "shape", "identity", "shape_params")
_NO_NUMBERS = (KeyError, TypeError, ValueError, IndexError, AttributeError)


def read_flame(path: Path) -> FlameModel:
    """A FLAME model from a `.pkl`, `.npz` or `.pt` file; which of them it is, its content says.

    Raises InputError when the file is damaged, holds more than arrays, or holds another model.
    """
    if not path.is_file():
        raise InputError(f"There is no FLAME file '{path}': check the path.")
    if path.suffix.lower() not in ENDINGS:
        raise InputError(f"'{path.name}' is no FLAME file: give a {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]} file.")
    try:
        content = {".pkl": _read_pickle, ".npz": _read_npz, ".pt": _read_torch}[form(path)](path)
    except Refused as found:
        raise InputError(
            f"'{path.name}' holds more than arrays ({found}), so it was not opened: get the file from FLAME's own site."
        ) from None
    except Exception:  # noqa: BLE001 (on damaged bytes the readers raise whatever they stumble over)
        raise InputError(f"'{path.name}' is damaged, cut short or no FLAME file: get the file again.") from None
    return _model(content, path.name)


def form(path: Path) -> str:
    """Which of ENDINGS a file ought to have by its content, as files get renamed; BadZipFile for a damaged zip."""
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            return ".pkl"
    with zipfile.ZipFile(path) as archive:
        return ".pt" if any(name.endswith("data.pkl") for name in archive.namelist()) else ".npz"


def read_betas(path: Path) -> NDArray[np.float32]:
    """The numbers of one identity, (n,), from `.npy`, `.npz` (betas or shape), or text with numbers.

    Raises InputError when the file holds anything else.
    """
    if not path.is_file():
        raise InputError(f"There is no identity file '{path}': check the path.")
    try:
        if path.suffix.lower() == ".npz":
            with np.load(path, allow_pickle=False) as file:
                read = file[next(name for name in _BETAS_NAMES if name in file)]
        elif path.suffix.lower() == ".npy":
            read = np.load(path, allow_pickle=False)
        else:
            read = np.array(path.read_text(encoding="utf-8").replace(",", " ").split(), np.float64)
        betas = np.asarray(read, np.float32)
    except (*_NO_NUMBERS, StopIteration, OSError, EOFError, zipfile.BadZipFile):
        raise InputError(
            f"'{path.name}' holds no identity: give a .npy, .npz (betas) or text file with its numbers."
        ) from None
    if betas.ndim == 0 or betas.size == 0 or betas.size != betas.shape[-1] or not np.isfinite(betas).all():
        raise InputError(
            f"'{path.name}' should hold one row of numbers, one for each identity shape: correct the file."
        )
    return betas.reshape(-1)


# --- from arrays to the model ---------------------------------------------------------------------------------------


def _model(content: Mapping[str, Any], label: str) -> FlameModel:
    """Check that the arrays are FLAME's and agree with one another."""
    try:
        template, shapes, correctives, regressor, weights = (
            _numbers(content[name], np.float32)
            for name in ("v_template", "shapedirs", "posedirs", "J_regressor", "weights")
        )
    except KeyError as missing:
        raise InputError(f"'{label}' is no FLAME model, as it has no {missing}: give FLAME's own file.") from None
    except _NO_NUMBERS:
        raise InputError(
            f"'{label}' is no FLAME model, as its arrays hold no numbers: give FLAME's own file."
        ) from None
    count = len(template)
    for name, array, shape in (
        ("v_template", template, (count, 3)),
        ("J_regressor", regressor, (len(JOINTS), count)),
        ("weights", weights, (count, len(JOINTS))),
        ("posedirs", correctives, (count, 3, 9 * (len(JOINTS) - 1))),
        ("shapedirs", shapes, (count, 3, shapes.shape[-1] if shapes.ndim else 0)),
    ):
        if array.shape != shape:
            raise InputError(
                f"'{label}' is no FLAME model, as its {name} is {_size(array)} instead of {_size(np.empty(shape))}: "
                "give FLAME's own file."
            )
        if not np.isfinite(array).all():
            raise InputError(f"The {name} of '{label}' holds values that are not numbers: get the file again.")
    if shapes.shape[2] not in COMPONENTS:
        raise InputError(
            f"'{label}' has {shapes.shape[2]} shapes, and FLAME has 100 or 300 identities and 50 or 100 expressions: "
            "give FLAME's own file."
        )
    identities = COMPONENTS[shapes.shape[2]][0]
    faces = _numbers(content.get("f", np.zeros((0, 3))), np.int64)
    if faces.ndim != 2 or faces.shape[1] != 3 or (len(faces) and not 0 <= faces.min() <= faces.max() < count):
        raise InputError(f"The faces of '{label}' do not fit its {count} vertices: get the file again.")
    return FlameModel(
        template=template,
        faces=faces,
        identities=np.ascontiguousarray(shapes[:, :, :identities]),
        expressions=np.ascontiguousarray(shapes[:, :, identities:]),
        correctives=correctives,
        regressor=regressor,
        weights=weights,
        uv=_corner_uv(content, len(faces), label),
        lips=_numbers(content["lips"], np.int64) if "lips" in content else None,
    )


def _corner_uv(content: Mapping[str, Any], faces: int, label: str) -> NDArray[np.float32] | None:
    if "vt" not in content or "ft" not in content:
        return None
    points, corners = _numbers(content["vt"], np.float32), _numbers(content["ft"], np.int64)
    if corners.shape != (faces, 3) or points.shape[1:] != (2,) or not 0 <= corners.min() <= corners.max() < len(points):
        raise InputError(f"The texture coordinates of '{label}' do not fit its faces: get the file again.")
    return points[corners]


def _numbers(value: Any, kind: type[Any]) -> NDArray[Any]:  # noqa: ANN401 (whatever the file holds)
    if isinstance(value, _Sparse):
        value = value.dense()
    elif isinstance(value, _Chumpy):
        return _numbers(value.state["x"], kind)
    return np.asarray(value, kind, order="C")


def _size(array: NDArray[Any]) -> str:
    return " × ".join(map(str, array.shape)) or "a single number"


# --- formats --------------------------------------------------------------------------------------------------------


def _read_npz(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def _read_pickle(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return _table(RestrictedUnpickler(file, _ADMITTED, encoding="latin1").load())


def _read_torch(path: Path) -> dict[str, Any]:
    content: Any = unpickled(path, {**_TENSORS, **_ADMITTED})
    model = {name: _read(value) for name, value in _table(content["flame_model"]).items()}
    faces = np.asarray(model["f"], np.int64)
    landmarks = np.asarray(_read(content["lmk_embeddings"]["full_lmk_faces_idx_with_eye"])).ravel()[_MOUTH_LANDMARKS]
    return {**model, "lips": np.unique(faces[landmarks])}


def _read(value: Any) -> Any:  # noqa: ANN401 (whatever the file holds)
    return value.read() if isinstance(value, StoredTensor) else value


def _table(content: object) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise TypeError
    return content


class _Chumpy:
    """Stands for any object of chumpy, the old array library of FLAME's makers: keeps its state, does nothing."""

    state: Any

    def __new__(cls, *_: object) -> _Chumpy:
        return object.__new__(cls)

    def __init__(self, *_: object) -> None:
        self.state = {}

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Sparse(_Chumpy):
    """Stands for a sparse matrix of scipy, which Blender does not have."""

    by_rows = False

    def dense(self) -> NDArray[Any]:
        """The whole matrix; by rows (csr), by columns (csc) or as a list of places (coo)."""
        state = self.state
        full = np.zeros(state["_shape"] if "_shape" in state else state["shape"])
        if "indptr" not in state:
            row, col = state["coords"] if "coords" in state else (state["row"], state["col"])
            np.add.at(full, (row, col), state["data"])
            return full
        lines = np.repeat(np.arange(len(state["indptr"]) - 1), np.diff(state["indptr"]))
        places = (lines, state["indices"]) if self.by_rows else (state["indices"], lines)
        np.add.at(full, places, state["data"])
        return full


class _SparseRows(_Sparse):
    by_rows = True


def _rebuild(cls: type[Any], *_: object) -> Any:  # noqa: ANN401 (the pickle's own)
    """What `copy_reg._reconstructor` does, for our stand-ins alone."""
    if not issubclass(cls, _Chumpy):
        raise Refused(cls.__name__)
    return cls()


def _encode(text: str, encoding: str) -> bytes:
    """How a pickle of Python 3 writes bytes that Python 2 can read."""
    if encoding != "latin1":
        raise Refused(encoding)
    return text.encode("latin1")


# numpy has no such numbers, and they would come as others
_TENSORS: Admitted = {known: made for known, made in TENSORS.items() if known != ("torch", "BFloat16Storage")}
_ADMITTED: Admitted = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("collections", "OrderedDict"): OrderedDict,
    ("_codecs", "encode"): _encode,
    ("chumpy", "*"): _Chumpy,
    # numpy's own makers, whatever this numpy calls them
    **{(f"numpy.{core}.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0] for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): np.float64(0).__reduce__()[0] for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): np.empty(1).__reduce_ex__(5)[0] for core in ("core", "_core")},
    # Python 2 and 3
    **{(module, "_reconstructor"): _rebuild for module in ("copy_reg", "copyreg")},
    **{(module, kind.__name__): kind for module in ("__builtin__", "builtins") for kind in (object, set)},
    **{(f"scipy.sparse.{dot}{form}", f"{form}_{kind}"): _SparseRows if form == "csr" else _Sparse
       for dot in ("", "_") for form in ("csc", "csr", "coo") for kind in ("matrix", "array")},
}  # fmt: skip
