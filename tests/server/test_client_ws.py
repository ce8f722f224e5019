"""`/client-ws` as the ancestor's clients use it: recorded dialogues, and everything a client can get wrong."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import wave
from pathlib import Path

import numpy as np
import pytest
from aiohttp import WSServerHandshakeError

from vaidol.server.app import Options
from vaidol.tests.server.ancestor import KINDS, PIPELINE, Ancestor, joined, run
from vaidol.tests.server.client import serving

TURN = ["conversation-chain-start", "full-text", "audio", "audio", "backend-synth-complete", "force-new-message"]


def test_a_client_is_greeted_as_by_the_ancestor() -> None:
    async def talk(ancestor: Ancestor) -> None:
        kinds = [message["type"] for message in ancestor.messages]
        assert kinds == ["group-update", "full-text", "set-model-and-conf", "group-update", "error", "control"]
        assert (
            "--live2d-models" in ancestor.messages[4]["message"]
        )  # there is none in this test, and the client says so
        assert ancestor.messages[2]["client_uid"]
        assert ancestor.messages[2]["conf_uid"]

    run(talk)


def test_typed_text_is_answered_sentence_by_sentence() -> None:
    async def talk(ancestor: Ancestor) -> None:
        await ancestor.say({"type": "text-input", "text": "hello", "images": []})
        await ancestor.until("backend-synth-complete")
        for _ in range(10):  # as often as the stock page says it
            await ancestor.say({"type": "frontend-playback-complete"})
        await ancestor.until("control", text="conversation-chain-end")
        kinds = [m["text"] if m["type"] == "control" else m["type"] for m in ancestor.messages[6:]]
        assert kinds == [*TURN, "conversation-chain-end"]
        first = next(message for message in ancestor.messages if message["type"] == "audio")
        with wave.open(io.BytesIO(base64.b64decode(first["audio"]))) as file:
            assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
            assert file.getnframes() / file.getframerate() == pytest.approx(len("You said hello.") * 0.03, abs=0.05)
        assert first["display_text"]["text"] == "You said hello."
        assert max(first["volumes"]) == 1.0
        await ancestor.say({"type": "text-input", "text": "again"})
        assert (await ancestor.until("audio"))["display_text"]["text"] == "You said again."

    run(talk)


def test_a_turn_ends_without_the_clients_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaidol.server.olv.turns.PATIENCE_S", 0.1)

    async def talk(ancestor: Ancestor) -> None:
        await ancestor.say({"type": "frontend-playback-complete"})  # of nothing
        await ancestor.say({"type": "text-input", "text": "hi"})
        assert await ancestor.chain() == [*TURN, "conversation-chain-end"]

    run(talk)


def test_a_turn_that_fails_ends_too() -> None:
    async def talk(ancestor: Ancestor) -> None:
        await ancestor.say({"type": "text-input", "text": "fail"})
        kinds = await ancestor.chain()
        assert kinds[:2] == TURN[:2]
        assert "error" in kinds
        assert "the parrot is ill" in [m["message"] for m in ancestor.messages if m["type"] == "error"][-1]
        await ancestor.say({"type": "text-input", "text": "and now"})
        assert (await ancestor.until("audio"))["display_text"]["text"].endswith("and now.")

    run(talk)


def test_new_input_ends_the_turn_before_and_does_not_mix_with_it() -> None:
    async def talk(ancestor: Ancestor) -> None:
        await ancestor.say({"type": "text-input", "text": "long"})
        await ancestor.until("audio")
        await ancestor.say({"type": "text-input", "text": "short"})
        kinds = await ancestor.chain()
        assert "conversation-chain-start" not in kinds
        await ancestor.until("control", text="conversation-chain-start")
        begin = len(ancestor.messages)
        await ancestor.until("backend-synth-complete")
        texts = [m["display_text"]["text"] for m in ancestor.messages[begin:] if m["type"] == "audio"]
        assert texts[0].endswith("short.")
        assert len(texts) == 2

    run(talk)


def test_an_interruption_ends_the_turn_at_once() -> None:
    async def talk(ancestor: Ancestor) -> None:
        await ancestor.say({"type": "text-input", "text": "long"})
        await ancestor.until("audio")
        await ancestor.say({"type": "interrupt-signal", "text": "You said"})
        await ancestor.until("control", text="conversation-chain-end")

    run(talk)


def test_an_utterance_in_pieces_is_heard_whole() -> None:
    async def talk(ancestor: Ancestor) -> None:
        await ancestor.say({"type": "mic-audio-end"})  # of nothing: no turn begins
        for pieces in (8, 4):
            wave = (0.3 * np.sin(2 * np.pi * 200 * np.arange(4096) / 16_000)).tolist()
            for _ in range(pieces):
                await ancestor.say({"type": "mic-audio-data", "audio": wave})
            await ancestor.say({"type": "mic-audio-end", "images": []})
            heard = await ancestor.until("user-input-transcription")
            tenths = int(heard["text"].split()[0])
            assert pieces * 2.56 <= tenths <= pieces * 2.56 + 6
            await ancestor.until("backend-synth-complete")
            await ancestor.say({"type": "frontend-playback-complete"})

    run(talk)


def test_what_a_client_gets_wrong_is_told_and_the_next_message_is_taken() -> None:
    async def talk(ancestor: Ancestor) -> None:
        wrong = (
            "{", "[]", "7", "null", "[" * 20_000, {}, {"type": "fly"}, {"type": ["x"]}, {"type": "text-input"},
            {"type": "text-input", "text": "x" * 5000}, {"type": "mic-audio-data", "audio": "loud"},
            {"type": "mic-audio-data", "audio": [None]}, '{"type":"mic-audio-data","audio":[NaN]}',
            {"type": "switch-config", "file": "../../etc/passwd"}, {"type": "fetch-and-set-history"},
        )  # fmt: skip
        for message in wrong:
            await ancestor.say(message)
            assert (await ancestor.until("error"))["message"]
        await ancestor.socket.send_bytes(b"\x00\xff")
        await ancestor.until("error")
        await ancestor.say({"type": "heartbeat"})
        await ancestor.until("heartbeat-ack")

    run(talk)


def test_the_pages_first_questions_are_answered() -> None:
    async def talk(ancestor: Ancestor) -> None:
        for asked, told in (
            ("fetch-backgrounds", "background-files"), ("fetch-configs", "config-files"),
            ("fetch-history-list", "history-list"), ("create-new-history", "new-history-created"),
            ("request-init-config", "set-model-and-conf"), ("request-group-info", "group-update"),
        ):  # fmt: skip
            await ancestor.say({"type": asked})
            await ancestor.until(told)

    run(talk)


def test_backgrounds_come_from_their_folder_and_from_nowhere_else(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "bg").mkdir()
        (tmp_path / "bg" / "sky.png").write_bytes(b"sky")
        (tmp_path / "secret.png").write_bytes(b"secret")
        (tmp_path / "bg" / "link.png").symlink_to(tmp_path / "secret.png")
        async with serving(PIPELINE, kinds=KINDS, options=Options(backgrounds=tmp_path / "bg")) as client:
            async with joined(client) as ancestor:
                await ancestor.say({"type": "fetch-backgrounds"})
                assert (await ancestor.until("background-files"))["files"] == ["sky.png"]
            assert await (await client.get("/bg/sky.png")).read() == b"sky"
            for name in ("link.png", "..%2Fsecret.png", "%2e%2e/secret.png", "none.png"):
                assert (await client.get(f"/bg/{name}")).status == 404

    asyncio.run(main())


def test_the_character_speaks_by_itself_when_the_client_asks_for_it() -> None:
    async def main() -> None:
        nodes = {**PIPELINE["nodes"], "alone": {"use": "turn.autonomous", "with": {"active": False}}}
        pipeline = {**PIPELINE, "nodes": nodes, "edges": [*PIPELINE["edges"], "alone.user -> agent.user"]}
        async with serving(pipeline, kinds=KINDS) as client, joined(client) as ancestor:
            await ancestor.say({"type": "ai-speak-signal", "idle_time": 5.0})
            assert "engaging" in (await ancestor.until("audio"))["display_text"]["text"]

    asyncio.run(main())
    run(_no_such_node)


async def _no_such_node(ancestor: Ancestor) -> None:
    await ancestor.say({"type": "ai-speak-signal"})
    assert "turn.autonomous" in (await ancestor.until("error"))["message"]


def test_two_clients_share_nothing() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client, joined(client) as one, joined(client) as other:
            await one.say({"type": "text-input", "text": "apples"})
            await other.say({"type": "text-input", "text": "pears"})
            await one.until("backend-synth-complete")
            await other.until("backend-synth-complete")
            assert "pears" not in json.dumps(one.messages)
            assert "apples" not in json.dumps(other.messages)

    asyncio.run(main())


def test_clients_count_as_sessions_and_foreign_pages_are_refused() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS, options=Options(max_sessions=1)) as client:
            async with joined(client):
                with pytest.raises(WSServerHandshakeError) as refused:
                    await client.ws_connect("/client-ws")
                assert refused.value.status == 503
            with pytest.raises(WSServerHandshakeError) as refused:
                await client.ws_connect("/client-ws", headers={"Origin": "http://evil.example"})
            assert refused.value.status == 403
            assert (await client.get("/client-ws")).status in (400, 426)

    asyncio.run(main())
