# SPDX-License-Identifier: GPL-3.0-or-later
"""From a motion's channels to whatever a character has: shape keys of any naming, visemes, bones. numpy only.

`detect` looks at names and bones and makes a `Mapping`, a table that can be read, edited and kept as a preset;
`apply` turns a motion's channels into curves by such a table.
"""

from .detect import Detection, detect
from .mapping import Mapping, Row, apply

__all__ = ["Detection", "Mapping", "Row", "apply", "detect"]
