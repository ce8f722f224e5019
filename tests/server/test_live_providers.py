"""Providers in calls over loopback WebRTC: stand-ins, tools that misbehave, translation, and two people at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np
from aiohttp import web

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32
from vaidol.graph.node import Settings
from vaidol.graph.registry import Registry
from vaidol.nodes.tts._cache import SpeakerSettings
from vaidol.nodes.tts._speaker import Speaker
from vaidol.tests.nodes.agent import some_tools
from vaidol.tests.nodes.local_server import Good, LocalServer, parsed
from vaidol.tests.openai_server import OpenaiServer
from vaidol.tests.server.client import Caller, call, serving
from vaidol.tests.server.test_metrics import scraped, value
from vaidol.tests.server.test_personas import ask, pipeline

SAID: list[str] = []  # by the voices below
GERMAN = {"Good morning.": "Guten Morgen."}


class Voice(Speaker[Settings]):
    """A tenth of a second of sound per sentence; notes what it is to say."""

    rate = 48_000

    async def speak(self, text: str) -> AsyncGenerator[F32, None]:
        SAID.append(text)
        yield np.full(4800, 0.2, np.float32)


class Thrifty(Speaker[SpeakerSettings]):
    """The same, with the cache of all voices."""

    rate = 48_000

    async def speak(self, text: str) -> AsyncGenerator[F32, None]:
        SAID.append(text)
        yield np.full(4800, 0.2, np.float32)


class Hoarse(Speaker[Settings]):
    """A voice whose service is down."""

    rate = 48_000

    async def speak(self, text: str) -> AsyncGenerator[F32, None]:
        raise ProviderError("the voice is down", retryable=True, code="unreachable")
        yield


KINDS = Registry("vaidol.nodes", extra={"t.voice": Voice, "t.hoarse": Hoarse, "t.thrifty": Thrifty})


def talking(url: str, **agent: Any) -> dict[str, Any]:
    wanted = pipeline(url)
    wanted["nodes"]["agent"]["with"].update({"prompt": "Be brief.", **agent})
    wanted["nodes"]["tts"] = {"use": "t.voice"}
    SAID.clear()
    return wanted


def shown(caller: Caller) -> list[str]:
    return [m["text"] for m in caller.messages if m["t"] == "subtitle" and m["who"] == "avatar"]


def errors(caller: Caller) -> list[str]:
    return [m["message"] for m in caller.messages if m["t"] == "error"]


def ends(caller: Caller) -> list[str]:
    return [m["status"] for m in caller.messages if m["t"] == "turn"]


def test_stand_ins_of_brain_and_voice_take_over_in_the_call_and_stay() -> None:
    async def main() -> None:
        async with OpenaiServer(reply=lambda _: "From the first.") as first, OpenaiServer(
            reply=lambda _: "From the second."
        ) as second:  # fmt: skip
            wanted = talking(first.url)
            falls = {"on_error": {"policy": "fallback"}}
            wanted["nodes"]["agent"] |= {**falls, "fallback": "other"}
            wanted["nodes"]["other"] = {"use": "agent.openai", "with": {"base_url": second.url, "prompt": "Be kind."}}
            wanted["nodes"]["tts"] = {"use": "t.hoarse", **falls, "fallback": "hoarse"}
            wanted["nodes"]["hoarse"] = {"use": "t.hoarse", **falls, "fallback": "well"}  # a chain of two
            wanted["nodes"]["well"] = {"use": "t.voice"}
            first.behave("500")
            async with serving(wanted, kinds=KINDS) as client:
                caller = await call(client, microphone=False)
                await ask(caller, "Is anybody there?")
                assert (shown(caller), SAID, ends(caller)) == (["From the second."], ["From the second."], ["done"])
                assert any("has a fault of its own (500)" in said for said in errors(caller))
                await ask(caller, "And now?")
                assert SAID == ["From the second."] * 2
                assert len(first.asked) == 1  # it is not asked again
                assert {m["content"] for m in second.asked[-1]["messages"]} >= {"Is anybody there?", "And now?"}
                await caller.close()

    asyncio.run(main())


def test_a_server_that_asks_to_wait_is_waited_for_in_the_call() -> None:
    async def main() -> None:
        async with (
            OpenaiServer(reply=lambda _: "Here I am.") as model,
            serving(talking(model.url, first_token_s=2), kinds=KINDS) as client,
        ):
            caller = await call(client, microphone=False)
            model.behave("later")  # 429, and Retry-After
            await ask(caller, "Hello?")
            assert (shown(caller), errors(caller), len(model.asked)) == (["Here I am."], [], 2)
            model.behave("429")  # which asks for more time than anybody waits
            await ask(caller, "Hello?")
            assert ends(caller) == ["done", "failed"]
            assert "try again in 12 s (429)" in errors(caller)[-1]
            model.behave("empty")
            await ask(caller, "Hello?")
            assert "answered with nothing" in errors(caller)[-1]
            model.behave("normal")
            await ask(caller, "Hello?")
            assert ends(caller) == ["done", "failed", "failed", "done"]
            await caller.close()

    asyncio.run(main())


def test_a_reply_without_an_end_is_ended_and_the_talk_goes_on() -> None:
    endless = "One more thing is this. " * 3000

    async def main() -> None:
        async with (
            OpenaiServer(reply=lambda messages: endless if "story" in str(messages[-1]) else "Bye.") as model,
            serving(talking(model.url, max_tokens=10), kinds=KINDS) as client,
        ):
            caller = await call(client, microphone=False)
            await ask(caller, "Tell me a story.")
            assert 5 <= len(SAID) <= 8
            assert "did not come to an end" in errors(caller)[0]
            assert model.left == 1
            await ask(caller, "Thank you.")
            assert (SAID[-1], ends(caller)) == ("Bye.", ["done", "done"])
            await caller.close()

    asyncio.run(main())


def test_tools_that_raise_hang_or_flood_end_no_call() -> None:
    some_tools.released.clear()

    async def main() -> None:
        async with OpenaiServer(reply=lambda _: "So it is.") as model:
            names = [f"vaidol.tests.nodes.agent.some_tools:{name}" for name in ("fail", "hang", "hang_softly", "flood")]
            async with serving(talking(model.url, tools=names, tool_s=0.3), kinds=KINDS) as client:
                caller = await call(client, microphone=False)
                model.calls.append(
                    [("fail", '{"why": "rain"}'), ("hang", "{}"), ("hang_softly", "{}"), ("flood", "{}")]
                )
                await ask(caller, "Do all of it.")
                results = [m["content"] for m in model.asked[-1]["messages"] if m["role"] == "tool"]
                assert results[0] == "fail failed: rain"
                assert results[1:3] == [f"{name} did not come back within 0.3 s" for name in ("hang", "hang_softly")]
                assert results[3].endswith("(cut off: it had 1000000 characters)")
                assert len(results[3]) < 5000
                told = [m["status"] for m in caller.messages if m["t"] == "tool" and m["status"] != "called"]
                assert sorted(told) == ["done", "failed", "failed", "failed"]
                assert all(len(m["text"]) < 1000 for m in caller.messages if m["t"] == "tool")
                await ask(caller, "Thank you.")
                assert ends(caller) == ["done", "done"]
                assert errors(caller) == []
                await caller.close()
        some_tools.released.set()

    asyncio.run(main())


def test_people_read_one_language_and_hear_another_and_a_fault_speaks_the_original() -> None:
    def translate(request: web.Request, body: bytes) -> Good | str:
        answer = {"code": 200, "data": GERMAN[parsed(body)["text"]]}
        return Good("application/json", [json.dumps(answer).encode()])

    async def main() -> None:
        replies = iter(("Good morning.", "How are you?", "Good morning."))
        async with OpenaiServer(reply=lambda _: next(replies)) as model, LocalServer(translate) as server:
            wanted = talking(model.url)
            how = {"base_url": server.url, "to": "de", "patience_s": 1}
            wanted["nodes"]["translate"] = {"use": "translate.deeplx", "with": how}
            wanted["edges"].remove("sentences.sentence -> tts.text")
            wanted["edges"] += ["sentences.sentence -> translate.sentence", "translate.sentence -> tts.text"]
            async with serving(wanted, kinds=KINDS) as client:
                caller = await call(client, microphone=False)
                await ask(caller, "Hello.")
                assert (shown(caller), SAID) == (["Good morning."], ["Guten Morgen."])
                server.behave("500")
                await ask(caller, "Hello again.")
                assert (shown(caller)[1:], SAID[1:], ends(caller)) == (["How are you?"],) * 2 + (["done"] * 2,)
                assert errors(caller)[-1].endswith("the voice speaks the original")
                server.behave("normal")
                await ask(caller, "And again.")
                assert SAID[2:] == ["Guten Morgen."]
                await caller.close()

    asyncio.run(main())


def test_what_was_spoken_in_one_call_is_not_made_again_in_another_and_the_hits_are_counted() -> None:
    async def main() -> None:
        async with OpenaiServer(reply=lambda _: "Good day to you.") as model:
            wanted = talking(model.url)
            wanted["nodes"]["tts"] = {"use": "t.thrifty"}
            async with serving(wanted, kinds=KINDS) as client:
                for said in (1, 1):
                    caller = await call(client, microphone=False)
                    await ask(caller, "Hello.")
                    assert ["Good day to you."] * said == SAID
                    assert max(caller.levels) > 0.05
                    await caller.close()
                families = await scraped(client)
                for what, count in (("sentences", 2), ("from_cache", 1)):
                    assert value(families, "vaidol_node_counted_total", node="tts", what=what) == count

    asyncio.run(main())


def test_what_two_people_tell_at_once_stays_with_each() -> None:
    secrets = {"Ann": "My secret word is marzipan.", "Bob": "My secret word is periscope."}

    async def main() -> None:
        async with (
            OpenaiServer(reply=lambda messages: f"Noted: {messages[-1]['content']}") as model,
            serving(talking(model.url), kinds=KINDS) as client,
        ):
            callers = {name: await call(client, microphone=False) for name in secrets}
            for words in (secrets, dict.fromkeys(secrets, "What is my secret word?")):
                await asyncio.gather(*(ask(callers[name], words[name]) for name in secrets))
            for name, other in (("Ann", "periscope"), ("Bob", "marzipan")):
                mine = [asked for asked in model.asked if secrets[name] in str(asked)]
                assert len(mine) == 2
                assert other not in str(mine)
                assert other not in str(callers[name].messages)
                await callers[name].close()

    asyncio.run(main())
