# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech in, motion out; nothing here imports Blender."""
