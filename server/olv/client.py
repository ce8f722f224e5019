"""A client of `/client-ws`: its graph, its messages, and the end of both."""

from __future__ import annotations

import asyncio
import logging
import secrets
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from aiohttp import WSMsgType, web

from vaidol.graph.engine import Engine
from vaidol.graph.plan import Plan
from vaidol.graph.scheduler import Graph
from vaidol.nodes.agent._history import Recorder
from vaidol.nodes.webrtc._call import Message
from vaidol.server import protocol
from vaidol.server.autonomous import speakers
from vaidol.server.groups.mix import Mix
from vaidol.server.olv import messages
from vaidol.server.olv.character import Cast
from vaidol.server.olv.group import ClientGroups
from vaidol.server.olv.histories import Histories
from vaidol.server.olv.link import Link
from vaidol.server.olv.plans import for_client
from vaidol.server.pictures import BadPicture, given
from vaidol.server.running import Attend, State, meters

log = logging.getLogger("vaidol.server")
PROMPT = "Please say something that would be engaging."
UNSEEN = "There is no Live2D model to show: start vaidol with --live2d-models FOLDER."
PING_S = 30.0  # a socket that answers no ping for so long is dead
LAST_WORDS_S = 1.0  # for what still waits when a session ends
CLOSE_S = 1.0  # for a socket to close in good order
SEND_S = 20.0  # for one message; a client that takes longer has stopped reading
LOOK_S = 5.0  # between two looks at that


