"""turn.smart: the user's turn ends when it sounds finished; what was heard is worked on before that is known."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from vaidol.graph.frames import F32, Audio, Speech, Transcript, Utterance
from vaidol.graph.node import Context, Need, Progress
from vaidol.graph.ports import Port
from vaidol.nodes._models import model_errors, model_path
from vaidol.nodes.turn._delay import Delay, Pace
from vaidol.nodes.turn._partials import Partials
from vaidol.nodes.turn._smart_settings import SmartTurnSettings
from vaidol.nodes.turn._state import SMART
from vaidol.nodes.turn._turns import RATE, Turns
from vaidol.nodes.turn._words import agrees, finished, objects

if TYPE_CHECKING:
    from vaidol.models.smart_turn import SmartTurn

POOL = "smart turn"
JUDGE_S = 1.0  # a judgement that takes longer is of no use
HEARD = 8 * RATE  # samples that the model hears
WORD_MS = 150  # no word is shorter
PROBE_S = 0.6  # words that come later are of no use
HURRY_MS = 600  # who goes on within this after the end of a turn had not finished


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

    speech (Speech), audio (Audio, 16 kHz), talk (Speech, a key is held), transcript (Transcript, of the utterances)
    -> utterance (Utterance, 16 kHz, final, with a generation of its own), partial (Utterance, what was said so far)

    After `speculate_ms` of silence the utterance is sent in a speculative generation. Who goes on abandons it, and the
    whole utterance is sent again; the end of the turn commits it. How long to wait for that end the words say first: a
    question takes `least_ms` to `question_ms` of silence, a statement `statement_ms` to `silence_ms`, words that go on
    `unfinished_ms`; within that, the less the more it sounds finished to the model. A speaker's own pauses move it.
    The end can be taken back as long as nothing of the reply was heard: who then goes on for `bargein_ms` is answered
    once, to all that was said. All attempts of an utterance have the same `trace`.
    """

    inputs: ClassVar[tuple[Port, ...]] = (
        *Turns.inputs,
        Port("transcript", Transcript, optional=True, many=True),
    )
    outputs: ClassVar[tuple[Port, ...]] = (*Turns.outputs, Port("partial", Utterance))
    carries = SMART

    def __init__(self, settings: SmartTurnSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._pace = Pace()
        self._delay = Delay(
            settings.least_ms, settings.question_ms, settings.statement_ms, settings.silence_ms, settings.unfinished_ms
        )
        self._numbered = False  # the utterance under way has its trace
        self._attempt = 0  # its speculative generation
        self._ended: _Ended | None = None  # the turn that ended last
        self._has_words = True  # transcripts come, as far as is known
        self._partials = Partials(settings.partial_ms / 1000)
        self._short_ms: float | None = None  # length of a short speech whose words are waited for
        # about the silence under way
        self._sounds = 0.0  # how finished, 0..1
        self._ask_at_ms = 0.0
        self._words: float | None = None  # how finished they are; None = not known yet
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
        if self._attempt and self._words is None and self._has_words:  # they are on their way
            return self.settings.silence_ms
        return self._delay.after(self._words if self._attempt else None, self._sounds, self._pace)

    @property
    def next_ms(self) -> float:
        if not self.meant:
            return self._needed_ms
        ahead = self._needed_ms if self._attempt else self.settings.speculate_ms or self._needed_ms
        ask = self._needed_ms if self._judging is not None else self._ask_at_ms
        return min(self._needed_ms, ahead, ask)

    @property
    def longest_ms(self) -> int:
        return max(self.settings.silence_ms, self.settings.unfinished_ms)

    def finish(self, end: int) -> None:
        begin, fence = self._begin, self.ctx.fence
        self._has_words = not self._attempt or self._words is not None
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
        early = last is not None and (pts - last.end) * 1000 < HURRY_MS * RATE
        if self._open or early:
            self._pace.paused(max(0, pts - self._quiet_from) * 1000 / RATE)
        if last is not None and not self._open:
            self._pace.ended(early=early)

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
        """What the recognizer understood."""
        if not frame.final:
            self._partials.answered(self.ctx.clock.s())
            if not frame.trace and self._short_ms is not None:
                self._judge_short(frame.text)
            return
        self._has_words = True
        if frame.final and frame.gen and frame.gen == self._attempt:
            self._words = finished(frame.text, frame.language or "en")

    @property
    def _trace(self) -> int:
        """The number of the utterance under way."""
        if not self._numbered:
            self._numbered = True
            self.next_trace()
        return self._count

    # words while the user speaks

    @property
    def bargein_ms(self) -> float:
        heard = any(turn.spoke for turn in self.ctx.fence.turns)
        least = self.settings.bargein_ms
        return max(least, self.settings.agreement_ms) if heard and self._partials.come else least

    def while_speaking(self, ms: float) -> None:
        super().while_speaking(ms)
        now_s = self.ctx.clock.s()
        if self._lasted:
            if self._partials.due(now_s) and self._ring.ends_loud(self._begin):
                self._say_so_far(self._begin, self._trace)
        elif ms >= self.settings.bargein_ms and self._short_ms is None:
            self._ask_words(ms)

    def was_short(self, ms: float) -> None:
        heard = any(turn.spoke for turn in self.ctx.fence.turns)
        if heard and not self.protection.active and self._partials.come and ms >= WORD_MS:
            self._ask_words(ms)
        else:
            super().was_short(ms)

    def _ask_words(self, ms: float) -> None:
        """The reply stays paused until it is known what was said into it."""
        waiting, self._short_ms = self._short_ms, ms
        if waiting is None:
            self._say_so_far(max(self._begin, self._since - RATE // 10), 0)
            self.ctx.spawn(self._give_up())

    def _judge_short(self, text: str) -> None:
        ms, self._short_ms = self._short_ms or 0.0, None
        if objects(text) or (ms >= self.settings.bargein_ms and not agrees(text)):
            self.interrupt()
        elif not self._speaking:
            self.ctx.fence.resume()

    async def _give_up(self) -> None:
        await self.ctx.clock.sleep(PROBE_S)
        if self._short_ms is not None:
            self._judge_short("")

    def _say_so_far(self, begin: int, trace: int) -> None:
        self._partials.asked(self.ctx.clock.s())
        sound = self._ring.take(begin, self._ring.end)
        self.emit("partial", Utterance(samples=sound, rate=RATE, pts=begin, trace=trace, born=self.ctx.clock.ns()))

    # judging

    def _ask(self, ms: float) -> None:
        self._ask_at_ms = ms + self.settings.judge_again_ms
        end = self._ring.end
        sound = self._ring.take(max(self._begin, end - HEARD), end)
        self._judging = self.ctx.spawn(self._judge(sound, self._quiet_from))

    async def _judge(self, sound: F32, quiet_from: int) -> None:
        sounds = 0.0
        try:
            async with asyncio.timeout(JUDGE_S):
                sounds = await self.judge(sound)
        except TimeoutError:
            self.ctx.events.publish("slow", node=self.ctx.node, value=JUDGE_S * 1000)
        finally:
            self._judging = None
        if self._open and not self._speaking and quiet_from == self._quiet_from:
            self._sounds = sounds + 0.5 - self.settings.finished
            self.while_quiet((self._ring.end - quiet_from) * 1000 / RATE)

    async def judge(self, sound: F32) -> float:
        """Whether who speaks in `sound` (n,), 16 kHz, with the silence behind it, has finished: 0..1."""
        return 1.0 if self._model is None else await self.ctx.call(POOL, self._model.finished, sound)

    def _forget_silence(self) -> None:
        self._sounds, self._words = 0.0, None
        self._ask_at_ms = self.settings.judge_ms


def _load(model: str, progress: Progress) -> SmartTurn:
    from vaidol.models.smart_turn import SmartTurn

    progress(0.0, model)
    path = model_path(model)
    with model_errors():
        return SmartTurn(path)
