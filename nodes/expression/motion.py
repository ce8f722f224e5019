"""expression.motion: what the body does by itself while it speaks, listens and thinks."""

from __future__ import annotations

import random
from collections.abc import Callable

from pydantic import Field

from vaidol.graph.events import Event
from vaidol.graph.frames import Cue, Frame, Mark, Speech
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.expression._gestures import gestures
from vaidol.nodes.expression._when import due

NOW = 0  # a sample that has been heard long ago: at once
THINKING_MS = 6000  # the look of somebody who thinks ends by itself after this
OVER = ("turn_spoke", "turn_done", "turn_cut", "turn_failed")


class MotionSettings(Settings):
    gestures: float = Field(0.7, ge=0, le=1)
    """How far the head goes along with the words, as a share of a lively speaker; 0: not at all."""
    thinking: bool = True
    """Look aside while the answer is sought, and back when it comes."""
    listening: str = "nod"
    """Motion of somebody who listens, when the user pauses; empty: none."""
    listening_every_s: float = Field(5.0, ge=0.5, le=600)
    """Time between two of them at least, s."""
    speaking: tuple[str, ...] = ()
    """Motions of the model for the beginning of replies, one of them by chance; they give way to those the agent asks
    for."""


class Motion(Node[MotionSettings]):
    """expression.motion: gestures by the words being heard, nods while the user speaks, an absent look while thinking.

    spoken (Mark, what was played), speech (Speech, of the user) -> cue (Cue)

    Motions are of the priority `idle`: one that the agent or somebody else asked for is never disturbed.
    """

    inputs = (Port("spoken", Mark, optional=True), Port("speech", Speech, optional=True))
    outputs = (Port("cue", Cue, source=True),)

    def __init__(self, settings: MotionSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._chance = random.Random(1)
        self._begun = 0  # generation whose first sentence has been seen
        self._absent = False  # looks aside
        self._nodded_s = -settings.listening_every_s
        self._stop_listening: Callable[[], None] = lambda: None

    async def open(self) -> None:
        self._stop_listening = self.ctx.events.listen(self.ctx.guarded(self._event))

    async def close(self) -> None:
        self._stop_listening()

    def process(self, port: str, frame: Frame) -> None:
        if isinstance(frame, Speech):
            self._listen(frame)
        elif isinstance(frame, Mark) and frame.kind == "sentence_start" and frame.sentence is not None:
            self._speak(frame, frame.sentence.text)

    def _speak(self, mark: Mark, text: str) -> None:
        if mark.gen != self._begun:
            self._begun = mark.gen
            if self.settings.speaking:
                name = self._chance.choice(self.settings.speaking)
                self.emit("cue", Cue(kind="motion", name=name, priority="idle", pts=mark.pts, **mark.stamp()))
        if not self.settings.gestures:
            return
        for offset, moves in gestures(text, self._chance):
            for move in moves:
                cue = Cue(
                    kind="param",
                    name=move.id,
                    value=move.value,
                    weight=self.settings.gestures,
                    fade_ms=move.fade_ms,
                    hold_ms=move.hold_ms,
                    offset=offset,
                    pts=due(mark, offset),
                    **mark.stamp(),
                )
                self.emit("cue", cue)

    def _listen(self, speech: Speech) -> None:
        """Nod where the user pauses, and nobody is to be answered yet."""
        now_s, name = self.ctx.clock.s(), self.settings.listening
        due = now_s - self._nodded_s >= self.settings.listening_every_s
        if name and due and not speech.active and not self.ctx.fence.turns:
            self._nodded_s = now_s
            self.emit("cue", Cue(kind="motion", name=name, priority="idle", born=self.ctx.clock.ns()))

    def _event(self, event: Event) -> None:
        seeks = event.name == "turn_commit" or (event.name == "turn_begin" and event.code != "speculative")
        if seeks and self.settings.thinking and not self._absent:
            self._absent = True
            side = self._chance.choice((-1, 1))
            self._look(0.45 * side, 0.55, ms=400, hold_ms=THINKING_MS)
        elif event.name in OVER and self._absent:
            self._absent = False
            self._look(None, None, ms=250, hold_ms=0)

    def _look(self, x: float | None, y: float | None, *, ms: int, hold_ms: int) -> None:
        look = Cue(kind="gaze", name="", x=x, y=y, fade_ms=ms, hold_ms=hold_ms, pts=NOW, born=self.ctx.clock.ns())
        self.emit("cue", look)
