# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder with what a user has got and made: weights, in a folder for each model, and styles."""

from __future__ import annotations

from pathlib import Path

TYPE_CHECKING = False  # as typing has it, which takes long to load
if TYPE_CHECKING:
    import argparse


def default() -> Path:
    """Where the system keeps a user's data. Inside Blender, which lacks platformdirs, the add-on names a folder."""
    from platformdirs import user_data_path

    return user_data_path("artalk", appauthor=False) / "models"


def chosen(arguments: argparse.Namespace) -> Path:
    """The folder that a command line names, else the default."""
    return arguments.model_folder or default()


def add_argument(parser: argparse.ArgumentParser, folder: Path | None = None) -> None:
    """The choice of another folder on a command line."""
    parser.add_argument(
        "--model-folder", type=Path, default=folder, metavar="FOLDER", help="your models and styles (default: your own)"
    )
