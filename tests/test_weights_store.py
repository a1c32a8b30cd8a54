# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights are fetched after consent, go on after a break, and are checked; those at hand are recognised and imported.

A local server stands for the Hugging Face hub.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from artalk.core import models, weights_store
from artalk.core.artalk.checkpoint import save_safetensors
from artalk.core.cli import add_generate_arguments, main, options_from
from artalk.core.errors import Cancelled, InputError
from artalk.core.releases import ARTALK, ReleaseFile
from artalk.core.torch_files import named_tensors, read_torch
from golden.models import build, state

CHUNK = 10 * 1024 * 1024  # what huggingface_hub takes at a time, and loses when the connection breaks
CONTENT = np.random.default_rng(0).bytes(2 * CHUNK + 1000)
STYLE = b"a style motion"
PYTHON = Path(sys.executable)


class Hub(ThreadingHTTPServer):
    """Serves two files as the hub does; what goes wrong is chosen by the test."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = {"ARTalk_wav2vec.pt": CONTENT, "style_motion/angry_0.pt": STYLE}
        self.asked: list[tuple[str, str | None]] = []
        self.breaks_after: int | None = None
        self.hangs = False
        self.gone = threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        name = self.path.removeprefix("/xg-chu/ARTalk/resolve/main/")
        asked = self.headers.get("Range")
        self.server.asked.append((name, asked))
        body = self.server.content.get(name)
        if body is None:
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(body) - start))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        end = len(body)
        if self.server.breaks_after is not None:
            end, self.server.breaks_after = start + self.server.breaks_after, None
        self.wfile.write(body[start:end])
        self.wfile.flush()
        if self.server.hangs and end < len(body):
            self.server.gone.wait(20)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch):
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    release = replace(ARTALK, files=(stated("ARTalk_wav2vec.pt", CONTENT),),
                      styles=(stated("style_motion/angry_0.pt", STYLE),))  # fmt: skip
    monkeypatch.setitem(models.MODELS, "artalk", replace(models.MODELS["artalk"], release=release))
    yield server
    server.gone.set()
    server.shutdown()
    server.server_close()


def stated(name, content):
    return ReleaseFile(name, len(content), hashlib.sha256(content).hexdigest())


def sentence(error):
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


# --- fetching -------------------------------------------------------------------------------------------------------


def test_weights_and_styles_come_whole_and_are_not_fetched_twice(hub, tmp_path):
    done: list[float] = []
    path = weights_store.fetch("artalk", tmp_path, PYTHON, done.append)
    assert path == tmp_path / "artalk" / "ARTalk_wav2vec.pt"
    assert path.read_bytes() == CONTENT
    assert (tmp_path / "artalk" / "style_motion" / "angry_0.pt").read_bytes() == STYLE
    assert weights_store.installed("artalk", tmp_path) == path
    assert all(0 <= fraction <= 1 for fraction in done)
    count = len(hub.asked)
    weights_store.fetch("artalk", tmp_path, PYTHON)
    assert len(hub.asked) == count


def test_a_connection_that_breaks_is_taken_up_where_it_was(hub, tmp_path):
    hub.breaks_after = CHUNK + 5000
    path = weights_store.fetch("artalk", tmp_path, PYTHON)
    assert path.read_bytes() == CONTENT
    assert ("ARTalk_wav2vec.pt", f"bytes={CHUNK}-") in hub.asked


def test_after_a_cancel_the_next_call_goes_on(hub, tmp_path):
    hub.breaks_after, hub.hangs = CHUNK + 5000, True
    partial = tmp_path / "artalk" / "ARTalk_wav2vec.pt.partial"
    with pytest.raises(Cancelled):
        weights_store.fetch(
            "artalk", tmp_path, PYTHON, cancel=lambda: partial.is_file() and bool(partial.stat().st_size)
        )
    kept = partial.stat().st_size
    assert 0 < kept <= CHUNK
    assert weights_store.installed("artalk", tmp_path) is None
    assert weights_store.fetch("artalk", tmp_path, PYTHON).read_bytes() == CONTENT
    assert ("ARTalk_wav2vec.pt", f"bytes={kept}-") in hub.asked


def test_what_is_not_the_published_file_is_deleted(hub, tmp_path):
    hub.content["ARTalk_wav2vec.pt"] = bytes(len(CONTENT))
    with pytest.raises(InputError, match="is not the published file") as error:
        weights_store.fetch("artalk", tmp_path, PYTHON)
    sentence(error)
    assert weights_store.installed("artalk", tmp_path) is None
    assert not (tmp_path / "artalk" / "ARTalk_wav2vec.pt.partial").exists()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda _hub, patch: patch.setenv("HF_HUB_OFFLINE", "1"), "HF_HUB_OFFLINE"),
        (lambda hub, _patch: hub.content.clear(), "answered 404"),
        (lambda _hub, patch: patch.setattr(weights_store.shutil, "disk_usage", lambda _: Disk), "make room"),
    ],
)
def test_what_keeps_the_weights_from_coming_is_one_sentence(hub, tmp_path, monkeypatch, spoil, words):
    spoil(hub, monkeypatch)
    with pytest.raises(InputError, match=words) as error:
        weights_store.fetch("artalk", tmp_path, PYTHON)
    sentence(error)


class Disk:
    free = 10


def test_without_a_network(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"cannot be reached\).*by other means") as error:
        weights_store.fetch("artalk", tmp_path, PYTHON)
    sentence(error)


def test_a_python_without_the_library(hub, tmp_path):
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nshift; exec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    with pytest.raises(InputError, match="lacks the package huggingface_hub") as error:
        weights_store.fetch("artalk", tmp_path, bare)
    sentence(error)


def test_nothing_is_fetched_without_consent(hub, tmp_path, capsys):
    assert main(["weights", "get", "artalk", "--model-folder", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert "--accept-licence" in said.err
    assert ARTALK.page in said.err
    assert not hub.asked
    assert main(["weights", "get", "artalk", "--model-folder", str(tmp_path), "--accept-licence"]) == 0
    assert Path(capsys.readouterr().out.strip()).read_bytes() == CONTENT


def test_weights_that_nobody_may_fetch(tmp_path, capsys):
    assert main(["weights", "get", "codetalker-biwi", "--accept-licence", "--model-folder", str(tmp_path)]) == 2
    assert "biwi_stage1.pth.tar and biwi_stage2.pth.tar" in capsys.readouterr().err


# --- weights at hand ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("downloads") / "my weights.pt"
    torch.save(state("small"), path)
    (path.parent / "style_motion").mkdir()
    torch.save(torch.zeros(50, 106), path.parent / "style_motion" / "happy_0.pt")
    return path


@pytest.mark.parametrize("link", [False, True])
def test_a_file_at_hand_is_recognised_and_imported(checkpoint, tmp_path, capsys, link):
    arguments = ["weights", "import", str(checkpoint), "--model-folder", str(tmp_path)]
    assert main([*arguments, "--link"] if link else arguments) == 0
    said = capsys.readouterr()
    path = Path(said.out.strip())
    assert path == tmp_path / "artalk" / "my weights.pt"
    assert path.is_symlink() == link
    assert path.read_bytes() == checkpoint.read_bytes()
    assert "not the published file" in said.err
    assert (path.parent / "style_motion" / "happy_0.pt").is_file()
    main(["weights", "list", "--model-folder", str(tmp_path)])
    assert str(path) in capsys.readouterr().out


def test_the_published_file_is_known_by_its_hash(checkpoint, monkeypatch):
    release = replace(ARTALK, files=(stated("x.pt", checkpoint.read_bytes()),))
    monkeypatch.setitem(models.MODELS, "artalk", replace(models.MODELS["artalk"], release=release))
    assert "is the published file" in weights_store.provenance(checkpoint, "artalk")


def test_imported_weights_are_used_without_being_named(checkpoint, tmp_path):
    done = weights_store.import_weights(checkpoint, tmp_path)
    parser = argparse.ArgumentParser()
    add_generate_arguments(parser)
    arguments = ["--model", "artalk", "--model-folder", str(tmp_path)]
    assert options_from(parser.parse_args(arguments)).weights == done.weights
    assert options_from(parser.parse_args([*arguments, "--weights", "mine.pt"])).weights == Path("mine.pt")


def test_codetalker_needs_both_of_its_files(tmp_path):
    folder, store = tmp_path / "downloads", tmp_path / "models"
    folder.mkdir()
    torch.save({"state_dict": {"quantize.embedding.weight": torch.zeros(256, 128)}}, folder / "biwi_stage1.pth.tar")
    torch.save({"state_dict": {"learnable_style_emb.weight": torch.zeros(6, 1024)}}, folder / "biwi_stage2.pth.tar")
    with pytest.raises(InputError, match=r"needs biwi_stage2.pth.tar as well") as error:
        weights_store.import_weights(folder / "biwi_stage1.pth.tar", store)
    sentence(error)
    done = weights_store.import_weights(folder, store)
    assert (done.model, done.weights) == ("codetalker-biwi", store / "codetalker-biwi")
    assert "not verified" in done.origin


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: torch.save({"encoder.code_mapping.weight": torch.zeros(2)}, path), "training code"),
        (lambda path: torch.save({"flame_model": torch.zeros(2)}, path), "import it as a head"),
        (lambda path: torch.save({"layer.weight": torch.zeros(2)}, path), "no model that artalk knows"),
        (lambda path: torch.save({"a": Path("x")}, path), "holds more than tensors"),
        (lambda path: torch.save([1, 2], path), "no table of named weights"),
        (lambda path: torch.save({"a": torch.zeros(2)}, path, _use_new_zipfile_serialization=False), "damaged"),
        (lambda path: path.write_bytes(b""), "damaged"),
        (lambda _path: None, "no file"),
    ],
)
def test_what_is_no_model_is_refused(make, words, tmp_path):
    path = tmp_path / "x.pt"
    make(path)
    with pytest.raises(InputError, match=words) as error:
        weights_store.import_weights(path, tmp_path / "models")
    sentence(error)
    assert not (tmp_path / "models").exists()


def test_a_truncated_checkpoint_is_refused(checkpoint, tmp_path):
    for share in (0.2, 0.9, 0.999):
        path = tmp_path / "cut.pt"
        path.write_bytes(checkpoint.read_bytes()[: int(checkpoint.stat().st_size * share)])
        with pytest.raises(InputError, match="damaged"):
            weights_store.import_weights(path, tmp_path / "models")


def test_a_file_of_ours_is_known_by_its_motion(tmp_path):
    save_safetensors(build("small"), tmp_path / "own.safetensors")
    assert weights_store.import_weights(tmp_path / "own.safetensors", tmp_path / "models").model == "artalk"
    mini = models.MODELS["mini"].weights
    assert mini is not None
    with pytest.raises(InputError, match="give it with --weights"):
        weights_store.recognise(mini)


# --- torch's files without torch ------------------------------------------------------------------------------------


def test_tensors_are_read_with_their_offsets_and_strides(tmp_path):
    long = torch.arange(600.0).view(100, 6)
    content = {"view": long[20:70, 1:4], "turned": long.T, "whole": long.half(), "counts": torch.arange(5)}
    torch.save(content, tmp_path / "x.pt")
    for name, tensor in named_tensors(tmp_path / "x.pt").items():
        np.testing.assert_array_equal(tensor.read(), content[name].numpy())


def test_a_tensor_that_reaches_beyond_its_numbers(tmp_path):
    torch.save(torch.arange(6.0), tmp_path / "x.pt")
    tensor = read_torch(tmp_path / "x.pt")
    inside = replace(tensor, offset=1, shape=(2, 2), stride=(2, 1))
    np.testing.assert_array_equal(inside.read(), [[1, 2], [3, 4]])
    for offset, shape, stride in ((3, (2, 2), (2, 1)), (0, (7,), (1,)), (-1, (2,), (1,)), (5, (2,), (-1,))):
        with pytest.raises(InputError, match="damaged"):
            replace(tensor, offset=offset, shape=shape, stride=stride).read()
