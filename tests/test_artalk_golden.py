# SPDX-License-Identifier: GPL-3.0-or-later
"""The released ARTalk architecture gives the numbers of the published code: bits exact, the rest within float32.

The golden arrays were made by the published code with weights from `golden.fill`; see `golden/README.md`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from artalk.core.artalk.audio_encoder import MimiEncoder
from artalk.core.artalk.bsq import MultiScaleBsq, area_pool, upsample
from artalk.core.artalk.codec import WindowAttention
from artalk.core.artalk.config import CodecConfig
from artalk.core.artalk.generator import ContextAttention, pool_scales
from artalk.core.artalk.model import ArtalkModel
from artalk.core.artalk.pipeline import ArtalkPipeline, WindowLoop
from artalk.core.artalk.style import sinusoids
from artalk.core.artalk.windows import frame_count, streamed_frame_count
from artalk.core.basis import FLAME
from artalk.core.motion import Motion
from golden.fill import audio_f32, audio_i16, sha256_of, unit_noise, weight
from golden.models import build, golden, golden_motion, key_list, shapes
from torch import Tensor

FEATURES, LOGITS, MOTION, UNIT = 1e-4, 5e-4, 1e-4, 1e-5


def assert_close(actual: Tensor | np.ndarray, expected: np.ndarray, bound: float) -> None:
    actual = actual.numpy() if isinstance(actual, Tensor) else actual
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= bound


def assert_bits(bits: list[Tensor], expected: np.ndarray) -> None:
    np.testing.assert_array_equal(torch.cat(bits, dim=1)[0].numpy(), expected.astype(bool))


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def small() -> ArtalkModel:
    return build("small")


@pytest.fixture(scope="module")
def full() -> ArtalkModel:
    return build("full")


def speech(samples: int, seed: int = 22) -> Tensor:
    return torch.from_numpy(audio_f32(158811 if seed == 22 else samples, seed)[:samples])


def style_motion(name: str, frames: int) -> Motion:
    return Motion(golden_motion(name, frames)[0].numpy(), FLAME, 25.0)


# -------------------------------------------------------------------------------------------------- inputs and names


def test_fill_makes_the_published_checksums() -> None:
    assert sha256_of(weight("a.weight", (4, 8))).startswith("41b6dd0c8675")
    assert sha256_of(audio_i16(16000, 3)).startswith("2b3906746662")


@pytest.mark.parametrize(("samples", "seed"), [(158811, 22), (64000, 0)])
def test_audio_is_the_stored_audio(samples: int, seed: int) -> None:
    np.testing.assert_array_equal(audio_i16(samples, seed), golden("audio")[f"seed{seed}_{samples}"])


@pytest.mark.parametrize("size", ["small", "full", "mimi"])
def test_state_dict_has_the_published_names_and_shapes(size: str) -> None:
    published = {entry["key"]: tuple(entry["shape"]) for entry in key_list(size)["keys"]}
    assert shapes(size) == published


def test_full_model_has_the_published_number_of_values() -> None:
    assert sum(int(np.prod(shape)) for shape in shapes("full").values()) == key_list("full")["total_values"]


# ------------------------------------------------------------------------------------------------------------- units


def test_frame_count_follows_the_published_rule_in_doubles() -> None:
    frames = golden("artalk_frames")
    assert [frame_count(n) for n in frames["samples"].tolist()] == frames["frames"].tolist()
    assert (frames["frames"] != frames["frames_exact_rational"]).any()


def test_streamed_frame_count_follows_the_published_streamer() -> None:
    frames = golden("artalk_frames")
    assert [streamed_frame_count(n) for n in frames["samples"].tolist()] == frames["frames_streamer"].tolist()


def test_area_pooling_of_audio_frames() -> None:
    units, identity = golden("bsq_units"), torch.eye(199)[None]
    for length in (1, 5, 25):
        assert_close(area_pool(identity, length)[0], units[f"area_199_to_{length}"], 1e-6)
    for length in (50, 100):
        pooled = area_pool(identity, length)[0].numpy() > 0
        bounds = [(int(row.argmax()), int(len(row) - row[::-1].argmax())) for row in pooled]
        np.testing.assert_array_equal(bounds, units[f"area_199_to_{length}_bounds"])
    assert_close(area_pool(torch.eye(100)[None], 5)[0], units["area_100_to_5"], 1e-6)


@pytest.mark.parametrize("length", [1, 5, 25, 50])
def test_linear_upsampling_of_codes(length: int) -> None:
    assert_close(upsample(torch.eye(length)[None], 100)[0], golden("bsq_units")[f"linear_{length}_to_100"], 1e-6)


def test_quantiser_8_bits_scales_1_2_4_8() -> None:
    units = golden("bsq_units")
    quantiser = MultiScaleBsq(CodecConfig(code_dim=8, scales=(1, 2, 4, 8)))
    result = quantiser.quantise(torch.from_numpy(unit_noise("bsq/8", (2, 8, 8))))
    np.testing.assert_array_equal(torch.cat(result.bits, 1).numpy(), units["bits8"].astype(bool))
    assert_close(result.feature, units["quant8"], UNIT)
    assert_close(quantiser.feature(result.bits), units["feat8"], UNIT)
    features = quantiser.next_scale_features(result.bits)
    for scale, tokens in ((1, 2), (2, 6), (3, 14)):
        assert_close(features[:, :tokens], units[f"next8_scale{scale}"], UNIT)
    assert_close(torch.stack(result.losses), units["losses8"], 1e-6)


def test_quantiser_of_all_zeros_gives_zero_bits() -> None:
    units = golden("bsq_units")
    result = MultiScaleBsq(CodecConfig(code_dim=8, scales=(1, 2, 4, 8))).quantise(torch.zeros(1, 8, 8))
    np.testing.assert_array_equal(torch.cat(result.bits, 1).numpy(), units["zero_bits8"].astype(bool))
    assert_close(result.feature, units["zero_quant8"], UNIT)
    assert_close(torch.stack(result.losses), units["zero_losses8"], 1e-6)


def test_quantiser_32_bits_released_scales() -> None:
    units = golden("bsq_units")
    result = MultiScaleBsq(CodecConfig()).quantise(torch.from_numpy(unit_noise("bsq/32", (1, 100, 32))))
    assert_bits(result.bits, units["bits32"][0])
    assert_close(result.feature[0, ::10], units["quant32_rows10"], UNIT)
    assert_close(torch.stack(result.losses), units["losses32"], 1e-6)


def test_attention_clamps_the_learned_sharpness() -> None:
    unit = golden("attention_unit")
    attention = ContextAttention(32, 4)
    state = {name[2:]: torch.from_numpy(value) for name, value in unit.items() if name.startswith("w_")}
    state["scale_mul_1H11"] = torch.from_numpy(unit["log_scale"]).view(1, 4, 1, 1)
    attention.load_state_dict(state)
    past = attention.keys_values(torch.from_numpy(unit["prev"])[None])
    visible = torch.from_numpy(unit["visible"]) > 0
    out, _ = attention(torch.from_numpy(unit["x"])[None], past, visible)
    assert_close(out[0], unit["out"], UNIT)


def test_masks_and_levels(small: ArtalkModel) -> None:
    constants = golden("constants")
    np.testing.assert_array_equal(small.generator.levels, constants["lvl_idx"][0])
    np.testing.assert_array_equal(small.generator.visible, constants["attn_mask_visible"].astype(bool))


def test_codec_attention_follows_the_published_mask() -> None:
    torch.manual_seed(0)
    attention, x = WindowAttention(8, 2, 100), torch.randn(1, 200, 8)
    visible = golden("constants")["vae_mask_visible"].astype(bool)
    before = attention(x)
    for hidden in (30, 130):
        changed = x.clone()
        changed[:, hidden, 0] += 1  # in one channel: the norm takes out what all have in common
        moved = (attention(changed) != before).any(-1)[0].numpy()
        np.testing.assert_array_equal(moved, visible[:, hidden])


def test_style_sinusoid_rows() -> None:
    constants = golden("constants")
    assert_close(sinusoids(600, 128)[constants["style_pe_row_index"]], constants["style_pe_rows"], 2e-5)


# ------------------------------------------------------------------------------------------------------- small model


def check_codec(model: ArtalkModel, file: str) -> None:
    vae, codec = golden(file), model.codec
    case = int(vae["case"])
    previous, this = (golden_motion(f"vae{case}/{part}", 100) for part in ("prev", "this"))
    alone = codec.encode_features(previous)
    rows = 100 // len(vae["encoder_out_prev_alone"])
    assert_close(alone[0, ::rows], vae["encoder_out_prev_alone"], FEATURES)
    bits = codec.encode(previous)
    assert_bits(bits, vae["bits_prev_alone"])
    both = codec.encode_features(torch.cat([previous, this], 1))
    bits_this = codec.quantiser.quantise(both[:, 100:]).bits
    assert_bits(bits_this, vae["bits_this_in_both"])
    decoded = codec.decode_pair(codec.feature(bits), codec.feature(bits_this))[0]
    assert_close(decoded[:100:5], vae["decoded_prev"], MOTION)
    assert_close(decoded[100:], vae["decoded_this"], MOTION)


def test_small_codec_both_halves(small: ArtalkModel) -> None:
    check_codec(small, "artalk_small_vae")


def test_small_codec_features_and_losses(small: ArtalkModel) -> None:
    vae = golden("artalk_small_vae")
    previous, this = golden_motion("vae16/prev", 100), golden_motion("vae16/this", 100)
    assert_close(previous[0], vae["prev_motion"], 0)
    quantised = small.codec.quantise(previous)
    assert_close(torch.stack(quantised.losses), vae["bsq_losses_prev"], 1e-6)
    assert_close(quantised.feature[0, ::5], vae["quantised_feature_prev"], UNIT)
    both = small.codec.encode_features(torch.cat([previous, this], 1))
    assert_close(both[0, ::10], vae["encoder_out_both_rows10"], FEATURES)
    assert_bits(small.codec.quantiser.quantise(both[:, :100]).bits, vae["bits_prev_in_both"])
    bits = small.codec.quantiser.split(torch.from_numpy(vae["bits_this_in_both"])[None] > 0)
    assert_close(small.codec.feature(bits)[0, ::5], vae["feature_of_bits_this"], UNIT)
    assert_close(small.codec.next_scale_features(bits)[0], vae["next_scale_features_this"], UNIT)


@pytest.mark.parametrize("frames", [1, 50, 100, 599])
def test_small_style_of_any_length(small: ArtalkModel, frames: int) -> None:
    style = golden("artalk_small_style")
    motion = golden_motion(f"style_T{frames}", frames)
    feature = small.style_encoder(motion)
    assert_close(feature[0], style[f"feature_T{frames}"], FEATURES)
    assert_close(small.generator.style_cond_embed(feature)[0], style[f"cond_T{frames}"], FEATURES)
    assert_close(small.style_token(motion)[0, 0], style[f"guided_T{frames}"], FEATURES)


def test_small_without_style_is_the_null_style(small: ArtalkModel) -> None:
    assert_close(small.style_token(None)[0, 0], golden("artalk_small_style")["null_style_cond"], 0)


def test_small_audio_features_step_by_step(small: ArtalkModel) -> None:
    chunk, encoder = golden("artalk_small_chunk"), small.audio_encoder.model
    steps: dict[str, Tensor] = {}
    hooks = [
        module.register_forward_hook(lambda _m, _i, out, name=name: steps.update({name: out}))
        for name, module in (
            ("conv", encoder.feature_extractor),
            ("projection", encoder.feature_projection),
            ("position", encoder.encoder.pos_conv_embed),
        )
    ]
    features = small.audio_encoder(speech(64000)[None])
    for hook in hooks:
        hook.remove()
    assert_close(steps["conv"][0].T[::16], chunk["conv_features_rows16"], FEATURES)
    assert_close(steps["projection"][0][0, ::16], chunk["projected_rows16"], FEATURES)
    assert_close(steps["position"][0, ::16], chunk["pos_conv_rows16"], FEATURES)
    assert_close(features[0], chunk["feat"], FEATURES)
    assert_close(pool_scales(features, (1, 5, 25, 50, 100))[0], chunk["audio_cond"], FEATURES)


def chunk_style(kind: str) -> Tensor | None:
    return torch.from_numpy(golden("artalk_small_chunk")["input_style_motion"])[None] if kind == "style" else None


@pytest.mark.parametrize("kind", ["plain", "style"])
def test_small_chunk_scale_by_scale(small: ArtalkModel, kind: str) -> None:
    chunk = golden("artalk_small_chunk")
    token = small.style_token(chunk_style(kind))
    assert_close(token[0, 0], chunk[f"{kind}_style_token"], FEATURES)
    rest = small.rest(token)
    assert_bits(rest.bits, chunk["zero_context_bits"])
    assert_close(small.codec.next_scale_features(rest.bits)[0], chunk["zero_context_vqfeat"], UNIT)
    features = small.audio_encoder(speech(64000)[None])
    context = small.generator.context(token, small.codec.next_scale_features(rest.bits))
    assert_close(context[0, ::9], chunk[f"{kind}_prev_tokens_with_pos_rows9"], FEATURES)
    audio = pool_scales(features, (1, 5, 25, 50, 100))
    logits = small.generator.generate_logits(context, token, audio, small.codec.quantiser)
    seen = 0
    for scale, own in enumerate(logits):
        expected = chunk[f"{kind}_logits_scale{scale}"]
        assert_close(own[0].flatten(1), expected[seen:], LOGITS)
        seen += own.shape[1]
    bits, motion = small.generate_window(features, token, rest)
    assert_bits(bits, chunk[f"{kind}_bits"])
    assert_close(motion[0], chunk[f"{kind}_motion"], MOTION)


@pytest.mark.parametrize("kind", ["plain", "style"])
def test_small_chunk_all_scales_at_once_equals_scale_by_scale(small: ArtalkModel, kind: str) -> None:
    chunk, generator = golden("artalk_small_chunk"), small.generator
    token = small.style_token(chunk_style(kind))
    bits = small.codec.quantiser.split(torch.from_numpy(chunk[f"{kind}_bits"])[None] > 0)
    features = small.codec.next_scale_features(bits)
    assert_close(features[0], chunk[f"{kind}_ar_vqfeat_scale4"], UNIT)
    context = generator.context(token, small.codec.next_scale_features(small.rest(token).bits))
    audio = pool_scales(small.audio_encoder(speech(64000)[None]), small.config.codec.scales)
    ins: list[Tensor] = []
    outs: list[Tensor] = []
    hooks = [generator.attn_blocks[0].register_forward_pre_hook(lambda _m, args: ins.append(args[0]))]
    hooks += [b.register_forward_hook(lambda _m, _i, out: outs.append(out[0])) for b in generator.attn_blocks]
    logits = generator(context, token, features, audio)
    for hook in hooks:
        hook.remove()
    assert_close(ins[0][0, ::9], chunk[f"{kind}_tokens_in_scale4_rows9"], FEATURES)
    for block, out in enumerate(outs):
        assert_close(out[0, ::9], chunk[f"{kind}_block{block}_scale4_rows9"], LOGITS)
    assert_close(logits[0].flatten(1), chunk[f"{kind}_logits_scale4"], LOGITS)
    one_by_one = generator.generate_logits(context, token, audio, small.codec.quantiser)
    assert_close(torch.cat(one_by_one, 1), logits.numpy(), LOGITS)


def run_windows(model: ArtalkModel, audio: Tensor, style: Tensor | None) -> dict[str, list]:
    """Every window's features, bits, context bits, decoded pair and motion, as `ArtalkPipeline` runs them."""
    token = model.style_token(style)
    history = model.rest(token)
    run: dict[str, list] = {"features": [], "bits": [], "context": [history.bits], "previous": [], "logits": []}
    run["motion"] = []
    for features in model.encoder.encode_clip(audio, 64000):
        context = model.generator.context(history.style_token, model.codec.next_scale_features(history.bits))
        pooled = pool_scales(features[None], model.config.codec.scales)
        run["logits"].append(model.generator.generate_logits(context, token, pooled, model.codec.quantiser))
        bits, motion = model.generate_window(features[None], token, history)
        pair = model.codec.decode_pair(model.codec.feature(history.bits), model.codec.feature(bits))
        history = model.remember(motion, token)
        for name, value in (("features", features), ("bits", bits), ("context", history.bits)):
            run[name].append(value)
        run["previous"].append(pair[0, :100])
        run["motion"].append(motion[0])
    return run


