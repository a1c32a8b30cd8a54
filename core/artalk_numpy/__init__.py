# SPDX-License-Identifier: GPL-3.0-or-later
"""artalk-mini on numpy alone, for every Blender as it is: the rooms of `core.artalk` again, equal to them in bits.

It runs models with the log-mel encoder, one clip at a time, so arrays have no batch axis here.
"""
