"""The history over REST, and in calls: each user's own, from one call to the next, and after a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from vaidol.server.app import SERVER, Options
from vaidol.server.history_keeping import HistoryOptions
from vaidol.tests.openai_server import OpenaiServer
from vaidol.tests.server.client import Caller, call, serving
from vaidol.tests.server.test_personas import KINDS, ask, pipeline, said

ANN, BOB = "ann-ann-ann-ann-ann", "bob-bob-bob-bob-bob"


async def get(client: TestClient[Any, Any], path: str, status: int = 200, method: str = "GET", **how: Any) -> Any:
    async with client.request(method, path, **how) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json() if answer.content_type == "application/json" else await answer.text()


async def chats(client: TestClient[Any, Any], user: str, lines: int = 0, **query: str) -> list[dict[str, Any]]:
    """Of `user`; waits until the newest has `lines`."""
    for _ in range(200):
        found = (await get(client, "/api/history", params={"user": user, **query}))["chats"]
        if not lines or (found and found[0]["lines"] >= lines):
            break
        await asyncio.sleep(0.02)
    return list(found)


async def joined(client: TestClient[Any, Any], user: str) -> tuple[Caller, str]:
    caller = await call(client, microphone=False)
    caller.send({"t": "hello", "v": 1, "user": user})
    return caller, (await caller.message("hello"))["session"]


def test_a_conversation_goes_on_in_a_later_call_after_a_restart(tmp_path: Path) -> None:
    options = Options(history=HistoryOptions(tmp_path / "history.sqlite3"))

    async def main() -> None:
        async with OpenaiServer(reply=lambda _: "That is well.") as model:
            async with serving(pipeline(model.url), options, KINDS) as client:
                ann, _ = await joined(client, ANN)
                bob, _ = await joined(client, BOB)
                await ask(ann, "My cat is called Plum.")
                await ask(bob, "My dog is called Fig.")
                await chats(client, ANN, 2)
                await chats(client, BOB, 2)
                await ann.close()
                await bob.close()
            async with serving(pipeline(model.url), options, KINDS) as client:  # the server was started again
                [kept] = await chats(client, ANN, q="plum")
                assert (kept["title"], kept["persona"], kept["lines"]) == ("My cat is called Plum.", "vai", 2)
                assert await chats(client, ANN, q="fig") == await chats(client, ANN, persona="mo") == []
                address = f"/api/history/{kept['id']}"
                ann, session = await joined(client, ANN)
                bob, other = await joined(client, BOB)
                await ask(ann, "Good morning.")
                for user, of in ((BOB, session), (BOB, other), (ANN, other), ("nobody-nobody-nobody", "")):
                    body = {"session": of}
                    await get(client, f"{address}/resume?user={user}", 404, "POST", json=body)
                told = await get(client, f"{address}/resume?user={ANN}", 200, "POST", json={"session": session})
                assert told["lines"] == 2
                await ask(ann, "What is my cat called?")
                assert said(model) == ["My cat is called Plum.", "That is well.", "What is my cat called?"]
                for _ in range(200):
                    read = await get(client, f"{address}?user={ANN}")
                    if len(read["lines"]) == 4:
                        break
                    await asyncio.sleep(0.02)
                assert [line["text"] for line in read["lines"]] == [*said(model), "That is well."]
                assert len(await chats(client, ANN)) == 2  # the good morning is one of its own
                await ann.close()
                await bob.close()

    asyncio.run(main())


def test_each_persona_has_conversations_of_its_own_and_goes_on_with_them(tmp_path: Path) -> None:
    options = Options(history=HistoryOptions(tmp_path / "history.sqlite3"))

    async def main() -> None:
        async with (
            OpenaiServer(reply=lambda _: "I see.") as model,
            serving(pipeline(model.url), options, KINDS) as client,
        ):
            ann, session = await joined(client, ANN)
            await ask(ann, "You are Vai.")
            for persona, said in (("mo", "You are Mo."), ("vai", "And you are Vai again.")):
                await get(client, f"/api/sessions/{session}/persona", 200, "POST", json={"persona": persona})
                await ask(ann, said)
            [vai] = await chats(client, ANN, 4, persona="vai")
            [mo] = await chats(client, ANN, 2, persona="mo")
            assert (vai["title"], vai["lines"]) == ("You are Vai.", 4)
            assert (mo["title"], mo["lines"]) == ("You are Mo.", 2)
            body = {"session": session}
            told = await get(client, f"/api/history/{mo['id']}/resume?user={ANN}", 409, "POST", json=body)
            assert "'mo'" in told["error"]["message"]
            await ann.close()

    asyncio.run(main())


def test_history_over_rest(tmp_path: Path) -> None:
    from vaidol.nodes.agent._history import History, Line

    path = tmp_path / "history.sqlite3"
    history = History(path)
    history.write([Line("c", ANN, "vai", 1, "user", "hello"), Line("c", ANN, "vai", 2, "assistant", "Hey!")])
    history.close()

    async def main() -> None:
        async with serving(options=Options(history=HistoryOptions(path))) as client:
            mine, others = f"/api/history/c?user={ANN}", f"/api/history/c?user={BOB}"
            assert (await get(client, f"{mine}&format=text")).endswith("\n\nYou: hello\nAvatar: Hey!\n")
            await get(client, f"{mine}&format=pdf", 400)
            await get(client, "/api/history", 400)
            for method, how in (("GET", {}), ("DELETE", {}), ("PATCH", {"json": {"title": "x"}})):
                await get(client, others, 404, method, **how)
            for body, status in (({"title": ""}, 422), ({"title": 7}, 400), ([], 400), ({"title": "Hi"}, 200)):
                await get(client, mine, status, "PATCH", json=body)
            assert [chat["title"] for chat in await chats(client, ANN)] == ["Hi"]
            await get(client, mine, 200, "DELETE")
            await get(client, mine, 404)
            assert await chats(client, ANN) == []

    asyncio.run(main())


async def facts(client: TestClient[Any, Any], user: str, most: int) -> list[dict[str, Any]]:
    """Of `user`; waits until there are `most`."""
    for _ in range(200):
        found = (await get(client, "/api/memory", params={"user": user}))["facts"]
        if len(found) >= most:
            break
        await asyncio.sleep(0.02)
    return list(found)


def test_facts_are_told_after_a_restart_shown_in_the_call_and_forgotten_by_their_user_alone(tmp_path: Path) -> None:
    options = Options(history=HistoryOptions(tmp_path / "history.sqlite3"))

    async def main() -> None:
        async with OpenaiServer(reply=lambda _: "I see.") as model:
            async with serving(pipeline(model.url), options, KINDS) as client:
                ann, _ = await joined(client, ANN)
                bob, _ = await joined(client, BOB)
                await asyncio.gather(ask(ann, "I live in Oslo."), ask(bob, "I live in Rome, with my dog."))
                assert (await ann.message("memory"))["lines"] == ["lives in Oslo"]
                [mine], [other] = await facts(client, ANN, 1), await facts(client, BOB, 1)
                assert (mine["text"], mine["said"], mine["persona"]) == ("lives in Oslo", "I live in Oslo.", "vai")
                assert other["text"] == "lives in Rome"
                await ann.close()
                await bob.close()
            async with serving(pipeline(model.url), options, KINDS) as client:  # the server was started again
                ann, _ = await joined(client, ANN)
                bob, _ = await joined(client, BOB)
                assert len(await facts(client, ANN, 1)) == 1  # by now all is loaded
                asked = "Tell me, where do I live?"
                for caller, city in ((ann, "Oslo"), (bob, "Rome")):
                    await ask(caller, asked)
                    shown = await caller.message("memory")
                    assert (shown["status"], shown["lines"]) == ("recalled", [f"lives in {city}"])
                    told = model.asked[-1]["messages"][-1]["content"]
                    assert told.startswith(asked)
                    assert [name for name in ("Oslo", "Rome") if name in told] == [city]
                for user, fact, status in ((ANN, other, 404), (BOB, mine, 404), (ANN, mine, 200), (ANN, mine, 404)):
                    await get(client, f"/api/memory/{fact['id']}?user={user}", status, "DELETE")
                assert await facts(client, ANN, 0) == []
                await ask(ann, asked)
                assert model.asked[-1]["messages"][-1]["content"] == asked, "it is forgotten in this call already"
                assert (await get(client, f"/api/history?user={BOB}", 200, "DELETE"))["chats"] == 2
                assert (await facts(client, BOB, 0), await chats(client, BOB)) == ([], [])
                assert len(await chats(client, ANN)) == 2
                for path in (f"/api/memory/x?user={ANN}", f"/api/memory/{9**15}?user={ANN}"):
                    await get(client, path, 404, "DELETE")
                await get(client, "/api/memory", 400)
                await ann.close()
                await bob.close()

    asyncio.run(main())


def test_a_damaged_file_is_told_and_calls_go_on(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite3"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 8000)

    async def main() -> None:
        async with (
            OpenaiServer(reply=lambda _: "I see.") as model,
            serving(pipeline(model.url), Options(history=HistoryOptions(path)), KINDS) as client,
        ):
            ann, _ = await joined(client, ANN)
            await ask(ann, "I live in Oslo.")
            assert str(path) in (await ann.message("error"))["message"]
            for address in ("/api/history", "/api/memory"):
                told = await get(client, f"{address}?user={ANN}", 503)
                assert str(path) in told["error"]["message"]
            await ask(ann, "I live in Oslo.")
            await ann.close()

    asyncio.run(main())


def test_a_server_that_keeps_none_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving() as client:
            told = await get(client, f"/api/history?user={ANN}", 404)
            assert "--history" in told["error"]["message"]
            assert client.app is not None
            assert client.app[SERVER].history is None

    asyncio.run(main())


@pytest.mark.parametrize("user", ["short", "with space in the middle", "x" * 65, "ann-ann-ann-ann-ann\n"])
def test_an_odd_user_is_refused(user: str) -> None:
    from vaidol.server.protocol import BadMessage, encode, parse

    with pytest.raises(BadMessage, match="user"):
        parse(encode({"t": "hello", "v": 1, "user": user}))
