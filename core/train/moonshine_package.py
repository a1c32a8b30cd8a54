# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights of Moonshine tiny's encoder out of the Python package `moonshine-voice`, which brings them for itself.

They come as a file of ONNX Runtime, the matrices in 8 bits.
"""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..artalk.checkpoint import MOONSHINE, compacted, expanded
from ..artalk.files import file_hash
from ..artalk.moonshine import Moonshine
from ..errors import InputError

PACKAGE, VERSION = "moonshine-voice", "0.0.65"
CREDIT = f"`{PACKAGE}` (MIT): Moonshine tiny, speech recognition in English, © 2025 Moonshine AI (Useful Sensors)"
_SHA256 = "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221"
_KINDS: dict[int, type[np.generic]] = {1: np.float32, 2: np.uint8}
"""Kinds of numbers in ONNX Runtime's files -> numpy's."""


def installed() -> bool:
    """Whether the package with the weights, and what reads them, are there."""
    return _file() is not None and importlib.util.find_spec("onnxruntime") is not None


def require() -> None:
    """Raise InputError when the package is not there, or of another version."""
    path = _file()
    if path is None or not installed() or file_hash(path) != _SHA256:
        raise InputError(
            f"Training artalk-mini's hearing needs {PACKAGE} {VERSION} and onnxruntime, not both installed here: "
            f"pip install {PACKAGE}=={VERSION} onnxruntime."
        )


@cache
def moonshine(layers: int) -> Moonshine:
    """The lower layers of the encoder, ready to hear, rounded as they are stored. Raises as `require` does."""
    require()
    model = Moonshine(layers)
    state = _state()
    model.load_state_dict({name: state[name] for name in model.state_dict()})
    return as_stored(model)


def as_stored(model: Moonshine) -> Moonshine:
    """The same with its weights rounded as a model of ours stores them; ready to hear, not to learn."""
    stored = expanded(compacted({MOONSHINE + name: value for name, value in model.state_dict().items()}))
    rounded = Moonshine(len(model.layers), model.width)
    rounded.load_state_dict({name: stored[MOONSHINE + name] for name in model.state_dict()})
    return rounded.eval().requires_grad_(False)


def _file() -> Path | None:
    # the package itself wants a microphone's library, so that it is found without being imported
    spec = importlib.util.find_spec("moonshine_voice")
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / "assets" / "tiny-en" / "encoder_model.ort"
    return path if path.is_file() else None


def _state() -> dict[str, Tensor]:
    """All weights of the encoder by the names of `transformers`, (outputs, inputs) as there."""
    path = _file()
    assert path is not None
    graph = _graph(path)
    arrays = {}
    for index in range(graph.InitializersLength()):
        tensor = graph.Initializers(index)
        if tensor.DataType() in _KINDS and tensor.RawDataLength():
            shape = [tensor.Dims(axis) for axis in range(tensor.DimsLength())]
            numbers = np.frombuffer(tensor.RawDataAsNumpy().tobytes(), _KINDS[tensor.DataType()])
            arrays[tensor.Name().decode()] = numbers.reshape(shape)
    state = {name.removesuffix("_add_tensor"): array for name, array in arrays.items()}
    # group norm is a norm without numbers of its own there, and a product and a sum; nothing else has this shape
    columns = [name for name, array in arrays.items() if array.ndim == 2 and array.shape[1] == 1]
    for name in columns:
        state["groupnorm.weight" if "::Mul_" in name else "groupnorm.bias"] = arrays[name].ravel()
    for index in range(graph.NodesLength()):
        node = graph.Nodes(index)
        if node is not None and (matrix := _matrix(node, arrays)):
            state[matrix[0]] = matrix[1]
    return {name: torch.from_numpy(np.array(array, np.float32)) for name, array in state.items()}


def _matrix(node: Any, arrays: dict[str, NDArray[np.generic]]) -> tuple[str, NDArray[np.float32]] | None:  # noqa: ANN401 (a class that ONNX Runtime generates)
    """Name and numbers of the matrix that a node multiplies with, if it is one of a layer's."""
    inputs = [node.Inputs(i).decode() for i in range(node.InputsLength())]
    stored = next((name for name in inputs if re.fullmatch(r"onnx::MatMul_\d+_quantized", name)), None)
    place = re.match(r"/(layers)\.(\d+)/(self_attn|mlp)/(\w+)/", node.Outputs(0).decode())
    if stored is None or place is None:
        return None
    scale, zero = (
        arrays[stored.removesuffix("quantized") + part].astype(np.float32) for part in ("scale", "zero_point")
    )
    return f"{'.'.join(place.groups())}.weight", ((arrays[stored].astype(np.float32) - zero) * scale).T


def _graph(path: Path) -> Any:  # noqa: ANN401 (a class that ONNX Runtime generates)
    from onnxruntime.tools.ort_format_model.ort_flatbuffers_py.fbs.InferenceSession import InferenceSession

    return InferenceSession.GetRootAs(path.read_bytes(), 0).Model().Graph()
