# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine environment: models run in another Python, a child process spoken to over pipes."""
