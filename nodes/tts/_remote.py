"""The base of every voice behind a network: it asks, decodes the sound as it comes, and explains what goes wrong."""

from __future__ import annotations

import importlib
from abc import abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32, Word
from vaidol.graph.node import Need
from vaidol.nodes._answer import Answer
from vaidol.nodes._connections import connections_need
from vaidol.nodes._http import Service
from vaidol.nodes._provider import Listing, Provider, RemoteSettings
from vaidol.nodes._sound import SoundDecoder
from vaidol.nodes.tts._cache import SpeakerSettings
from vaidol.nodes.tts._speaker import Speaker

SOUND = ("audio/", "application/octet-stream", "binary/", "nothing")


class VoiceSettings(SpeakerSettings, RemoteSettings):
    """What all voices behind a network have in common."""

    voice: str = ""
    """Name of the voice, as the service calls it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `what`: json, data, params, as aiohttp takes them."""

    path: str
    headers: dict[str, str] = field(default_factory=dict)
    what: dict[str, Any] = field(default_factory=dict)
    method: str = "POST"


V = TypeVar("V", bound=VoiceSettings)


class ServiceSpeaker(Speaker[V]):
    """A voice of a service. Subclasses say how to get its sound."""

    provider: ClassVar[Provider]
    listing: Listing | None = None  # of its voices
    rate = 24_000
    raw: int = 0  # rate of int16 samples without a header, Hz

    @classmethod
    def needs(cls, settings: V) -> tuple[Need, ...]:
        return (connections_need(), *super().needs(settings))

    async def open(self) -> None:
        await super().open()
        await self.ctx.call("sound", importlib.import_module, "av")
        subject = f"voice '{self.settings.voice}'" if self.settings.voice else ""
        self.service = Service(self.ctx, self.settings, self.provider, subject)

    async def close(self) -> None:
        if hasattr(self, "service"):  # else `open` failed
            await self.service.close()

    @abstractmethod
    def pieces(self, text: str) -> AsyncGenerator[bytes | Word, None]:
        """The encoded sound of `text` as it comes, and times of words where they are told."""

    @abstractmethod
    def identity(self) -> dict[str, str]:
        """The headers that say who asks."""

    async def speak(self, text: str) -> AsyncGenerator[F32 | Word, None]:
        try:
            async with aclosing(self._decoded_pieces(text)) as pieces:
                async for piece in pieces:
                    yield piece
        except ProviderError as error:
            if self.listing is None or not self.settings.voice:
                raise
            raise await self.service.with_names(error, self.settings.voice, self.listing, self.identity()) from error

    async def _decoded_pieces(self, text: str) -> AsyncGenerator[F32 | Word, None]:
        decoder = SoundDecoder(self.rate, raw=self.raw)
        async with aclosing(self.pieces(text)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Word):
                    yield piece
                elif len(samples := self._decoded(decoder, piece)):
                    yield samples
        if len(samples := self._decoded(decoder, b"", last=True)):
            yield samples
        if not decoder.heard and any(map(str.isalnum, text)):
            raise self.service.wrong("sent no sound for a sentence", "empty", retryable=True)

    def _decoded(self, decoder: SoundDecoder, data: bytes, *, last: bool = False) -> F32:
        try:
            return decoder.feed(data, last=last)
        except (ValueError, OSError) as error:  # what PyAV raises is one of these
            raise self.service.wrong(f"sent something that is no sound ({error})", "protocol") from error


class RemoteSpeaker(ServiceSpeaker[V]):
    """A voice behind HTTP. Subclasses say what to ask for, and where in the answer the sound is."""

    @abstractmethod
    def asks(self, text: str) -> Ask:
        """The request for the sound of `text`."""

    def identity(self) -> dict[str, str]:
        return self.asks("").headers

    async def sound(self, answer: Answer) -> AsyncGenerator[bytes | Word, None]:
        """The encoded sound in the answer, and times of words where they are told."""
        answer.must_be(*SOUND)
        async with aclosing(answer.pieces()) as pieces:
            async for piece in pieces:
                yield piece

    async def pieces(self, text: str) -> AsyncGenerator[bytes | Word, None]:
        asked = self.asks(text)
        asking = self.service.ask(asked.method, asked.path, headers=asked.headers, **asked.what)
        async with asking as answer, aclosing(self.sound(answer)) as pieces:
            async for piece in pieces:
                yield piece
