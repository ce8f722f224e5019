"""The way in for clients of `/client-ws`, and the folders they look into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from vaidol.server.access import PROTOCOL, refusal
from vaidol.server.live2d.ancestor import model_info
from vaidol.server.olv import messages
from vaidol.server.olv.character import Character
from vaidol.server.olv.client import PING_S, Client
from vaidol.server.olv.group import ClientGroups
from vaidol.server.olv.page import Page
from vaidol.server.sessions import Full

if TYPE_CHECKING:
    from vaidol.server.app import Server

PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".svg")
MOST_BACKGROUNDS = 500
NAME = "Vai"


class ClientSockets:
    """Clients of the ancestor's protocol; each has a graph of its own, and counts as a session."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.clients: set[Client] = set()
        self._groups = ClientGroups(server.groups, self.clients)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/client-ws", self.join)
        router.add_get("/bg/{name}", self.background)
        Page(self._server.options.olv_web).add_routes(router)

    async def join(self, request: web.Request) -> web.StreamResponse:
        """GET /client-ws: a WebSocket that lives as long as its graph."""
        server = self._server
        if server.preload.status != "ok":
            return refusal(503, server.preload.status, "the pipeline is not ready", 2)
        try:
            with server.sessions.place():
                socket = web.WebSocketResponse(heartbeat=PING_S, max_msg_size=messages.MAX_BYTES, protocols=(PROTOCOL,))
                if not socket.can_prepare(request):
                    return refusal(426, "websocket", "this address takes WebSockets only")
                await socket.prepare(request)
                character = await self._character()
                client = Client(
                    server.plan, server.engine, character, self.backgrounds,
                    groups=self._groups, attend=server.sessions.attend,
                )  # fmt: skip
                self.clients.add(client)
                try:
                    with server.sessions.hosting(client):
                        await client.run(socket)
                finally:
                    self.clients.discard(client)
        except Full as error:
            return refusal(503, error.code, str(error), 10)
        return socket

    async def background(self, request: web.Request) -> web.StreamResponse:
        """GET /bg/NAME: one of the pictures `backgrounds` names."""
        name, folder = request.match_info["name"], self._server.options.backgrounds
        if folder is None or name not in self.backgrounds():
            return refusal(404, "no_picture", "there is no such background")
        return self._server.access.share(request, web.FileResponse(folder / name))

    def backgrounds(self) -> list[str]:
        """Names of the pictures in the folder of backgrounds."""
        folder = self._server.options.backgrounds
        if folder is None or not folder.is_dir():
            return []
        inside = folder.resolve()
        names = (
            path.name
            for path in folder.iterdir()
            if path.suffix.lower() in PICTURES and path.is_file() and path.resolve().is_relative_to(inside)
        )
        return sorted(names)[:MOST_BACKGROUNDS]

    async def _character(self) -> Character:
        model = await self._server.live2d.first()
        return Character(NAME, NAME.lower(), model=model_info(model) if model is not None else {})
