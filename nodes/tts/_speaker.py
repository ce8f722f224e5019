"""The base of every voice: it makes the next sentence while the one before is still on its way to the listener."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import ClassVar, TypeVar

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import EMPTY, F32, Audio, Sentence, Word
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Context, Need, Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.tts._cache import Pronunciation, SpeakerSettings, SpeechCache, cache_needs

CHUNK_MS = 40
MOST_S = 10  # a sentence lasts no longer than this and a second per letter
AHEAD = 200  # chunks made ahead at most: 8 s, one or two sentences

S = TypeVar("S", bound=Settings)


class Speaker(Node[S]):
    """text (Sentence) -> audio (Audio at `rate`, in pieces of 40 ms; an empty one ends each sentence)

    A sentence that fails is told once and left out, so that nobody takes it for heard; the reply goes on. One that was
    spoken before, with the same settings, comes from a cache.
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("text", Sentence),)
    rate: ClassVar[int]  # Hz

    def __init__(self, settings: S, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._gen = 0
        self._pts = 0
        self._made = 0  # samples of the sentence being spoken
        self._words: tuple[Word, ...] = ()  # of the sentence being spoken
        self._ahead: asyncio.Queue[Audio] = asyncio.Queue(AHEAD)
        self._say = Pronunciation(settings.pronounce if isinstance(settings, SpeakerSettings) else {})

    @classmethod
    def needs(cls, settings: S) -> tuple[Need, ...]:
        """Subclasses add theirs."""
        return cache_needs(settings)

    @classmethod
    def ports(cls, settings: S) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
        return cls.inputs, (Port("audio", Audio, rate=cls.rate, dtype="f32"),)

    @abstractmethod
    def speak(self, text: str) -> AsyncGenerator[F32 | Word, None]:
        """The sound of `text`: arrays (n,) float32 in [-1, 1] at `rate`, as they come; closed when the reply is cut.

        A voice that knows when its words are spoken gives them too, in order, each before its sound or soon after it:
        what was heard before an interruption is then known to the word. Raises `ProviderError`.
        """

    async def process(self, port: str, frame: Sentence) -> None:
        if frame.gen != self._gen:
            self._gen, self._ahead = frame.gen, asyncio.Queue(AHEAD)
            self._sender = self.ctx.spawn(self._send(self._ahead), gen=frame.gen)
        begun, self._made, self._words = False, 0, ()
        try:
            if frame.speech:
                async with aclosing(self.spoken(frame.speech)) as sound:
                    async for piece in sound:
                        if isinstance(piece, Word):
                            self._words += (piece,)
                            continue
                        if frame.text:  # a filler is no answer
                            self.ctx.mark(frame.trace, "tts_first")
                        begun = True
                        await self._put(frame, piece)
        except Exception:  # the end of the reply, or the fallback's sound, may not overtake what is on its way
            if begun:
                await self._end(frame, final=False)
            await self._ahead.join()
            if frame.final:
                self._sender.cancel()
            raise
        await self._end(frame, final=frame.final)

    def cut(self, cut: TurnCut) -> None:
        if cut.gen == self._gen:
            self._gen, self._ahead = 0, asyncio.Queue(AHEAD)

    def spoken(self, text: str) -> AsyncGenerator[F32 | Word, None]:
        """`speak` with the words as they are to be pronounced, or what it said the last time."""
        text = self._say(text)
        self.ctx.count("sentences")
        needs = cache_needs(self.settings)
        if not needs:
            return self.speak(text)
        cache: SpeechCache = self.ctx.shared(needs[0].key)
        key = (f"{type(self).__module__} {self.rate}", repr(self.settings), text)
        if key in cache:
            self.ctx.count("from_cache")
        return cache.through(key, lambda: self.speak(text))

    async def _put(self, sentence: Sentence, samples: F32) -> None:
        self._made += len(samples)
        if self._made > self.rate * (MOST_S + len(sentence.speech)):
            raise ProviderError("the voice did not come to an end of a sentence", code="endless")
        step = self.rate * CHUNK_MS // 1000
        for begin in range(0, len(samples), step):
            await self._ahead.put(self._audio(sentence, samples[begin : begin + step]))

    async def _end(self, sentence: Sentence, *, final: bool) -> None:
        await self._ahead.put(self._audio(sentence, EMPTY, sentence_end=True, final=final))

    def _audio(self, sentence: Sentence, samples: F32, *, sentence_end: bool = False, final: bool = False) -> Audio:
        at, self._pts = self._pts, self._pts + len(samples)
        return Audio(
            samples=samples, rate=self.rate, pts=at, of=sentence, sentence_end=sentence_end, final=final,
            gen=sentence.gen, trace=sentence.trace, born=self.ctx.clock.ns(), words=self._words,
        )  # fmt: skip

    async def _send(self, ahead: asyncio.Queue[Audio]) -> None:
        """Hand on what is made, as fast as the listener's side takes it, up to the end of the reply."""
        frame = None
        while frame is None or not frame.final:
            frame = await ahead.get()
            await self.send("audio", frame)
            ahead.task_done()
