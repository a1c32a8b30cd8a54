# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters of every kind, measured on the evaluated mesh in Blender (see retarget_scenario)."""

from __future__ import annotations

import pytest

from .blender_runs import BLENDERS, assert_passed, names, reporter
from .conftest import ROOT

SCENARIO = ROOT / "tests" / "blender" / "retarget_scenario.py"
ICT = ROOT.parent / "shared" / "characters" / "ict_facekit.npz"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def reports(tmp_path_factory, sentence):
    return reporter(SCENARIO, tmp_path_factory, sentence, str(ICT) if ICT.is_file() else "")


@pytest.mark.parametrize("name", names(SCENARIO))
@pytest.mark.parametrize("blender", BLENDERS)
def test_in_blender(reports, blender, name):
    assert_passed(reports(blender), name)


@pytest.mark.parametrize("blender", BLENDERS)
def test_blender_ends_well(reports, blender):
    done, report = reports(blender)
    assert done.returncode == 0, done.stderr[-3000:]
    assert set(report) == set(names(SCENARIO))
