# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of lines in Blender: a timer works it off, a list in the panel shows it, each line is a step of undo.

Between two ticks only names and session identifiers are kept, so the scene may be edited, undone or saved meanwhile;
what is gone when its turn comes fails with a sentence of its own. Another file ends the queue.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any, TypeVar

import bpy

from ..core.errors import InputError
from ..core.generate import Options, Spoken
from ..core.models import Cancel, Progress
from . import aside, compat, generation, key_extremes, layers, lines, mesh_points, preflight, rigs, strips
from .jobs import ENDED, Entry, More, Queue, Work
from .properties import state

TICK = 0.05
_SHARE = 0.02
"""Seconds of a tick in which keys are read or written."""
_TRIES = 8
"""How often a line is begun anew as its character was worked on."""
T = TypeVar("T")
Steps = Generator[Work[Any], Any, T]
"""Steps on the main thread, one a tick: each says what the thread is to do before the next, which gets the result."""
QUEUE: Queue[list[Spoken]] = Queue()

at_end: list[Callable[[], None]] = []
"""What is called when all is done."""

_checks: dict[int, str] = {}
"""Characters that have got keys and are to be looked at when nothing else waits: session identifier -> sentence."""
_moving: set[int] = set()
"""Characters whose lips have been seen to move."""
_step_of_undo = ""
"""What the step of undo is called that is to be made of keys that have been written; empty for none."""
_unseen = False
"""Whether keys have been written that the window does not show yet."""
_looking: Iterator[object] | None = None
"""The steps of the look at one character."""
_END = object()
_pulse: Any = None
"""The window's timer, while there is work: without it Blender looks at its other timers twice a second."""
_lost = ""
"""What to say once another file is open."""


@dataclass
class _Order:
    """One strip's speech on one character, by what no change of a name changes.

    Two are equal that are for the same strip and character.
    scene, character: session identifiers; strip, strip_id, left, others: how and where `strips.find` finds it
    """

    scene: int
    strip: str
    character: int
    strip_id: str = field(compare=False)
    left: float = field(compare=False)
    others: frozenset[str] = field(compare=False)
    options: Options = field(compare=False)
    again: bool = field(compare=False)
    task: generation.Task | None = field(default=None, compare=False)

    def begin(self) -> Any:
        """Read Blender; returns the work for the thread."""
        scene, strip, item = self._look_up()
        self.task = generation.prepare(scene, [strip], item, self.options, again=self.again)
        return partial(generation.speak, self.task)

    def finish(self, spoken: list[Spoken]) -> str | More:
        """Look at what is there; the thread works out what becomes of it; write that, a little in each tick."""
        return self._go_on(self._written(spoken), None)

    def _go_on(self, steps: Steps[str], made: Any) -> str | More:
        """One tick of it; what it asks for is done in the thread, and the next tick gets what comes of that."""
        try:
            work = steps.send(made)
        except StopIteration as end:
            return str(end.value)
        return More(work, partial(self._go_on, steps))

    def _written(self, spoken: list[Spoken]) -> Steps[str]:
        """All of it; when somebody works on the character meanwhile, from the beginning again."""
        assert self.task is not None
        for _ in range(_TRIES):
            self.task = self._as_it_is_now(self.task)
            if not generation.stale(self.task, spoken)[0].sources:
                return up_to_date(1)
            draft = yield from _in_ticks(generation.reading(generation.read(self.task, spoken)))
            assert draft is not None
            plan = yield partial(_worked_out, draft)
            if not aside.is_for(self.task.character, plan.curves, plan.keys):
                if self._as_it_is_now(draft.task) == draft.task and not generation.is_outdated(draft):
                    return self._write(draft, plan)
                continue
            writing = aside.write(self.task.character, plan.curves, plan.keys)
            same = yield from _in_ticks(chain(writing, generation.still_right(draft)))
            yield _nothing
            if same and self._as_it_is_now(draft.task) == draft.task and aside.is_right(self.task.character):
                return self._write(draft, plan, exchanging=True)
        # who works on it all the time gets it all the same
        draft = generation.read(self._as_it_is_now(self.task), spoken)
        return self._write(draft, generation.work_out(draft))

    def makes(self, strip: compat.Strip, item: bpy.types.Object, options: Options) -> bool:
        """Whether what it has begun to make is what a strip would be made into now; sliders go by those of the end."""
        if self.task is None:
            return False
        wanted = generation.options_for(item, self.task.character, options)
        same, (source,) = layers.options(wanted, item) == layers.options(self.task.options, item), self.task.sources
        return same and strips.source(strip, self.task.fps) == strips.as_it_stands(source, strip, self.task.fps)

    def _write(self, draft: generation.Draft, plan: generation.Plan, *, exchanging: bool = False) -> str:
        """All keys at once, a step of undo of their own, so that nobody ever sees or saves half of them."""
        global _step_of_undo, _unseen  # noqa: PLW0603 - a timer has no other place
        sentence = generation.write(draft, plan, exchanging=exchanging)
        _step_of_undo = f"Generate '{self.strip}'"
        _checks[self.character] = sentence
        _unseen = True
        return sentence

    def _as_it_is_now(self, task: generation.Task) -> generation.Task:
        """The task with the sliders, names and place of now, which may have been changed since it was begun."""
        scene, strip, item = self._look_up()
        if strips.rate(scene) != task.fps:
            raise InputError(f"The frame rate was changed while '{self.strip}' was being made: generate it again.")
        (source,) = task.sources
        here = strips.as_it_stands(source, strip, task.fps)
        character = task.character if rigs.has_shapes(item, task.character) else rigs.describe(item)
        options = layers.options(task.options, item)
        return replace(task, options=options, scene=scene.name, sources=(here,), character=character)

    def _look_up(self) -> tuple[bpy.types.Scene, compat.Strip, bpy.types.Object]:
        scene = next((each for each in bpy.data.scenes if each.session_uid == self.scene), None)
        strip = strips.find(scene, self.strip, self.strip_id, self.left, self.others) if scene else None
        if scene is None or strip is None:
            raise InputError(f"The strip '{self.strip}' was deleted meanwhile: nothing was written for it.")
        self.strip = strip.name
        item = rigs.in_a_scene(self.character)
        if item is None:
            raise InputError(
                f"The character of '{self.strip}' was deleted meanwhile: choose another and generate again."
            )
        return scene, strip, item