class Client:
    """One socket and its graph, a `Running` session; `run` lives as long as both do. `attend`: those who watch it."""

    avatar: protocol.Avatar | None = None  # these clients do not tell what theirs can do

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        cast: Cast,
        backgrounds: Callable[[], list[str]],
        *,
        groups: ClientGroups,
        recorder: Recorder | None = None,
        attend: Sequence[Attend] = (),
    ) -> None:
        self.id = secrets.token_hex(4)
        self.uid = str(uuid.uuid4())
        self.born_s = engine.clock.s()
        self.graph: Graph | None = None
        self._sending_s: float | None = None  # since when a message is being sent
        self._attend = attend
        self._end: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._plan = for_client(plan)
        self._engine = engine
        self._groups = groups
        self._recorder = recorder
        self._cast = cast
        self.link = Link(cast, engine.clock)
        self.sent = self.link.sent
        self._histories = Histories(engine, recorder, lambda: self.link.character.name, self.link.tell)
        self._acts: dict[str, Callable[[], object]] = {
            "mic-audio-end": self._heard_out,
            "interrupt-signal": lambda: self.link.cut_by({"t": "interrupt"}),
            "frontend-playback-complete": self.link.played,
        }
        self._answers: dict[str, Callable[[], dict[str, Any]]] = {
            "heartbeat": lambda: {"type": "heartbeat-ack"},
            "request-group-info": lambda: groups.info(self),
            "request-init-config": lambda: self.link.character.message(self.uid),
            "fetch-backgrounds": lambda: {"type": "background-files", "files": backgrounds()},
            "fetch-configs": lambda: {"type": "config-files", "configs": cast.configs()},
        }

    async def run(self, socket: web.WebSocketResponse) -> None:
        """Serve a socket that has been prepared, until it closes or the graph ends."""
        log.info("session begins", extra={"session": self.id, "protocol": "client-ws"})
        self._greet()
        try:
            ends = {"call": self.link} if self._recorder is None else {"call": self.link, "history": self._recorder}
            async with Graph(self._plan, self._engine, session=self.id, ends=ends) as graph:
                self.graph = graph
                with ExitStack() as watching:
                    watching.callback(graph.events.listen(self.link.turns.event))
                    for attend in self._attend:
                        watching.callback(attend(self, graph))
                    await self._serve(graph, socket)
        finally:
            self.end("over")
            await self._close(socket)
            log.info("session ended", extra={"session": self.id})

    async def _serve(self, graph: Graph, socket: web.WebSocketResponse) -> None:
        if not self._cast.shows:
            self.link.tell(messages.error(UNSEEN))
        self.link.tell(messages.control("start-mic"))
        reading = graph.own(self._read(graph, socket))
        writing = graph.own(self._write(socket))
        ends = (reading, writing, graph.ended, self._end)
        while not any(one.done() for one in ends) and not self._stuck():
            await asyncio.wait(ends, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        self.link.turns.end()
        for ended in (graph.ended, self._end):
            if ended.done():
                self.link.tell(messages.error(f"The session ended: {ended.result()}"))
        self.link.close()
        await asyncio.wait((writing,), timeout=LAST_WORDS_S)
        reading.cancel()
        writing.cancel()

    async def _close(self, socket: web.WebSocketResponse) -> None:
        try:
            async with asyncio.timeout(CLOSE_S):
                await socket.close()
        except TimeoutError:  # the client does not read, so that not even this gets through
            if (transport := socket.get_extra_info("transport")) is not None:
                transport.abort()

    # Running

    @property
    def state(self) -> State:
        if self._end.done():
            return "ended"
        return "opening" if self.graph is None else "connected"

    def end(self, reason: str) -> None:
        if not self._end.done():
            self._end.set_result(reason)

    def command(self, message: Message) -> bool:
        return self.link.say(message)

    def send(self, message: Message, *, fast: bool = False) -> None:
        self.link.send(message, fast=fast)

    def confide(self, message: Message) -> None:
        """Nothing of what a page alone is told has a place in this protocol."""

    def on_message(self, take: Callable[[Message], None]) -> Callable[[], None]:
        return self.link.on_message(take)

    def on_join(self, take: Callable[[], None]) -> Callable[[], None]:
        return self.link.on_join(take)

    def enter(self, mix: Mix) -> Callable[[], None]:
        """Let the others of a room hear its character, until the returned function is called; its person they read."""
        place = self.link.place = mix.place(None)

        def leave() -> None:
            place.leave()
            self.link.place = None

        return leave

    def report(self) -> dict[str, Any]:
        """What `/api/sessions` tells about it."""
        told: dict[str, Any] = {"id": self.id, "protocol": "client-ws", "state": self.state}
        told["age_s"] = round(self._engine.clock.s() - self.born_s, 1)
        return told | (meters(self.graph) if self.graph is not None else {})

    # messages

    def _greet(self) -> None:
        self.link.tell(self._groups.info(self))
        self.link.tell(messages.full_text("Connection established"))
        self.link.tell(self.link.character.message(self.uid))
        self.link.tell(self._groups.info(self))

    def _stuck(self) -> bool:
        """Whether the client takes too long to read a message; a deadline for each would cost as much as sending it."""
        return self._sending_s is not None and self._engine.clock.s() - self._sending_s > SEND_S

    async def _write(self, socket: web.WebSocketResponse) -> None:
        """Send what waits, in order; returns when there is no more to send or nobody reads it."""
        while (text := await self.link.next()) is not None:
            self._sending_s = self._engine.clock.s()
            try:
                await socket.send_str(text)
            except ConnectionError:
                return
            self._sending_s = None
        if self.link.slow:
            log.warning("a client reads too slowly", extra={"session": self.id})

    async def _read(self, graph: Graph, socket: web.WebSocketResponse) -> None:
        """Take messages in order until the socket closes; a bad one is told, and the next is taken."""
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                self.link.tell(messages.error("messages are JSON text, not bytes"))
                continue
            try:
                taken = messages.parse(message.data)
                if isinstance(taken, messages.History):
                    await self._histories.take(graph, taken)
                else:
                    self._take(taken)
            except messages.BadMessage as error:
                self.link.tell(messages.error(str(error)))

    def _look(self, pictures: messages.Pictures) -> None:
        """Show the graph what came along; a bad one is told, and the turn goes on without it."""
        for picture in pictures or ():
            try:
                self.link.say(given(picture))
            except BadPicture as error:
                self.link.tell(messages.error(str(error)))

    def _take(self, message: messages.FromClient) -> None:
        self._look(getattr(message, "images", None))
        if isinstance(message, messages.TextInput):
            if message.text.strip():
                self.link.cut_by({"t": "text", "text": message.text})
            else:
                self.link.turns.nothing()
        elif isinstance(message, messages.Sound):
            microphone = self.link.microphone
            if message.type == "mic-audio-data":
                with self.link.turns.silenced():
                    microphone.utterance(message.audio)
            else:
                microphone.stream(message.audio)
        elif isinstance(message, messages.Plain):
            self._plain(message.type)
        elif isinstance(message, messages.Speak):
            self._speak_by_itself()
        elif isinstance(message, messages.Group):
            self._groups.take(self, message)
        elif isinstance(message, messages.SwitchConfig):
            self.link.switch(message.file)

    def _heard_out(self) -> None:
        if not self.link.microphone.end():
            self.link.turns.nothing()

    def _speak_by_itself(self) -> None:
        nodes = speakers(self.graph)
        if not nodes:
            self.link.tell(messages.error("the pipeline has no node turn.autonomous that could speak by itself"))
        elif not self.link.turns.gen:
            self.link.tell(messages.full_text("AI wants to speak something..."))
            nodes[0].tell(PROMPT)

    def _plain(self, kind: str) -> None:
        if kind in self._acts:
            self._acts[kind]()
        elif kind in self._answers:
            self.link.tell(self._answers[kind]())
