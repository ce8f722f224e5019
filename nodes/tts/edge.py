"""tts.edge: the online voices of Microsoft Edge, by the package edge-tts; no key, needs the internet."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, ClassVar

from pydantic import Field

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32, Word
from vaidol.graph.yamlfile import nearest
from vaidol.nodes._provider import Provider
from vaidol.nodes._sound import Mp3
from vaidol.nodes.tts._cache import SpeakerSettings
from vaidol.nodes.tts._speaker import Speaker

LIST_S = 3.0  # for the list of voices, when a name was wrong
TICKS = 10_000  # of the service's clock in a ms
ONLINE = "is there an internet connection?"


class EdgeSettings(SpeakerSettings):
    voice: str = Field("en-US-AvaNeural", pattern=r"^[a-z]{2,3}(-[A-Za-z]+)+$")
    """Name of the voice; `edge-tts --list-voices` prints them all."""
    rate: int = Field(0, ge=-90, le=200)
    """Tempo, % faster (slower if negative) than the voice's own."""
    pitch: int = Field(0, ge=-100, le=100)
    """Pitch, Hz above (below if negative) the voice's own."""
    volume: int = Field(0, ge=-100, le=100)
    """Loudness, % above (below if negative) the voice's own."""
    connect_s: int = Field(3, ge=1, le=60)
    """Wait for the connection, s."""
    stall_s: float = Field(5.0, gt=0, le=60)
    """Wait for the first and between two pieces of sound, s, besides the connection."""


class EdgeTts(Speaker[EdgeSettings]):
    """tts.edge: speak with Microsoft Edge's online voices, in 100 languages.

    text (Sentence) -> audio (Audio, 24 kHz)
    """

    provider: ClassVar[Provider] = Provider(
        "Microsoft Edge", package="edge_tts", streaming=True, words=True,
        voices=("en-US-AvaNeural", "en-GB-SoniaNeural", "de-DE-KatjaNeural", "ja-JP-NanamiNeural"),
    )  # fmt: skip
    rate = 24_000

    async def open(self) -> None:
        await self.ctx.call("edge", _import)

    async def speak(self, text: str) -> AsyncGenerator[F32 | Word, None]:
        import aiohttp
        from edge_tts.exceptions import EdgeTTSException

        try:
            async with aclosing(self._sound(text)) as sound:
                async for piece in sound:
                    yield piece
        except (aiohttp.ClientError, EdgeTTSException, OSError, ValueError, KeyError) as error:
            raise await _explained(error, self.settings.voice) from error

    async def _sound(self, text: str) -> AsyncGenerator[F32 | Word, None]:
        """The sound and the times of the words as the service sends them. Raises what edge-tts and aiohttp raise."""
        from edge_tts import Communicate

        wanted = self.settings
        speech = Communicate(
            text,
            wanted.voice,
            rate=f"{wanted.rate:+d}%",
            pitch=f"{wanted.pitch:+d}Hz",
            volume=f"{wanted.volume:+d}%",
            boundary="WordBoundary",
            connect_timeout=wanted.connect_s,
            receive_timeout=int(wanted.stall_s) + 1,
        )
        decoder, heard = Mp3(), False
        limit_s = wanted.connect_s + wanted.stall_s
        async with aclosing(speech.stream()) as chunks:
            while chunk := await _next(chunks, limit_s):
                if chunk["type"] == "audio":
                    limit_s = wanted.stall_s
                    for samples, _ in decoder.feed(chunk["data"]):
                        heard = True
                        yield samples.clip(-1, 1)
                elif chunk["type"] == "WordBoundary":
                    begin_ms = chunk["offset"] / TICKS
                    yield Word(chunk["text"], begin_ms, begin_ms + chunk["duration"] / TICKS)
        for samples, _ in decoder.feed(b""):
            heard = True
            yield samples.clip(-1, 1)
        if not heard:
            raise ValueError("no MP3")


async def _explained(error: Exception, voice: str) -> ProviderError:
    """What went wrong, for the person who waits for the voice."""
    import aiohttp
    from edge_tts.exceptions import NoAudioReceived, WebSocketError

    match error:
        case NoAudioReceived():
            known = await _voices()
            what = f"is there a voice '{voice}'?" if voice in known or not known else f"no voice '{voice}'"
            return _wrong(f"sent no sound; {what}{'' if voice in known else nearest(voice, known)}", "voice")
        case aiohttp.WSServerHandshakeError():
            return _wrong(f"refused the connection ({error.status})", "refused", retryable=True)
        case TimeoutError():  # before the next: some of aiohttp's are both
            return _wrong(f"did not answer in time; {ONLINE}", "timeout", retryable=True)
        case aiohttp.ClientError() | OSError() | WebSocketError():
            return _wrong(f"cannot be reached or broke off; {ONLINE}", "unreachable", retryable=True)
        case _:
            return _wrong("sent something unexpected", "protocol", retryable=True)


async def _voices() -> list[str]:
    """All there are; none where the service does not tell."""
    import aiohttp
    from edge_tts import list_voices

    try:
        async with asyncio.timeout(LIST_S):
            return [voice["ShortName"] for voice in await list_voices()]
    except (aiohttp.ClientError, OSError, ValueError, KeyError):
        return []


def _wrong(what: str, code: str, *, retryable: bool = False) -> ProviderError:
    return ProviderError(f"Microsoft's voice service {what}", code=code, retryable=retryable)


async def _next(chunks: AsyncIterator[Any], limit_s: float) -> Any:
    async with asyncio.timeout(limit_s):
        return await anext(chunks, None)


def _import() -> None:
    """What `speak` needs; takes too long for the event loop."""
    importlib.import_module("av")
    importlib.import_module("edge_tts")
