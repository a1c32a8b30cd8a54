# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that `blender -b FILE --command artalk` does, through the function that Blender calls.

python headless_scenario.py ZIP FOLDER        writes one JSON line per check to FOLDER/report.jsonl
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import scenario
from scenario import (
    FOLDER,
    add_strip,
    check,
    curves,
    head_objects,
    installed,
    new_file,
    raises_input_error,
    room,
    speech,
    use_model,
    write_wav,
)

scenario.CHECKS.clear()
RAW = ("--post", "none")  # without the ways from rest and back, which make a line longer


def shot(name, lines=1):
    """A saved file with a head and some strips."""
    installed()
    scene = new_file()
    bpy.ops.artalk.new_head()
    use_model()
    for number in range(lines):
        strip = add_strip(scene, speech(1.0), 1 + 60 * number, 1)
        strip.name, strip.select = f"line {number}", False
    path = FOLDER / f"{name}.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def run(*arguments):
    """Exit code, events of stdout, and what stderr says."""
    out, talk = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(talk):
        code = room("artalk_addon.command").run([str(a) for a in arguments])
    every = out.getvalue().splitlines()
    assert all(line.startswith("{") for line in every), every
    return code, [json.loads(line) for line in every], talk.getvalue()


def keys_of(mesh):
    return {path: len(curve.keyframe_points) for path, curve in curves(mesh.data.shape_keys).items()}


@check
def generate_status_reduce_bake_export():
    path = shot("road", 2)
    code, events, _ = run("status")
    assert code == 0
    assert [event["state"] for event in events] == ["missing", "missing"]
    code, events, _ = run("generate", "--strip", "line 0", "--save")
    assert (code, events[0]["event"], events[0]["moves"]) == (0, "generated", True), events
    assert [event["state"] for event in run("status")[1]] == ["up to date", "missing"]
    assert run("generate", "--all", "--save")[0] == 0
    bpy.ops.wm.open_mainfile(filepath=str(path))
    code, events, _ = run("status")
    assert [event["state"] for event in events] == ["up to date", "up to date"], events
    assert events[0]["edited_curves"] == 0
    room("artalk_addon.compat").all_strips(bpy.context.scene)[0].frame_start += 3
    assert sorted(event["state"] for event in run("status")[1]) == ["changed", "up to date"]
    bpy.ops.wm.open_mainfile(filepath=str(path))
    before = sum(keys_of(head_objects()[0]).values())
    code, (event,), talk = run("reduce", "--bound", "0.5", "--save")
    assert (code, event["event"]) == (0, "reduced"), talk
    assert event["bound_mm"] == 0.5
    assert event["worst_mm"] <= 0.5
    assert event["keys_after"] < event["keys_before"]
    bpy.ops.wm.open_mainfile(filepath=str(path))
    assert sum(keys_of(head_objects()[0]).values()) < before
    assert [event["state"] for event in run("status")[1]] == ["up to date", "up to date"], "reduced is not changed"
    out = FOLDER / "road.csv"
    code, (event,), _ = run("export", "--out", out)
    assert (code, event["event"], event["output"]) == (0, "exported", str(out))
    assert len(out.read_text().splitlines()) == event["last"] - event["first"] + 2
    mesh, _ = head_objects()
    jaw = curves(mesh.data.shape_keys)['key_blocks["jawOpen"].value', 0]
    frames = np.arange(event["first"], event["last"] + 1)
    wanted = [jaw.evaluate(frame) for frame in frames]
    code, (event,), _ = run("bake", "--save")
    assert (code, event["event"]) == (0, "baked")
    bpy.ops.wm.open_mainfile(filepath=str(path))
    mesh, _ = head_objects()
    jaw = curves(mesh.data.shape_keys)['key_blocks["jawOpen"].value', 0]
    points = np.array([point.co for point in jaw.keyframe_points])
    np.testing.assert_array_equal(points[:, 0], frames)
    np.testing.assert_allclose(points[:, 1], wanted, atol=1e-5)
    assert {point.interpolation for point in jaw.keyframe_points} == {"LINEAR"}
    assert run("reduce")[0] == 2, "the keys are the artist's own now"
    use_model()
    assert [event["state"] for event in run("status")[1]] == ["baked", "baked"]
    before = keys_of(mesh)
    assert bpy.ops.artalk.refresh_dialogue() == {"FINISHED"}
    assert {row.state for row in bpy.context.window_manager.artalk.table} == {"baked"}
    assert run("generate", "--all")[0] == 0
    raises_input_error(["baked", "delete them"], room("artalk_addon.dialogue").without_baked, [(mesh, strips_there())])
    assert run("generate", "--strip", "line 0")[0] == 2
    code, _, talk = run("regenerate", "--all")
    assert (code, "are baked" in talk) == (2, True), talk
    assert keys_of(mesh) == before, "and not overwritten"


