"""Generations: every reply has a number, and a cut makes all frames of a dead number worthless at once.

`Fence.cut` is a plain function, not a message: when it returns, no sample of the dead generation can reach the
speaker, because edges and the pacer look the number up and the pacer has been cleared. Cancelling tasks afterwards
only saves work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from vaidol.graph.events import EventLog
from vaidol.graph.frames import Sentence

DEAD, ALIVE, SPECULATIVE = 0, 1, 2
Status = Literal["done", "cut", "failed"]


@dataclass(frozen=True, slots=True)
class TurnCut:
    """What a cut did: the reply `gen` ends here, and `heard_text` is exactly what was played of it (`heard_ms`)."""

    gen: int
    trace: int
    reason: str
    heard_text: str
    heard_ms: float
    at: int


class Playout(Protocol):
    """What the fence asks of the pacer at the graph's end."""

    def heard(self, gen: int) -> tuple[str, float]:
        """Text and ms of generation `gen` played so far."""

    def clear(self, gen: int) -> int:
        """Drop everything of `gen`; returns the output sample (48 kHz) from which on it is silent."""

    def protects(self, first_ms: float) -> bool:
        """Whether a protected sentence, or the first `first_ms` of a reply, is being heard."""

    @property
    def sounding(self) -> Sentence | None:
        """The sentence that is being heard and not over."""

    def hold(self) -> None: ...

    def resume(self) -> None: ...


@dataclass(slots=True)
class Turn:
    """The life of one reply. `status` None = under way."""

    gen: int
    trace: int
    status: Status | None = None
    spoke: bool = False
    error: str = ""


class Fence:
    """Who may speak: the generations of one session. All methods are synchronous and belong to the loop's thread."""

    def __init__(self, events: EventLog) -> None:
        self.life = bytearray([ALIVE])  # by generation; 0 is the input lane and lives for ever
        self.committed = bytearray([1])  # by generation: it has been allowed to speak, and was not abandoned
        self.playout: Playout | None = None
        self.held = False
        self.elsewhere = False  # others in the same room speak, or are about to: nothing begins here by itself
        self._events = events
        self._open: dict[int, Turn] = {}
        self._on_cut: list[Callable[[TurnCut], None]] = []
        self._on_begin: list[Callable[[Turn], None]] = []
        self._on_commit: list[Callable[[int], None]] = []

    @property
    def newest(self) -> int:
        """The generation begun last; 0 = none yet."""
        return len(self.life) - 1

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns under way, oldest first."""
        return tuple(self._open.values())

    def turn(self, gen: int) -> Turn | None:
        """The turn of `gen`, while it is under way."""
        return self._open.get(gen)

    def alive(self, gen: int) -> bool:
        return self.life[gen] != DEAD

    def begin(self, trace: int, *, speculative: bool = False) -> int:
        """Open a new reply; a committed one supersedes (cuts) those still under way. Returns its generation."""
        if not speculative:
            self.cut("superseded")
        self.life.append(SPECULATIVE if speculative else ALIVE)
        self.committed.append(not speculative)
        gen = self.newest
        turn = self._open[gen] = Turn(gen, trace)
        self._events.publish("turn_begin", gen=gen, trace=trace, code="speculative" if speculative else "")
        for call in self._on_begin:
            call(turn)
        return gen

    def commit(self, gen: int) -> bool:
        """Let a speculative reply speak; False when it is dead already."""
        if gen not in self._open:
            return False
        for turn in self.turns:
            if turn.gen < gen:
                self._kill(turn, "superseded")
        if gen not in self._open:  # a node that was told of a cut made another one
            return False
        if self.life[gen] == SPECULATIVE:
            self.life[gen], self.committed[gen] = ALIVE, True
            self._events.publish("turn_commit", gen=gen, trace=self._open[gen].trace)
            for call in self._on_commit:
                call(gen)
        return True

    def abandon(self, gen: int) -> None:
        """Throw away a reply of which nothing was heard: it counts as never committed, and nobody remembers it."""
        turn = self._open.get(gen)
        if turn and not turn.spoke:
            self.committed[gen] = False
            self._kill(turn, "abandoned")

    def cut(self, reason: str) -> None:
        """End every reply under way, now."""
        for turn in self.turns:
            self._kill(turn, reason)

    def protects(self, first_ms: float) -> bool:
        """Whether what is heard now may not be interrupted: a protected sentence, or the reply's first `first_ms`."""
        return self.playout is not None and self.playout.protects(first_ms)

    def hold(self) -> None:
        """Fade the playing reply out without losing it: the user may be interrupting."""
        if not self.held and self.playout and self._open:
            self.held = True
            self.playout.hold()
            self._events.publish("hold", gen=self.newest)

    def resume(self) -> None:
        """The interruption was none: go on where `hold` stopped."""
        if self.held and self.playout:
            self.held = False
            self.playout.resume()
            self._events.publish("resume", gen=self.newest)

    def spoke(self, gen: int) -> None:
        """The pacer played the first sound of `gen`."""
        turn = self._open.get(gen)
        if turn and not turn.spoke:
            turn.spoke = True
            self._events.publish("turn_spoke", gen=gen, trace=turn.trace)

    def failing(self, gen: int, error: str) -> None:
        """Note that a node failed for this reply; it ends as failed when its last frame has played."""
        turn = self._open.get(gen)
        if turn and not turn.error:
            turn.error = error

    def fail(self, gen: int, error: str) -> None:
        """End `gen` now as failed: nothing more of it will come or be played."""
        turn = self._open.get(gen)
        if turn:
            turn.error = turn.error or error
            self._kill(turn, "failed", status="failed")

    def played_out(self, gen: int) -> None:
        """The pacer has played the last frame of `gen`: its turn ends, done or failed."""
        turn = self._open.pop(gen, None)
        if turn:
            turn.status = "failed" if turn.error else "done"
            self.life[gen] = DEAD
            self._let_go()
            self._events.publish(f"turn_{turn.status}", gen=gen, trace=turn.trace, text=turn.error)

    def on_cut(self, call: Callable[[TurnCut], None]) -> None:
        self._on_cut.append(call)

    def on_begin(self, call: Callable[[Turn], None]) -> None:
        self._on_begin.append(call)

    def on_commit(self, call: Callable[[int], None]) -> None:
        self._on_commit.append(call)

    def _kill(self, turn: Turn, reason: str, status: Status = "cut") -> None:
        """Read the cursor, kill the number, clear the pacer, tell the client, then the nodes."""
        gen = turn.gen
        if gen not in self._open:  # a node that was told of a cut made another one
            return
        text, ms = self.playout.heard(gen) if self.playout else ("", 0.0)
        self.life[gen] = DEAD
        del self._open[gen]
        at = self.playout.clear(gen) if self.playout else 0
        self._let_go()
        turn.status = status
        self._events.publish(f"turn_{status}", gen=gen, trace=turn.trace, text=turn.error, value=at, code=reason)
        done = TurnCut(gen, turn.trace, reason, text, ms, at)
        for call in self._on_cut:
            call(done)

    def _let_go(self) -> None:
        """Where no reply is left to be held, the next one is not held either: nobody would resume it."""
        if self.held and not any(self.life[other] == ALIVE for other in self._open):
            self.held = False
            if self.playout:
                self.playout.resume()
