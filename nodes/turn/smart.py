"""turn.smart: the user's turn ends when it sounds finished; what was heard is worked on before that is known."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from vaidol.graph.frames import F32, Audio, Speech, Transcript
from vaidol.graph.node import Context, Need, Progress
from vaidol.graph.ports import Port
from vaidol.nodes._models import model_errors, model_path
from vaidol.nodes.turn._turns import RATE, Turns, TurnSettings
from vaidol.nodes.turn._unfinished import unfinished

if TYPE_CHECKING:
    from vaidol.models.smart_turn import SmartTurn

POOL = "smart turn"
JUDGE_S = 1.0  # a judgement that takes longer is of no use
HEARD = 8 * RATE  # samples that the model hears
PATIENCE_MAX = 2.5
PATIENCE_UP, PATIENCE_DOWN = 1.35, 0.93  # for each turn that was ended too early, and for each that was not
HURRY_MS = 600  # who goes on within this after the end of a turn had not finished


class SmartTurnSettings(TurnSettings):
    silence_ms: int = Field(900, ge=50, le=5_000)
    """Silence after the last speech that ends the turn whatever it sounded like, ms."""
    least_ms: int = Field(260, ge=50, le=5_000)
    """Silence that a turn which sounds finished needs at least, ms. It grows for a speaker who goes on after it, up to
    2.5 times but never above `silence_ms`, and shrinks back."""
    unfinished_ms: int = Field(1600, ge=50, le=10_000)
    """Silence that ends a turn whose words go on ("I would like to"), ms; only where `transcript` comes in."""
    judge_ms: int = Field(192, ge=50, le=2_000)
    """The model is asked after this much silence, ms."""
    judge_again_ms: int = Field(200, ge=50, le=2_000)
    """And again after each further silence of this length, ms; each time takes about 50 ms of a core."""
    finished: float = Field(0.5, ge=0, le=1)
    """Probability from which on the turn counts as finished, 0..1. Lower: quicker, and cuts in more often."""
    speculate_ms: int = Field(160, ge=0, le=5_000)
    """After this much silence recognizer and agent begin to work on what was said, in the hope that the turn is over;
    nothing of it is heard before that is known, ms. 0 = never. The VAD's hangover is the least that works."""
    model: str = "smart-turn-v3.2"
    """Model of the catalogue, or path of an ONNX file; "" = only the words decide."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """A turn that has ended: its reply, and what its utterance was, so that it can be opened again."""

    gen: int
    begin: int
    end: int
    floor: int
    voiced: int


class SmartTurns(Turns[SmartTurnSettings]):
    """turn.smart: find the end of the user's turn by its sound and its words, and let the user interrupt.

    speech (Speech), audio (Audio, 16 kHz), transcript (Transcript, what the recognizer makes of the utterances)
    -> utterance (Utterance, 16 kHz, final, with a generation of its own)

    After `speculate_ms` of silence the utterance is sent in a speculative generation. Who goes on abandons it, and the
    whole utterance is sent again; the end of the turn commits it. It sounds finished to the model from the probability
    `finished` on; then `least_ms` of silence are enough, unless the words go on. The end can be taken back as long as
    nothing of the reply was heard: who then goes on for `bargein_ms` is answered once, to all that was said. All
    attempts of an utterance have the same `trace`.
    """

    inputs: ClassVar[tuple[Port, ...]] = (
        *Turns.inputs,
        Port("transcript", Transcript, optional=True, many=True),
    )

    def __init__(self, settings: SmartTurnSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._patience = 1.0
        self._numbered = False  # the utterance under way has its trace
        self._attempt = 0  # its speculative generation
        self._ended: _Ended | None = None  # the turn that ended last
        self._has_words = True  # transcripts come, as far as is known
        # about the silence under way
        self._finished = 0.0
        self._ask_at_ms = 0.0
        self._words_go_on: bool | None = None  # None = not known yet
        self._judging: asyncio.Task[None] | None = None
        self._forget_silence()

    @classmethod
    def needs(cls, settings: SmartTurnSettings) -> tuple[Need, ...]:
        if not settings.model:
            return ()
        return (Need(f"smart turn {settings.model}", "turn detection", partial(_load, settings.model)),)

    async def open(self) -> None:
        name = self.settings.model
        self._model: SmartTurn | None = self.ctx.shared(f"smart turn {name}") if name else None

    def process(self, port: str, frame: Speech | Audio | Transcript) -> None:
        if isinstance(frame, Transcript):
            self._read(frame)
        else:
            super().process(port, frame)

    # the end of a turn

    def while_quiet(self, ms: float) -> None:
        wanted = self.settings
        if self.meant:
            if wanted.speculate_ms and ms >= wanted.speculate_ms and not self._attempt:
                self._speculate()
            if ms >= self._ask_at_ms and self._judging is None:
                self._ask(ms)
        if ms >= self._needed_ms:
            self.end_turn()

    @property
    def _needed_ms(self) -> float:
        """Silence that ends the turn, as far as is known."""
        wanted = self.settings
        if self._words_go_on and self._attempt:
            return self.longest_ms
        waits_for_words = self._has_words and self._attempt and self._words_go_on is None
        if self._finished < wanted.finished or waits_for_words:
            return wanted.silence_ms
        return min(wanted.least_ms * self._patience, wanted.silence_ms)

    @property
    def longest_ms(self) -> int:
        return max(self.settings.silence_ms, self.settings.unfinished_ms)

    def finish(self, end: int) -> None:
        begin, fence = self._begin, self.ctx.fence
        self._has_words = not self._attempt or self._words_go_on is not None
        if self._attempt and fence.alive(self._attempt):
            gen, self._attempt = self._attempt, 0
            self.ctx.mark(self._trace, "endpoint")
            fence.commit(gen)
        else:
            self.mark_end(self._trace)
            gen = self.send_utterance(end, speculative=False)
        self._ended = _Ended(gen, begin, end, self._floor, self._voiced)
        self._numbered, self._attempt = False, 0

    def went_on(self, pts: int) -> None:
        self._forget_silence()
        if self._attempt:
            self.ctx.fence.abandon(self._attempt)
            self._attempt = 0
        last = self._ended
        if last is not None and not self._open:
            hurried = (pts - last.end) * 1000 < HURRY_MS * RATE
            factor = PATIENCE_UP if hurried else PATIENCE_DOWN
            self._patience = min(max(self._patience * factor, 1.0), PATIENCE_MAX)

    def take_back(self) -> bool:
        last = self._ended
        if last is None or [turn.gen for turn in self.ctx.fence.turns] != [last.gen]:
            return False
        self.ctx.fence.abandon(last.gen)
        self._begin, self._floor, self._ended = last.begin, last.floor, None
        self._voiced += last.voiced
        self._numbered = True
        return True

    @property
    def kept_from(self) -> int:
        kept, last = super().kept_from, self._ended
        if last is not None and (turn := self.ctx.fence.turn(last.gen)) is not None and not turn.spoke:
            return min(kept, last.begin)
        return kept

    # working ahead

    def _speculate(self) -> None:
        self.mark_end(self._trace)
        self._attempt = self.send_utterance(self.turn_end, speculative=True)

    def _read(self, frame: Transcript) -> None:
        """What the recognizer understood; empty words may be the beginning of some."""
        self._has_words = True
        if frame.final and frame.gen and frame.gen == self._attempt:
            self._words_go_on = unfinished(frame.text, frame.language or "en")

    @property
    def _trace(self) -> int:
        """The number of the utterance under way."""
        if not self._numbered:
            self._numbered = True
            self.next_trace()
        return self._count

    # judging

    def _ask(self, ms: float) -> None:
        self._ask_at_ms = ms + self.settings.judge_again_ms
        end = self._ring.end
        sound = self._ring.take(max(self._begin, end - HEARD), end)
        self._judging = self.ctx.spawn(self._judge(sound, self._quiet_from))

    async def _judge(self, sound: F32, quiet_from: int) -> None:
        finished = 0.0
        try:
            async with asyncio.timeout(JUDGE_S):
                finished = await self.judge(sound)
        except TimeoutError:
            self.ctx.events.publish("slow", node=self.ctx.node, value=JUDGE_S * 1000)
        finally:
            self._judging = None
        if self._open and not self._speaking and quiet_from == self._quiet_from:
            self._finished = finished
            self.while_quiet((self._ring.end - quiet_from) * 1000 / RATE)

    async def judge(self, sound: F32) -> float:
        """Whether who speaks in `sound` (n,), 16 kHz, with the silence behind it, has finished: 0..1."""
        return 1.0 if self._model is None else await self.ctx.call(POOL, self._model.finished, sound)

    def _forget_silence(self) -> None:
        self._finished, self._words_go_on = 0.0, None
        self._ask_at_ms = self.settings.judge_ms


def _load(model: str, progress: Progress) -> SmartTurn:
    from vaidol.models.smart_turn import SmartTurn

    progress(0.0, model)
    path = model_path(model)
    with model_errors():
        return SmartTurn(path)
