"""Plays a scenario: runs the graph on its clock, lets the user act on time, and notes everything that happens."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vaidol.graph.engine import Engine
from vaidol.graph.errors import ProviderError
from vaidol.graph.events import Event
from vaidol.graph.frames import F32
from vaidol.graph.generations import TurnCut
from vaidol.graph.plan import Plan
from vaidol.graph.scenario import Scenario, Step
from vaidol.graph.scenario_stage import CHARACTER_MS, Caller, Stage, voice
from vaidol.graph.scheduler import Graph

LOOK_S = 0.1
IDLE_LOOKS = 3  # in a row; between two steps of a turn a graph may be idle for a moment
EVENTS = {
    "turn_begin": "begin",
    "turn_commit": "begin",
    "turn_spoke": "sound",
    "turn_done": "done",
    "turn_failed": "failed",
}
SAME = ("transcript", "hold", "resume", "error", "fallback", "restarted")
RAMP = 144  # samples in which the pacer slides to silence at a cut


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that happened, `ms` after the start; `gen`: the reply it belongs to, 0 = none."""

    ms: float
    what: str
    text: str = ""
    gen: int = 0
    node: str = ""


@dataclass
class Record:
    """What happened in a scenario. `steps`: when each began and ended, ms; one that was never reached is missing.

    wrong: broken promises of the engine itself, none of which may ever be seen.
    digest: SHA-256 over all events, messages and sound.
    """

    seen: list[Seen] = field(default_factory=list)
    steps: list[tuple[float, float]] = field(default_factory=list)
    ms: float = 0.0
    over: bool = False
    wrong: dict[str, str] = field(default_factory=dict)
    digest: str = ""


async def play(scenario: Scenario, plan: Plan, engine: Engine, sounds: Mapping[str, F32]) -> Record:
    """Run `plan` through `scenario`. `sounds`: the samples (n,) at 16 kHz of each of its sound files, as named in it.

    Raises `ProviderError` when a node cannot be opened or a model not be loaded, `PipelineError` for a step that this
    pipeline cannot take.
    """
    for needs in engine.needs(plan).values():
        for need in needs:
            await engine.shared.get(need)
    player = _Player(scenario, sounds, engine)
    ends = {"call": player.caller, "scenario": player.stage}
    engine.costs_s = {name: ms / 1000 for name, ms in scenario.spec.costs_ms.items()}
    async with Graph(plan, engine, session="scenario", ends=ends) as graph:
        broken = next((cell for cell in graph.cells.values() if cell.failed), None)
        if broken is not None:
            raise ProviderError(f"{broken.name}: {broken.error}")
        await player.run(graph)
    return player.record


