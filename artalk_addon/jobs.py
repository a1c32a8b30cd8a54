# SPDX-License-Identifier: GPL-3.0-or-later
"""Work beside Blender: a thread that gets plain data and returns plain data. Nothing here knows Blender."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from ..core.errors import Cancelled, InputError
from ..core.models import Cancel, Progress

T = TypeVar("T")


class Job(Generic[T]):
    """One piece of work, its progress and its end.

    `work(progress, cancel)` runs in a thread after `start`, or in the caller's after `run`. The main thread calls
    `drain` now and then and reads the attributes, which change nowhere else.

    fraction: share done, 0 to 1
    finished: whether it has ended: with `result`, or with the sentence `error`, or cancelled (both None)
    """

    def __init__(self, work: Callable[[Progress, Cancel], T]) -> None:
        self.fraction = 0.0
        self.finished = False
        self.result: T | None = None
        self.error: str | None = None
        self._work = work
        self._cancel = threading.Event()
        self._news: SimpleQueue[tuple[str, object]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="artalk", daemon=True)
        self._started = time.monotonic()

    def start(self) -> None:
        """Begin in a thread of its own."""
        self._thread.start()

    def run(self) -> None:
        """Do all of it now, in this thread."""
        self._run()
        self.drain()

    def cancel(self) -> None:
        """Ask the work to end; it does so between two windows of speech."""
        self._cancel.set()

    def join(self, seconds: float) -> None:
        """Wait for the thread to end, at most so long."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    @property
    def cancelling(self) -> bool:
        """Whether the end has been asked for."""
        return self._cancel.is_set()

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the time still needed; None while there is too little to go by."""
        spent = time.monotonic() - self._started
        return spent / self.fraction - spent if self.fraction > 0.03 else None

    def drain(self) -> None:
        """Take in what the thread has said since the last call."""
        while True:
            try:
                kind, value = self._news.get_nowait()
            except Empty:
                return
            if kind == "progress":
                self.fraction = float(value)  # type: ignore[arg-type]
            else:
                self.finished = True
                setattr(self, kind, value)

    def _run(self) -> None:
        try:
            result = self._work(lambda fraction: self._news.put(("progress", fraction)), self._cancel.is_set)
        except Cancelled:
            self._news.put(("error", None))
        except InputError as error:
            self._news.put(("error", str(error)))
        except Exception as error:  # noqa: BLE001 - a thread has nobody above it to tell
            traceback.print_exc()
            self._news.put(
                ("error", f"artalk failed ({type(error).__name__}: {error}): see the console, please report.")
            )
        else:
            # a cancel that comes after the last window counts as well
            self._news.put(("error", None) if self._cancel.is_set() else ("result", result))
