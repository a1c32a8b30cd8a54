# SPDX-License-Identifier: GPL-3.0-or-later
"""What every shape of the default head measures beside another head: a Markdown table on stdout.

python docs/tools/compare_head.py TABLE.csv     a row per shape, columns as `core.evaluate.head_shapes.ShapeMoves`
"""

from __future__ import annotations

import sys
from pathlib import Path

from artalk.core.evaluate import head_shapes
from artalk.core.heads import default_head


def main() -> None:
    """Compare with the table named on the command line; shapes that only mirror a left one are left out."""
    ours = head_shapes.moves(default_head.load())
    shown = {
        name: moves for name, moves in ours.items() if name in ("jawRight", "mouthRight") or not name.endswith("Right")
    }
    print(head_shapes.comparison(shown, head_shapes.read_moves(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
