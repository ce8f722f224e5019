"""tts.cartesia: Cartesia's Sonic voices, streamed with the times of the words.

POST /tts/sse, see https://docs.cartesia.ai/api-reference/tts/sse
"""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Annotated, Any, ClassVar

from pydantic import Field

from vaidol.graph.frames import Word
from vaidol.nodes._answer import Answer
from vaidol.nodes._provider import Listing, Provider, one_of
from vaidol.nodes.tts._remote import Ask, RemoteSpeaker, VoiceSettings

VERSION = "2025-04-16"  # of the API
LANGUAGES = (
    "en", "fr", "de", "es", "pt", "zh", "ja", "hi", "it", "ko", "nl", "pl", "ru", "sv", "tr", "tl", "bg", "ro", "ar",
    "cs", "el", "fi", "hr", "ms", "sk", "da", "ta", "uk", "hu", "no", "vi", "bn", "th", "he", "ka", "id", "te", "gu",
    "kn", "ml", "mr", "pa", "or", "ur",
)  # fmt: skip


class CartesiaSettings(VoiceSettings):
    provider = Provider("Cartesia", key="CARTESIA_API_KEY", streaming=True, words=True, languages=LANGUAGES)

    base_url: str = Field("https://api.cartesia.ai", pattern=r"^https?://[^\s/]+")
    """Address of the service."""
    voice: str = Field("a0e99841-438c-4a64-b679-ae501e7d6091", min_length=1)
    """Id of the voice."""
    model: str = "sonic-3"
    """Id of the model."""
    language: Annotated[str, one_of("language", LANGUAGES)] = "en"
    """Language, like "en" or "de"."""


class CartesiaTts(RemoteSpeaker[CartesiaSettings]):
    """tts.cartesia: speak with Cartesia, word times included.  text (Sentence) -> audio (Audio, 24 kHz)"""

    provider: ClassVar[Provider] = CartesiaSettings.provider
    listing = Listing("/voices", "data", "id")
    raw = 24_000

    def asks(self, text: str) -> Ask:
        wanted = self.settings
        body = {
            "model_id": wanted.model,
            "transcript": text,
            "voice": {"mode": "id", "id": wanted.voice},
            "language": wanted.language,
            "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": self.raw},
            "add_timestamps": True,
        }
        headers = {"Authorization": f"Bearer {wanted.key}", "X-API-Key": wanted.key, "Cartesia-Version": VERSION}
        return Ask("/tts/sse", headers, {"json": body})

    async def sound(self, answer: Answer) -> AsyncGenerator[bytes | Word, None]:
        answer.must_be("text/event-stream")
        async with aclosing(answer.events()) as events:
            async for event in events:
                with self.service.parsed():
                    told, done = self._taken(event), event["type"] == "done"
                for piece in told:
                    yield piece
                if done:
                    return

    def _taken(self, event: dict[str, Any]) -> list[bytes | Word]:
        match event["type"]:
            case "chunk":
                return [base64.b64decode(event["data"])]
            case "timestamps":
                return list(_words(**event["word_timestamps"]))
            case "error":
                said = str(event.get("message") or event.get("error") or "")
                raise self.service.status(int(event.get("status_code") or 500), said)
        return []


def _words(words: list[str], start: list[float], end: list[float]) -> Iterator[Word]:
    return (Word(text, begin * 1000, until * 1000) for text, begin, until in zip(words, start, end, strict=False))
