# SPDX-License-Identifier: GPL-3.0-or-later
"""What a character has, seen by the names of its shape keys and bones, as a mapping and a report on it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

from ..basis import ARKIT_SHAPES
from . import bones as rigging
from .bones import RestBone
from .mapping import MOUTH, Mapping, Row, parse_sources
from .names import Seen, Side, arkit_shape
from .seal import NO_SEAL, Seal
from .visemes import recipes

NEEDED = ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker")
"""Without these an ARKit mouth speaks badly; named when a character cannot speak."""
_FEWEST_MOUTH_SHAPES = 4
_FEWEST = {"oculus": 8, "preston-blair": 6, "rhubarb": 6, "vrm": 4}
"""How many mouths of a family must be there, in the order in which families are tried."""

FAMILIES = ("arkit", *_FEWEST, "rigify", "bones")
TITLES = {
    "arkit": "ARKit shapes",
    "oculus": "Oculus visemes",
    "preston-blair": "Preston Blair mouths",
    "rhubarb": "Rhubarb mouths",
    "vrm": "VRM expressions",
    "rigify": "Rigify face",
    "bones": "Jaw and eye bones",
}
"""What users know the families as."""


@dataclass(frozen=True)
class Detection:
    """What was recognised.

    mapping:  named after its family: one of FAMILIES
    missing:  ARKit shapes that nothing on the character shows
    notes:    sentences for the user
    """

    mapping: Mapping
    missing: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Preset:
    family: str
    preset: str
    row_mode: str
    looks_like: str
    endings: frozenset[str]
    whole: frozenset[str]


@cache
def _presets() -> tuple[_Preset, ...]:
    with (Path(__file__).parent / "presets.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            _Preset(
                row["family"],
                row["preset"],
                row["mode"],
                row["looks_like"],
                *(frozenset(row[c].split()) for c in _NAMES),
            )
            for row in csv.DictReader(file)
        )


_NAMES = ("endings", "whole")


def speaks(shapes: Sequence[str]) -> bool:
    """Whether these shape keys are enough of a mouth."""
    found = tuple(shapes)
    return _arkit_speaks(_arkit_rows(found)) or bool(_visemes(found))


def arkit_table(shapes: Sequence[str]) -> dict[str, str]:
    """Channel -> shape key, for the ARKit shapes that are there in one piece and for one side."""
    return {row.sources[0][0]: row.target for row in _arkit_rows(tuple(shapes)) if row.sources[0][1] == 1}


def missing_for_speech(shapes: Sequence[str]) -> list[str]:
    """The most important ARKit shapes that are not there."""
    shown = {channel for row in _arkit_rows(tuple(shapes)) for channel, _ in row.sources}
    return [name for name in NEEDED if name not in shown]


def detect(
    shapes: Sequence[str], bones: Sequence[RestBone] = (), seal: Seal = NO_SEAL, family: str | None = None
) -> Detection:
    """Recognise a character. seal: what `seal_of` measured; family: take the mouth for one of this family.

    ARKit's shapes win over visemes, as they say more; visemes over bones. What else is there (blinks, looks, brows,
    head, eyes) is added whatever the mouth is.
    """
    arkit = list(_arkit_rows(tuple(shapes)))
    names = [bone.name for bone in bones]
    found = rigging.roles(bones)
    notes = []
    fits = _kind(shapes, names)
    kind = family or fits
    better = "" if fits == "arkit" and not _arkit_speaks(arkit) else f": '{TITLES[fits]}' fits better"
    if lacking := _lacking_mouths(tuple(shapes), kind):
        notes.append(f"Of '{TITLES[kind]}' {listed(lacking)} are missing, so the mouth moves little{better}.")
    elif (kind == "rigify" and not rigging.is_rigify(names)) or (kind == "bones" and not rigging.has_jaw(names)):
        notes.append(f"Nothing of '{TITLES[kind]}' moves the mouth{better}.")
    if doubles := _doubles(tuple(shapes)):
        notes.append(f"Left alone, as other shape keys of the same meaning are there: {listed(doubles)}.")
    if kind == "arkit":
        rows = _closing(arkit, seal)
        if _visemes(tuple(shapes)):
            notes.append("It has visemes too, which are left alone, as ARKit shapes say more.")
    else:
        # a jaw that a viseme and a shape both open would open twice
        rows = [row for row in arkit if not row.sources[0][0].startswith(MOUTH)]
        rows += _preset_rows(tuple(shapes), kind, {channel for row in rows for channel, _ in row.sources})
    if kind == "rigify":
        rows += [row for row in rigging.rigify_rows(bones) if not _doubled(row, rows)]
    jaw_speaks = kind in ("rigify", "bones")
    rows += rigging.role_rows(bones, jaw_speaks=jaw_speaks)
    notes += [f"The bone '{bone.name}' is held by a constraint, which may undo its keys: mute the constraint."
              for bone in found.values() if bone.held]  # fmt: skip
    missing = [name for name in _missing(rows) if kind == "arkit" or not name.startswith(MOUTH)]
    if missing:
        notes.append(f"Nothing shows {listed(missing)}; the rest works.")
    return Detection(Mapping(kind, tuple(rows)), tuple(missing), tuple(notes))


def listed(names: Sequence[str], most: int = 5) -> str:
    """Names as a person lists them, so many of them."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _kind(shapes: Sequence[str], bones: Sequence[str]) -> str:
    if _arkit_speaks(_arkit_rows(tuple(shapes))):
        return "arkit"
    if visemes := _visemes(tuple(shapes)):
        return visemes
    return "rigify" if rigging.is_rigify(bones) else "bones" if rigging.has_jaw(bones) else "arkit"


