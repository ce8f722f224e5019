"""Words that firm up while somebody speaks: what two hearings in a row agree on is never rewritten.

The agreement policy is that of Macháček et al., "Turning Whisper into Real-Time Transcription System" (2023).
"""

from __future__ import annotations


class Confirmed:
    """The text of one utterance as it grows. `trace`: the utterance."""

    def __init__(self, trace: int) -> None:
        self.trace = trace
        self._firm: list[str] = []
        self._last: list[str] = []

    def take(self, text: str) -> str:
        """`text` is what was heard this time; returns what to show: the confirmed words, then the newest others."""
        words = text.split()
        same = 0
        for one, other in zip(self._last, words, strict=False):
            if _bare(one) != _bare(other):
                break
            same += 1
        if same > len(self._firm):
            self._firm += words[len(self._firm) : same]
        self._last = words
        return " ".join([*self._firm, *words[len(self._firm) :]])


def _bare(word: str) -> str:
    return "".join(c for c in word.casefold() if c.isalnum()) or word
