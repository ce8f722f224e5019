"""tts.elevenlabs: ElevenLabs' voices, streamed with the times of the characters.

POST /v1/text-to-speech/{voice_id}/stream/with-timestamps: one JSON object per line, see
https://elevenlabs.io/docs/api-reference/text-to-speech/stream-with-timestamps
"""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any, ClassVar

from pydantic import Field

from vaidol.graph.frames import Word
from vaidol.nodes._answer import Answer
from vaidol.nodes._provider import Listing, Provider
from vaidol.nodes.tts._remote import Ask, RemoteSpeaker, VoiceSettings


class ElevenlabsSettings(VoiceSettings):
    provider = Provider("ElevenLabs", key="ELEVENLABS_API_KEY", streaming=True, words=True)

    base_url: str = Field("https://api.elevenlabs.io", pattern=r"^https?://[^\s/]+")
    """Address of the service."""
    voice: str = Field("21m00Tcm4TlvDq8ikWAM", pattern=r"^\w+$")
    """Id of the voice."""
    model: str = "eleven_flash_v2_5"
    """Id of the model; flash begins soonest."""
    language: str = Field("", pattern=r"^([a-z]{2})?$")
    """Language, like "en" or "de"; empty: heard from the text."""
    stability: float | None = Field(None, ge=0, le=1)
    """Sameness of the delivery; none = the voice's own."""
    similarity: float | None = Field(None, ge=0, le=1)
    """Closeness to the original voice; none = the voice's own."""
    speed: float = Field(1.0, ge=0.7, le=1.2)
    """Tempo; 1 = the voice's own."""


class ElevenlabsTts(RemoteSpeaker[ElevenlabsSettings]):
    """tts.elevenlabs: speak with ElevenLabs, word times included.  text (Sentence) -> audio (Audio, 24 kHz)"""

    provider: ClassVar[Provider] = ElevenlabsSettings.provider
    listing = Listing("/v1/voices", "voices", "voice_id")
    raw = 24_000

    def asks(self, text: str) -> Ask:
        wanted = self.settings
        voice = {"stability": wanted.stability, "similarity_boost": wanted.similarity, "speed": wanted.speed}
        body: dict[str, Any] = {
            "text": text, "model_id": wanted.model,
            "voice_settings": {name: value for name, value in voice.items() if value is not None},
        }  # fmt: skip
        if wanted.language:
            body["language_code"] = wanted.language
        path = f"/v1/text-to-speech/{wanted.voice}/stream/with-timestamps"
        return Ask(path, {"xi-api-key": wanted.key}, {"json": body, "params": {"output_format": "pcm_24000"}})

    async def sound(self, answer: Answer) -> AsyncGenerator[bytes | Word, None]:
        answer.must_be("application/", "text/event-stream")
        words = _Words()
        async with aclosing(answer.lines()) as lines:
            async for line in lines:
                with self.service.parsed():
                    told, data = list(words.feed(line.get("alignment"))), base64.b64decode(line["audio_base64"] or "")
                for word in told:
                    yield word
                yield data
        for word in words.last():
            yield word


class _Words:
    """Puts characters with times together to words."""

    def __init__(self) -> None:
        self._text, self._begin, self._end = "", 0.0, 0.0

    def feed(self, alignment: Any) -> Iterator[Word]:
        """The words that are complete now."""
        if not alignment:
            return
        names = ("characters", "character_start_times_seconds", "character_end_times_seconds")
        for character, begin, end in zip(*(alignment[name] for name in names), strict=False):
            if character.isspace():
                yield from self.last()
            else:
                self._begin = self._begin if self._text else begin
                self._text, self._end = self._text + character, end

    def last(self) -> Iterator[Word]:
        if self._text:
            yield Word(self._text, self._begin * 1000, self._end * 1000)
            self._text = ""
