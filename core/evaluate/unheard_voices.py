# SPDX-License-Identifier: GPL-3.0-or-later
"""Mouth scores in languages that no recording is at hand for: synthesised voices that no training has heard.

RHVoice's voices are statistical models of people's recordings and tell when each of their phones begins. Those of
`LANGUAGES` are measured and nothing else: they are not trained on, and what they say is not kept. Some may not be used
commercially (docs/evaluation.md names their licences).
"""

from __future__ import annotations

import ctypes.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..audio import RATE
from ..errors import InputError
from ..phones import BILABIALS, lookup
from .clips import Clip
from .goals import at_least
from .scorer import score
from .scores import Tracks
from .systems import Audio, Measure, measure_all, say_progress
from .tables import Cell, Mark, Table

VOICES_FOLDER = Path("/usr/share/RHVoice/voices")
WANTED_RECALL = at_least(0.75, 0.75)
"""What closures are held to in each language besides English."""

_COLUMNS = (
    "bilabial_recall", "bilabial_precision", "bilabial_f1", "false_seal", "fv_recall", "fv_precision", "fv_f1",
    "openness_rho", "vowel_rho", "round_auc", "sibilant_jaw", "lag_ms",
)  # fmt: skip
_NOTE = (
    "Voices synthesised by RHVoice that no training has heard; no people. "
    "Wanted in each language: bilabial_recall ≥ 0.75."
)


@dataclass(frozen=True)
class Language:
    """Sentences, written for this, and the voices that say each of them; `name` as the Debian package has it.

    voices: folder of the voice and the name that RHVoice knows it by.
    """

    name: str
    code: str
    voices: Mapping[str, str]
    sentences: tuple[str, ...]


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.strip().splitlines())


LANGUAGES = (
    Language(
        "polish",
        "pl",
        {"magda": "Magda", "natan": "Natan"},
        _lines("""
Babcia upiekła placek ze śliwkami i zaprosiła sąsiadów na obiad.
Mój brat kupił wczoraj nowy rower, ale jeszcze nim nie jeździł.
Pada deszcz, więc weź parasol i ciepłą kurtkę.
Filip napisał list do wujka, który mieszka we Wrocławiu.
Czy możesz mi pomóc przenieść te pudła do piwnicy?
Film był tak nudny, że połowa widzów wyszła przed końcem.
W sobotę pojedziemy pociągiem nad morze, jeśli pogoda pozwoli.
Kawa z mlekiem i bułka z masłem wystarczą mi na śniadanie.
Proszę zamknąć okno, bo bardzo wieje.
Dawno temu w małej wiosce mieszkał piekarz, który wstawał przed świtem.
Fotograf poprosił, żebyśmy wszyscy spojrzeli w obiektyw.
Lampa na biurku zgasła, a potem zrobiło się zupełnie ciemno.
"""),
    ),
    Language(
        "brazilian-portuguese",
        "pt-BR",
        {"Leticia-F123": "Letícia-F123"},
        _lines("""
Minha mãe preparou um bolo de banana com bastante canela.
O meu vizinho comprou um barco branco e foi pescar bem cedo.
Você pode me emprestar um copo de farinha, por favor?
A professora abriu a janela porque fazia muito calor.
Ontem à noite a chuva bateu forte no telhado.
Pedro e Ana foram ao cinema e voltaram a pé para casa.
Por favor, não esqueça as chaves em cima da mesa.
Quando eu era pequeno, brincava na praia com meus primos.
O ônibus passou vazio, mas não parou no ponto.
Ela fala baixo, sempre com muita calma e um pouco de humor.
Prefiro café com leite e pão com manteiga.
No próximo sábado vamos subir a montanha até a capela.
A vovó ficou feliz com a visita da família no feriado.
"""),
    ),
    Language(
        "albanian",
        "sq",
        {"hana": "hana"},
        _lines("""
Gjyshja ime bëri një byrek me spinaq dhe e ndau me fqinjët.
Ju lutem mbylleni dritaren, se po fryn shumë erë.
Babai im punon në fabrikë dhe kthehet vonë në mbrëmje.
A mund të më ndihmosh me këto kuti të mëdha?
Fëmijët luajtën me top përpara shkollës.
Nesër do të shkojmë në plazh me makinën e vëllait.
Filmi ishte aq i bukur, sa e pamë përsëri.
Kam blerë bukë, mjaltë, verë dhe pak fruta të freskëta.
Profesori foli për historinë e vjetër të qytetit.
Mbrëmë pashë një ëndërr të bukur për pyllin dhe lumin.
Pse nuk erdhe dje në festën e Blerimit?
Libri mbi tavolinë është i motrës sime më të vogël.
Vera vjen vonë, por dimri vazhdon për një kohë të gjatë.
Vajza ime fle e qetë pranë vëllait të vogël.
"""),
    ),
    Language(
        "macedonian",
        "mk",
        {"kiko": "kiko", "suze": "suze"},
        _lines("""
Баба ми направи пита со праз и ги покани соседите.
Те молам затвори го прозорецот, бидејќи дува ветер.
Мојот брат вчера купи нов велосипед.
Филмот беше толку убав што го гледавме двапати.
Можеш ли да ми помогнеш со овие кутии?
Во сабота ќе патуваме со воз до Охрид, ако биде убаво времето.
На масата има леб, путер, мед и бело вино.
Професорот зборуваше за старата историја на градот.
Пред куќата на дедо ми има голема јаболкница.
Фати го автобусот пред болницата, па слези кај паркот.
Ефтимија фрли топка преку оградата и побегна дома.
Рибарот излезе со бродот пред самиот изгрев на сонцето.
"""),
    ),
    Language(
        "tatar",
        "tt",
        {"talgat": "talgat"},
        _lines("""
Әбием бүген бәлеш пешерде, без барыбыз да бик шатландык.
Иртәгә без авылга барабыз, анда безне бабай көтә.
Абыем миңа яңа китап бүләк итте.
Тәрәзәне яп әле, бүлмәдә бик салкын булды.
Бу фильм миңа бик ошады, мин аны тагын карыйм.
Базардан ипи, май, бал һәм алма алып кайттык.
Фәридә мәктәптә фәннәр буенча иң яхшы укучы.
Кичә көне буе яңгыр яуды, бүген исә кояш чыкты.
Фатыйма телефоннан апасы белән озак сөйләште.
Балалар болында туп уйный, ә песи агач башында утыра.
Әнием бакчага суган белән кәбестә утыртты.
Поезд таңда килеп җитте, вагоннан бер малай белән бабай төште.
Врач авыруга витамин һәм файдалы үләннәр тәкъдим итте.
Кафеда вафли белән кофе эчтек.
"""),
    ),
)


