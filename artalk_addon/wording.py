# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences in another language, by a table of templates. Nothing here knows Blender.

All of artalk speaks English, in the panel's code as in `core` and on the command line; only what is shown in Blender is
put into the user's language. A template has `{}` where a name or a number stands: "'{}' has {} curves." What stands
there is looked up as well; a text of several sentences and a list with commas are taken apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_VALUE = r"((?:(?!\. ).)*?)"
"""What may stand for `{}`: anything that does not go on into the next sentence."""


class Wording:
    """One language. table: English -> the other language, both with the same number of `{}`."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._table = table
        patterns = [text for text in table if "{}" in text]
        # the one that says most comes first: "'{}' is no file." before "{} is no file."
        patterns.sort(key=lambda text: len(text.replace("{}", "")), reverse=True)
        self._patterns = [
            (re.compile(_VALUE.join(map(re.escape, text.split("{}"))), re.DOTALL), table[text]) for text in patterns
        ]
        self.translate = lru_cache(maxsize=512)(self._translate)

    def _translate(self, text: str) -> str:
        """A text in the other language, as far as the table knows it; the rest of it stays English."""
        parts = [self.whole(part) for part in text.split(", ")]
        if len(parts) > 1 and None not in parts:
            return ", ".join(part for part in parts if part is not None)
        known = self.whole(text)
        if known is not None:
            return known
        for end in re.finditer(r"(?<=\.) ", text):
            first = self.whole(text[: end.start()])
            if first is not None:
                return f"{first} {self.translate(text[end.end() :])}"
        first, stop, rest = text.partition(". ")
        return f"{first}{stop}{self.translate(rest)}" if rest else text

    def whole(self, text: str) -> str | None:
        """The translation of one entry of the table, None when it is none."""
        if text in self._table:
            return self._table[text]
        for pattern, translation in self._patterns:
            if found := pattern.fullmatch(text):
                return translation.format(*(self.translate(value) for value in found.groups()))
        return None
