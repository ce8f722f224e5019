"""Voice conversion: `/rvc/convert` sends a sound file through a voice of the pipeline (voice.rvc, voice.shift)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from vaidol.nodes.file._reader import RATE
from vaidol.server.ml.answers import answering, streamed
from vaidol.server.ml.encoded import KINDS, Encoder
from vaidol.server.ml.ends import through
from vaidol.server.ml.seats import Seats
from vaidol.server.ml.speech import POOL, Format
from vaidol.server.ml.uploads import decoded, upload
from vaidol.server.slow import reads_in_its_own_time

if TYPE_CHECKING:
    from vaidol.server.ml.app import MlServer


class Conversion(BaseModel):
    """The fields beside the sound."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    model: Annotated[str, Field(max_length=200)] = ""
    """A name from /v1/models; empty: the first voice there is."""
    pitch: Annotated[float, Field(ge=-36, le=36)] | None = None
    """Melody up or down, semitones; left out: as the pipeline says."""
    format: Format = "wav"


class ConversionApi:
    """The route."""

    def __init__(self, server: MlServer) -> None:
        self._server = server

    def routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/rvc/convert", self.convert)

    @reads_in_its_own_time
    @answering
    async def convert(self, request: web.Request) -> web.StreamResponse:
        """POST /rvc/convert: a sound file in another voice; the file is the body, or the part `file` of a form; the
        sound is sent while it is made."""
        with self._server.offered.admitted("voice"):
            sent = await upload(request, self._server.options.upload_bytes)
            wanted = Conversion.model_validate({name: values[-1] for name, values in sent.fields.items()})
            return await streamed(request, self._made(wanted, sent.data), KINDS[wanted.format])

    async def _made(self, wanted: Conversion, data: bytes) -> AsyncGenerator[bytes, None]:
        seats: Seats = self._server.offered.find("voice", wanted.model)
        self._server.must_be_ready(seats.node)
        call = self._server.engine.workers.call
        encoder: Encoder | None = None
        inputs, _ = self._server.engine.registry.find(seats.node.kind).ports(seats.node.settings)
        rate = next((port.rate for port in inputs if port.rate), RATE)
        sound = await call("uploads", decoded, data, rate, self._server.options.sound_s)
        changes: dict[str, Any] = {} if wanted.pitch is None else {"pitch": wanted.pitch}
        async with seats.take(settings=changes) as seat:
            async for frame in through(seat, sound, rate):
                if encoder is None:
                    encoder = await call(POOL, Encoder, wanted.format, frame.rate)
                if data := await call(POOL, encoder.feed, frame.samples):
                    yield data
            if encoder is not None:
                yield await call(POOL, encoder.end)
