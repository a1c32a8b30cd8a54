# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled recordings to evaluate on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..phones import PhoneSpan

SHIPPED_CLIPS = Path(__file__).resolve().parent.parent.parent / "demo" / "speech"


@dataclass(frozen=True)
class Clip:
    """One recording with its phones; `kind` is 'speech', or what is heard instead ('silence', 'noise', 'music')."""

    id: str
    path: Path
    duration: float
    kind: str
    group: str
    language: str
    phones: tuple[PhoneSpan, ...]


def load_clips(folder: Path) -> list[Clip]:
    """The clips that `folder`/labels.json lists; InputError when there is no such list or it is not one."""
    try:
        listed = json.loads((folder / "labels.json").read_text(encoding="utf-8"))["clips"]
        return [
            Clip(
                item["id"],
                folder / item["file"],
                float(item["duration"]),
                item.get("kind", "speech"),
                item.get("set", ""),
                item.get("language", ""),
                tuple((float(start), float(end), str(phone)) for start, end, phone in item["phones"]),
            )
            for item in listed
        ]
    except OSError:
        raise InputError(f"The folder '{folder}' has no labels.json: give a folder of labelled clips.") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(
            f"'{folder / 'labels.json'}' is not a list of labelled clips: see docs/evaluation.md."
        ) from None
