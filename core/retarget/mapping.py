# SPDX-License-Identifier: GPL-3.0-or-later
"""The table that says which channels move what: rows, their text, presets as JSON, and how a motion goes through it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..basis import ARKIT_SHAPES, BASES
from ..errors import InputError
from . import visemes

Floats = NDArray[np.float64]
Sources = tuple[tuple[str, float], ...]
Axis = Literal["shape", "turn_x", "turn_y", "turn_z", "move_x", "move_y", "move_z"]
Mode = Literal["sum", "fit"]

FORMAT = 1
MOUTH = ("jaw", "mouth", "tongue")
"""How the names of the shapes begin that speak."""
CHANNELS = frozenset(channel for basis in BASES.values() for channel in basis.channels)
_TERM = re.compile(r"\s*([+-]?)\s*(?:(\d+(?:\.\d*)?|\.\d+)\s*\*?\s*)?([A-Za-z]\w*)")


@dataclass(frozen=True)
class Row:
    """One thing that is moved.

    target:    name of the shape key or of the bone
    axis:      'shape', or what a bone does in the head's frame (x left, y up, z forward): turn about, or move along, an
               axis; turns are in radians, moves in distances between the eyes
    sources:   channels and their weights
    mode:      'sum' adds the sources up; 'fit' says that the sources are what the target looks like at 1, and that all
               such rows together are fitted to the motion (visemes)
    gain, offset, low, high: the value is `gain * sum + offset`, held within low and high where these are given
    on:        rows that are off make no keys
    """

    target: str
    sources: Sources
    axis: Axis = "shape"
    mode: Mode = "sum"
    gain: float = 1.0
    offset: float = 0.0
    low: float | None = None
    high: float | None = None
    on: bool = True

    @property
    def is_bone(self) -> bool:
        """Whether the target is a bone."""
        return self.axis != "shape"


@dataclass(frozen=True)
class Mapping:
    """A character's whole table. name: of the preset or the family of names that was recognised."""

    name: str
    rows: tuple[Row, ...]

    def active(self) -> tuple[Row, ...]:
        """The rows that make keys."""
        return tuple(row for row in self.rows if row.on)

    def absent(self, shapes: Sequence[str], bones: Sequence[str]) -> list[str]:
        """Targets of rows that are on and that a character with these shape keys and bones lacks, each once."""
        known = {False: set(shapes), True: set(bones)}
        return list(dict.fromkeys(row.target for row in self.active() if row.target not in known[row.is_bone]))

    def moves_mouth(self) -> bool:
        """Whether a row that is on shows what ARKit motion says of jaw, mouth or tongue."""
        shown = {channel for row in self.active() for channel, _ in row.sources}
        return any(name.startswith(MOUTH) for name in shown & set(ARKIT_SHAPES))

    def without(self, targets: Sequence[str]) -> Mapping:
        """The same table less the rows of some targets."""
        gone = set(targets)
        return replace(self, rows=tuple(row for row in self.rows if row.target not in gone))


def apply(channels: Dictionary[str, Floats], mapping: Mapping) -> list[tuple[Row, Floats]]:
    """The value (T,) of each row that is on, from channels (T,) each; rows whose channels are all absent are left out.

    A row of one channel at weight 1, gain 1, without offset and limits passes its channel on bit for bit.
    """
    rows = mapping.active()
    fitted = [row for row in rows if row.mode == "fit"]
    weights: dict[Row, Floats] = {}
    if fitted and visemes.is_mouth_motion(channels):
        found = visemes.fit(channels, [dict(row.sources) for row in fitted])
        weights = dict(zip(fitted, found.T, strict=True))
    result = []
    for row in rows:
        value = weights.get(row) if row.mode == "fit" else _sum(channels, row.sources)
        if value is not None:
            result.append((row, _held(row.gain * value + row.offset, row)))
    return result


def _sum(channels: Dictionary[str, Floats], sources: Sources) -> Floats | None:
    terms = [weight * channels[channel] for channel, weight in sources if channel in channels]
    return sum(terms[1:], terms[0]) if terms else None


def _held(value: Floats, row: Row) -> Floats:
    return value if row.low is None and row.high is None else np.clip(value, row.low, row.high)


# --- as text --------------------------------------------------------------------------------------------------------


