# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of lines, worked off by as many processes as one likes, each line once.

`lines.csv` has the columns audio and output, and may have character and style, with commas, semicolons or tabs between
them; relative paths count from its folder. A process claims a line by a lock file beside its output, which only one can
make, and says what the finished output was made from in a stamp beside it. So a batch can be stopped and started again:
what is up to date is passed over.
"""

from __future__ import annotations

import csv
import json
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from errno import ENOTDIR
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, TextIO

from .errors import Cancelled, InputError

State = Literal["missing", "up to date", "changed", "being made"]

COLUMNS = ("audio", "character", "style", "output")
_NEEDED = ("audio", "output")
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
"""What may stand between cells: Excel writes ; in countries where numbers have a comma, and tabs into text."""
_STALE = 600.0
"""Seconds without a sign of life after which the lock of a process on another machine counts as left behind."""
_SIGN = 20.0


@dataclass(frozen=True)
class Line:
    """One row of the table. number: of the row, the first below the header is 1; character: an object's name or ''.

    fault: what is wrong with it, a sentence that it fails with when its turn comes; empty if nothing is known
    """

    number: int
    audio: Path
    character: str
    style: Path | None
    output: Path
    fault: str = ""

    @property
    def stamp(self) -> Path:
        """Where it is written what the output was made from."""
        return self.output.with_name(f".{self.output.name}.artalk.json")

    @property
    def lock(self) -> Path:
        """What a process holds while it makes the output."""
        return self.output.with_name(f".{self.output.name}.lock")


def read_lines(path: Path) -> list[Line]:
    """The lines of a table; InputError naming the row when it is none, or when two rows would write one output."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            found = [_line(path, number, row) for number, row in enumerate(_rows(path, file), start=1)]
    except FileNotFoundError:
        raise InputError(f"There is no table of lines '{path}': check the path.") from None
    except (OSError, UnicodeDecodeError, csv.Error):
        raise InputError(f"'{path}' is not a table of lines: give a CSV file in UTF-8.") from None
    if not found:
        raise InputError(f"'{path}' holds no lines: put one under the row of names.")
    outputs: dict[Path, int] = {}
    inputs = {each.resolve() for line in found for each in (path, line.audio, line.style) if each}
    for line in found:
        # one file may be written in many ways, as 'a.npz' and 'new/../a.npz'
        output = line.output.resolve()
        first = outputs.setdefault(output, line.number)
        if first != line.number:
            raise InputError(f"Lines {first} and {line.number} of '{path}' both write '{line.output}': change one.")
        if output in inputs:
            raise InputError(
                f"Line {line.number} of '{path}' would write over '{line.output.name}', which the table needs: "
                "change the output."
            )
    return found


def _rows(path: Path, file: TextIO) -> Iterator[dict[str, str]]:
    """The rows of a table that are not empty, by the names of its columns, which may be written in capitals."""
    heading = file.readline()
    said = heading.rstrip("\r\n").casefold().partition("sep=")
    if said[:2] == ("", "sep=") and said[2] in _SEPARATORS:  # which Excel may be told above the names
        separator, heading = said[2], file.readline()
    else:
        # no name of a column holds any of these
        separator = max(_SEPARATORS, key=heading.count)
    names = [name.strip().casefold() for name in next(csv.reader([heading], delimiter=separator), [])]
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise InputError(
            f"'{path}' has no column {' and '.join(missing)}: its first row must name the columns {', '.join(COLUMNS)}."
        )
    for name in names:
        if name and name not in COLUMNS:
            raise InputError(f"'{path}' has a column '{name}': the columns are {', '.join(COLUMNS)}.")
        if name and names.count(name) > 1:
            raise InputError(f"'{path}' has the column '{name}' twice: take one out.")
    rows = ([cell.strip() for cell in cells] for cells in csv.reader(file, delimiter=separator))
    for number, cells in enumerate((cells for cells in rows if any(cells)), start=1):
        # a spreadsheet may write empty cells at the end of each row
        beyond = [cell for cell, name in zip_longest(cells, names, fillvalue="") if cell and not name]
        if beyond:
            raise InputError(
                f"Line {number} of '{path}' has a cell too many, '{beyond[0]}': put a text that holds a "
                f"{_SEPARATORS[separator]} into quotation marks."
            )
        yield dict(zip(names, cells, strict=False))


def _line(path: Path, number: int, row: Mapping[str, str]) -> Line:
    cells = {name: row.get(name, "") for name in COLUMNS}
    for name in _NEEDED:
        if not cells[name]:
            raise InputError(f"Line {number} of '{path}' has no {name}: fill it in or take the line out.")
    if any("\0" in cell for cell in cells.values()):
        raise InputError(f"'{path}' is not a table of lines: give a CSV file in UTF-8.")
    folder = path.absolute().parent
    style = folder / cells["style"] if cells["style"] else None
    return Line(number, folder / cells["audio"], cells["character"], style, folder / cells["output"])


def made_from(line: Line, settings: Mapping[str, Any]) -> dict[str, Any]:
    """All that an output depends on, as it is now; settings: options and the .blend, the same for all lines.

    Raises InputError when the sound or the style is missing, or the line has another fault.
    """
    if line.fault:
        raise InputError(line.fault)
    return {
        "audio_sha256": file_hash(line.audio),
        "style_sha256": file_hash(line.style) if line.style else None,
        "character": line.character,
        **settings,
    }


