# SPDX-License-Identifier: GPL-3.0-or-later
"""What the synthesisers are given to say: verses chosen for p b m f v, sentences of our own, and syllables."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from functools import cache

from ..errors import InputError

_VERSES = "gen1:1-rev22:21"

_NAMES = (
    "Bob Pam Emma Felix Vivian Boris Mabel Philip Sophie Maria Peter Ben Fiona Victor Amy Bruno Phoebe Martin Kim Ivy "
    "Paula Steve Tom Abby Jeff Gavin Liam Naomi Simon Julia George Wendy Oscar Ruth Hugh Zoe Chuck Yvonne"
).split()
_THINGS = (
    "apple bottle map lamp book camera puppet football van cable pump bubble maple_syrup phone number video family "
    "coffee paper bumper umbrella river shovel film album problem movie webcam keyboard backup elbow thumb lip mouth "
    "tooth knife wolf roof leaf loaf shoe juice spoon pool zoo engine table window garden orange church watch bridge "
    "cheese shampoo mushroom vision garage treasure yellow_wall wheel swimming_pool queen toy boy oil coin cow house "
    "cloud town hour bear chair hair square fire tower flower beach sheep ship voice choice job image package cabbage "
    "market basket packet rabbit robot mobile_app blue_whale pink_blouse green_leaf thick_leather smooth_cloth"
).split()
_VERBS = (
    "push pull buy sell move lift drop open bump paint film photograph fix find forget remember improve prove stop "
    "carry compare provide follow believe save love give bring describe imagine measure wash watch choose join use"
).split()
_ADJECTIVES = (
    "big small beautiful brave famous simple warm bumpy purple brown five perfect common possible impossible soft firm "
    "very_rough pretty empty wooden wavy shiny huge poor pure weird loud joyful thirsty lazy busy"
).split()
_PLACES = (
    "Boston Paris Bombay Memphis Vienna Miami Portland Cuba Moscow the_office the_basement the_farm my_bathroom "
    "the_village the_summit Fifth_Avenue the_movie_theater a_public_park the_lobby"
).split()
_NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve fifteen twenty forty_five fifty sixty_seven "
    "ninety_nine a_hundred five_hundred_and_seven two_thousand"
).split()
_TEMPLATES = (
    "{name}, please {verb} the {adjective} {thing}.",
    "Have you ever seen {number} {adjective} {thing}s in {place}?",
    "I'd love to {verb} {name}'s {thing}, but maybe not before {number} p m.",
    "Press {number} to {verb} your {thing}, or press {number} for more options.",
    "What? No! {name} and {name} both {verb} it every morning.",
    "My {thing} from {place} is {adjective}, and above all it's {adjective}.",
    "We probably {verb} about {number} {thing}s; {name} will bring the {thing}.",
    "Why would anybody {verb} a {thing} when {name} has a {adjective} one?",
    "Well, um, I'm not sure. Perhaps {name} could {verb} that {thing} for me.",
    "The {adjective} {thing} was put by the {thing}, just behind the {adjective} {thing}.",
    "Oh, wow! That's a {adjective} {thing}, {name}.",
    "On {number} February, {name} moved from {place} to {place} with {number} {thing}s.",
    "Goodbye, {name}. Thank you for the {thing}, and have a wonderful evening.",
    "If you {verb} it now, the {thing} will be {adjective} by half past {number}.",
    "{number}, {number}, {number}, {number}. {name}, {name}.",
    "She said: {verb} the {thing}! And he did.",
    "Yes. No. Maybe. Sure, {name}, why not?",
    "The usual measure of pleasure is how you {verb} a {adjective} {thing} on a beige {thing}.",
    "Could you show me which {thing} you should choose, and how soon you will {verb} it?",
    "Our whole {thing} would go slowly towards the {adjective} {thing} at {place}.",
)
_WORDS = {
    "name": _NAMES, "thing": _THINGS, "verb": _VERBS, "adjective": _ADJECTIVES, "place": _PLACES, "number": _NUMBERS,
}  # fmt: skip

# onsets, vowels and what may close a word, in letters that a voice of the language reads
_SYLLABLES = {
    "latin": ("p b m f v t d n s z l r k g ch j w h pr bl mp mb fr st sp", "a e i o u ai au ou ie", "p b m f v t d n"),
    "cyrillic": ("п б м ф в т д н с з л р к г ш ж ч пр бл мп вр ст", "а е и о у ы ю я э", "п б м ф в т д н"),
    "russian": ("п б м ф в т д н с з л р к г ш ж ч х ц щ пр бл вр ст см", "а е и о у ы ю я э", "п б м ф в т д н с ш"),
    "ukrainian": ("п б м ф в т д н с з л р к г ш ж ч х ц й пр бл вр ст", "а е и і о у ю я є", "п б м в т д н с"),
    "kyrgyz": ("п б м т д н с з л р к г ш ж ч б м п", "а е и о у ы ө ү э аа оо уу өө", "п м т н с ш л р"),
    "esperanto": ("p b m f v t d n s z l r k g ĉ ĝ ĵ ŝ h c j pr bl fr st", "a e i o u aŭ oj aj", "p b m f v t d n s"),
    "italian": (
        "p b m f v t d n s l r c g ch gh gn gli sci ci gi z qu pr bl pp bb mm ff st sp mb",
        "a e i o u",
        "- - - n",
    ),
    "czech": (
        "p b m f v t d n s z l r k h ch c č š ž ř ď ť ň j pr bl vr st mp",
        "a e i o u á é í ó ú ou y",
        "p m v t n š k",
    ),
    "finnish": (
        "p m v t d n s l r k h j pp mm tt ll mp nt",
        "a e i o u y ä ö aa ee ii oo uu yy ää ai au öy",
        "- - n s t",
    ),
    "catalan": ("p b m f v t d n s l r c g ny ll x j tx qu pr bl fr ss", "a e i o u", "p m t n s l r"),
    "devanagari": ("प ब म फ व त द न स ल र क ग च ज ट ड श ह भ य", "- ा ि ी ु ू े ो ा", "- - म न र"),
    "telugu": ("ప బ మ వ త ద న స ల ర క గ చ జ ట డ శ హ భ య మ్మ ప్ప", "- ా ి ీ ు ూ ె ే ొ ో", "-"),
    "german": (
        "p b m f w t d n s l r k g sch z h j pf pr bl fr st sp",
        "a e i o u ä ö ü ei au eu ie",
        "p m f t n s ch l",
    ),
    "spanish": ("p b m f v t d n s l r c g ch ll ñ j rr pr bl fr", "a e i o u ie ue ai", "- - n s r l"),
    "french": (
        "p b m f v t d n s l r c g ch j gn pr bl fr qu vr",
        "a e i o u é è ou on an in eu oi",
        "- pe me te ve che ne",
    ),
}


@cache
def verses() -> tuple[str, ...]:
    """The King James Bible verse by verse, as Debian's `bible-kjv` prints it.

    Raises InputError when the program is not there.
    """
    if shutil.which("bible") is None:
        raise InputError("Making the corpus needs the program 'bible', not installed here: apt-get install bible-kjv.")
    printed = subprocess.run(["bible", "-f", _VERSES], check=True, capture_output=True, text=True, input="").stdout
    lines = (line.split(" ", 1) for line in printed.splitlines() if re.match(r"\w+\d+:\d+ ", line))
    return tuple(text for _, text in lines)


def verse(rng: random.Random) -> str:
    """A verse rich in lip sounds (the best of three), at most about 25 words of it."""

    def lip_share(text: str) -> float:
        return sum(letter in "pbmfv" for letter in text.lower()) / len(text)

    words = max(rng.choices(verses(), k=3), key=lip_share).split()
    return " ".join(words[: rng.randint(10, 26)]).rstrip(",;:") + "."


def sentence(rng: random.Random) -> str:
    """A sentence of everyday words."""
    template = rng.choice(_TEMPLATES)
    filled = re.sub(r"\{(\w+)\}", lambda match: rng.choice(_WORDS[match[1]]), template)
    return filled[0].upper() + filled[1:].replace("_", " ")


def english(rng: random.Random) -> str:
    """A verse, or one to three sentences."""
    if rng.random() < 0.4:
        return verse(rng)
    return " ".join(sentence(rng) for _ in range(rng.randint(1, 3)))


def syllables(rng: random.Random, letters: str = "latin") -> str:
    """A sentence of made-up words in the letters of a language; `latin` and `cyrillic` suit voices of any language."""
    onsets, vowels, codas = ([part.strip("-") for part in parts.split()] for parts in _SYLLABLES[letters])

    def word() -> str:
        spelled = "".join(rng.choice(onsets) + rng.choice(vowels) for _ in range(rng.randint(1, 4)))
        return spelled + rng.choice(["", "", rng.choice(codas)])

    words = [word() + rng.choice(["", "", "", "", ","]) for _ in range(rng.randint(6, 14))]
    return " ".join(words).strip(",") + rng.choice(".?!")
