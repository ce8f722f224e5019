"""A voice between a hand that puts sound in and an ear that takes it out: what a call is for it, without the call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

from vaidol.graph.errors import ProviderError
from vaidol.graph.events import Event
from vaidol.graph.frames import F32, Audio
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.plan import Plan, PlanEdge, PlanNode
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.server.ml.seats import Seat

HAND, EAR = "ml.hand", "ml.ear"
BLOCK_S = 0.1
PIECE_S = 120.0  # for the next piece of sound
PATIENT = {"late_ms": 60_000, "gap_ms": 60_000}  # nobody listens: rather late than in another voice


async def through(seat: Seat, sound: F32, rate: int) -> AsyncGenerator[Audio, None]:
    """`sound` (n,) at `rate` Hz through the voice of `seat`. Raises `ProviderError`
    also where what comes is not the voice's."""
    graph, hand, ear = seat.graph, seat.graph.node("hand"), seat.graph.node("ear")
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def note(event: Event) -> None:
        if event.name == "error" and not failed.done():
            failed.set_exception(ProviderError(event.text, retryable=True, code=event.code))

    gen = graph.fence.begin(graph.fence.newest + 1)
    end = graph.events.listen(note)
    try:
        hand.put(sound, rate, gen)
        frame = None
        while frame is None or not frame.final:
            frame = await _next(ear.heard, failed)
            if frame.gen == gen:
                yield frame
        graph.fence.played_out(gen)
    finally:
        end()
        failed.cancel()
        graph.fence.cut("nobody listens")
        ear.empty()


async def _next(heard: asyncio.Queue[Audio], failed: asyncio.Future[None]) -> Audio:
    getting = asyncio.ensure_future(heard.get())
    try:
        done, _ = await asyncio.wait((getting, failed), timeout=PIECE_S, return_when=asyncio.FIRST_COMPLETED)
        if failed in done:
            failed.result()
        if getting not in done:
            raise ProviderError(f"the voice sent nothing for {PIECE_S:g} s", retryable=True, code="stalled")
        return getting.result()
    finally:
        getting.cancel()


class Hand(Node[Settings]):
    """Puts in what is to be converted.  -> audio (Audio, any rate)"""

    outputs = (Port("audio", Audio, dtype="f32"),)
    replies = True

    def put(self, sound: F32, rate: int, gen: int) -> None:
        """`sound` (n,) at `rate` Hz as the reply `gen`."""
        self.ctx.spawn(self._put(sound, rate, gen), gen=gen)

    async def _put(self, sound: F32, rate: int, gen: int) -> None:
        step = int(BLOCK_S * rate)
        for begin in range(0, max(len(sound), 1), step):
            last = begin + step >= len(sound)
            piece = sound[begin : begin + step].copy()
            frame = Audio(samples=piece, rate=rate, pts=begin, gen=gen, trace=gen, sentence_end=last, final=last)
            await self.send("audio", frame)


class Ear(Node[Settings]):
    """Keeps what comes until somebody takes it.  audio (Audio, any rate) ->"""

    inputs = (Port("audio", Audio),)

    def __init__(self, settings: Settings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.heard: asyncio.Queue[Audio] = asyncio.Queue(8)

    async def process(self, port: str, frame: Audio) -> None:
        await self.heard.put(frame)

    def empty(self) -> None:
        """Forget what nobody took."""
        while not self.heard.empty():
            self.heard.get_nowait()


def between(plan: Plan, node: PlanNode, registry: Registry) -> Plan:
    """`node` between a hand and an ear, in no hurry."""
    registry.add(HAND, Hand)
    registry.add(EAR, Ear)
    known = type(node.settings).model_fields
    patient = {name: value for name, value in PATIENT.items() if name in known}
    node = replace(node, settings=node.settings.model_copy(update=patient), lane="reply")
    ends = (
        PlanNode("hand", HAND, Settings(), "reply", asynchronous=False),
        PlanNode("ear", EAR, Settings(), "reply", asynchronous=True),
    )
    edges = tuple(
        PlanEdge(source, "audio", target, "audio", Audio, None, "block", 400.0, 0, "reply")
        for source, target in (("hand", node.name), (node.name, "ear"))
    )
    turn = plan.turn.model_copy(update={"first_audio_ms": 600_000})
    return replace(plan, nodes=(ends[0], node, ends[1]), edges=edges, turn=turn)
