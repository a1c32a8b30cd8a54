# SPDX-License-Identifier: GPL-3.0-or-later
"""A child process that fetches files from the Hugging Face hub, going on where an earlier one stopped.

PYTHON -I hub_download.py REPOSITORY REVISION [NAME SIZE PARTIAL]…

Runs alone, in any Python that has huggingface_hub. Appends to each PARTIAL until it has SIZE bytes (0: unknown); the
parent watches the files grow. Exit code 0: all is there; 3: the last line of stdout says why not; 4: this Python has no
huggingface_hub.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

STOPPED, NO_LIBRARY = 3, 4


def main(arguments: list[str]) -> int:
    """Fetch what the arguments say; returns the exit code."""
    # it tells the hub what it runs in, which is nobody's business
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    try:
        from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled  # type: ignore[attr-defined]
    except ImportError:
        return NO_LIBRARY
    repository, revision, *rest = arguments
    try:
        for name, size, partial in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
            _fetch(repository, revision, name, int(size), Path(partial))
    except OfflineModeIsEnabled:
        print("HF_HUB_OFFLINE is set, which forbids it")
    except HfHubHTTPError as error:
        print(f"the server answered {error.response.status_code} for '{name}'")
    except HTTPError:
        print("the server cannot be reached")
    except OSError as error:
        print(error.strerror or "the connection broke")
    else:
        return 0
    return STOPPED


def _fetch(repository: str, revision: str, name: str, size: int, partial: Path) -> None:
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get

    partial.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("ab") as file:
        there = file.tell()
        if size and there > size:
            # of another file: begin anew
            file.truncate(there := 0)
        http_get(
            hf_hub_url(repository, name, revision=revision),
            file,
            resume_size=there,
            expected_size=size or None,
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
