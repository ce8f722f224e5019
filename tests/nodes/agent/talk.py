"""A conversation without models: a user who says things, an agent and a voice that do as told, a call that plays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import numpy as np

from tests.graphs import idle, running
from tests.nodes.webrtc.call_double import CallDouble
from vaidol.graph.clock import run_virtual
from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32, TextDelta, Transcript
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph
from vaidol.nodes.agent._chat import ChatAgent, ChatSettings
from vaidol.nodes.agent._memory import Message
from vaidol.nodes.tts._speaker import Speaker

PER_CHAR = 2400  # samples, 50 ms at 48 kHz


class User(Node[Settings]):
    """Says what a test tells it to, each time as a new turn."""

    outputs = (Port("text", Transcript, source=True),)
    said = 0

    def say(self, text: str, *, final: bool = True, dead: bool = False, speculative: bool = False) -> int:
        """Begin a turn with `text`; `dead`: cut it before the transcript comes. Returns its generation."""
        self.said += 1
        gen = self.ctx.fence.begin(self.said, speculative=speculative)
        if dead:
            self.ctx.fence.cut("test")
        self.emit("text", Transcript(text=text, final=final, gen=gen, trace=self.said))
        return gen


class ScriptedSettings(ChatSettings):
    gap_s: float = 0.05
    """Between two tokens, s."""


class ScriptedAgent(ChatAgent[ScriptedSettings]):
    """Answers by the last word of what the user said; see `stream`."""

    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        self.asked: list[list[Message]] = []
        self.closed = 0  # streams that came to their end or were closed

    async def stream(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        self.asked.append(messages)
        text = messages[-1]["content"]
        try:
            if text.endswith("nothing"):
                return
            if text.endswith("hang"):
                await asyncio.Event().wait()
            for number, word in enumerate(f"You said {text} to me. I have heard it all. Now go on, please.".split(" ")):
                await self.ctx.clock.sleep(self.settings.gap_s)
                if number == 6 and text.endswith("die"):
                    raise ProviderError("the model died")
                if number == 6 and text.endswith("stall"):
                    await asyncio.Event().wait()
                yield word if not number else f" {word}"
        finally:
            self.closed += 1


class ToneVoice(Speaker[Settings]):
    """Speaks 50 ms of a tone per character."""

    rate = 48_000

    async def speak(self, text: str) -> AsyncGenerator[F32, None]:
        await self.ctx.clock.sleep(0.03)
        yield np.full(PER_CHAR * len(text), 0.25, np.float32)


NODES: dict[str, Any] = {
    "user": User,
    "agent": ScriptedAgent,
    "sentences": "text.sentences",
    "voice": ToneVoice,
    "out": "webrtc.out",
}
EDGES = [
    "user.text -> agent.user",
    "agent.text -> sentences.text",
    "sentences.sentence -> voice.text",
    "voice.audio -> out.audio",
]
HEARD = {"from": "out.spoken", "to": "agent.heard", "feedback": True}


def talk(
    scene: Callable[[Graph], Awaitable[None]],
    *,
    heard: bool = True,
    prompt: str = "Be nice.",
    agent: type[ScriptedAgent] = ScriptedAgent,
    **settings: Any,
) -> Graph:
    """Run `scene` beside the conversation on virtual time; returns the graph after its end."""

    async def main() -> Graph:
        nodes = {**NODES, "agent": (agent, {"prompt": prompt, **settings})}
        edges = [*EDGES, *([HEARD] if heard else [])]
        async with running(nodes, edges, ends={"call": CallDouble()}) as graph:
            await scene(graph)
            await idle(graph)
            graph.memory = graph.node("agent").memory.messages()  # type: ignore[attr-defined]
        return graph

    return run_virtual(main())


async def until(happened: Callable[[], object], *, within_s: float = 30) -> None:
    """Wait for something of another thread or process."""
    ends = asyncio.get_running_loop().time() + within_s
    while not happened():
        assert asyncio.get_running_loop().time() < ends, "it never happened"
        await asyncio.sleep(0.005)


def got(graph: Graph, gen: int = 0) -> list[TextDelta]:
    """What came to the sink `end`, of one generation or of all."""
    frames = [frame for _, frame in graph.node("end").__dict__.get("got", [])]
    return [frame for frame in frames if frame.gen == gen or not gen]


async def reply(graph: Graph, text: str) -> str:
    """Say `text` and wait for the end of the answer at the sink `end`; returns what came of it."""
    gen = graph.node("user").say(text)
    await until(lambda: any(frame.final for frame in got(graph, gen)))
    graph.fence.played_out(gen)
    return "".join(frame.text for frame in got(graph, gen))


def past(graph: Graph) -> list[tuple[str, str]]:
    """What the agent remembers without its head: (role, text)."""
    messages: list[Message] = graph.memory  # type: ignore[attr-defined]
    return [(message["role"], message["content"]) for message in messages[1:]]


def errors(graph: Graph) -> list[str]:
    return [event.text for event in graph.events if event.name == "error"]


def ends(graph: Graph) -> list[str]:
    """How the turns ended."""
    return [event.name for event in graph.events if event.name in ("turn_done", "turn_cut", "turn_failed")]
