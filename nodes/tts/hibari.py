"""tts.hibari: a small English voice that runs here, about a hundred times faster than speech."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from pydantic import Field

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32
from vaidol.graph.node import Need, Progress
from vaidol.nodes._provider import Provider, one_of
from vaidol.nodes.tts._cache import SpeakerSettings
from vaidol.nodes.tts._speaker import Speaker

if TYPE_CHECKING:
    from vaidol.models.hibari import Hibari


class HibariSettings(SpeakerSettings):
    voice: Annotated[str, one_of("voice", ("heart",))] = "heart"
    """Voice inside the package."""
    speed: float = Field(1.0, ge=0.5, le=2)
    """Tempo; 1 = the voice's own."""
    pause_ms: int = Field(200, ge=0, le=2_000)
    """Silence after a sentence, ms; a third of it after a clause."""
    gain: float = Field(1.0, ge=0, le=4)
    """Loudness; 1 = as the voice comes, which has its peaks near full scale."""


class HibariTts(Speaker[HibariSettings]):
    """tts.hibari: speak English without any network.

    text (Sentence) -> audio (Audio, 24 kHz)
    """

    provider: ClassVar[Provider] = Provider(
        "hibari", package="hibari", streaming=True, languages=("en",), voices=("heart",)
    )
    rate = 24_000

    @classmethod
    def needs(cls, settings: HibariSettings) -> tuple[Need, ...]:
        return (Need(f"hibari {settings.voice}", "voice", partial(_load, settings.voice)), *super().needs(settings))

    async def open(self) -> None:
        self._hibari: Hibari = self.ctx.shared(f"hibari {self.settings.voice}")

    async def speak(self, text: str) -> AsyncGenerator[F32, None]:
        parts = self._hibari.stream(text, speed=self.settings.speed)
        spoken = False
        while (samples := await self.ctx.call("hibari", _next, parts)) is not None:
            if spoken:
                yield self._pause(1)
            spoken = spoken or len(samples) > 0
            yield samples if self.settings.gain == 1 else (samples * np.float32(self.settings.gain)).clip(-1, 1)
        if spoken:
            yield self._pause(1 if text.rstrip("\"')”’ ").endswith((".", "!", "?", "…")) else 1 / 3)
        elif any(character.isalnum() for character in text):
            raise ProviderError("the voice hibari speaks English only, and had no sound for a sentence", code="voice")

    def _pause(self, share: float) -> F32:
        return np.zeros(int(self.rate * self.settings.pause_ms / 1000 * share), np.float32)


def _next(parts: Iterator[F32]) -> F32 | None:
    return next(parts, None)


def _load(voice: str, progress: Progress) -> Hibari:
    from vaidol.models.errors import ModelError
    from vaidol.models.hibari import Hibari

    progress(0.0, f"hibari {voice}")
    try:
        return Hibari(voice)
    except ModelError as error:
        raise ProviderError(str(error), code="model") from error
