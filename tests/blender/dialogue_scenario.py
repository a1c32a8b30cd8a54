# SPDX-License-Identifier: GPL-3.0-or-later
"""Who speaks what, what is up to date, and the whole scene at once.

python dialogue_scenario.py ZIP FOLDER        writes one JSON line per check to FOLDER/report.jsonl
"""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
import scenario
from headless_scenario import run
from jobs_scenario import cast, frames_of, state
from scenario import FOLDER, add_strip, check, noise, raises_input_error, room, speech, use_model, write_wav

scenario.CHECKS.clear()


def role(scene, by, pattern, character):
    made = scene.artalk.roles.add()
    made.by, made.pattern, made.character = by, pattern, character


def play(*names, heads=2):
    """Heads, and a line of each name, four seconds apart."""
    scene, heads, strips = cast(*(1 + 100 * number for number in range(len(names))), heads=heads)
    use_model()
    for strip, name in zip(strips, names, strict=True):
        strip.name, strip.select = name, False
    return scene, heads, strips


def table():
    assert bpy.ops.artalk.refresh_dialogue() == {"FINISHED"}
    return {row.name: (row.character, row.state, row.why) for row in state().table}


@check
def the_first_role_that_fits_says_who_speaks():
    scene, (anna, bert), strips = play("ANNA_010", "bert_010", "ANNA_020", "song", "noise")
    speaker = room("artalk_addon.dialogue").speaker
    assert speaker(scene, strips[0]) == scene.artalk.character, "without roles the panel's character speaks"
    role(scene, "STRIP", "ANNA_020", bert)
    role(scene, "NAME", "anna_*", anna)
    role(scene, "NAME", "BERT_*", bert)
    role(scene, "CHANNEL", "Music", None)
    scene.sequence_editor.channels[strips[3].channel].name = "Music"
    assert [speaker(scene, strip) for strip in strips[:3]] == [anna, bert, bert]
    raises_input_error(["'song'", "no character"], speaker, scene, strips[3])
    raises_input_error(["No role", "'noise'"], speaker, scene, strips[4])
    scene.sequence_editor.channels[strips[4].channel].name = "Anna"
    role(scene, "CHANNEL", "Ann?", anna)
    assert speaker(scene, strips[4]) == anna
    scene.sequence_editor.channels[strips[4].channel].name = "Bert [main]"
    role(scene, "CHANNEL", "bert [main]", bert)
    assert speaker(scene, strips[4]) == bert, "a name is no pattern only because it looks like one"
    bpy.data.objects.remove(bert)
    raises_input_error(["'ANNA_020'", "no character"], speaker, scene, strips[2])
    path = FOLDER / "roles.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.open_mainfile(filepath=str(path))
    kept = [(each.by, each.pattern) for each in bpy.context.scene.artalk.roles]
    assert kept[:2] == [("STRIP", "ANNA_020"), ("NAME", "anna_*")]


@check
def roles_are_made_from_what_is_selected():
    scene, (anna, bert), strips = play("ANNA_010", "bert-take2", "solo")
    scene.artalk.character, strips[0].select = anna, True
    bpy.ops.artalk.add_role(by="NAME")
    scene.artalk.character, strips[0].select, strips[1].select = bert, False, True
    bpy.ops.artalk.add_role(by="NAME")
    bpy.ops.artalk.add_role(by="CHANNEL")
    strips[2].select = True
    bpy.ops.artalk.add_role(by="STRIP")
    found = [(each.by, each.pattern, each.character.name) for each in scene.artalk.roles]
    assert found == [
        ("STRIP", "solo", "head 1"),
        ("STRIP", "bert-take2", "head 1"),
        ("NAME", "ANNA_*", "head 0"),
        ("NAME", "bert-*", "head 1"),
        ("CHANNEL", "Channel 2", "head 1"),
    ], found
    bpy.ops.artalk.change_role(how="DOWN")
    assert scene.artalk.roles[1].pattern == "solo"
    bpy.ops.artalk.change_role(how="REMOVE")
    assert "solo" not in [each.pattern for each in scene.artalk.roles]
    for strip in strips:
        strip.select = False
    count = len(scene.artalk.roles)
    with contextlib.suppress(RuntimeError):  # which is how Blender reports errors to scripts
        bpy.ops.artalk.add_role(by="STRIP")
    assert len(scene.artalk.roles) == count, "nothing was selected"


