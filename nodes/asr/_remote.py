"""The base of every recognizer behind a network, and of those to which the utterance goes up as a whole by HTTP."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, TypeVar

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Utterance
from vaidol.graph.node import Need
from vaidol.nodes._connections import connections_need
from vaidol.nodes._http import Service
from vaidol.nodes._provider import Listing, Provider, RemoteSettings
from vaidol.nodes._sound import wav
from vaidol.nodes.asr._listener import RATE, Heard, Listener, ListenerSettings, resampled

SHORTEST_S = 0.1  # services refuse less


class RemoteListenerSettings(ListenerSettings, RemoteSettings):
    """What all recognizers behind a network have in common."""

    interim: bool = False
    """Ask for the words so far while the user still speaks; each time is a request that costs."""
    language: str = ""
    """Language spoken, like "en" or "de"; empty: heard from the sound, where the service can."""


R = TypeVar("R", bound=RemoteListenerSettings)


class ServiceListener(Listener[R]):
    """A recognizer that asks a service."""

    provider: ClassVar[Provider]

    @classmethod
    def needs(cls, settings: R) -> tuple[Need, ...]:
        return (connections_need(),)

    async def open(self) -> None:
        await super().open()
        model = getattr(self.settings, "model", "")
        self.service = Service(self.ctx, self.settings, self.provider, f"model '{model}'" if model else "")

    async def close(self) -> None:
        if hasattr(self, "service"):  # else `open` failed
            await self.service.close()


class RemoteListener(ServiceListener[R]):
    """A recognizer behind HTTP. Subclasses say what to ask for, and where in the answer the words are."""

    listing: ClassVar[Listing | None] = None  # of its models

    @abstractmethod
    def asks(self, sound: bytes) -> tuple[str, dict[str, str], dict[str, Any]]:
        """Path, headers and the rest, as aiohttp takes it, of the request for the words in a WAV of 16 kHz."""

    @abstractmethod
    def words(self, told: Any) -> Heard:
        """The words in the JSON of the answer; whatever goes wrong in here is told as a wrong answer."""

    async def hear(self, sound: Utterance, *, last: bool) -> Heard:
        if sound.samples.shape[0] < SHORTEST_S * sound.rate:
            return Heard("")
        samples = await self.ctx.call("sound", resampled, sound.samples, sound.rate)
        path, headers, what = self.asks(wav(samples, RATE))
        try:
            async with self.service.ask("POST", path, headers=headers, **what) as answer:
                answer.must_be("application/json", "text/json")
                told = await answer.json()
        except ProviderError as error:
            if self.listing is None:
                raise
            model = str(getattr(self.settings, "model", ""))
            raise await self.service.with_names(error, model, self.listing, headers) from error
        with self.service.parsed():
            heard = self.words(told)
        return Heard(" ".join(heard.text.split()), heard.language)
