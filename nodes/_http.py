"""How nodes talk to servers: one pool of connections per engine, a deadline on every wait, every fault in plain words.

async with service.ask("POST", "/v1/speech", json={...}) as answer:     # raises ProviderError, as everything here
    async for data in answer.pieces(): ...                             # or .events() of SSE, .lines() or .json()
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Context
from vaidol.graph.yamlfile import nearest
from vaidol.nodes._answer import Answer
from vaidol.nodes._connections import MAX_LINE, Connections
from vaidol.nodes._provider import Listing, Provider, RemoteSettings

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientWebSocketResponse

T = TypeVar("T")
END_S = 0.05
LIST_S = 3.0  # for the list of what there is, when a name was wrong
SAID = 200  # characters of a server's own words that are passed on
QUOTA = ("quota", "credit", "balance", "billing", "insufficient", "payment")


@dataclass(frozen=True, slots=True)
class Fault:
    """What a server means by an error that tells itself by a word of its body rather than by its status."""

    what: str
    code: str
    retryable: bool = False


class Service:
    """A server outside, as one node uses it.

    `subject`: what a 404 means is missing, such as "voice 'Ava'". `faults`: by a word of the error's body.
    """

    def __init__(
        self,
        ctx: Context,
        settings: RemoteSettings,
        provider: Provider,
        subject: str = "",
        faults: Mapping[str, Fault] | None = None,
    ) -> None:
        self.settings = settings
        self.name = provider.name if not provider.server else f"{provider.name} at {_host(settings.base_url)}"
        self.subject = subject
        self._faults = faults or {}
        self.missing = "bad_voice" if "voice" in subject else "model"
        self._clock = ctx.clock
        self._connections: Connections = ctx.shared("connections")
        self._connections.enter()

    async def close(self) -> None:
        await self._connections.leave()

    @asynccontextmanager
    async def ask(self, method: str, path: str, *, headers: dict[str, str], **what: Any) -> AsyncIterator[Answer]:
        """One request; on leaving, what is left of the answer is given up and its connection closed.

        A service that says when to ask again is asked again, where that is within `first_s`; so is one whose kept
        connection turns out dead. `what`: json, data, params, as aiohttp takes them.
        """
        until_s, told = self._clock.s() + self.settings.first_s, False
        while True:
            response = await self._send(method, path, headers, what, until_s)
            try:
                wait_s = _retry_after(response.status, response.headers)
                if response.status < 400:
                    yield Answer(self, response)
                    await _ended(response)
                    return
                if told or wait_s is None or self._clock.s() + wait_s >= until_s:
                    raise await self._refused(response)
            finally:
                response.close()
            told = True
            await self._clock.sleep(wait_s)

    @asynccontextmanager
    async def socket(self, url: str, *, headers: dict[str, str], **what: Any) -> AsyncIterator[ClientWebSocketResponse]:
        """A WebSocket, closed on leaving without waiting for the other side; a service that says when to ask again is
        asked again, as in `ask`."""
        until_s = self._clock.s() + self.settings.first_s
        connect = partial(self._connect, "ws" + self._url(url).removeprefix("http"), headers, what)
        socket, wait_s = await connect(until_s)
        if socket is None:
            await self._clock.sleep(wait_s)
            socket, _ = await connect(0.0)
            assert socket is not None
        try:
            with self.explained("broke the connection off"):
                yield socket
        finally:
            await socket.close()

    async def next(self, what: Awaitable[T], limit_s: float) -> T:
        """`what` within `limit_s`."""
        try:
            async with asyncio.timeout(limit_s):
                return await what
        except TimeoutError:
            raise self.wrong(f"sent nothing for {limit_s:g} s", "stalled", retryable=True) from None

    async def with_names(self, error: ProviderError, name: str, listing: Listing, headers: dict[str, str]) -> Exception:
        """`error`, with what the service has where that is not `name`; as it is where the service does not tell."""
        if error.code not in (self.missing, "request"):
            return error
        try:
            async with asyncio.timeout(LIST_S), self.ask("GET", listing.path, headers=headers) as answer:
                told = await answer.json()
            rows = told[listing.key] if listing.key else told
            names = [str(row[listing.field] if isinstance(row, dict) else row) for row in rows]
        except (ProviderError, TimeoutError, LookupError, TypeError):
            return error
        if not names or name in names:
            return error
        return ProviderError(f"{error}{nearest(name, names)}", code=self.missing)

    def wrong(self, what: str, code: str, *, retryable: bool = False) -> ProviderError:
        """The sentence for the person who waits; never with the key in it."""
        key = self.settings.key
        return ProviderError(f"{self.name} {what.replace(key, '***') if key else what}", code=code, retryable=retryable)

    def status(self, status: int, said: str, wait: str = "") -> ProviderError:
        """What a status other than 200 means; `said`: the server's own words."""
        words = f": {said[:SAID]}" if said else ""
        if status in (401, 403):  # what is said here may hold the key
            what = "refused the key; check api_key" if self.settings.key else "wants an api_key"
            return self.wrong(f"{what} ({status})", "key")
        if status == 402 or (status in (400, 403, 429) and any(word in said.casefold() for word in QUOTA)):
            return self.wrong(f"says that your quota is used up ({status}){words}", "quota")
        if status == 404:
            what = f"knows no {self.subject}" if self.subject else "has no such page; is base_url right?"
            return self.wrong(f"{what} (404){words}", self.missing if self.subject else "request")
        if status == 429:
            when = f"try again in {wait} s" if wait.isdigit() else "try again later"
            return self.wrong(f"has too much to do; {when} (429)", "busy", retryable=True)
        if status >= 500:
            return self.wrong(f"has a fault of its own ({status}){words}", "server", retryable=True)
        return self.wrong(f"did not accept the request ({status}){words}", "request")

    @contextmanager
    def explained(self, broken: str) -> Iterator[None]:
        """Turn what aiohttp raises inside into a `ProviderError`: the connection broke."""
        import aiohttp

        try:
            yield
        except aiohttp.InvalidURL as error:
            raise self.wrong("has an address that is none; check base_url", "request") from error
        except TimeoutError as error:  # before the next: some of aiohttp's are both
            raise self.wrong("did not answer in time", "timeout", retryable=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise self.wrong(broken, "unreachable", retryable=True) from error
        except ValueError as error:
            raise self.wrong("sent something unexpected; is base_url right?", "protocol") from error

    @contextmanager
    def parsed(self) -> Iterator[None]:
        """Turn what goes wrong while an answer is taken apart into a `ProviderError`."""
        try:
            yield
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise self.wrong("sent something unexpected; is base_url right?", "protocol") from error

    async def _connect(
        self, address: str, headers: dict[str, str], what: dict[str, Any], until_s: float
    ) -> tuple[ClientWebSocketResponse | None, float]:
        """A WebSocket; or None, and the seconds it asks to wait, where that is before `until_s`."""
        import aiohttp

        with self.explained("cannot be reached; is the address right, and is there a network?"):
            try:
                async with asyncio.timeout(self.settings.connect_s + self.settings.first_s):
                    return await self._connections.session.ws_connect(
                        address, headers=self._headers(headers), max_msg_size=MAX_LINE,
                        timeout=aiohttp.ClientWSTimeout(ws_close=0.2), **what,
                    ), 0.0  # fmt: skip
            except aiohttp.WSServerHandshakeError as error:
                if error.status < 400:
                    raise self.wrong("speaks no WebSocket; is base_url right?", "protocol") from error
                wait_s = _retry_after(error.status, error.headers or {})
                if wait_s is not None and self._clock.s() + wait_s < until_s:
                    return None, wait_s
                raise self.status(error.status, "", _wait_told(error.headers or {})) from error

    async def _send(
        self, method: str, path: str, headers: dict[str, str], what: dict[str, Any], until_s: float
    ) -> ClientResponse:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self.settings.connect_s)
        with self.explained("cannot be reached or broke off; is the address right, and is there a network?"):
            send = partial(
                self._connections.session.request,
                method, self._url(path), headers=self._headers(headers), timeout=timeout, **what,
            )  # fmt: skip
            async with asyncio.timeout(max(0.01, until_s - self._clock.s())):
                try:
                    return await send()
                except aiohttp.ServerDisconnectedError:  # a kept connection that the other side had closed
                    return await send()

    async def _refused(self, response: ClientResponse) -> ProviderError:
        try:
            async with asyncio.timeout(self.settings.stall_s):
                body = await response.content.read(MAX_LINE // 64)
        except (TimeoutError, OSError):
            body = b""
        for word, fault in self._faults.items():
            if word.encode() in body:
                return self.wrong(fault.what, fault.code, retryable=fault.retryable)
        return self.status(response.status, _said(body), _wait_told(response.headers))

    def _url(self, path: str) -> str:
        return path if "://" in path else self.settings.base_url.rstrip("/") + path

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {**headers, **{name: value.get_secret_value() for name, value in self.settings.headers.items()}}


def _wait_told(headers: Mapping[str, str]) -> str:
    return headers.get("Retry-After", "")


def _retry_after(status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds the server asks to wait; None where it does not say."""
    wait = _wait_told(headers)
    return float(wait) if status in (429, 503) and wait.replace(".", "", 1).isdigit() else None


async def _ended(response: ClientResponse) -> None:
    """Give an answer that was read to its meaning a moment to end, so that its connection can be used again."""
    with suppress(TimeoutError, OSError, ValueError):
        async with asyncio.timeout(END_S):
            while not response.content.at_eof():
                await response.content.readany()


def _said(body: bytes) -> str:
    """The server's own words in an error, if it has some."""
    try:
        told: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    for name in ("error", "detail", "message", "error_message", "err_msg", "msg", "base_resp", "status_msg"):
        while isinstance(told, list) and told:
            told = told[0]
        told = told.get(name, told) if isinstance(told, dict) else told
    return " ".join(told.split()) if isinstance(told, str) else ""


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
