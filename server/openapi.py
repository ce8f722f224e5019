"""The REST interface as an OpenAPI document, made from the routes themselves, and a page that shows it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from vaidol.server.autonomous import AutonomousWish
from vaidol.server.config_api import ConfigPatch
from vaidol.server.control import WISHES
from vaidol.server.groups.api import GroupMember, GroupMute, NewGroup
from vaidol.server.pictures import MAGIC
from vaidol.server.say import SayWish

SHOWN = ("/api/", "/health", "/metrics", "/whip", "/whep", "/live2d-models/info")
BODIES: dict[str, type[BaseModel]] = {
    "POST /api/groups": NewGroup, "POST /api/groups/{group}/members": GroupMember,
    "POST /api/groups/{group}/mute": GroupMute,
    "POST /api/autonomous": AutonomousWish, "POST /api/say": SayWish, "PATCH /api/config": ConfigPatch,
    **{f"POST /api/{name}": wish for name, wish in WISHES.items()}
}  # fmt: skip
SDP = ("POST /whip", "POST /whep")
YAML = ("PUT /api/pipeline", "PUT /api/sessions/{session}/pipeline")
PICTURE = ("POST /api/sessions/{session}/image",)
SUMMARY = re.compile(r"^(?:GET|POST|PUT|DELETE|PATCH)\b[^:]*:\s*")
NAMED = re.compile(r"\{(\w+)(?::[^}]*)?\}")
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string", "description": "one sentence for people"},
                "path": {"type": "string", "description": "the field that is wrong"},
                "known": {"type": "array", "items": {"type": "string"}, "description": "the names there are"},
            },
        }
    },
}


class Document:
    """`GET /api/openapi.json` and the page `/api/`."""

    def __init__(self, version: str) -> None:
        self._version = version

    async def serve(self, request: web.Request) -> web.Response:
        """GET /api/openapi.json: this document."""
        return web.json_response(document(request.app.router, self._version))


def add_routes(router: web.UrlDispatcher, version: str) -> None:
    router.add_get("/api/openapi.json", Document(version).serve)


def document(router: web.UrlDispatcher, version: str) -> dict[str, Any]:
    """OpenAPI 3.1 over every route in `SHOWN`."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path, handler in sorted(_routes(router), key=lambda route: route[:2]):
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, handler)
    schemas = {"Error": ERROR}
    for body in BODIES.values():
        schemas |= _schemas(body)
    scheme = {"type": "http", "scheme": "bearer", "description": "only where the server was given a token"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "vaidol", "version": version, "description": "Control a running vaidol server."},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"token": scheme}},
        "security": [{}, {"token": []}],
    }


def _routes(router: web.UrlDispatcher) -> Iterator[tuple[str, str, Any]]:
    """Method, path and handler."""
    for route in router.routes():
        path = NAMED.sub(r"{\1}", route.resource.canonical) if route.resource is not None else ""
        if path.startswith(SHOWN) and route.method not in ("HEAD", "OPTIONS", "*"):
            yield route.method, path, route.handler


def _operation(method: str, path: str, handler: Any) -> dict[str, Any]:
    key = f"{method} {path}"
    body = BODIES.get(key)
    about = " ".join((inspect.getdoc(body or handler) or "").split())
    told: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", key.lower()).strip("_"),
        "summary": _sentence(SUMMARY.sub("", about)) or key,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in NAMED.findall(path)
        ],
        "responses": {
            ("201" if key in SDP else "200"): {"description": "done"},
            "default": {"description": "an error", "content": _content({"$ref": "#/components/schemas/Error"})},
        },
    }
    if body is not None:
        told["requestBody"] = {"content": _content({"$ref": f"#/components/schemas/{body.__name__}"})}
    elif key in SDP:
        told["requestBody"] = {"required": True, "content": {"application/sdp": {"schema": {"type": "string"}}}}
    elif key in PICTURE:
        told["requestBody"] = {"required": True, "content": {kind: {} for kind in MAGIC}}
    elif key in YAML:
        told["requestBody"] = {
            "required": True,
            "content": {"application/yaml": {"schema": {"type": "string"}}, **_content({"type": "object"})},
        }
    return told


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _schemas(body: type[BaseModel]) -> dict[str, Any]:
    """`body` and what it is made of, by name."""
    schema = body.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), body.__name__: schema}