def strips_there():
    return room("artalk_addon.strips").heard_sound_strips(bpy.context.scene)


@check
def one_line_is_regenerated_on_who_has_spoken_it():
    shot("two", 2)
    bpy.ops.artalk.new_head()  # which is the panel's character now
    assert run("generate", "--strip", "line 0", "--character", "artalk head")[0] == 0
    strips_there()[0].volume = 0.5
    code, (event,), talk = run("regenerate", "--strip", "line 0")
    assert (code, event["character"], event["lines"]) == (0, "artalk head", 1), talk
    assert run("regenerate", "--strip", "line 1")[0] == 2, "nobody has spoken it"
    assert run("regenerate", "--strip", "line 7")[0] == 2


@check
def regenerate_reports_what_has_changed():
    shot("changed", 3)
    assert run("generate", "--all")[0] == 0
    code, (event,), _ = run("regenerate")
    assert (code, event["lines"], event["message"]) == (0, 0, "All 3 lines are up to date.")
    strips_there()[1].volume = 0.5
    code, (event,), _ = run("regenerate")
    assert (code, event["lines"]) == (0, 1), event
    assert event["message"].startswith("1 line on 'artalk head'"), event
    # one slider moves some of the curves
    head_objects()[0].artalk.jaw = 0.5
    head_objects()[0].artalk.jaw = 1.0
    assert run("regenerate", "--strip", "line 2")[1][0]["lines"] == 0
    code, (event,), _ = run("generate", "--strip", "line 2")
    assert "0 of the curves have changed." in event["message"], event


@check
def lips_that_do_not_move_are_said():
    shot("still")
    head_objects()[0].data.shape_keys.use_relative = False
    code, events, _ = run("status")
    assert [(event["event"], event.get("cause")) for event in events] == [("line", None), ("warning", "absolute")]
    code, events, _ = run("generate", "--all")
    assert code == 0
    assert not events[0]["moves"]
    assert events[1]["cause"] == "absolute"


def table(*rows):
    path = FOLDER / "lines.csv"
    path.write_text("\n".join(["audio,character,style,output", *rows]), encoding="utf-8")
    return path


@check
def recordings_are_animated_without_the_open_file():
    sound, out = FOLDER / "said.wav", FOLDER / "said.npz"
    write_wav(sound, scenario.noise(0.8))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = room("artalk_addon.command").run(["generate", str(sound), "--out", str(out), *RAW])
    assert (code, printed.getvalue().strip()) == (0, str(out))
    out.unlink()
    code, _, talk = run("generate", sound, "--out", out, "--strip", "line 0")
    assert (code, "--strip is of the open file" in talk) == (2, True), talk
    assert not out.exists()


@check
def a_table_of_lines_can_be_stopped_and_started_again():
    blend = shot("table", 1)
    for number in range(3):
        write_wav(FOLDER / f"take{number}.wav", scenario.noise(0.8 + 0.2 * number))
    lines = table(
        "take0.wav,artalk head,,made/0.csv", "take1.wav,,,made/1.npz", "take2.wav,artalk head,,made/2.blend",
        "gone.wav,,,made/3.csv",
    )  # fmt: skip
    assert [event["state"] for event in run("status", "--lines", lines, *RAW)[1][:-1]] == ["missing"] * 4
    lines = table("take0.wav,artalk head,,made/0.csv", "take1.wav,,,made/1.npz", "take2.wav,artalk head,,made/2.blend")
    assert [event["state"] for event in run("status", "--lines", lines, *RAW)[1][:-1]] == ["missing"] * 3
    code, events, talk = run("generate", "--lines", lines, *RAW)
    assert code == 0, (events, talk)
    assert [event.get("state") for event in events[:-1]] == ["done"] * 3, events
    assert events[-1]["done"] == 3
    made = FOLDER / "made"
    assert sorted(p.name for p in made.iterdir() if not p.name.startswith(".")) == ["0.csv", "1.npz", "2.blend"]
    assert len((made / "0.csv").read_text().splitlines()) == 1 + 20
    motion = room("core.motion").Motion.load(made / "1.npz")
    assert (len(motion), motion.fps) == (25, 25.0)
    assert np.ptp(motion.channel("jawOpen")) > 0.1
    code, events, _ = run("generate", "--lines", lines, *RAW)
    assert events[-1] == {"event": "summary", "done": 0, "up_to_date": 3, "being_made": 0, "failed": 0}
    assert [event["state"] for event in run("status", "--lines", lines, *RAW)[1][:-1]] == ["up to date"] * 3
    assert [event["state"] for event in run("status", "--lines", lines, *RAW, "--seed", "4")[1][:-1]] == ["changed"] * 3
    write_wav(FOLDER / "take1.wav", scenario.noise(0.6))
    assert [event["state"] for event in run("generate", "--lines", lines, *RAW)[1][:-1]] == [
        "up to date",
        "done",
        "up to date",
    ]
    bpy.ops.wm.open_mainfile(filepath=str(made / "2.blend"))
    assert curves(head_objects()[0].data.shape_keys)['key_blocks["jawOpen"].value', 0].range()[0] == 1
    strips = room("artalk_addon.compat").all_strips(bpy.context.scene)
    assert sorted(strip.name for strip in strips) == ["line 0", "take2"]
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    assert not keys_of(head_objects()[0]), "the shot itself is as it was"