@pytest.mark.parametrize("kind", ["plain", "style"])
def test_small_three_windows_with_history(small: ArtalkModel, kind: str) -> None:
    multi = golden("artalk_small_multi")
    style = golden_motion("style0", 50) if kind == "style" else None
    audio = torch.zeros(192000)
    audio[:158811] = speech(158811)
    run = run_windows(small, audio, style)
    for i in range(3):
        assert_bits(run["bits"][i], multi[f"{kind}_bits"][i])
        assert_close(run["features"][i][::8], multi[f"feat_chunk{i}_rows8"], FEATURES)
        assert_close(run["previous"][i][::10], multi[f"{kind}_decoded_prev_half"][i], MOTION)
    for i in range(4):
        assert_bits(run["context"][i], multi[f"{kind}_context_bits"][i])
    logits = torch.cat(run["logits"][2], 1)[0].flatten(1)
    assert_close(logits, multi[f"{kind}_chunk2_logits"], LOGITS)
    assert_close(torch.cat(run["motion"])[:249], multi[f"{kind}_motion"], MOTION)


@pytest.mark.parametrize("kind", ["plain", "style"])
def test_small_pipeline_on_a_whole_clip(small: ArtalkModel, kind: str) -> None:
    style = style_motion("style0", 50) if kind == "style" else None
    done: list[float] = []
    motion = ArtalkPipeline(small).generate(audio_f32(158811, 22), style=style, progress=done.append)
    assert (motion.basis, motion.fps) == (FLAME, 25.0)
    assert_close(motion.values, golden("artalk_small_multi")[f"{kind}_motion"], MOTION)
    assert done == [1 / 3, 2 / 3, 1.0]


