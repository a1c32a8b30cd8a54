# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension in Blender itself: each scenario of `blender/`, once for each Blender at hand.

One process does all checks of a scenario; each is a test here. A scenario is a class, so that they are shared out
among the workers.
"""

from __future__ import annotations

from functools import cache

import pytest

from .blender_runs import BLENDERS, OLDEST, assert_passed, names, reporter
from .conftest import ROOT

ICT = ROOT.parent / "shared" / "characters" / "ict_facekit.npz"
RATES = ("24", "25", "29.97", "30", "60")
MORE = {"scenario": [f"curves_equal_the_motion_at_{rate}_fps" for rate in RATES]}
"""Checks that a scenario makes in a loop."""
IN_THE_OLDEST = {f"{name}scenario" for name in ("", "layers_", "preflight_", "reduce_", "retarget_", "translations_")}
"""What Blender 4.2 is tried with as well: actions without slots, and everything that needs no sound library."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def reports(tmp_path_factory, sentence):
    """Scenario -> what it says in one of the Blenders; all get a recording and, where it is, a realistic head."""

    @cache
    def of(scenario):
        return reporter(scenario, tmp_path_factory, sentence, str(ICT) if ICT.is_file() else "")

    return of


def checks_of(stem):
    """The tests of one scenario."""
    scenario = ROOT / "tests" / "blender" / f"{stem}.py"
    checks = [*names(scenario), *MORE.get(stem, [])]
    blenders = [*BLENDERS, *(OLDEST if stem in IN_THE_OLDEST else ())]

    class Tests:
        @pytest.mark.parametrize("name", checks)
        @pytest.mark.parametrize("blender", blenders)
        def test_check(self, reports, blender, name):
            assert_passed(reports(scenario)(blender), name)

        @pytest.mark.parametrize("blender", blenders)
        def test_blender_ends_well(self, reports, blender):
            done, report = reports(scenario)(blender)
            assert done.returncode == 0, done.stderr[-3000:]
            assert set(report) == set(checks)

    return Tests


TestAddon = checks_of("scenario")
TestNumpyEngine = checks_of("numpy_scenario")
TestLayers = checks_of("layers_scenario")
TestMeshes = checks_of("meshes_scenario")
TestStrips = checks_of("strips_scenario")
TestPreflight = checks_of("preflight_scenario")
TestRetarget = checks_of("retarget_scenario")
TestReduce = checks_of("reduce_scenario")
TestExport = checks_of("export_scenario")
TestHeadless = checks_of("headless_scenario")
TestTranslations = checks_of("translations_scenario")
TestJobs = checks_of("jobs_scenario")
TestDialogue = checks_of("dialogue_scenario")
TestDisk = checks_of("disk_scenario")


def test_every_scenario_is_run():
    """Those that need more have a file of their own, or a Blender with a window."""
    elsewhere = {
        "engine_setup_scenario",
        "flame_fit_scenario",
        "flame_scenario",
        "golden_scenario",
        "style_scenario",
        "window_scenario",
    }
    found = {path.stem for path in (ROOT / "tests" / "blender").glob("*scenario.py")}
    named = {
        value for value in globals().values() if isinstance(value, type) and value.__qualname__.startswith("checks_of")
    }
    assert len(found - elsewhere) == len(named)
