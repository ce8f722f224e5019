"""A day of an avatar that speaks by itself, on the virtual clock: people talk and write, viewers come, and at night
nobody does. What it must never do is counted."""

from __future__ import annotations

import asyncio
import resource
import time
from collections import deque
from random import Random
from typing import Any

from vaidol.graph.clock import run_virtual
from vaidol.graph.events import Event
from vaidol.graph.frames import Speech, Transcript
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.scheduler import Graph
from vaidol.nodes.turn.autonomous import AUTONOMOUS
from vaidol.tests.graphs import running
from vaidol.tests.nodes.agent.talk import EDGES, HEARD, NODES, ScriptedAgent
from vaidol.tests.nodes.webrtc.call_double import CallDouble

HOUR_S = 3600.0
NIGHT = (1, 8)  # o'clock
GAP_S, PER_HOUR = 60.0, 20
WISH: dict[str, Any] = {
    "after_s": 40, "every_s": 600, "gap_s": GAP_S, "per_hour": PER_HOUR, "alone": 5, "on_viewer": "Greet the viewer",
    "prompts": [f"Topic {number}" for number in range(40)],
}  # fmt: skip


class Ear(Node[Settings]):
    """Says that somebody speaks when the day says so."""

    outputs = (Port("speech", Speech, source=True),)

    def speech(self, active: bool) -> None:
        self.emit("speech", Speech(active=active))


class Deaf(CallDouble):
    """Keeps nothing of what is played: a day of it would be 8 GB."""

    def play(self, samples: Any, pts: int) -> None:
        self.packets = pts

    def send(self, message: Any, *, fast: bool = False) -> None:
        """Nobody reads."""


class Day:
    """Plays the people, and watches what the avatar does meanwhile."""

    def __init__(self, graph: Graph, seed: int) -> None:
        self.graph = graph
        self.random = Random(seed)
        self.speaking = False
        self.quiet_s = 0.0
        self.begun: deque[float] = deque()  # within the last hour
        self.figures = dict.fromkeys(("said", "over_somebody", "over_budget", "cut_by_people", "questions", "chat"), 0)
        graph.events.listen(self.event)

    def event(self, event: Event) -> None:
        now = event.ns / 1e9
        if event.name == "turn_begin" and event.trace >= AUTONOMOUS:
            self.figures["said"] += 1
            self.figures["over_somebody"] += self.speaking or now < self.quiet_s + 1.4
            while self.begun and self.begun[0] <= now - HOUR_S:
                self.begun.popleft()
            self.begun.append(now)
            self.figures["over_budget"] += len(self.begun) > PER_HOUR
        elif event.name == "turn_cut" and event.trace >= AUTONOMOUS:
            self.figures["cut_by_people"] += 1

    async def live(self, hours: float) -> None:
        clock, random = self.graph.clock, self.random
        while clock.s() < hours * HOUR_S:
            asleep = NIGHT[0] <= clock.s() / HOUR_S % 24 < NIGHT[1]
            await asyncio.sleep(random.expovariate(1 / (3000 if asleep else 90)))
            await random.choice((self.ask, self.ask, self.write, self.watch))()

    async def ask(self) -> None:
        ear, user = self.graph.node("ear"), self.graph.node("user")
        ear.speech(True)
        self.speaking = True
        await asyncio.sleep(self.random.uniform(0.5, 8))
        ear.speech(False)
        self.speaking, self.quiet_s = False, self.graph.clock.s()
        user.say("How is the sea today?")
        self.figures["questions"] += 1

    async def write(self) -> None:
        text = self.random.choice(("hello", "why?", "nice stream"))
        self.graph.node("alone").process("chat", Transcript(text=text, who="Ann", rank=int(text.endswith("?"))))
        self.figures["chat"] += 1

    async def watch(self) -> None:
        self.graph.events.publish("viewer", value=self.random.randrange(1, 40))


def day(hours: float = 24.0, seed: int = 1) -> dict[str, Any]:
    """Figures of so many hours."""

    async def main() -> dict[str, Any]:
        nodes = {
            **NODES, "agent": (ScriptedAgent, {"prompt": "Be nice.", "gap_s": 0.02}), "ear": Ear,
            "alone": ("turn.autonomous", WISH),
        }  # fmt: skip
        edges = [*EDGES, HEARD, "ear.speech -> alone.speech", "alone.user -> agent.user"]
        async with running(nodes, edges, ends={"call": Deaf()}) as graph:
            agent: Any = graph.node("agent")
            agent.asked = deque(maxlen=10)
            life = Day(graph, seed)
            await life.live(0.2)
            tasks, kb = len(asyncio.all_tasks()), _kb()
            await life.live(hours)
            await asyncio.sleep(60)
            return {**life.figures, "tasks_more": len(asyncio.all_tasks()) - tasks, "mb_more": (_kb() - kb) / 1024}

    began = time.perf_counter()
    told = run_virtual(main())
    return {"hours": hours, **told, "wall_s": time.perf_counter() - began}


def _kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