def check(languages: Sequence[Language]) -> None:
    """Raise InputError with the Debian packages that are missing here."""
    library = [] if ctypes.util.find_library("RHVoice") else ["librhvoice5"]
    missing = library + [
        f"rhvoice-{language.name}"
        for language in languages
        if not all((VOICES_FOLDER / folder).is_dir() for folder in language.voices)
    ]
    if missing:
        raise InputError(
            f"--unheard-voices needs voices of RHVoice that are not installed: apt-get install {' '.join(missing)} "
            "(in Debian's section non-free)."
        )


def measure(mouth: Measure, languages: Sequence[Language]) -> Table:
    """Say everything and score the mouth; `check` first."""
    clips, recordings = say(languages)
    return table("unheard voices", _NOTE, clips, measure_all("unheard voices", mouth, clips, recordings))


def say(languages: Sequence[Language]) -> tuple[list[Clip], dict[str, Audio]]:
    """Every sentence by every voice of its language: labelled clips, their set the voice, and their samples."""
    # it stands among the tools of training, which need scipy
    from ..train.tts_rhvoice import RHVoice

    engine = RHVoice()
    clips: list[Clip] = []
    recordings: dict[str, Audio] = {}
    for number, language in enumerate(languages, 1):
        for folder, voice in language.voices.items():
            for sentence in language.sentences:
                spoken = engine.say(sentence, language.name, voice)
                name = f"{language.code}-{folder}-{len(clips):03d}"
                seconds = len(spoken.samples) / RATE
                clips.append(Clip(name, Path(name), seconds, "speech", folder, language.name, tuple(spoken.phones)))
                recordings[name] = spoken.samples
        say_progress("saying sentences", number, len(languages))
    return clips, recordings


def table(title: str, note: str, clips: Sequence[Clip], tracks: Tracks) -> Table:
    """One row for each language with the mark of its closures, and below it one for each of several voices."""
    rows: dict[str, dict[str, Cell]] = {}
    marks: dict[tuple[str, str], Mark] = {}
    for language in dict.fromkeys(clip.language for clip in clips):
        members = [clip for clip in clips if clip.language == language]
        found = score(members, tracks)
        rows[language] = _row(members, found)
        marks[language, "bilabial_recall"] = WANTED_RECALL.mark(found["bilabial_recall"])
        voices = list(dict.fromkeys(clip.group for clip in members))
        for voice in voices if len(voices) > 1 else []:
            own = [clip for clip in members if clip.group == voice]
            rows[f"  {voice}"] = _row(own, score(own, tracks))
    return Table(title, rows, marks, note)


def _row(clips: Sequence[Clip], found: Mapping[str, float]) -> dict[str, Cell]:
    closures = sum(lookup(phone)[0].ipa in BILABIALS for clip in clips for _, _, phone in clip.phones)
    return {"clips": len(clips), "p b m": closures, **{name: found.get(name, float("nan")) for name in _COLUMNS}}
