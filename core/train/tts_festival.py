# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech with exact phone timings from festival: English, and the diphone and unit voices of other languages."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .tts import Speech, arpabet, from_ends, read, spelling

_DIPHONES = ("kal_diphone", "ked_diphone")


@dataclass(frozen=True)
class Voice:
    """A voice of festival: its Debian package, licence, what it reads, and how its phones are spelled here.

    letters: which syllables of `text` it can read; empty for English.
    encoding: of the text it expects.
    """

    package: str
    licence: str
    letters: str
    encoding: str
    spelled: Callable[[str], str]


def _other(table: str) -> Callable[[str], str]:
    """Look-up in a table of phones; one that is not there is our mistake and raises KeyError."""
    spellings = {**spelling(table), "#": "SIL", "##": "SIL", "_": "SIL", "pau": "SIL"}
    return spellings.__getitem__


_ITALIAN = _other(
    "i e a o u i1:i e1:e a1:a o1:o u1:u E:ɛ E1:ɛ O:ɔ O1:ɔ j w p t k b d g:ɡ f s S:ʃ v z Z:ʒ ts tS:tʃ dz dZ:dʒ m n J:ɲ "
    "ng:ŋ nf:ɱ l L:ʎ r"
)
_CZECH = _other(
    "a a::aː b c:ts c~:tʃ ch:x d d~:ɟ dz dz~:dʒ e:ɛ e::ɛː f g:ɡ h:ɦ i:ɪ i::iː j k l m n n*:ŋ n~:ɲ o o::oː p r r~:ʒ "
    "r~*:ʃ s s~:ʃ t t~:c u u::uː v z z~:ʒ"
)
_FINNISH = _other(
    "a:ɑ a::ɑː e e::eː i i::iː o o::oː u u::uː y y::yː @:æ @::æː 7:ø 7::øː &:ə p p::p t t::t k k::k b b::b d d::d g:ɡ "
    "g::ɡ f f::f s s::s S:ʃ S::ʃ T:θ T::θ D:ð D::ð z z::z Z:ʒ Z::ʒ h h::h v:ʋ v::ʋ m m::m n n::n N:ŋ N::ŋ l l::l L:ʎ "
    "L::ʎ r r::r j j::j w w::w"
)
_CATALAN = _other(
    "ax:ə a a1:a e e1:e E:ɛ E1:ɛ i i1:i o o1:o O:ɔ O1:ɔ u u1:u b d f g:ɡ j J:ɲ k l L:ʎ m n p r:ɾ rr:r s S:ʃ t w z Z:ʒ"
)
_RUSSIAN = _other(
    "ii:i yy:ɨ uu:u ee:ɛ oo:o aa:a a:ɐ e:ɪ i y:ɨ u:ʊ ae:ɪ ay:ɨ ur:ʊ p pp:pʲ b bb:bʲ t tt:tʲ d dd:dʲ k kk:kʲ g:ɡ "
    "gg:ɡʲ c:ts ch:tɕ f ff:fʲ v vv:vʲ s ss:sʲ z zz:zʲ sh:ʂ sch:ɕ zh:ʐ h:x hh:xʲ m mm:mʲ n nn:nʲ l ll:lʲ r rr:rʲ j"
)
_INDIC = _other(
    "a:ɐ aa:a ih:ɪ iy:i uh:ʊ uw:u eh:e ee:eː oh:o oo:oː p b bh:b t:ʈ T:ʈ D:ɖ th:t dh:d k kh:k g:ɡ gh:ɡ ch:tʃ j:dʒ m n "
    "N:ɳ y:j r l v:ʋ s sh:ʃ h f w"
)

