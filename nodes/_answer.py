"""The answer of a server to one request, read piece by piece; every fault in it in plain words."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from vaidol.nodes._http import Service

MAX_BODY = 8 << 20  # bytes of an answer that is read as a whole


class Answer:
    """The answer to one request, read piece by piece, each within the time the settings give it."""

    def __init__(self, service: Service, response: ClientResponse) -> None:
        self._service = service
        self._response = response
        self.kind = response.headers.get("Content-Type", "nothing").partition(";")[0].strip().casefold()

    def must_be(self, *kinds: str) -> None:
        """Raises `ProviderError` unless the content is of a kind that begins with one of `kinds`."""
        if not self.kind.startswith(kinds):
            raise self._service.wrong(f"answered with {self.kind}; is base_url right?", "protocol")

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The bytes as they come."""
        limit_s = self._service.settings.first_s
        with self._service.explained("broke the connection off"):
            while data := await self._service.next(self._response.content.readany(), limit_s):
                limit_s = self._service.settings.stall_s
                yield data

    async def lines(self) -> AsyncGenerator[Any, None]:
        """One JSON value per line."""
        async for line in self._lines():
            if line:
                yield self._parsed(line)

    async def events(self) -> AsyncGenerator[Any, None]:
        """The JSON values of an SSE stream, up to its end or [DONE]; comments and names of events are skipped."""
        async for line in self._lines():
            if line.startswith(b"data:"):
                data = line.removeprefix(b"data:").strip()
                if data == b"[DONE]":
                    return
                if data:
                    yield self._parsed(data)

    async def json(self) -> Any:
        """All of it."""
        body = b""
        async for data in self.pieces():
            body += data
            if len(body) > MAX_BODY:
                raise self._service.wrong(f"sent more than {MAX_BODY >> 20} MB", "protocol")
        return self._parsed(body)

    async def _lines(self) -> AsyncGenerator[bytes, None]:
        limit_s = self._service.settings.first_s
        with self._service.explained("broke the connection off"):
            while line := await self._service.next(self._response.content.readline(), limit_s):
                limit_s = self._service.settings.stall_s
                yield line.strip()

    def _parsed(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self._service.wrong("sent something that is not JSON; is base_url right?", "protocol") from error
