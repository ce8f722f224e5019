"""The base of every recognizer that hears an utterance while it is spoken: one WebSocket per utterance."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Any, NamedTuple, TypeVar

from vaidol.graph.frames import F32, Utterance
from vaidol.nodes._sound import pcm16
from vaidol.nodes.asr._listener import Heard, resampled
from vaidol.nodes.asr._remote import SHORTEST_S, RemoteListenerSettings, ServiceListener

PIECE = 1 << 15  # bytes per message
NEWS_S = 0.15  # wait for words on the way: they come when they come


class StreamedSettings(RemoteListenerSettings):
    """What these recognizers have in common."""

    interim: bool = True
    """Send the sound while the user still speaks: words are seen early, and the last ones come sooner."""


class Told(NamedTuple):
    """What one message says: words that will not change, words that may, and whether it is the last."""

    firm: str = ""
    soft: str | None = None  # None: as before
    over: bool = False


S = TypeVar("S", bound=StreamedSettings)


class StreamedListener(ServiceListener[S]):
    """Subclasses say where to connect, what is sent, and what the messages mean."""

    _stream: _Stream | None = None

    @abstractmethod
    def place(self) -> tuple[str, dict[str, str], dict[str, Any]]:
        """Path, headers and the rest, as aiohttp takes it, of the connection for one utterance."""

    def opening(self) -> Iterable[str | bytes]:
        """What is said before any sound."""
        return ()

    def piece(self, data: bytes) -> bytes:
        """The message for little-endian int16 samples at 16 kHz."""
        return data

    @abstractmethod
    def closing(self) -> str | bytes:
        """What says that there is no more sound."""

    @abstractmethod
    def told(self, data: str | bytes) -> Told:
        """What a message says; whatever goes wrong in here is told as a wrong answer."""

    async def close(self) -> None:
        await self._hang_up()
        await super().close()

    async def hear(self, sound: Utterance, *, last: bool) -> Heard:
        if sound.samples.shape[0] < SHORTEST_S * sound.rate:
            return Heard("")
        stream, done = await self._stream_for(sound), False
        try:
            await stream.send(sound)
            text = await (stream.finish() if last else stream.so_far())
            done = not last
        finally:
            if not done:
                await self._hang_up()
        return Heard(" ".join(text.split()), self.settings.language.partition("-")[0])

    async def _stream_for(self, sound: Utterance) -> _Stream:
        """That of the same utterance, or a new one: what was sent of another is not taken back."""
        if self._stream is None or not self._stream.goes_on(sound):
            await self._hang_up()
            self._stream = _Stream(self, sound)
            await self._stream.open()
        return self._stream

    async def _hang_up(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.close()


class _Stream:
    """One utterance on its way."""

    def __init__(self, node: StreamedListener[Any], sound: Utterance) -> None:
        self._node = node
        self._trace, self._begin, self._sent = sound.trace, sound.pts, sound.pts  # sample numbers
        self._firm: list[str] = []
        self._soft = ""
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        path, headers, what = self._node.place()
        self._socket = await self._stack.enter_async_context(self._node.service.socket(path, headers=headers, **what))
        for message in self._node.opening():
            await self._say(message)

    async def close(self) -> None:
        await self._stack.aclose()

    def goes_on(self, sound: Utterance) -> bool:
        return sound.trace == self._trace and sound.pts == self._begin and sound.pts + len(sound.samples) >= self._sent

    async def send(self, sound: Utterance) -> None:
        """What is new in it."""
        new: F32 = sound.samples[self._sent - sound.pts :]
        self._sent = sound.pts + len(sound.samples)
        data = pcm16(await self._node.ctx.call("sound", resampled, new, sound.rate))
        for at in range(0, len(data), PIECE):
            await self._say(self._node.piece(data[at : at + PIECE]))

    async def so_far(self) -> str:
        """The words up to now."""
        try:
            async with asyncio.timeout(NEWS_S):
                while True:
                    await self._take()
        except TimeoutError:
            return " ".join([*self._firm, self._soft])

    async def finish(self) -> str:
        """All words."""
        await self._say(self._node.closing())
        service, limit_s = self._node.service, self._node.settings.first_s
        while not await service.next(self._take(), limit_s):
            limit_s = self._node.settings.stall_s
        return " ".join(self._firm)

    async def _say(self, message: str | bytes) -> None:
        service = self._node.service
        with service.explained("broke the connection off"):
            sending = self._socket.send_str(message) if isinstance(message, str) else self._socket.send_bytes(message)
            await service.next(sending, self._node.settings.stall_s)

    async def _take(self) -> bool:
        """One message; True when it was the last."""
        import aiohttp

        service = self._node.service
        try:
            message = await self._socket.receive()
        except (aiohttp.ClientError, OSError) as error:
            raise service.wrong("broke the connection off", "unreachable", retryable=True) from error
        if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            if message.type is aiohttp.WSMsgType.CLOSE and message.data in (1000, 1005):
                return True
            raise service.wrong("broke the connection off", "unreachable", retryable=True)
        with service.parsed():
            told = self._node.told(message.data)
        self._firm += [told.firm] if told.firm else []
        self._soft = self._soft if told.soft is None else told.soft
        return told.over
