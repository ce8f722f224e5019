"""`place: remote(HOST:PORT)`: what lives with a `vaidol worker`, from the core's side.

Only nodes live there (`vaidol.graph.away`). What is sent is JSON and arrays, checked at both ends; each end shows the
other that it knows the token, in VAIDOL_WORKER_TOKEN here. It is not encrypted: for one's own network, or a tunnel.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, ClassVar

from pydantic import SecretBytes, SecretStr
from pydantic_core import to_jsonable_python

from vaidol.graph.clock import Clock
from vaidol.graph.elsewhere import Elsewhere, Streams, received
from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Need
from vaidol.graph.parcels import LONGEST, VERSION, BadParcel, Packing, Parcel, proof
from vaidol.graph.worker import LENGTH, Told

CONNECT_S = 5.0
TOKEN = "VAIDOL_WORKER_TOKEN"


class Remote(Elsewhere):
    """A worker on another machine, or in another program of this one, and the nodes of one kind in it."""

    what: ClassVar[str] = "worker"
    hung_s: ClassVar[float] = 10.0
    unreadable = (ValueError, KeyError, TypeError, AttributeError)

    def __init__(self, need: Need, clock: Clock, *, address: str, kind: str, settings: dict[str, Any]) -> None:
        """`kind` and `settings`: of the nodes. Raises `ProviderError` for settings that may not leave this process."""
        super().__init__(need, clock)
        self._address = address
        self._kind = kind
        self._settings = _plain(settings)

    def kill(self) -> None:
        """Give the connection up; it is made again."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def _reached(self) -> Streams:
        try:
            async with asyncio.timeout(CONNECT_S):
                host, _, port = self._address.rpartition(":")
                reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
                made = writer.get_extra_info("socket")
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                await self._known(reader, writer)
        except (OSError, TimeoutError) as error:
            said = f"the worker at {self._address} cannot be reached: start it with `vaidol worker`"
            raise ProviderError(said, retryable=True, code="process") from error
        return reader, writer

    async def _known(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Show each other that both know the token. Raises `ProviderError`, `OSError`."""
        token, mine = os.environ.get(TOKEN, ""), secrets.token_hex(16)
        try:
            hello = Parcel(await received(reader, LONGEST) or b"").told
            theirs, version = str(hello["nonce"]), hello["version"]
            if version != VERSION:
                raise ProviderError(f"the worker speaks version {version} of this, not {VERSION}", code="protocol")
            answer = Packing().packed({"nonce": mine, "proof": proof(token, "core", theirs, mine)})
            writer.write(len(answer).to_bytes(LENGTH, "little") + answer)
            shown = str(Parcel(await received(reader, LONGEST) or b"").told.get("proof", ""))
        except (BadParcel, KeyError) as error:
            writer.transport.abort()
            said = f"what answers at {self._address} is no `vaidol worker`, or knows another token: set {TOKEN}"
            raise ProviderError(said, code="key") from error
        if not hmac.compare_digest(shown, proof(token, "worker", theirs, mine)):
            writer.transport.abort()
            raise ProviderError(f"the worker at {self._address} does not know the token: set {TOKEN}", code="key")

    def _written(self, number: int, function: Callable[..., Any], args: tuple[Any, ...]) -> bytes:
        packing = Packing()
        if not number:
            return packing.packed({"number": 0, "do": "load", "kind": self._kind, "settings": self._settings})
        told: dict[str, Any] = {"number": number, "do": function.__name__, "owner": args[0]}
        if len(args) > 1:
            _, cuts, port, frame = args
            told |= {"cuts": [asdict(cut) for cut in cuts], "port": port, "frame": packing.frame(frame)}
        return packing.packed(told)

    def _read(self, body: bytes) -> Told:
        from vaidol.graph.away import Made

        parcel = Parcel(body)
        told = parcel.told
        number, error = int(told["number"]), told.get("error")
        if error is not None:
            code, message = str(error["code"]), str(error["message"])
            return Told(number, error=ProviderError(message, retryable=bool(error["retryable"]), code=code))
        made = told.get("made")
        if made is None:
            return Told(number)
        frames = [(str(port), parcel.frame(frame)) for port, frame in made["frames"]]
        troubles = [(str(text), str(code)) for text, code in made["troubles"]]
        counts = {str(name): int(by) for name, by in made["counts"].items()}
        return Told(number, result=Made(frames, troubles, counts))


def _plain(value: Any) -> Any:
    """Settings as JSON takes them. Raises `ProviderError` for a secret."""
    if isinstance(value, SecretStr | SecretBytes):
        if value.get_secret_value():
            raise ProviderError("settings with a secret in them do not leave this process", code="place")
        return ""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return to_jsonable_python(value)
