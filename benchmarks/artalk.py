# SPDX-License-Identifier: GPL-3.0-or-later
"""`artalk`: one window of the full-size model, with and without what this project saves.

The plain way does the generator's work in the order of the published method: at each scale all tokens so far run again,
with their modulation and with the keys and values of the context. Audio encoder and codec are the same in both. Ratio:
plain time over ours. The weights are random, for the time does not depend on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.audio import RATE
from ..core.errors import InputError
from .measure import interleaved
from .speech import speech

if TYPE_CHECKING:
    from torch import Tensor

    from ..core.artalk.config import ArtalkConfig
    from ..core.artalk.model import ArtalkModel, History


def run(config: ArtalkConfig | None = None, rounds: int = 3) -> float:
    """Time of the plain way over ours, for one window on this processor with torch's own number of threads."""
    try:
        import torch

        from ..core.artalk.config import RELEASED
        from ..core.artalk.model import ArtalkModel
    except ModuleNotFoundError as missing:
        raise InputError(f"This benchmark needs the Python package '{missing.name}': install it first.") from None
    torch.manual_seed(0)
    model = ArtalkModel(config or RELEASED).eval().requires_grad_(False)
    audio = torch.from_numpy(speech(model.config.window_samples / RATE))
    with torch.inference_mode():
        style = model.style_token(None)
        history = model.rest(style)

        def ours() -> list[Tensor]:
            (features,) = model.encoder.encode_clip(audio, len(audio))
            bits, motion = model.generate_window(features[None], style, history)
            model.remember(motion, style)
            return bits

        def plain() -> list[Tensor]:
            (features,) = model.encoder.encode_clip(audio, len(audio))
            bits = plain_bits(model, features[None], style, history)
            model.remember(model.codec.decode(model.codec.feature(history.bits), model.codec.feature(bits)), style)
            return bits

        differing = sum(int((a != b).sum()) for a, b in zip(ours(), plain(), strict=True))
        times = interleaved({"ours": ours, "plain": plain}, rounds)
    parameters = sum(p.numel() for p in model.parameters()) / 1e6
    print(f"one window of {len(audio) / RATE:g} s, {parameters:.0f} M parameters, {torch.get_num_threads()} thread(s)")
    for name, spent in times.items():
        print(f"  {name:6s} {spent}")
    print(f"  bits that differ: {differing} of {model.config.codec.tokens * model.config.codec.code_dim}")
    return times["plain"].median / times["ours"].median


def plain_bits(model: ArtalkModel, features: Tensor, style_token: Tensor, history: History) -> list[Tensor]:
    """Audio features (1, T, A) -> bits per scale (1, n, d), nothing kept from scale to scale."""
    import torch

    from ..core.artalk.generator import pool_scales

    generator, codec = model.generator, model.codec
    context = generator.context(history.style_token, codec.next_scale_features(history.bits))
    audio = pool_scales(features, generator.scales)
    # what a token is told of needs no bits of its own and of later scales: there, any will do
    bits = [torch.zeros(1, length, model.config.codec.code_dim, dtype=torch.bool) for length in generator.scales]
    count = 0
    for scale, length in enumerate(generator.scales):
        count += length
        features_so_far = codec.next_scale_features(bits)[:, : count - 1]
        x = torch.cat([style_token, generator.vqfeat_embed(features_so_far)], dim=1)
        x = x + (generator.lvl_embed(generator.levels) + generator.pos_embed)[:, :count]
        visible = generator.visible[:count, : context.shape[1] + count]
        for block in generator.attn_blocks:
            x, _ = block(x, block.ada_lin(audio[:, :count]), block.attn.keys_values(context), visible)
        modulation = generator.cond_logits_head.ada_lin(audio[:, :count])
        logits = generator.logits_head(generator.cond_logits_head(x, modulation))[:, -length:].unflatten(-1, (-1, 2))
        bits[scale] = logits[..., 1] > logits[..., 0]
    return bits
