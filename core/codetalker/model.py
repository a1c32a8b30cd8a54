# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole network of one CodeTalker model."""

from __future__ import annotations

from torch import nn

from .codec import MotionCodec
from .config import CodetalkerConfig
from .generator import Generator


class CodetalkerModel(nn.Module):
    """The codec of stage 1 and the generator of stage 2."""

    def __init__(self, config: CodetalkerConfig) -> None:
        super().__init__()
        self.config = config
        self.codec = MotionCodec(config.codec)
        self.generator = Generator(config)
