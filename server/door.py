"""The door: `/health` is answered from the first moment on; who wants anything else waits for the application. And
what says that it is to be closed.

Imports nothing but the standard library: `vaidol serve` opens it before anything heavy is loaded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

HEAD_MAX = 16_384  # bytes of a request's head
WAITING_MAX = 128  # connections that wait for the application; more are told to come again
STARTING = b'{"status": "starting"}'
BUSY = b'{"error": {"code": "starting", "message": "the server is starting; try again in a moment"}}'


class Stop(asyncio.Event):
    """Set: the server shall stop. `hurry`: and at once."""

    def __init__(self) -> None:
        super().__init__()
        self.hurry = asyncio.Event()

    def now(self) -> None:
        """Somebody at the keyboard wants it."""
        self.set()
        self.hurry.set()

    def gently(self) -> None:
        """Whoever runs it wants it; the second time at once."""
        if self.is_set():
            self.hurry.set()
        self.set()


class Door:
    """The protocol factory of the listening socket."""

    def __init__(self) -> None:
        self._inside: Callable[[], asyncio.Protocol] | None = None
        self._waiting: set[_Visitor] = set()

    def __call__(self) -> asyncio.Protocol:
        return self._inside() if self._inside is not None else _Visitor(self._waiting)

    def open(self, inside: Callable[[], asyncio.Protocol]) -> None:
        """From now on `inside` makes the protocols, for those who wait as well."""
        self._inside = inside
        for visitor in tuple(self._waiting):
            visitor.enter(inside())


class _Visitor(asyncio.Protocol):
    """A connection from before. It stays in `waiting` as long as it waits."""

    def __init__(self, waiting: set[_Visitor]) -> None:
        self._waiting = waiting
        self._came = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if len(self._waiting) >= WAITING_MAX:
            self._answer(b"503 Service Unavailable", BUSY)
        else:
            self._waiting.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._waiting.discard(self)

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, end, _ = self._came.partition(b"\r\n\r\n")
        if end and head.split(b"\r\n", 1)[0].split(b"?")[0].split(b" ")[:2] == [b"GET", b"/health"]:
            self._answer(b"200 OK", STARTING)
        elif end or len(self._came) >= HEAD_MAX:
            self._transport.pause_reading()

    def enter(self, protocol: asyncio.Protocol) -> None:
        """Let `protocol` go on with what came."""
        self._waiting.discard(self)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        if self._came:
            protocol.data_received(self._came)
        self._transport.resume_reading()

    def _answer(self, status: bytes, body: bytes) -> None:
        self._waiting.discard(self)
        fields = (
            b"HTTP/1.1 " + status, b"Content-Type: application/json; charset=utf-8",
            b"Content-Length: %d" % len(body), b"Cache-Control: no-cache", b"X-Content-Type-Options: nosniff",
            b"Retry-After: 1", b"Connection: close",
        )  # fmt: skip
        self._transport.write(b"\r\n".join(fields) + b"\r\n\r\n" + body)
        self._transport.close()
