# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of lines in Blender: a timer works it off, a list in the panel shows it, each line is a step of undo.

Between two ticks only names and session identifiers are kept, so the scene may be edited, undone or saved meanwhile;
what is gone when its turn comes fails with a sentence of its own. Another file ends the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import bpy

from ..core.errors import InputError
from ..core.generate import Options, Spoken
from . import compat, generation, layers, preflight, strips
from .jobs import ENDED, Entry, Queue
from .properties import state

TICK = 0.05
_UP_TO_DATE = "It was up to date."

QUEUE: Queue[list[Spoken]] = Queue()

at_end: list[Callable[[], None]] = []
"""What is called when all is done."""

_checks: dict[int, str] = {}
"""Characters that have got keys and are to be looked at when nothing else waits: session identifier -> sentence."""
_moving: set[int] = set()
"""Characters whose lips have been seen to move."""
_pulse: Any = None
"""The window's timer, while there is work: without it Blender looks at its other timers twice a second."""
_lost = ""
"""What to say once another file is open."""


@dataclass(eq=False)
class _Order:
    """One strip's speech on one character, by name and identifier."""

    scene: str
    strip: str
    character: int
    options: Options
    again: bool
    task: generation.Task | None = None

    def begin(self) -> Any:
        """Read Blender; returns the work for the thread."""
        scene, strip, item = self._look_up()
        self.task = generation.prepare(scene, [strip], item, self.options, again=self.again)
        return partial(generation.speak, self.task)

    def finish(self, spoken: list[Spoken]) -> str:
        """Write the keys, a step of undo of their own; returns what was done."""
        assert self.task is not None
        _, _, item = self._look_up()
        # the sliders may have been moved since
        task = replace(self.task, options=layers.options(self.task.options, item))
        if _is_as_it_was(task, spoken):
            return _UP_TO_DATE
        sentence = generation.apply(task, spoken)
        _show_frame()
        bpy.ops.ed.undo_push(message=f"Generate '{self.strip}'")
        _checks[self.character] = sentence
        return sentence

    def _look_up(self) -> tuple[bpy.types.Scene, compat.Strip, bpy.types.Object]:
        scene: bpy.types.Scene | None = bpy.data.scenes.get(self.scene)
        every = strips.sound_strips(compat.all_strips(scene)) if scene else []
        strip = next((each for each in every if each.name == self.strip), None)
        if scene is None or strip is None:
            raise InputError(f"The strip '{self.strip}' was deleted or renamed meanwhile: nothing was written for it.")
        item = _object(self.character)
        if item is None:
            raise InputError(
                f"The character of '{self.strip}' was deleted meanwhile: choose another and generate again."
            )
        return scene, strip, item


def _is_as_it_was(task: generation.Task, spoken: list[Spoken]) -> bool:
    """Whether a line that is generated again would be written as it stands."""
    (line,), (source,) = task.known, task.sources
    if line is None or line.spoken is not spoken[0]:
        return False
    if any(each is not after.spoken for each, (_, after) in zip(spoken[1:], task.next, strict=True)):
        return False
    stays = {"device": task.options.device, "engine": task.options.engine}
    before = replace(line.options, **stays, engine_python=task.options.engine_python)
    return before == task.options and abs(line.start - source.start) < strips.MOVED and line.fps == task.fps


def add(
    scene: bpy.types.Scene,
    sound_strips: Iterable[compat.Strip],
    item: bpy.types.Object,
    options: Options,
    *,
    again: bool,
) -> None:
    """Put strips of a scene into the queue, to be spoken by one character, and have the window work it off.

    again: as in `generation.prepare`
    """
    if not QUEUE.busy:
        QUEUE.clear()
    for strip in sound_strips:
        order = _Order(scene.name, strip.name, item.session_uid, options, again)
        timing = compat.strip_timing(strip)
        length = (timing.right - timing.left) / strips.rate(scene)
        key = (order.scene, order.strip, order.character)
        QUEUE.add(Entry(key, f"{strip.name} · {item.name}", length, order.begin, order.finish))
    say("", failed=False)
    _start()


def cancel(number: int | None) -> None:
    """End one line of the queue, or all; what is written stays."""
    QUEUE.cancel(number)
    show()


def clear() -> None:
    """Take what has ended off the list."""
    QUEUE.clear()
    show()


def step() -> bool:
    """One step of the work, on the main thread; False when all is done."""
    if QUEUE.busy:
        ended = QUEUE.tick()
        if ended is not None and ended.state == "failed":
            say(ended.sentence, failed=True)
    elif _checks:
        _look_at(*_checks.popitem())
    else:
        _summarise()
        _show_end()
        for function in at_end:
            function()
        return False
    show()
    return True


def say(sentence: str, *, failed: bool, cause: str = "") -> None:
    """The sentence under the button."""
    shown = state(bpy.context)
    shown.message, shown.failed, shown.cause = sentence, failed, cause
    redraw()


