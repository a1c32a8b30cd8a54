# SPDX-License-Identifier: GPL-3.0-or-later
"""The ARTalk model family: autoregressive transformer over a multi-scale motion codebook (Chu et al. 2025)."""
