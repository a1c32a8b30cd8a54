# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks that are full or read-only, files that others change, and a process that is killed: nothing is lost.

python disk_scenario.py ZIP FOLDER        writes one JSON line per check to FOLDER/report.jsonl
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import bpy

sys.path.insert(0, str(Path(__file__).parent))
import scenario
from headless_scenario import run, shot, table
from jobs_scenario import Gate
from scenario import FOLDER, ZIP, check, head_objects, new_file, noise, room, speech, use_model, write_wav

scenario.CHECKS.clear()
LITTLE = 20_000  # bytes that a file may have: less than any output
PATIENCE = 120.0


@contextmanager
def full_disk():
    """No file can grow beyond a little, which is how a full disk looks to who writes."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LITTLE, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)


@contextmanager
def read_only(folder):
    """A folder that nobody may write into, nor root, who for the time being is not."""
    root = os.geteuid() == 0
    modes = {folder: folder.stat().st_mode}
    if root:
        # on the way to it others than root must be able to pass, as they cannot through pytest's folders
        modes |= {each: each.stat().st_mode for each in folder.parents if not each.stat().st_mode & 1}
    for each, mode in modes.items():
        each.chmod(0o555 if each == folder else mode | 0o055)
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for each, mode in modes.items():
            each.chmod(mode)


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def refused(folder, *arguments):
    """A command ends with status 2 and one sentence, and the folder is as it was."""
    before = contents(folder)
    code, events, talk = run(*arguments)
    assert code == 2, (arguments, code, events, talk)
    said = talk.strip().splitlines()
    if events and "message" in events[0]:
        said = [events[0]["message"]]
    assert len(said) >= 1, (arguments, talk)
    assert said[-1].endswith("."), said
    assert "Traceback" not in f"{talk} {said}", (talk, said)
    after = contents(folder)
    assert after.keys() == before.keys(), (arguments, after.keys() - before.keys())
    assert after == before, arguments
    return said[-1]


def endings():
    """The endings of files that this Blender can export."""
    every = room("artalk_addon.export").ENDINGS
    return [ending for ending in every if not ending.startswith(".usd") or hasattr(bpy.types, "WM_OT_usd_export")]


@check
def a_full_disk_is_one_sentence_and_leaves_nothing_half_written():
    folder = FOLDER / "full"
    folder.mkdir()
    path = shot("full/shot")
    assert run("generate", "--all", "--save")[0] == 0
    bpy.ops.wm.open_mainfile(filepath=str(path))
    path.with_suffix(".blend1").unlink(missing_ok=True)
    whole = path.read_bytes()
    sound = speech(60.0)
    said = []
    for ending in (each for each in endings() if each != ".abc"):  # whose writer ends the process
        with full_disk():
            said.append(refused(folder, "export", "--out", folder / f"x{ending}"))
    export = room("artalk_addon.export")
    usage, export.disk_usage = export.disk_usage, lambda _: SimpleNamespace(free=LITTLE)
    try:
        assert "room" in refused(folder, "export", "--out", folder / "x.abc")
    finally:
        export.disk_usage = usage
    with full_disk():
        said.append(refused(folder, "regenerate", "--save"))
        for ending in (".npz", ".csv", ".blend"):
            refused(folder, "generate", sound, "--out", folder / f"y{ending}", "--post", "none")
    assert path.read_bytes() == whole
    bpy.ops.wm.open_mainfile(filepath=str(path))
    assert run("status")[1][0]["state"] == "up to date"
    return said[0]


@check
def a_line_of_a_table_that_finds_no_room_fails_alone():
    shot("roomy")
    write_wav(FOLDER / "long.wav", noise(8.0))
    lines = table("long.wav,,,made/long.csv", "long.wav,,,made/long.npz", "long.wav,,,made/long.blend")
    (FOLDER / "made").mkdir(exist_ok=True)
    with full_disk():
        code, events, talk = run("generate", "--lines", lines, "--post", "none")
    assert code == 2, talk
    assert [event["state"] for event in events[:-1]] == ["failed"] * 3, events
    assert not list((FOLDER / "made").iterdir()), list((FOLDER / "made").iterdir())


@check
def a_read_only_folder_is_one_sentence():
    folder = FOLDER / "locked"
    folder.mkdir()
    path = shot("locked/shot")
    assert run("generate", "--all", "--save")[0] == 0
    bpy.ops.wm.open_mainfile(filepath=str(path))
    use_model()
    sound = speech(1.0)
    FOLDER.chmod(0o755)
    # what is imported on the way is out of reach for others than root
    for ending in (".npz", ".csv", ".blend"):
        assert room("artalk_addon.command").run(["generate", str(sound), "--out", str(FOLDER / f"free{ending}")]) == 0
    bpy.ops.wm.open_mainfile(filepath=str(path))
    with read_only(folder):
        if os.access(folder, os.W_OK, effective_ids=True):
            return "skipped: this user may write everywhere"
        refused(folder, "regenerate", "--save")
        refused(folder, "export", "--out", folder / "x.csv")
        for ending in (".npz", ".csv", ".blend"):
            refused(folder, "generate", sound, "--out", folder / f"y{ending}", "--post", "none")
    return ""


@check
def a_file_that_another_blender_has_saved_is_not_overwritten():
    path = shot("shared", 2)
    assert run("generate", "--strip", "line 0", "--save")[0] == 0, "our own save is no other's"
    assert run("generate", "--strip", "line 1", "--save")[0] == 0
    later = path.stat().st_mtime_ns + 10**9
    os.utime(path, ns=(later, later))
    theirs = path.read_bytes()
    spoken = []
    speak = room("artalk_addon.generation").speak
    room("artalk_addon.generation").speak = lambda *args: spoken.append(1) or speak(*args)
    try:
        for action in (("generate", "--strip", "line 0"), ("regenerate",), ("reduce",), ("bake",)):
            code, _, talk = run(*action, "--save")
            assert code == 2, action
            assert "changed on the disk" in talk, talk
    finally:
        room("artalk_addon.generation").speak = speak
    assert spoken == [], "no time is spent on it"
    assert path.read_bytes() == theirs
    bpy.ops.wm.open_mainfile(filepath=str(path))
    use_model()
    assert run("regenerate", "--save")[0] == 0


@check
def killed_while_it_generates_the_file_opens_as_it_was():
    path = shot("killed", 2)
    assert run("generate", "--strip", "line 0", "--save")[0] == 0
    whole = path.read_bytes()
    ready = FOLDER / "speaking"
    child = subprocess.Popen(
        [sys.executable, __file__, str(ZIP), str(FOLDER), "speak", str(path), str(ready)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + PATIENCE
    while not ready.exists():
        assert child.poll() is None, "it ended before it spoke"
        assert time.monotonic() < until
        time.sleep(0.02)
    child.kill()
    child.wait()
    assert path.read_bytes() == whole
    new_file()
    bpy.ops.wm.open_mainfile(filepath=str(path))
    use_model()
    assert [event["state"] for event in run("status")[1]] == ["up to date", "missing"]
    assert run("generate", "--all", "--save")[0] == 0
    assert head_objects()[0].data.shape_keys.animation_data.action is not None


def speak_for_ever(path, ready):
    """In a process of its own: begin to generate, say so, and never end."""

    class Told(Gate):
        def generate(self, *arguments, **named):
            ready.write_text("now")
            return super().generate(*arguments, **named)

    import addon_utils

    addon_utils.enable(scenario.PACKAGE, default_set=True)
    use_model()
    told = Told(room("core.basis").ARKIT, room("core.motion").Motion)
    room("core.models").load = lambda *_: told
    bpy.ops.wm.open_mainfile(filepath=str(path))
    run("generate", "--all", "--save")


if __name__ == "__main__":
    if "speak" in sys.argv:
        speak_for_ever(*map(Path, sys.argv[-2:]))
    else:
        scenario.main()
