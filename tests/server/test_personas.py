"""Another persona in a running call: over REST and over the data channel; back again, it is as it was."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from vaidol.graph.compiler import compile_plan
from vaidol.graph.registry import Registry
from vaidol.graph.spec import from_dict
from vaidol.nodes.agent._persona import load_persona, shipped
from vaidol.server.app import SERVER
from vaidol.server.personas import patch
from vaidol.tests.nodes.agent.talk import ToneVoice
from vaidol.tests.openai_server import OpenaiServer
from vaidol.tests.server.client import Caller, call, serving

KINDS = Registry("vaidol.nodes", extra={"t.tone": ToneVoice})
ANSWER = "Yes, I am."


def pipeline(url: str) -> dict[str, Any]:
    return {
        "version": 1,
        "name": "persona",
        "nodes": {
            "agent": {"use": "agent.openai", "with": {"base_url": url, "persona": "vai"}},
            "sentences": {"use": "text.sentences"}, "tts": {"use": "t.tone"}, "out": {"use": "webrtc.out"},
            "page": {"use": "webrtc.data"}, "emotion": {"use": "expression.emotion"},
        },
        "edges": [
            "page.text -> agent.user", "agent.text -> sentences.text",
            "sentences.sentence -> tts.text", "tts.audio -> out.audio", "out.spoken -> page.spoken, emotion.spoken",
            {"from": "out.spoken", "to": "agent.heard", "feedback": True}, "emotion.cue -> page.cue",
        ],
    }  # fmt: skip


async def ask(caller: Caller, text: str) -> None:
    """Say something, and wait until the answer was heard."""
    done = sum(message["t"] == "turn" for message in caller.messages)
    caller.send({"t": "text", "text": text})
    await caller.until(lambda: sum(m["t"] == "turn" for m in caller.messages) > done, f"an answer to {text}")


def system(server: OpenaiServer) -> str:
    return str(server.asked[-1]["messages"][0]["content"])


def said(server: OpenaiServer) -> list[str]:
    """What the model was told of the talk, without the persona's examples."""
    known = {text for name in shipped() for pair in load_persona(name).talk(cues=True) for text in pair}
    return [m["content"] for m in server.asked[-1]["messages"][1:] if m["content"] not in known]


async def settings(client: TestClient[Any, Any]) -> dict[str, Any]:
    """Of all nodes of the one session."""
    [session] = client.app[SERVER].sessions  # type: ignore[union-attr]
    assert session.graph is not None
    return {node.name: node.settings for node in session.graph.plan.nodes}


def test_another_persona_goes_on_in_the_call_and_the_first_comes_back_as_it_was() -> None:
    async def main() -> None:
        async with OpenaiServer(reply=lambda _: ANSWER) as model, serving(pipeline(model.url), kinds=KINDS) as client:
            caller = await call(client)
            await caller.message("persona", name="vai", title="Vai")
            await ask(caller, "Are you Vai?")
            assert "You are Vai" in system(model)
            before = await settings(client)
            [session] = client.app[SERVER].sessions  # type: ignore[union-attr]
            address = f"/api/sessions/{session.id}/persona"

            async with client.post(address, json={"persona": "mo"}) as answer:
                told = await answer.json()
                assert (answer.status, told["persona"], told["outcome"]) == (200, "mo", "applied"), told
            await caller.message("persona", name="mo", title="Mo")
            await ask(caller, "Are you a cat?")
            assert "You are Mo" in system(model)
            assert said(model) == ["Are you a cat?"]  # what was said to Vai is not Mo's
            async with client.get(address) as answer:
                assert await answer.json() == {"persona": "mo"}

            caller.send({"t": "persona", "name": "vai"})  # the person in the call chooses
            await caller.until(lambda: [m["name"] for m in caller.messages if m["t"] == "persona"][-1] == "vai")
            assert await settings(client) == before
            await ask(caller, "And now?")
            assert "You are Vai" in system(model)
            assert said(model) == ["Are you Vai?", ANSWER, "And now?"]

            caller.send({"t": "persona", "name": "nobody"})
            error = await caller.message("error", code="persona")
            assert error["message"] == f"there is no persona 'nobody'; there are: {', '.join(shipped())}"
            for body, status in ({"persona": "nobody"}, 404), ({"who": "mo"}, 400), (["mo"], 400):
                async with client.post(address, json=body) as answer:
                    assert answer.status == status
            async with client.post("/api/sessions/none/persona", json={"persona": "mo"}) as answer:
                assert answer.status == 404

    asyncio.run(main())


def test_a_persona_sets_what_the_nodes_of_the_pipeline_have() -> None:
    nodes = {
        "agent": {"use": "agent.openai"}, "text": {"use": "text.sentences"}, "tts": {"use": "tts.edge"},
        "emotion": {"use": "expression.emotion"}, "asr": {"use": "asr.whisper_cpp"},
    }  # fmt: skip
    edges = ["agent.text -> text.text", "text.sentence -> tts.text", "asr.transcript -> agent.user"]
    spec = {"version": 1, "name": "x", "nodes": nodes, "edges": edges}
    nodes |= {"mic": {"use": "webrtc.in"}, "turn": {"use": "turn.silence"}, "vad": {"use": "vad.silero"}}
    nodes |= {"out": {"use": "webrtc.out"}, "page": {"use": "webrtc.data"}}
    edges += [
        "mic.audio -> vad.audio", "vad.speech -> turn.speech", "vad.audio -> turn.audio", "turn.utterance -> asr.audio",
        "tts.audio -> out.audio", "out.spoken -> emotion.spoken, page.spoken", "emotion.cue -> page.cue",
    ]  # fmt: skip
    plan = compile_plan(from_dict(spec), KINDS)
    persona = load_persona("mo").model_copy(update={"language": "de", "map": {"joy": "exp_03"}})
    assert patch(plan, "mo", persona)["nodes"] == {
        "agent": {"with": {"persona": "mo"}},
        "text": {"with": {"language": "de"}},
        "asr": {"with": {"language": "de"}},
        "tts": {"with": {"voice": "en-GB-RyanNeural"}},
        "emotion": {"with": {"map": {"joy": "exp_03"}}},
    }


def test_at_least_three_personas_ship_and_all_are_told() -> None:
    async def main() -> None:
        async with serving() as client, client.get("/api/personas") as answer:
            told = (await answer.json())["personas"]
            assert [row["name"] for row in told] == shipped()
            assert len(told) >= 3
            assert all(row["title"] and row["greeting"] for row in told)
            caller = await call(client)  # a pipeline without an agent has no persona
            await caller.message("persona", name="", title="")

    asyncio.run(main())


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_persona_is_whole(name: str) -> None:
    persona = load_persona(name)
    assert len(persona.examples) >= 5
    assert all("[" in avatar for _, avatar in persona.talk(cues=True))
    assert all("[" not in avatar for _, avatar in persona.talk(cues=False))
    tags = {tag for _, avatar in persona.talk(cues=True) for tag in avatar.replace("]", "[").split("[")[1::2]}
    assert tags <= set(persona.emotions)
