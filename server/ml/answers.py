"""Answers of the service: errors in plain words with the right status, and bodies that are sent while they are made."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import wraps
from typing import Any, TypeVar

from aiohttp import web
from pydantic import ValidationError

from vaidol.graph.errors import ProviderError
from vaidol.models.errors import ModelError
from vaidol.server.access import refusal
from vaidol.server.bodies import unfit, unknown
from vaidol.server.ml.offered import Busy, Unknown
from vaidol.server.ml.uploads import BadUpload

log = logging.getLogger("vaidol.ml")
SEND_S = 20.0  # for a client that reads slowly
RETRY_S, LOADING_RETRY_S = 1, 2
STATUS = {
    "busy": 503, "process": 503, "loading": 503, "timeout": 504, "stalled": 504, "unreachable": 502, "server": 502,
    "key": 502, "quota": 502, "protocol": 502, "context": 413, "voice": 422, "bad_voice": 422, "file": 415,
}  # fmt: skip
S = TypeVar("S")
Handler = Callable[[S, web.Request], Awaitable[web.StreamResponse]]


def answering(handler: Handler[S]) -> Handler[S]:
    """Turn what goes wrong before an answer has begun into one that says so."""

    @wraps(handler)
    async def answer(self: S, request: web.Request) -> web.StreamResponse:
        try:
            return await handler(self, request)
        except Unknown as error:
            raise unknown("not_found", str(error), error.known) from None
        except Busy as error:
            return refusal(429, error.code, str(error), RETRY_S)
        except BadUpload as error:
            return refusal(error.status, error.code, str(error))
        except ProviderError as error:
            status = STATUS.get(error.code, 500)
            return refusal(status, error.code, str(error), RETRY_S if status == 503 else None)
        except ModelError as error:
            return refusal(500, "model", str(error))
        except ValidationError as error:
            raise unfit(error) from None

    return answer


async def streamed(request: web.Request, pieces: AsyncGenerator[bytes, None], kind: str) -> web.StreamResponse:
    """`pieces` as they come; what goes wrong before the first is raised, later it breaks the answer off."""
    async with aclosing(pieces):
        first = await anext(pieces, b"")
        response = web.StreamResponse(headers={"Content-Type": kind, "X-Accel-Buffering": "no"})
        await response.prepare(request)
        try:
            await _send(response, first)
            async for piece in pieces:
                await _send(response, piece)
            await response.write_eof()
        except (ProviderError, TimeoutError) as error:
            log.warning("an answer broke off", extra={"path": request.path, "how": type(error).__name__})
            if request.transport is not None:
                request.transport.abort()  # without the end that would make it look whole
        except ConnectionError:
            pass  # the client has gone
    return response


async def events(request: web.Request, told: AsyncIterator[dict[str, Any]]) -> web.StreamResponse:
    """Server-sent events with JSON, and [DONE] behind the last; an error later than the first is an event too."""
    return await streamed(request, _lines(told), "text/event-stream; charset=utf-8")


async def _lines(told: AsyncIterator[dict[str, Any]]) -> AsyncGenerator[bytes, None]:
    begun = False
    try:
        async for one in told:
            yield _event(one)
            begun = True
    except ProviderError as error:
        if not begun:
            raise
        yield _event({"error": {"code": error.code, "message": str(error)}})
        return
    yield b"data: [DONE]\n\n"


def _event(told: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(told, ensure_ascii=False)}\n\n".encode()


async def _send(response: web.StreamResponse, data: bytes) -> None:
    if data:
        async with asyncio.timeout(SEND_S):
            await response.write(data)
