"""Pictures that the user shows the avatar: checked here, and given to the session's graph; none is kept."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from typing import TYPE_CHECKING, Any

from aiohttp import web

from vaidol.graph.frames import Image
from vaidol.graph.scheduler import Graph
from vaidol.nodes.webrtc._call import Message
from vaidol.server.access import refusal
from vaidol.server.allowance import Addresses
from vaidol.server.bodies import refused
from vaidol.server.pipelines_api import graph_of, refuse_strangers
from vaidol.server.running import Running
from vaidol.server.session import Session
from vaidol.server.slow import reads_in_its_own_time

if TYPE_CHECKING:
    from vaidol.server.app import Server

MAX_BYTES = 2 * 2**20  # the page sends a tenth of it at most
READ_S = 10.0
PER_S, AT_ONCE = 2.0, 6.0  # pictures of one session
SOURCES = ("camera", "screen", "clipboard", "upload")
MAGIC = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "image/webp": b"RIFF"}
SHORTEST = 32  # bytes; no picture has fewer


class BadPicture(ValueError):
    """It cannot be shown; the text says why. `status`: of an answer over HTTP."""

    def __init__(self, message: str, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def checked(data: bytes, shown: str) -> Message:
    """The message that shows a graph the file `data`. Raises `BadPicture`."""
    if shown not in SOURCES:
        raise BadPicture(f"'{shown[:40]}' is no source of pictures; known are {', '.join(SOURCES)}", 400, "source")
    if len(data) > MAX_BYTES:
        raise BadPicture(f"a picture may have {MAX_BYTES} bytes at most", 413, "too_large")
    mime = next((kind for kind, magic in MAGIC.items() if data.startswith(magic)), "")
    if len(data) < SHORTEST or not mime or (mime == "image/webp" and data[8:12] != b"WEBP"):
        raise BadPicture("a picture is a JPEG, PNG or WebP file, and this is none", 415, "no_picture")
    return {"t": "image", "data": data, "mime": mime, "shown": shown}


def given(picture: Any) -> Message:
    """The same of one of the `images` of `/client-ws`: {source, data: a data URL}. Raises `BadPicture`."""
    told = picture if isinstance(picture, dict) else {}
    head, comma, text = str(told.get("data", "")).partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        raise BadPicture("images: 'data' is not a data URL with base64", 400, "data")
    if len(text) > MAX_BYTES * 4 // 3 + 4:
        raise BadPicture(f"a picture may have {MAX_BYTES} bytes at most", 413, "too_large")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadPicture("images: 'data' is not base64", 400, "data") from None
    return checked(data, str(told.get("source", "")))


class PicturesApi:
    """`POST /api/sessions/ID/image`, and `DELETE`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._allowed = Addresses(server.engine.clock, PER_S, AT_ONCE)  # by session

    def routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/api/sessions/{session}/image", self.show)
        router.add_delete("/api/sessions/{session}/image", self.hide)

    @reads_in_its_own_time
    async def show(self, request: web.Request) -> web.Response:
        """POST /api/sessions/ID/image: show the avatar a JPEG, PNG or WebP file, which goes with the next words of the
        user; ?source=camera, screen, clipboard or upload. X-Vaidol-Session: the session's token, or else the right to
        change things."""
        session, graph = self._of(request)
        if not any(edge.frame is Image for edge in graph.plan.edges):
            return refusal(409, "no_eyes", "the pipeline shows no pictures to its agent: add page.image -> agent.image")
        if not self._allowed.take(session.id):
            return refusal(429, "too_many", "too many pictures; wait a moment", 1)
        try:
            message = checked(await _body(request), request.query.get("source", "upload"))
        except BadPicture as error:
            return refusal(error.status, error.code, str(error))
        session.command(message)
        return web.json_response({"bytes": len(message["data"]), "type": message["mime"]})

    async def hide(self, request: web.Request) -> web.Response:
        """DELETE /api/sessions/ID/image: nothing is shown any more; the last picture is forgotten at once."""
        session, _ = self._of(request)
        session.command({"t": "unshow"})
        return web.json_response({})

    def _of(self, request: web.Request) -> tuple[Running, Graph]:
        """The session that is meant, and its graph. Raises what answers those who may not show it anything."""
        graph = graph_of(self._server, request)
        session = next(session for session in self._server.sessions if session.graph is graph)
        token = request.headers.get("X-Vaidol-Session", "")
        if not token:
            refuse_strangers(self._server, request)
        elif not isinstance(session, Session) or not hmac.compare_digest(token.encode(), session.token.encode()):
            raise refused(403, "token", "that is not the token of this session")
        return session, graph


async def _body(request: web.Request) -> bytes:
    """Raises `BadPicture`."""
    try:
        async with asyncio.timeout(READ_S):
            return await request.clone(client_max_size=MAX_BYTES).read()
    except web.HTTPRequestEntityTooLarge:
        raise BadPicture(f"a picture may have {MAX_BYTES} bytes at most", 413, "too_large") from None
    except TimeoutError:
        raise BadPicture(f"the picture did not come within {READ_S:g} s", 408, "slow") from None
