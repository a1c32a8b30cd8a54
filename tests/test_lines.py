# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
from artalk.core import lines
from artalk.core.errors import InputError
from artalk.core.lines import read_lines, state, work_off

from .conftest import ROOT

SETTINGS = {"model": "mini", "seed": 0}


def table(folder, count=3, text=None):
    for number in range(count):
        (folder / f"{number}.wav").write_bytes(bytes([number] * 50))
    rows = [f"{n}.wav,Anna,,out/{n}.npz" for n in range(count)]
    path = folder / "lines.csv"
    path.write_text(text or "\n".join(["audio,character,style,output", *rows]), encoding="utf-8")
    return path


def copy(line, alive):
    alive(0.5)
    line.output.write_bytes(line.audio.read_bytes())


def states(found, settings=None):
    return [state(line, settings or SETTINGS) for line in found]


def test_a_table_is_read_with_paths_from_its_own_folder(tmp_path):
    first, *_ = found = read_lines(table(tmp_path))
    assert [line.number for line in found] == [1, 2, 3]
    assert (first.audio, first.output) == (tmp_path / "0.wav", tmp_path / "out" / "0.npz")
    assert (first.character, first.style) == ("Anna", None)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_line_that_tells_excel_the_separator_is_read(tmp_path, separator):
    text = f"sep={separator}\r\naudio{separator}output\r\n0.wav{separator}0.npz\r\n"
    (line,) = read_lines(table(tmp_path, text=text))
    assert (line.number, line.audio.name, line.output.name) == (1, "0.wav", "0.npz")
    with pytest.raises(InputError, match="no column audio and output"):
        read_lines(table(tmp_path, text=text.replace("sep=", "SEP=|")))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_of_spreadsheets_are_read(tmp_path, separator):
    """With a mark of UTF-8, capitals, other separators, and empty cells behind and below."""
    rows = [
        ["Audio", "CHARACTER", " Output ", ""],
        ["0.wav", "Zoë", "0.npz", ""],
        ["", "", "", ""],
        ["1.wav", "", "1.npz"],
    ]
    text = "".join(separator.join(row) + "\r\n" for row in rows)
    path = tmp_path / "lines.csv"
    path.write_bytes(text.encode("utf-8-sig"))
    found = [(line.number, line.audio.name, line.character, line.output.name) for line in read_lines(path)]
    assert found == [(1, "0.wav", "Zoë", "0.npz"), (2, "1.wav", "", "1.npz")]


@pytest.mark.parametrize("output", ["0.wav", "new/../1.wav", "lines.csv", "styles/mine.npz"])
def test_what_a_table_needs_is_never_written_over(tmp_path, output):
    text = f"audio,style,output\n0.wav,styles/mine.npz,0.npz\n1.wav,,{output}\n"
    with pytest.raises(InputError, match=r"Line 2 .* write over"):
        read_lines(table(tmp_path, text=text))


def test_one_output_written_in_two_ways_is_one(tmp_path):
    with pytest.raises(InputError, match=r"Lines 1 and 2 .* both write"):
        read_lines(table(tmp_path, text="audio,output\n0.wav,x.npz\n1.wav,new/../x.npz\n"))


def test_an_output_under_a_file_fails_and_is_not_said_to_be_made_elsewhere(tmp_path):
    found = read_lines(table(tmp_path, text="audio,output\n0.wav,1.wav/x.npz\n"))
    event = next(work_off(found, SETTINGS, copy))
    assert event["state"] == "failed"
    assert "change the output" in event["message"]


def test_what_is_up_to_date_is_passed_over_and_what_changed_is_made_again(tmp_path):
    found = read_lines(table(tmp_path))
    assert states(found) == ["missing"] * 3
    events = list(work_off(found, SETTINGS, copy))
    assert [event["state"] for event in events[:-1]] == ["done"] * 3
    assert events[-1] == {"event": "summary", "done": 3, "up_to_date": 0, "being_made": 0, "failed": 0}
    assert states(found) == ["up to date"] * 3
    (tmp_path / "1.wav").write_bytes(b"another take")
    (tmp_path / "out" / "2.npz").unlink()
    assert states(found) == ["up to date", "changed", "missing"]
    assert [e.get("state") for e in work_off(found, SETTINGS, copy)][:3] == ["up to date", "done", "done"]
    assert (tmp_path / "out" / "1.npz").read_bytes() == b"another take"
    assert states(found, SETTINGS | {"seed": 1}) == ["changed"] * 3
    found[0].stamp.unlink()
    assert states(found)[0] == "changed", "nobody knows what it was made from"
    assert not list(tmp_path.rglob("*.lock"))


