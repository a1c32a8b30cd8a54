# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments that are wrong are told as everything else that is: in one sentence, with what to do next."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from .errors import InputError


class CommandParser(argparse.ArgumentParser):
    """A parser that raises InputError; the parsers of its actions are of the same kind."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError, which says what is wrong and whose help tells what would be right."""
        raise InputError(f"{message[:1].upper()}{message[1:]}: see `{self.prog} --help`.")

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:  # type: ignore[override]  # noqa: ANN401 (as argparse has it)
        """As argparse does, but what an action does not know is said by the action, whose help lists what it does."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return parsed, unknown
