"""Thousands of random interruptions of random graphs on virtual time: what slips through, which must be nothing."""

from __future__ import annotations

import time
from collections import Counter
from random import Random

from vaidol.graph.clock import run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.frames import Transcript
from vaidol.graph.generations import Turn, TurnCut
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.tests.bench import _wild as wild

PER_GRAPH = 100
IDLE_S = 60.0


class _Session:
    """One random graph and somebody who interrupts it at random."""

    def __init__(self, seed: int, interrupts: int) -> None:
        self.random = Random(seed)
        self.interrupts = interrupts
        self.book = wild.Book()
        self.turns: list[Turn] = []
        self.cuts = 0

    async def run(self) -> Counter[str]:
        """The faults, and under `interrupts` how many replies were really cut."""
        plan = compile_plan(from_dict(wild.graph(self.random)), wild.REGISTRY)
        engine = Engine(wild.REGISTRY)
        async with Graph(plan, engine, ends={"book": self.book}) as graph:
            graph.fence.on_cut(self._cut)
            graph.fence.on_begin(self.turns.append)
            while self.cuts < self.interrupts:
                await self._talk(graph)
            await self._idle(graph)
            self._balance(graph)
        engine.close()
        faults = Counter({**self.book.faults, "interrupts": self.cuts, "turns": len(self.turns)})
        faults["unended_turns"] += sum(turn.status not in ("done", "cut", "failed") for turn in self.turns)
        return faults

    async def _talk(self, graph: Graph) -> None:
        """One turn of the user: it supersedes the reply before, is interrupted, pauses it, or is a speculation."""
        random, fence, trace = self.random, graph.fence, len(self.turns) + 1
        guess = random.random() < 0.2
        gen = fence.begin(trace, speculative=guess)
        graph.node("user").push(Transcript(text="hi", final=True, gen=gen, trace=trace))
        await self._wait(graph, 0.4)
        if guess:
            fence.commit(gen) if random.random() < 0.6 else fence.abandon(gen)
            await self._wait(graph, 0.4)
        if random.random() < 0.3:
            fence.hold()
            await self._wait(graph, 0.2)
            if random.random() < 0.6:
                fence.resume()
                await self._wait(graph, 0.3)
        if random.random() < 0.7:
            fence.cut("barge-in")
            await self._wait(graph, 0.05)

    async def _wait(self, graph: Graph, about_s: float) -> None:
        await graph.clock.sleep(self.random.expovariate(1 / about_s) if self.random.random() < 0.8 else 0)

    async def _idle(self, graph: Graph) -> None:
        graph.fence.resume()
        until = graph.clock.s() + IDLE_S
        while not graph.idle and graph.clock.s() < until:
            await graph.clock.sleep(0.05)

    def _cut(self, cut: TurnCut) -> None:
        self.cuts += 1
        made = " ".join(self.book.texts[cut.gen])
        self.book.faults["heard_not_prefix"] += not made.startswith(cut.heard_text)
        self.book.faults["heard"] += bool(cut.heard_text)

    def _balance(self, graph: Graph) -> None:
        for edge in graph.edges:
            whole = edge.taken + edge.dropped + edge.stale + len(edge.queue)
            self.book.faults["unbalanced"] += edge.entered != whole
            self.book.faults["stopped_at_edges"] += edge.stale


def found(seed: int, interrupts: int = PER_GRAPH) -> Counter[str]:
    """What one random graph showed."""
    return run_virtual(_Session(seed, interrupts).run())


def main(quick: bool) -> dict[str, float]:
    """Faults over all interrupts; `heard`: cuts in mid-sound, `stopped_at_edges`: stale frames the fence held back."""
    interrupts, began = 10_000 if quick else 30_000, time.perf_counter()
    names = ("interrupts", *wild.FAULTS, "unbalanced", "unended_turns", "heard_not_prefix")
    total: Counter[str] = Counter()
    graphs = 0
    while total["interrupts"] < interrupts:
        total.update(found(graphs))
        graphs += 1
    told = {name: total[name] for name in (*names, "turns", "heard", "stopped_at_edges")}
    return {**told, "graphs": graphs, "wall_s": round(time.perf_counter() - began, 1)}


if __name__ == "__main__":
    print(main(quick=True))
