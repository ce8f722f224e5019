"""One turn at a time, as a client of `/client-ws` must see it: each ends, whatever the client or a provider does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from vaidol.graph.clock import Clock
from vaidol.graph.events import Event
from vaidol.server.olv import messages

PATIENCE_S = 5.0  # for a client that has not said that it played everything, after it should have


class ClientTurns:
    """Follows the replies of a graph by its events, and tells the client by `send`.

    A turn: chain-start, sentences, `backend-synth-complete`, the client's `frontend-playback-complete`,
    `force-new-message`, chain-end. The client's word counts once, and only after it was given everything; without it
    the turn ends `PATIENCE_S` after the server's own reckoning of what it played.
    """

    def __init__(self, clock: Clock, send: Callable[[dict[str, Any]], None]) -> None:
        self._clock = clock
        self._send = send
        self._gen = 0  # of the turn under way, 0 = none
        self._sounds = False  # something of it was sent
        self._given = False  # everything of it was sent
        self._patience: asyncio.TimerHandle | None = None
        self._silenced = False

    @property
    def gen(self) -> int:
        """The reply the client is told of now; 0 = none."""
        return self._gen

    @contextmanager
    def silenced(self) -> Iterator[None]:
        """What is cut now, the client has silenced itself, and need not be told."""
        self._silenced = True
        try:
            yield
        finally:
            self._silenced = False

    def event(self, event: Event) -> None:
        """A listener of the graph's events."""
        if (event.name == "turn_begin" and event.code != "speculative") or event.name == "turn_commit":
            self._begin(event.gen)
        elif event.gen != self._gen or not self._gen:
            return
        elif event.name == "turn_done":
            self._wait()
        elif event.name == "turn_cut":
            if not self._silenced:
                self._send({"type": "interrupt-signal", "text": "conversation-interrupted"})
            self.end()
        elif event.name == "turn_failed":
            self.end()

    def sentence(self, gen: int) -> None:
        """A sentence of reply `gen` is sent."""
        self._sounds |= gen == self._gen

    def given(self, gen: int) -> None:
        """Every sentence of reply `gen` has been sent."""
        if gen == self._gen and self._sounds and not self._given:
            self._given = True
            self._send({"type": "backend-synth-complete"})

    def played(self) -> bool:
        """The client says that it has played everything; it may say so often, early, or never. True: it counts."""
        counts = bool(self._gen) and self._given
        if counts:
            self.end()
        return counts

    def nothing(self) -> None:
        """The client waits for an answer to nothing: that is over at once, unless one is under way."""
        if not self._gen:
            self._send(messages.control("conversation-chain-start"))
            self._send(messages.control("conversation-chain-end"))

    def end(self) -> None:
        """End the turn under way, if there is one."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if self._gen:
            self._gen = 0
            self._send({"type": "force-new-message"})
            self._send(messages.control("conversation-chain-end"))

    def _begin(self, gen: int) -> None:
        self.end()
        self._gen, self._sounds, self._given = gen, False, False
        self._send(messages.control("conversation-chain-start"))
        self._send(messages.full_text("Thinking..."))

    def _wait(self) -> None:
        """The server reckons that everything was played."""
        if not self._sounds:
            self.end()
            return
        self.given(self._gen)
        self._patience = self._clock.at(self._clock.s() + PATIENCE_S, self.end)
