"""What every request passes before its handler, and what every answer gets on its way out."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from vaidol.server.access import Access, add_headers, refusal
from vaidol.server.limits import Limits
from vaidol.server.proxies import behind
from vaidol.server.slow import Patience


def application(
    access: Access, patience: Patience, *, trust_proxy: Sequence[str], max_bytes: int, limits: Limits | None = None
) -> web.Application:
    """An application without routes that lets in whom `access` does, as often as `limits`; `max_bytes`: of a body."""
    limited = [] if limits is None else [limits.guard]
    middlewares = [_errors(max_bytes), behind(trust_proxy), *limited, access.guard, patience.whole]
    app = web.Application(client_max_size=max_bytes, middlewares=middlewares)
    app.on_response_prepare.append(add_headers)
    return app


def _errors(max_bytes: int) -> Middleware:
    @web.middleware
    async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Errors of aiohttp itself in the same form as our own."""
        try:
            return await handler(request)
        except web.HTTPRequestEntityTooLarge:
            return refusal(413, "too_large", f"more than {max_bytes} bytes")
        except web.HTTPNotFound as error:
            if error.content_type == "application/json":
                raise
            return refusal(404, "not_found", "there is nothing at this address")
        except web.HTTPMethodNotAllowed as error:
            response = refusal(405, "method", "this address does not take that method")
            response.headers["Allow"] = error.headers["Allow"]
            return response

    return errors
