# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons: make a head, generate, cancel."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import bpy

from ..core.errors import InputError
from ..core.generate import Options, Spoken
from . import compat, generation, preferences, preflight, rigs, strips
from .flame_operators import ARTALK_OT_import_flame
from .jobs import Job
from .properties import settings, state
from .translations import told

_TICK = 0.05
_running: Job[list[Spoken]] | None = None

Result = Any  # the stubs' set of literals differs from version to version


def options_of(context: bpy.types.Context, scene: bpy.types.Scene) -> Options:
    """The panel's choice of a model as Options; the layers are with the character."""
    chosen = settings(scene)
    return Options(
        model=chosen.model,
        weights=Path(bpy.path.abspath(chosen.weights)) if chosen.weights else None,
        device=preferences.device(context),
        engine=preferences.engine(context),
        engine_python=preferences.engine_python(context),
    )


def character_of(context: bpy.types.Context, scene: bpy.types.Scene) -> bpy.types.Object:
    """The panel's character, or the one found by itself; InputError when there is none."""
    chosen: bpy.types.Object | None = settings(scene).character
    # a deleted object lives on in the panel's choice, in no scene
    if chosen is not None and chosen.users_scene:
        rigs.require(chosen)
        return chosen
    active = context.view_layer.objects.active if context.view_layer else None
    return rigs.find_character(compat.scene(context), active)