class _Player:
    """Acts for the user and listens."""

    def __init__(self, scenario: Scenario, sounds: Mapping[str, F32], engine: Engine) -> None:
        self.scenario = scenario
        self.sounds = sounds
        self.clock = engine.clock
        self.record = Record()
        self.stage = Stage(scenario.spec)
        self.caller = Caller(self._sound, self._message)
        self._began_s = self.clock.s()
        self._hash = hashlib.sha256()
        self._news = asyncio.Event()
        self._begun: set[int] = set()  # the replies that were committed
        self._cuts: list[TurnCut] = []
        self._spoke: list[tuple[int, int]] = []  # first packet and generation of every reply that was heard

    async def run(self, graph: Graph) -> None:
        """Do all steps, wait until nothing is under way, and look at what is left."""
        self._graph, self._began_s = graph, self.clock.s()
        graph.events.listen(self._event)
        graph.fence.on_cut(self._cut)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.scenario.spec.limit_s):
                for index, step in enumerate(self.scenario.spec.script):
                    await self._step(index, step)
                await self._end()
                self.record.over = True
        self.record.ms = self._ms()
        self._judge(graph)
        self._hash.update(repr((self.caller.sounding, self.record.ms)).encode())
        self.record.digest = self._hash.hexdigest()

    async def _step(self, index: int, step: Step) -> None:
        if step.at is not None:
            await self.clock.sleep(max(0.0, self._began_s + step.at - self.clock.s()))
        elif step.after is not None:
            await self._wait_for(step.after, self.record.steps[-1][0] if self.record.steps else 0.0)
        await self.clock.sleep(step.wait_ms / 1000)
        begin = self._ms()
        self.record.steps.append((begin, begin))
        if step.say is not None or step.sound is not None:
            await self._speak(step)
        elif step.type is not None and not self.caller.type(step.type):
            raise self.scenario.error("this pipeline takes no typed text: it has no webrtc.data", "script", index)
        elif step.stop:
            self._graph.fence.cut("stopped by the user")
        self.record.steps[-1] = (begin, self._ms())

    async def _speak(self, step: Step) -> None:
        words = step.say or ""
        ms = step.ms or max(300.0, len(words) * CHARACTER_MS)
        samples = self.sounds[str(step.sound)] if step.sound is not None else voice(ms)
        quiet = asyncio.Event()
        self.stage.on_quiet = quiet.set
        self.stage.speak(samples, words)
        await quiet.wait()

    async def _wait_for(self, what: str, since_ms: float) -> None:
        at = 0
        while True:
            while at < len(self.record.seen):
                seen = self.record.seen[at]
                at += 1
                if seen.what == what and seen.ms >= since_ms:
                    return
            self._news.clear()
            await self._news.wait()

    async def _end(self) -> None:
        looks = 0
        while looks < IDLE_LOOKS and not self._graph.ended.done():
            await self.clock.sleep(LOOK_S)
            looks = looks + 1 if self._graph.idle else 0

    # listening

    def _ms(self) -> float:
        return round((self.clock.s() - self._began_s) * 1000, 3)

    def _see(self, what: str, text: str = "", gen: int = 0, node: str = "") -> None:
        self.record.seen.append(Seen(self._ms(), what, text, gen, node))
        self._news.set()

    def _event(self, event: Event) -> None:
        self._hash.update(repr(event).encode())
        if event.code == "speculative":
            return  # it begins for the people in the call when it is committed
        name = event.name if event.name in SAME else EVENTS.get(event.name)
        if name == "failed" and event.gen not in self._begun:  # that, they are told
            self._see("begin", gen=event.gen)
        if name in ("begin", "failed"):
            self._begun.add(event.gen)
        if event.name == "turn_spoke":
            self._spoke.append((self.caller.pts, event.gen))
        if event.name == "fallback":
            self.stage.stand_ins[event.node] = event.text
        if name is not None:
            self._see(name, event.text, event.gen, event.node)

    def _cut(self, cut: TurnCut) -> None:
        self._hash.update(repr(cut).encode())
        self._cuts.append(cut)
        if cut.reason != "failed" and cut.gen in self._begun:
            self._see("cut", cut.heard_text, cut.gen)

    def _sound(self, sounds: bool) -> None:
        if not sounds:
            self._see("silent")

    def _message(self, message: Mapping[str, Any]) -> None:
        self._hash.update(repr(message).encode())
        if message["t"] == "subtitle" and message["who"] == "avatar":
            self._see("reply", message["text"], message["turn"])
        elif message["t"] in ("expression", "motion"):
            self._see(message["t"], message["name"])

    # judging

    def _judge(self, graph: Graph) -> None:
        """The promises of the engine: they hold in every scenario, or the engine is broken."""
        wrong = self.record.wrong
        for first, last in self._stale():
            wrong["stale sound"] = f"heard from {first / 48:.0f} to {last / 48:.0f} ms of the output"
        for edge in graph.edges:
            if edge.entered != edge.taken + edge.dropped + edge.stale + len(edge.queue):
                wrong["unbalanced edge"] = edge.plan.name
        if graph.fence.turns and self.record.over:
            wrong["unended turn"] = f"reply {graph.fence.turns[0].gen}"
        if graph.ended.done():
            wrong["ended session"] = graph.ended.result()

    def _stale(self) -> list[tuple[int, int]]:
        """Stretches of sound after a reply was cut and before another one was heard."""
        heard = {gen for _, gen in self._spoke}
        found = []
        for cut in self._cuts:
            if cut.gen not in heard:
                continue
            begins = (pts for pts, gen in self._spoke if pts >= cut.at and gen != cut.gen)
            quiet, until = cut.at + RAMP, next(begins, self.caller.pts + 1)
            found += [(max(a, quiet), min(b, until)) for a, b in self.caller.sounding if max(a, quiet) < min(b, until)]
        return found
