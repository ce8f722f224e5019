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


def _compiles(pattern: str) -> str:
    try:
        if re.compile(pattern).match(""):
            raise ValueError(f"the pattern {pattern!r} fits everything")
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    return pattern


class ModerateSettings(Settings):
    block: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field((), max_length=20_000)
    """Words and phrases, whole and in any case; a persona may bring its own list."""
    patterns: tuple[Annotated[str, Field(max_length=500), AfterValidator(_compiles)], ...] = Field((), max_length=500)
    """Regular expressions, in any case."""
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
        parts = [r"(?<!\w)(?:" + "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in words) + r")(?!\w)"]
        parts = (parts if words else []) + [f"(?:{pattern})" for pattern in settings.patterns]
        self._bad = re.compile("|".join(parts), re.IGNORECASE) if parts else None

    def process(self, port: str, frame: Transcript | Sentence) -> None:
        found = self._bad is not None and self._bad.search(_plain(frame.text))
        if not found and isinstance(frame, Sentence) and self._bad is not None:
            found = self._bad.search(_plain(frame.speech))
        if found:
            self.ctx.count("moderated")
            frame = self._user(frame) if isinstance(frame, Transcript) else self._sentence(frame)
        self.emit(port, frame)

    def _user(self, frame: Transcript) -> Transcript:
        """Nothing is told of partial words: they may still become others."""
        if self.settings.do == "drop":
            if frame.final:
                self.ctx.trouble("that is not talked about here", code="moderated", gen=frame.gen)
            return replace(frame, text="")
        return replace(frame, text=self._without(frame.text, MASK))

    def _sentence(self, frame: Sentence) -> Sentence:
        if self.settings.do == "drop":
            text = self.settings.instead
            return replace(frame, text=text, speech=speakable(text, self.settings.language), cues=())
        return replace(frame, text=self._without(frame.text, MASK), speech=self._without(frame.speech, ""))

    def _without(self, text: str, mask: str) -> str:
        assert self._bad is not None
        left = self._bad.sub(mask, _plain(text))
        return left if mask else " ".join(left.split())


def _plain(text: str) -> str:
    """Letters written in other ways (full width, composed of parts, with invisible signs between) as the usual ones."""
    usual = unicodedata.normalize("NFKC", text)
    return "".join(c for c in usual if unicodedata.category(c) != "Cf")