def _in_ticks(steps: Iterator[T]) -> Steps[T | None]:
    """Take steps on the main thread, as many in each tick as there is time for; returns what the last one gave."""
    until, last = time.monotonic() + _SHARE, None
    for step_of_them in steps:
        last = step_of_them
        if time.monotonic() > until:
            yield _nothing
            until = time.monotonic() + _SHARE
    return last


def _nothing(_progress: Progress, _cancel: Cancel) -> bool:
    return True


def up_to_date(count: int) -> str:
    """A sentence for so many lines that need nothing."""
    return "The line is up to date." if count == 1 else f"All {count} lines are up to date."


def _worked_out(draft: generation.Draft, _progress: Progress, _cancel: Cancel) -> generation.Plan:
    plan = generation.work_out(draft)
    lines.unpack(plan.packed)  # the next line looks at them in a tick
    return plan


def add(
    scene: bpy.types.Scene,
    spoken: Iterable[tuple[compat.Strip, bpy.types.Object]],
    options: Options,
    *,
    again: bool,
) -> None:
    """Put strips of a scene into the queue, each with its character, and have the window work it off.

    One that is being made is left alone unless it has changed since. again: as in `generation.prepare`
    """
    if not QUEUE.busy:
        QUEUE.clear()
    names = frozenset(each.name for each in compat.all_strips(scene))
    running = next((each.key for each in QUEUE.entries if each.state == "running"), None)
    for strip, item in spoken:
        strips.identify(strip)
        timing, known_by = compat.strip_timing(strip), strips.identifier(strip)
        others = names - {strip.name}
        order = _Order(scene.session_uid, strip.name, item.session_uid, known_by, timing.left, others, options, again)
        if isinstance(running, _Order) and running == order and running.makes(strip, item, options):
            continue
        length = (timing.right - timing.left) / strips.rate(scene)
        QUEUE.add(Entry(order, f"{strip.name} · {item.name}", length, order.begin, order.finish))
    say("", failed=False)
    _start()


