"""The server's event loop: clients that look up an address leave the threads of the calls alone."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from tests.graphs import running, sink
from tests.nodes.agent.talk import User, got, reply, until
from tests.nodes.tts.edge_server import EdgeServer
from tests.nodes.tts.test_speaker import Texts
from tests.openai_server import REPLY, OpenaiServer
from vaidol.graph.frames import Audio, TextDelta
from vaidol.server import loop as loops


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the threads that looked an address up."""
    seen: list[str] = []
    look_up = socket.getaddrinfo

    def watched(*host: Any, **how: Any) -> Any:
        seen.append(threading.current_thread().name)
        return look_up(*host, **how)

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    return seen


def elsewhere(threads: list[str]) -> bool:
    return bool(threads) and all(name.startswith("vaidol-lookup") for name in threads)


def test_an_openai_server_is_looked_up_elsewhere(threads: list[str]) -> None:
    async def main() -> tuple[str, list[str]]:
        async with OpenaiServer() as server:
            given = {"base_url": server.url.replace("127.0.0.1", "localhost"), "model": "test", "prompt": "p"}
            nodes = {"user": User, "agent": ("agent.openai", given), "end": sink(TextDelta)}
            async with running(nodes, ["user.text -> agent.user", "agent.text -> end.in"]) as graph:
                said = await reply(graph, "hello")
            return said, [event.text for event in graph.events if event.name == "error"]

    assert loops.run(main()) == (REPLY, [])
    assert elsewhere(threads)


def test_the_voices_of_edge_are_looked_up_elsewhere(monkeypatch: pytest.MonkeyPatch, threads: list[str]) -> None:
    import edge_tts.communicate

    async def main() -> list[str]:
        async with EdgeServer() as server:
            monkeypatch.setattr(edge_tts.communicate, "WSS_URL", server.url.replace("127.0.0.1", "localhost"))
            nodes = {"texts": Texts, "voice": "tts.edge", "end": sink(Audio)}
            async with running(nodes, ["texts.text -> voice.text", "voice.audio -> end.in"]) as graph:
                gen = graph.node("texts").say("Hello.")
                await until(lambda: any(frame.final for frame in got(graph, gen)))
                assert sum(frame.ms for frame in got(graph, gen)) > 500
            return [event.text for event in graph.events if event.name == "error"]

    assert loops.run(main()) == []
    assert elsewhere(threads)


def test_a_dead_name_server_holds_up_neither_the_calls_nor_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(20))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(loop.getaddrinfo("nowhere", 80)) for _ in range(loops.WAITING_MAX)]
            await asyncio.sleep(0)
            assert await loop.run_in_executor(None, lambda: "encoded") == "encoded"
            with pytest.raises(socket.gaierror, match="too many"):
                await loop.getaddrinfo("nowhere", 80)
            for task in asked:
                task.cancel()

    try:
        loops.run(main())
        assert not released.is_set()
    finally:
        released.set()


def test_a_name_that_does_not_exist_is_told_as_ever() -> None:
    async def main() -> Any:
        return await asyncio.get_running_loop().getaddrinfo("does-not-exist.invalid", 80)

    with pytest.raises(socket.gaierror):
        loops.run(main())