VOICES = {
    "kal_diphone": Voice("festvox-kallpc16k", "free (BSD-like)", "", "ascii", arpabet),
    "ked_diphone": Voice("festvox-kdlpc16k", "free (BSD-like)", "", "ascii", arpabet),
    "cmu_us_slt_arctic_hts": Voice("festvox-us-slt-hts", "free (BSD-like)", "", "ascii", arpabet),
    "lp_diphone": Voice("festvox-italp16k", "GPL-2+", "italian", "latin-1", _ITALIAN),
    "pc_diphone": Voice("festvox-itapc16k", "GPL-2+", "italian", "latin-1", _ITALIAN),
    "czech_dita": Voice("festvox-czech-dita", "GPL-3+", "czech", "iso-8859-2", _CZECH),
    "czech_krb": Voice("festvox-czech-krb", "GPL-3+", "czech", "iso-8859-2", _CZECH),
    "czech_machac": Voice("festvox-czech-machac", "GPL-3+", "czech", "iso-8859-2", _CZECH),
    "czech_ph": Voice("festvox-czech-ph", "GPL-2+", "czech", "iso-8859-2", _CZECH),
    "suo_fi_lj_diphone": Voice("festvox-suopuhe-lj", "LGPL-2+", "finnish", "latin-1", _FINNISH),
    "hy_fi_mv_diphone": Voice("festvox-suopuhe-mv", "LGPL-2+", "finnish", "latin-1", _FINNISH),
    "upc_ca_ona_hts": Voice("festvox-ca-ona-hts", "LGPL-2.1+", "catalan", "latin-1", _CATALAN),
    "msu_ru_nsh_clunits": Voice("festvox-ru", "free (BSD-like)", "russian", "utf-8", _RUSSIAN),
    "hindi_NSK_diphone": Voice("festvox-hi-nsk", "GPL-2+", "devanagari", "utf-8", _INDIC),
    "marathi_NSK_diphone": Voice("festvox-mr-nsk", "GPL-2+", "devanagari", "utf-8", _INDIC),
    "telugu_NSK_diphone": Voice("festvox-te-nsk", "GPL-2+", "telugu", "utf-8", _INDIC),
}


def festival(
    texts: Sequence[str], voice: str, *, stretch: float = 1.0, pitch_hz: tuple[float, float] | None = None
) -> list[Speech | None]:
    """Say several texts with one of `VOICES` in one process; None for a text at which the voice gives up.

    pitch_hz: mean and deviation in Hz, for the English diphone voices only.
    """
    about = VOICES[voice]
    with tempfile.TemporaryDirectory() as folder:
        script = [f"(voice_{voice})", f"(Parameter.set 'Duration_Stretch {stretch:.3f})"]
        if about.letters == "czech":
            # its random melodies and lengths would not come again from our seed
            script += ["(set! czech-randomize nil)", "(set! czech-duration-random-factor 0)"]
        if pitch_hz is not None and voice in _DIPHONES:
            mean, deviation = pitch_hz
            script.append(
                f"(set! int_lr_params '((target_f0_mean {mean:.1f}) (target_f0_std {deviation:.1f})"
                " (model_f0_mean 170) (model_f0_std 34)))"
            )
        for index, text in enumerate(texts):
            plain = re.sub(r'["\\]', " ", text)
            script.append(
                f'(unwind-protect (begin (set! u (utt.synth (Utterance Text "{plain}")))'
                f'(utt.save.wave u "{folder}/{index}.wav" \'riff)(utt.save.segs u "{folder}/{index}.lab")) nil)'
            )
        job = Path(folder, "job.scm")
        job.write_bytes("\n".join(script).encode(about.encoding, "replace"))
        subprocess.run(["festival", "-b", str(job)], check=True, capture_output=True)
        return [_result(Path(folder, str(index)), about) for index in range(len(texts))]


def _result(stem: Path, voice: Voice) -> Speech | None:
    if not stem.with_suffix(".lab").is_file():
        return None
    samples = read(stem.with_suffix(".wav"))
    lines = [line.split() for line in stem.with_suffix(".lab").read_text().splitlines()]
    ends = [(float(words[0]), voice.spelled(words[2])) for words in lines if len(words) == 3 and words[0] != "#"]
    return Speech(samples, from_ends(ends, len(samples) / 16000))
