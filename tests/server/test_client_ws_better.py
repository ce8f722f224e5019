"""`/client-ws` where it does more than the ancestor: nothing hangs, nobody waits for others, all is shown aptly."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from vaidol.server.app import SERVER
from vaidol.server.olv.line import Line
from vaidol.server.olv.tools import Tools
from vaidol.tests.server.ancestor import DEADLINE_S, KINDS, PIPELINE, Ancestor, Ear, Late, joined, run
from vaidol.tests.server.client import serving


def test_nothing_said_is_a_turn_that_is_over_at_once() -> None:
    async def talk(ancestor: Ancestor) -> None:
        for nothing in ({"type": "text-input", "text": " \n"}, {"type": "mic-audio-end", "images": []}):
            await ancestor.say(nothing)
            assert await ancestor.chain() == ["conversation-chain-start", "conversation-chain-end"]

    run(talk)


def test_an_utterance_without_words_ends_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ear, "says", "")

    async def talk(ancestor: Ancestor) -> None:
        await ancestor.say({"type": "mic-audio-data", "audio": [0.1] * 8000})
        await ancestor.say({"type": "mic-audio-end"})
        kinds = await ancestor.chain()
        assert kinds[0] == "conversation-chain-start"
        assert "audio" not in kinds

    run(talk)


def test_a_client_is_told_to_fall_silent_when_somebody_else_ends_the_reply() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as ancestor:
            await ancestor.say({"type": "text-input", "text": "long"})
            await ancestor.until("audio")
            assert (await client.post("/api/interrupt", json={})).status == 200
            assert [kind for kind in await ancestor.chain() if kind != "audio"][-3:] == [
                "interrupt-signal", "force-new-message", "conversation-chain-end",
            ]  # fmt: skip
            await ancestor.say({"type": "text-input", "text": "long"})
            await ancestor.until("audio")
            await ancestor.say({"type": "interrupt-signal", "text": "You said"})  # it is silent already
            assert "interrupt-signal" not in await ancestor.chain()

    asyncio.run(main())


def test_a_client_without_a_model_is_given_one_without_anything_in_it() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as ancestor:
            model = next(m["model_info"] for m in ancestor.messages if m["type"] == "set-model-and-conf")
            answer = await client.get(model["url"], headers={"Origin": "http://127.0.0.1:3000"})
            assert (await answer.json())["FileReferences"] == {}

    asyncio.run(main())


def test_a_client_that_comes_while_models_load_is_told_and_waits() -> None:
    pipeline = {
        **PIPELINE,
        "nodes": {**PIPELINE["nodes"], "late": {"use": "t.late"}},
        "edges": [*PIPELINE["edges"], "mic.audio -> late.audio"],
    }

    async def main() -> None:
        Late.may_load.clear()
        async with serving(pipeline, kinds=KINDS) as client, client.ws_connect("/client-ws") as socket:
            ancestor = Ancestor(socket)
            assert "loading" in (await ancestor.until("full-text"))["text"]
            await ancestor.say({"type": "heartbeat"})
            Late.may_load.set()
            await ancestor.until("control", text="start-mic")
            await ancestor.until("heartbeat-ack")

    asyncio.run(main())


def test_a_client_that_does_not_read_is_given_up_and_delays_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaidol.server.olv.link.WAITING_BYTES", 200_000)
    monkeypatch.setattr("vaidol.server.olv.client.CLOSE_S", 0.2)

    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as other, joined(client) as lazy:
            sessions = client.app[SERVER].sessions
            for _ in range(40):  # until the buffers of the system are full
                await lazy.say({"type": "text-input", "text": "long"})
                await other.say({"type": "text-input", "text": "hello"})
                await other.until("backend-synth-complete")
                await other.say({"type": "frontend-playback-complete"})
                await other.until("control", text="conversation-chain-end")
                if len(sessions) == 1:
                    break
            async with asyncio.timeout(DEADLINE_S):
                while len(sessions) > 1:  # noqa: ASYNC110  # over real sockets
                    await asyncio.sleep(0.02)

    asyncio.run(main())


def test_tools_are_shown_with_one_id_from_call_to_result() -> None:
    tools = Tools()
    called = tools.message({"turn": 3, "status": "called", "text": "clock(zone=UTC)"}, who="Vai")
    other = tools.message({"turn": 3, "status": "called", "text": "clock(zone=CET)"}, who="Vai")
    done = tools.message({"turn": 3, "status": "done", "text": "clock(zone=UTC): 12:00"}, who="Vai")
    assert (called["tool_id"], called["tool_name"], called["status"]) == (done["tool_id"], "clock", "running")
    assert (done["status"], done["content"], done["tool_name"]) == ("completed", "12:00", "clock")
    failed = tools.message({"turn": 3, "status": "failed", "text": "clock(zone=CET): no such zone"}, who="Vai")
    assert (failed["tool_id"], failed["status"]) == (other["tool_id"], "error")


def test_sentences_of_a_reply_are_set_apart_and_those_of_others_begin_anew() -> None:
    line = Line()
    assert [line.on(text, turn=1) for text in ("Hello.", "How are you?")] == ["Hello.", " How are you?"]
    assert (line.on("New.", turn=2), line.turned) == ("New.", False)
    assert [line.on(text, turn=3) for text in ("你好。", "你好吗?")] == ["你好。", "你好吗?"]
    assert (line.on("Me too.", who="Bo"), line.turned) == ("Me too.", True)
    assert (line.on("And I.", who="Bo"), line.turned) == (" And I.", False)


def test_a_message_that_does_not_leave_ends_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("SEND_S", 0.2), ("LOOK_S", 0.05), ("LAST_WORDS_S", 0.1)):
        monkeypatch.setattr(f"vaidol.server.olv.client.{name}", seconds)
    send = web.WebSocketResponse.send_str

    async def stuck(socket: web.WebSocketResponse, text: str, *how: Any) -> None:
        if "heartbeat-ack" in text:
            await asyncio.Event().wait()
        await send(socket, text, *how)

    monkeypatch.setattr(web.WebSocketResponse, "send_str", stuck)

    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as lazy:
            await lazy.say({"type": "heartbeat"})
            async with asyncio.timeout(DEADLINE_S):
                while len(client.app[SERVER].sessions):  # noqa: ASYNC110  # over real sockets
                    await asyncio.sleep(0.02)

    asyncio.run(main())
