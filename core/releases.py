# SPDX-License-Identifier: GPL-3.0-or-later
"""The published checkpoints: which files they are, how large, what their content hashes to, and where to read what
may be done with them. Nothing of them is shipped."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReleaseFile:
    """One published file. size: bytes; sha256: of its content; None: not stated by its publisher."""

    name: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Release:
    """What somebody has published of a model.

    page:       where a person reads about it and about its licence
    licence:    what is known of the licence, a sentence
    files:      the weights
    styles:     style motions that come with them
    repository: on the Hugging Face hub; empty where the files have to be fetched by hand
    """

    page: str
    licence: str
    files: tuple[ReleaseFile, ...]
    styles: tuple[ReleaseFile, ...] = ()
    repository: str = ""

    @property
    def all_files(self) -> tuple[ReleaseFile, ...]:
        """The weights, then the styles."""
        return self.files + self.styles

    @property
    def size(self) -> int:
        """Bytes of all files of known size."""
        return sum(file.size or 0 for file in self.all_files)


STYLES_FOLDER = "style_motion"
FLAME_FILE = "FLAME_with_eye.pt"
"""A head that lies beside ARTalk's weights and is none of them; to be got from FLAME's own site, by its licence."""

_STYLES = (
    ("angry_0", 2365843, "4f17f930661c1e42306ecf6e222b370ca2c4f775dbc63bde6402ca2f8135c556"),
    ("curious_0", 680437, "f0db8a645684583af9694d72924cad9b4ac4d16d1a3e7c26c979fa9a7a51220d"),
    ("doubtful_0", 2333193, "65863da3c4cc9fc11604f21c660684864ddfd135f88a84c0f25d0adba25bfc36"),
    ("doubtful_1", 1062478, "2ea3241f8a9a3bd3f428ba77d76720c32ef8696042d05329af4f7e95a1baecce"),
    ("happy_0", 2386200, "fdba588c443f1cfb17a11781b37515ababd933f65564a32f6859622ff62d3412"),
    ("happy_1", 531573, "3ed4aa1ee540c136e88546a63ae324ac4f677a72a3bd41423fab1a5eea7c30ca"),
    ("happy_2", 638005, "0b39a71e934c3bca01dce558e08b1953935392f98f1334e39759e0c9023cbd0f"),
    ("natural_0", 3129038, "5c929ca5a4f91ef8c4921964648cd2724f9e10d0ca520e0207009a2ed9b2bdcd"),
    ("natural_1", 696565, "775273821b842701d41acc17ed8bc022c806c9a44cc77b860213c6e56fe36612"),
    ("natural_2", 1327054, "7cebd082ba8fa4bb91c1d51c6a7a7c9e26c8892f648c9942f49344d42264de70"),
    ("natural_3", 1433043, "ae85ce6fbeaa3af633ee1022a6f96a543a88f40becd61a4c5f0bc997ab074078"),
    ("natural_4", 2811460, "cc76e17d724001d3d047c6d40c9c86a50550e7fb734a11bf043cc1eaad376005"),
    ("natural_5", 391285, "838dc72fccb22908dfc61b8965225295a7ae0c84a57f0672da31a48327b09fc0"),
    ("natural_6", 716469, "b32a9d6ed07978d375e51f0f8da9ece1b3e4bc8dad64a281f990fe712c54d7eb"),
    ("natural_7", 620213, "7ee71908c968e3a02f7d00c4079cbae0227551251da7a08ad2ed6ee074cd42f6"),
)

ARTALK = Release(
    page="https://huggingface.co/xg-chu/ARTalk",
    licence=(
        "The weights' licence is what their model card says, which you have to read: ARTalk's code is under the MIT "
        "licence, its list of files states none for the weights. Heads of FLAME are under FLAME's own licence."
    ),
    files=(
        ReleaseFile(
            "ARTalk_wav2vec.pt", 1959150898, "d89615a32e2a6b4e35cf5494c1e400b2acedc43812f63423b9f5d705046d67c2"
        ),
    ),
    styles=tuple(ReleaseFile(f"{STYLES_FOLDER}/{name}.pt", size, digest) for name, size, digest in _STYLES),
    repository="xg-chu/ARTalk",
)
"""As ARTalk's own list of files has it."""


def codetalker(dataset: str) -> Release:
    """The two files of CodeTalker trained on vocaset or BIWI."""
    return Release(
        page="https://github.com/Doubiiu/CodeTalker",
        licence=(
            "CodeTalker's code is under the MIT licence; nothing is stated for the weights, and the recordings that "
            "they were trained on are given out on request for research: ask their owners before other uses."
        ),
        files=tuple(ReleaseFile(f"{dataset}_stage{stage}.pth.tar") for stage in (1, 2)),
    )
