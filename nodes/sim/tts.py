"""sim.tts: a hum as long as the words would take."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import numpy as np
from pydantic import Field

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32
from vaidol.graph.node import Settings
from vaidol.graph.scenario_stage import plain
from vaidol.nodes.tts._speaker import Speaker

PIECE_S = 0.2


class SimTtsSettings(Settings):
    first_ms: float = Field(80.0, ge=0, le=600_000)
    """Time to the first sound of a sentence, ms."""
    character_ms: float = Field(65.0, gt=0, le=10_000)
    """Length of the sound per character, ms."""
    rtf: float = Field(0.1, ge=0, le=100)
    """Time that making sound takes, per time that it lasts."""
    fails_on: str = ""
    """Sentences with these words cannot be spoken."""


class SimTts(Speaker[SimTtsSettings]):
    """sim.tts: hum.  text (Sentence) -> audio (Audio, 48 kHz)"""

    rate = 48_000

    async def speak(self, text: str) -> AsyncGenerator[F32, None]:
        wanted = self.settings
        await self.ctx.clock.sleep(wanted.first_ms / 1000)
        if wanted.fails_on and plain(wanted.fails_on) in plain(text):
            raise ProviderError("the simulated voice failed", retryable=True, code="simulated")
        left = round(len(text) * wanted.character_ms * self.rate / 1000)
        step = round(PIECE_S * self.rate)
        hum = (0.2 * np.sin(2 * np.pi * 200 * (np.arange(step) + 0.5) / self.rate)).astype(np.float32)
        while left > 0:
            take = min(step, left)
            left -= take
            await self.ctx.clock.sleep(wanted.rtf * take / self.rate)
            yield hum[:take]
