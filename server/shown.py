"""What is to be seen just now: the messages that somebody who joins late must be told."""

from __future__ import annotations

from vaidol.graph.clock import Clock
from vaidol.nodes.webrtc._call import Message

MOST_PARAMS = 256
PAST_S = 0.5  # what was said so long ago is due by now, whatever its `at`
NEUTRAL: Message = {"t": "expression", "name": "neutral", "weight": 1.0, "ms": 300}


class Shown:
    """`note` every message that is sent; `messages` are those a late joiner needs to look like all others."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said: dict[str, tuple[Message, float]] = {  # what of -> its newest message, and when that was sent
            "state": ({"t": "state", "value": "listening"}, 0.0),
            "expression": (NEUTRAL, 0.0),
        }

    def note(self, message: Message) -> None:
        kind = message["t"]
        if kind in ("state", "expression", "persona", "sight"):
            self._said[kind] = (message, self._clock.s())
        elif kind == "gaze":
            self._last(kind, message, over=message["x"] is None)
        elif kind == "param":
            self._last(f"param {message['id']}", message, over=message.get("weight") == 0)
        elif kind == "subtitle" and message["who"] == "avatar":
            self._said["subtitle"] = (message, self._clock.s())
        elif kind in ("cut", "turn") and self._speaks(message["turn"]):
            del self._said["subtitle"]

    def messages(self) -> list[Message]:
        now_s = self._clock.s()
        for key, (message, since_s) in tuple(self._said.items()):
            if (hold_ms := message.get("hold_ms")) and now_s >= since_s + hold_ms / 1000:
                del self._said[key]
        self._said.setdefault("expression", (NEUTRAL, 0.0))
        told = [_due(message) if now_s > since_s + PAST_S else message for message, since_s in self._said.values()]
        return sorted(told, key=lambda message: message["t"] != "state")

    def _speaks(self, turn: int) -> bool:
        return "subtitle" in self._said and self._said["subtitle"][0]["turn"] == turn

    def _last(self, key: str, message: Message, *, over: bool) -> None:
        if over:
            self._said.pop(key, None)
        elif key in self._said or len(self._said) < MOST_PARAMS:
            self._said[key] = (message, self._clock.s())


def _due(message: Message) -> Message:
    """`message` without its time: now."""
    return {name: value for name, value in message.items() if name != "at"}
