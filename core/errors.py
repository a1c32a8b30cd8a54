# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ways a job may end early that are nobody's bug."""


class InputError(Exception):
    """Something the user gave is wrong; the message is one sentence: what is wrong and what to do next."""


class Cancelled(Exception):  # noqa: N818 - an outcome, not an error
    """The user cancelled the job; nothing was changed."""