def _missing(rows: Sequence[Row]) -> tuple[str, ...]:
    """ARKit's shapes that nothing shows; eyes that turn by bones show where they look."""
    shown = {channel for row in rows for channel, _ in row.sources}
    turning = tuple(f"eyeLook{way}{side}" for side in ("Left", "Right") for way in ("Down", "In", "Out", "Up")
                    if f"{side.lower()}_eye_x" in shown)  # fmt: skip
    return tuple(name for name in ARKIT_SHAPES if name not in shown and name not in turning)


# --- ARKit by name --------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _arkit_keys(shapes: tuple[str, ...]) -> dict[Seen, tuple[str, ...]]:
    """The shape keys that are one of ARKit's, those of plainer names first."""
    claims: dict[Seen, list[tuple[int, int, str]]] = {}
    for order, name in enumerate(shapes):
        if found := arkit_shape(name):
            seen, far = found
            claims.setdefault(seen, []).append((far, order, name))
    return {seen: tuple(name for _, _, name in sorted(names)) for seen, names in claims.items()}


@lru_cache(maxsize=64)
def _arkit_rows(shapes: tuple[str, ...]) -> tuple[Row, ...]:
    """A row for each of ARKit's shapes that is there: whole, in two halves, or one key for both sides."""
    keys = _arkit_keys(shapes)
    rows = []
    for channel in ARKIT_SHAPES:
        pair = tuple(channel.replace(one, other) for one, other in (("Right", "Left"), ("Left", "Right")))
        both = Seen(((pair[0], 0.5), (pair[1], 0.5)))
        # 'eyeBlink' beside 'eyeBlink_L' and 'eyeBlink_R' would close the eyes twice
        if both in keys and not all(Seen(((side, 1.0),)) in keys for side in pair):
            chosen = [both]
        elif Seen(((channel, 1.0),)) in keys:
            chosen = [Seen(((channel, 1.0),))]
        else:
            halves: tuple[Side, ...] = ("left", "right")
            chosen = [seen for half in halves if (seen := Seen(((channel, 1.0),), half)) in keys]
        rows += [Row(keys[seen][0], seen.sources) for seen in chosen]
    return tuple(dict.fromkeys(rows))


def _doubles(shapes: tuple[str, ...]) -> list[str]:
    """Keys that say the same as another one, which is taken in their place."""
    return [name for names in _arkit_keys(shapes).values() for name in names[1:]]


def _arkit_speaks(rows: Sequence[Row]) -> bool:
    mouth = [row for row in rows if row.sources[0][0].startswith(MOUTH)]
    return len(mouth) >= _FEWEST_MOUTH_SHAPES and any(row.sources[0][0] == "jawOpen" for row in mouth)


