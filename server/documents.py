"""OpenAPI documents, made from the routes themselves."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from pydantic import BaseModel

SUMMARY = re.compile(r"^(?:GET|POST|PUT|DELETE|PATCH)\b[^:]*:\s*")
STRING = {"type": "string"}
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


def json_of(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


@dataclass(frozen=True)
class Described:
    """What a document says besides the routes themselves, by "METHOD /path".

    shown: how the paths begin that are described. bodies: what is sent as JSON; contents: the content of other bodies;
    answers: that of answers. statuses: where success is not 200. parameters: queries and headers, as in OpenAPI.
    empty: whose body may be left out.
    """

    title: str
    about: str
    shown: tuple[str, ...]
    bodies: Mapping[str, type[BaseModel]]
    contents: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    answers: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    statuses: Mapping[str, int] = field(default_factory=dict)
    parameters: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    empty: tuple[str, ...] = ()


class Document:
    """What serves one."""

    def __init__(self, version: str, described: Described) -> None:
        self._version = version
        self._described = described

    async def serve(self, request: web.Request) -> web.Response:
        """GET the OpenAPI document: this document."""
        return web.json_response(document(request.app.router, self._version, self._described))


def add_routes(router: web.UrlDispatcher, version: str, described: Described, path: str) -> None:
    router.add_get(path, Document(version, described).serve)


def document(router: web.UrlDispatcher, version: str, described: Described) -> dict[str, Any]:
    """OpenAPI 3.1 over every route that is shown."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path, handler in sorted(_routes(router, described.shown), key=lambda route: (route[1], route[0])):
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, handler, described)
    schemas = {"Error": ERROR}
    for body in described.bodies.values():
        schemas |= _schemas(body)
    scheme = {"type": "http", "scheme": "bearer", "description": "only where the server was given a token"}
    return {
        "openapi": "3.1.0",
        "info": {"title": described.title, "version": version, "description": described.about},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"token": scheme}},
        "security": [{}, {"token": []}],
    }


def _routes(router: web.UrlDispatcher, shown: tuple[str, ...]) -> Iterator[tuple[str, str, Any]]:
    """Method, path and handler."""
    for route in router.routes():
        path = NAMED.sub(r"{\1}", route.resource.canonical) if route.resource is not None else ""
        if path.startswith(shown) and route.method not in ("HEAD", "OPTIONS", "*"):
            yield route.method, path, route.handler


def _operation(method: str, path: str, handler: Any, described: Described) -> dict[str, Any]:
    key = f"{method} {path}"
    body = described.bodies.get(key)
    about = " ".join((inspect.getdoc(body or handler) or "").split())
    told: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", key.lower()).strip("_"),
        "summary": _sentence(SUMMARY.sub("", about)) or key,
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": STRING} for name in NAMED.findall(path)),
            *described.parameters.get(key, ()),
        ],
        "responses": {
            str(described.statuses.get(key, 200)): {
                "description": "done",
                **({"content": described.answers[key]} if key in described.answers else {}),
            },
            "default": {"description": "an error", "content": json_of({"$ref": "#/components/schemas/Error"})},
        },
    }
    if body is not None:
        content = json_of({"$ref": f"#/components/schemas/{body.__name__}"})
        told["requestBody"] = {"required": key not in described.empty, "content": content}
    elif key in described.contents:
        told["requestBody"] = {"required": True, "content": described.contents[key]}
    return told


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _schemas(body: type[BaseModel]) -> dict[str, Any]:
    """`body` and what it is made of, by name."""
    schema = body.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), body.__name__: schema}
