# SPDX-License-Identifier: GPL-3.0-or-later
"""Styles and weights in Blender itself: `blender/style_scenario.py`, with a server that stands for the hub."""

from __future__ import annotations

import functools
import threading
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from artalk.core.artalk.checkpoint import save_safetensors
from artalk.core.artalk.config import AudioEncoderConfig
from artalk.core.artalk.rotary import RotaryModel
from golden.fill import flame_arrays
from golden.models import state

from .blender_runs import checks_of, runs
from .test_rotary_pipeline import SMALL, filled_state


def trained_model():
    """A model of the training code with the golden weights, whose speech encoder is small and random."""
    torch.manual_seed(0)
    sizes = {"num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "conv_dim": [32] * 7}
    model = RotaryModel(replace(SMALL, audio=AudioEncoderConfig("wav2vec2", 1024, sizes)))
    model.generator.load_state_dict(filled_state())
    return model


@pytest.fixture(scope="session")
def material(tmp_path_factory):
    """Downloads as people have them, a FLAME file with nothing of FLAME in it, and the address of a hub."""
    folder = tmp_path_factory.mktemp("styles")
    np.savez(folder / "small.npz", **flame_arrays(300))
    styles = folder / "downloads" / "style_motion"
    styles.mkdir(parents=True)
    for name in ("happy_0", "natural_0"):
        torch.save(torch.rand(80, 106)[10:60], styles / f"{name}.pt")
    torch.save(state("small"), folder / "downloads" / "ARTalk_wav2vec.pt")
    torch.save({"encoder.code_mapping.weight": torch.zeros(2)}, folder / "downloads" / "train.pt")
    save_safetensors(trained_model(), folder / "trained.safetensors")
    published = folder / "hub" / "xg-chu" / "ARTalk" / "resolve" / "main"
    published.mkdir(parents=True)
    (published / "ARTalk_wav2vec.pt").write_bytes(np.random.default_rng(0).bytes(100_000))
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder / "hub"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (folder / "endpoint").write_text(f"http://127.0.0.1:{server.server_port}")
    yield folder
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def reports(tmp_path_factory, sentence, material):
    return runs(tmp_path_factory, sentence, material)


TestStyles = checks_of("style_scenario")
