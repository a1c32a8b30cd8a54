# SPDX-License-Identifier: GPL-3.0-or-later
"""Work beside Blender: a thread that gets plain data and returns plain data, and a queue of such work.

Nothing here knows Blender.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, Generic, Literal, TypeVar

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
    def spent(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._started

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the time still needed; None while there is too little to go by."""
        return self.spent / self.fraction - self.spent if self.fraction > 0.03 else None

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
            self._news.put(("error", our_fault(error)))
        else:
            # a cancel that comes after the last window counts as well
            self._news.put(("error", None) if self._cancel.is_set() else ("result", result))


def our_fault(error: Exception) -> str:
    """The sentence for an error that is nobody's input; its traceback goes to the console."""
    traceback.print_exception(error)
    return f"artalk failed ({type(error).__name__}: {error}): see the console, please report."


State = Literal["waiting", "running", "cancelling", "done", "failed", "cancelled"]
ENDED: tuple[State, ...] = ("done", "failed", "cancelled")

Work = Callable[[Progress, Cancel], T]

_numbers = count(1)


@dataclass(frozen=True)
class More:
    """More work for the thread, and what is called on the main thread with what it gives, as `Entry.finish` is."""

    work: Work[Any]
    finish: Finish


Finish = Callable[[Any], "str | More"]


@dataclass(eq=False)
class Entry(Generic[T]):
    """One piece of work in a queue.

    key:    what it makes: of two that wait with the same key one is enough
    cost:   how much work it is beside the others, in any unit
    begin:  called on the main thread when its turn comes; returns the work for the thread
    finish: called on the main thread with what the work gave; returns a sentence on what was done, or more work
    number: its own among all entries of the session
    Both may raise InputError, whose sentence becomes that of the entry.
    """

    key: object
    title: str
    cost: float
    begin: Callable[[], Work[T]]
    finish: Finish
    state: State = "waiting"
    fraction: float = 0.0
    sentence: str = ""
    seconds_left: float | None = None

    def __post_init__(self) -> None:
        self.number = next(_numbers)


class Queue(Generic[T]):
    """Entries that are worked off one after the other; the main thread calls `tick` now and then.

    One at a time, as two models at once share the same processor and are done no sooner.
    """

    def __init__(self) -> None:
        self.entries: list[Entry[T]] = []
        self._job: Job[T] | None = None
        self._current: Entry[T] | None = None
        self._done = (0.0, 0.0)  # cost, seconds
        self._spent = 0.0  # seconds, by the work of the current entry that is over

    @property
    def busy(self) -> bool:
        """Whether anything waits or runs, or a thread that was let go has not ended yet."""
        return self._job is not None or any(entry.state not in ENDED for entry in self.entries)

    def add(self, entry: Entry[T]) -> bool:
        """Put an entry at the end; False when one like it waits already."""
        if any(each.key == entry.key and each.state == "waiting" for each in self.entries):
            return False
        self.entries.append(entry)
        return True

    def cancel(self, number: int | None = None) -> None:
        """End the entry of this number, or all."""
        for entry in self.entries:
            if number not in (None, entry.number):
                continue
            if entry.state == "waiting":
                entry.state = "cancelled"
            elif entry.state == "running" and self._job is not None:
                self._job.cancel()
                entry.state = "cancelling"

    def clear(self) -> None:
        """Forget the entries that have ended."""
        self.entries = [entry for entry in self.entries if entry.state not in ENDED]

    def let_go(self) -> int:
        """Forget everything, what runs too; its thread ends when it can. Returns how many had not ended."""
        lost = sum(entry.state not in ENDED for entry in self.entries)
        self.cancel()
        self.entries, self._current = [], None
        return lost

    def join(self, seconds: float) -> None:
        """Wait for the thread to end, at most so long."""
        if self._job is not None:
            self._job.join(seconds)

    def tick(self) -> Entry[T] | None:
        """One step: take in the thread's news, finish what it has ended, or begin the next; returns what has ended."""
        if self._job is None:
            return self._begin()
        self._job.drain()
        if self._current is not None:
            self._current.fraction = max(self._current.fraction, self._job.fraction)
        if not self._job.finished:
            self._estimate(self._job)
            return None
        job, self._job = self._job, None
        entry, self._current = self._current, None
        return entry and self._finish(entry, job)

    def _begin(self) -> Entry[T] | None:
        entry = next((each for each in self.entries if each.state == "waiting"), None)
        if entry is None:
            return None
        try:
            work = entry.begin()
        except InputError as error:
            return _end(entry, "failed", str(error))
        except Exception as error:  # noqa: BLE001 - nobody stands above a timer
            return _end(entry, "failed", our_fault(error))
        entry.state, self._spent = "running", 0.0
        self._start(entry, work)
        return None

    def _start(self, entry: Entry[T], work: Work[T]) -> None:
        self._current, self._job = entry, Job(work)
        self._job.start()

    def _finish(self, entry: Entry[T], job: Job[T]) -> Entry[T] | None:
        if job.error is not None:
            return _end(entry, "failed", job.error)
        # asked for between two parts of the work it is not too late either
        if job.result is None or entry.state == "cancelling":
            return _end(entry, "cancelled", "")
        self._spent += job.spent
        try:
            made = entry.finish(job.result)
        except InputError as error:
            return _end(entry, "failed", str(error))
        except Exception as error:  # noqa: BLE001
            return _end(entry, "failed", our_fault(error))
        if isinstance(made, More):
            entry.finish = made.finish
            self._start(entry, made.work)
            return None
        self._done = (self._done[0] + entry.cost, self._done[1] + self._spent)
        return _end(entry, "done", made)

    def _estimate(self, job: Job[T]) -> None:
        """Say of each entry how long it will take still, by how long the others took."""
        current, left = self._current, job.seconds_left
        cost, seconds = self._done
        if left is None and cost and current is not None:
            left = max(0.0, current.cost * seconds / cost - job.spent)
        if current is None or left is None:
            return
        current.seconds_left = left
        rate = (seconds + job.spent + left) / max(1e-9, cost + current.cost)
        for entry in self.entries:
            if entry.state == "waiting":
                left += entry.cost * rate
                entry.seconds_left = left


def _end(entry: Entry[T], state: State, sentence: str) -> Entry[T]:
    entry.state, entry.sentence, entry.seconds_left = state, sentence, None
    return entry
