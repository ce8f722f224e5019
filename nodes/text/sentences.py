"""text.sentences: from the agent's tokens to sentences to speak, the first of them early."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field

from vaidol.graph.frames import Cue, Sentence, TextDelta
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.text._cue_names import MOTIONS
from vaidol.nodes.text._cues import CueReader
from vaidol.nodes.text._filler import FILLERS, Filler
from vaidol.nodes.text._speakable import speakable
from vaidol.nodes.text._split import Segment, SentenceSplitter

PROTECTED = "protected"  # the cue that marks a sentence which may not be interrupted
CLOSERS, ENDS = "\"'”’»)]」』", tuple(".!?…。！？")


class SentencesSettings(Settings):
    first_clause: bool = True
    """The first piece of a reply may end at a comma already, so that sound starts early."""
    min_first: int = Field(12, ge=1, le=1000)
    """Length of such a first piece, characters at least."""
    max_chars: int = Field(240, ge=8, le=10_000)
    """Longer sentences are cut at their best place, characters."""
    language: str = Field("en", pattern=r"^[a-z]{2}(-[A-Za-z]{2,4})?$")
    """Language in which symbols and numbers are spoken: en, de, fr, es, zh, ja, ko ..."""
    filler_ms: int = Field(0, ge=0, le=60_000)
    """When nothing of the answer has come so long after the end of the user's turn, a word such as "Hmm." is spoken,
    which is neither shown nor remembered, ms. 0 = never."""
    fillers: tuple[str, ...] = ()
    """What is spoken then, one after the other; left out: a few words of `language`."""


class Sentences(Node[SentencesSettings]):
    """text.sentences: cut a reply into sentences, take the cues out of it, and make it speakable.

    text (TextDelta) -> sentence (Sentence; the last one may be empty)
    A sentence with the tag [protected] in it cannot be interrupted from there to its end.
    """

    inputs = (Port("text", TextDelta),)
    outputs = (Port("sentence", Sentence),)
    carries = ("_gen", "_seq", "_cues", "_splitter")

    def __init__(self, settings: SentencesSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._begin(0)
        texts = settings.fillers or FILLERS.get(settings.language[:2], FILLERS["en"])
        self._filler = Filler(ctx, settings.filler_ms, texts, self._fill) if settings.filler_ms else None
        self._stop_listening: Callable[[], None] = lambda: None

    async def open(self) -> None:
        if self._filler is not None:
            self._stop_listening = self._filler.listen()

    async def close(self) -> None:
        self._stop_listening()

    def process(self, port: str, frame: TextDelta) -> None:
        if frame.gen != self._gen:
            self._begin(frame.gen)
        if self._filler is not None:
            self._filler.begun(frame.gen)
        pieces = self._cues.feed(frame.text)
        if frame.final:
            pieces += self._cues.flush()
        segments = [segment for piece in pieces for segment in self._splitter.feed(piece)]
        if frame.final:
            segments += self._splitter.flush()
        for segment in segments:
            self._say(segment, frame)

    def cut(self, cut: TurnCut) -> None:
        if cut.gen == self._gen:
            self._begin(0)

    def _begin(self, gen: int) -> None:
        wanted = self.settings
        self._gen, self._seq, self._protects = gen, 0, False
        self._cues = CueReader()
        self._splitter = SentenceSplitter(wanted.first_clause, wanted.min_first, wanted.max_chars)

    def _fill(self, gen: int, trace: int, text: str) -> None:
        """Speak `text` in front of what is to come; without a `text` of its own it is neither shown nor remembered."""
        if gen != self._gen:
            self._begin(gen)
        born = self.ctx.clock.ns()
        self.emit("sentence", Sentence(speech=text, seq=self._seq, born=born, gen=gen, trace=trace))
        self._seq += 1

    def _say(self, segment: Segment, cause: TextDelta) -> None:
        if segment.text:
            self.ctx.mark(cause.trace, "first_clause")
        marked = self._protects or any(cue.name == PROTECTED for _, cue in segment.cues)
        self._protects = marked and not segment.text.rstrip(CLOSERS).endswith(ENDS)  # to the end of the sentence
        cues = tuple(
            Cue(
                kind="motion" if cue.name in MOTIONS else "expression",
                name=cue.name,
                weight=cue.weight,
                offset=offset,
                gen=cause.gen,
                trace=cause.trace,
            )
            for offset, cue in segment.cues
            if cue.name != PROTECTED
        )
        sentence = Sentence(
            text=segment.text,
            speech=speakable(segment.text, self.settings.language),
            cues=cues,
            protected=marked,
            seq=self._seq,
            final=segment.final,
            born=self.ctx.clock.ns(),
            gen=cause.gen,
            trace=cause.trace,
        )
        self._seq += 1
        self.emit("sentence", sentence)
