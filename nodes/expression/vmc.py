"""expression.vmc: move a VRM avatar in VSeeFace, VNyan, Warudo ... by the Virtual Motion Capture protocol."""

from __future__ import annotations

import asyncio
import socket
import struct

from pydantic import Field

from vaidol.graph.errors import ProviderError
from vaidol.nodes.expression._puppeteer import Puppeteer, PuppeteerSettings
from vaidol.nodes.expression._stage import Look

LOOKUP_S = 5.0
# VRM 0's blend shapes, the names VMC has used from the start
FACES = {"joy": "Joy", "anger": "Angry", "sadness": "Sorrow", "smirk": "Fun", "love": "Joy", "shy": "Fun"}


class VmcSettings(PuppeteerSettings):
    host: str = "127.0.0.1"
    """Where the avatar's program listens: name or address."""
    port: int = Field(39539, ge=1, le=65535)
    """Its UDP port; 39539 is the protocol's own."""
    expressions: dict[str, str] = Field(default_factory=lambda: dict(FACES))
    """Blend shape of the avatar for each expression of vaidol's; what is not listed is not shown."""
    vowels: tuple[str, str, str, str, str] = ("A", "I", "U", "E", "O")
    """The avatar's names of its five mouth shapes."""


class Vmc(Puppeteer[VmcSettings]):
    """expression.vmc: mouth shapes and expressions as OSC messages over UDP.

    mouth (Mouth), cue (Cue) -> nothing

    UDP does not tell whether anybody listens. Protocol: protocol.vmc.info, /VMC/Ext/Blend/Val and /VMC/Ext/Blend/Apply.
    """

    _socket: socket.socket | None = None
    _address: tuple[str | int | bytes, ...]

    async def connect(self) -> None:
        host, port = self.settings.host, self.settings.port
        try:
            async with asyncio.timeout(LOOKUP_S):
                found = await self.ctx.call("dns", socket.getaddrinfo, host, port, socket.AF_INET, socket.SOCK_DGRAM)
        except OSError as error:  # a TimeoutError is one
            said = error.strerror or "no answer"
            raise ProviderError(f"there is no address for the VMC host '{host}': {said}", retryable=True) from error
        self._address = found[0][4]
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    async def show(self, look: Look) -> None:
        values = dict.fromkeys(self.settings.expressions.values(), 0.0)
        for name, weight in look.faces.items():
            if shape := self.settings.expressions.get(name):
                values[shape] = max(values[shape], weight)
        values |= dict(zip(self.settings.vowels, look.vowels().values(), strict=True))
        self._send("/VMC/Ext/OK", 1)
        for shape, value in values.items():
            self._send("/VMC/Ext/Blend/Val", shape, float(value))
        self._send("/VMC/Ext/Blend/Apply")

    async def disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, address: str, *arguments: str | int | float) -> None:
        assert self._socket is not None
        try:
            self._socket.sendto(osc(address, *arguments), self._address)
        except BlockingIOError:
            pass  # a full buffer: the next look is 30 ms away
        except OSError as error:
            where = f"{self._address[0]!s}:{self._address[1]!s}"
            raise ProviderError(f"VMC messages to {where} cannot be sent: {error.strerror}", retryable=True) from error


def osc(address: str, *arguments: str | int | float) -> bytes:
    """One OSC 1.0 message: strings as `s`, whole numbers as `i`, others as `f`, all big-endian, padded to four."""
    tags, data = ",", b""
    for argument in arguments:
        if isinstance(argument, str):
            tags, data = tags + "s", data + _padded(argument)
        elif isinstance(argument, int):
            tags, data = tags + "i", data + struct.pack(">i", argument)
        else:
            tags, data = tags + "f", data + struct.pack(">f", argument)
    return _padded(address) + _padded(tags) + data


def _padded(text: str) -> bytes:
    data = text.encode() + b"\0"
    return data + bytes(-len(data) % 4)
