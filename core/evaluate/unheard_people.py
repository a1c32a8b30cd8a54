# SPDX-License-Identifier: GPL-3.0-or-later
"""Mouth scores on words spoken by people in languages whose recordings training left out: KTuberling's, aligned.

KTuberling names its recordings by what they show, some in English, some by the word itself. Training takes the latter;
for two languages of the former the words stand here. Where a thing has several names it is the one that the aligner
likes best.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .. import audio
from .clips import Clip
from .systems import Audio, Measure, measure_all
from .tables import Table
from .unheard_voices import table

Words = Mapping[str, tuple[str, Mapping[str, str]]]
"""For each language espeak-ng's name for it, and the word in each recording by the name of its file."""

PACKAGE = "ktuberling-data"
_NOTE = "Single words spoken by people (KTuberling), aligned. Wanted in each language: bilabial_recall ≥ 0.75."


def _words(text: str) -> dict[str, str]:
    """Recordings and their words from lines of `file=word, file=word,`."""
    return dict(pair.strip().split("=") for pair in text.strip().split(","))


WORDS: Words = {
    "german": (
        "de",
        _words("""
ball=Ball, bow=Fliege, coat=Jacke, earring=Ohrring, eye=Auge, eyebrow=Augenbrauen, flower=Blume, hair=Haar, hat=Hut,
moustache=Bart, mouth=Mund, nose=Nase, shoes=Schuhe, shorts=Shorts, skirt=Rock, spectacles=Brille,
sunglasses=Sonnenbrille, tie=Krawatte, umbrella=Schirm, egypt_arch=Bogen, egypt_birds=Vogel, egypt_boy=Junge,
egypt_bridge=Brücke, egypt_camel=Kamel, egypt_cart=Wagen, egypt_column=Säule, egypt_girl=Mädchen, egypt_grass=Gras,
egypt_man=Mann, egypt_oasis=Oase, egypt_palmtree=Palme, egypt_pyramid=Pyramide, egypt_road=Weg, egypt_sphynx=Sphinx,
egypt_well=Brunnen, egypt_woman=Frau, moon_alien=Außerirdischer, moon_astronaut=Astronaut, moon_earth=Erde,
moon_fallingstar=Sternschnuppe, moon_hotel=Mondhotel, moon_monster=Monster, moon_moonwalker=Mondfahrzeug,
moon_planet=Planet, moon_radar=Radar, moon_rocket=Rakete, moon_satellite=Satellit, moon_sign=Schild, moon_star=Stern,
moon_ufo=Ufo, pizzeria_bacon=Speck, pizzeria_broccolli=Brokkoli, pizzeria_cheese=Käse, pizzeria_cucumber=Gurke,
pizzeria_mushroom=Pilz, pizzeria_olive=Olive, pizzeria_onion=Zwiebel, pizzeria_oregano=Oregano, pizzeria_pepper=Pfeffer,
pizzeria_pepperoni=Peperoni, pizzeria_pineapple=Ananas, pizzeria_salami=Salami, pizzeria_tomato=Tomate,
tv_bicycle=Fahrrad, tv_car=Auto, tv_train=Zug, tv_tree=Baum
"""),
    ),
    "slovenian": (
        "sl",
        _words("""
ball=žoga, bow=metuljček, coat=plašč, ear=uho, earring=uhan, eye=oko, eyebrow=obrv, hair=lasje, hat=klobuk,
moustache=brki, mouth=usta, nose=nos, shorts=kratke hlače, skirt=krilo, stick=palica, sunglasses=sončna očala,
tie=kravata, umbrella=dežnik, egypt_arch=obok, egypt_birds=ptice, egypt_boy=fant, egypt_bridge=most,
egypt_camel=kamela, egypt_cart=voz, egypt_column=steber, egypt_donkey=osel, egypt_grass=trava, egypt_man=moški,
egypt_oasis=oaza, egypt_palmtree=palma, egypt_pyramid=piramida, egypt_road=cesta, egypt_sphynx=sfinga,
egypt_well=vodnjak, egypt_woman=ženska, moon_alien=marsovec, moon_astronaut=astronavt, moon_earth=Zemlja,
moon_fallingstar=utrinek, moon_hotel=hotel, moon_monster=pošast, moon_planet=planet, moon_radar=radar,
moon_robot=robot, moon_sign=znak, moon_star=zvezda, pizzeria_anchovy=inčun, pizzeria_bacon=slanina,
pizzeria_broccolli=brokoli, pizzeria_cheese=sir, pizzeria_cucumber=kumara, pizzeria_olive=oliva,
pizzeria_onion=čebula, pizzeria_oregano=origano, pizzeria_pepper=paprika, pizzeria_pepperoni=feferon,
pizzeria_pineapple=ananas, pizzeria_salami=salama, pizzeria_tomato=paradižnik, tv_bicycle=kolo, tv_car=avto,
tv_cyclist=kolesar, tv_train=vlak
"""),
    ),
}


def fetch(folder: Path) -> Path:
    """KTuberling's recordings, in `folder`; InputError when they are neither there nor to be had."""
    from ..train import recordings

    return recordings.fetch(PACKAGE, folder) / "usr/share/ktuberling/sounds"


def measure(mouth: Measure, sounds: Path, words: Words) -> Table:
    """Align every word and score the mouth on those whose alignment can be believed."""
    clips, recordings = align(sounds, words)
    return table("unheard people", _NOTE, clips, measure_all("unheard people", mouth, clips, recordings))


def align(sounds: Path, words: Words) -> tuple[list[Clip], dict[str, Audio]]:
    """The recordings with their phones, and their samples; those in which the aligner loses its way are left out.

    Raises InputError when a recording cannot be read or the aligner is not installed.
    """
    from ..train import align as aligner

    clips: list[Clip] = []
    samples: dict[str, Audio] = {}
    for language, (code, spoken) in words.items():
        for file, word in spoken.items():
            path = sounds / code / f"{file}.ogg"
            heard = audio.read(path)
            phones = aligner.align(heard, word, code)
            if aligner.plausibility(heard, phones).believable():
                name = f"{code}-{file}"
                clips.append(Clip(name, path, len(heard) / audio.RATE, "speech", code, language, tuple(phones)))
                samples[name] = heard
    return clips, samples
