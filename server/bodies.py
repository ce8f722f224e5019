"""JSON from outside, and what is said where it is not as it should be."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

B = TypeVar("B", bound=BaseModel)


class NotJson(ValueError):
    """The body is no JSON object."""


def parsed(body: str | bytes) -> Any:
    """What `body` says. Raises `ValueError` also where it is nested too deeply."""
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


async def read(request: web.Request, kind: type[B], *, empty: bool = False) -> B:
    """The body as `kind`; `empty`: none counts as {}. Raises `ValidationError`, `NotJson` where it is no object."""
    body = await request.read()
    try:
        data: Any = parsed(body) if body or not empty else {}
    except ValueError:
        raise NotJson from None
    if not isinstance(data, dict):
        raise NotJson
    return kind.model_validate(data)


def invalid(error: ValidationError) -> web.Response:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    path = ".".join(map(str, first["loc"]))
    told = {"code": "invalid", "message": f"{path}: {first['msg']}", "path": path}
    return web.json_response({"error": told}, status=422)


def unknown_name(code: str, message: str, known: list[str]) -> web.Response:
    told = {"code": code, "message": message, "known": known}
    return web.json_response({"error": told}, status=404)