class Speaking(bpy.types.Operator):
    """Runs a generation: in this call, or in a thread under the window's timer. Which one, `_make_task` says."""

    _timer: bpy.types.Timer | None = None
    _task: generation.Task

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """One job at a time, and something to read."""
        if _running is not None:
            cls.poll_message_set(told("A generation is running: wait for it or cancel it"))
            return False
        if not strips.sound_strips(compat.all_strips(compat.sequencer_scene(context))):
            cls.poll_message_set(told("Add a sound strip with speech to the sequencer first"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Result:
        """Run to the end in this call: scripts and background mode."""
        return self._guarded(context, self._run)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> Result:
        """Run in a thread, under the window's timer."""
        if bpy.app.background:
            return self.execute(context)
        return self._guarded(context, self._start)

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> Result:
        """Take in the thread's news at every tick; ESC cancels unless it is needed to stop playback."""
        job = _running
        if job is None:
            return {"CANCELLED"}
        if event.type == "ESC" and event.value == "PRESS" and not context.screen.is_animation_playing:
            job.cancel()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        job.drain()
        _show(context, job)
        if not job.finished:
            return {"PASS_THROUGH"}
        self._end(context)
        return self._guarded(context, partial(self._finish, job=job))

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator itself: the window closes or another file is opened."""
        if _running is not None:
            _running.cancel()
        self._end(context)

    def _prepare(self, context: bpy.types.Context) -> Job[list[Spoken]]:
        self._task = self._make_task(context)
        return Job(partial(generation.speak, self._task))

    def _make_task(self, context: bpy.types.Context) -> generation.Task:
        raise NotImplementedError

    def _run(self, context: bpy.types.Context) -> Result:
        job = self._prepare(context)
        job.run()
        return self._finish(context, job)

    def _start(self, context: bpy.types.Context) -> Result:
        global _running  # noqa: PLW0603 - the one job, which Cancel must find
        job = self._prepare(context)
        manager = context.window_manager
        self._timer = manager.event_timer_add(_TICK, window=context.window)
        manager.modal_handler_add(self)
        _running = job
        job.start()
        _say(context, "", failed=False)
        _show(context, job)
        return {"RUNNING_MODAL"}

    def _finish(self, context: bpy.types.Context, job: Job[list[Spoken]]) -> Result:
        if job.error is not None:
            raise InputError(job.error)
        if job.result is None:
            _say(context, "Cancelled, nothing was changed.", failed=False)
            return {"CANCELLED"}
        sentence = generation.apply(self._task, job.result)
        scene = compat.scene(context)
        scene.frame_set(scene.frame_current)
        verdict = preflight.after(scene, self._task.character.mesh, sentence)
        _say(context, verdict.sentence, failed=verdict.failed, cause=verdict.cause)
        self.report({"WARNING" if verdict.failed else "INFO"}, told(verdict.sentence))
        return {"FINISHED"}

    def _end(self, context: bpy.types.Context) -> None:
        global _running  # noqa: PLW0603
        _running = None
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        state(context).running = False
        _redraw(context)

    def _guarded(self, context: bpy.types.Context, step: Callable[[bpy.types.Context], Result]) -> Result:
        """Run a step; bad input becomes one sentence in the panel and in Blender's report."""
        try:
            return step(context)
        except InputError as error:
            _say(context, str(error), failed=True)
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}


class ARTALK_OT_generate(Speaking):
    """Give the character keys that speak the selected sound strips; your own edits stay, and undo takes it back"""

    bl_idname = "artalk.generate"
    bl_label = "Generate Speech Animation"
    bl_options = {"REGISTER", "UNDO"}

    def _make_task(self, context: bpy.types.Context) -> generation.Task:
        scene = compat.sequencer_scene(context)
        chosen = strips.selected_sound_strips(scene)
        return generation.prepare(scene, chosen, character_of(context, scene), options_of(context, scene))


class ARTALK_OT_regenerate(Speaking):
    """Bring lines up to date with their strips: the selected ones, or all of the character; your edits stay"""

    bl_idname = "artalk.regenerate"
    bl_label = "Regenerate"
    bl_options = {"REGISTER", "UNDO"}

    def _make_task(self, context: bpy.types.Context) -> generation.Task:
        scene = compat.sequencer_scene(context)
        character = character_of(context, scene)
        chosen = generation.strips_to_regenerate(scene, character)
        return generation.prepare(scene, chosen, character, options_of(context, scene), again=True)


class ARTALK_OT_cancel(bpy.types.Operator):
    """End the running generation; nothing is changed"""

    bl_idname = "artalk.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Only while there is something to cancel."""
        return _running is not None

    def execute(self, _context: bpy.types.Context) -> Result:
        """Ask the thread to end; the running operator notices."""
        if _running is not None:
            _running.cancel()
        return {"FINISHED"}


class ARTALK_OT_new_head(bpy.types.Operator):
    """Add artalk's own head, with face shapes and bones, at the 3D cursor; it becomes the character"""

    bl_idname = "artalk.new_head"
    bl_label = "New ARTalk Head"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> Result:
        """Make it and choose it as the character."""
        try:
            cursor: Any = compat.scene(context).cursor
            head = rigs.new_head(context, tuple(cursor.location))
        except InputError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        settings(compat.sequencer_scene(context)).character = head
        return {"FINISHED"}


def _say(context: bpy.types.Context, sentence: str, *, failed: bool, cause: str = "") -> None:
    shown = state(context)
    shown.message, shown.failed, shown.cause = sentence, failed, cause
    _redraw(context)


def _show(context: bpy.types.Context, job: Job[list[Spoken]]) -> None:
    shown = state(context)
    shown.running, shown.fraction = True, job.fraction
    left = job.seconds_left
    wait = f", {left:.0f} s left" if left is not None else ""
    shown.progress_text = "Cancelling…" if job.cancelling else f"{100 * job.fraction:.0f} %{wait}"
    _redraw(context)


def _redraw(context: bpy.types.Context) -> None:
    """Have every panel drawn again that may show the job."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "SEQUENCE_EDITOR"}:
                area.tag_redraw()


_CLASSES = (ARTALK_OT_generate, ARTALK_OT_regenerate, ARTALK_OT_cancel, ARTALK_OT_new_head, ARTALK_OT_import_flame)


def register() -> None:
    """Make the operators known."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """End a job that still runs, then take the operators away."""
    global _running  # noqa: PLW0603
    if _running is not None:
        _running.cancel()
        _running.join(5.0)
        _running = None
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