def file_hash(path: Path) -> str:
    """SHA-256 of a file; InputError when it cannot be read."""
    total = sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
    except OSError as error:
        raise InputError(f"'{path}' cannot be read ({error.strerror}): check the path.") from None
    return total.hexdigest()


def state(line: Line, settings: Mapping[str, Any]) -> State:
    """How far a line is. 'changed': there is an output, but made from something else, or nobody knows from what."""
    if line.lock.exists() and not _is_left_behind(line.lock):
        return "being made"
    if not line.output.exists():
        return "missing"
    try:
        stamp = json.loads(line.stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "changed"
    return "up to date" if stamp == json.loads(json.dumps(made_from(line, settings))) else "changed"


Make = Callable[[Line, Callable[[float], None]], None]
"""Makes the output of a line, telling how far it is (0 to 1). It must appear whole or not at all."""


def work_off(lines: Iterable[Line], settings: Mapping[str, Any], make: Make) -> Iterator[dict[str, Any]]:
    """Make what is missing or changed and free; yields one event for each line as it is done, and a summary.

    An event has number, audio, output and state: 'done' (with seconds), 'up to date', 'being made' by another process,
    or 'failed' (with message). A failed line costs the others nothing.
    """
    counts = {"done": 0, "up to date": 0, "being made": 0, "failed": 0}
    for line in lines:
        event: dict[str, Any] = {"event": "line", "number": line.number, "audio": str(line.audio)}
        event |= {"output": str(line.output)} | _work_on(line, settings, make)
        counts[event["state"]] += 1
        yield event
    yield {"event": "summary", **{name.replace(" ", "_"): count for name, count in counts.items()}}


def _work_on(line: Line, settings: Mapping[str, Any], make: Make) -> dict[str, Any]:
    try:
        if state(line, settings) == "up to date":
            return {"state": "up to date"}
        if not _claim(line):
            return {"state": "being made"}
        try:
            # another process may have finished it between the look and the claim
            if _finished(line, settings):
                return {"state": "up to date"}
            return _make(line, settings, make)
        finally:
            line.lock.unlink(missing_ok=True)
    except InputError as error:
        return {"state": "failed", "message": str(error)}


def _make(line: Line, settings: Mapping[str, Any], make: Make) -> dict[str, Any]:
    start = time.monotonic()
    said = [start]

    def alive(_fraction: float) -> None:
        if time.monotonic() - said[0] > _SIGN:
            said[0] = time.monotonic()
            with suppress(OSError):
                os.utime(line.lock)

    stamp = made_from(line, settings)
    line.stamp.unlink(missing_ok=True)
    try:
        make(line, alive)
    except Cancelled:
        raise InputError("It was cancelled: start again to make it.") from None
    partial = line.stamp.with_suffix(".partial")
    try:
        partial.write_text(json.dumps(stamp), encoding="utf-8")
        partial.replace(line.stamp)
    except OSError as error:
        raise InputError(f"'{line.stamp}' cannot be written ({error.strerror}): make room for it.") from None
    return {"state": "done", "seconds": round(time.monotonic() - start, 2)}


def _finished(line: Line, settings: Mapping[str, Any]) -> bool:
    try:
        stamp = json.loads(line.stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return line.output.exists() and stamp == json.loads(json.dumps(made_from(line, settings)))


def _claim(line: Line) -> bool:
    """Make the lock, which only one process can; take over one that was left behind."""
    try:
        _make_folder(line.output.parent)
        if line.lock.exists() and _is_left_behind(line.lock):
            _remove_left_behind(line.lock)
        descriptor = os.open(line.lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    except OSError as error:
        raise InputError(
            f"'{line.output.parent}' cannot be written to ({error.strerror}): change the output."
        ) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"host": socket.gethostname(), "process": os.getpid()}, file)
    return True


def _make_folder(folder: Path) -> None:
    """Make a folder where it lacks; NotADirectoryError where a file of that name stands in its place."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR)) from None


def _remove_left_behind(lock: Path) -> None:
    """Take a dead process's lock away; of several that try, one can rename it."""
    taken = lock.with_suffix(f".{socket.gethostname()}.{os.getpid()}")
    with suppress(FileNotFoundError):
        lock.rename(taken)
        if not _is_left_behind(taken):
            # another was quicker, and this is its new lock: give it back
            with suppress(FileExistsError):
                os.link(taken, lock)
    taken.unlink(missing_ok=True)


def _is_left_behind(lock: Path) -> bool:
    """Whether the process that made a lock is gone: not running on this machine, or silent for long on another."""
    try:
        holder = json.loads(lock.read_text(encoding="utf-8"))
        host, process = str(holder["host"]), int(holder["process"])
        silent = time.time() - lock.stat().st_mtime
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError):
        # half written: its maker has just begun, or ended there long ago
        with suppress(OSError):
            return time.time() - lock.stat().st_mtime > _STALE
        return False
    if host == socket.gethostname() and os.name == "posix":
        return not _is_running(process)
    return silent > _STALE


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
