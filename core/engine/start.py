# SPDX-License-Identifier: GPL-3.0-or-later
"""The first file of the child process: finds artalk beside itself, under whatever name it is installed, and serves.

PYTHON -I start.py
"""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = "artalk"


def main() -> None:
    """Make the folder above `core` the package `artalk`, which the imports inside are relative to."""
    spec = importlib.util.spec_from_file_location(NAME, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = package
    spec.loader.exec_module(package)
    importlib.import_module(f"{NAME}.core.engine.child").serve()


if __name__ == "__main__":
    main()
