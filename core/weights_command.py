# SPDX-License-Identifier: GPL-3.0-or-later
"""`artalk weights list | get | verify | import`: what models there are, and how their weights come here."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import model_folder, models, weights_store
from .errors import InputError


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `weights` and its actions to the command line."""
    command = commands.add_parser("weights", help="what models there are; get, import or verify their weights")
    actions = command.add_subparsers(required=True, metavar="ACTION")

    action = actions.add_parser("list", help="every model and where its weights are")
    model_folder.add_argument(action)
    action.set_defaults(run=_list)

    action = actions.add_parser("get", help="fetch published weights, after you have read their licence")
    action.add_argument("model", choices=[name for name, entry in models.MODELS.items() if entry.release])
    action.add_argument("--accept-licence", action="store_true", help="you have read the licence and agree to it")
    model_folder.add_argument(action)
    action.set_defaults(run=_get)

    action = actions.add_parser("verify", help="load weights and say what differs, and whether they are the published")
    action.add_argument("--model", required=True, choices=list(models.MODELS))
    action.add_argument("--weights", type=Path, help="the file (default: the shipped one, or that in the folder)")
    model_folder.add_argument(action)
    action.set_defaults(run=_verify)

    action = actions.add_parser("import", help="take weights that you have into the folder of models")
    action.add_argument("file", type=Path, metavar="FILE", help="a published checkpoint, or a folder with its files")
    action.add_argument("--link", action="store_true", help="point to the file where it is instead of copying it")
    model_folder.add_argument(action)
    action.set_defaults(run=_import)


def _list(arguments: argparse.Namespace) -> None:
    folder = model_folder.chosen(arguments)
    for entry in models.MODELS.values():
        if entry.weights is not None and entry.weights.is_file():
            state = "shipped"
        elif (found := weights_store.installed(entry.name, folder)) is not None:
            state = f"here: {found}"
        elif entry.release is not None and entry.release.repository:
            state = f"to get, {entry.release.size / 1e9:.1f} GB"
        else:
            state = "bring your own"
        print(f"{entry.name:18s} {entry.basis.name:14s} {state:15s} {entry.title}")


def _get(arguments: argparse.Namespace) -> None:
    from .cli import ProgressLine

    release = models.entry(arguments.model).release
    assert release is not None
    if release.repository:
        print(f"{release.licence}\nModel card: {release.page}", file=sys.stderr)
        if not arguments.accept_licence:
            raise InputError(
                f"Nothing was fetched: read {release.page} and, if you agree, repeat this with --accept-licence."
            )
    bar = ProgressLine(arguments.model)
    path = weights_store.fetch(arguments.model, model_folder.chosen(arguments), Path(sys.executable), bar)
    bar.done()
    print(path)


def _verify(arguments: argparse.Namespace) -> None:
    name = arguments.model
    path = (
        arguments.weights or models.entry(name).weights or weights_store.installed(name, model_folder.chosen(arguments))
    )
    models.load(name, path, "cpu")
    assert path is not None
    print(f"{path}: fits the model '{name}'")
    for file in [path] if path.is_file() else sorted(path.glob("*.tar")):
        print(weights_store.provenance(file, name))


def _import(arguments: argparse.Namespace) -> None:
    done = weights_store.import_weights(arguments.file, model_folder.chosen(arguments), link=arguments.link)
    print(f"{done.origin} Use it as --model {done.model}.", file=sys.stderr)
    print(done.weights)
