# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting the engine up in Blender (see engine_setup_scenario)."""

from __future__ import annotations

import pytest

from .blender_runs import BLENDERS, assert_passed, names, reporter
from .conftest import ROOT
from .fake_wheels import wheels_in

SCENARIO = ROOT / "tests" / "blender" / "engine_setup_scenario.py"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def reports(tmp_path_factory):
    return reporter(SCENARIO, tmp_path_factory, str(wheels_in(tmp_path_factory.mktemp("all") / "wheels")))


@pytest.mark.parametrize("name", names(SCENARIO))
@pytest.mark.parametrize("blender", BLENDERS)
def test_in_blender(reports, blender, name):
    assert_passed(reports(blender), name)


@pytest.mark.parametrize("blender", BLENDERS)
def test_blender_ends_well(reports, blender):
    done, report = reports(blender)
    assert done.returncode == 0, done.stderr[-3000:]
    assert set(report) == set(names(SCENARIO))
