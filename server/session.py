"""A session: one person's call, its graph, and the connections that come and go while it lasts."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vaidol.graph.engine import Engine
from vaidol.graph.frames import F32
from vaidol.graph.plan import Plan
from vaidol.graph.scheduler import Graph
from vaidol.nodes.agent._history import Recorder
from vaidol.nodes.webrtc._call import Message
from vaidol.server import protocol
from vaidol.server.audience import Audience
from vaidol.server.groups.mix import Mix, Place
from vaidol.server.listeners import Listeners
from vaidol.server.offer import Offer
from vaidol.server.running import Attend, State, meters
from vaidol.server.shown import Shown

if TYPE_CHECKING:
    from vaidol.server.rtc import Peer

log = logging.getLogger("vaidol.server")
RATE = 48_000  # Hz
PRIVATE = ("memory",)  # kinds of messages that are for the person who speaks, and no viewers
LAST_WORDS_S = 0.2  # for the message that says why a session ends


class SessionEnded(Exception):
    """The session is over; a new one can be had."""


class Session:
    """Runs a graph of `plan` until `end`; implements `vaidol.nodes.webrtc._call.Call` for its nodes.

    It outlives a lost connection by `grace_s`: whoever knows `token` may come back within that time.
    """

    def __init__(self, plan: Plan, engine: Engine, *, grace_s: float, stun: tuple[str, ...] = ()) -> None:
        self.id = secrets.token_hex(4)
        self.token = secrets.token_urlsafe(24)
        self.born_s = engine.clock.s()
        self.graph: Graph | None = None  # once its nodes are open
        self.resource = ""  # names the newest connection towards its client
        self.attend: Sequence[Attend] = ()  # those who watch its graph
        self.recorder: Recorder | None = None  # writes down what is said
        self._plan = plan
        self._engine = engine
        self._grace_s = grace_s
        self._stun = stun
        self._peer: Peer | None = None
        self._joined = False  # the peer's data channel is open
        self._muted = False
        self._grace: asyncio.TimerHandle | None = None
        self._tasks = asyncio.TaskGroup()
        self._running = asyncio.Event()
        self._end: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._audio: Listeners[F32, int] = Listeners()
        self._messages: Listeners[Message] = Listeners()
        self._joins: Listeners[()] = Listeners()
        self._others: Listeners[F32] = Listeners()
        self._place: Place | None = None  # in the mix of the room it is in
        self._shown = Shown(engine.clock)
        self.sent: Listeners[Message] = Listeners()  # told of everything its client is sent
        self.avatar: protocol.Avatar | None = None  # what the model on the page can do, once it has told
        self.audience = Audience(self.id, engine.clock, stun, self._viewer_joined)

    @property
    def state(self) -> State:
        if self._end.done():
            return "ended"
        if self.graph is None:
            return "opening"
        return "connected" if self._peer is not None else "away"

    # life

    async def run(self) -> None:
        """Live until `end`. Everything the session started is over when this returns."""
        log.info("session begins", extra={"session": self.id})
        async with self._tasks as tasks:
            life = tasks.create_task(self._live(), name=f"{self.id} graph")
            self._running.set()
            reason = await self._end
            if self._peer is not None:
                self._peer.hang_up(reason)
            self.audience.hang_up(reason)
            if self._grace is not None:
                self._grace.cancel()
            life.cancel()
        log.info("session ended", extra={"session": self.id, "reason": reason})

    def end(self, reason: str) -> None:
        if not self._end.done():
            self._end.set_result(reason)

    async def connect(self, offer: Offer) -> str:
        """Answer a client's offer; an earlier connection of the session is given up. Returns the answer's SDP.

        Raises `BadOffer`, `SessionEnded`.
        """
        from vaidol.server.rtc import Peer

        peer = Peer(self, self._engine.clock, self._stun)
        answer = await peer.answer(offer)
        await self._running.wait()
        if self._end.done():
            await peer.close()
            raise SessionEnded
        if self._peer is not None:
            self._peer.hang_up("replaced by a newer connection")
        self._peer, self._joined = peer, False
        self.resource = secrets.token_urlsafe(12)
        if self._grace is not None:
            self._grace.cancel()
        self._tasks.create_task(self._serve(peer), name=f"{self.id} peer")
        return answer

    async def admit(self, offer: Offer) -> tuple[str, str]:
        """Let a viewer in. Returns its resource and the answer's SDP. Raises `BadOffer`, `NoSeat`, `SessionEnded`."""
        await self._running.wait()
        if self._end.done():
            raise SessionEnded
        return await self.audience.admit(offer, self._tasks)

    def command(self, message: Message) -> bool:
        """Tell the graph what somebody outside wants; False where no node of it listens."""
        self._messages.tell(message)
        return bool(self._messages)

    async def _live(self) -> None:
        ends = {"call": self} if self.recorder is None else {"call": self, "history": self.recorder}
        graph = Graph(self._plan, self._engine, session=self.id, ends=ends)
        async with graph:
            self.graph = graph
            with ExitStack() as stack:
                for attend in self.attend:
                    stack.callback(attend(self, graph))
                reason = await graph.ended
                self.send(protocol.error("ended", f"The session ended: {reason}", fatal=True))
                await self._engine.clock.sleep(LAST_WORDS_S)
                self.end("graph ended")

    async def _serve(self, peer: Peer) -> None:
        reason = await peer.run()
        log.info("connection ended", extra={"session": self.id, "reason": reason})
        if peer is not self._peer:
            return
        self._peer, self._joined = None, False
        if not peer.connected:
            self.end("never connected")
        elif not self._end.done():
            clock = self._engine.clock
            self._grace = clock.at(clock.s() + self._grace_s, lambda: self.end("nobody came back"))

    # what the peer tells

    def peer_heard(self, peer: Peer, samples: F32) -> None:
        if peer is self._peer:
            if self._muted:
                samples = np.zeros_like(samples)
            self._audio.tell(samples, RATE)

    def peer_said(self, peer: Peer, message: protocol.FromClient) -> None:
        if peer is not self._peer:
            return
        if isinstance(message, protocol.Hello):
            if message.v != protocol.VERSION:
                said = f"this server speaks version {protocol.VERSION} of the protocol, the page {message.v}: reload it"
                self.send(protocol.error("version", said))
            if self.recorder is not None and not self.recorder.user:  # the first stays: what was said is theirs
                self.recorder.user = message.user
            return
        if isinstance(message, protocol.Avatar):
            self.avatar = message
            return
        if isinstance(message, protocol.Mute):
            self._muted = message.on
        self._messages.tell(message.model_dump())

    def peer_joined(self, peer: Peer) -> None:
        if peer is not self._peer:
            return
        self._joined, self._muted = True, False
        for message in self._greeting(self.token):
            peer.send(message)
        self._joins.tell()

    def _viewer_joined(self) -> list[Message]:
        if self.graph is not None:
            self.graph.events.publish("viewer", value=len(self.audience))
        return self._greeting("")

    def _greeting(self, token: str) -> list[Message]:
        """What a new connection is told first: who this is, and all that is to be seen just now."""
        return [protocol.hello(session=self.id, token=token, pipeline=self._plan.name), *self._shown.messages()]

    # Call

    def on_audio(self, take: Callable[[F32, int], None]) -> Callable[[], None]:
        return self._audio.add(take)

    def on_message(self, take: Callable[[Message], None]) -> Callable[[], None]:
        return self._messages.add(take)

    def on_join(self, take: Callable[[], None]) -> Callable[[], None]:
        remove = self._joins.add(take)
        if self._joined:  # the client was quicker than the nodes
            take()
        return remove

    def play(self, samples: NDArray[np.int16], pts: int) -> None:
        if self._place is not None:
            self._place.play(samples, pts)
        else:
            self._hear(samples, pts)

    def on_others(self, take: Callable[[F32], None]) -> Callable[[], None]:
        return self._others.add(take)

    def send(self, message: Message, *, fast: bool = False) -> None:
        if not fast:
            self._shown.note(message)
        if message["t"] not in PRIVATE:
            self.audience.send(message, fast=fast)
        if self._peer is not None:
            self._peer.send(message, fast=fast)
        self.sent.tell(message)

    # a room with others

    def enter(self, mix: Mix) -> Callable[[], None]:
        """Hear, and be heard by, all of a room, until the returned function is called."""
        place = self._place = mix.place(self._hear, self._others.tell)
        stop = self.on_audio(lambda samples, _: None if self._disguised else place.speak(samples))

        def leave() -> None:
            stop()
            place.leave()
            self._place = None

        return leave

    @property
    def _disguised(self) -> bool:
        """Whether its person speaks through the avatar, with another voice: then nobody is to hear their own."""
        kinds = self.graph.plan.nodes if self.graph is not None else ()
        return any(getattr(node.settings, "live", False) for node in kinds if node.kind == "webrtc.out")

    def _hear(self, samples: NDArray[np.int16], pts: int) -> None:
        if self._peer is not None:
            self._peer.play(samples, pts)
        self.audience.play(samples, pts)

    def confide(self, message: Message) -> None:
        """Tell the person's page, and no viewer."""
        if self._peer is not None:
            self._peer.send(message)

    # meters

    def report(self) -> dict[str, Any]:
        """What `/api/sessions` tells about it."""
        told: dict[str, Any] = {"id": self.id, "protocol": "webrtc", "state": self.state}
        told["age_s"] = round(self._engine.clock.s() - self.born_s, 1)
        told["viewers"] = len(self.audience)
        if self._peer is not None:
            told["packets"] = self._peer.counts
        if self.graph is not None:
            told |= meters(self.graph)
        return told