def test_small_clip_shorter_than_a_window(small: ArtalkModel) -> None:
    motion = ArtalkPipeline(small).generate(speech(4480).numpy())
    assert_close(motion.values, golden("artalk_small_short")["motion_4480"], MOTION)


def test_small_clip_one_sample_over_a_window(small: ArtalkModel) -> None:
    motion = ArtalkPipeline(small).generate(speech(64001).numpy())
    assert len(motion) == 101
    assert_close(motion.values[-1], golden("artalk_small_short")["motion_64001_last"], MOTION)


def test_small_clip_of_silence(small: ArtalkModel) -> None:
    motion = ArtalkPipeline(small).generate(np.zeros(3200, np.float32))
    assert_close(motion.values, golden("artalk_small_short")["silence_3200_motion"], MOTION)


def test_small_frames_of_short_clips(small: ArtalkModel) -> None:
    short, pipeline = golden("artalk_small_short"), ArtalkPipeline(small)
    lengths = [len(pipeline.generate(speech(n).numpy())) for n in short["run_samples"].tolist()]
    assert lengths == short["run_frames"].tolist()


def test_small_stream_equals_the_whole_clip(small: ArtalkModel) -> None:
    streaming, audio = golden("artalk_streaming"), audio_f32(158811, 22)
    pipeline = ArtalkPipeline(small)
    stream, start, pieces = pipeline.stream(style_motion("style0", 50)), 0, []
    for size in streaming["feed_samples"].tolist():
        pieces.append(stream.feed(audio[start : start + size]).values)
        start += size
    pieces.append(stream.finish().values)
    assert [len(piece) for piece in pieces] == streaming["emitted_frames"].tolist()
    whole = pipeline.generate(audio, style=style_motion("style0", 50))
    np.testing.assert_array_equal(np.concatenate(pieces), whole.values)