@check
def a_failed_line_gives_status_2_and_costs_the_others_nothing():
    shot("failing")
    write_wav(FOLDER / "good.wav", scenario.noise(0.8))
    write_wav(FOLDER / "silent.wav", np.zeros(16000))
    lines = table("silent.wav,,,made/silent.csv", "good.wav,,,made/good.csv", "good.wav,nobody,,made/nobody.csv")
    code, events, _ = run("generate", "--lines", lines)
    assert code == 2
    assert [event["state"] for event in events[:-1]] == ["failed", "done", "failed"]
    assert "silence" in events[0]["message"]
    assert "nobody" in events[2]["message"]
    assert not list((FOLDER / "made").glob(".*lock"))


@check
def the_style_of_a_line_is_a_name_or_a_file():
    shot("styles")
    write_wav(FOLDER / "styled.wav", scenario.noise(0.8))
    smiling = room("core.styles").SHIPPED / "smiling.npz"
    lines = table(
        "styled.wav,,smiling,made/name.npz", f"styled.wav,,{smiling},made/file.npz",
        "styled.wav,,smilling,made/none.npz", "styled.wav,,gone/smiling.npz,made/gone.npz",
    )  # fmt: skip
    code, events, _ = run("generate", "--lines", lines)
    assert code == 2
    assert [event["state"] for event in events[:-1]] == ["done", "done", "failed", "failed"], events
    assert "There is no style 'smilling': choose one of" in events[2]["message"], events[2]
    assert "smiling" in events[2]["message"]
    assert str(FOLDER / "gone" / "smiling.npz") in events[3]["message"]
    assert [event["state"] for event in run("status", "--lines", lines)[1][:2]] == ["up to date"] * 2


@check
def bad_input_is_one_sentence_and_status_2():
    shot("bad")
    cases = {
        ("reduce",): "generate first",
        ("bake",): "generate first",
        ("export", "--out", FOLDER / "x.csv"): "generate first",
        ("export", "--out", FOLDER / "x.obj"): ".obj",
        ("generate", "--lines", FOLDER / "none.csv"): "no table of lines",
        ("generate", "--all", "--lines", FOLDER / "none.csv"): "--lines",
        ("generate", "--lines", table("a.wav,,,x.doc")): "x.doc",
        ("status", "--character", "nobody"): "nobody",
        ("genrate", "--all"): "invalid choice: 'genrate'",
        ("reduce", "--bond", "1"): "--bond 1: see `blender -b FILE --command artalk reduce --help`",
    }
    for arguments, words in cases.items():
        code, _, talk = run(*arguments)
        assert code == 2, arguments
        assert words in talk, (arguments, talk)
        assert "Traceback" not in talk
    assert "the shot itself" in run("generate", "--lines", table("a.wav,,,bad.blend"))[2]
    shot("bare", 0)
    code, events, _ = run("status")
    assert (code, [event["event"] for event in events]) == (0, ["warning"]), (
        "no strip is said, not passed over in silence"
    )
    assert "no sound strip" in events[0]["message"]
    new_file()
    for action in ("reduce", "bake"):
        assert run(action, "--save")[0] == 2, "nowhere to save to"
    code, _, talk = run("status")
    assert (code, "No file is open" in talk) == (2, True), "Blender goes on where it cannot open a file"


@check
def a_fault_of_ours_is_status_1():
    shot("fault")
    use_model(ending=ZeroDivisionError("oops"))
    code, events, talk = run("generate", "--all")
    assert (code, events[-1]["event"]) == (1, "error")
    assert "ZeroDivisionError" in events[-1]["message"]
    assert "Traceback" in talk


if __name__ == "__main__":
    scenario.main()
