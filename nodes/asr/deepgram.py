"""asr.deepgram: Deepgram's recognizer, which hears the utterance while it is still spoken.

WebSocket /v1/listen, see https://developers.deepgram.com/reference/speech-to-text/listen-streaming
"""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import Any, ClassVar

from pydantic import Field

from vaidol.graph.frames import F32, Utterance
from vaidol.nodes._provider import Provider
from vaidol.nodes._sound import pcm16
from vaidol.nodes.asr._listener import RATE, Heard, resampled
from vaidol.nodes.asr._remote import SHORTEST_S, RemoteListener, RemoteListenerSettings

PIECE = 1 << 15  # bytes per message


class DeepgramAsrSettings(RemoteListenerSettings):
    provider = Provider("Deepgram", key="DEEPGRAM_API_KEY", streaming=True, interim=True)

    base_url: str = Field("https://api.deepgram.com", pattern=r"^https?://[^\s/]+")
    """Address of the service."""
    interim: bool = True
    """Send the sound while the user still speaks: words are seen early, and the last ones come sooner."""
    model: str = "nova-3"
    """Name of the model."""
    language: str = "en"
    """Language spoken, or "multi"."""
    words: tuple[str, ...] = Field((), max_length=100)
    """Names and rare words to listen for (keyterm)."""


class DeepgramAsr(RemoteListener[DeepgramAsrSettings]):
    """asr.deepgram: recognize speech while it is spoken.

    audio (Utterance, any rate), partial (Utterance) -> transcript (Transcript)
    """

    provider: ClassVar[Provider] = DeepgramAsrSettings.provider
    _stream: _Stream | None = None

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
        return Heard(text, self.settings.language.partition("-")[0])

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

    def asks(self, sound: bytes) -> tuple[str, dict[str, str], dict[str, Any]]:
        wanted = self.settings
        told = [
            ("model", wanted.model), ("language", wanted.language), ("encoding", "linear16"), ("channels", "1"),
            ("sample_rate", str(RATE)), ("interim_results", "true"), ("smart_format", "true"),
        ]  # fmt: skip
        told += [("keyterm", word) for word in wanted.words]
        return "/v1/listen", {"Authorization": f"Token {wanted.key}"}, {"params": told}

    def words(self, told: Any) -> Heard:
        return Heard(told["channel"]["alternatives"][0]["transcript"])


class _Stream:
    """One utterance on its way."""

    def __init__(self, node: DeepgramAsr, sound: Utterance) -> None:
        self._node = node
        self._trace, self._begin, self._sent = sound.trace, sound.pts, sound.pts  # sample numbers
        self._firm: list[str] = []
        self._soft = ""
        self._stack = AsyncExitStack()

    async def open(self) -> None:
        path, headers, what = self._node.asks(b"")
        self._socket = await self._stack.enter_async_context(self._node.service.socket(path, headers=headers, **what))

    async def close(self) -> None:
        await self._stack.aclose()

    def goes_on(self, sound: Utterance) -> bool:
        return sound.trace == self._trace and sound.pts == self._begin and sound.pts + len(sound.samples) >= self._sent

    async def send(self, sound: Utterance) -> None:
        """What is new in it."""
        new: F32 = sound.samples[self._sent - sound.pts :]
        self._sent = sound.pts + len(sound.samples)
        data = pcm16(await self._node.ctx.call("sound", resampled, new, sound.rate))
        with self._node.service.explained("broke the connection off"):
            for at in range(0, len(data), PIECE):
                await self._node.service.next(
                    self._socket.send_bytes(data[at : at + PIECE]), self._node.settings.stall_s
                )

    async def so_far(self) -> str:
        """The words up to now, after one more message."""
        await self._take()
        return " ".join([*self._firm, self._soft]).strip()

    async def finish(self) -> str:
        """All words."""
        with self._node.service.explained("broke the connection off"):
            await self._node.service.next(self._socket.send_str('{"type": "CloseStream"}'), self._node.settings.stall_s)
        while await self._take():
            pass
        return " ".join(self._firm)

    async def _take(self) -> bool:
        """One message; False when it was the last."""
        import aiohttp

        service = self._node.service
        with service.explained("broke the connection off"):
            message = await service.next(self._socket.receive(), self._node.settings.first_s)
        if message.type is not aiohttp.WSMsgType.TEXT:
            if message.type is aiohttp.WSMsgType.CLOSE and message.data in (1000, 1005):
                return False
            raise service.wrong("broke the connection off", "unreachable", retryable=True)
        with service.parsed():
            told = json.loads(message.data)
            if told["type"] == "Results":
                text = self._node.words(told).text
                self._soft = "" if told["is_final"] else text
                self._firm += [text] if told["is_final"] and text else []
            return bool(told["type"] != "Metadata")