def test_small_style_changed_in_mid_stream_leaves_the_history_its_own(small: ArtalkModel) -> None:
    audio, pipeline = speech(128000), ArtalkPipeline(small)
    stream = pipeline.stream()
    first = stream.feed(audio[:64000].numpy()).values
    stream.set_style(style_motion("style0", 50))
    second = stream.feed(audio[64000:].numpy()).values
    plain, styled = small.style_token(None), small.style_token(golden_motion("style0", 50))
    windows, features = WindowLoop(small, plain), list(small.encoder.encode_clip(audio, 64000))
    np.testing.assert_array_equal(first, windows.next(features[0], plain))
    assert windows.history.style_token is plain
    np.testing.assert_array_equal(second, windows.next(features[1], styled))


# -------------------------------------------------------------------------------------------------- full-size models


@pytest.mark.slow
def test_full_codec_both_halves(full: ArtalkModel) -> None:
    check_codec(full, "artalk_full_vae")


@pytest.mark.slow
def test_full_audio_features(full: ArtalkModel) -> None:
    chunk = golden("artalk_full_chunk")
    features = full.audio_encoder(speech(64000, seed=0)[None])[0]
    assert_close(features[::16], chunk["feat_rows16"], FEATURES)
    assert_close(features.double().mean(1), chunk["feat_row_mean"], FEATURES)
    assert_close(features.double().std(1, unbiased=False), chunk["feat_row_std"], FEATURES)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "style"])
