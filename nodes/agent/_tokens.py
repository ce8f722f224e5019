"""How many tokens a text has: an estimate by script, corrected by what the model itself reports."""

from __future__ import annotations

import re
from bisect import bisect_left

LATIN, OTHER, WIDE = 4.0, 2.0, 1.0  # characters to a token: ASCII; Cyrillic, accents ...; Chinese, Japanese, Korean
WIDE_LETTERS = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00010000-\U0010ffff]")
ASCII = re.compile("[\x00-\x7f]")
MESSAGE = 4  # tokens that a chat template puts around a message
SLOWLY = 0.5  # weight of the newest report
LEAST, MOST = 0.5, 3.0  # bounds of the correction: what is beyond them counted something else


def estimate(text: str) -> float:
    """Tokens of `text` for an average tokenizer."""
    if text.isascii():
        return len(text) / LATIN
    wide, narrow = len(WIDE_LETTERS.findall(text)), len(ASCII.findall(text))
    return wide / WIDE + narrow / LATIN + (len(text) - wide - narrow) / OTHER


class Tokens:
    """The count for one model. `factor`: its tokens to those estimated."""

    def __init__(self) -> None:
        self.factor = 1.0
        self._told = False

    def count(self, text: str) -> float:
        return estimate(text) * self.factor

    def learn(self, texts: list[str], reported: int) -> None:
        """The model read messages of these texts and counted `reported` tokens, those between them included."""
        guess, read = sum(map(estimate, texts)), reported - MESSAGE * len(texts)
        if guess < 1 or not LEAST <= read / guess <= MOST:
            return
        self.factor += (read / guess - self.factor) * (SLOWLY if self._told else 1.0)
        self._told = True

    def end(self, text: str, tokens: float) -> str:
        """As much of the end of `text` as has no more than `tokens`."""
        return text[bisect_left(range(len(text)), -tokens, key=lambda at: -self.count(text[at:])) :]

    def beginning(self, text: str, tokens: float) -> str:
        """As many whole words of the beginning of `text` as have no more than `tokens`; of one word, a part."""
        if self.count(text) <= tokens:
            return text
        most = bisect_left(range(len(text)), tokens, key=lambda end: self.count(text[: end + 1]))
        return text[:most].rpartition(" ")[0] or text[:most]
