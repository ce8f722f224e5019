"""What is to be seen just now: the messages that somebody who joins late must be told."""

from __future__ import annotations

from vaidol.graph.clock import Clock
from vaidol.nodes.webrtc._call import Message

MOST_PARAMS = 256
KINDS = ("state", "expression", "param", "gaze", "subtitle", "cut", "turn")


class Shown:
    """`note` every message that is sent; `messages` are those a late joiner needs to look like all others."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._state: Message = {"t": "state", "value": "listening"}
        self._expression: Message = {"t": "expression", "at": 0, "name": "neutral", "weight": 1.0, "ms": 300}
        self._lasting: dict[str, Message] = {}  # "gaze" and "param ID" -> its newest message
        self._spoken: Message | None = None  # the avatar's sentence that sounds
        self._until_s: dict[str, float] = {}  # of what does not stay until the next

    def note(self, message: Message) -> None:
        kind = message["t"]
        if kind not in KINDS:
            return
        if kind == "state":
            self._state = message
        elif kind == "expression":
            self._expression = message
            self._note_end("expression", message)
        elif kind == "subtitle":
            self._spoken = message if message["who"] == "avatar" else self._spoken
        elif kind in ("cut", "turn"):
            if self._spoken is not None and self._spoken["turn"] == message["turn"]:
                self._spoken = None
        elif not (message["x"] is None if kind == "gaze" else message.get("weight") == 0):
            key = kind if kind == "gaze" else f"param {message['id']}"
            if key in self._lasting or len(self._lasting) < MOST_PARAMS:
                self._lasting[key] = message
                self._note_end(key, message)
        else:
            self._lasting.pop("gaze" if kind == "gaze" else f"param {message['id']}", None)

    def messages(self) -> list[Message]:
        now_s = self._clock.s()
        over = [key for key, until_s in self._until_s.items() if until_s <= now_s]
        for key in over:
            del self._until_s[key]
            self._lasting.pop(key, None)
        if "expression" in over:
            self._expression = {"t": "expression", "at": 0, "name": "neutral", "weight": 1.0, "ms": 300}
        told = [self._state, self._expression, *self._lasting.values()]
        return told if self._spoken is None else [*told, self._spoken]

    def _note_end(self, key: str, message: Message) -> None:
        self._until_s.pop(key, None)
        if hold_ms := message.get("hold_ms"):
            self._until_s[key] = self._clock.s() + hold_ms / 1000
