# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes over the pipes: a line of JSON, then the float32 numbers of its arrays as raw bytes.

    {"kind": "generate", …, "arrays": {"audio": [16000], "style": [50, 59]}}      and (16000 + 50 * 59) * 4 bytes

The child speaks first: `hello` with VERSION, its Python and its torch. Then each `load` or `generate` of the parent is
answered by any number of `progress` and one of `loaded`, `done`, `cancelled`, `refused` (the user's input, a
sentence) and `failed` (our fault, a traceback); `cancel` may come in between.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

VERSION = 1
_LONGEST_LINE = 1 << 20


@dataclass(frozen=True)
class Message:
    """One message. content: plain JSON values; arrays: float32 arrays by name."""

    kind: str
    content: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


def send(stream: IO[bytes], message: Message) -> None:
    """Write a message; OSError when nobody reads any more."""
    shapes = {name: array.shape for name, array in message.arrays.items()}
    line = json.dumps({**message.content, "kind": message.kind, "arrays": shapes})
    numbers = [np.ascontiguousarray(array, "<f4").tobytes() for array in message.arrays.values()]
    stream.write(b"".join([line.encode(), b"\n", *numbers]))
    stream.flush()


def receive(stream: IO[bytes]) -> Message | None:
    """Read a message, None at the end of the stream; ValueError when it is none of ours or cut short."""
    line = stream.readline(_LONGEST_LINE)
    if not line:
        return None
    try:
        content = json.loads(line)
        kind, shapes = str(content.pop("kind")), content.pop("arrays")
        arrays = {name: _read(stream, tuple(shape)) for name, shape in shapes.items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a message of artalk's engine") from error
    return Message(kind, content, arrays)


def _read(stream: IO[bytes], shape: tuple[int, ...]) -> NDArray[np.float32]:
    size = 4 * math.prod(shape)
    data = stream.read(size)
    if len(data) != size:
        raise ValueError("cut short")
    return np.frombuffer(data, "<f4").reshape(shape).astype(np.float32)
