"""A bad network inside one process: a UDP relay between caller and server that loses, delays and holds packets."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

CANDIDATE = re.compile(r"(a=candidate:\S+ 1 udp \d+) (\S+) (\d+) (typ host.*)", re.IGNORECASE)
Address = tuple[str, int]


@dataclass
class Network:
    """What happens to each packet, in both directions. jitter_s: up to this much later, so that packets overtake."""

    loss: float = 0.0
    jitter_s: float = 0.0
    stopped: bool = False  # nothing passes; what comes meanwhile arrives all at once
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    passed: int = 0
    lost: int = 0
    _held: list[Callable[[], None]] = field(default_factory=list)

    def carry(self, deliver: Callable[[], None]) -> None:
        if self.chance.random() < self.loss:
            self.lost += 1
        elif self.stopped:
            self._held.append(deliver)
        else:
            self.passed += 1
            asyncio.get_running_loop().call_later(self.chance.uniform(0.0, self.jitter_s), deliver)

    def go_on(self) -> None:
        self.stopped, held = False, self._held
        self._held = []
        for deliver in held:
            deliver()


class Relay:
    """Stands between the two ends: each is told the relay's address in the place of the other's.

    `async with Relay(network) as relay:`; then the offer goes through `stand_for_caller`, the answer through
    `stand_for_server`.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._caller = _Side(self)  # the socket that the server knows as the caller
        self._server = _Side(self)  # and the one that the caller knows as the server
        self._caller.other, self._server.other = self._server, self._caller

    async def __aenter__(self) -> Relay:
        loop = asyncio.get_running_loop()
        for side in (self._caller, self._server):
            await loop.create_datagram_endpoint(lambda side=side: side, local_addr=("0.0.0.0", 0))  # type: ignore[misc]
        return self

    async def __aexit__(self, *_: object) -> None:
        for side in (self._caller, self._server):
            side.transport.close()

    def stand_for_caller(self, offer: str) -> str:
        return self._stand(offer, self._server, self._caller)

    def stand_for_server(self, answer: str) -> str:
        return self._stand(answer, self._caller, self._server)

    def _stand(self, sdp: str, towards: _Side, shown: _Side) -> str:
        """Send what `towards` brings to the first host candidate of `sdp`; put `shown` there, and drop the others."""
        lines, told = [], 0
        for line in sdp.splitlines():
            found = CANDIDATE.match(line)
            if found is None:
                if not line.startswith("a=candidate"):
                    lines.append(line)
                continue
            host = found[2]
            if not towards.goes_to:
                towards.goes_to = (host, int(found[3]))
            if (host, int(found[3])) == towards.goes_to:
                told += 1
                lines.append(f"{found[1]} {host} {shown.port} {found[4]}")
        if not told:
            raise ValueError("no host candidate to stand for")
        return "\r\n".join(lines) + "\r\n"


class _Side(asyncio.DatagramProtocol):
    """One of the relay's two sockets. `goes_to`: where it sends what the other one receives."""

    other: _Side
    transport: asyncio.DatagramTransport

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self.goes_to: Address | None = None

    @property
    def port(self) -> int:
        return int(self.transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._relay.network.carry(lambda: self.other.send(data))

    def send(self, data: bytes) -> None:
        if self.goes_to and not self.transport.is_closing():
            self.transport.sendto(data, self.goes_to)
