"""expression.vmc against a real UDP socket that reads OSC."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import numpy as np

from tests.graphs import running, source
from tests.nodes.agent.talk import until
from vaidol.graph.frames import Cue, Mouth
from vaidol.nodes.expression.vmc import osc


def parse(data: bytes) -> tuple[str, list[Any]]:
    """One OSC message, read independently of how vaidol writes it."""

    def text(at: int) -> tuple[str, int]:
        end = data.index(b"\0", at)
        return data[at:end].decode(), (end // 4 + 1) * 4

    address, at = text(0)
    tags, at = text(at)
    assert tags[0] == ","
    values: list[Any] = []
    for tag in tags[1:]:
        if tag == "s":
            value, at = text(at)
            values.append(value)
        else:
            values.append(struct.unpack_from(">" + tag, data, at)[0])
            at += 4
    assert at == len(data)
    return address, values


class Listener(asyncio.DatagramProtocol):
    """What a VRM program hears: the blend shapes of each applied look."""

    def __init__(self) -> None:
        self.looks: list[dict[str, float]] = []
        self._values: dict[str, float] = {}

    def datagram_received(self, data: bytes, addr: object) -> None:
        address, values = parse(data)
        if address == "/VMC/Ext/Blend/Val":
            self._values[values[0]] = values[1]
        elif address == "/VMC/Ext/Blend/Apply":
            self.looks.append(dict(self._values))


def test_messages_have_the_form_of_osc() -> None:
    assert osc("/VMC/Ext/OK", 1) == b"/VMC/Ext/OK\0,i\0\0\0\0\0\1"
    assert parse(osc("/VMC/Ext/Blend/Val", "Joy", 0.5)) == ("/VMC/Ext/Blend/Val", ["Joy", 0.5])
    assert len(osc("/abc", "abcd")) == 8 + 4 + 8


def test_mouth_and_face_reach_the_peer_and_relax_after_a_cut() -> None:
    async def main() -> list[dict[str, float]]:
        loop = asyncio.get_running_loop()
        transport, listener = await loop.create_datagram_endpoint(Listener, local_addr=("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        mouth = [
            (0.02 * n, Mouth(pts=960 * n, open=(0.8,), form=(1.0,) if n > 10 else (0.0,), gen=1)) for n in range(20)
        ]
        nodes = {
            "mouth": source(Mouth, mouth, replies=True),
            "cues": source(Cue, [(0.0, Cue(name="joy", gen=1))], replies=True),
            "vmc": ("expression.vmc", {"port": port, "fps": 60, "delay_ms": 20}),
        }
        async with running(nodes, ["mouth.out -> vmc.mouth", "cues.out -> vmc.cue"]) as graph:
            assert graph.fence.begin(1) == 1
            await until(lambda: any(look.get("I", 0) > 0.3 for look in listener.looks))
            graph.fence.cut("test")
            count = len(listener.looks)
            await until(lambda: len(listener.looks) >= count + 5)
        transport.close()
        return listener.looks

    looks = asyncio.run(main())
    assert max(look["A"] for look in looks) > 0.7
    assert max(look["Joy"] for look in looks) == 1.0
    assert np.allclose([looks[-1][vowel] for vowel in "AIUEO"], 0.0)


def test_a_host_without_an_address_is_told_once_and_the_call_goes_on() -> None:
    async def main() -> list[str]:
        settings = {"host": "no-such-host.invalid", "retry_s": 0.01}
        nodes = {"mouth": source(Mouth, []), "vmc": ("expression.vmc", settings)}
        async with running(nodes, ["mouth.out -> vmc.mouth"]) as graph:
            await until(lambda: any(event.name == "error" for event in graph.events))
            await asyncio.sleep(0.1)
            assert not graph.cells["vmc"].failed
            return [event.text for event in graph.events if event.name == "error"]

    (told,) = asyncio.run(main())
    assert "no-such-host.invalid" in told
