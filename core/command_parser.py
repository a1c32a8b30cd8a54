# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments that are wrong are told as everything else that is: in one sentence, with what to do next."""

from __future__ import annotations

import argparse
from typing import NoReturn


class CommandParser(argparse.ArgumentParser):
    """A parser whose errors do not hide behind a page of usage; the parsers of its actions are of the same kind."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.exit(2, f"artalk: {message[:1].upper()}{message[1:]}: see `{self.prog} --help`.\n")
