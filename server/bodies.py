"""JSON from outside, and what is said where it is not as it should be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

B = TypeVar("B", bound=BaseModel)
STATUSES = {
    400: web.HTTPBadRequest, 403: web.HTTPForbidden, 404: web.HTTPNotFound, 422: web.HTTPUnprocessableEntity,
    503: web.HTTPServiceUnavailable,
}  # fmt: skip


def parsed(body: str | bytes) -> Any:
    """What `body` says. Raises `ValueError` also where it is nested too deeply."""
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


async def read(request: web.Request, kind: type[B], *, empty: bool = False) -> B:
    """The body as `kind`; `empty`: none counts as {}. Raises what `read_object` raises, and 422."""
    try:
        return kind.model_validate(await read_object(request, empty=empty))
    except ValidationError as error:
        raise unfit(error) from None


async def read_object(request: web.Request, *, empty: bool = False) -> dict[str, Any]:
    """The body as JSON. Raises 400 where it is no object."""
    body = await request.read()
    try:
        data: Any = parsed(body) if body or not empty else {}
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise refused(400, "not_json", "the body is not a JSON object")
    return data


def unfit(error: ValidationError) -> web.HTTPException:
    """What a body did wrong that is an object, with the `path` of the field; to be raised."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    path = ".".join(map(str, first["loc"]))
    return refused(422, "invalid", f"{path}: {first['msg']}", path=path)


def refused(
    status: int, code: str, message: str, *, beside: Mapping[str, Any] | None = None, **more: Any
) -> web.HTTPException:
    """A refusal to be raised, with `more` in its error and `beside` beside it."""
    body = {"error": {"code": code, "message": message, **more}, **(beside or {})}
    return STATUSES[status](text=json.dumps(body), content_type="application/json")


def unknown(code: str, message: str, known: list[str]) -> web.HTTPException:
    """That there is nothing of this name, but of those that are `known`; to be raised."""
    return refused(404, code, message, known=known)
