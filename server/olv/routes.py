"""The way in for clients of `/client-ws`, and the folders they look into."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from vaidol.nodes.agent._history import Recorder
from vaidol.server.access import PROTOCOL, refusal
from vaidol.server.olv import messages
from vaidol.server.olv.character import Cast
from vaidol.server.olv.client import PING_S, Client
from vaidol.server.olv.group import ClientGroups
from vaidol.server.olv.page import Page
from vaidol.server.olv.user import user
from vaidol.server.personas import current
from vaidol.server.sessions import Full

if TYPE_CHECKING:
    from vaidol.server.app import Server

PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".svg")
MOST_BACKGROUNDS = 500
WEB = Path(__file__).parents[1] / "web"
FIRST = "ceiling-window-room-night.jpeg"  # what the stock client shows until another one is chosen
LOADING_S, LOOK_S = 40.0, 0.1  # wait for models, and look for them: as long as a socket stays open that nobody reads


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
        if server.preload.status == "failed":
            return refusal(503, "failed", f"the pipeline is not ready: {server.preload.failure}", 15)
        try:
            with server.sessions.place(request.remote or ""):
                socket = web.WebSocketResponse(heartbeat=PING_S, max_msg_size=messages.MAX_BYTES, protocols=(PROTOCOL,))
                if not socket.can_prepare(request):
                    return refusal(426, "websocket", "this address takes WebSockets only")
                await socket.prepare(request)
                if not await self._loaded(socket):
                    return socket
                client = Client(
                    server.plan, server.engine, await self._cast(), self.backgrounds,
                    groups=self._groups, recorder=self._recorder(request), attend=server.sessions.attend,
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

    async def _loaded(self, socket: web.WebSocketResponse) -> bool:
        """Wait for the models: these clients come once, and do not come back by themselves. False: in vain."""
        preload, clock = self._server.preload, self._server.engine.clock
        until_s = clock.s() + LOADING_S
        if preload.status == "loading":
            await socket.send_str(messages.encode(messages.full_text("The models are loading...")))
        while preload.status == "loading" and clock.s() < until_s:
            await clock.sleep(LOOK_S)
        if preload.status == "ok":
            return True
        said = preload.failure or "the models are still loading; come again in a moment"
        await socket.send_str(messages.encode(messages.error(said)))
        await socket.close()
        return False

    async def background(self, request: web.Request) -> web.StreamResponse:
        """GET /bg/NAME: one of the pictures `backgrounds` names; without a folder, a plain one to begin with."""
        name, folder = request.match_info["name"], self._server.options.backgrounds
        if folder is None and name == FIRST:
            return self._server.access.share(request, web.FileResponse(WEB / "backdrop.svg"))
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

    async def _cast(self) -> Cast:
        return Cast(self._server.personas.files, current(self._server.plan), await self._server.live2d.shown())

    def _recorder(self, request: web.Request) -> Recorder | None:
        """Where the talk of this client is kept, by who it is."""
        if self._server.history is None:
            return None
        recorder = Recorder(self._server.history)
        recorder.user = user(request, alone=not self._server.options.token)
        return recorder
