# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension in Blender itself: each scenario of `blender/`, once for each Blender at hand."""

from __future__ import annotations

import pytest

from .blender_runs import OLDEST, checks_of, runs
from .conftest import ROOT

ICT = ROOT.parent / "shared" / "characters" / "ict_facekit.npz"
RATES = ("24", "25", "29.97", "30", "60")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def reports(tmp_path_factory, sentence):
    """Scenario -> what it says in one of the Blenders; all get a recording and, where it is, a realistic head."""

    return runs(tmp_path_factory, sentence, str(ICT) if ICT.is_file() else "")


# Blender 4.2 tries these as well: actions without slots, and everything that needs no sound library
TestAddon = checks_of("scenario", [f"curves_equal_the_motion_at_{rate}_fps" for rate in RATES], OLDEST)
TestNumpyEngine = checks_of("numpy_scenario")
TestLayers = checks_of("layers_scenario", older=OLDEST)
TestMeshes = checks_of("meshes_scenario")
TestStrips = checks_of("strips_scenario")
TestPreflight = checks_of("preflight_scenario", older=OLDEST)
TestRetarget = checks_of("retarget_scenario", older=OLDEST)
TestRigify = checks_of("rigify_scenario")
TestReduce = checks_of("reduce_scenario", older=OLDEST)
TestExport = checks_of("export_scenario")
TestHeadless = checks_of("headless_scenario")
TestTranslations = checks_of("translations_scenario", older=OLDEST)
TestJobs = checks_of("jobs_scenario")
TestQueue = checks_of("queue_scenario", older=OLDEST)
TestDialogue = checks_of("dialogue_scenario")
TestDisk = checks_of("disk_scenario")
TestSharedMesh = checks_of("shared_mesh_scenario")


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