def get_ready(scene: bpy.types.Scene, item: bpy.types.Object, options: Options) -> None:
    """Do what takes long once for each character, while the window waits for a button anyway: no tick has the time.

    Raises InputError for what is wrong with it.
    """
    generation.prepare(scene, [], item, options)
    if item.session_uid not in _moving:
        # which the looks at the lips find done
        mesh_points.evaluated(item)


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
    if _unseen:
        _show_frame()
    elif _step_of_undo:
        _keep_for_undo()
    elif QUEUE.busy:
        ended = QUEUE.tick()
        if ended is not None:
            aside.drop()  # of a line that was cancelled
        if ended is not None and ended.state == "failed":
            say(ended.sentence, failed=True)
    elif _looking is not None or _checks:
        _look_on()
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
    same = sum(entry.sentence == up_to_date(1) for entry in QUEUE.entries)
    if same == len(QUEUE.entries):
        say(up_to_date(same), failed=False)
        return
    written = count["done"] - same
    parts = [f"{written} line{'s' if written != 1 else ''} written"]
    parts += [f"{same} up to date"] if same else []
    parts += [f"{count[name]} {name}" for name in ("failed", "cancelled") if count[name]]
    failed = [number for number, entry in enumerate(QUEUE.entries) if entry.state == "failed"]
    if failed:
        shown.row = failed[0]  # whose sentence stands below the list
    say(f"{', '.join(parts)}.", failed=bool(failed))


def _look_on() -> None:
    """A step of looking whether the lips of the characters move, one character after the other."""
    global _looking  # noqa: PLW0603
    if _looking is None:
        _looking = _looked_at(*_checks.popitem())
    if next(_looking, _END) is _END:
        _looking = None


def _looked_at(character: int, sentence: str) -> Iterator[object]:
    """Look, step by step, whether the lips of a character move with its new keys."""
    try:
        known = (yield from _in_ticks(key_extremes.by_steps(character))) or {}
        item = rigs.in_a_scene(character)
        # to look costs the drawing of two frames: once is enough while nothing stands in the way
        if item is None or (character in _moving and not preflight.obstacles(item, known)):
            return
        moves = yield from preflight.seen_to_move(character, known)
        if moves:
            _moving.add(character)
        if (item := rigs.in_a_scene(character)) is not None:
            scene = item.users_scene[0]
            verdict = (
                preflight.as_spoken(item, sentence, known) if moves else preflight.after(scene, character, sentence)
            )
            if verdict.failed:
                say(verdict.sentence, failed=True, cause=verdict.cause)
    except InputError:
        return  # it is no character any more: there is nothing to look at


def _show_frame() -> None:
    """Have the new keys seen."""
    global _unseen  # noqa: PLW0603
    _unseen = False
    for scene in {window.scene for window in bpy.context.window_manager.windows}:
        scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)


def _keep_for_undo(*_: object) -> None:
    """Make the step of undo, after the frame is shown: both at once take longer than a tick has."""
    global _step_of_undo
    name, _step_of_undo = _step_of_undo, ""
    if name:
        bpy.ops.ed.undo_push(message=name)


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
    if not step():
        _stop()
        return None
    return 0.0 if _step_of_undo else TICK  # before anybody does something that would be in the same step


def _before_load(*_: object) -> None:
    global _lost, _looking, _step_of_undo, _unseen  # noqa: PLW0603
    _stop()
    aside.drop()
    _checks.clear()
    _moving.clear()
    _looking, _step_of_undo, _unseen = None, "", False
    lost = QUEUE.let_go()
    were = " was" if lost == 1 else "s were"
    _lost = f"Another file was opened: {lost} line{were} not generated." if lost else ""


def _after_load(*_: object) -> None:
    global _lost  # noqa: PLW0603
    _show_end()
    if _lost:
        say(_lost, failed=False)
        _lost = ""


_HANDLERS = (
    ("load_pre", _before_load),
    ("load_post", _after_load),
    # an undo before the step is made takes back the line alone
    ("undo_pre", _keep_for_undo),
    ("depsgraph_update_post", aside.note_changes),
)


def register() -> None:
    """Watch for other files, and for what is done between two ticks."""
    persistent: Any = bpy.app.handlers.persistent  # which marks the function: else it goes when a file is opened
    for name, function in _HANDLERS:
        getattr(bpy.app.handlers, name).append(persistent(function))


def unregister() -> None:
    """End what still runs."""
    for name, function in reversed(_HANDLERS):
        getattr(bpy.app.handlers, name).remove(function)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    _stop()
    aside.drop()
    _checks.clear()
    QUEUE.let_go()
    QUEUE.join(5.0)
