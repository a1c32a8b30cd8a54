# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons: make a head, generate, cancel. In a window lines go through the queue."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import bpy
from bpy.props import IntProperty

from ..core.errors import InputError
from ..core.generate import Options
from . import compat, generation, job_queue, model_files, preferences, preflight, rigs, strips, style_settings
from .flame_operators import ARTALK_OT_import_flame
from .jobs import Job
from .properties import settings
from .translations import told

Result = Any  # the stubs' set of literals differs from version to version


def options_of(context: bpy.types.Context, scene: bpy.types.Scene) -> Options:
    """The panel's choice of a model as Options; the layers are with the character."""
    chosen = settings(scene)
    return Options(
        model=chosen.model,
        weights=model_files.weights(context, chosen),
        flame=Path(bpy.path.abspath(chosen.flame)) if chosen.flame else None,
        device=preferences.device(context),
        engine=preferences.engine(context),
        engine_python=preferences.engine_python(context),
        **style_settings.options(context, scene),
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


Cast = list[tuple[bpy.types.Object, list[compat.Strip]]]
"""Who speaks what."""


class Speaking(bpy.types.Operator):
    """Generates lines: all in one call for scripts and without a window, else in the queue. Which, `_cast` says."""

    again = False

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is something to read."""
        if not strips.sound_strips(compat.all_strips(compat.sequencer_scene(context))):
            cls.poll_message_set(told("Add a sound strip with speech to the sequencer first"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> Result:
        """Run to the end in this call."""
        return self._guarded(context, self._run)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> Result:
        """Put the lines into the queue, which the window works off."""
        if bpy.app.background:
            return self.execute(context)
        return self._guarded(context, self._queue)

    def _cast(self, context: bpy.types.Context, scene: bpy.types.Scene) -> Cast:
        raise NotImplementedError

    def _queue(self, context: bpy.types.Context) -> Result:
        scene, options = compat.sequencer_scene(context), options_of(context, compat.sequencer_scene(context))
        cast = self._cast(context, scene)
        for item, _ in cast:
            job_queue.get_ready(scene, item, options)
        spoken = [(strip, item) for item, chosen in cast for strip in chosen]
        spoken.sort(key=lambda each: compat.strip_timing(each[0]).left)
        job_queue.add(scene, spoken, options, again=self.again)
        return {"FINISHED"}

    def _run(self, context: bpy.types.Context) -> Result:
        scene, options = compat.sequencer_scene(context), options_of(context, compat.sequencer_scene(context))
        from . import dialogue  # which needs this module

        cast = self._cast(context, scene)
        tasks = [generation.prepare(scene, chosen, item, options, again=self.again) for item, chosen in cast]
        job = Job(partial(dialogue.speak_all, tasks))
        job.run()
        if job.error is not None:
            raise InputError(job.error)
        if job.result is None:
            job_queue.say("Cancelled, nothing was changed.", failed=False)
            return {"CANCELLED"}
        work = list(zip(tasks, job.result, strict=True))
        if self.again:
            work = [generation.stale(*each) for each in work]
        work = [(task, spoken) for task, spoken in work if task.sources]
        said = [generation.apply(task, spoken) for task, spoken in work]
        shown = compat.scene(context)
        shown.frame_set(shown.frame_current)
        verdicts = [
            preflight.after(shown, task.character.mesh, sentence)
            for (task, _), sentence in zip(work, said, strict=True)
        ]
        same = sum(len(chosen) for _, chosen in cast) - sum(len(task.sources) for task, _ in work)
        if same:
            verdicts.append(preflight.Verdict(f"{same} up to date." if work else job_queue.up_to_date(same)))
        bad = [verdict for verdict in verdicts if verdict.failed]
        sentence = " ".join(verdict.sentence for verdict in verdicts)
        job_queue.say(sentence, failed=bool(bad), cause=bad[0].cause if bad else "")
        self.report({"WARNING" if bad else "INFO"}, told(sentence))
        if not bpy.app.background:
            bpy.ops.ed.undo_push(message=self.bl_label)
        return {"FINISHED"}

    def _guarded(self, context: bpy.types.Context, step: Callable[[bpy.types.Context], Result]) -> Result:
        """Run a step; bad input becomes one sentence in the panel and in Blender's report."""
        try:
            return step(context)
        except InputError as error:
            job_queue.say(str(error), failed=True)
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}


class ARTALK_OT_generate(Speaking):
    """Give the character keys that speak the selected sound strips; your edits stay, each line is a step of undo"""

    bl_idname = "artalk.generate"
    bl_label = "Generate Speech Animation"
    # each finished line is a step of undo of its own, pushed when it is written
    bl_options = {"REGISTER"}

    def _cast(self, context: bpy.types.Context, scene: bpy.types.Scene) -> Cast:
        from . import dialogue  # which needs this module

        try:
            otherwise = character_of(context, scene)
        except InputError:
            otherwise = None
        return dialogue.cast(scene, strips.selected_sound_strips(scene), otherwise)


class ARTALK_OT_regenerate(Speaking):
    """Bring lines up to date with their strips: the selected ones, or all of the character; your edits stay"""

    bl_idname = "artalk.regenerate"
    bl_label = "Regenerate"
    bl_options = {"REGISTER"}
    again = True

    def _cast(self, context: bpy.types.Context, scene: bpy.types.Scene) -> Cast:
        item = character_of(context, scene)
        return [(item, generation.strips_to_regenerate(scene, item))]


class ARTALK_OT_cancel(bpy.types.Operator):
    """End a line that waits or runs, or all of them; what is written stays"""

    bl_idname = "artalk.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    number: IntProperty(description="Of the line; 0 for all", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Only while there is something to cancel."""
        return job_queue.QUEUE.busy

    def execute(self, _context: bpy.types.Context) -> Result:
        """Ask it to end."""
        job_queue.cancel(self.number or None)
        return {"FINISHED"}


class ARTALK_OT_clear_queue(bpy.types.Operator):
    """Take the lines that have ended off the list"""

    bl_idname = "artalk.clear_queue"
    bl_label = "Clear List"
    bl_options = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> Result:
        """Forget them."""
        job_queue.clear()
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


_CLASSES = (
    ARTALK_OT_generate,
    ARTALK_OT_regenerate,
    ARTALK_OT_cancel,
    ARTALK_OT_clear_queue,
    ARTALK_OT_new_head,
    ARTALK_OT_import_flame,
)


register, unregister = bpy.utils.register_classes_factory(_CLASSES)
