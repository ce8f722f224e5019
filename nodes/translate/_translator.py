"""The base of every translator: people read the original and hear the other language; a fault keeps the original."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import OrderedDict
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from pydantic import Field

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Sentence
from vaidol.graph.node import Context, Need, Node
from vaidol.graph.ports import Port
from vaidol.nodes._connections import connections_need
from vaidol.nodes._http import Service
from vaidol.nodes._provider import Provider, RemoteSettings
from vaidol.nodes.text._speakable import speakable

KEPT = 256  # translations remembered
LONGEST = 5  # times the original: more is no translation


class TranslatorSettings(RemoteSettings):
    """What all translators have in common."""

    to: str = Field("de", pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$")
    """Language to speak, like "de", "ja" or "pt-BR"."""
    source: str = Field("", pattern=r"^([a-z]{2,3}(-[A-Za-z]{2,4})?)?$")
    """Language of the agent; empty: seen from the text."""
    subtitles: bool = False
    """Show the translation too, and remember it as said; otherwise people read the original."""
    patience_s: float = Field(3.0, gt=0, le=60)
    """A sentence that is not translated by then is spoken as it is, s."""


T = TypeVar("T", bound=TranslatorSettings)


class Translator(Node[T]):
    """sentence (Sentence) -> sentence (Sentence, its speech in the other language)

    A sentence that cannot be translated is spoken as it was written; people are told once per reply.
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("sentence", Sentence),)
    outputs: ClassVar[tuple[Port, ...]] = (Port("sentence", Sentence),)
    provider: ClassVar[Provider]

    def __init__(self, settings: T, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._told = 0  # the reply in which people were told of a fault
        self._known: OrderedDict[str, str] = OrderedDict()

    @classmethod
    def needs(cls, settings: T) -> tuple[Need, ...]:
        return (connections_need(),)

    async def open(self) -> None:
        await super().open()
        self.service = Service(self.ctx, self.settings, self.provider)

    async def close(self) -> None:
        if hasattr(self, "service"):  # else `open` failed
            await self.service.close()

    @abstractmethod
    async def translate(self, text: str) -> str:
        """`text` in the language `to`. Raises `ProviderError`."""

    async def process(self, port: str, frame: Sentence) -> None:
        said = frame
        if frame.text and frame.speech:
            try:
                async with asyncio.timeout(self.settings.patience_s):
                    said = self._with(frame, await self._translated(frame.text))
            except TimeoutError:
                self._fault(frame, f"{self.provider.name} did not translate in time", "timeout")
            except ProviderError as error:
                self._fault(frame, str(error), error.code)
        await self.send("sentence", said)

    async def _translated(self, text: str) -> str:
        if text not in self._known:
            told = " ".join((await self.translate(text)).split())
            if not told or len(told) > LONGEST * len(text) + 80:
                raise self.service.wrong("sent something that is no translation", "protocol")
            self._known[text] = told
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        return self._known[text]

    def _with(self, frame: Sentence, told: str) -> Sentence:
        speech = speakable(told, self.settings.to)
        shown: dict[str, Any] = {"text": told, "cues": ()} if self.settings.subtitles else {}
        return replace(frame, speech=speech, **shown)

    def _fault(self, frame: Sentence, message: str, code: str) -> None:
        self.ctx.count("untranslated")
        if self._told != frame.gen:
            self._told = frame.gen
            self.ctx.trouble(f"{message}; the voice speaks the original", code=code, gen=frame.gen)
