# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension in Blender itself: built, installed into a fresh profile and used, once for each Blender at hand.

One process does all checks of `blender/scenario.py`; each is a test here.
"""

from __future__ import annotations

import pytest

from .blender_runs import BLENDERS, assert_passed, names, reporter
from .conftest import ROOT

SCENARIO = ROOT / "tests" / "blender" / "scenario.py"
RATES = ("24", "25", "29.97", "30", "60")
NAMES = [*names(SCENARIO), *(f"curves_equal_the_motion_at_{rate}_fps" for rate in RATES)]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def reports(tmp_path_factory, sentence):
    """What the scenario says in one of the Blenders."""
    return reporter(SCENARIO, tmp_path_factory, sentence)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("blender", BLENDERS)
def test_in_blender(reports, blender, name):
    assert_passed(reports(blender), name)


@pytest.mark.parametrize("blender", BLENDERS)
def test_blender_ends_well(reports, blender):
    done, report = reports(blender)
    assert done.returncode == 0, done.stderr[-3000:]
    assert set(report) == set(NAMES)
