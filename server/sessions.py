"""All sessions of a process: who may begin one, who comes back to which, and the end of them all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from vaidol.graph.engine import Engine
from vaidol.graph.plan import Plan
from vaidol.nodes.agent._history import History, Recorder
from vaidol.server.load import Load
from vaidol.server.networks import is_loopback
from vaidol.server.offer import Offer
from vaidol.server.running import Attend, Running
from vaidol.server.session import Session, SessionEnded

log = logging.getLogger("vaidol.server")
STOP_S = 1.2  # for all sessions together; what is not over then is cancelled
GRACE_S = 30.0
DRAIN_LOOK_S = 0.2


class Full(Exception):
    """No room for another session. `code`: full (as many as allowed), busy (the machine has no time for more) or ending
    (the server is about to stop)."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Sessions:
    """`async with` owns every task of every session."""

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        *,
        limit: int,
        each: int = 0,
        grace_s: float = GRACE_S,
        stun: tuple[str, ...] = (),
    ) -> None:
        """limit: how many; each: how many of them from one address that is not this machine's, 0 = any number."""
        self.limit = limit
        self.plan = plan  # of new sessions
        self._each = each
        self._engine = engine
        self.grace_s = grace_s
        self._stun = stun
        self._sessions: dict[str, Session] = {}  # by token
        self.attend: list[Attend] = []  # those who watch every session
        self.history: History | None = None  # where they write down what is said
        self.ending = False  # no more of them
        self._addresses: dict[object, str] = {}  # of the clients of all sessions, those that others run as well
        self._hosted: dict[str, Running] = {}  # those sessions by id, as far as they have begun
        self._running: set[asyncio.Task[None]] = set()
        self._tasks = asyncio.TaskGroup()
        self.load = Load(engine.clock, engine.ticker, lambda: len(self))

    def __iter__(self) -> Iterator[Running]:
        return iter((*self._sessions.values(), *self._hosted.values()))

    def __len__(self) -> int:
        return len(self._addresses)

    async def __aenter__(self) -> Sessions:
        await self._tasks.__aenter__()
        self._watch = self._tasks.create_task(self.load.watch(), name="load")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.cancel()
        for session in self._sessions.values():
            session.end("server stops")
        if self._running:
            await asyncio.wait(self._running, timeout=STOP_S)
        for task in self._running:
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    async def join(self, offer: Offer, token: str = "", address: str = "") -> tuple[str, str]:
        """Connect a client at `address`: to the session that `token` names if it still runs, else to a new one.

        Returns the name of the connection for `leave`, and the answer's SDP. Raises `BadOffer`, `Full`, `SessionEnded`.
        """
        session = self._sessions.get(token)
        if session is not None:
            try:
                answer = await session.connect(offer)
                return session.resource, answer
            except SessionEnded:
                pass
        self._admit(address)
        session = Session(self.plan, self._engine, grace_s=self.grace_s, stun=self._stun)
        session.attend = self.attend
        session.recorder = Recorder(self.history) if self.history is not None else None
        self._sessions[session.token], self._addresses[session] = session, address
        task = self._tasks.create_task(self._host(session), name=f"session {session.id}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        answered = False
        try:
            answer = await session.connect(offer)
            answered = True
        finally:
            if not answered:
                session.end("no connection")
        return session.resource, answer

    @contextmanager
    def place(self, address: str = "") -> Iterator[None]:
        """Take a place for a session that somebody else runs, as long as the context lasts. Raises `Full`."""
        self._admit(address)
        guest = object()
        self._addresses[guest] = address
        try:
            yield
        finally:
            del self._addresses[guest]

    @contextmanager
    def hosting(self, session: Running) -> Iterator[None]:
        """Know `session`, which somebody else runs in a `place`, as long as the context lasts."""
        self._hosted[session.id] = session
        try:
            yield
        finally:
            del self._hosted[session.id]

    async def drain(self, seconds: float) -> None:
        """Begin no more sessions, and wait for the end of those that run, `seconds` at the most."""
        self.ending = True
        until = self._engine.clock.s() + seconds
        while len(self) and self._engine.clock.s() < until:
            await self._engine.clock.sleep(DRAIN_LOOK_S)

    async def end_hosted(self) -> None:
        """End those sessions that others run: the server stops."""
        for session in tuple(self._hosted.values()):
            session.end("server stops")

    def _admit(self, address: str) -> None:
        """Raises `Full` when there is no room for one session more from `address`."""
        if self.ending:
            raise Full("the server is about to stop; try again in a moment", "ending")
        if len(self) >= self.limit:
            raise Full(f"all {self.limit} places are taken; try again in a moment", "full")
        if 0 < self._each <= list(self._addresses.values()).count(address) and not is_loopback(address):
            raise Full(f"{self._each} calls from one address are as many as there may be", "full")
        if len(self) and self.load.busy:
            raise Full("this machine has no time for another call just now; try again in a moment", "busy")

    def find(self, name: str = "") -> Session | None:
        """The call whose id or token is `name`; "" and "newest": the one that began last."""
        running = [session for session in self._sessions.values() if session.state != "ended"]
        if name in ("", "newest"):
            return running[-1] if running else None
        return next((session for session in running if name in (session.id, session.token)), None)

    def named(self, name: str) -> Running | None:
        """The session `name`, of whatever client; else as `find`."""
        hosted = self._hosted.get(name)
        return hosted if hosted is not None and hosted.state != "ended" else self.find(name)

    def leave(self, resource: str) -> bool:
        """End the session whose newest connection is `resource`; False when there is none. A viewer just goes."""
        for session in self._sessions.values():
            if session.resource == resource and resource:
                session.end("hung up")
                return True
            if session.audience.leave(resource):
                return True
        return False

    def report(self) -> list[dict[str, Any]]:
        """State and counters of every session, without anything that lets one join it."""
        return [session.report() for session in self]

    async def _host(self, session: Session) -> None:
        """Run one session; one that fails as a whole takes no other with it."""
        try:
            outcome = (await asyncio.gather(session.run(), return_exceptions=True))[0]
            if isinstance(outcome, BaseException):
                log.error("a session failed", extra={"session": session.id}, exc_info=outcome)
        finally:
            session.end("over")
            self._sessions.pop(session.token, None)
            self._addresses.pop(session, None)
