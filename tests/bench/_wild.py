"""Random reply graphs of badly behaved nodes, with checks at every end: what `cut` interrupts at random."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict, deque
from random import Random
from typing import Any

import numpy as np

from vaidol.graph.ends import ENDS
from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import Audio, Frame, Sentence, Transcript
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.pacer import RAMP, RATE, Packet
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.nodes._paced import Paced

LEVELS = 97  # loudness tells the generation of a sample, and so does its sign
WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight")
FAULTS = ("stale", "reordered")


class Chance(Settings):
    """Where a node gets its randomness."""

    seed: int = 0
    """Of everything random in it."""


class Wild(Node[Chance]):
    """A node with chance and a book of faults; the book is the session's end `book`."""

    def __init__(self, settings: Chance, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.random = Random(settings.seed)
        self.book: Book = ctx.end("book")

    async def nap(self, most_ms: float) -> None:
        await self.ctx.clock.sleep(self.random.random() * most_ms / 1000)


class Book:
    """What went wrong, and what every reply was to say."""

    def __init__(self) -> None:
        self.faults: Counter[str] = Counter()
        self.texts: dict[int, list[str]] = defaultdict(list)
        self._last: dict[tuple[str, int], int] = {}

    def order(self, where: str, frame: Frame) -> None:
        """Frames of one reply arrive in the order in which they were made."""
        key = (where, frame.gen)
        self.faults["reordered"] += frame.seq <= self._last.get(key, -1)
        self._last[key] = frame.seq


def level(gen: int) -> float:
    """The value of all samples of reply `gen`, exact in float32 and int16."""
    return (gen % LEVELS + 1) / 128 * (1 if gen % 2 else -1)


class Talker(Wild):
    """wild.agent: some sentences, now and then a failure in the middle."""

    inputs = (Port("user", Transcript),)
    outputs = (Port("text", Sentence),)
    replies = True

    async def process(self, port: str, frame: Transcript) -> None:  # type: ignore[override]
        count = self.random.randint(1, 5)
        for seq in range(count):
            await self.nap(150)
            if self.random.random() < 0.02:
                raise ProviderError("the agent broke off")
            words = self.random.choices(WORDS, k=self.random.randint(1, 6))
            text = f"{' '.join(words)}."
            self.book.texts[frame.gen].append(text)
            made = Sentence(text=text, speech=text, seq=seq, final=seq == count - 1, gen=frame.gen, trace=frame.trace)
            await self.send("text", made)


class Voice(Wild):
    """wild.voice: 40 ms of a constant per frame."""

    inputs = (Port("in", Sentence),)
    outputs = (Port("out", Audio, rate=RATE, dtype="f32"),)

    def __init__(self, settings: Chance, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._seq = 0

    async def process(self, port: str, frame: Sentence) -> None:  # type: ignore[override]
        await self.nap(60)
        samples = np.full(1920, level(frame.gen), np.float32)
        count = len(frame.text) // 2
        for i in range(count + 1):
            self._seq += 1
            last = i == count
            made = Audio(
                samples=samples[:0] if last else samples, rate=RATE, of=frame, seq=self._seq, sentence_end=last,
                final=last and frame.final, gen=frame.gen, trace=frame.trace,
            )  # fmt: skip
            await self.send("out", made)


class Inline(Wild):
    """Hands on at once."""

    def process(self, port: str, frame: Frame) -> Any:
        self.emit("out", frame)


class Sending(Wild):
    """Hands on from a mailbox, and waits for room."""

    async def process(self, port: str, frame: Frame) -> None:
        await self.send("out", frame)


class Sleeping(Wild):
    """Takes its time."""

    async def process(self, port: str, frame: Frame) -> None:
        if self.random.random() < 0.3:
            await self.nap(20)
        await self.send("out", frame)


class Deaf(Wild):
    """Swallows its cancellation and sends all the same."""

    async def process(self, port: str, frame: Frame) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await self.nap(5)
        self.emit("out", frame)


class Chatter(Wild):
    """A task of its own per reply, which goes on sending after the reply was cut and the task cancelled."""

    def __init__(self, settings: Chance, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._queues: dict[int, deque[Frame]] = {}

    def process(self, port: str, frame: Frame) -> None:
        if frame.gen not in self._queues:
            self._queues[frame.gen] = deque()
            self.ctx.spawn(self._chat(frame.gen), gen=frame.gen)
        self._queues[frame.gen].append(frame)

    async def _chat(self, gen: int) -> None:
        queue, frame, late = self._queues[gen], None, 0
        while (frame is None or not frame.final) and late < 20:
            try:
                while not queue and not late:
                    await self.ctx.clock.sleep(0.004)
                await self.nap(6)
            except asyncio.CancelledError:
                late += 1
            late += late > 0
            frame = queue.popleft() if queue else frame
            if frame is not None:
                self.emit("out", frame)
        self._queues.pop(gen, None)


def behaving(frame_class: type[Frame]) -> dict[str, type[Wild]]:
    """Nodes that hand on frames of one class, each in its own way."""
    fmt: dict[str, Any] = {"rate": RATE, "dtype": "f32"} if frame_class is Audio else {}
    ports = {"inputs": (Port("in", frame_class, **fmt),), "outputs": (Port("out", frame_class, **fmt),)}
    kinds = (Inline, Sending, Sleeping, Deaf, Chatter)
    return {kind.__name__.lower(): type(kind.__name__, (kind,), ports) for kind in kinds}


class Tap(Wild):
    """wild.tap: somebody who listens in; a frame of a dead reply is a fault."""

    inputs = (Port("in", Audio, rate=RATE, dtype="f32"),)

    def process(self, port: str, frame: Frame) -> None:
        self.book.faults["stale"] += not self.ctx.fence.alive(frame.gen)
        self.book.order(self.ctx.node, frame)


class Loudspeaker(Paced[Chance]):
    """wild.out: looks at every sample that would be heard."""

    def __init__(self, settings: Chance, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.book: Book = ctx.end("book")

    async def process(self, port: str, frame: Audio) -> None:
        self.book.order("out", frame)
        await super().process(port, frame)

    def release(self, packet: Packet) -> None:
        samples = packet.samples
        if not packet.gen:  # what is left of a sound that stopped slides to silence within 3 ms
            self.book.faults["stale"] += int(np.count_nonzero(samples[RAMP:]))
            return
        dead = not self.ctx.fence.alive(packet.gen)
        other = samples * np.float32(1 / level(packet.gen))  # 1, less where it fades, never negative
        self.book.faults["stale"] += len(samples) if dead else int(np.count_nonzero((other < 0) | (other > 1.0001)))


SPEECH, SOUND = behaving(Sentence), behaving(Audio)
REGISTRY = Registry(
    extra={
        **ENDS,
        **{"wild.agent": Talker, "wild.voice": Voice, "wild.tap": Tap, "wild.out": Loudspeaker},
        **{f"speech.{name}": kind for name, kind in SPEECH.items()},
        **{f"sound.{name}": kind for name, kind in SOUND.items()},
    }
)


def graph(random: Random) -> dict[str, Any]:
    """A chain of sentence nodes, a voice, a tree of sound nodes; one of them feeds the loudspeaker, others a tap."""
    nodes: dict[str, Any] = {"user": {"use": "ends.inlet", "with": {"frame": "Transcript"}}}
    edges: list[Any] = []

    def add(name: str, use: str, after: str, **edge: Any) -> str:
        nodes[name] = {"use": use, "with": {"seed": random.getrandbits(30)}}
        port = {"wild.agent": "user", "wild.out": "audio"}.get(use, "in")
        edges.append({"from": after, "to": f"{name}.{port}", **edge})
        return f"{name}.out"

    add("agent", "wild.agent", "user.out")
    at = "agent.text"
    for i in range(random.randint(0, 3)):
        at = add(f"s{i}", f"speech.{random.choice(list(SPEECH))}", at)
    sounds = [add("voice", "wild.voice", at)]
    for i in range(random.randint(0, 6)):
        sounds.append(add(f"a{i}", f"sound.{random.choice(list(SOUND))}", random.choice(sounds)))
    bounds: list[dict[str, Any]] = [{}, {"policy": "block", "bound": 1}, {"policy": "never_drop"}, {"bound_ms": 80}]
    add("out", "wild.out", random.choice(sounds), **random.choice(bounds))
    losing = [{}, {"policy": "latest"}, {"policy": "drop_oldest", "bound": 3}]
    for i, leaf in enumerate(sounds):
        if random.random() < 0.5:
            add(f"tap{i}", "wild.tap", leaf, **random.choice(losing))
    return {"version": 1, "name": "wild", "nodes": nodes, "edges": edges, "turn": {"first_audio_ms": 5000}}
