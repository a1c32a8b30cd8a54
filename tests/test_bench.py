# SPDX-License-Identifier: GPL-3.0-or-later
"""`artalk bench`: every benchmark runs, small, and ends with its ratio; Ctrl-C while artalk loads is no traceback."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from artalk import benchmarks
from artalk.benchmarks.measure import interleaved
from artalk.benchmarks.speech import speech
from artalk.core.cli import main

from .conftest import ROOT


def small(code):
    """What Python prints for a line of code, in a process of its own, as Blender's module wants."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=300).stdout


def test_works_are_measured_in_turn_after_a_warm_up():
    done = []
    times = interleaved({"a": lambda: done.append("a"), "b": lambda: done.append("b")}, rounds=2)
    assert done == ["a", "b"] * 3
    assert [len(spent.wall) for spent in times.values()] == [2, 2]
    assert all(seconds >= 0 for spent in times.values() for seconds in (*spent.wall, *spent.cpu))


def test_speech_goes_on_where_it_was_cut():
    whole = speech(40)
    assert len(whole) == 40 * 16000
    assert np.array_equal(np.concatenate([speech(30), speech(10, 30)]), whole)
    assert np.abs(whole[-16000:]).max() > 0.01


def test_mini_ends_with_its_ratio(capsys, monkeypatch):
    from artalk.benchmarks import mini

    full = mini.run
    monkeypatch.setattr(mini, "run", lambda: full(seconds=4, rounds=1))
    assert main(["bench", "mini"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"mini: ratio [\d.]+", out[-1])
    assert float(out[-1].split()[-1]) > 0
    assert any("first frame" in line for line in out)


def test_artalk_plain_way_gives_the_same_bits(capsys):
    from artalk.benchmarks import artalk

    from .golden import models

    assert artalk.run(models.config("small"), rounds=1) > 0
    assert "bits that differ: 0 of" in capsys.readouterr().out


def test_memory_compares_short_and_long(capsys):
    from artalk.benchmarks import memory

    assert 0.9 < memory.run((0.6, 0.8), ["stream"]) < 1.1
    out = capsys.readouterr().out
    assert "stream    0.6 min" in out
    assert "900 frames" in out
    assert "1200 frames" in out


@pytest.mark.slow
def test_keyframes_compares_the_ways_to_write():
    pytest.importorskip("bpy")
    out = small("from artalk.benchmarks.keyframes import run; print(run(channels=3, frames=50, sample=40, rounds=1))")
    assert "3 curves of 50 keys" in out
    assert "keyframe_insert of all, extrapolated" in out
    assert float(out.splitlines()[-1]) > 0


def test_the_extrapolation_finds_a_square_law():
    from artalk.benchmarks.keyframes import _extrapolated

    assert _extrapolated((10, 20, 40), [10 + 300, 20 + 1200, 40 + 4800], 100) == pytest.approx(100 + 30000)


def test_all_benchmarks_exist_and_an_unknown_one_is_answered(capsys):
    assert {path.stem for path in (ROOT / "benchmarks").glob("*.py")} >= set(benchmarks.NAMES)
    assert main(["bench", "nothing"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"artalk: There is no benchmark 'nothing': choose one of {', '.join(benchmarks.NAMES)}.\n"


def test_among_all_one_that_cannot_run_is_left_out(capsys, monkeypatch):
    """Here Blender's module is refused to all of them, and those that could run are empty."""
    monkeypatch.setattr(benchmarks, "NAMES", ("keyframes", "mini"))
    monkeypatch.setattr("artalk.benchmarks.mini.run", lambda: 2.0)
    monkeypatch.setitem(sys.modules, "bpy", None)
    assert main(["bench"]) == 0
    out, err = capsys.readouterr()
    assert out == "mini: ratio 2\n"
    assert err.startswith("artalk: left out keyframes: ")
    assert "pip install bpy" in err
    assert main(["bench", "keyframes"]) == 2


def test_without_the_repository_there_is_a_sentence(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "artalk.benchmarks", None)
    assert main(["bench", "mini"]) == 2
    assert "in a checkout" in capsys.readouterr().err


@pytest.mark.parametrize("room", ["numpy", "artalk.core.models", "artalk.core.train.command"])
def test_ctrl_c_while_artalk_loads_is_one_sentence(room):
    code = f"""
import os, signal, sys
class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == {room!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, CtrlC())
from artalk.core.cli import main
sys.exit(main(['weights', 'list']))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 130
    assert done.stderr == "artalk: cancelled; what was being made is not written.\n"
    assert done.stdout == ""


@pytest.mark.slow
def test_ticks_names_every_kind_of_step():
    out = small("from artalk.benchmarks.ticks import run; print(run(seconds=1.0, lines=2, long=2.0))")
    for title in ("artalk head", "FLAME head", "sliders with keys", "long lines"):
        _, found, case = out.partition(f"{title}: 2 lines")
        assert found, out
        case = case.partition("one line in one call")[0]
        assert all(kind in case for kind in ("keys read", "keys written", "frame shown", "lips looked at")), out
    assert float(out.splitlines()[-1]) > 0


@pytest.mark.slow
def test_layers_runs():
    out = small("from artalk.benchmarks.layers import run; print(run(rounds=1))")
    assert 0 < float(out.splitlines()[-1]) < 20
    assert "smoothing" in out
