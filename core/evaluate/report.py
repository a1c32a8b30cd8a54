# SPDX-License-Identifier: GPL-3.0-or-later
"""The report: one HTML file with everything in it, and the same figures as JSON."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ..errors import InputError
from .tables import Table

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.45 system-ui, sans-serif; color: #22303c; background: #fff; margin: 2rem auto; max-width: 76rem;
       padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem; } p { margin: .2rem 0 .6rem; max-width: 60rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #e3e8ec; white-space: nowrap; }
thead th { border-bottom: 2px solid #35506b; } tbody th { text-align: left; font-weight: 500; }
.goal { background: #c9ecd0; } .ship { background: #fbeeb8; } .missed { background: #f6cdc9; }
.key span { padding: .1rem .5rem; margin-right: .6rem; }
img { max-width: 100%; height: auto; display: block; margin: .4rem 0; }
"""


@dataclass(frozen=True)
class Picture:
    """A PNG with what it shows."""

    title: str
    png: bytes


def page(title: str, settings: Mapping[str, str], tables: Sequence[Table], pictures: Sequence[Picture]) -> str:
    """The whole HTML page; it loads nothing from anywhere."""
    facts = " · ".join(f"{escape(name)}: {escape(value)}" for name, value in settings.items())
    images = "".join(
        f"<section><h2>{escape(picture.title)}</h2>"
        f'<img alt="{escape(picture.title)}" src="data:image/png;base64,{b64encode(picture.png).decode()}"></section>'
        for picture in pictures
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f'<h1>{escape(title)}</h1><p>{facts}</p><p class="key"><span class="goal">reaches the goal</span>'
        '<span class="ship">may ship</span><span class="missed">misses both</span></p>'
        f"{''.join(table.html() for table in tables)}{images}</body></html>\n"
    )


def write(
    folder: Path, title: str, settings: Mapping[str, str], tables: Sequence[Table], pictures: Sequence[Picture]
) -> None:
    """Write index.html and scores.json into an existing folder; InputError when that cannot be done."""
    scores = {"settings": dict(settings), "tables": {table.title: table.plain() for table in tables}}
    try:
        (folder / "index.html").write_text(page(title, settings, tables, pictures), encoding="utf-8")
        (folder / "scores.json").write_text(json.dumps(scores, indent=1, ensure_ascii=False), encoding="utf-8")
    except OSError as error:
        raise InputError(f"'{folder}' cannot be written to ({error.strerror}): choose another --report.") from None


def make_folder(folder: Path) -> None:
    """Make the folder of a report; InputError when that cannot be done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder '{folder}' cannot be made ({error.strerror}): choose another --report.") from None
