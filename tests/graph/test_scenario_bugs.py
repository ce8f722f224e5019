"""Published faults of other voice frameworks, rebuilt as conversations that must go well here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaidol.graph.frames import Audio, Sentence
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.graph.scenario import check
from vaidol.graph.scenario_check import verdicts
from vaidol.graph.scenario_play import Record
from vaidol.graph.yamlfile import Document
from vaidol.nodes.agent._memory import Message
from vaidol.nodes.sim.agent import SimAgent
from vaidol.server.cli.scenario import run_scenario

STORY = "Once upon a time there was a robot. It lived on a hill. It counted stars."
REPLIES = [{"to": "story", "text": STORY}, {"to": "time", "text": "It is noon."}]
ASK = {"at": 0.2, "say": "Tell me a story", "expect": [{"event": "sound", "within_ms": 1600}]}
BARGE_IN = {
    "after": "sound",
    "wait_ms": 700,
    "say": "Wait, what time is it?",
    "expect": [
        {"event": "cut", "text": "once upon", "since": "begin", "within_ms": 700},
        {"event": "transcript", "text": "what time is it"},
        {"event": "reply", "text": "it is noon"},
        {"event": "done"},
    ],
    "never": [{"event": "sound", "after": "cut", "before": "transcript"}, {"event": "reply", "text": "robot"}],
}


class StubbornTts(Node[Settings]):
    """A voice with a task that nobody knows of, which no cut and no cancellation stops."""

    inputs = (Port("text", Sentence),)
    outputs = (Port("audio", Audio, rate=48_000, dtype="f32"),)
    tasks: set[asyncio.Task[None]]

    async def open(self) -> None:
        self.tasks = set()

    async def process(self, port: str, frame: Sentence) -> None:
        task = asyncio.get_running_loop().create_task(self._talk(frame))
        self.tasks.add(task)
        await asyncio.shield(task)

    async def _talk(self, sentence: Sentence) -> None:
        samples = np.full(1920, 0.25, np.float32)
        for i in range(50):
            try:
                await asyncio.sleep(0.03)
            except asyncio.CancelledError:
                continue
            self.emit("audio", self._audio(sentence, samples if i < 49 else samples[:0], last=i == 49))

    def _audio(self, sentence: Sentence, samples: Any, *, last: bool) -> Audio:
        return Audio(
            samples=samples, rate=48_000, of=sentence, sentence_end=last, final=last and sentence.final,
            **sentence.stamp(),
        )  # fmt: skip

    async def close(self) -> None:
        await asyncio.gather(*self.tasks)


class UnstoppableAgent(SimAgent):
    """An agent whose first reply runs a tool that cannot be cancelled, between two sentences."""

    ran = False

    async def stream(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        async for word in super().stream(messages):
            yield word
            if word.startswith("It") and not self.ran:
                self.ran = True
                until = self.ctx.clock.s() + 6.0
                while self.ctx.clock.s() < until:
                    try:
                        await asyncio.sleep(until - self.ctx.clock.s())
                    except asyncio.CancelledError:
                        continue


KINDS = Registry("vaidol.nodes", extra={"x.stubborn": StubbornTts, "x.unstoppable": UnstoppableAgent})


def play(*script: dict[str, Any], pipeline: str = "default", **more: Any) -> Record:
    data = {"version": 1, "name": "bug", "replies": REPLIES, "script": list(script), **more}
    given = check(Document(data, "bug.yaml"))
    record = run_scenario(given, pipeline, KINDS)
    assert [(v.what, v.found) for v in verdicts(given, record) if not v.ok] == [], record.seen
    return record


def test_a_voice_that_goes_on_after_an_interrupt_is_not_heard() -> None:
    play(ASK, BARGE_IN, simulate={"tts": {"use": "x.stubborn"}})


def test_a_voice_that_goes_on_after_the_stop_button_is_not_heard() -> None:
    stop = {
        "after": "sound",
        "wait_ms": 500,
        "stop": True,
        "expect": [{"event": "cut", "within_ms": 1}, {"event": "silent", "within_ms": 40}],
        "never": [{"event": "sound"}, {"event": "reply"}],
    }
    play(ASK, stop, simulate={"tts": {"use": "x.stubborn"}})


def test_work_that_cannot_be_cancelled_does_not_hold_up_the_cut() -> None:
    record = play(ASK, BARGE_IN, simulate={"agent": {"use": "x.unstoppable"}})
    assert [seen.gen for seen in record.seen if seen.what == "cut"] == [1]


@pytest.fixture
def two_agents(tmp_path: Path) -> str:
    """The default pipeline with a second agent that stands in for the first."""
    path = tmp_path / "two.yaml"
    path.write_text(
        "version: 1\nname: two\nextends: default.yaml\nnodes:\n"
        "  agent: { fallback: spare, on_error: { policy: fallback } }\n"
        "  spare: { use: agent.llama }\n"
    )
    return str(path)


def by(node: str, text: str, **more: Any) -> dict[str, Any]:
    return {"by": node, "text": text, **more}


def test_an_agent_that_fails_at_once_is_replaced_within_the_turn(two_agents: str) -> None:
    expect = [
        {"event": "error", "text": "no key"},
        {"event": "fallback", "text": "spare"},
        {"event": "reply", "text": "here I am", "within_ms": 2500},
        {"event": "done"},
    ]
    replies = [by("agent", "Never said.", fail_after=0, error="no key"), by("spare", "Here I am.")]
    never = [{"event": "reply", "text": "never said"}, {"event": "failed"}]  # the stand-in gave all of it
    play({**ASK, "expect": expect, "never": never}, replies=replies, pipeline=two_agents)


def test_an_agent_that_fails_in_mid_reply_ends_that_reply_and_the_next_is_the_other_ones(two_agents: str) -> None:
    replies = [by("agent", STORY, fail_after=9, error="connection lost"), by("spare", "Here I am.")]
    first = {
        **ASK,
        "expect": [
            {"event": "error", "text": "connection lost"},
            {"event": "fallback", "text": "spare"},
            {"event": "reply", "text": "there was a robot"},
            {"event": "failed", "text": "connection lost"},
        ],
        "never": [{"event": "reply", "text": "here I am"}],
    }
    second = {
        "after": "failed",
        "wait_ms": 300,
        "say": "Are you there?",
        "expect": [{"event": "reply", "text": "here I am"}, {"event": "done"}],
        "never": [{"event": "reply", "text": "robot"}, {"event": "error"}],
    }
    play(first, second, replies=replies, pipeline=two_agents)


def test_an_interrupt_while_the_agent_is_being_replaced_leaves_one_reply(two_agents: str) -> None:
    replies = [by("agent", STORY, fail_after=9), by("spare", "Here I am.")]
    again = {
        "after": "fallback",
        "type": "Are you there?",
        "expect": [{"event": "cut"}, {"event": "begin"}, {"event": "reply", "text": "here I am"}, {"event": "done"}],
        "never": [{"event": "reply", "text": "robot"}],
    }
    record = play({**ASK, "expect": []}, again, replies=replies, pipeline=two_agents)
    assert sum(seen.what == "sound" for seen in record.seen) == 1