def sources_text(sources: Sources) -> str:
    """Sources as a person writes them: 'jawOpen - mouthClose', '0.5 eyeLookUpLeft + 0.5 eyeLookUpRight'."""
    words: list[str] = []
    for channel, weight in sources:
        sign = "-" if weight < 0 else "+"
        number = "" if abs(weight) == 1 else f"{abs(weight):.6f}".rstrip("0").rstrip(".") + " "
        words.append(f"{sign} {number}{channel}" if words else f"{'-' if weight < 0 else ''}{number}{channel}")
    return " ".join(words)


def parse_sources(text: str) -> Sources:
    """The sources that a text names; InputError when it is no sum of channels."""
    sources: dict[str, float] = {}
    at = 0
    while at < len(text.rstrip()):
        term = _TERM.match(text, at)
        if term is None or (sources and not term[1]):
            raise InputError(f"'{text}' is no sum of channels: write it like '0.5 jawOpen - mouthClose'.")
        sign, number, channel = term.groups()
        if channel not in CHANNELS:
            raise InputError(f"There is no channel '{channel}': use ARKit's names, such as jawOpen, or head_x.")
        sources[channel] = sources.get(channel, 0.0) + (-1.0 if sign == "-" else 1.0) * float(number or 1)
        at = term.end()
    if not sources:
        raise InputError("A row without channels moves nothing: write some, such as 'jawOpen'.")
    return tuple(sources.items())


# --- presets --------------------------------------------------------------------------------------------------------


def to_json(mapping: Mapping) -> str:
    """A mapping as JSON text, one row a line; what is as usual is left out."""
    usual = {field.name: field.default for field in fields(Row)}
    rows = []
    for row in mapping.rows:
        plain = asdict(row) | {"sources": sources_text(row.sources)}
        rows.append(json.dumps({key: value for key, value in plain.items() if value != usual[key]}, ensure_ascii=False))
    body = ",\n  ".join(rows)
    name = json.dumps(mapping.name, ensure_ascii=False)
    return f'{{"artalk_mapping": {FORMAT}, "name": {name}, "rows": [\n  {body}\n]}}\n'


def from_json(text: str, where: str) -> Mapping:
    """The mapping of a JSON text. `where` names it in errors; InputError when the text is no mapping."""
    try:
        data = json.loads(text)
    except ValueError:
        raise InputError(f"The mapping '{where}' is not JSON: save it again from the panel.") from None
    if not isinstance(data, dict) or "artalk_mapping" not in data or not isinstance(data.get("rows"), list):
        raise InputError(f"'{where}' is no mapping of artalk's: save one from the panel and edit that.")
    if data["artalk_mapping"] != FORMAT:
        raise InputError(f"The mapping '{where}' is of format {data['artalk_mapping']}, this artalk reads {FORMAT}.")
    rows = tuple(_row(row, f"Row {number} of the mapping '{where}'") for number, row in enumerate(data["rows"], 1))
    return Mapping(str(data.get("name", where)), rows)


def _row(data: dict[str, Any], where: str) -> Row:
    if (
        not isinstance(data, dict)
        or not isinstance(data.get("target"), str)
        or not isinstance(data.get("sources"), str)
    ):
        raise InputError(f"{where} lacks a target or its sources: write both as text.")
    if strange := set(data) - {field.name for field in fields(Row)}:
        raise InputError(f"{where} has '{min(strange)}', which means nothing: take it out.")
    for name, choices in (("axis", get_args(Axis)), ("mode", get_args(Mode))):
        if data.get(name, choices[0]) not in choices:
            raise InputError(f"{where} has the {name} '{data[name]}': use one of {', '.join(choices)}.")
    for name in ("gain", "offset", "low", "high"):
        if not _is_number(data.get(name, 0.0)):
            raise InputError(f"{where} has a {name} that is no number: write one, such as 1.0.")
    if not isinstance(data.get("on", True), bool):
        raise InputError(f"{where} is neither on nor off: write true or false.")
    try:
        sources = parse_sources(data["sources"])
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return Row(**{**data, "sources": sources})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def load(path: Path) -> Mapping:
    """Read a preset; InputError when it is missing or broken."""
    try:
        return from_json(path.read_text(encoding="utf-8"), path.name)
    except FileNotFoundError:
        raise InputError(f"There is no mapping '{path}': give a file saved from the panel.") from None
    except (OSError, UnicodeDecodeError):
        raise InputError(f"The mapping '{path}' cannot be read: give a file saved from the panel.") from None


def save(mapping: Mapping, path: Path) -> None:
    """Write a preset; InputError when that is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_json(mapping), encoding="utf-8")
    except OSError as error:
        raise InputError(f"'{path}' cannot be written ({error.strerror}): choose another place.") from None
