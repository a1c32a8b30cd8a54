# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of each line in the .blend: all that is needed to do the layers again, and to see what was edited.

A line is one strip's speech on one character. It lies as plain data on the action that its curves are in, so it is
undone, copied and saved with them.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.basis import basis_named
from ..core.generate import Options, Spoken
from ..core.motion import Motion
from ..core.polish.phrases import Phrase
from ..core.polish.prosody import Accent, Prosody
from . import compat
from .keys import Keys
from .line import Line, Piece, Rests, Written
from .plan import Curve

STORED = "artalk_lines"
"""Custom property of an action: the lines in it, each under `name`."""


def load(datablock: Any) -> list[Line]:
    """The lines in a datablock's action, in the order of time."""
    action: Any = compat.action_of(datablock)
    stored = action.get(STORED) if action else None
    every = [stored[name].to_dict() for name in stored.keys()] if stored else []  # noqa: SIM118
    lines = [_unpacked(tuple(sorted(packed.items()))) for packed in every]
    return sorted(lines, key=lambda line: line.start)


def unpack(packed: Mapping[str, Packed]) -> None:
    """Have lines at hand when they are loaded next: those of ten minutes take longer than a tick has."""
    for line in packed.values():
        _unpacked(tuple(sorted(line.items())))


@dataclass(frozen=True)
class Head:
    """What is known of a line without its motion and keys; as in `Line`. meta: of its raw motion."""

    scene: str
    strip: str
    start: float
    fps: float
    options: Options
    meta: dict[str, Any]


def heads(datablock: Any) -> dict[str, str]:
    """The lines in a datablock's action by name, each as a text for `head`: quick where there are hundreds."""
    action: Any = compat.action_of(datablock)
    stored = action.get(STORED) if action else None
    return {name: stored[name]["head"] for name in stored.keys()} if stored else {}  # noqa: SIM118


def head(text: str) -> Head:
    """What the text of a line says."""
    known = json.loads(text)
    options = _options(known["options"])
    return Head(known["scene"], known["strip"], known["start"], known["fps"], options, known["meta"])


def save(datablock: Any, changed: Iterable[Line], dropped: Iterable[str] = ()) -> None:
    """Put lines into a datablock's action, in the place of those of the same strips, and take others out, by name."""
    lines = list(changed)
    old_names = [line.kept_as for line in lines if line.kept_as]
    store(datablock, {line.name: pack(line) for line in lines}, [*dropped, *old_names])


def store(datablock: Any, packed: Mapping[str, Packed], dropped: Iterable[str]) -> None:
    """`save` of lines that are packed already, by name."""
    action: Any = compat.action_of(datablock)
    if STORED not in action:
        action[STORED] = {}
    stored = action[STORED]
    for name in dropped:
        del stored[name]
    for name, line in packed.items():
        stored[name] = line


def written(curves: Iterable[tuple[str, Curve]]) -> dict[str, Written]:
    """What a plan writes, by label."""
    return {name: Written(Keys.plain(curve.frames, curve.values), curve.spans) for name, curve in curves}


# --- to and from what a .blend can hold -----------------------------------------------------------------------------


Packed = dict[str, str | bytes]
"""A line as a custom property holds it."""


