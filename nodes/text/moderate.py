"""text.moderate: words and patterns that neither side may say; between asr and agent, or before the voice."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from vaidol.graph.frames import Sentence, Transcript
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.text._speakable import speakable

MASK = "***"
REMEMBERED = 300  # characters of a reply that the next sentence is read after


def compiles(pattern: str) -> str:
    try:
        if re.compile(pattern).match(""):
            raise ValueError(f"the pattern {pattern!r} fits everything")
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    return pattern


Pattern = Annotated[str, Field(max_length=500), AfterValidator(compiles)]


class ModerateSettings(Settings):
    block: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field((), max_length=20_000)
    """Words and phrases, whole and in any case; a persona may add its own."""
    patterns: tuple[Pattern, ...] = Field((), max_length=500)
    """Regular expressions, in any case; a persona may add its own."""
    do: Literal["mask", "drop"] = "mask"
    """mask: the words alone are taken out; drop: the whole sentence, or what the user said."""
    instead: str = Field("", max_length=500)
    """Said in the place of a sentence that is dropped; empty: nothing."""
    language: str = Field("en", pattern=r"^[a-z]{2}(-[A-Za-z]{2,4})?$")
    """Language in which symbols and numbers are spoken."""


class Moderate(Node[ModerateSettings]):
    """text.moderate: take out what must not be said. Use one node for the user's words, another for the avatar's.

    user (Transcript) -> user (Transcript, without the words; empty if dropped)
    sentence (Sentence) -> sentence (Sentence, shown with *** and spoken without the words)
    """

    inputs: ClassVar[tuple[Port, ...]] = (
        Port("user", Transcript, optional=True, many=True),
        Port("sentence", Sentence, optional=True),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("user", Transcript), Port("sentence", Sentence))

    def __init__(self, settings: ModerateSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        words = sorted({_plain(word) for word in settings.block}, key=len, reverse=True)
        parts = [r"(?<!\w)(?:" + "|".join(map(_phrase, words)) + r")(?!\w)"]
        parts = (parts if words else []) + [f"(?:{pattern})" for pattern in settings.patterns]
        self._bad = re.compile("|".join(parts), re.IGNORECASE) if parts else None
        self._gen = 0
        self._said = self._spoken = ""  # the end of what this reply has said so far

    def process(self, port: str, frame: Transcript | Sentence) -> None:
        if self._bad is None:
            self.emit(port, frame)
        elif isinstance(frame, Transcript):
            self.emit(port, self._user(frame))
        else:
            if frame.gen != self._gen:
                self._gen, self._said, self._spoken = frame.gen, "", ""
            passed = self._sentence(frame)
            self._said = f"{self._said} {_plain(passed.text)}"[-REMEMBERED:]
            self._spoken = f"{self._spoken} {_plain(passed.speech)}"[-REMEMBERED:]
            self.emit(port, passed)

    def _user(self, frame: Transcript) -> Transcript:
        """Nothing is told of partial words: they may still become others."""
        if (masked := self._without(frame.text, MASK)) is None:
            return frame
        self.ctx.count("moderated")
        if self.settings.do == "mask":
            return replace(frame, text=masked)
        if frame.final:
            self.ctx.trouble("that is not talked about here", code="moderated", gen=frame.gen)
        return replace(frame, text="")

    def _sentence(self, frame: Sentence) -> Sentence:
        """What is left of it: a phrase that began in the sentence before loses the part that is in this one."""
        shown = self._without(frame.text, MASK, self._said)
        spoken = self._without(frame.speech, "", self._spoken)
        if shown is None and spoken is None:
            return frame
        self.ctx.count("moderated")
        if self.settings.do == "drop":
            text = self.settings.instead
            return replace(frame, text=text, speech=speakable(text, self.settings.language), cues=())
        speech = frame.speech if spoken is None else " ".join(spoken.split())
        return replace(frame, text=frame.text if shown is None else shown, speech=speech)

    def _without(self, text: str, mask: str, before: str = "") -> str | None:
        """`text` with `mask` for what must not be said; None where there is nothing of that. `before` it was said."""
        assert self._bad is not None
        whole = f"{before} {_plain(text)}" if before else _plain(text)
        begin = at = len(whole) - len(_plain(text))
        parts = []
        for found in self._bad.finditer(whole):
            if found.end() > begin:
                parts += [whole[at : max(at, found.start())], mask]
                at = found.end()
        return "".join([*parts, whole[at:]]) if parts else None


def _phrase(words: str) -> str:
    """A phrase, whatever stands between its words."""
    return r"[\W_]+".join(map(re.escape, words.split()))


def _plain(text: str) -> str:
    """Letters written in other ways (full width, composed of parts, with invisible signs between) as the usual ones."""
    usual = unicodedata.normalize("NFKC", text)
    return "".join(c for c in usual if unicodedata.category(c) != "Cf")
