"""The plug-in API of VTube Studio: JSON requests and answers over a WebSocket, and the token the user grants once."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, ClientWebSocketResponse, WSMsgType

from vaidol.graph.errors import ProviderError

ANSWER_S = 5.0
GRANT_S = 60.0  # the user presses a button in VTube Studio
NAMES = {"pluginName": "vaidol", "pluginDeveloper": "vaidol"}
MAX_BYTES = 4 * 2**20  # of one answer
DENIED = 50  # errorID: the user said no


class Refused(Exception):
    """VTube Studio answered with an APIError."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(f"{message} (error {number})")
        self.number = number


class VtsConnection:
    """One connection; requests go one at a time. Raises `ProviderError` (retryable) when it is lost."""

    def __init__(self, session: ClientSession, socket: ClientWebSocketResponse, url: str) -> None:
        self._session = session
        self._socket = socket
        self._url = url
        self._numbers = itertools.count(1)

    @classmethod
    async def open(cls, url: str) -> VtsConnection:
        session = ClientSession(timeout=ClientTimeout(total=None, connect=ANSWER_S))
        try:
            async with asyncio.timeout(ANSWER_S):
                return cls(session, await session.ws_connect(url, max_msg_size=MAX_BYTES), url)
        except (ClientError, OSError) as error:  # a TimeoutError is one
            await session.close()
            said = "VTube Studio is not there; start it and switch its plug-in API on"
            raise ProviderError(f"{said} ({url})", retryable=True, code="unreachable") from error
        except BaseException:
            await session.close()
            raise

    async def close(self) -> None:
        try:
            async with asyncio.timeout(1.0):
                await self._socket.close()
        except TimeoutError:
            pass  # the session's end closes it the hard way
        finally:
            await self._session.close()

    async def ask(
        self, kind: str, data: Mapping[str, Any] | None = None, *, wait_s: float = ANSWER_S
    ) -> dict[str, Any]:
        """Send one request and return the `data` of its answer. Raises `Refused`, `ProviderError`."""
        number = str(next(self._numbers))
        request = {
            "apiName": "VTubeStudioPublicAPI", "apiVersion": "1.0", "requestID": number, "messageType": kind,
            "data": data or {},
        }  # fmt: skip
        try:
            async with asyncio.timeout(wait_s):
                await self._socket.send_str(json.dumps(request))
                return await self._answer(number)
        except TimeoutError as error:
            message = f"VTube Studio did not answer {kind} within {wait_s:g} s"
            raise ProviderError(message, retryable=True, code="timeout") from error
        except (ClientError, ConnectionError) as error:
            raise self._lost() from error

    async def _answer(self, number: str) -> dict[str, Any]:
        while True:
            message = await self._socket.receive()
            if message.type is not WSMsgType.TEXT:
                raise self._lost()
            try:
                told = json.loads(message.data)
                kind, data, mine = told["messageType"], told.get("data") or {}, told.get("requestID") == number
            except (ValueError, KeyError, TypeError) as error:
                said = f"what answers at {self._url} does not speak VTube Studio's protocol"
                raise ProviderError(said, retryable=True, code="protocol") from error
            if mine and kind == "APIError":
                raise Refused(int(data.get("errorID", -1)), str(data.get("message", "refused"))[:200])
            if mine:
                return dict(data)

    def _lost(self) -> ProviderError:
        return ProviderError(f"the connection to VTube Studio ({self._url}) was lost", retryable=True, code="lost")

    async def authenticate(self, token: str) -> str:
        """Log in with `token`, or with a new one that the user grants. Returns the token that was taken."""
        if token and await self._log_in(token):
            return token
        try:
            granted = await self.ask("AuthenticationTokenRequest", NAMES, wait_s=GRANT_S)
        except Refused as error:
            said = "VTube Studio's user did not allow vaidol" if error.number == DENIED else f"VTube Studio: {error}"
            raise ProviderError(f"{said}; start the call again to be asked again", code="denied") from error
        token = str(granted.get("authenticationToken", ""))
        if not await self._log_in(token):
            raise ProviderError("VTube Studio did not accept the token it gave", retryable=True, code="denied")
        return token

    async def _log_in(self, token: str) -> bool:
        try:
            answer = await self.ask("AuthenticationRequest", {**NAMES, "authenticationToken": token})
        except Refused:
            return False
        return bool(answer.get("authenticated"))


def read_token(file: Path) -> str:
    """The token kept in `file`, "" if there is none. Blocks."""
    try:
        return file.read_text(encoding="ascii").strip()[:1000]
    except (OSError, UnicodeDecodeError):
        return ""


def write_token(file: Path, token: str) -> None:
    """Keep `token` where only this user reads it. Blocks. Raises `OSError`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="ascii") as out:
        out.write(token)
