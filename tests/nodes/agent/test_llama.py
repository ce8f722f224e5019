"""agent.llama with a double of the model on virtual time, and once with the real one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.graphs import idle, play, running, sink
from tests.nodes.agent.talk import User, got, reply, until
from vaidol.graph.clock import run_virtual
from vaidol.graph.frames import TextDelta
from vaidol.graph.scheduler import Graph
from vaidol.models.llama import ContextFull, LlamaError, Usage
from vaidol.models.store import Store
from vaidol.nodes.agent._memory import ASKS, Message
from vaidol.nodes.agent._slots import Slots
from vaidol.nodes.agent.llama import LlamaSettings, _Brain


class LlamaDouble:
    """Answers with the last message in capitals, letter by letter, and remembers what it was asked."""

    def __init__(self, *, holds: int = 10**9) -> None:
        self.holds = holds  # characters of the messages that fit
        self.asked: list[tuple[int, int, Sequence[Message]]] = []  # slot, max_tokens, messages
        self.stopped = 0
        self.pause = threading.Event()  # set: nobody waits between two letters
        self.pause.set()

    def stream(
        self, messages: Sequence[Message], *, slot: int, max_tokens: int, on_text: Callable[[str], bool], **_: Any
    ) -> Usage:
        self.asked.append((slot, max_tokens, list(messages)))
        size = sum(len(message["content"]) for message in messages)
        if size > self.holds:
            raise ContextFull(size, self.holds)
        if messages[-1]["content"].endswith("die"):
            on_text("DI")
            raise LlamaError("llama.cpp refused the request: out of memory")
        for letter in messages[-1]["content"].upper()[:max_tokens]:
            if not on_text(letter):
                self.stopped += 1
                return Usage(size // 4, 0, 1, None, "cut")
            assert self.pause.wait(5)
        return Usage(4 * len(messages) + size // 4, 0, 1, None, "stop")


def shared(llama: LlamaDouble, settings: LlamaSettings, slots: int = 2) -> dict[str, object]:
    return {settings.key: _Brain(llama, Slots(slots))}  # type: ignore[arg-type]


def converse(llama: LlamaDouble, *texts: str, **given: Any) -> tuple[Graph, list[str]]:
    """Say `texts`, one after the other; returns what came back."""

    async def main() -> tuple[Graph, list[str]]:
        nodes = {"user": User, "agent": ("agent.llama", given), "end": sink(TextDelta)}
        edges = ["user.text -> agent.user", "agent.text -> end.in"]
        async with running(nodes, edges, shared=shared(llama, LlamaSettings.model_validate(given))) as graph:
            replies = [await reply(graph, text) for text in texts]
            await idle(graph)
        return graph, replies

    return run_virtual(main())


def errors(graph: Graph) -> list[str]:
    return [event.text for event in graph.events if event.name == "error"]


def test_the_persona_is_warmed_and_every_turn_keeps_its_slot() -> None:
    llama = LlamaDouble()
    graph, replies = converse(llama, "hello", "again", prompt="Be nice.")
    assert replies == ["HELLO", "AGAIN"]
    assert errors(graph) == []
    warm, first, second = llama.asked
    assert warm == (first[0], 1, [{"role": "system", "content": "Be nice."}])
    assert first[0] == second[0]
    assert [message["content"] for message in second[2]] == ["Be nice.", "hello", "HELLO", "again"]


def test_a_reply_has_no_more_than_its_tokens() -> None:
    assert converse(LlamaDouble(), "hello", prompt="p", max_tokens=3)[1] == ["HEL"]


def test_when_the_context_is_full_the_oldest_is_forgotten() -> None:
    llama = LlamaDouble(holds=60)
    graph, replies = converse(llama, *(f"text number {n}" for n in range(6)), prompt="p")
    assert replies == [f"TEXT NUMBER {n}" for n in range(6)]
    assert errors(graph) == []
    graph, replies = converse(llama, "x" * 99, "hello", prompt="p")
    assert replies == ["", "HELLO"]
    assert errors(graph) == [
        "the conversation has 100 tokens, and the model can hold 60; raise 'context' or shorten the persona"
    ]


def test_a_model_that_fails_is_told_and_the_next_turn_works() -> None:
    graph, replies = converse(LlamaDouble(), "please die", "hello", prompt="p")
    assert replies == ["DI", "HELLO"]
    assert errors(graph) == ["llama.cpp refused the request: out of memory"]


def test_a_cut_stops_the_model_at_once() -> None:
    llama = LlamaDouble()

    async def main() -> None:
        settings = LlamaSettings(prompt="p")
        nodes = {"user": User, "agent": ("agent.llama", {"prompt": "p"}), "end": sink(TextDelta)}
        edges = ["user.text -> agent.user", "agent.text -> end.in"]
        async with running(nodes, edges, shared=shared(llama, settings)) as graph:
            await idle(graph)
            llama.pause.clear()
            gen = graph.node("user").say("hello")
            await until(lambda: got(graph))
            graph.fence.cut("barge-in")
            await asyncio.sleep(0.02)
            llama.pause.set()
            await until(lambda: llama.stopped)
            assert [frame.text for frame in got(graph, gen)] == ["H"]
            await idle(graph)

    asyncio.run(main())


def test_more_people_than_slots_are_told_when_none_gets_free() -> None:
    llama = LlamaDouble()

    async def main() -> list[str]:
        given = {"prompt": "p", "wait_s": 0.2}
        brain = shared(llama, LlamaSettings.model_validate(given), slots=1)
        nodes = {"user": User, "agent": ("agent.llama", given), "end": sink(TextDelta)}
        edges = ["user.text -> agent.user", "agent.text -> end.in"]
        async with running(nodes, edges, shared=brain) as one, running(nodes, edges, shared=brain) as two:
            await idle(one)
            await idle(two)
            llama.pause.clear()
            one.node("user").say("hello")
            await until(lambda: got(one))
            two.node("user").say("hello")
            await until(lambda: errors(two))
            one.fence.cut("test")
            llama.pause.set()
            two.node("user").say("again")
            await until(lambda: any(frame.text == "N" for frame in got(two)))
            return errors(two)

    (told,) = asyncio.run(main())
    assert told.startswith("the language model can answer 1 at a time, and none of them was done within 0.2 s")


@pytest.mark.parametrize("slots", [1, 2])
def test_two_people_never_share_a_word(slots: int) -> None:
    llama = LlamaDouble()

    async def main() -> None:
        brain = shared(llama, LlamaSettings(prompt="p"), slots=slots)
        nodes = {"user": User, "agent": ("agent.llama", {"prompt": "p"}), "end": sink(TextDelta)}
        edges = ["user.text -> agent.user", "agent.text -> end.in"]
        async with running(nodes, edges, shared=brain) as one, running(nodes, edges, shared=brain) as two:
            for turn in range(4):
                said = await asyncio.gather(reply(one, f"apples {turn}"), reply(two, f"pears {turn}"))
                assert said == [f"APPLES {turn}", f"PEARS {turn}"]

    asyncio.run(main())
    talks = [" ".join(message["content"].lower() for message in messages) for *_, messages in llama.asked]
    assert len(talks) == 2 + 8
    assert not any("apples" in talk and "pears" in talk for talk in talks)


@pytest.mark.models
def test_the_default_model_answers() -> None:
    async def main() -> str:
        nodes = {"user": User, "agent": ("agent.llama", {"seed": 1, "max_tokens": 12}), "end": sink(TextDelta)}
        async with running(nodes, ["user.text -> agent.user", "agent.text -> end.in"]) as graph:
            text = await reply(graph, "Hello there!")
            assert errors(graph) == []
            brain: _Brain = graph.engine.shared[LlamaSettings().key]
        brain.llama.close()
        return text

    assert Store().path(LlamaSettings().model).is_file()
    assert any(character.isalpha() for character in asyncio.run(main()))


@pytest.mark.parametrize("what", ["missing", "garbage"])
def test_a_model_that_cannot_be_had_is_named(tmp_path: Path, what: str) -> None:
    path = tmp_path / "brain.gguf"
    if what == "garbage":
        path.write_bytes(b"GGUF" + bytes(1000))
    result = play({"user": User, "agent": ("agent.llama", {"model": str(path)})}, ["user.text -> agent.user"])
    (error,) = result.errors
    assert str(path) in error
    assert "Traceback" not in error


def test_a_summary_is_made_in_the_slot_of_the_session_and_only_where_it_is_wanted() -> None:
    for wanted in (True, False):
        llama = LlamaDouble()
        texts = [f"text number {number} " * 4 for number in range(6)]
        graph, _ = converse(llama, *texts, prompt="p", memory=150, summarise=wanted)
        assert errors(graph) == []
        asked = [slot for slot, _, messages in llama.asked if messages[-1]["content"].endswith(ASKS)]
        assert bool(asked) == wanted
        assert len({slot for slot, *_ in llama.asked}) == 1
