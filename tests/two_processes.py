# SPDX-License-Identifier: GPL-3.0-or-later
"""A script in two processes that train together, as `accelerate launch` would start them."""

import os
import socket
import subprocess
import sys
from pathlib import Path


def run(script: str, *arguments: str) -> list[str]:
    """What each of them prints."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = os.environ | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    common["PYTHONPATH"] = str(Path(__file__).parent)
    command = [sys.executable, "-c", script, *arguments]
    processes = [
        subprocess.Popen(command, env=common | {"RANK": rank, "LOCAL_RANK": rank}, stdout=subprocess.PIPE, text=True)
        for rank in "01"
    ]
    return [process.communicate(timeout=500)[0] for process in processes]
