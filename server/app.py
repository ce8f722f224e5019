"""The web application: the page, `/health`, and the WHIP-style way into a call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from aiohttp import web

from vaidol.graph.engine import Engine
from vaidol.graph.plan import Plan
from vaidol.graph.registry import Registry
from vaidol.nodes.agent._history import POOL, History
from vaidol.nodes.agent._meaning import Meaning
from vaidol.pipelines import LIBRARY
from vaidol.server import autonomous, control, library, offer, openapi, say, sight, viewing
from vaidol.server.access import Access, refusal
from vaidol.server.config_api import ConfigApi
from vaidol.server.entrance import application
from vaidol.server.events_api import Events
from vaidol.server.files import inside
from vaidol.server.folders import LIVE2D
from vaidol.server.groups.api import GroupsApi
from vaidol.server.groups.groups import Groups
from vaidol.server.groups.page import PageGroups
from vaidol.server.history_api import HistoryApi
from vaidol.server.history_keeping import HistoryOptions, tend
from vaidol.server.inspector.feed import Feed
from vaidol.server.limits import Limits
from vaidol.server.live2d.routes import Live2d
from vaidol.server.metrics import Metrics
from vaidol.server.olv.routes import ClientSockets
from vaidol.server.personas import Personas
from vaidol.server.pictures import PicturesApi
from vaidol.server.pipelines import Pipelines
from vaidol.server.pipelines_api import PipelinesApi
from vaidol.server.preload import Preload
from vaidol.server.recordings import RecordingOptions, Recordings
from vaidol.server.recordings_api import RecordingsApi
from vaidol.server.running import Attend
from vaidol.server.session import SessionEnded
from vaidol.server.sessions import GRACE_S, Full, Sessions
from vaidol.server.sessions_api import SessionsApi
from vaidol.server.slow import Patience

WEB = Path(__file__).parent / "web"
SCHEMA = LIBRARY / "schema.json"
TYPES = {
    ".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".json": "application/json",
    ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".webp": "image/webp",
    ".woff2": "font/woff2", ".txt": "text/plain", ".md": "text/plain", ".map": "application/json",
}  # fmt: skip
LOADING_RETRY_S, FAILED_RETRY_S, FULL_RETRY_S = 2, 15, 10


@dataclass(frozen=True)
class Options:
    """How a server is run. stun: addresses like stun:host:port; grace_s: how long a session waits for its client.

    live2d_models, live2d_runtime: folders of the user's; avatar: the model shown at first, "" for the puppet.
    history: where conversations are kept, and for how long. personas: a folder
    with more of them. trust_proxy: addresses or networks. allow_origin: other sites whose pages may call.
    olv_web: a built web client of Open-LLM-VTuber, served at /olv/.
    """

    max_sessions: int = 8
    max_per_address: int = 0  # of them for one other machine, 0: as many as there are
    token: str = ""
    stun: tuple[str, ...] = ()
    grace_s: float = GRACE_S
    backgrounds: Path | None = None  # pictures for clients of /client-ws, served at /bg
    live2d_models: tuple[Path, ...] = LIVE2D
    live2d_runtime: Path | None = None
    avatar: str = ""
    recording: RecordingOptions = field(default_factory=RecordingOptions)
    attend: tuple[Attend, ...] = ()  # those who watch every session besides
    history: HistoryOptions = field(default_factory=HistoryOptions)
    personas: Path | None = None
    trust_proxy: tuple[str, ...] = ()
    allow_origin: tuple[str, ...] = ()
    olv_web: Path | None = None


class Server:
    """What the routes work on; lives from the application's start to its end."""

    def __init__(self, plan: Plan, registry: Registry, options: Options) -> None:
        self.plan = plan
        self.options = options
        self.access = Access(options.token, options.allow_origin)
        self.version = version("vaidol")
        self.engine = Engine(registry)
        self.patience = Patience(self.engine.clock)
        self.limits = Limits(self.engine.clock)
        self.preload = Preload(plan, self.engine)
        self.live2d = Live2d(self.engine, self.access, options.live2d_models, options.live2d_runtime, options.avatar)
        self.pipelines = Pipelines(self)
        self.sessions = Sessions(
            plan,
            self.engine,
            limit=options.max_sessions,
            each=options.max_per_address,
            grace_s=options.grace_s,
            stun=options.stun,
        )
        kept = options.history.file
        self.history = self.sessions.history = History(kept, Meaning()) if kept is not None else None
        self.recordings = Recordings(self.engine, options.recording)
        self.metrics = Metrics(self)
        self.personas = Personas(self)
        self.events = Events(self.engine.clock)
        self.groups = Groups(self.engine.clock)
        self.groups_api = GroupsApi(self)
        self.page_groups = PageGroups(self.groups, self.sessions)
        self.sessions.attend += [
            self.recordings.attend, self.metrics.attend, self.personas.attend, self.events.attend,
            self.groups_api.attend, self.page_groups.attend, sight.attend, *options.attend,
        ]  # fmt: skip
        self.feed = Feed(self.sessions, registry, self.engine.clock)

    @property
    def status(self) -> str:
        """ok, loading, failed, or ending: calls under way go on, and no more begin."""
        return "ending" if self.sessions.ending else self.preload.status

    @property
    def remembers(self) -> bool:
        """Whether what is said in new calls is kept: there is a file, and an agent."""
        return self.history is not None and any(node.kind.startswith("agent.") for node in self.plan.nodes)

    async def page(self, _: web.Request) -> web.StreamResponse:
        response = _file("index.html")
        self.live2d.loosen(response)
        return response

    async def inspector(self, _: web.Request) -> web.StreamResponse:
        return _file("inspector.html")

    async def schema(self, _: web.Request) -> web.StreamResponse:
        """GET /api/schema: the JSON schema of a pipeline file, for editors."""
        return web.FileResponse(SCHEMA, headers={"Content-Type": "application/schema+json"})

    async def overlay(self, _: web.Request) -> web.StreamResponse:
        response = _file("overlay.html")
        self.live2d.loosen(response)
        return response

    async def earlier(self, _: web.Request) -> web.StreamResponse:
        return _file("history.html")

    async def protocol(self, _: web.Request) -> web.StreamResponse:
        """GET /api/protocol: the JSON schema of the data channel's messages."""
        return _file("protocol.json")

    async def api(self, _: web.Request) -> web.StreamResponse:
        """GET /api/: what the server can be asked, for people."""
        return _file("api.html")

    async def static(self, request: web.Request) -> web.StreamResponse:
        return _file(request.match_info["path"])

    async def health(self, request: web.Request) -> web.Response:
        """GET /health: starting, loading, ok, failed or ending; and what every node waits for."""
        told: dict[str, object] = {"status": self.status}
        if self.access.known(request):
            told |= {
                "pipeline": self.plan.name, "about": self.plan.about, "version": self.version,
                "sessions": len(self.sessions), "nodes": self.preload.nodes(), "history": self.remembers,
            }  # fmt: skip
        return web.json_response(told, status=503 if self.status == "failed" else 200)

    async def ready(self, _: web.Request) -> web.Response:
        """GET /ready: 200 when calls can be taken, 503 while models load and while the server is about to stop."""
        return web.json_response({"status": self.status}, status=200 if self.status == "ok" else 503)

    async def join(self, request: web.Request) -> web.Response:
        """POST /whip: an SDP offer in, 201 with the answer and the call's address out."""
        try:
            wanted = await self.offer(request)
        except offer.BadOffer as error:
            return refusal(error.status, error.code, str(error))
        if self.preload.status == "loading":
            return refusal(503, "loading", "models are still loading", LOADING_RETRY_S)
        if self.preload.status == "failed":
            return refusal(503, "failed", f"the pipeline is not ready: {self.preload.failure}", FAILED_RETRY_S)
        try:
            token, address = request.headers.get("X-Vaidol-Session", ""), request.remote or ""
            resource, answer = await self.sessions.join(wanted, token, address)
        except Full as error:
            return refusal(503, error.code, str(error), FULL_RETRY_S)
        except SessionEnded:
            return refusal(503, "ended", "the session ended before it began; the server's log says why", FULL_RETRY_S)
        except offer.BadOffer as error:
            return refusal(error.status, error.code, str(error))
        headers = {"Location": f"whip/{resource}"}
        return web.Response(status=201, text=answer, content_type="application/sdp", headers=headers)

    async def offer(self, request: web.Request) -> offer.Offer:
        """What the client offers. Raises `BadOffer`."""
        if request.content_type != "application/sdp":
            raise offer.BadOffer("send the offer as application/sdp", status=415, code="content_type")
        try:
            return offer.read_offer((await request.read()).decode())
        except UnicodeDecodeError:
            raise offer.BadOffer("the offer is not UTF-8 text") from None

    async def leave(self, request: web.Request) -> web.Response:
        """DELETE /whip/ID: hang up."""
        if self.sessions.leave(request.match_info["resource"]):
            return web.Response(status=200)
        return refusal(404, "no_call", "there is no such call")