def _closing(rows: Sequence[Row], seal: Seal) -> list[Row]:
    """The same rows, made to close the lips: mouthClose as measured, or its part taken out of the jaw."""
    press = seal.press / seal.gain
    pressed = (("mouthPressLeft", press), ("mouthPressRight", press)) if press else ()
    channels = {row.sources[0][0] for row in rows}
    closed = []
    for row in rows:
        channel = row.sources[0][0]
        if channel == "jawOpen" and "mouthClose" not in channels:
            closed.append(replace(row, sources=parse_sources("jawOpen - mouthClose"), low=0.0))
        else:
            shut = replace(row, gain=seal.gain, sources=row.sources + pressed, low=0.0 if pressed else None)
            closed.append(shut if channel == "mouthClose" else row)
    return closed


# --- visemes and presets --------------------------------------------------------------------------------------------


def _visemes(shapes: tuple[str, ...]) -> str:
    """The family of visemes that a character has enough of; empty when there is none."""
    for family, fewest in _FEWEST.items():
        if len(_preset_names(shapes, family, "fit")) >= fewest:
            return family
    return ""


def _lacking_mouths(shapes: tuple[str, ...], family: str) -> list[str]:
    """The mouths of a family of visemes that a character lacks, where it has too few of them to speak."""
    there = _preset_names(shapes, family, "fit")
    if len(there) >= _FEWEST.get(family, 0):
        return []
    every = [each for each in _presets() if (each.family, each.row_mode) == (family, "fit")]
    return [each.preset for each in every if each.looks_like not in there]


@lru_cache(maxsize=256)
def _preset_names(shapes: tuple[str, ...], family: str, mode: str) -> dict[str, str]:
    """What it looks like -> shape key, for the presets of a family that a character has; the plainest name is it."""
    found: dict[str, tuple[int, str]] = {}
    for name in shapes:
        words = [word.lower() for word in _split(name)]
        for preset in _presets():
            rank = _rank(words, preset) if (preset.family, preset.row_mode) == (family, mode) else None
            if rank is not None and rank < found.get(preset.looks_like, (99, ""))[0]:
                found[preset.looks_like] = (rank, name)
    return {looks: name for looks, (_, name) in found.items()}


def _split(name: str) -> list[str]:
    """Words of a name; what stands before its last dot is the mesh's, unless that is VRChat's own 'vrc'."""
    mesh, dot, rest = name.rpartition(".")
    if dot and rest.isdigit():
        mesh, dot, rest = mesh.rpartition(".")
    return [word for part in ([rest] if dot else [name]) for word in _words(part)]


def _words(text: str) -> list[str]:
    return [word for word in text.replace("-", "_").replace(" ", "_").split("_") if word]


def _rank(words: Sequence[str], preset: _Preset) -> int | None:
    """How far a name is from a preset's: 0 the name itself, else the words in front of it; None when it is not."""
    if "".join(words) in preset.whole:
        return 0
    for start in range(len(words)):
        if "".join(words[start:]) in preset.endings:
            return start + 1
    return None


def _preset_rows(shapes: tuple[str, ...], family: str, taken: set[str]) -> list[Row]:
    rows = [
        Row(name, tuple(recipes()[looks].items()), mode="fit", low=0.0, high=1.0)
        for looks, name in _preset_names(shapes, family, "fit").items()
    ]
    direct = [
        Row(name, parse_sources(looks), low=0.0, high=1.0)
        for looks, name in _preset_names(shapes, "vrm", "sum").items()
        if not taken & {channel for channel, _ in parse_sources(looks)}
    ]
    # a blink of both eyes beside one for each would close them twice
    blinks = [row for row in direct if row.sources[0][0].startswith("eyeBlink")]
    single = [row for row in blinks if len(row.sources) == 1]
    unused = [row for row in blinks if row not in single] if len(single) == 2 else single
    if len(blinks) == len(single):
        unused = []
    return rows + [row for row in direct if row not in unused]


def _doubled(row: Row, rows: Sequence[Row]) -> bool:
    """Whether shapes show already what a bone's row would."""
    shown = {channel for other in rows for channel, _ in other.sources if not other.is_bone}
    return bool(shown & {channel for channel, _ in row.sources})
