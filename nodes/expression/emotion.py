"""expression.emotion: the face that goes with the words being heard."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace

from pydantic import Field

from vaidol.graph.frames import Cue, Mark, Sentence
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.expression._sentiment import feel
from vaidol.nodes.expression._when import RATE, due
from vaidol.nodes.text._cue_names import EXPRESSIONS, MOTIONS

MOST_CLAUSES = 3  # of a sentence that may have a face each
CLAUSE = re.compile(r"[^,;:.!?…，。！？；]+[,;:.!?…，。！？；]*\s*")


class EmotionSettings(Settings):
    sentiment: bool = True
    """Where the agent gives no expression, guess one from the words of each clause."""
    weight: float = Field(0.8, ge=0, le=1)
    """Strength of guessed expressions, 0..1."""
    fade_ms: int = Field(300, ge=0, le=5000)
    """Time from one face to the next, ms."""
    sustain_ms: int = Field(2500, ge=0, le=60_000)
    """An expression keeps its full strength so long, ms; in a longer reply it calms down then."""
    calm: float = Field(0.6, ge=0, le=1)
    """What is left of an expression that has calmed down, as a share; 1: it never does."""
    hold_ms: int = Field(1500, ge=0, le=60_000)
    """The last expression stays this long after the reply, ms; then the face is neutral."""
    map: dict[str, str] = Field(default_factory=dict)
    """Other names for the avatar's own expressions and motions, such as joy: exp_03; names listed here pass even if
    vaidol does not know them."""


class Emotion(Node[EmotionSettings]):
    """expression.emotion: turn cues in the reply, or the mood of its words, into expressions and motions.

    spoken (Mark, what was played) -> cue (Cue, due at its `pts`, 48 kHz)

    A cue is due when its word is heard: by the times of the voice where it tells them, else by its share of the
    sentence, by characters.
    """

    inputs = (Port("spoken", Mark),)
    outputs = (Port("cue", Cue),)

    def __init__(self, settings: EmotionSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._shown: Sentence | None = None  # the last sentence whose cues were sent
        self._face = Cue()  # shown, or going to be within this sentence
        self._timer: asyncio.TimerHandle | None = None  # towards a calmer face
        self._over = False  # the timer waits for the time after a reply

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
        if self._over:  # a new reply begins before the face of the last one went
            self._stay()
        cues = sentence.cues
        if self.settings.sentiment and not any(cue.kind == "expression" for cue in cues):
            cues += tuple(replace(cue, **mark.stamp()) for cue in self._guessed(sentence.text))
        for cue in cues:
            faded = replace(cue, fade_ms=self.settings.fade_ms) if cue.kind == "expression" else cue
            self._send(faded, due(mark, cue.offset), mark.pts)

    def _guessed(self, text: str) -> list[Cue]:
        """The mood of each clause, where it changes; or else that of the whole sentence."""
        clauses = [(found.start(), *feel(found.group())) for found in CLAUSE.finditer(text)]
        moods = [mood for mood in clauses if mood[1] != "neutral"] or [(0, *feel(text))]
        cues: list[Cue] = []
        for offset, name, weight in moods[:MOST_CLAUSES]:
            if name != "neutral" and not (cues and cues[-1].name == name):
                at = 0 if not cues else offset  # the first face is there when the sentence begins
                cues.append(Cue(name=name, weight=weight * self.settings.weight, offset=at))
        return cues

    def _send(self, cue: Cue, pts: int, now_pts: int) -> None:
        """Send a cue that is due at `pts`, when it is `now_pts`."""
        if cue.name not in self.settings.map and cue.name not in EXPRESSIONS | MOTIONS:
            return
        self.emit("cue", replace(cue, name=self.settings.map.get(cue.name, cue.name), pts=pts))
        if cue.kind == "expression":
            self._face = cue
            self._calm_after(cue, pts, (pts - now_pts) * 1000 // RATE)

    def _calm_after(self, cue: Cue, pts: int, wait_ms: int) -> None:
        """After a while only a part of the expression is left, unless another comes before."""
        self._stay()
        if cue.name == "neutral" or self.settings.calm == 1 or not self.ctx.fence.alive(cue.gen):
            return
        after_ms = self.settings.sustain_ms
        calmer = replace(cue, weight=cue.weight * self.settings.calm, fade_ms=2 * self.settings.fade_ms)
        name = self.settings.map.get(cue.name, cue.name)
        calm = replace(calmer, name=name, pts=pts + after_ms * RATE // 1000, born=self.ctx.clock.ns())
        self._after(wait_ms + after_ms, lambda: self.emit("cue", calm))

    def _relax_after(self, pts: int) -> None:
        """Back to neutral in a while, unless something is said before: so it is not sent until it is due."""
        self._stay()
        if self._face.name != "neutral":
            hold_ms = self.settings.hold_ms
            neutral = Cue(fade_ms=2 * self.settings.fade_ms, born=self.ctx.clock.ns())  # of no generation: it is over
            at = pts + hold_ms * RATE // 1000
            self._over = True
            self._after(hold_ms, lambda: self._send(neutral, at, at))

    def _after(self, ms: float, call: Callable[[], None]) -> None:
        self._timer = self.ctx.clock.at(self.ctx.clock.s() + ms / 1000, self.ctx.guarded(call))

    def _stay(self) -> None:
        self._over = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
