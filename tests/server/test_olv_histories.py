"""Earlier conversations of clients of `/client-ws`: whose they are, and what going on with one means."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient

from vaidol.graph.registry import Registry
from vaidol.nodes.agent._chat import ChatAgent, ChatSettings
from vaidol.nodes.agent._memory import Message
from vaidol.server.app import Options
from vaidol.server.history_keeping import HistoryOptions
from vaidol.tests.server.ancestor import PIPELINE, Ancestor, Ear, Hum, joined, loaded
from vaidol.tests.server.client import serving


class Elephant(ChatAgent[ChatSettings]):
    """Says everything the user has told it."""

    async def stream(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        head = len(self.memory.head)
        yield f"I know: {' and '.join(one['content'] for one in messages[head:] if one['role'] == 'user')}. "
        yield "And that is all that I know of you, my friend."


KINDS = Registry("vaidol.nodes", extra={"t.ear": Ear, "t.parrot": Elephant, "t.hum": Hum})


def options(folder: Path, **more: Any) -> Options:
    return Options(history=HistoryOptions(folder / "history.db"), **more)


async def ask(client: Ancestor, text: str) -> str:
    """The first sentence of the answer, once everything was played."""
    await client.say({"type": "text-input", "text": text})
    answer = (await client.until("audio"))["display_text"]["text"]
    await client.until("backend-synth-complete")
    await client.say({"type": "frontend-playback-complete"})
    await client.until("control", text="conversation-chain-end")
    return str(answer)


async def begin(client: Ancestor) -> str:
    await client.say({"type": "create-new-history"})
    return str((await client.until("new-history-created"))["history_uid"])


async def listed(client: Ancestor) -> list[str]:
    await client.say({"type": "fetch-history-list"})
    return [one["uid"] for one in (await client.until("history-list"))["histories"]]


async def read(client: Ancestor, chat: str) -> list[tuple[str, str]]:
    await client.say({"type": "fetch-and-set-history", "history_uid": chat})
    return [(one["role"], one["content"]) for one in (await client.until("history-data"))["messages"]]


@asynccontextmanager
async def visit(server: TestClient[Any, Any], path: str = "/client-ws", **how: Any) -> AsyncIterator[Ancestor]:
    async with server.ws_connect(path, **how) as socket:
        client = Ancestor(socket)
        await client.until("control", text="start-mic")
        yield client


def test_a_conversation_is_gone_on_with_and_a_new_one_knows_nothing_of_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(PIPELINE, options=options(tmp_path), kinds=KINDS) as server:
            async with joined(server) as client:
                fruit = await begin(client)
                assert await ask(client, "apples") == "I know: apples."
                trees = await begin(client)
                assert await ask(client, "oaks") == "I know: oaks."
                assert await listed(client) == [trees, fruit]
            async with joined(server) as client:  # it comes back: on this machine all clients are one user
                assert await listed(client) == [trees, fruit]
                lines = await read(client, fruit)
                assert lines[0] == ("human", "apples")
                assert lines[1][0] == "ai"
                assert await ask(client, "plums") == "I know: apples and plums."
                assert [text for role, text in await read(client, fruit) if role == "human"] == ["apples", "plums"]
                assert await listed(client) == [fruit, trees]
                await client.say({"type": "delete-history", "history_uid": trees})
                assert (await client.until("history-deleted"))["success"]
                assert await listed(client) == [fruit]

    asyncio.run(main())


def test_what_is_kept_of_an_interrupted_reply_is_what_was_played(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(PIPELINE, options=options(tmp_path), kinds=KINDS) as server, joined(server) as client:
            chat = await begin(client)
            await client.say({"type": "text-input", "text": "apples"})
            await client.until("backend-synth-complete")
            await asyncio.sleep(0.3)  # of about two seconds of sound
            await client.say({"type": "interrupt-signal", "text": "I know: apples. And that is all that I know"})
            await client.until("control", text="conversation-chain-end")
            ((_, said), *heard) = await read(client, chat)
            assert said == "apples"
            assert heard == [] or "I know: apples. And that".startswith(heard[0][1])  # not what the client has shown

    asyncio.run(main())


def test_nobody_sees_the_conversations_of_others(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "web").mkdir()
        (tmp_path / "web" / "index.html").write_text("stock")
        kept = options(tmp_path, token="t", olv_web=tmp_path / "web")
        bearer = {"headers": {"Authorization": "Bearer t"}}
        async with serving(PIPELINE, options=kept, kinds=KINDS) as server:
            await loaded(server)
            async with visit(server, **bearer) as stranger:
                mine = await begin(stranger)
                await ask(stranger, "apples")
                assert await listed(stranger) == [mine]
            async with visit(server, "/client-ws?user=longandrandom", **bearer) as other:
                assert await listed(other) == []
                assert await read(other, mine) == []
                await other.say({"type": "delete-history", "history_uid": mine})
                assert not (await other.until("history-deleted"))["success"]
                await begin(other)
                assert await ask(other, "pears") == "I know: pears."
            async with visit(server, "/client-ws?user=longandrandom", **bearer) as other:
                assert len(await listed(other)) == 1
            async with visit(server, **bearer) as stranger:  # it has nothing by which it could be known
                assert await listed(stranger) == []
            await server.get("/olv/", **bearer)  # gives the browser an id
            async with visit(server, **bearer) as browser:
                await ask(browser, "figs")
            async with visit(server, **bearer) as browser:
                assert len(await listed(browser)) == 1

    asyncio.run(main())


def test_each_character_has_its_own_conversations(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(PIPELINE, options=options(tmp_path), kinds=KINDS) as server, joined(server) as client:
            with_vai = await begin(client)
            await ask(client, "apples")
            await client.say({"type": "switch-config", "file": "mo.yaml"})
            await client.until("config-switched")
            assert await listed(client) == []
            assert await read(client, with_vai) == []  # Mo does not go on with what was said to Vai
            await begin(client)
            assert await ask(client, "oaks") == "I know: oaks."
            await client.say({"type": "switch-config", "file": "conf.yaml"})
            assert (await client.until("set-model-and-conf"))["conf_name"] == "Vai"
            assert await listed(client) == [with_vai]

    asyncio.run(main())


def test_without_a_history_a_new_conversation_is_new_all_the_same() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as server, joined(server) as client:
            await ask(client, "apples")
            chat = await begin(client)
            assert await ask(client, "oaks") == "I know: oaks."
            assert await listed(client) == []
            assert await read(client, chat) == []
            await client.say({"type": "delete-history", "history_uid": chat})
            assert not (await client.until("history-deleted"))["success"]

    asyncio.run(main())
