# SPDX-License-Identifier: GPL-3.0-or-later
"""Phones and how they are articulated: the table `phones.csv`, look-up by any spelling, and dominance blending.

The table gives each phone eight targets from 0 to 1 (`CHANNELS`), how strongly it insists on each (dominance) and how
far its influence reaches either side in seconds. Its values were set by hand from published phonetic facts.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CHANNELS = ("aperture", "jaw", "width", "round", "press", "fv", "tongue", "sib")
BILABIALS = frozenset("pbm")
LABIODENTALS = frozenset("fv")
_GATED = frozenset({"p", "b", "m", "f", "v", "pf"})
_GATE_SHORTEST = 0.06
"""Seconds for which a closure holds at least, so that one frame at 25 fps always lands in it."""

_SILENT = frozenset({"SIL", "PAU", "SP", "H#", "", "_", "NSN", "EPI", "+SPN+", "+NSN+", "BREATH", "NOISE"})
_DIACRITICS = "ˈˌːˑʰʼ˞ʲʷˤᵝ̃.-#^`\"?*'0123456789"
_RESPELLED = {"g": "ɡ", "ε": "ɛ", "A": "ɑ", "ʲ": "j", "1": "ɨ", "ɚ": "ɚ"}

PhoneSpan = tuple[float, float, str]
"""Start and end in seconds, and the phone in ARPABET or IPA."""


@dataclass(frozen=True)
class Articulation:
    """One target of a phone (a diphthong has two): where in the phone it lies, and what it asks of each channel."""

    ipa: str
    kind: str
    place: float
    targets: NDArray[np.float64]
    dominance: NDArray[np.float64]
    reach: NDArray[np.float64]


@cache
def table() -> dict[str, tuple[Articulation, ...]]:
    """Every phone of `phones.csv`, by its ARPABET or IPA key."""
    phones: dict[str, tuple[Articulation, ...]] = {}
    with (Path(__file__).parent / "phones.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            target, dominance, reach = (
                np.array([float(row[f"{kind}_{channel}"]) for channel in CHANNELS]) for kind in ("t", "s", "sig")
            )
            part = Articulation(row["ipa"], row["class"], float(row["frac"]), target, dominance, reach)
            phones[row["phone"]] = (*phones.get(row["phone"], ()), part)
    return phones


@cache
def lookup(phone: str) -> tuple[Articulation, ...]:
    """The articulation of a phone in ARPABET (either case, with or without stress) or IPA (diacritics dropped).

    Two vowels written together count as a diphthong; what the table does not know is taken as a schwa.
    """
    return _found(phone) or table()["AX"]


def is_known(phone: str) -> bool:
    """Whether the table has a phone, in any of the spellings that `lookup` reads."""
    return _found(phone) is not None


def _found(phone: str) -> tuple[Articulation, ...] | None:
    phones = table()
    bare = phone.upper().rstrip("0123456789")
    if not phone.strip() or bare in _SILENT:
        return phones["SIL"]
    if phone.upper() == "AH0":
        return phones["AX"]
    # a lone lower-case letter is IPA ('s'), two of them are ARPABET ('sh')
    if bare in phones and phone.isascii() and (phone.isupper() or len(phone) > 1):
        return phones[bare]
    phone = _RESPELLED.get(phone, phone)
    if phone in phones:
        return phones[phone]
    plain = "".join(letter for letter in phone if letter not in _DIACRITICS).replace("g", "ɡ").replace("ε", "ɛ")
    if plain not in phones:
        plain = _without_marks(plain)
        plain = _RESPELLED.get(plain, plain)
    if plain in phones:
        return phones[plain]
    if len(plain) == 2 and plain[0] in phones and plain[1] in phones:
        return (replace(phones[plain[0]][0], place=0.25), replace(phones[plain[1]][0], place=0.8))
    return phones.get(plain[:1])


@cache
def _classes() -> dict[tuple[str, bytes], int]:
    """Number of each different articulation in the table; silence, its first row, is 0."""
    numbers: dict[tuple[str, bytes], int] = {}
    for parts in table().values():
        for part in parts:
            numbers.setdefault((part.kind, part.targets.tobytes()), len(numbers))
    return numbers


def articulation_classes() -> int:
    """How many different articulations the table has; phones that look alike, such as p and b, count once."""
    return len(_classes())


def articulation_class(part: Articulation) -> int:
    """Number of an articulation, from 0 (silence), for a phone classifier."""
    return _classes()[part.kind, part.targets.tobytes()]


def articulation_targets() -> NDArray[np.float64]:
    """What each articulation class asks of each channel, (classes, 8)."""
    return np.stack([np.frombuffer(targets) for _, targets in _classes()])


def vowel_classes() -> NDArray[np.bool_]:
    """Which articulation classes are vowels, (classes,)."""
    return np.array([kind in ("vowel", "schwa") for kind, _ in _classes()])


def is_silence(phone: str) -> bool:
    """Whether a label means a pause."""
    return lookup(phone)[0].kind == "sil"


def articulations(spans: Sequence[PhoneSpan]) -> Iterator[tuple[Articulation, float, float]]:
    """Each target of the phones with its first and last second; those of a diphthong share it out evenly."""
    for start, end, name in spans:
        parts = lookup(name)
        edges = np.linspace(start, end, len(parts) + 1)
        yield from zip(parts, edges[:-1].tolist(), edges[1:].tolist(), strict=True)


def articulate(spans: Sequence[PhoneSpan], duration: float, rate: float) -> NDArray[np.float64]:
    """Articulation tracks (floor(duration * rate) + 1, 8) of timed phones; the columns are `CHANNELS`.

    Dominance blending after Cohen and Massaro (1993): each target is weighted by dominance * exp(-distance / reach),
    where the distance counts from the phone's plateau; then hard gates shut the lips over all of m
    and the first three quarters of p and b, and put the lip to the teeth over f v.
    """
    count = int(np.floor(duration * rate)) + 1
    seconds = np.arange(count) / rate
    weight = np.full((count, len(CHANNELS)), 1e-9)
    total = weight * table()["SIL"][0].targets
    for start, end, phone in spans:
        parts = lookup(phone)
        first, last = int(max(0, (start - 0.6) * rate)), int(min(count, (end + 0.6) * rate + 1))
        for part in parts:
            plateau = np.maximum(0, (end - start) / len(parts) / 2 - part.reach)
            centre = start + (end - start) * part.place
            distance = np.maximum(0, np.abs(seconds[first:last, None] - centre) - plateau)
            pull = part.dominance * np.exp(-distance / part.reach)
            total[first:last] += pull * part.targets
            weight[first:last] += pull
    tracks = total / weight
    for span in spans:
        _gate(tracks, seconds, span)
    return tracks


def _gate(tracks: NDArray[np.float64], seconds: NDArray[np.float64], span: PhoneSpan) -> None:
    """Force the closure or the lip-to-teeth contact of one phone, with ramps of 60 and 50 ms."""
    start, end, phone = span
    part = lookup(phone)[0]
    if part.ipa not in _GATED:
        return
    shut, open_again = start, end if part.ipa in "mfv" else start + 0.75 * (end - start)
    if open_again - shut < _GATE_SHORTEST:
        middle = (shut + open_again) / 2
        shut, open_again = middle - _GATE_SHORTEST / 2, middle + _GATE_SHORTEST / 2
    outside = np.maximum(0, np.maximum(shut - seconds, seconds - open_again))
    aperture, press, teeth = CHANNELS.index("aperture"), CHANNELS.index("press"), CHANNELS.index("fv")
    contact = np.clip(1 - outside / 0.05, 0, 1)
    if part.kind == "bilabial":
        tracks[:, aperture] = np.minimum(tracks[:, aperture], np.clip(outside / 0.06, 0, 1))
        tracks[:, press] = np.maximum(tracks[:, press], contact)
    else:
        tracks[:, teeth] = np.maximum(tracks[:, teeth], contact)


def _without_marks(phone: str) -> str:
    import unicodedata

    return "".join(letter for letter in unicodedata.normalize("NFD", phone) if not unicodedata.combining(letter))
