"""turn.wake: let the avatar listen only after its name was called, for as long as the conversation goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from vaidol.graph.events import Event
from vaidol.graph.frames import Speech, Transcript
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.agent._persona import load_persona
from vaidol.nodes.turn._phrases import said, words
from vaidol.nodes.webrtc.data import TYPED


class WakeSettings(Settings):
    persona: str = ""
    """Whose name is listened for: a persona that ships with vaidol, or path of a YAML file; the agent's."""
    phrases: list[str] = Field(default_factory=list, max_length=50)
    """What wakes it, such as "hey robot"; empty: the name of the persona."""
    awake_s: float = Field(20.0, ge=1, le=3600)
    """It falls asleep when nobody has said anything for so long, s."""

    @field_validator("persona")
    @classmethod
    def _exists(cls, name: str) -> str:
        if name:
            load_persona(name)
        return name

    @model_validator(mode="after")
    def _has_words(self) -> Self:
        if not self.called or not all(words(phrase) for phrase in self.called):
            raise ValueError("what is it to be called? Set persona to that of the agent, or phrases")
        return self

    @property
    def called(self) -> list[str]:
        """What wakes it."""
        return self.phrases or ([load_persona(self.persona).name] if self.persona else [])


class Wake(Node[WakeSettings]):
    """turn.wake: between recognizer and agent: what is said goes on to the agent only while the avatar is awake.

    user (Transcript), speech (Speech), talk (Speech, a key is held)
    -> user (Transcript: what was said to the avatar; not a word of what was said to others)

    An utterance with its name in it wakes it, and is answered; so do typed text, the key to talk, and whatever it
    begins to say by itself. While it sleeps, a turn ends unanswered, and interrupts nothing.
    """

    inputs = (
        Port("user", Transcript, many=True),
        Port("speech", Speech, optional=True),
        Port("talk", Speech, optional=True),
    )
    outputs = (Port("user", Transcript),)
    carries = ("_awake",)

    def __init__(self, settings: WakeSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._awake = False
        self._busy = False  # somebody speaks, or holds the key
        self._ignored: set[int] = set()  # generations of what was said to others, not committed yet
        self._timer: asyncio.TimerHandle | None = None
        self._due = ctx.guarded(self._look)
        self._stop_listening: Callable[[], None] = lambda: None

    async def open(self) -> None:
        self._stop_listening = self.ctx.events.listen(self._event)
        self.ctx.fence.on_commit(self._committed)
        self._tell()

    def import_state(self, state: dict[str, Any]) -> None:
        super().import_state(state)
        if self._awake:
            self._tell()
            self._stay()

    async def close(self) -> None:
        self._stop_listening()
        self._cancel()

    def process(self, port: str, frame: Transcript | Speech) -> None:
        if isinstance(frame, Transcript):
            self._hear(frame)
            return
        self._busy = frame.active
        if port == "talk":
            self._wake()
        elif self._awake:
            self._stay()

    def _hear(self, frame: Transcript) -> None:
        if said(self.settings.called, frame.text):
            if frame.final and not self._awake:
                self.ctx.count("called")
            self._wake()
        if self._awake:
            self.emit("user", frame)
        elif frame.final:
            if frame.text:
                self.ctx.count("not_meant")
            self._ignore(frame.gen)

    def _ignore(self, gen: int) -> None:
        """Nobody answers `gen`. A speculative one lives on until it is committed: else it would be heard once more."""
        if self.ctx.fence.committed[gen]:
            self.ctx.fence.abandon(gen)
        else:
            self._ignored.add(gen)

    def _committed(self, gen: int) -> None:
        if gen in self._ignored:
            self.ctx.fence.abandon(gen)

    def _event(self, event: Event) -> None:
        if event.name == "turn_begin" and event.trace >= TYPED:
            self._wake()
        elif event.name in ("turn_done", "turn_cut", "turn_failed"):
            self._ignored.discard(event.gen)
            if self._awake:
                self._stay()

    def _wake(self) -> None:
        if not self._awake:
            self._awake = True
            self._tell()
        self._stay()

    def _stay(self) -> None:
        """Somebody is there: from now on it is awake for `awake_s`."""
        self._cancel()
        self._timer = self.ctx.clock.at(self.ctx.clock.s() + self.settings.awake_s, self._due)

    def _look(self) -> None:
        """Fall asleep, unless somebody speaks."""
        if self._busy or self.ctx.fence.turns:
            self._stay()
        else:
            self._awake = False
            self._tell()

    def _tell(self) -> None:
        name = "awake" if self._awake else "asleep"
        self.ctx.events.publish(name, node=self.ctx.node, text=self.settings.called[0])

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
