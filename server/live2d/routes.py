"""The routes of the user's Live2D models and runtime: what there is, its files, and what the user says about it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from vaidol.graph.engine import Engine
from vaidol.server.access import HEADERS, Access, refusal
from vaidol.server.files import inside
from vaidol.server.live2d import notes
from vaidol.server.live2d.files import BadFile
from vaidol.server.live2d.model import Model
from vaidol.server.live2d.runtime import Runtime, look
from vaidol.server.live2d.scan import scan

TYPES = {
    ".json": "application/json; charset=utf-8", ".moc3": "application/octet-stream", ".png": "image/png",
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".gif": "image/gif", ".svg": "image/svg+xml",
    ".mp3": "audio/mpeg", ".wav": "audio/wav", ".ogg": "audio/ogg",
}  # fmt: skip
POOL = "live2d"  # the thread that reads the folders


class Live2d:
    """`folders` hold models, the first one wins; `runtime` the scripts that draw them; `avatar` is shown at first."""

    def __init__(
        self, engine: Engine, access: Access, folders: Sequence[Path], runtime: Path | None, avatar: str = ""
    ) -> None:
        self.avatar = avatar
        self._access = access
        self._engine = engine
        self._folders = tuple(folder.expanduser().resolve() for folder in folders)
        self._runtime = runtime.expanduser().resolve() if runtime is not None else None

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/live2d-models/info", self.info)
        router.add_get("/live2d-models/{path:.+}", self.file)
        router.add_put("/live2d-models/{id:(?!info$).+}", self.note)
        router.add_get("/live2d-runtime/{path:.+}", self.script)

    def loosen(self, response: web.StreamResponse) -> None:
        """Let `response`, a page with an avatar, run what a runtime needs; without one the page may not make code."""
        runtime = look(self._runtime)
        if runtime.ready:
            more = "'unsafe-eval'" if runtime.evals else "'wasm-unsafe-eval'"
            policy = f"{HEADERS['Content-Security-Policy']}; script-src 'self' {more}; worker-src 'self' blob:"
            response.headers["Content-Security-Policy"] = f"{policy}; connect-src 'self' data: blob:"

    async def shown(self) -> list[Model]:
        """The models that can be shown; the one to begin with first: what was asked for, or any."""
        models = [model for model in (await self._look())[0] if not model.error]
        return sorted(models, key=lambda model: self.avatar not in (model.id, model.name))

    async def names(self) -> list[str]:
        """Ids and names of the models that can be shown."""
        return sorted({name for model in await self.shown() for name in (model.id, model.name)})

    async def info(self, request: web.Request) -> web.Response:
        """GET /live2d-models/info: models, runtime, and the avatar to begin with."""
        models, runtime = await self._look()
        characters = [model.told() for model in models]
        told = {
            "type": "live2d-models/info", "count": len(characters), "characters": characters,
            "runtime": runtime.told(), "avatar": self.avatar,
        }  # fmt: skip
        return self._access.share(request, web.json_response(told))

    async def file(self, request: web.Request) -> web.StreamResponse:
        """GET /live2d-models/PATH. Nothing outside the folders is served, neither by `..` nor by a link."""
        name = request.match_info["path"]
        for folder in self._folders:
            path = inside(folder, name, TYPES)
            if path is not None:
                return self._access.share(
                    request, web.FileResponse(path, headers={"Content-Type": TYPES[path.suffix.lower()]})
                )
        raise web.HTTPNotFound

    async def note(self, request: web.Request) -> web.Response:
        """PUT /live2d-models/ID: what the user says about a model; the answer is the model as it is then."""
        name = request.match_info["id"]
        models, _ = await self._look()
        model = next((model for model in models if model.id == name), None)
        if model is None or model.error:
            known = ", ".join(model.id for model in models if not model.error) or "none"
            return refusal(404, "no_model", f"there is no such model; there are: {known}")
        try:
            wanted = notes.parse(json.loads(await request.text()))
            counts = {group: len(files) for group, files in model.motions.items()}
            notes.check(wanted, expressions=model.expressions, motions=counts)
        except BadFile as error:
            return refusal(422, "notes", str(error))
        except (ValueError, RecursionError):
            return refusal(400, "json", "send the notes as one JSON object")
        try:
            await self._engine.workers.call(POOL, notes.save, wanted, model.path)
        except BadFile as error:
            return refusal(409, "read_only", str(error))
        model.notes = wanted
        return web.json_response(model.told())

    async def script(self, request: web.Request) -> web.StreamResponse:
        """GET /live2d-runtime/PATH: a script of the runtime, and nothing else of that folder."""
        runtime, name = look(self._runtime), request.match_info["path"]
        if runtime.folder is None or name not in runtime.scripts:
            raise web.HTTPNotFound
        return web.FileResponse(runtime.folder / name, headers={"Content-Type": "text/javascript; charset=utf-8"})

    async def _look(self) -> tuple[list[Model], Runtime]:
        return await self._engine.workers.call(POOL, lambda: (scan(self._folders), look(self._runtime)))