def test_full_chunk(full: ArtalkModel, kind: str) -> None:
    chunk = golden("artalk_full_chunk")
    style = golden_motion("style9", 50) if kind == "style" else None
    if style is not None:
        assert_close(full.style_encoder(style)[0], chunk["style_feature"], FEATURES)
    run = run_windows(full, speech(64000, seed=0), style)
    assert_bits(run["context"][0], chunk["zero_context_bits"])
    assert_bits(run["bits"][0], chunk[f"{kind}_bits"])
    assert_bits(run["context"][1], chunk[f"{kind}_reencoded_bits"])
    assert_close(run["motion"][0], chunk[f"{kind}_motion"], MOTION)
    logits = [own[0].flatten(1) for own in run["logits"][0]]
    for scale in range(4):  # of scale 3 the first 25 of 50 positions are stored
        assert_close(logits[scale][:25], chunk[f"{kind}_logits_scale{scale}"], LOGITS)
    assert_close(torch.cat(logits)[::7], chunk[f"{kind}_logits_scale4_rows7"], LOGITS)


@pytest.mark.slow
def test_full_two_windows_with_history_and_style(full: ArtalkModel) -> None:
    multi = golden("artalk_full_multi")
    audio = torch.zeros(128000)
    audio[:96000] = speech(96000, int(multi["audio_seed"]))
    run = run_windows(full, audio, golden_motion("style9", 50))
    for i in range(2):
        assert_bits(run["bits"][i], multi["style_bits"][i])
    for i in range(3):
        assert_bits(run["context"][i], multi["style_context_bits"][i])
    assert_close(run["features"][1][::40], multi["style_chunk1_feat_rows40"], FEATURES)
    assert_close(torch.cat(run["logits"][1], 1)[0].flatten(1)[::20], multi["style_chunk1_logits_scale4_rows20"], LOGITS)
    assert_close(torch.cat(run["motion"])[:150:3], multi["style_motion_rows3"], MOTION)


@pytest.mark.slow
def test_mimi_chunk() -> None:
    chunk, model = golden("artalk_mimi_chunk"), build("mimi")
    audio = speech(64000, int(chunk["seed"]))
    encoder = model.audio_encoder
    assert isinstance(encoder, MimiEncoder)
    np.testing.assert_array_equal(encoder.codes(audio[None])[0].numpy(), chunk["codes"])
    run = run_windows(model, audio, None)
    assert_close(run["features"][0][::5], chunk["feat_rows5"], FEATURES)
    assert_bits(run["bits"][0], chunk["bits"])
    assert_close(torch.cat(run["logits"][0], 1)[0].flatten(1)[::20], chunk["logits_scale4_rows20"], LOGITS)
    assert_close(run["motion"][0][::4], chunk["motion_rows4"], MOTION)
