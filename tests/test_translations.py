# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences in another language: how they are put together, and that none of the panel's own is missing.

Labels and tooltips are compared in Blender: `blender/translations_scenario.py`. Errors of `core` that the table lacks
stay English.
"""

from __future__ import annotations

import ast
import itertools
import re
from string import Formatter

import pytest
from artalk.artalk_addon.german import GERMAN
from artalk.artalk_addon.wording import Wording

from .conftest import ROOT

ELSEWHERE = {"batch", "command", "compat", "demo", "german", "headless"}
"""Rooms that speak on the command line alone."""
SHOWN = {"text", "heading"}
ARGUMENTS = {
    "InputError": slice(0, 1),
    "told": slice(0, 1),
    "say": slice(0, 1),
    "Obstacle": slice(1, 3),
    "draw_sentence": slice(1, 3),
}
"""Which arguments of a call are words, by the name of what is called."""
LETTERS = re.compile(r"[a-z]{2}")


def shapes(node):
    """The texts that an expression can become, with {} for what is only known when it runs."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*shapes(node.body), *shapes(node.orelse)]
    if isinstance(node, ast.FormattedValue):
        branches = [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value]
        return [text for each in branches for text in (shapes(each) or ["{}"])]
    if isinstance(node, ast.JoinedStr):
        return ["".join(parts) for parts in itertools.product(*map(shapes, node.values))]
    return []


def shown(tree):
    """Every text of a module that somebody may read in Blender: sentences, and what is drawn or reported."""
    silent = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    silent |= {id(part) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for part in n.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            wanted = ARGUMENTS.get(called, slice(0, 0))
            for each in (*node.args[wanted], *(k.value for k in node.keywords if k.arg in SHOWN)):
                yield from shapes(each)
        elif isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in silent:
            yield from (text for text in shapes(node) if re.match(r"""[A-Z'{"].* .*\.$""", text, re.DOTALL))


def required():
    found = {}
    rooms = sorted(path for path in (ROOT / "artalk_addon").glob("*.py") if path.stem not in ELSEWHERE)
    for path in rooms:
        for text in shown(ast.parse(path.read_text(encoding="utf-8"))):
            if LETTERS.search(text.replace("{}", "")):
                found.setdefault(text, path.relative_to(ROOT))
    return found


def test_every_text_of_the_panel_has_a_german_one():
    missing = [f"{path}: {text!r}" for text, path in required().items() if text not in GERMAN]
    assert not missing, "add these to artalk_addon/german.py:\n" + "\n".join(missing)


def test_a_translation_has_no_other_values():
    """As many as the English text, or some of them by their number."""
    for english, german in GERMAN.items():
        named = [name for _, name, _, _ in Formatter().parse(german) if name is not None]
        values = english.count("{}")
        assert named == [""] * values or (named and set(named) <= set(map(str, range(values)))), german
        assert german.strip(), english


def test_what_is_reported_is_told_in_the_users_language():
    """Every call that shows words puts them through `told`, or shows what Blender translates itself."""
    untold = []
    for path in sorted((ROOT / "artalk_addon").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called.endswith((".report", ".poll_message_set")) and "told(" not in ast.unparse(node.args[-1]):
                untold.append(f"{path.name}:{node.lineno}")
    assert untold == []


def test_values_stand_where_the_other_language_wants_them():
    wording = Wording({"'{}' has {} keys.": "{1} Schlüssel hat '{0}'.", "none": "keine"})
    assert wording.translate("'Anna' has 3 keys.") == "3 Schlüssel hat 'Anna'."
    assert wording.translate("'Anna' has none keys.") == "keine Schlüssel hat 'Anna'."


def test_a_text_of_several_sentences_is_taken_apart():
    wording = Wording({"Done {}.": "{} fertig.", "It moves. Or not.": "Vielleicht."})
    assert wording.translate("Done 1. Done 2. Else. It moves. Or not.") == "1 fertig. 2 fertig. Else. Vielleicht."


def test_a_list_is_taken_apart_when_all_of_it_is_known():
    wording = Wording({"sound": "Ton", "{} changed": "{} geändert"})
    assert wording.translate("sound, 3 changed") == "Ton, 3 geändert"
    assert wording.translate("sound, and vision") == "sound, and vision"


@pytest.mark.parametrize("text", ["", "Anna", "A sentence that nobody knows.", "100 %", "{}", "a {0} b. {c"])
def test_what_the_table_does_not_know_stays_as_it_is(text):
    assert Wording({"Known.": "Bekannt."}).translate(text) == text
