"""Reads cues out of an agent's stream: `[joy]`, `<|ACT joy|>`, emoji, `*smiles*`; hides `<think>…</think>`."""

from __future__ import annotations

from collections.abc import Mapping

from vaidol.nodes.text._cue_names import ALIASES
from vaidol.nodes.text._cue_scan import (
    OPENER,
    THOUGHT,
    THOUGHT_ENDS,
    CueTag,
    Found,
    Names,
    scan_angle,
    scan_bracket,
    scan_emoji,
    scan_stage,
)

__all__ = ["CueReader", "CueTag"]


class CueReader:
    """Splits a token stream into clean text and cues. `names`: lower-case word → name the avatar knows.

    Feeding a text whole or in any pieces gives the same text and cues in the same order. What may be the beginning
    of a tag is held back until the next characters decide, at most ACT_MAX characters.
    """

    def __init__(self, names: Mapping[str, str] = ALIASES) -> None:
        self._names = Names(names)
        self._clear()

    def _clear(self) -> None:
        self._buffer = ""
        self._hidden = False  # inside <think>
        self._removed = False  # a tag was taken out since the last visible character
        self._space = ""  # white space that waits for the next visible character
        self._last = ""  # last visible character released

    def feed(self, text: str) -> list[str | CueTag]:
        """Take the next piece of the stream; returns clean text pieces and cues in order."""
        self._buffer += text
        return self._read(final=False)

    def flush(self) -> list[str | CueTag]:
        """The reply is over: release what was held back and begin anew."""
        out = self._read(final=True)
        if self._space and not self._removed:
            out.append(self._space)
        self._clear()
        return out

    def _read(self, final: bool) -> list[str | CueTag]:
        out: list[str | CueTag] = []
        while self._buffer:
            if self._hidden:
                if not self._leave_thought():
                    break
                continue
            opener = OPENER.search(self._buffer)
            plain = opener.start() if opener else len(self._buffer)
            if plain:
                self._release(plain, out)
                continue
            found = self._scan(final)
            if found is None:
                break
            if found.cues is None:
                self._release(found.length, out)
            else:
                out += found.cues
                self._buffer = self._buffer[found.length :]
                self._removed, self._hidden = True, found.hide
        return out

    def _leave_thought(self) -> bool:
        """Drop hidden text up to the closing tag; False while that tag has not come."""
        for tag in THOUGHT.finditer(self._buffer):
            if tag.group(1):
                self._buffer = self._buffer[tag.end() :]
                self._hidden = False
                return True
        start = self._buffer.rfind("<")
        tail = self._buffer[start:] if start >= 0 else ""
        self._buffer = tail if any(tag.startswith(tail.lower()) for tag in THOUGHT_ENDS) else ""
        return False

    def _release(self, length: int, out: list[str | CueTag]) -> None:
        """Move `length` characters from the buffer to `out`, closing the gap that a removed tag left."""
        text = self._space + self._buffer[:length]
        self._buffer = self._buffer[length:]
        visible = text.rstrip()
        self._space = text[len(visible) :]
        if not visible:
            return
        if self._removed:
            bare = visible.lstrip()
            visible = _joint(self._last, visible[: len(visible) - len(bare)], bare[0]) + bare
            self._removed = False
        self._last = visible[-1]
        out.append(visible)

    def _scan(self, final: bool) -> Found | None:
        """What the buffer begins with; None = the next characters must decide."""
        glued = "" if self._removed or self._space else self._last
        match self._buffer[0]:
            case "[":
                return scan_bracket(self._buffer, final, glued, self._names)
            case "<":
                return scan_angle(self._buffer, final, self._names)
            case "*":
                return scan_stage(self._buffer, final, glued, self._last, self._names)
            case _:
                return scan_emoji(self._buffer, final, self._names)


def _joint(last: str, gap: str, first: str) -> str:
    """White space between `last` and `first` where a tag and the white space `gap` around it stood."""
    if not last or first in ".,!?;:…)]。，！？、":
        return ""
    if "\n" in gap:
        return "\n" * min(2, gap.count("\n"))
    glued = first.isalnum() and first < "\u2e80" and last < "\u2e80" and last not in "([{'\"“‘«¿¡-–—/"
    return " " if gap or glued else ""
