"""Sentences one behind the other, as clients of `/client-ws` show them: put together as they come."""

from __future__ import annotations

import re

WIDE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")  # scripts that put no space between sentences


class Line:
    """`on` makes each sentence fit behind the one before. `turned`: the one before was somebody else's."""

    def __init__(self) -> None:
        self.turned = False
        self._who = self._before = ""
        self._turn = 0

    def on(self, text: str, *, who: str = "", turn: int = 0) -> str:
        """`text`, with a space in front if it goes on what was said before. `who` says it in `turn`; "": the character
        of the client."""
        self.turned = who != self._who
        follows = bool(self._before and text) and not self.turned and turn == self._turn
        before = self._before
        self._who, self._turn, self._before = who, turn, text
        return f" {text}" if follows and not (WIDE.match(before[-1]) or WIDE.match(text[0])) else text