SERVER = web.AppKey("server", Server)


def create_app(plan: Plan, registry: Registry, options: Options | None = None) -> web.Application:
    """The application; starting it (`web.AppRunner.setup`) loads what `plan` needs in the background.

    Call it inside the event loop that will run it.
    """
    options = options or Options()
    server = Server(plan, registry, options)
    trusted = options.trust_proxy
    app = application(
        server.access, server.patience, trust_proxy=trusted, max_bytes=offer.MAX_BYTES, limits=server.limits
    )
    app[SERVER] = server
    _routes(app.router, server)

    async def life(_: web.Application) -> AsyncIterator[None]:
        async with server.sessions, asyncio.TaskGroup() as tasks:
            loading = tasks.create_task(server.preload.run(), name="preload")
            tasks.create_task(server.recordings.sweep(), name="sweep")
            running = [loading]
            if server.history is not None:
                recalls = any(getattr(node.settings, "recall", 0) for node in plan.nodes)
                tending = tend(server.history, server.engine, options.history, recalls=recalls)
                running.append(tasks.create_task(tending, name="history"))
            yield
            for task in running:
                task.cancel()
        if server.history is not None:
            await server.engine.workers.call(POOL, server.history.close)
        server.engine.close()

    app.cleanup_ctx.append(life)
    app.on_shutdown.append(lambda _: server.sessions.end_hosted())
    app.on_shutdown.append(lambda _: server.feed.close())
    app.on_shutdown.append(lambda _: server.events.close())
    return app


