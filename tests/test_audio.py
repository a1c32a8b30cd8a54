# SPDX-License-Identifier: GPL-3.0-or-later
"""Audio input: any file to mono 16 kHz, and a sentence for each file that is none."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from artalk.core import audio
from artalk.core.errors import Cancelled, InputError


def tone(rate: int, seconds: float = 0.5, hz: float = 440) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2])
def test_any_rate_becomes_mono_16k(tmp_path, rate, channels):
    soundfile.write(tmp_path / "t.wav", np.stack([tone(rate)] * channels, axis=1), rate, subtype="FLOAT")
    heard = audio.read(tmp_path / "t.wav")
    assert heard.dtype == np.float32
    assert abs(len(heard) - 8000) <= 1
    inside = slice(400, 7600)
    assert np.abs(heard[inside] - tone(16000)[: len(heard)][inside]).max() < 0.01


@pytest.mark.parametrize("name", ["t.flac", "t.ogg", "t.mp3", "t.aiff"])
def test_usual_formats_are_read(tmp_path, name):
    soundfile.write(tmp_path / name, tone(44100), 44100)
    assert audio.read(tmp_path / name).std() == pytest.approx(0.3 / np.sqrt(2), rel=0.1)


def test_stereo_is_averaged(tmp_path):
    soundfile.write(tmp_path / "t.wav", np.stack([tone(16000), 0 * tone(16000)], axis=1), 16000, subtype="FLOAT")
    assert np.abs(audio.read(tmp_path / "t.wav") - tone(16000) / 2).max() < 1e-4


def test_channels_that_cancel_each_other_are_heard(tmp_path):
    soundfile.write(tmp_path / "t.wav", np.stack([tone(16000), -tone(16000)], axis=1), 16000, subtype="FLOAT")
    assert np.abs(audio.read(tmp_path / "t.wav")).max() == pytest.approx(0.3, rel=0.01)


def test_a_folder_is_called_a_folder(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        audio.read(tmp_path)


@pytest.mark.parametrize("content", [b"", b"this is a letter, not a sound", b"RIFF\x00\x00\x00\x00WAVE"])
def test_what_is_no_audio_gets_one_sentence(tmp_path, content):
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        audio.read(path)
    assert "bad.wav" in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_and_empty_files(tmp_path):
    with pytest.raises(InputError, match="missing"):
        audio.read(tmp_path / "none.wav")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.float32), 16000)
    with pytest.raises(InputError, match="empty"):
        audio.read(tmp_path / "empty.wav")


def test_silence_zero_length_and_broken_samples_are_named():
    with pytest.raises(InputError, match="The strip 'A' holds only silence"):
        audio.require_speech(np.zeros(16000, np.float32), "The strip 'A'")
    with pytest.raises(InputError, match="only silence"):
        audio.require_speech(np.full(16000, 0.5, np.float32), "A constant offset")
    with pytest.raises(InputError, match="no length"):
        audio.require_speech(np.zeros(0, np.float32), "The strip 'A'")
    with pytest.raises(InputError, match="no numbers"):
        audio.require_speech(np.full(100, np.nan, np.float32), "The strip 'A'")
    with pytest.raises(InputError, match="far too large"):
        audio.require_speech(tone(16000) * 1e20, "The strip 'A'")
    audio.require_speech(tone(16000) * 2**31, "whole numbers taken for shares")
    audio.require_speech(tone(16000) * 0.01, "quiet speech")


@pytest.mark.parametrize(("rate", "channels"), [(48000, 2), (44100, 1), (16000, 2), (11025, 1)])
def test_a_long_sound_read_by_pieces_is_the_same(monkeypatch, rate, channels):
    monkeypatch.setattr(audio, "_PIECE", 2)
    samples = np.random.default_rng(1).normal(0, 0.1, (int(7.3 * rate), channels)).astype(np.float32)
    asked = []

    def read(begin, end):
        asked.append(end - begin)
        return samples[begin:end]

    pieces = audio.to_mono_16k_by_pieces(read, len(samples), rate)
    np.testing.assert_allclose(pieces, audio.to_mono_16k(samples, rate), atol=1e-6)
    assert len(asked) == 4
    assert max(asked) <= 4.1 * rate, "never all of it"


def test_channels_that_cancel_each_other_are_heard_by_pieces(monkeypatch):
    monkeypatch.setattr(audio, "_PIECE", 1)
    left = np.random.default_rng(2).normal(0, 0.1, 40000).astype(np.float32)
    samples = np.stack([left, -left], axis=1)
    pieces = audio.to_mono_16k_by_pieces(lambda begin, end: samples[begin:end], len(samples), 16000)
    np.testing.assert_allclose(np.abs(pieces), np.abs(left), atol=1e-6)


def test_reading_ends_when_it_is_cancelled(monkeypatch):
    monkeypatch.setattr(audio, "_PIECE", 1)
    asked = []

    def read(begin, end):
        asked.append(begin)
        if len(asked) == 2:
            raise Cancelled
        return np.zeros((end - begin, 1), np.float32)

    with pytest.raises(Cancelled):
        audio.to_mono_16k_by_pieces(read, 160000, 16000)
    assert len(asked) == 2