def redraw() -> None:
    """Have every panel drawn again that may show the queue."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "SEQUENCE_EDITOR"}:
                area.tag_redraw()


def show() -> None:
    """Bring the panel's list in step with the queue."""
    shown = state(bpy.context)
    rows, entries = shown.rows, QUEUE.entries
    while len(rows) > len(entries):
        rows.remove(len(rows) - 1)
    while len(rows) < len(entries):
        rows.add()
    for row, entry in zip(rows, entries, strict=True):
        text = _progress(entry)
        # what is set is drawn again, so only what has changed
        for name, value in (
            ("name", entry.title),
            ("number", entry.number),
            ("state", entry.state),
            ("fraction", entry.fraction),
            ("text", text),
            ("sentence", entry.sentence),
        ):
            if getattr(row, name) != value:
                setattr(row, name, value)
    ended = sum(entry.cost * (1.0 if entry.state in ENDED else entry.fraction) for entry in entries)
    shown.fraction = ended / max(1e-9, sum(entry.cost for entry in entries))
    shown.progress_text = _overall()
    redraw()


def _show_end() -> None:
    state(bpy.context).running = False
    show()


def _progress(entry: Entry[Any]) -> str:
    wait = _time(entry.seconds_left) if entry.seconds_left is not None else ""
    if entry.state == "running":
        return f"{100 * entry.fraction:.0f} % {wait}".rstrip()
    return {"waiting": wait or "waiting", "cancelling": "cancelling…"}.get(entry.state, entry.state)


def _overall() -> str:
    entries = QUEUE.entries
    left = max((entry.seconds_left for entry in entries if entry.seconds_left is not None), default=None)
    wait = f", {_time(left)} left" if left is not None else ""
    if any(entry.state == "cancelling" for entry in entries):
        return "Cancelling…"
    if len(entries) == 1:
        return f"{100 * entries[0].fraction:.0f} %{wait}"
    done = sum(entry.state in ENDED for entry in entries)
    return f"{done} of {len(entries)} lines{wait}"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _summarise() -> None:
    """The sentence at the end: that of a single line, or how many ended in which way."""
    count = {name: sum(entry.state == name for entry in QUEUE.entries) for name in ENDED}
    shown = state(bpy.context)
    if not QUEUE.entries or (shown.failed and (shown.cause or len(QUEUE.entries) == 1)):
        return
    if len(QUEUE.entries) == 1:
        entry = QUEUE.entries[0]
        say(entry.sentence or "Cancelled, nothing was changed.", failed=entry.state == "failed")
        return
    same = sum(entry.sentence == _UP_TO_DATE for entry in QUEUE.entries)
    written = count["done"] - same
    parts = [f"{written} line{'s' if written != 1 else ''} written"]
    parts += [f"{same} up to date"] if same else []
    parts += [f"{count[name]} {name}" for name in ("failed", "cancelled") if count[name]]
    failed = [number for number, entry in enumerate(QUEUE.entries) if entry.state == "failed"]
    if failed:
        shown.row = failed[0]  # whose sentence stands below the list
    say(f"{', '.join(parts)}.", failed=bool(failed))


def _look_at(character: int, sentence: str) -> None:
    """Whether the lips of a character move with its new keys."""
    item = _object(character)
    scene = next((each for each in item.users_scene), None) if item else None
    if item is None or scene is None:
        return
    try:
        # to look costs the drawing of two frames: once is enough while nothing stands in the way
        if character in _moving and not preflight.obstacles(item):
            return
        verdict = preflight.after(scene, character, sentence)
    except InputError:
        return  # it is no character any more: there is nothing to look at
    if not verdict.failed:
        _moving.add(character)
    else:
        say(verdict.sentence, failed=True, cause=verdict.cause)


def _object(character: int) -> bpy.types.Object | None:
    return next((item for item in bpy.data.objects if item.session_uid == character and item.users_scene), None)


def _show_frame() -> None:
    """Have the new keys seen."""
    for scene in {window.scene for window in bpy.context.window_manager.windows}:
        scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)


# --- the timer ------------------------------------------------------------------------------------------------------


def _start() -> None:
    global _pulse  # noqa: PLW0603 - a timer has no other place
    state(bpy.context).running = True
    show()
    if bpy.app.background:
        return  # where no timer ever runs: whoever has added lines calls `step`
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=0.0, persistent=True)
    if _pulse is None:
        manager = bpy.context.window_manager
        _pulse = manager.event_timer_add(TICK, window=manager.windows[0])


def _stop() -> None:
    global _pulse  # noqa: PLW0603
    if _pulse is not None:
        bpy.context.window_manager.event_timer_remove(_pulse)
        _pulse = None


def _tick() -> float | None:
    if step():
        return TICK
    _stop()
    return None


def _before_load(*_: object) -> None:
    global _lost  # noqa: PLW0603
    _stop()
    _checks.clear()
    _moving.clear()
    lost = QUEUE.let_go()
    were = " was" if lost == 1 else "s were"
    _lost = f"Another file was opened: {lost} line{were} not generated." if lost else ""


def _after_load(*_: object) -> None:
    global _lost  # noqa: PLW0603
    _show_end()
    if _lost:
        say(_lost, failed=False)
        _lost = ""


def register() -> None:
    """Watch for other files."""
    persistent: Any = bpy.app.handlers.persistent  # which marks the function: else it goes when a file is opened
    bpy.app.handlers.load_pre.append(persistent(_before_load))
    bpy.app.handlers.load_post.append(persistent(_after_load))


def unregister() -> None:
    """End what still runs."""
    bpy.app.handlers.load_post.remove(_after_load)
    bpy.app.handlers.load_pre.remove(_before_load)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    _stop()
    _checks.clear()
    QUEUE.let_go()
    QUEUE.join(5.0)
