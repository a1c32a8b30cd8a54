# SPDX-License-Identifier: GPL-3.0-or-later
"""CodeTalker (Xing et al. 2023): speech to the vertices of a mesh, by a codebook of motion and one speaker's style."""
