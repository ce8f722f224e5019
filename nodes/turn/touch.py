"""turn.touch: tell the agent that somebody touched the avatar, if it is to answer; the body has answered already."""

from __future__ import annotations

import re
from collections.abc import Callable

from pydantic import Field

from vaidol.graph.events import Event
from vaidol.graph.frames import Speech, Transcript
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port

TOUCHES = (1 << 40) + (1 << 39)  # utterance ids: above those of typed text, below what nobody asked for
NOTES = {
    "head": "pats your head",
    "hair": "strokes your hair",
    "face": "pokes your cheek",
    "hand": "takes your hand",
    "headphones": "taps on your headphones",
    "body": "pokes you",
}


class TouchSettings(Settings):
    react: bool = False
    """True: the agent answers a touch aloud; False: only the body does, at once and by itself."""
    notes: dict[str, str] = Field(default_factory=lambda: dict(NOTES), max_length=50)
    """What a touch of an area is, as in "The user pats your head."; an area counts where its name holds the key."""
    gap_s: float = Field(6.0, ge=0, le=3600)
    """At least this long between two touches that are answered, s."""


class Touch(Node[TouchSettings]):
    """turn.touch: let the agent answer a touch, when nobody speaks.

    speech (Speech: while it lasts, nothing is answered) -> user (Transcript, an aside: it is answered, but not shown or
    remembered as the user's words)

    A touch never interrupts: one that comes while somebody speaks or is answered is left to the body.
    """

    inputs = (Port("speech", Speech, optional=True),)
    outputs = (Port("user", Transcript, source=True),)

    def __init__(self, settings: TouchSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._speaking = False
        self._count = 0
        self._answered_s = float("-inf")
        self._stop_listening: Callable[[], None] = lambda: None

    async def open(self) -> None:
        self._stop_listening = self.ctx.events.listen(self._event)

    async def close(self) -> None:
        self._stop_listening()

    def process(self, port: str, frame: Speech) -> None:
        self._speaking = frame.active

    def _event(self, event: Event) -> None:
        if event.name != "touch" or not self.settings.react or self._speaking:
            return
        if self.ctx.fence.turns or self.ctx.fence.elsewhere:
            return
        now = self.ctx.clock.s()
        if now - self._answered_s < self.settings.gap_s:
            return
        self._answered_s = now
        self._count += 1
        trace = TOUCHES + self._count
        gen = self.ctx.fence.begin(trace)
        text = f"The user {self._deed(event.text)}. React to it in a few words."
        self.emit("user", Transcript(text=text, aside=True, final=True, born=self.ctx.clock.ns(), gen=gen, trace=trace))

    def _deed(self, area: str) -> str:
        """What was done; the area's name comes from a client, and only words of it are passed on."""
        words = " ".join(re.findall(r"[^\W\d_]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", area))).lower()[:40]
        known = sorted(self.settings.notes, key=len, reverse=True)  # headphones before head
        deed = next((self.settings.notes[key] for key in known if key.lower() in words), "")
        return deed or f"touches your {words or 'body'}"
