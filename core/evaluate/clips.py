# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled recordings to evaluate on."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..phones import PhoneSpan, is_known, is_silence

SHIPPED_CLIPS = Path(__file__).resolve().parent.parent.parent / "demo" / "speech"
KINDS = ("speech", "silence", "noise", "music")


@dataclass(frozen=True)
class Clip:
    """One recording with its phones; `kind` is one of `KINDS`."""

    id: str
    path: Path
    duration: float
    kind: str
    group: str
    language: str
    phones: tuple[PhoneSpan, ...]


def load_clips(folder: Path) -> list[Clip]:
    """The clips that `folder`/labels.json lists; InputError when there is no such list, or a clip of it is wrong."""
    try:
        listed = json.loads((folder / "labels.json").read_text(encoding="utf-8"))["clips"]
        clips = [
            Clip(
                str(item["id"]),
                folder / item["file"],
                float(item["duration"]),
                item.get("kind", "speech"),
                str(item.get("set") or ""),
                str(item.get("language") or ""),
                tuple((float(start), float(end), str(phone)) for start, end, phone in item["phones"]),
            )
            for item in listed
        ]
    except OSError:
        raise InputError(f"The folder '{folder}' has no labels.json: give a folder of labelled clips.") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(
            f"'{folder / 'labels.json'}' is not a list of labelled clips: see docs/evaluation.md."
        ) from None
    if not clips:
        raise InputError(f"'{folder / 'labels.json'}' lists no clips: give a folder of labelled clips.")
    seen: set[str] = set()
    for clip in clips:
        wrong = f"there are two clips '{clip.id}'" if clip.id in seen else _what_is_wrong(clip)
        if wrong:
            raise InputError(f"In '{folder / 'labels.json'}' {wrong}: mend it there.")
        seen.add(clip.id)
    return clips


def _what_is_wrong(clip: Clip) -> str | None:
    """What of a clip cannot be measured by, in a few words that name it; None when nothing is."""
    if not 0 < clip.duration < math.inf:
        return f"the clip '{clip.id}' lasts {clip.duration:g} s"
    if clip.kind not in KINDS:
        return f"the clip '{clip.id}' is of the kind '{clip.kind}', not one of {', '.join(KINDS)}"
    if clip.kind == "speech" and all(is_silence(phone) for _, _, phone in clip.phones):
        return f"the clip '{clip.id}' is speech without phones"
    for start, end, phone in clip.phones:
        named = f"the phone '{phone}' of the clip '{clip.id}'"
        if not 0 <= start < end < math.inf:
            return f"{named} lasts from {start:g} to {end:g} s"
        if start >= clip.duration:
            return f"{named} begins at {start:g} s and the sound ends at {clip.duration:g} s"
        if not is_known(phone):
            return f"{named} is neither ARPABET nor IPA"
    return None
