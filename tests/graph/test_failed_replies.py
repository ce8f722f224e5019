"""A failed reply always ends its turn, whatever fails in it and wherever."""

from __future__ import annotations

from typing import Any

import pytest

from vaidol.graph.errors import ProviderError
from vaidol.graph.events import Event
from vaidol.graph.frames import Frame, TextDelta, Transcript
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.tests.graphs import play, source


class Agent(Node[Settings]):
    """Begins a reply per transcript and fails as its class says."""

    inputs = (Port("user", Transcript),)
    outputs = (Port("text", TextDelta),)
    replies = True

    async def process(self, port: str, frame: Transcript) -> None:  # type: ignore[override]
        await self.reply(self.ctx.fence.begin(frame.trace), frame.trace)

    async def reply(self, gen: int, trace: int) -> None:
        raise NotImplementedError

    def say(self, text: str, gen: int, trace: int, *, final: bool = False) -> None:
        self.emit("text", TextDelta(text=text, gen=gen, trace=trace, final=final))


class FailsAtOnce(Agent):
    async def reply(self, gen: int, trace: int) -> None:
        raise ProviderError("401")


class FailsInTheMiddle(Agent):
    async def reply(self, gen: int, trace: int) -> None:
        self.say("Well", gen, trace)
        await self.ctx.clock.sleep(0.1)
        raise ProviderError("reset")


class FailsInATask(Agent):
    async def reply(self, gen: int, trace: int) -> None:
        async def answer() -> None:
            self.say("Well", gen, trace)
            await self.ctx.clock.sleep(0.1)
            raise ValueError("bug")

        self.ctx.spawn(answer(), gen=gen)


class NeverAnswers(Agent):
    async def reply(self, gen: int, trace: int) -> None:
        await self.ctx.clock.sleep(1e6)


class StopsHalfWay(Agent):
    async def reply(self, gen: int, trace: int) -> None:
        self.say("Well", gen, trace)
        await self.ctx.clock.sleep(1e6)


class Answers(Agent):
    async def reply(self, gen: int, trace: int) -> None:
        for i in range(5):
            self.say(f"{i}", gen, trace, final=i == 4)


class Plays(Node[Settings]):
    """Stands for voice and pacer: plays what comes, and ends the turn with its last frame."""

    inputs = (Port("text", TextDelta),)

    def process(self, port: str, frame: Frame) -> None:
        self.ctx.fence.spoke(frame.gen)
        if frame.final:
            self.ctx.fence.played_out(frame.gen)


class Breaks(Node[Settings]):
    """Fails on every frame."""

    inputs = (Port("text", TextDelta),)
    outputs = (Port("text", TextDelta),)

    def process(self, port: str, frame: Frame) -> None:
        raise ProviderError("broken voice")


def turns(agent: type[Node[Any]], middle: type[Node[Any]] | None = None) -> list[tuple[str, str]]:
    """How each of two turns ended, and why."""
    heard = [(0.0, Transcript(text="hi", trace=7)), (100.0, Transcript(text="again", trace=8))]
    nodes: dict[str, Any] = {"asr": source(Transcript, heard), "agent": agent, "out": Plays}
    edges = ["asr.out -> agent.user", "agent.text -> out.text"]
    if middle is not None:
        nodes["middle"], edges[1:] = middle, ["agent.text -> middle.text", "middle.text -> out.text"]

    result = play(nodes, edges, seconds=300, turn={"first_audio_ms": 2000})
    ends: list[Event] = [e for e in result.events if e.name in ("turn_done", "turn_cut", "turn_failed")]
    assert len(result.named("turn_begin")) == len(ends) == 2
    return [(event.name, event.text) for event in ends]


@pytest.mark.parametrize(
    ("agent", "why"),
    [
        (FailsAtOnce, "401"),
        (FailsInTheMiddle, "reset"),
        (FailsInATask, "agent failed: ValueError"),
        (NeverAnswers, "no answer within 2 s"),
        (StopsHalfWay, "the answer stopped for 2 s"),
    ],
)
def test_a_failed_reply_always_ends_its_turn(agent: type[Node[Any]], why: str) -> None:
    assert turns(agent) == [("turn_failed", why)] * 2


def test_a_reply_whose_voice_breaks_ends_too() -> None:
    assert turns(Answers, Breaks) == [("turn_failed", "broken voice")] * 2


def test_a_reply_that_works_is_done() -> None:
    assert turns(Answers) == [("turn_done", "")] * 2
