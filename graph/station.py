"""The worker's side of `place: remote`: `vaidol worker` keeps nodes for cores that know its token.

Each connection has nodes of one kind with equal settings, and a thread. What comes is JSON and arrays, and is checked
before it is used: the kind by the registry, settings and frames by their models.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
import socket
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter, ValidationError

from vaidol.graph.away import Made, Nodes
from vaidol.graph.elsewhere import received
from vaidol.graph.engine import Engine
from vaidol.graph.errors import ProviderError
from vaidol.graph.framejson import BadFrame
from vaidol.graph.generations import TurnCut
from vaidol.graph.parcels import LONGEST, VERSION, BadParcel, Packing, Parcel, proof
from vaidol.graph.registry import UnknownKind
from vaidol.graph.supervisor import explain
from vaidol.graph.worker import LENGTH, Caught

log = logging.getLogger("vaidol.worker")
HELLO_S, CLOSE_S = 5.0, 2.0
MOST = 256  # connections
CUTS = TypeAdapter(list[TurnCut])


class Station:
    """Serves connections with the kinds of `engine`; `close` ends them."""

    def __init__(self, engine: Engine, token: str) -> None:
        self._engine, self._token = engine, token
        self._number = 0
        self._tasks: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end: for `asyncio.start_server`."""
        task = asyncio.current_task()
        if len(self._tasks) >= MOST or task is None:
            writer.transport.abort()
            return
        self._tasks[task] = writer
        self._number += 1
        made = writer.get_extra_info("socket")
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        try:
            if await self._known(reader, writer):
                await _Guest(self._engine, f"guest {self._number}", reader, writer).serve()
        except (OSError, BadParcel, TimeoutError) as error:
            log.warning("a connection was given up", extra={"why": type(error).__name__})
        finally:
            del self._tasks[task]
            writer.transport.abort()

    async def close(self) -> None:
        """End all connections."""
        for writer in self._tasks.values():
            writer.transport.abort()
        if self._tasks:
            _, busy = await asyncio.wait(tuple(self._tasks), timeout=CLOSE_S)
            for task in busy:
                task.cancel()

    async def _known(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the other side knows the token. Raises `BadParcel`, `TimeoutError`, `OSError`."""
        mine = secrets.token_hex(16)
        _send(writer, Packing().packed({"version": VERSION, "nonce": mine}))
        async with asyncio.timeout(HELLO_S):
            told = Parcel(await received(reader, 4096) or b"").told
        theirs = str(told.get("nonce", ""))
        if not hmac.compare_digest(str(told.get("proof", "")), proof(self._token, "core", mine, theirs)):
            log.warning("a core does not know the token")
            return False
        _send(writer, Packing().packed({"proof": proof(self._token, "worker", mine, theirs)}))
        return True


class _Guest:
    """One core's nodes of one kind. `name`: of their thread."""

    def __init__(self, engine: Engine, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._engine, self._pool = engine, name
        self._reader, self._writer = reader, writer
        self._nodes: Nodes | None = None

    async def serve(self) -> None:
        """Answer one request after the other until there are no more. Raises `BadParcel`, `OSError`."""
        try:
            while (body := await received(self._reader, LONGEST)) is not None:
                parcel = Parcel(body)
                number = parcel.told.get("number", 0)
                packing, made, failed = Packing(), None, None
                try:
                    made = await self._done(parcel)
                except (ProviderError, BadFrame, ValidationError, UnknownKind) as error:
                    failed = error
                _send(self._writer, packing.packed({"number": number, **_told(packing, made, failed)}))
                await self._writer.drain()
        finally:
            if self._nodes is not None:
                await self._engine.workers.call(self._pool, self._nodes.close_all)
            self._engine.workers.release(self._pool)

    async def _done(self, parcel: Parcel) -> Made | None:
        told = parcel.told
        if told.get("do") == "load":
            self._nodes = await self._loaded(str(told.get("kind")), told.get("settings"))
            return None
        if self._nodes is None:
            raise BadParcel("asked before it loaded")
        owner = str(told.get("owner"))
        match told.get("do"):
            case "open":
                return await self._work(self._nodes.open, owner)
            case "close":
                return await self._work(self._nodes.close, owner)
            case "process":
                cuts, frame = CUTS.validate_python(told.get("cuts")), parcel.frame(told.get("frame"))
                return await self._work(self._nodes.process, owner, cuts, str(told.get("port")), frame)
        raise BadParcel("asked for what nobody does")

    async def _loaded(self, name: str, settings: Any) -> Nodes:
        kind = self._engine.registry.find(name)
        if kind.is_async() or kind.is_source():
            raise ProviderError(f"{name} does not block, and needs its session: it lives with that", code="place")
        made = kind.settings_class().model_validate(settings)
        shared = {need.key: await self._engine.shared.get(need) for need in kind.needs(made)}
        return Nodes(kind, made, shared)

    async def _work(self, function: Callable[..., Made | None], *args: Any) -> Made | None:
        """`function(*args)` on this guest's thread; what the node raises is an error of the node's. Raises it."""

        def caught() -> tuple[Made | None, Exception | None]:
            made = None
            with Caught() as error:
                made = function(*args)
            return made, error.error

        made, error = await self._engine.workers.call(self._pool, caught)
        if error is not None:
            if not isinstance(error, ProviderError):
                log.error("a node failed", exc_info=error)
            message, code = explain(args[0].split()[1] if " " in args[0] else args[0], error)
            raise ProviderError(message, retryable=getattr(error, "retryable", False), code=code)
        return made


def _told(packing: Packing, made: Made | None, failed: Exception | None) -> dict[str, Any]:
    if failed is not None:
        code, retryable = getattr(failed, "code", "request"), bool(getattr(failed, "retryable", False))
        return {"error": {"message": str(failed), "code": code, "retryable": retryable}}
    if made is None:
        return {}
    frames = [[port, packing.frame(frame)] for port, frame in made.frames]
    return {"made": {"frames": frames, "troubles": made.troubles, "counts": made.counts}}


def _send(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(len(body).to_bytes(LENGTH, "little") + body)
