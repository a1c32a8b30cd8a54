# SPDX-License-Identifier: GPL-3.0-or-later
"""Head meshes: the default head, and how to measure lips and lids."""
