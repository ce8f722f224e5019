"""Sound that clients send: read within limits of size and time, and decoded without opening anything it names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import BodyPartReader, web

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32
from vaidol.nodes.file._reader import Reader

STALL_S = 10.0  # between two pieces of a body
WHOLE_S = 120.0
FIELD_MAX, FIELDS_MAX = 8192, 32  # bytes of one field of a form beside the file; fields
PIECE = 1 << 16


class BadUpload(Exception):
    """It is no upload, or no sound."""

    def __init__(self, message: str, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(slots=True)
class Upload:
    """A file, and the other fields of its form."""

    data: bytes = field(default=b"", repr=False)
    fields: dict[str, list[str]] = field(default_factory=dict)

    def one(self, name: str) -> str:
        """The last value of a field, "" for none."""
        return self.fields.get(name, [""])[-1]


async def upload(request: web.Request, most: int) -> Upload:
    """The body, of at most `most` bytes: a form with a part `file`, or the file alone, its fields in the query.

    Raises `BadUpload`.
    """
    if (request.content_length or 0) > most + FIELD_MAX * FIELDS_MAX:
        raise _too_large(most)
    try:
        async with asyncio.timeout(WHOLE_S):
            if request.content_type == "multipart/form-data":
                return await _form(request, most)
            fields = {name: request.query.getall(name) for name in request.query}
            return Upload(await _whole(_pieces(request), most), fields)
    except TimeoutError:
        raise BadUpload("the upload did not come in time", 408, "slow") from None


def decoded(data: bytes, rate: int, most_s: float) -> F32:
    """The sound (n,) in `data`, any container and codec that libav knows, at `rate` Hz. Blocks. Raises `BadUpload`."""
    try:
        reader = Reader(Path("the upload"), rate=rate, data=data)
        try:
            sound = reader.read(int(most_s * rate))
            if len(reader.read(1)):
                raise BadUpload(f"the upload is longer than {most_s / 60:g} minutes: send it in parts", 413, "too_long")
        finally:
            reader.close()
    except ProviderError as error:
        raise BadUpload(str(error), 415, "no_sound") from error
    return sound


async def _form(request: web.Request, most: int) -> Upload:
    found, file = Upload(), None
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or len(found.fields) >= FIELDS_MAX:
                raise BadUpload("a form of nested or of too many parts", 400, "form")
            if part.name == "file":
                file = await _whole(_parts(part), most)
            else:
                value = await _whole(_parts(part), FIELD_MAX)
                found.fields.setdefault((part.name or "").removesuffix("[]"), []).append(value.decode())
    except UnicodeDecodeError:
        raise BadUpload("a field of the form is not UTF-8 text", 400, "form") from None
    except ValueError:  # what aiohttp raises for a form that is none
        raise BadUpload("the body is not a form, although its content type says so", 400, "form") from None
    if file is None:
        raise BadUpload("the form has no part 'file' with the sound", 400, "form")
    found.data = file
    return found


async def _whole(pieces: AsyncIterator[bytes], most: int) -> bytes:
    data = bytearray()
    async for piece in pieces:
        data += piece
        if len(data) > most:
            raise _too_large(most)
    return bytes(data)


async def _pieces(request: web.Request) -> AsyncIterator[bytes]:
    while True:
        async with asyncio.timeout(STALL_S):
            piece = await request.content.readany()
        if not piece:
            return
        yield piece


async def _parts(part: BodyPartReader) -> AsyncIterator[bytes]:
    while True:
        async with asyncio.timeout(STALL_S):
            piece = await part.read_chunk(PIECE)
        if not piece:
            return
        yield piece


def _too_large(most: int) -> BadUpload:
    return BadUpload(f"an upload may have {most} bytes at most", 413, "too_large")
