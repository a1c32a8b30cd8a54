# SPDX-License-Identifier: GPL-3.0-or-later
"""The one form of every result: a table of named rows and columns, as text, as HTML and as plain JSON values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Literal

Cell = float | str
Mark = Literal["goal", "ship", "missed"]
"""What a figure reaches: the goal, only what may ship, or neither."""


@dataclass(frozen=True)
class Table:
    """Rows by name, each a mapping of column to figure; `marks` say how (row, column) stands to what is wanted."""

    title: str
    rows: Mapping[str, Mapping[str, Cell]]
    marks: Mapping[tuple[str, str], Mark] = field(default_factory=dict)
    note: str = ""

    @property
    def columns(self) -> list[str]:
        """All columns, in the order in which the rows first name them."""
        return list(dict.fromkeys(column for row in self.rows.values() for column in row))

    def text(self) -> str:
        """Aligned columns for a terminal, the note below."""
        columns = self.columns
        first = max(22, *(len(name) + 2 for name in (self.title, *self.rows)))
        wide = [max(10, len(name) + 2) for name in columns]
        lines = [self.title.ljust(first) + "".join(name.rjust(w) for name, w in zip(columns, wide, strict=True))]
        for name, row in self.rows.items():
            cells = (shown(row.get(column, "")).rjust(w) for column, w in zip(columns, wide, strict=True))
            lines.append(name.ljust(first) + "".join(cells))
        return "\n".join([*lines, *([self.note] if self.note else [])]) + "\n"

    def html(self) -> str:
        """A <section>; marked cells carry their mark as class."""
        columns = self.columns
        head = "".join(f"<th>{escape(name)}</th>" for name in columns)
        body = []
        for name, row in self.rows.items():
            cells = "".join(
                f'<td class="{self.marks.get((name, column), "")}">{escape(shown(row.get(column, "")))}</td>'
                for column in columns
            )
            body.append(f"<tr><th>{escape(name)}</th>{cells}</tr>")
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        return (
            f"<section><h2>{escape(self.title)}</h2>{note}<div class='wide'><table><thead><tr><th></th>{head}</tr>"
            f"</thead><tbody>{''.join(body)}</tbody></table></div></section>"
        )

    def plain(self) -> dict[str, dict[str, Cell | None]]:
        """Rows as JSON values; what could not be measured, and a bound that is none, is null."""
        return {name: {column: _plain(cell) for column, cell in row.items()} for name, row in self.rows.items()}


def shown(cell: Cell) -> str:
    """A figure with three decimals, counts without; a dash for what could not be measured and for no bound."""
    if isinstance(cell, str):
        return cell
    if not math.isfinite(cell):
        return "–"
    return str(cell) if isinstance(cell, int) else f"{cell:.3f}".replace("-0.000", "0.000")


def _plain(cell: Cell) -> Cell | None:
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell
