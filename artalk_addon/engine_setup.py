# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons that set the engine environment up and remove it, and what the preferences show of it."""

import atexit
import textwrap
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..core.engine import process, setup
from ..core.errors import InputError
from ..core.models import Cancel, Progress
from . import preferences
from .jobs import Job
from .properties import state
from .translations import told

Result = Any
Work = Callable[[Progress, Cancel], Any]
Finish = Callable[[Any], str]

_TICK = 0.25
_WIDTH = 85
"""Letters in a line of the preferences."""
_IN_TORCH = {"cpu": "cpu", "cuda": "cuda", "rocm": "cuda", "metal": "mps"}


class Shown:
    """The one job and the words of its last step or end; the preferences draw them."""

    job: Job[Any] | None = None
    timer: Callable[[], float | None] | None = None
    step: deque[str] = deque([""], maxlen=1)
    sentence = ""
    failed = False


def folder() -> Path:
    """Where the engine is: Blender's folder for what this extension keeps, which updates leave alone."""
    return Path(bpy.utils.extension_path_user(preferences.PACKAGE, path="engine"))


def draw(layout: bpy.types.UILayout) -> None:
    """What there is, and what can be done about it."""
    box = layout.box()
    if draw_job(box):
        return
    engine = setup.installed(folder())
    if engine is not None:
        draw_sentence(box, f"Engine: PyTorch {engine.torch}, on {', '.join(engine.devices)}", "CHECKMARK")
        row = box.row()
    elif setup.begun(folder()):
        draw_sentence(box, "The engine is not complete", "ERROR")
        row = box.row()
        row.operator("artalk.set_up_engine", text="Go On…")
    else:
        draw_sentence(box, "No engine: artalk-mini runs without it, the published models need it", "INFO")
        row = box.row()
        row.operator("artalk.set_up_engine")
    if setup.begun(folder()):
        row.operator("artalk.remove_engine", icon="TRASH")
    if Shown.sentence:
        draw_sentence(box, Shown.sentence, "ERROR" if Shown.failed else "INFO")


def draw_job(layout: bpy.types.UILayout) -> bool:
    """The running job, if there is one, with its Cancel; says whether there is."""
    if (job := Shown.job) is None:
        return False
    step = "Cancelling…" if job.cancelling else f"{Shown.step[-1]} · {100 * job.fraction:.0f} %"
    layout.progress(factor=job.fraction, text=told(step))
    layout.operator("artalk.cancel_engine_set_up", icon="CANCEL")
    return True


def draw_sentence(layout: bpy.types.UILayout, sentence: str, icon: Any) -> None:
    """A sentence in the user's language, over as many lines as it needs."""
    column = layout.column(align=True)
    for number, line in enumerate(textwrap.wrap(told(sentence), _WIDTH)):
        column.label(text=line, icon=icon if number == 0 else "BLANK1")


class Working(bpy.types.Operator):
    """An operator that hands its work to the one job."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """One job at a time, and in an installed extension, whose preferences name the engine."""
        if context.preferences.addons.get(preferences.PACKAGE) is None:
            cls.poll_message_set(told("Install artalk as an extension first"))
            return False
        if Shown.job is not None:
            cls.poll_message_set(told("Something is being set up already: wait for it or cancel it"))
            return False
        if state(context).running:
            cls.poll_message_set(told("A generation is running: wait for it or cancel it"))
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> Result:
        """Run in a thread; to the end where there is no window."""
        try:
            work, finish = self.prepare()
        except InputError as error:
            say(str(error), failed=True)
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        job = Shown.job = Job(work)
        say("", failed=False)
        if not bpy.app.background:
            job.start()
            Shown.timer = partial(_tick, finish)
            bpy.app.timers.register(Shown.timer, first_interval=_TICK, persistent=True)
            return {"FINISHED"}
        job.run()
        _end(finish)
        if Shown.failed:
            self.report({"ERROR"}, told(Shown.sentence))
        return {"CANCELLED"} if Shown.failed else {"FINISHED"}

    def prepare(self) -> tuple[Work, Finish]:
        """What to do in the thread, and what to do with its result afterwards, which gives the sentence to show."""
        raise NotImplementedError


class ARTALK_OT_set_up_engine(Working):
    """Install PyTorch into an environment beside Blender, which runs the published models; asks first"""

    bl_idname = "artalk.set_up_engine"
    bl_label = "Set Up Engine…"
    bl_options = {"REGISTER"}

    device: EnumProperty(
        name="Device",
        description="What the engine is to run on",
        items=[(name, setup.BUILDS[name].title, "") for name in setup.devices()],
        default=setup.default_device(),
    )
    wheels: StringProperty(
        name="Folder of wheels",
        description="Install from these files, without a network; empty: download",
        subtype="DIR_PATH",
    )
    index: StringProperty(
        name="Address of the build",
        description="What follows --index-url on PyTorch's 'Get Started' page; empty: pip's own index",
    )
    python: StringProperty(
        name="Python",
        description="The Python that makes the environment; empty: one that is found on this machine",
        subtype="FILE_PATH",
    )
    consent: BoolProperty(
        name="Install this", description="Nothing happens without this", default=False, options={"SKIP_SAVE"}
    )

    _found: Path | None = None

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> Result:
        """Say what would be done, and ask."""
        try:
            self._found = setup.find_python()
        except InputError:
            self._found = None  # one may still be named
        return context.window_manager.invoke_props_dialog(self, width=640)

    def draw(self, _context: bpy.types.Context) -> None:
        """The choices, what they come to, and the question."""
        layout = self.layout
        layout.use_property_split = True
        for name in ("device", "index", "wheels", "python"):
            layout.prop(self, name)
        layout.label(
            text="The address of a processor-only or AMD build is on PyTorch's 'Get Started' page.", icon="INFO"
        )
        box = layout.box()
        try:
            python = self._named() or self._found
            if python is None:
                raise InputError("There is no fitting Python on this machine: install one, or name one above.")
            for heading, words in self._plan(python).facts():
                row = box.split(factor=0.15)
                row.label(text=heading)
                row.label(text=told(words))
        except InputError as error:
            draw_sentence(box, str(error), "ERROR")
        box.label(text="Blender's own Python and the extension's folder stay as they are.")
        layout.prop(self, "consent")

    def prepare(self) -> tuple[Work, Finish]:
        """See `Working`."""
        if not self.consent:
            raise InputError("Nothing was installed: tick 'Install this' to agree.")
        if not (self.wheels or bpy.app.online_access):
            raise InputError(
                "Online access is off: turn on 'Allow Online Access' in the preferences under System, or give a folder "
                "of wheels."
            )
        plan = self._plan(setup.find_python(self._named()))
        return partial(setup.install, plan, say=Shown.step.append), partial(_use, device=plan.device)

    def _named(self) -> Path | None:
        return Path(bpy.path.abspath(self.python)) if self.python else None

    def _plan(self, python: Path) -> setup.Plan:
        wheels = Path(bpy.path.abspath(self.wheels)) if self.wheels else None
        return setup.plan(folder(), self.device, python, wheels, self.index.strip())


class ARTALK_OT_cancel_engine_set_up(bpy.types.Operator):
    """Stop here; what has come is kept, and starting again goes on"""

    bl_idname = "artalk.cancel_engine_set_up"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Only while there is something to cancel."""
        return Shown.job is not None

    def execute(self, _context: bpy.types.Context) -> Result:
        """Ask the thread to end."""
        if Shown.job is not None:
            Shown.job.cancel()
        return {"FINISHED"}


