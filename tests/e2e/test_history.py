"""A server that is killed in the middle of a reply: what was heard until then is kept, and the talk can go on."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from aiohttp import ClientSession

from vaidol.nodes.agent._history import History, Line
from vaidol.server.client import joined
from vaidol.tests.e2e.local_openai import openai_server
from vaidol.tests.e2e.serving import serving
from vaidol.tests.e2e.test_personas import PIPELINE
from vaidol.tests.openai_server import OpenaiServer

pytestmark = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
ANN = "ann-ann-ann-ann-ann"
ASKED = "I live in Oslo. Tell me of plums."
FIRST, SECOND = "The first is short.", "The second one takes a good while longer to be said. " * 3


def kept(path: Path) -> list[Line]:
    history = History(path)
    try:
        [chat] = history.chats(ANN)
        found = history.read(ANN, chat.id)
    finally:
        history.close()
    assert found is not None
    return found[1]


def test_a_killed_server_has_kept_what_was_heard(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(PIPELINE)
    path = tmp_path / "history.sqlite3"
    arguments = (str(tmp_path / "small.yaml"), "--history", str(path))

    async def interrupted(url: str, kill: asyncio.Future[None]) -> None:
        async with joined(url, user=ANN) as client:
            client.send("text", text=ASKED)
            await client.message("subtitle", who="avatar", text=SECOND.split(". ", maxsplit=1)[0] + ".")
            await client.wait(0.3)
            kill.set_result(None)

    async def resumed(url: str, chat: str) -> None:
        async with joined(url, user=ANN) as client, ClientSession() as http:
            session = (await client.message("hello"))["session"]
            address = f"{url}/api/history/{chat}/resume?user={ANN}"
            for _ in range(100):  # the hello may still be on its way
                async with http.post(address, json={"session": session}) as answer:
                    if answer.status == 200:
                        break
                await client.wait(0.05)
            assert answer.status == 200
            client.send("text", text="Go on.")
            await client.message("turn", status="done")

    with openai_server(OpenaiServer(reply=lambda _: f"{FIRST} {SECOND}")) as model:
        with serving(tmp_path, *arguments, LLM_URL=model.url) as server:

            async def scene() -> None:
                kill: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                kill.add_done_callback(lambda _: server.process.kill())
                await interrupted(server.url, kill)

            asyncio.run(scene())
            server.process.wait(timeout=10)
        lines = kept(path)
        assert [(line.role, line.text) for line in lines] == [("user", ASKED), ("assistant", FIRST)]
        with serving(tmp_path, *arguments, LLM_URL=model.url) as server:
            asyncio.run(resumed(server.url, lines[0].chat))
        said = [message["content"] for message in model.asked[-1]["messages"]]
        assert said[-3:] == [ASKED, FIRST, "Go on."]
        assert [line.text for line in kept(path)][:3] == said[-3:]
        history = History(path)
        assert [fact.text for fact in history.memos.facts(ANN)] == ["lives in Oslo"], "what no one had looked at yet"
        history.close()
