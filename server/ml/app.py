"""The application of `vaidol ml`: the providers of one pipeline for anybody who speaks HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from aiohttp import web

from vaidol.graph.engine import Engine
from vaidol.graph.errors import ProviderError
from vaidol.graph.plan import Plan, PlanNode
from vaidol.graph.registry import Registry
from vaidol.nodes.text.sentences import SentencesSettings
from vaidol.server import documents
from vaidol.server.access import Access
from vaidol.server.entrance import application
from vaidol.server.ml.answers import answering
from vaidol.server.ml.chat import ChatApi
from vaidol.server.ml.conversion import ConversionApi
from vaidol.server.ml.described import DESCRIBED
from vaidol.server.ml.hearing import HearingApi
from vaidol.server.ml.offered import ROLES, Offered, Role, Unknown, only_providers
from vaidol.server.ml.speech import SpeechApi
from vaidol.server.preload import Preload
from vaidol.server.slow import Patience

MAX_BYTES = 512 << 10  # of a body of JSON


@dataclass(frozen=True)
class MlOptions:
    """How the service is run. roles: what is offered of the pipeline. at_once: requests that each provider works for;
    waiting: how many more may wait.

    upload_bytes, sound_s: the largest file that is taken, and the longest sound in it.
    """

    token: str = ""
    roles: tuple[Role, ...] = tuple(ROLES)
    trust_proxy: tuple[str, ...] = ()
    allow_origin: tuple[str, ...] = ()
    at_once: int = 2
    waiting: int = 16
    upload_bytes: int = 25 << 20
    sound_s: float = 900.0


class MlServer:
    """What the routes work on; lives from the application's start to its end."""

    def __init__(self, plan: Plan, registry: Registry, options: MlOptions) -> None:
        self.options = options
        self.plan = only_providers(plan, options.roles)
        self.language = _language(plan)
        self.access = Access(options.token, options.allow_origin)
        self.version = version("vaidol")
        self.engine = Engine(registry)
        self.patience = Patience(self.engine.clock)
        self.preload = Preload(self.plan, self.engine)
        self.offered = Offered(self.plan, self.engine, at_once=options.at_once, waiting=options.waiting)

    def must_be_ready(self, node: PlanNode) -> None:
        """Raises `ProviderError` while the models of `node` are not loaded."""
        told = self.preload.nodes()[node.name]
        if told["state"] == "loading":
            raise ProviderError(f"the models of {node.name} are still loading", retryable=True, code="loading")
        if told["state"] == "failed":
            raise ProviderError(f"{node.name} is not ready: {told['error']}", code="failed")

    async def health(self, request: web.Request) -> web.Response:
        """GET /health: whether requests can be taken, and what every provider waits for."""
        status = self.preload.status
        told: dict[str, object] = {"status": status}
        if self.access.known(request):
            told |= {"pipeline": self.plan.name, "version": self.version, "nodes": self.preload.nodes()}
        return web.json_response(told, status=503 if status == "failed" else 200)

    async def models(self, request: web.Request) -> web.Response:
        """GET /v1/models: the names by which providers can be asked for."""
        return web.json_response({"object": "list", "data": [self._model(name) for name in self._names()]})

    @answering
    async def model(self, request: web.Request) -> web.Response:
        """GET /v1/models/NAME: one of them."""
        name, known = request.match_info["model"], self._names()
        if name not in known:
            raise Unknown(f"there is no model '{name[:100]}'; there are: {', '.join(known)}", known)
        return web.json_response(self._model(name))

    def _names(self) -> list[str]:
        nodes = (node for role in ROLES for node in self.offered.nodes(role))
        return list(dict.fromkeys(name for node in nodes for name in self.offered.names(node)))

    def _model(self, name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": 0, "owned_by": "vaidol"}


SERVER = web.AppKey("ml", MlServer)


def create_ml_app(plan: Plan, registry: Registry, options: MlOptions | None = None) -> web.Application:
    """The application; starting it loads the models of the providers in `plan` in the background.

    Call it inside the event loop that will run it, and have handlers cancelled when their clients go.
    """
    options = options or MlOptions()
    server = MlServer(plan, registry, options)
    app = application(server.access, server.patience, trust_proxy=options.trust_proxy, max_bytes=MAX_BYTES)
    app[SERVER] = server
    app.router.add_get("/health", server.health)
    app.router.add_get("/v1/models", server.models)
    app.router.add_get("/v1/models/{model:.+}", server.model)
    SpeechApi(server).routes(app.router)
    HearingApi(server).routes(app.router)
    ChatApi(server).routes(app.router)
    ConversionApi(server).routes(app.router)
    documents.add_routes(app.router, server.version, DESCRIBED, "/openapi.json")

    async def life(_: web.Application) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            loading = tasks.create_task(server.preload.run(), name="preload")
            yield
            loading.cancel()
        await server.offered.close()
        server.engine.close()

    app.cleanup_ctx.append(life)
    return app


def _language(plan: Plan) -> str:
    """In which symbols and numbers are spoken."""
    settings = (node.settings for node in plan.nodes if isinstance(node.settings, SentencesSettings))
    return next((one.language for one in settings), "en")
