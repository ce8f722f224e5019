"""Whole spoken questions to the default pipeline over a bad network, in a process of its own.

`python -m vaidol.tests.e2e.bad_network relay`: through a relay in this process. `... netem`: through the kernel's
netem on the loopback device; to be started in a network namespace of its own, for that device is spoilt.
Prints one JSON object: for each network what was understood, whether an answer was heard, and packets lost.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from vaidol.graph.spec import load
from vaidol.nodes import registry
from vaidol.pipelines import LIBRARY, find
from vaidol.tests.bench import _speech as speech
from vaidol.tests.bench._call import Person, calling, serving
from vaidol.tests.bench._relay import Network, Relay

QUESTION = "Where did you put my yellow umbrella yesterday?"
NETEM = {"loss5": ("loss", "5%"), "jitter50": ("delay", "25ms", "25ms")}
RELAY: dict[str, dict[str, float]] = {"loss5": {"loss": 0.05}, "jitter50": {"jitter_s": 0.05}, "stall300": {}}
STALL_AT_S, STALL_S = 1.2, 0.3  # in the middle of the question


async def _ask(url: str, relay: Relay | None, spoil: Callable[[], Awaitable[None]]) -> dict[str, Any]:
    async with calling(url, relay) as person:
        await spoil()
        took_ms = await person.ask(speech.say(QUESTION))
        return {"said": person.said, "answered": bool(took_ms > 0), "lost": await _lost(person)}


async def _lost(person: Person) -> int:
    """Packets of the answer that did not reach the caller, as its aiortc counts them."""
    stats = await person.connection.getStats()
    return sum(int(one.packetsLost) for one in stats.values() if one.type == "inbound-rtp")


async def _through_relay(url: str, name: str) -> dict[str, Any]:
    network = Network()
    loop = asyncio.get_running_loop()

    def stall() -> None:
        network.stopped = True
        loop.call_later(STALL_S, network.go_on)

    async def spoil() -> None:
        network.loss = RELAY[name].get("loss", 0.0)
        network.jitter_s = RELAY[name].get("jitter_s", 0.0)
        if name.startswith("stall"):
            loop.call_later(STALL_AT_S, stall)

    async with Relay(network) as relay:
        return await _ask(url, relay, spoil) | {"lost": network.lost, "passed": network.passed}


async def _through_netem(url: str, name: str) -> dict[str, Any]:
    try:
        return await _ask(url, None, lambda: _tc("replace", "dev", "lo", "root", "netem", *NETEM[name]))
    finally:
        await _tc("del", "dev", "lo", "root")


async def _tc(*what: str) -> None:
    process = await asyncio.create_subprocess_exec("tc", "qdisc", *what)
    async with asyncio.timeout(10):
        if await process.wait():
            raise RuntimeError(f"tc qdisc {' '.join(what)} failed")


async def _main(way: str) -> dict[str, Any]:
    networks, through = (RELAY, _through_relay) if way == "relay" else (NETEM, _through_netem)
    async with serving(load(find("default"), library=LIBRARY), registry()) as (url, _):
        return {name: await through(url, name) for name in networks}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_main(sys.argv[1]))) + "\n")
