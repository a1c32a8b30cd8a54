# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension in Blender itself: built, installed into a fresh profile and used, once for each Blender at hand.

One process does all checks of `blender/scenario.py`; each is a test here.
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

SCENARIO = ROOT / "tests" / "blender" / "scenario.py"
RATES = ("24", "25", "29.97", "30", "60")
OTHER_BLENDER = ROOT / ".venv" / "bpy5"
BLENDERS = {"bpy": ""} | ({"bpy5": str(OTHER_BLENDER)} if OTHER_BLENDER.is_dir() else {})

pytestmark = pytest.mark.slow


def names():
    """The checks of the scenario, in its order, without running it."""
    for node in ast.parse(SCENARIO.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and any(ast.unparse(d) == "check" for d in node.decorator_list):
            yield node.name
    yield from (f"curves_equal_the_motion_at_{rate}_fps" for rate in RATES)


def build(folder):
    subprocess.run([sys.executable, ROOT / "tools" / "build_extension.py", folder], check=True, capture_output=True)
    return next(folder.glob("artalk-*.zip"))


@pytest.fixture(scope="session")
def reports(tmp_path_factory, sentence):
    """What the scenario says in one of the Blenders; each runs when first asked for."""

    @cache
    def run(blender):
        folder = tmp_path_factory.mktemp(blender)
        profile = folder / "profile"
        profile.mkdir()
        environment = os.environ | {"PYTHONPATH": BLENDERS[blender], "BLENDER_USER_RESOURCES": str(profile)}
        command = [sys.executable, SCENARIO, build(folder), folder, sentence]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
        report = folder / "report.jsonl"
        lines = report.read_text(encoding="utf-8").splitlines() if report.is_file() else []
        return done, {line["check"]: line for line in map(json.loads, lines)}

    return run


@pytest.mark.parametrize("name", list(names()))
@pytest.mark.parametrize("blender", BLENDERS)
def test_in_blender(reports, blender, name):
    done, report = reports(blender)
    assert name in report, f"Blender ended before it (exit status {done.returncode}):\n{done.stderr[-3000:]}"
    if report[name]["detail"].startswith("skipped: "):
        pytest.skip(report[name]["detail"].removeprefix("skipped: "))
    assert report[name]["ok"], report[name]["detail"]


@pytest.mark.parametrize("blender", BLENDERS)
def test_blender_ends_well(reports, blender):
    done, report = reports(blender)
    assert done.returncode == 0, done.stderr[-3000:]
    assert set(report) == set(names())
