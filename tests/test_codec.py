# SPDX-License-Identifier: GPL-3.0-or-later
"""Codec, quantiser and generator in training: straight-through gradients, flipped bits, learned gains, masks."""

from __future__ import annotations

import math

import pytest
import torch
from artalk.core.artalk.bsq import MultiScaleBsq
from artalk.core.artalk.codec import MotionCodec
from artalk.core.artalk.config import CodecConfig, GeneratorConfig
from artalk.core.artalk.generator import Generator, pool_scales
from hypothesis import given, settings
from hypothesis import strategies as st

SCALES = (1, 2, 5, 10)


def codec_config(gains: bool = False) -> CodecConfig:
    return CodecConfig(motion_dim=7, code_dim=6, scales=SCALES, width=16, depth=2, heads=2, scale_gains=gains)


def quantiser(gains: bool, seed: int = 0) -> MultiScaleBsq:
    torch.manual_seed(seed)
    bsq = MultiScaleBsq(codec_config(gains)).eval()
    if gains:
        torch.nn.init.normal_(bsq.log_gains, std=0.5)
    return bsq


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.booleans())
def test_bits_alone_give_the_quantised_feature(seed: int, gains: bool) -> None:
    bsq = quantiser(gains, seed)
    result = bsq.quantise(torch.randn(3, 10, 6))
    torch.testing.assert_close(bsq.feature(result.bits), result.feature)


@pytest.mark.parametrize("gains", [False, True])
def test_flipped_bits_are_used_and_corrected_but_not_the_target(gains: bool) -> None:
    bsq, x = quantiser(gains), torch.randn(4, 10, 6)
    plain, flipped = bsq.quantise(x), bsq.quantise(x, flip=(1.0, 0.0, 0.0, 0.0))
    assert torch.equal(flipped.bits[0], plain.bits[0])
    assert torch.equal(flipped.used[0], ~plain.bits[0])
    assert not torch.equal(flipped.bits[1], plain.bits[1]), "the finer scales have something to correct"
    assert torch.equal(flipped.used[1], flipped.bits[1])
    torch.testing.assert_close(bsq.feature(flipped.used), flipped.feature)


def test_flip_probability_is_met() -> None:
    torch.manual_seed(0)
    result = quantiser(False).quantise(torch.randn(200, 10, 6), flip=(0.0, 0.0, 0.3, 0.0))
    share = (result.used[2] ^ result.bits[2]).float().mean().item()
    assert share == pytest.approx(0.3, abs=0.02)


def test_training_passes_the_gradient_to_the_normalised_vector() -> None:
    config = CodecConfig(code_dim=6, scales=(4,))
    x = torch.randn(1, 4, 6, requires_grad=True)
    towards = torch.randn(1, 4, 6)
    (MultiScaleBsq(config).train().quantise(x).feature * towards).sum().backward()
    through, x.grad = x.grad, None
    (torch.nn.functional.normalize(x, dim=-1) * towards).sum().backward()
    assert through is not None
    torch.testing.assert_close(through, x.grad)


def test_training_values_are_the_codes_themselves() -> None:
    x, bsq = torch.randn(2, 10, 6), quantiser(True)
    torch.testing.assert_close(bsq.train().quantise(x).feature, bsq.eval().quantise(x).feature)


def test_gains_learn_and_size_the_codes() -> None:
    bsq = quantiser(True).train()
    bsq.quantise(torch.randn(2, 10, 6)).feature.square().sum().backward()
    assert bsq.log_gains.grad is not None
    assert (bsq.log_gains.grad != 0).all()
    code = bsq.codes(torch.ones(1, 5, 6, dtype=torch.bool), 2)
    torch.testing.assert_close(code[0, 0], bsq.log_gains[2].exp() / math.sqrt(6))


def test_commitment_falls_to_zero_on_codes() -> None:
    code = torch.ones(1, 4, 6) / math.sqrt(6)
    result = MultiScaleBsq(CodecConfig(code_dim=6, scales=(4,))).quantise(code)
    assert result.commitment[0].item() == pytest.approx(0, abs=1e-6)


def test_codec_learns_to_give_back_a_window() -> None:
    torch.manual_seed(1)
    codec = MotionCodec(codec_config(True)).train()
    motion = torch.sin(torch.arange(10.0)[None, :, None] * torch.linspace(0.2, 0.8, 7) + torch.randn(8, 1, 7))
    optimiser = torch.optim.Adam(codec.parameters(), 3e-3)
    losses = []
    for _ in range(80):
        quantised = codec.quantise(motion)
        loss = (codec.decode(torch.zeros_like(quantised.feature), quantised.feature) - motion).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize("gains", [False, True])
def test_all_scales_at_once_equal_scale_by_scale_for_a_batch(gains: bool) -> None:
    torch.manual_seed(2)
    config = codec_config(gains)
    codec = MotionCodec(config).eval()
    if gains:
        torch.nn.init.normal_(codec.quantiser.log_gains, std=0.5)
    generator = Generator(GeneratorConfig(16, 2, 4, 2), config, audio_width=5, style_width=3).eval()
    token = generator.style_token(torch.randn(2, 3), guidance=1.1)
    context = generator.context(token, codec.next_scale_features(codec.encode(torch.randn(2, 10, 7))))
    audio = pool_scales(torch.randn(2, 20, 5), SCALES)
    with torch.no_grad():
        bits = generator.generate(context, token, audio, codec.quantiser)
        step_by_step = torch.cat(generator.generate_logits(context, token, audio, codec.quantiser), 1)
        at_once = generator(context, token, codec.next_scale_features(bits), audio)
    torch.testing.assert_close(at_once, step_by_step, atol=1e-5, rtol=0)
    assert torch.equal(torch.cat(bits, 1), step_by_step[..., 1] > step_by_step[..., 0])


def test_a_batch_without_style_has_one_token_each() -> None:
    generator = Generator(GeneratorConfig(16, 1, 4, 2), codec_config(), audio_width=5, style_width=3)
    assert generator.style_token(None, guidance=1.1, batch=4).shape == (4, 1, 16)