def test_a_line_that_fails_costs_the_others_nothing(tmp_path):
    found = read_lines(table(tmp_path))
    (tmp_path / "1.wav").unlink()
    events = list(work_off(found, SETTINGS, copy))
    assert [event["state"] for event in events[:-1]] == ["done", "failed", "done"]
    assert "1.wav" in events[1]["message"]


def test_a_lock_of_a_living_process_is_respected_and_one_left_behind_is_taken_over(tmp_path):
    found = read_lines(table(tmp_path, 2))
    found[0].output.parent.mkdir()
    sleeper = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    host = __import__("socket").gethostname()
    found[0].lock.write_text(json.dumps({"host": host, "process": sleeper.pid}))
    assert states(found) == ["being made", "missing"]
    assert [e.get("state") for e in work_off(found, SETTINGS, copy)][:2] == ["being made", "done"]
    sleeper.communicate(b"\n")
    assert [e.get("state") for e in work_off(found, SETTINGS, copy)][:2] == ["done", "up to date"]
    found[0].output.unlink()
    found[0].lock.write_text(json.dumps({"host": "another machine", "process": 1}))
    assert states(found)[0] == "being made"
    long_ago = time.time() - 3600
    os.utime(found[0].lock, (long_ago, long_ago))
    assert next(work_off(found, SETTINGS, copy))["state"] == "done"


WORKER = """
import json, sys, time
from pathlib import Path
from artalk.core.lines import read_lines, work_off

def make(line, alive):
    with Path(sys.argv[2]).open("a") as log:
        log.write(f"{line.number}\\n")
    time.sleep(0.02)
    line.output.write_bytes(line.audio.read_bytes())

for event in work_off(read_lines(Path(sys.argv[1])), {}, make):
    print(json.dumps(event), flush=True)
"""


def test_several_processes_share_a_table_and_make_each_line_once(tmp_path):
    path, log = table(tmp_path, 30), tmp_path / "log"
    command = [sys.executable, "-c", WORKER, path, log]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT.parent) for _ in range(3)]
    done = []
    for process in processes:
        events = [json.loads(line) for line in process.communicate(timeout=120)[0].splitlines()]
        assert process.returncode == 0
        done += [event["number"] for event in events if event.get("state") == "done"]
    assert sorted(done) == list(range(1, 31))
    assert sorted(map(int, log.read_text().split())) == list(range(1, 31))
    assert states(read_lines(path), {"x": 1}) == ["changed"] * 30


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("audio,character\n0.wav,Anna", ["no column output"]),
        ("audio,output,mood\n0.wav,0.npz,sad", ["column 'mood'"]),
        ("audio,output\n", ["holds no lines"]),
        ("audio,Audio,output\n0.wav,1.wav,0.npz", ["'audio' twice"]),
        ("audio,output\n0.wav,0.npz\n1.wav,take 1, the good one,1.npz", ["Line 2", "'the good one'", "comma"]),
        ("audio;output\n0.wav;0.npz;0.npz", ["Line 1", "semicolon", "quotation marks"]),
        ("audio|output\n0.wav|0.npz", ["no column audio and output"]),
        ("audio,output\n0.wav,", ["Line 1", "no output"]),
        ("audio,output\n0.wav,\0.npz", ["not a table of lines", "UTF-8"]),
        ("audio,output\n0.wav,a.npz\n1.wav,a.npz", ["Lines 1 and 2", "a.npz"]),
    ],
)
def test_bad_tables_are_said_in_a_sentence(tmp_path, text, words):
    with pytest.raises(InputError) as error:
        read_lines(table(tmp_path, text=text))
    assert all(word in str(error.value) for word in words), error.value


def test_missing_and_binary_tables(tmp_path):
    with pytest.raises(InputError, match="no table of lines"):
        read_lines(tmp_path / "none.csv")
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00\x80\x00")
    with pytest.raises(InputError, match="not a table"):
        read_lines(tmp_path / "x.csv")
    assert lines.COLUMNS == ("audio", "character", "style", "output")