@check
def generate_all_does_the_scene_and_again_only_what_has_changed():
    scene, (anna, bert), strips = play("ANNA_1", "BERT_1", "ANNA_2", "nobody")
    role(scene, "NAME", "ANNA_*", anna)
    role(scene, "NAME", "BERT_*", bert)
    assert {name: row[1] for name, row in table().items()} == {
        "ANNA_1": "missing", "BERT_1": "missing", "ANNA_2": "missing", "nobody": "no character"
    }  # fmt: skip
    assert bpy.ops.artalk.generate_all() == {"FINISHED"}, state().message
    assert 201 in frames_of(anna)
    assert 101 in frames_of(bert)
    assert not {101, 301} & set(frames_of(anna))
    assert table() == {
        "ANNA_1": ("head 0", "up to date", ""),
        "BERT_1": ("head 1", "up to date", ""),
        "ANNA_2": ("head 0", "up to date", ""),
        "nobody": ("", "no character", ""),
    }
    assert state().table_text == "3 up to date, 1 no character"
    spoken, speak = [], room("artalk_addon.generation").speak_clip
    room("artalk_addon.generation").speak_clip = lambda *args: spoken.append(1) or speak(*args)
    try:
        assert bpy.ops.artalk.generate_all() == {"FINISHED"}
        assert spoken == [], "nothing has changed"
        write_wav(FOLDER / "speech_1.wav", 0.5 * noise(1.0))
        strips[1].frame_start += 7
        anna.artalk.jaw = 0.5
        assert {name: row[2] for name, row in table().items()} == {
            "ANNA_1": "sound", "BERT_1": "sound, place", "ANNA_2": "sound", "nobody": ""
        }, table()  # fmt: skip
        bert.artalk.seed = 3
        assert bpy.ops.artalk.generate_all() == {"FINISHED"}
        assert len(spoken) == 3
    finally:
        room("artalk_addon.generation").speak_clip = speak
    # a line that follows at once goes on from the one before it, and so changes with that
    strips[2].frame_start = strips[0].frame_start + 26
    assert bpy.ops.artalk.generate_all() == {"FINISHED"}
    assert table()["ANNA_2"][1] == "up to date", table()
    strips[0].volume = 0.5
    assert {name: row[2] for name, row in table().items()}["ANNA_2"] == "line before", table()
    assert table()["ANNA_1"][2] == "sound"
    room("artalk_addon.compat").ensure_strips(scene).remove(strips[2])
    assert table()["ANNA_2"] == ("head 0", "strip is gone", "")


@check
def a_click_on_a_row_selects_its_strip():
    scene, _, strips = play("a", "b", "c", heads=1)
    names = list(table())
    state().table_row = names.index("b")
    assert [strip.select for strip in strips] == [False, True, False]
    assert scene.sequence_editor.active_strip.name == "b"


@check
def the_table_follows_undo_and_redo():
    play("ANNA_1", heads=1)
    assert table()["ANNA_1"][1] == "missing"
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.artalk.generate_all() == {"FINISHED"}
    bpy.ops.ed.undo_push(message="generated")
    table()
    shown = []
    for step in (bpy.ops.ed.undo, bpy.ops.ed.redo):
        assert step() == {"FINISHED"}
        shown.append([row.state for row in state().table])
    assert shown == [["missing"], ["up to date"]], shown


@check
def the_command_knows_the_roles():
    scene, (anna, bert), _ = play("ANNA_1", "BERT_1", "nobody")
    role(scene, "NAME", "ANNA_*", anna)
    role(scene, "NAME", "BERT_*", bert)
    bpy.ops.wm.save_as_mainfile(filepath=str(FOLDER / "play.blend"))
    code, events, talk = run("generate", "--all", "--character", "head 1", "--save")
    assert code == 0, talk
    assert frames_of(bert)
    assert not frames_of(anna), "of several characters only the lines of this one"
    code, events, talk = run("generate", "--all", "--save")
    assert code == 0, talk
    assert [event["character"] for event in events if event["event"] == "generated"] == ["head 0"], events
    assert [event["strip"] for event in events if event.get("state") == "no character"] == ["nobody"]
    code, events, _ = run("status")
    assert code == 0
    assert [(event["strip"], event["character"], event["state"]) for event in events] == [
        ("ANNA_1", "head 0", "up to date"),
        ("BERT_1", "head 1", "up to date"),
        ("nobody", "", "no character"),
    ], events
    code, events, _ = run("generate", "--all")
    assert [event["event"] for event in events] == ["line", "generated"], events
    assert "up to date" in events[1]["message"]
    for arguments, speakers in (("--all",), ["head 0", "head 1"]), (("--all", "--character", "head 0"), ["head 0"]):
        code, events, talk = run("regenerate", *arguments)
        assert code == 0, talk
        assert [event["character"] for event in events if event["event"] == "generated"] == speakers, arguments
    assert run("generate", "--strip", "nobody", "--character", "head 0")[0] == 0, "who is named speaks"
    assert run("generate", "--strip", "nobody")[0] == 2


@check
def two_hundred_strips_of_several_characters():
    scene, heads, _ = play(heads=2)
    path = speech(1.0)
    for number in range(200):
        strip = add_strip(scene, path, 1 + 30 * (number // 2), 1 + number % 2)
        strip.name, strip.select = f"{'AB'[number % 2]}_{number:03}", False
    role(scene, "NAME", "A_*", heads[0])
    role(scene, "NAME", "B_*", heads[1])
    begun = time.process_time()
    assert len(table()) == 200
    first = time.process_time() - begun
    begun = time.process_time()
    assert bpy.ops.artalk.generate_all() == {"FINISHED"}, state().message
    generated = time.process_time() - begun
    begun = time.process_time()
    assert {row[1] for row in table().values()} == {"up to date"}
    again = time.process_time() - begun
    begun = time.process_time()
    asked = room("artalk_addon.dialogue").ask(scene, room("artalk_addon.operators").options_of(bpy.context, scene))
    asking = time.process_time() - begun
    begun = time.process_time()
    rows = room("artalk_addon.dialogue").look(asked, lambda _: None, lambda: False)
    looking = time.process_time() - begun
    assert {row.state for row in rows} == {"up to date"}
    for head in heads:
        frames = frames_of(head)
        assert min(frames) == 1
        assert max(frames) > 2970
    return (
        f"table {first:.2f} s, generated {generated:.1f} s, table again {again:.2f} s, "
        f"once more {asking:.2f} + {looking:.2f} s of one core"
    )


if __name__ == "__main__":
    scenario.main()
