# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech of Pico's six women, which says no timings: they are aligned, and what aligns badly is thrown away."""

from __future__ import annotations

import subprocess
import tempfile
from xml.sax.saxutils import escape

from .align import aligned_speech
from .tts import Speech, read

# voice of Pico -> language to align in, which syllables of `text` it reads (none: English text)
VOICES = {
    "en-US": ("en", ""),
    "en-GB": ("en", ""),
    "de-DE": ("de", "german"),
    "es-ES": ("es", "spanish"),
    "fr-FR": ("fr-fr", "french"),
    "it-IT": ("it", "italian"),
}


def pico(text: str, voice: str, *, speed: int = 100, pitch: int = 100) -> Speech | None:
    """Say a text with a voice of Pico, speed and pitch in per cent; None when the timings found are not believable."""
    marked = f'<pitch level="{pitch}"><speed level="{speed}">{escape(text)}</speed></pitch>'
    with tempfile.NamedTemporaryFile(suffix=".wav") as wav:
        subprocess.run(["pico2wave", "-l", voice, "-w", wav.name, marked], check=True, capture_output=True)
        samples = read(wav.name)
    return aligned_speech(samples, text, VOICES[voice][0])
