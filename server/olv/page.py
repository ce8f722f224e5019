"""A built web client of Open-LLM-VTuber, the user's own, served as it is at `/olv/`."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from vaidol.server.files import inside
from vaidol.server.live2d.ancestor import NO_MODEL
from vaidol.server.olv.user import remember

TYPES = {
    ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8", ".json": "application/json", ".wasm": "application/wasm",
    ".onnx": "application/octet-stream", ".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg", ".ico": "image/x-icon", ".woff2": "font/woff2", ".ttf": "font/ttf", ".mp3": "audio/mpeg",
}  # fmt: skip
POLICY = (  # it styles by script, draws with WebAssembly, plays data: addresses, and its user may name other servers
    "default-src 'self' data: blob:; script-src 'self' 'wasm-unsafe-eval' blob:; style-src 'self' 'unsafe-inline';"
    " img-src * data: blob:; media-src * data: blob: mediastream:; connect-src * data: blob:; worker-src 'self' blob:;"
    " object-src 'none'; base-uri 'none'; frame-ancestors 'self'"
)


class Page:
    """`folder` is what its `npm run build:web` made; None: there is none, and every address is answered with 404."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/olv", self.home)
        router.add_get("/olv/{path:.*}", self.file)
        router.add_get(NO_MODEL["url"], self.no_model)

    async def home(self, request: web.Request) -> web.StreamResponse:
        """GET /olv: to where its relative addresses lead somewhere."""
        raise web.HTTPFound("olv/")

    async def file(self, request: web.Request) -> web.StreamResponse:
        """GET /olv/PATH: a file of the web client of Open-LLM-VTuber."""
        name = request.match_info["path"] or "index.html"
        path = inside(self._folder, name, TYPES) if self._folder is not None else None
        if path is None:
            raise web.HTTPNotFound
        response = web.FileResponse(path, headers={"Content-Type": TYPES[path.suffix.lower()]})
        if path.suffix == ".html":
            response.headers["Content-Security-Policy"] = POLICY
            remember(request, response)
        return response

    async def no_model(self, _: web.Request) -> web.Response:
        """GET /olv-model/none.model3.json: a Live2D model without anything in it, for clients that want to have one."""
        return web.json_response({"Version": 3, "FileReferences": {}})
