"""The base of turn nodes: the user's turn ends after a silence; the avatar's when the user takes the floor."""

from __future__ import annotations

from typing import ClassVar, TypeVar

import numpy as np

from vaidol.graph.clock import NS
from vaidol.graph.frames import Audio, Speech, Utterance
from vaidol.graph.node import Context, Node
from vaidol.graph.ports import Port
from vaidol.nodes.turn._meanwhile import Meanwhile
from vaidol.nodes.turn._protection import Protection
from vaidol.nodes.turn._ring import Ring
from vaidol.nodes.turn._settings import TurnSettings
from vaidol.nodes.turn._state import TURN

RATE = 16_000  # Hz
TAIL = RATE * 200 // 1000  # samples of the silence that stay behind the last word
LATE = RATE  # samples kept behind the pre-roll, for an onset that is told late
GAP = RATE // 2  # samples; sound missing for longer ends the turn, for shorter it becomes silence
LAG = RATE * 200 // 1000  # samples by which the VAD tells an end late; measured from the first end on
LAG_MAX = RATE


T = TypeVar("T", bound=TurnSettings)


class Turns(Node[T]):
    """speech (Speech), audio (Audio, 16 kHz), talk (Speech, a key is held)
    -> utterance (Utterance, 16 kHz, final, with a generation of its own)

    A subclass decides by `while_quiet` when a turn is over. At an onset the reply under way pauses (`Fence.hold`); when
    the speech has lasted `bargein_ms` it is cut, when it was shorter it goes on. Duration is known when the VAD's
    hangover has passed; nobody hears that delay, since the reply is paused by then.
    """

    inputs: ClassVar[tuple[Port, ...]] = (
        Port("speech", Speech),
        Port("audio", Audio, rate=RATE, dtype="f32"),
        Port("talk", Speech, optional=True),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("utterance", Utterance),)
    carries: ClassVar[tuple[str, ...]] = TURN

    def __init__(self, settings: T, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self.protection = Protection(settings, ctx.fence)
        self._ring = Ring()
        self._count = 0  # utterances sent
        self._floor = 0  # no sound before this sample belongs to a later utterance
        self._meanwhile = Meanwhile(ctx, self._due, self._stop)
        self._lag = LAG
        self._frame = 0  # samples of the last audio frame
        # what the VAD said last
        self._speaking = False
        self._pressed = False  # the key to talk
        self._since = 0  # first sample of the speech under way
        self._quiet_from = 0  # sample behind the last speech
        # the utterance under way
        self._open = False
        self._begin = 0  # its first sample, pre-roll included
        self._voiced = 0  # samples of finished speech in it
        self._lasted = False  # some speech in it was no cough
        self._interrupts = False  # as soon as the avatar's words are no longer protected

    def process(self, port: str, frame: Speech | Audio) -> None:
        if isinstance(frame, Audio):
            self._hear(frame)
        elif port == "talk":
            self._press(frame.active)
        elif self._pressed or self.settings.push_to_talk:
            return
        elif frame.active:
            self._onset(frame.pts)
        else:
            self._offset(frame.pts)

    def _press(self, down: bool) -> None:
        """Who holds the key means to speak; who lets go has finished."""
        if down and not self._pressed:
            self._onset(self._ring.end)
            self._pressed = True
            self.interrupt()
        elif self._pressed and not down:
            self._pressed = False
            if self._speaking:
                self._offset(self._ring.end)
                self.end_turn()

    # speech

    def _onset(self, pts: int) -> None:
        if self._speaking:
            return
        self._speaking, self._since = True, max(pts, self._floor)
        self.went_on(pts)
        if not self._open:
            self._start(pts - self._samples(self.settings.preroll_ms))
        if not self.protection.active:
            self.ctx.fence.hold()

    def _offset(self, pts: int) -> None:
        if not self._speaking:
            return
        self._speaking = False
        self._lag = min(max(self._ring.end + self._frame - pts, 0), LAG_MAX)
        self._speech_ended(pts)

    def _speech_ended(self, pts: int) -> None:
        """The speech under way ended at sample `pts`."""
        self._quiet_from = pts
        self._voiced += max(0, pts - max(self._since, self._floor))
        ms = (pts - self._since) * 1000 / RATE
        if ms >= self.bargein_ms:
            self.interrupt()
        else:
            self.was_short(ms)

    def interrupt(self) -> None:
        """The user really speaks: whatever reply is under way ends."""
        self._lasted = True
        self._interrupts = self.protection.delays
        turns = self.ctx.fence.turns
        if not turns or self.protection.active:
            return
        if any(turn.spoke for turn in turns):
            self.ctx.fence.cut("barge-in")
        elif not self.take_back():
            self.ctx.fence.cut("user went on")

    # audio

    def _hear(self, frame: Audio) -> None:
        self._append(frame)
        if self.protection.ignores:
            self._floor = self._ring.end
            self._begin = max(self._begin, self._floor)
        delays = self.protection.delays
        if self._interrupts and not delays:
            self.interrupt()
        if self._speaking:
            self._while_speaking()
        elif self._open and not delays:
            ms = (self._ring.end - self._quiet_from) * 1000 / RATE
            self.while_quiet(ms)
            self._meanwhile.expect(self.next_ms, ms, frame.ms)
        self._ring.forget(self.kept_from)

    def _due(self, ms: float) -> None:
        """The silence is `ms` long now; its last packet is on its way."""
        if self._open and not self._speaking:
            self.while_quiet(ms)

    def _append(self, frame: Audio) -> None:
        """Put the frame behind what is there, silence where a little is missing; more than that ends the turn."""
        missing = frame.pts - self._ring.end
        if missing > GAP:
            self._stop()
            self._ring.restart(frame.pts)
            self._floor = frame.pts
        elif missing > 0:
            self._ring.append(np.zeros(missing, np.float32))
        if self._speaking and not self._open:  # the sound had stopped in mid-speech, and comes again
            self._since = self._ring.end
            self._start(self._ring.end)
        self._ring.append(frame.samples.astype(np.float32, copy=False))
        self._frame = len(frame.samples)
        self._meanwhile.heard(self.longest_ms if self._open else 0)

    def _while_speaking(self) -> None:
        told = self._ring.end - self._lag  # an end before this sample would have been told
        self.while_speaking((told - self._since) * 1000 / RATE)
        if self._ring.end - self._begin >= self.settings.max_s * RATE:
            self._split()

    # what a subclass may do better

    @property
    def bargein_ms(self) -> float:
        """Speech that lasts this long is meant, whatever it says."""
        return self.settings.bargein_ms

    def while_speaking(self, ms: float) -> None:
        """The user has been speaking for `ms` at least."""
        if not self._lasted and ms >= self.bargein_ms:
            self.interrupt()

    def was_short(self, ms: float) -> None:
        """What the user said took `ms`, and does not interrupt by its length."""
        self.ctx.fence.resume()

    def while_quiet(self, ms: float) -> None:
        """The user has been silent for `ms` in the middle of a turn, or at its end."""
        if ms >= self.settings.silence_ms:
            self.end_turn()

    @property
    def next_ms(self) -> float:
        """The silence at which `while_quiet` has something to do next."""
        return self.settings.silence_ms

    def went_on(self, pts: int) -> None:
        """The user speaks (again), from sample `pts` on."""

    def take_back(self) -> bool:
        """The user really goes on, and the reply under way was not heard yet: True when its turn is open again."""
        return False

    @property
    def kept_from(self) -> int:
        """The first sample that may still be wanted."""
        if self._open:
            return self._begin
        return self._ring.end - self._samples(self.settings.preroll_ms) - LATE

    @property
    def longest_ms(self) -> int:
        """No silence within a turn is longer."""
        return self.settings.silence_ms

    def finish(self, end: int) -> None:
        """The turn is over, and its sound, up to sample `end`, is to be answered."""
        self.mark_end(self.next_trace())
        self.send_utterance(end, speculative=False)

    # utterances

    def _start(self, begin: int) -> None:
        self._open, self._voiced, self._lasted = True, 0, False
        self._begin = max(begin, self._floor, self._ring.start)
        self._meanwhile.begin(self.longest_ms)

    def end_turn(self) -> None:
        """The turn is over: send it, unless it was a noise or a word of agreement to a reply that goes on."""
        self._open = False
        self._meanwhile.end()
        end = self.turn_end
        if self.meant:
            self.finish(end)
        self._floor = max(self._floor, end)

    @property
    def turn_end(self) -> int:
        return min(self._ring.end, self._quiet_from + TAIL)

    @property
    def meant(self) -> bool:
        """What was said is neither a noise nor a word of agreement to a reply that goes on."""
        spoken = bool(self._voiced) and self._voiced >= self._samples(self.settings.min_speech_ms)
        fence = self.ctx.fence
        return spoken and (self._lasted or not any(fence.committed[turn.gen] for turn in fence.turns))

    def _split(self) -> None:
        """Too long: send what ends at the quietest place of the last third; the rest is the next utterance's.

        Its reply ends at once, for the user still speaks; the agent keeps the words.
        """
        room = self._ring.end - self._begin
        cut = self._ring.quietest(self._begin + room * 2 // 3, self._ring.end - max(self._lag, RATE // 2))
        self._voiced += max(0, cut - self._since)
        self._since = max(self._since, cut)
        self._quiet_from = cut
        self.finish(cut)
        self.ctx.fence.cut("user went on")
        self._begin = self._floor = cut

    def _stop(self) -> None:
        """No more sound comes: the turn ends as if silence had."""
        if self._open:
            if self._speaking:
                self._speech_ended(self._ring.end)
            self.end_turn()

    def next_trace(self) -> int:
        self._count += 1
        return self._count

    def mark_end(self, trace: int) -> None:
        """Say when speech ended; of the moments of an utterance it is the first."""
        heard = int(self._meanwhile.heard_s * NS)
        self.ctx.mark(trace, "speech_end", heard - (self._ring.end - self._quiet_from) * NS // RATE)

    def send_utterance(self, end: int, *, speculative: bool) -> int:
        """Send the utterance with the current trace; returns its generation."""
        trace, now = self._count, self.ctx.clock.ns()
        if not speculative:
            self.ctx.mark(trace, "endpoint", now)
        samples = self._ring.take(self._begin, end)
        gen = self.ctx.fence.begin(trace, speculative=speculative)
        self.emit(
            "utterance",
            Utterance(samples=samples, rate=RATE, pts=self._begin, gen=gen, trace=trace, born=now, final=True),
        )
        return gen

    @staticmethod
    def _samples(ms: int) -> int:
        return ms * RATE // 1000
