# SPDX-License-Identifier: GPL-3.0-or-later
"""`codetalker`: a clip through CodeTalker, with and without what this project saves.

The plain way does the work in the order of the published method: for each new frame the transformer runs all tokens and
the whole speech again, and the codec decodes all vertices of all frames so far. Ratio: arithmetic of the plain way over
ours, at full size, which is counted without being done. A shorter clip is done and timed as well. The weights are
random, for the work does not depend on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.audio import RATE
from ..core.errors import InputError
from .measure import interleaved
from .speech import speech

if TYPE_CHECKING:
    from torch import Tensor

    from ..core.codetalker.config import CodetalkerConfig
    from ..core.codetalker.model import CodetalkerModel


def run(config: CodetalkerConfig | None = None, seconds: float = 4, timed: float = 1, rounds: int = 1) -> float:
    """Arithmetic of the plain way over ours for a clip of `seconds`; one of `timed` seconds is done here."""
    try:
        import torch

        from ..core.codetalker.config import VOCASET
        from ..core.codetalker.model import CodetalkerModel
    except ModuleNotFoundError as missing:
        raise InputError(f"This benchmark needs the Python package '{missing.name}': install it first.") from None
    config = config or VOCASET
    with torch.device("meta"):
        shadow = CodetalkerModel(config).eval().requires_grad_(False)
    work = {way.__name__: _operations(way, shadow, seconds) for way in (plain, ours)}
    torch.manual_seed(0)
    model = CodetalkerModel(config).eval().requires_grad_(False)
    audio = torch.from_numpy(speech(timed))[None]
    with torch.inference_mode():
        codes = [way(model, audio) for way in (plain, ours)]
        times = interleaved({"plain": lambda: plain(model, audio), "ours": lambda: ours(model, audio)}, rounds)
    parameters = sum(p.numel() for p in model.parameters()) / 1e6
    print(f"{config.dataset}, {parameters:.0f} M parameters, {torch.get_num_threads()} thread(s)")
    for name, operations in work.items():
        print(f"  {name:6s} {operations / 1e9:.4g} GFLOP for {seconds:g} s; {timed:g} s of speech take {times[name]}")
    print(f"  codes that differ: {int((codes[0] != codes[1]).sum())} of {codes[0].numel()}")
    return work["plain"] / work["ours"]


def ours(model: CodetalkerModel, audio: Tensor) -> Tensor:
    """Audio (1, n) -> codes (1, T, parts), and decodes them."""
    import torch

    generator = model.generator
    style = generator.learnable_style_emb.weight[None, :1]
    codes = torch.cat(list(generator.generate(generator.speech_features(audio), style, model.codec)), dim=1)
    model.codec.decode(codes)
    return codes


def plain(model: CodetalkerModel, audio: Tensor) -> Tensor:
    """As `ours`, with nothing kept from frame to frame."""
    import torch

    from ..core.artalk.style import sinusoids
    from ..core.codetalker.generator import recency

    generator, codec, sizes = model.generator, model.codec, model.config.generator
    memory = generator.audio_feature_map(generator.speech_features(audio))
    frames, each = memory.shape[1] // sizes.audio_per_frame, sizes.audio_per_frame
    style = generator.learnable_style_emb.weight[None, :1]
    positions = sinusoids(sizes.period, model.config.codec.width).repeat(-(-frames // sizes.period), 1).to(style)
    newest_last = recency(frames, sizes.period, sizes.heads)
    hidden = torch.full((sizes.heads, frames, frames), -torch.inf)
    for row in range(frames):
        hidden[:, row, : row + 1] = newest_last[:, frames - 1 - row :]
    own = (torch.arange(frames * each) // each == torch.arange(frames)[:, None]).to(style.device)
    hidden = hidden.to(style)
    tokens = style
    for count in range(1, frames + 1):
        x = tokens + positions[:count]
        for layer in generator.layers:
            x = layer.norm1(x + layer.self_attn(x, layer.self_attn.keys_values(x), hidden[:, :count, :count]))
            x = layer.norm2(x + layer.multihead_attn(x, layer.multihead_attn.keys_values(memory), own[:count]))
            x = layer.norm3(x + layer.linear2(layer.linear1(x).relu()))
        codes = codec.nearest(generator.feat_map(x))
        # one frame alone is put in twice, as the published code does
        last = codec.decode(codes if count > 1 else codes.repeat(1, 2, 1))[:, count - 1 : count]
        tokens = torch.cat([tokens, generator.vertice_map(last) + style], dim=1)
    codec.decode(codes)
    return codes


def _operations(way, shadow: CodetalkerModel, seconds: float) -> int:
    """Floating-point operations of the matrix products of a way, from the sizes of its arrays alone."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        way(shadow, torch.zeros(1, round(seconds * RATE), device="meta"))
    return counter.get_total_flops()
