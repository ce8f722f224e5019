"""Whether a phrase was said, though recognizers spell names as they like: without case, accents, signs; with a slip."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

WIDE = "\u2e80-\uabff\uf900-\ufdff\uff00-\uff9f"  # scripts without spaces: every character is a word
WORD = re.compile(rf"[{WIDE}]|[^\W_{WIDE}]+")


def words(text: str) -> list[str]:
    """The words of `text` in their plainest form: "Ça, VAÏ!" is ca, vai."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(sign for sign in plain if not "\u0300" <= sign <= "\u036f")  # accents; kana keep their marks
    return WORD.findall(unicodedata.normalize("NFC", kept))


def said(phrases: Iterable[str], text: str) -> bool:
    """Whether one of `phrases` is somewhere in `text`.

    Words may be written together or apart; short ones ("Vai") must be right, longer ones may have a wrong letter, from
    ten letters on two.
    """
    heard = words(text)
    return any(_within(words(phrase), heard) for phrase in phrases)


def _within(phrase: list[str], heard: list[str]) -> bool:
    wanted, count = "".join(phrase), len(phrase)
    allowed = 0 if len(wanted) < 4 else 1 if len(wanted) < 10 else 2
    spans = range(max(1, count - 1), count + 2)
    return bool(wanted) and any(
        slips(wanted, "".join(heard[begin : begin + span]), allowed) <= allowed
        for span in spans
        for begin in range(len(heard) - span + 1)
    )


def slips(one: str, other: str, most: int) -> int:
    """Letters to put in, take out or change until `one` is `other`; more than `most` is `most` + 1."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        before, row[0] = row[0], number
        for at, sign in enumerate(other, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (letter != sign))
    return min(row[-1], most + 1)