class ARTALK_OT_remove_engine(Working):
    """Delete the engine environment and free its space"""

    bl_idname = "artalk.remove_engine"
    bl_label = "Remove Engine"
    bl_options = {"REGISTER"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """Ask."""
        return context.window_manager.invoke_confirm(self, event)

    def prepare(self) -> tuple[Work, Finish]:
        """See `Working`."""
        Shown.step.append("Removing")
        process.stop()
        return partial(_remove, folder()), _forget


def _remove(where: Path, _progress: Progress, _cancel: Cancel) -> None:
    setup.remove(where)


def _use(engine: setup.Engine | None, device: str) -> str:
    """Have the preferences name the new engine."""
    if engine is None:
        return "Cancelled: what is installed is kept, set up again to go on."
    _name(str(engine.python))
    if _IN_TORCH[device] not in engine.devices:
        return (
            f"The engine is ready (PyTorch {engine.torch}), but sees no {setup.BUILDS[device].title} here: it runs on "
            "the processor."
        )
    return f"The engine is ready: PyTorch {engine.torch} for {setup.BUILDS[device].title}."


def _forget(_engine: setup.Engine | None) -> str:
    if preferences.engine_python(bpy.context) == setup.python_in(folder()):
        _name("")
    return "The engine is removed."


def _name(python: str) -> None:
    addon: Any = bpy.context.preferences.addons[preferences.PACKAGE]
    addon.preferences.engine_python = python
    bpy.context.preferences.is_dirty = True


def _tick(finish: Finish) -> float | None:
    """Take in the thread's news; None ends the timer."""
    job = Shown.job
    if job is None:
        return None
    job.drain()
    _redraw()
    if not job.finished:
        return _TICK
    _end(finish)
    return None


def _end(finish: Finish) -> None:
    job, Shown.job = Shown.job, None
    assert job is not None
    if job.error is not None:
        say(job.error, failed=True)
    else:
        say(finish(job.result), failed=False)


def say(sentence: str, *, failed: bool) -> None:
    """Show a sentence where the job was."""
    Shown.sentence, Shown.failed = sentence, failed
    _redraw()


def _redraw() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"PREFERENCES", "VIEW_3D", "SEQUENCE_EDITOR"}:
                area.tag_redraw()


def _stop() -> None:
    """End a job that still runs, pip with it, before Blender or the extension ends."""
    if Shown.timer is not None and bpy.app.timers.is_registered(Shown.timer):
        bpy.app.timers.unregister(Shown.timer)
    job, Shown.job = Shown.job, None
    if job is not None:
        job.cancel()
        job.join(5.0)


_CLASSES = (ARTALK_OT_set_up_engine, ARTALK_OT_cancel_engine_set_up, ARTALK_OT_remove_engine)


def register() -> None:
    """Make the operators known."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    atexit.register(_stop)


def unregister() -> None:
    """End a job that still runs, then take them away."""
    _stop()
    atexit.unregister(_stop)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
