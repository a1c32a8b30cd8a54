# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a scenario of `tests/blender/` in a process of its own: the extension from its zip, in each Blender at hand.

A test file has a fixture `reports`, which is `runs` with what its scenarios need, and a class from `checks_of` for each
of them: one process does all checks of a scenario, and each is a test. Classes are shared out among the workers.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from functools import cache

import pytest

from .conftest import ROOT

_VENV = ROOT / ".venv"
BLENDERS = {"bpy": ""} | ({"bpy5": str(_VENV / "bpy5")} if (_VENV / "bpy5").is_dir() else {})
OLDEST = {"bpy42": str(_VENV / "bpy42")} if (_VENV / "bpy42").is_dir() else {}
"""Blender 4.2, whose module is built without sound: what is tested in it gets its strips from a seed."""


def names(scenario):
    """The checks of a scenario, in its order, without running it."""
    return [
        node.name
        for node in ast.parse(scenario.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and any(ast.unparse(d) == "check" for d in node.decorator_list)
    ]


def build(folder):
    """The extension's zip, made in a folder."""
    subprocess.run([sys.executable, ROOT / "tools" / "build_extension.py", folder], check=True, capture_output=True)
    return next(folder.glob("artalk-*.zip"))


@cache
def seed_strip(folder):
    """A file with a sound strip, made by a Blender that has a sound library."""
    path = folder / "seed.blend"
    program = ROOT / "tests" / "blender" / "sound_strips.py"
    subprocess.run([sys.executable, program, path], check=True, capture_output=True, timeout=300)
    return path


def reporter(scenario, tmp_path_factory, *arguments):
    """A function blender -> (finished process, {check: line of its report}); each Blender runs when first asked for."""

    @cache
    def run(blender):
        folder = tmp_path_factory.mktemp(f"{scenario.stem}_{blender}")
        profile, temporary = folder / "profile", folder / "temporary"  # through the latter strips are copied and pasted
        profile.mkdir()
        temporary.mkdir()
        environment = os.environ | {
            "PYTHONPATH": (BLENDERS | OLDEST)[blender],
            "BLENDER_USER_RESOURCES": str(profile),
            "TMPDIR": str(temporary),
        }
        if blender in OLDEST:
            environment["ARTALK_SEED_STRIP"] = str(seed_strip(tmp_path_factory.getbasetemp()))
        command = [sys.executable, scenario, build(folder), folder, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
        report = folder / "report.jsonl"
        lines = report.read_text(encoding="utf-8").splitlines() if report.is_file() else []
        return done, {line["check"]: line for line in map(json.loads, lines)}

    return run


def assert_passed(done_and_report, name):
    """Fail with the check's own words, or skip with its reason."""
    done, report = done_and_report
    assert name in report, f"Blender ended before it (exit status {done.returncode}):\n{done.stderr[-3000:]}"
    if report[name]["detail"].startswith("skipped: "):
        pytest.skip(report[name]["detail"].removeprefix("skipped: "))
    assert report[name]["ok"], report[name]["detail"]


def runs(tmp_path_factory, *arguments):
    """Name of a scenario -> its `reporter`, with arguments that all scenarios of a test file get."""

    @cache
    def of(stem):
        return reporter(_file_of(stem), tmp_path_factory, *arguments)

    return of


def checks_of(stem, more=(), older=()):
    """The tests of one scenario. more: checks that it makes in a loop; older: Blenders beside the usual ones."""
    checks = [*names(_file_of(stem)), *more]
    blenders = [*BLENDERS, *older]

    @pytest.mark.slow
    class Tests:
        @pytest.mark.parametrize("name", checks)
        @pytest.mark.parametrize("blender", blenders)
        def test_check(self, reports, blender, name):
            assert_passed(reports(stem)(blender), name)

        @pytest.mark.parametrize("blender", blenders)
        def test_blender_ends_well(self, reports, blender):
            done, report = reports(stem)(blender)
            assert done.returncode == 0, done.stderr[-3000:]
            assert set(report) == set(checks)

    return Tests


def _file_of(stem):
    return ROOT / "tests" / "blender" / f"{stem}.py"
