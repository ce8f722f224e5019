"""Text to speech: `/v1/audio/speech` as OpenAI has it, `/tts/synthesize`, and the voices there are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32, Word
from vaidol.graph.node import Settings
from vaidol.nodes.text._speakable import speakable
from vaidol.nodes.text._split import SentenceSplitter
from vaidol.nodes.text.sentences import SentencesSettings
from vaidol.server.bodies import read
from vaidol.server.ml.answers import answering, streamed
from vaidol.server.ml.encoded import KINDS, Encoder
from vaidol.server.ml.offered import Offered

if TYPE_CHECKING:
    from vaidol.server.ml.app import MlServer

LONGEST = 10_000  # characters of one request
PIECE_S = 30.0  # for the next piece of sound
POOL = "sound"
Format = Literal["wav", "pcm", "mp3", "opus", "flac", "aac"]


class Speech(BaseModel):
    """Speak `input`; the sound is sent while it is made. pcm: 16 bits, 24 kHz, mono."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    input: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    model: Annotated[str, Field(max_length=200)] = ""
    """A name from /v1/models; empty: the first that speaks."""
    voice: Annotated[str, Field(max_length=200)] | dict[str, str] = ""
    """A name from /v1/audio/voices; empty: the usual one."""
    response_format: Format = "mp3"
    speed: Annotated[float, Field(ge=0.25, le=4)] | None = None
    """Tempo, 1 = the voice's own."""


class Synthesis(BaseModel):
    """Speak `text`; the sound is sent while it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    text: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    model: Annotated[str, Field(max_length=200)] = ""
    voice: Annotated[str, Field(max_length=200)] = ""
    format: Format = "wav"
    speed: Annotated[float, Field(ge=0.25, le=4)] | None = None


class SpeechApi:
    """The routes."""

    def __init__(self, server: MlServer) -> None:
        self._server = server
        self._offered: Offered = server.offered

    def routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v1/audio/speech", self.speech)
        router.add_get("/v1/audio/voices", self.voices)
        router.add_post("/tts/synthesize", self.synthesize)

    @answering
    async def voices(self, request: web.Request) -> web.Response:
        """GET /v1/audio/voices: the voices of all models that speak, the usual one of each first."""
        nodes = self._offered.nodes("tts")
        voices = list(dict.fromkeys(voice for node in nodes for voice in self._offered.voices(node)))
        by_model = {node.name: list(self._offered.voices(node)) for node in nodes}
        return web.json_response({"voices": voices, "models": by_model})

    @answering
    async def speech(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/audio/speech: speak a text."""
        wanted = await read(request, Speech)
        voice = wanted.voice if isinstance(wanted.voice, str) else wanted.voice.get("id", "")
        whole = Synthesis(
            text=wanted.input, model=wanted.model, voice=voice, format=wanted.response_format, speed=wanted.speed
        )
        return await self._answer(request, whole)

    @answering
    async def synthesize(self, request: web.Request) -> web.StreamResponse:
        """POST /tts/synthesize: speak a text."""
        return await self._answer(request, await read(request, Synthesis))

    async def _answer(self, request: web.Request, wanted: Synthesis) -> web.StreamResponse:
        with self._offered.admitted("tts"):
            return await streamed(request, self._made(wanted), KINDS[wanted.format])

    async def _made(self, wanted: Synthesis) -> AsyncGenerator[bytes, None]:
        """The encoded sound."""
        seats = self._offered.find("tts", wanted.model, wanted.voice)
        self._server.must_be_ready(seats.node)
        call = self._server.engine.workers.call
        async with seats.take(settings=_tempo(seats.node.settings, wanted.speed)) as seat:
            encoder = await call(POOL, Encoder, wanted.format, seat.node.rate)
            for sentence in sentences(wanted.text, self._server.language):
                async with aclosing(seat.node.spoken(sentence)) as pieces:
                    while (piece := await _next(pieces)) is not None:
                        if not isinstance(piece, Word) and (data := await call(POOL, encoder.feed, piece)):
                            yield data
            yield await call(POOL, encoder.end)


def sentences(text: str, language: str) -> list[str]:
    """`text` in pieces as a voice is to speak them."""
    splitter = SentenceSplitter(first_clause=False, max_chars=SentencesSettings().max_chars)
    segments = [*splitter.feed(text), *splitter.flush()]
    return [said for segment in segments if (said := speakable(segment.text, language))]


def _tempo(settings: Settings, speed: float | None) -> dict[str, Any]:
    """The change of settings that gives the voice `speed`, in the unit that it counts in."""
    usual = type(settings).model_fields.get("speed")
    if speed is None or usual is None or not isinstance(usual.default, int | float):
        return {}
    return {"speed": type(usual.default)(speed * usual.default)}


async def _next(pieces: AsyncGenerator[F32 | Word, None]) -> F32 | Word | None:
    try:
        async with asyncio.timeout(PIECE_S):
            return await anext(pieces, None)
    except TimeoutError:
        raise ProviderError(f"the voice sent nothing for {PIECE_S:g} s", retryable=True, code="stalled") from None
