"""What was heard of a sentence: whole words, by the times that the voice told, else by their share of the sound."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from difflib import SequenceMatcher

from vaidol.graph.frames import Audio, Sentence, Word

RATE = 48_000  # Hz, of the output
PER_S = 15.0  # characters spoken in a second; only until the voice has given the whole sentence
_WIDE = "\u2e80-\uabff\uf900-\ufdff\uff00-\uff9f"  # scripts without spaces: every character counts as a word
_OPEN, _CLOSE = "「『（《〈【〔［", "。、，．！？：；」』）》〉】〕］…ー〜～"
WORD = re.compile(rf"[{_OPEN}]*(?:[{_WIDE}]|[^\s{_WIDE}]+)[{_CLOSE}]*")
_BARE = re.compile(r"[^\w]+")


@dataclass(slots=True)
class Spoken:
    """How much of a sentence has been given to the pacer and played, in samples at 48 kHz."""

    sentence: Sentence
    given: int = 0
    played: int = 0
    whole: bool = False
    words: tuple[Word, ...] = ()

    def give(self, frame: Audio) -> None:
        """`frame` is the sentence's next sound."""
        self.given += len(frame.samples)
        self.whole = self.whole or frame.sentence_end
        self.words = frame.words or self.words

    @property
    def over(self) -> bool:
        """All of it has been played."""
        return self.whole and self.played >= self.given

    @property
    def protected(self) -> bool:
        """It may not be interrupted, and is not over."""
        return self.sentence.protected and not self.over

    def heard(self) -> str:
        """The words that were played: always a beginning of the text, up to the end of a word."""
        text = self.sentence.text.strip()
        if self.over:
            return text
        if not self.played:
            return ""
        known = _offsets(self.sentence.speech, self.words)
        if known:
            ends = [word.end_ms for word, _ in known]
            count = bisect_right(ends, self.played * 1000 / RATE)
            reached = known[count - 1][1] if count else 0
            needed = _needed(text, self.sentence.speech)
        else:
            expected = self.given if self.whole else max(self.given, int(len(text) / PER_S * RATE))
            reached = int(len(text) * self.played / expected)
            needed = [(found.end(), found.end()) for found in WORD.finditer(text)]
        return text[: max((end for end, need in needed if need <= reached), default=0)] if reached else ""


def due_ms(sentence: Sentence, words: tuple[Word, ...], offset: int) -> float | None:
    """When character `offset` of the sentence's text is spoken, ms from its first sample; None where no word tells."""
    known = _offsets(sentence.speech, words)
    before = max((need for end, need in _needed(sentence.text, sentence.speech) if end <= offset), default=0)
    return next((word.begin_ms for word, end in known if end > before), None)


def _offsets(speech: str, words: tuple[Word, ...]) -> list[tuple[Word, int]]:
    """The words that stand in `speech`, in order, each with the character behind it."""
    found, at, low = list[tuple[Word, int]](), 0, speech.lower()
    for word in words:
        begin = low.find(word.text.strip().lower(), at)
        if begin >= 0 and word.text.strip():
            at = begin + len(word.text.strip())
            found.append((word, at))
    return found


def _needed(text: str, speech: str) -> list[tuple[int, int]]:
    """Each word of `text`: the character behind it, and up to which character `speech` must be said for it.

    Where the two differ ("42" is "forty-two"), the words in between share what is said in between.
    """
    shown, said = list(WORD.finditer(text)), list(WORD.finditer(speech))
    needed: list[tuple[int, int]] = []
    matcher = SequenceMatcher(None, [_bare(word) for word in shown], [_bare(word) for word in said], autojunk=False)
    for _, begin, end, first, last in matcher.get_opcodes():
        before = said[first - 1].end() if first else 0
        for number in range(begin, end):
            share = (number - begin + 1) * (last - first) / (end - begin)
            spoken = first + int(share) - 1
            needed.append((shown[number].end(), _letters_end(said[spoken]) if spoken >= first else before))
    return needed


def _bare(word: re.Match[str]) -> str:
    return _BARE.sub("", word.group()).lower()


def _letters_end(word: re.Match[str]) -> int:
    """Behind the last letter of `word`: voices tell words without their punctuation."""
    return word.start() + len(word.group().rstrip(".,;:!?\"'”’)»…-–—" + _CLOSE))