def _routes(router: web.UrlDispatcher, server: Server) -> None:
    router.add_get("/", server.page)
    router.add_get("/inspector", server.inspector)
    router.add_get("/history", server.earlier)
    router.add_get("/web/{path:.+}", server.static)
    router.add_get("/api/inspect", server.feed.serve)
    router.add_get("/api/schema", server.schema)
    router.add_get("/health", server.health)
    router.add_get("/ready", server.ready)
    server.live2d.add_routes(router)
    router.add_post("/whip", server.join)
    router.add_delete("/whip/{resource}", server.leave)
    viewing.add_routes(router, server)
    control.add_routes(router, server.sessions)
    autonomous.add_routes(router, server.sessions)
    say.add_routes(router, server.sessions)
    library.add_routes(router, server)
    ConfigApi(server).routes(router)
    SessionsApi(server).routes(router)
    ClientSockets(server).add_routes(router)
    server.groups_api.routes(router)
    router.add_get("/metrics", server.metrics.serve)
    router.add_get("/api/events", server.events.serve)
    router.add_get("/api/", server.api)
    PipelinesApi(server).routes(router)
    server.personas.routes(router)
    RecordingsApi(server).routes(router)
    HistoryApi(server).routes(router)
    PicturesApi(server).routes(router)
    openapi.add_routes(router, server.version)


def _file(name: str) -> web.StreamResponse:
    """A file of the page."""
    path = inside(WEB, name, TYPES)
    if path is None:
        raise web.HTTPNotFound
    kind = TYPES[path.suffix]
    text = kind.startswith("text/") or kind.endswith(("json", "xml"))
    return web.FileResponse(path, headers={"Content-Type": f"{kind}; charset=utf-8" if text else kind})
