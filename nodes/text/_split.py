"""Cuts a stream of text into sentences to speak, the first of them early, and keeps cues at their characters."""

from __future__ import annotations

from dataclasses import dataclass

from vaidol.nodes.text._cues import CueTag
from vaidol.nodes.text._split_rules import FENCE, best_cut, find_clause, find_sentence


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece to speak at once. `cues`: (offset in `text`, cue), 0 ≤ offset ≤ len(text), ascending.

    `final`: the last of the reply; its text may be empty then.
    """

    text: str
    cues: tuple[tuple[int, CueTag], ...] = ()
    final: bool = False


class SentenceSplitter:
    """Whole sentences, in order, as soon as they are certain; nothing but outer white space is lost.

    first_clause: the first segment of a reply may end at a comma, dash, colon or semicolon, once it has three words
    and `min_first` characters (or six Chinese or Japanese ones), so that sound starts early.
    max_chars: no segment is longer, but for a fenced code block, which stays whole. A cue after the end of a
    sentence belongs to the next one.
    """

    def __init__(self, first_clause: bool = True, min_first: int = 10, max_chars: int = 240) -> None:
        if max_chars < 8:
            raise ValueError(f"max_chars wants at least 8, got {max_chars}")
        self._first_clause = first_clause
        self._min_first = min_first
        self._max_chars = max_chars
        self._clear()

    def _clear(self) -> None:
        self._text = ""
        self._cues: list[tuple[int, CueTag]] = []
        self._sure = 0  # up to here there is no sentence end
        self._sure_clause = 0  # up to here there is no clause border
        self._first = self._first_clause
        self._relaxed: bool | None = None  # the writer begins sentences in lower case

    def feed(self, item: str | CueTag) -> list[Segment]:
        """Take the next piece of text or a cue that stands here; returns the segments that are now complete."""
        if isinstance(item, CueTag):
            self._cues.append((len(self._text), item))
            return []
        self._text += item
        if self._relaxed is None and self._text.strip():
            self._relaxed = self._text.lstrip()[0].islower()
        return self._ready(final=False)

    def flush(self) -> list[Segment]:
        """The reply is over: returns what is left, at least one segment, the last marked `final`; begins anew."""
        out = self._ready(final=True)
        rest = self._take(len(self._text), last=True)
        if rest.text or not out:
            out.append(rest)
        else:  # cues after the last sentence
            place = len(out[-1].text)
            out[-1] = Segment(out[-1].text, out[-1].cues + tuple((place, cue) for _, cue in rest.cues))
        last = out.pop()
        self._clear()
        return [*out, Segment(last.text, last.cues, final=True)]

    def _ready(self, final: bool) -> list[Segment]:
        out: list[Segment] = []
        while True:
            border = self._border(final)
            if not border:
                return out
            segment = self._take(border)
            if segment.text:
                out.append(segment)
                self._first = False

    def _border(self, final: bool) -> int:
        """How many characters are complete; 0 = none."""
        text, limit = self._text, self._max_chars
        lead = len(text) - len(text.lstrip())
        scan = find_sentence(text, self._sure, final, bool(self._relaxed))
        self._sure = scan.sure
        border = scan.border
        if self._first:
            clause = find_clause(text, self._sure_clause, self._min_first, final)
            self._sure_clause = clause.sure
            if 0 < clause.border <= (border or scan.sure):
                border = clause.border
        end = border or (len(text) if final else scan.sure)
        fenced = 0 <= text.find(FENCE) <= lead + limit
        if len(text[lead:end].rstrip()) > limit and not fenced:
            return lead + best_cut(text[lead:], limit)
        return border

    def _take(self, border: int, last: bool = False) -> Segment:
        """Remove the first `border` characters as a segment; cues behind its end stay for the next, if there is one."""
        raw, self._text = self._text[:border], self._text[border:]
        text = raw.strip()
        lead = len(raw) - len(raw.lstrip())
        end = lead + len(text)
        mine = [(place, cue) for place, cue in self._cues if last or place < end]
        del self._cues[: len(mine)]
        self._cues = [(max(0, place - border), cue) for place, cue in self._cues]
        self._sure = self._sure_clause = 0
        return Segment(text, tuple((min(max(0, place - lead), len(text)), cue) for place, cue in mine))
