"""expression.emotion: the face that goes with the words being heard."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from pydantic import Field

from vaidol.graph.frames import Cue, Mark, Sentence
from vaidol.graph.generations import TurnCut
from vaidol.graph.heard import due_ms
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.expression._sentiment import feel
from vaidol.nodes.text._cue_names import EXPRESSIONS, MOTIONS

RATE = 48_000  # Hz, of the output that `pts` counts
PER_S = 15.0  # characters spoken in a second: where in its sentence a word is, before the sentence has been heard


class EmotionSettings(Settings):
    sentiment: bool = True
    """Where the agent gives no expression, guess one from the words."""
    weight: float = Field(0.8, ge=0, le=1)
    """Strength of guessed expressions, 0..1."""
    hold_ms: int = Field(1500, ge=0, le=60_000)
    """The last expression stays this long after the reply, ms; then the face is neutral."""
    map: dict[str, str] = Field(default_factory=dict)
    """Other names for the avatar's own expressions and motions, such as joy: exp_03; names listed here pass even if
    vaidol does not know them."""


class Emotion(Node[EmotionSettings]):
    """expression.emotion: turn cues in the reply, or the mood of its words, into expressions and motions.

    spoken (Mark, what was played) -> cue (Cue, due at its `pts`, 48 kHz)

    A cue is due when its word is heard: by the voice's times where it tells them, else by its share of the sentence.
    """

    inputs = (Port("spoken", Mark),)
    outputs = (Port("cue", Cue),)

    def __init__(self, settings: EmotionSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._shown: Sentence | None = None  # the last sentence whose cues were sent
        self._face = "neutral"
        self._relax: asyncio.TimerHandle | None = None

    def process(self, port: str, frame: Mark) -> None:
        sentence = frame.sentence
        if sentence is not None and sentence is not self._shown:  # at its end, if it had no sound
            self._shown = sentence
            self._show(sentence, frame)
        if frame.kind == "reply_end":
            self._relax_after(frame.pts)

    def cut(self, cut: TurnCut) -> None:
        self._relax_after(cut.at)

    async def close(self) -> None:
        self._stay()

    def _show(self, sentence: Sentence, mark: Mark) -> None:
        self._stay()
        cues = sentence.cues
        if self.settings.sentiment and not any(cue.kind == "expression" for cue in cues):
            name, weight = feel(sentence.text)
            if name != "neutral":
                cues += (Cue(name=name, weight=weight * self.settings.weight, gen=mark.gen, trace=mark.trace),)
        for cue in cues:
            ms = due_ms(sentence, mark.words, cue.offset) if mark.words and cue.offset else None
            after_s = cue.offset / PER_S if ms is None else ms / 1000
            self._send(cue, mark.pts + int(after_s * RATE))

    def _send(self, cue: Cue, pts: int) -> None:
        if cue.name in self.settings.map or cue.name in EXPRESSIONS | MOTIONS:
            if cue.kind == "expression":
                self._face = cue.name
            self.emit("cue", replace(cue, name=self.settings.map.get(cue.name, cue.name), pts=pts))

    def _relax_after(self, pts: int) -> None:
        """Back to neutral in a while, unless something is said before: so it is not sent until it is due."""
        self._stay()
        if self._face != "neutral":
            hold_ms = self.settings.hold_ms
            neutral = Cue(born=self.ctx.clock.ns())  # of no generation: that of the reply is over by then
            due = self.ctx.clock.s() + hold_ms / 1000
            self._relax = self.ctx.clock.at(due, lambda: self._send(neutral, pts + hold_ms * RATE // 1000))

    def _stay(self) -> None:
        if self._relax is not None:
            self._relax.cancel()
            self._relax = None