def pack(line: Line) -> Packed:
    """A line as it is kept. Touches nothing of Blender."""
    spoken, voice = line.spoken, line.spoken.voice
    head = {
        "scene": line.scene,
        "strip": line.strip,
        "start": line.start,
        "origin": line.origin,
        "fps": line.fps,
        "options": {name: str(v) if isinstance(v, Path) else v for name, v in asdict(line.options).items()},
        "rests": asdict(line.rests),
        "bound": line.bound,
        "place": [asdict(piece) for piece in line.place],
        "basis": spoken.raw.basis.name,
        "channels": spoken.raw.basis.channels,
        "raw_fps": spoken.raw.fps,
        "meta": spoken.raw.meta,
        "phrases": [(phrase.start, phrase.end) for phrase in voice.phrases],
        "accents": [(accent.time, accent.rank) for accent in voice.accents],
        "labels": list(line.written),
        "counts": [len(each.keys) for each in line.written.values()],
        "spans": [each.spans for each in line.written.values()],
        "plain": all(each.keys.is_plain for each in line.written.values()),
    }
    packed: Packed = {
        "head": json.dumps(head),
        "strip_id": line.strip_id,
        "raw": _bytes(spoken.raw.values),
        "level": _bytes(voice.level),
        "pitch": _bytes(voice.pitch),
    }
    for name in ("co",) if head["plain"] else Keys.none().numbers:
        arrays = [each.keys.numbers[name].ravel() for each in line.written.values()]
        packed[f"keys_{name}"] = _bytes(np.concatenate(arrays)) if arrays else b""
    return packed


@lru_cache(maxsize=256)
def _unpacked(items: tuple[tuple[str, str | bytes], ...]) -> Line:
    """A line of what is stored of it; kept, as every move of a slider looks at all lines of a character."""
    packed: dict[str, Any] = dict(items)
    head = json.loads(packed["head"])
    basis = basis_named(head["basis"], head["channels"])
    values = _array(packed["raw"], np.float32).reshape(-1, len(basis))
    voice = Prosody(
        [Phrase(*times) for times in head["phrases"]],
        [Accent(*each) for each in head["accents"]],
        _array(packed["level"], np.float64),
        _array(packed["pitch"], np.float64),
    )
    return Line(
        scene=head["scene"],
        strip=head["strip"],
        start=head["start"],
        origin=head["origin"],
        fps=head["fps"],
        options=_options(head["options"]),
        spoken=Spoken(Motion(values, basis, head["raw_fps"], head["meta"]), voice),
        rests=Rests(**head["rests"]),
        # lines of earlier versions know no place, and find one when they are written next
        place=tuple(Piece(**piece) for piece in head.get("place", ())),
        written=_written(packed, head),
        bound=head.get("bound", 0.0),
        strip_id=packed.get("strip_id", ""),
    )


def _options(kept: dict[str, Any]) -> Options:
    """Options from another version of artalk may lack some and have others: those that are known count."""
    known = {each.name for each in fields(Options)}
    chosen = {name: value for name, value in kept.items() if name in known}
    for name in ("weights", "style", "flame", "seed_motion"):
        chosen[name] = Path(chosen[name]) if chosen.get(name) else None
    return Options(**chosen)


def _written(packed: dict[str, Any], head: dict[str, Any]) -> dict[str, Written]:
    ends = np.cumsum([0, *head["counts"]])
    numbers = {
        name.removeprefix("keys_"): _array(packed[name], kind)
        for name, kind in ((f"keys_{n}", array.dtype.type) for n, array in Keys.none().numbers.items())
        if name in packed
    }
    found = {}
    for number, (name, spans) in enumerate(zip(head["labels"], head["spans"], strict=True)):
        part = slice(ends[number], ends[number + 1])
        co = numbers["co"].reshape(-1, 2)[part]
        keys = Keys.plain(co[:, 0], co[:, 1])
        if not head["plain"]:
            shaped = {n: numbers[n].reshape(-1, array.shape[1])[part] for n, array in keys.numbers.items()}
            keys = Keys(shaped)
        found[name] = Written(keys, tuple((first, last) for first, last in spans))
    return found


def _bytes(array: NDArray[Any]) -> bytes:
    # the quickest level: it is done with every move of a slider, and the .blend is compressed as well
    return zlib.compress(np.ascontiguousarray(array).tobytes(), 1)


def _array(packed: bytes, kind: type) -> NDArray[Any]:
    return np.frombuffer(zlib.decompress(packed), kind).copy() if packed else np.zeros(0, kind)
