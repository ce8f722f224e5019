"""One client of `/client-ws` as the end `call` of a graph: what it says goes in, what the nodes say goes out to it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vaidol.graph.clock import Clock
from vaidol.graph.frames import F32
from vaidol.nodes.olv._player import RATE, Spoken
from vaidol.nodes.webrtc._call import Message
from vaidol.nodes.webrtc.data import TYPED
from vaidol.server.groups.mix import Place
from vaidol.server.listeners import Listeners
from vaidol.server.olv import messages
from vaidol.server.olv.character import Cast
from vaidol.server.olv.line import Line
from vaidol.server.olv.microphone import GIVEN, Microphone
from vaidol.server.olv.tools import Tools
from vaidol.server.olv.turns import ClientTurns

WAITING_BYTES = 32 * 2**20  # for a client that reads slowly: minutes of speech; then it is given up


class Link:
    """Implements `nodes.webrtc._call.Call` and `nodes.olv._player.Player`. Nothing in here waits for the client.

    `turns` is how the client sees the replies; it must be told of the graph's events.
    """

    def __init__(self, cast: Cast, clock: Clock) -> None:
        self.character = cast.character()
        self._cast = cast
        self._switching = False  # the client has asked for another character, and waits for it
        self.turns = ClientTurns(clock, self.tell)
        self.slow = False  # the client was given up
        self.closed = False
        self.place: Place | None = None  # in the mix of the room it is in
        self._line = Line()
        self._waiting: deque[str] = deque()
        self._bytes = 0
        self._more = asyncio.Event()
        self._audio: Listeners[F32, int] = Listeners()
        self._messages: Listeners[Message] = Listeners()
        self._plays: Listeners[()] = Listeners()
        self.sent: Listeners[Message] = Listeners()  # told of everything the nodes tell a page
        self._tools = Tools()
        self._takes: dict[str, Callable[[Message], None]] = {
            "subtitle": self._subtitle, "recording": self._recording, "error": self._error, "persona": self._persona,
            "tool": self._tool, "other": self._other,
        }  # fmt: skip
        self.microphone = Microphone(
            lambda samples: self._audio.tell(samples, GIVEN), lambda on: self._messages.tell({"t": "talk", "on": on})
        )

    # to the client

    def tell(self, message: dict[str, Any]) -> None:
        """Queue a message for the client."""
        if self.closed or self.slow:
            return
        text = messages.encode(message)
        self._waiting.append(text)
        self._bytes += len(text)
        self.slow = self._bytes > WAITING_BYTES
        self._more.set()

    async def next(self) -> str | None:
        """The oldest message for the client; waits for one. None: there will be no more."""
        while not self._waiting and not self.closed and not self.slow:
            self._more.clear()
            await self._more.wait()
        if self.slow or not self._waiting:
            return None
        text = self._waiting.popleft()
        self._bytes -= len(text)
        return text

    def played(self) -> None:
        """The client says that it has played everything it was given."""
        if self.turns.played():
            self._plays.tell()

    def close(self) -> None:
        """No further messages; those that wait are still given."""
        self.closed = True
        self._more.set()

    # to the graph

    def say(self, message: Message) -> bool:
        """What the page would say over its data channel; False where no node listens."""
        self._messages.tell(message)
        return bool(self._messages)

    def cut_by(self, message: Message) -> None:
        """`say` what ends the reply under way: the client has silenced it already."""
        with self.turns.silenced():
            self.say(message)

    def switch(self, file: str) -> None:
        """The client wants the character of `file` to go on."""
        self._switching = True
        try:
            self.say({"t": "persona", "name": self._cast.named(file)})
        except ValueError as error:
            self._error({"code": "persona", "message": str(error)})

    # Call

    def on_audio(self, take: Callable[[F32, int], None]) -> Callable[[], None]:
        return self._audio.add(take)

    def on_message(self, take: Callable[[Message], None]) -> Callable[[], None]:
        return self._messages.add(take)

    def on_join(self, take: Callable[[], None]) -> Callable[[], None]:
        take()  # who has opened the socket is there
        return lambda: None

    def play(self, samples: NDArray[np.int16], pts: int) -> None:
        """The client plays by itself: it was given whole sentences. Others in its room hear them now."""
        if self.place is not None:
            self.place.play(samples, pts)

    def on_others(self, take: Callable[[F32], None]) -> Callable[[], None]:
        """The client hears its own character only, and reads what others say."""
        return lambda: None

    def send(self, message: Message, *, fast: bool = False) -> None:
        """What the nodes tell a page, as far as a client of this protocol understands it."""
        take = self._takes.get(message["t"])
        if take is not None:
            take(message)
        self.sent.tell(message)

    def _subtitle(self, message: Message) -> None:
        if message["who"] == "user" and message["final"] and message["turn"] < TYPED:
            self.tell({"type": "user-input-transcription", "text": message["text"]})

    def _recording(self, message: Message) -> None:
        if message["on"]:
            self.tell(messages.full_text("This call is being recorded"))

    def _error(self, message: Message) -> None:
        self.tell(messages.error(message["message"]))
        if message["code"] == "persona" and self._switching:
            self._switching = False
            self.tell(self.character.message())  # the client has taken its model away already

    def _persona(self, message: Message) -> None:
        before, self.character = self.character, self._cast.character(message["name"])
        if self._switching or self.character != before:
            self._switching = False
            self.tell(self.character.message())
            self.tell({"type": "config-switched", "message": f"{self.character.name} goes on"})

    def _tool(self, message: Message) -> None:
        self.tell(self._tools.message(message, who=self.character.name))

    def _other(self, message: Message) -> None:
        """Somebody else in the room."""
        name = message["name"]
        self._next_line(messages.said_by(name, self._line.on(message["text"], who=name)))

    def _next_line(self, message: dict[str, Any]) -> None:
        """Clients add what is said to what was said before, unless they are told that somebody else speaks."""
        if self._line.turned:
            self.tell({"type": "force-new-message"})
        self.tell(message)

    # Player

    def speak(self, spoken: Spoken) -> None:
        who, sentence = self.character, spoken.sentence
        self.turns.sentence(spoken.gen)
        text = self._line.on(sentence.text, turn=spoken.gen)
        self._next_line(
            messages.audio(
                spoken.samples, RATE, text=text, name=who.name, avatar=who.avatar,
                expressions=who.expressions([cue.name for cue in sentence.cues if cue.kind == "expression"]),
            )
        )  # fmt: skip

    def spoke(self, gen: int) -> None:
        self.turns.given(gen)

    def on_played(self, take: Callable[[], None]) -> Callable[[], None]:
        return self._plays.add(take)
