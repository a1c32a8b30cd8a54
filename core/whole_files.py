# SPDX-License-Identifier: GPL-3.0-or-later
"""A file appears whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .errors import InputError


def write_whole(out: Path, save: Callable[[Path], None]) -> None:
    """Let `save` write beside `out`, under a name of the same ending, and put that in its place.

    Raises InputError when it cannot be written; nothing is left then.
    """
    partial = out.with_name(f".{out.stem}.partial{out.suffix}")
    try:
        save(partial)
        partial.replace(out)
    except OSError as error:
        raise InputError(f"'{out}' cannot be written ({error.strerror}): choose another place.") from None
    finally:
        partial.unlink(missing_ok=True)
