"""Guesses the expression that fits a sentence, for agents that give no cue."""

from __future__ import annotations

import re
from collections import defaultdict

from vaidol.nodes.expression._feelings import FACES, PARTS, PHRASES, WORDS
from vaidol.nodes.text._cue_names import EMOJI, EXPRESSIONS
from vaidol.nodes.text._words import words

THRESHOLD = 0.3  # below it the face stays neutral
EMOJI_WEIGHT = 0.8

_PHRASES = [(re.compile(pattern), name, weight) for pattern, name, weight in PHRASES]
_FACES = [(re.compile(pattern), name, weight) for pattern, name, weight in FACES]
_PART = re.compile("|".join(sorted(PARTS, key=len, reverse=True)))
_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|[.!?,;:…—]+")
_CLAUSE = re.compile(r"([^.!?…\n。！？]+)([.!?…。！？]*)")
_TURN = re.compile(r"\b(?:but|however|aber|mais|pero)\b|但是|不过|でも|하지만")
_NEGATORS = words(
    "not no never without hardly barely nobody nothing neither nor cannot nicht kein keine keinen nie niemals ohne pas "
    "jamais sans nunca sin tampoco"
)
_LATE_NEGATORS = words("nicht pas")  # "ich liebe dich nicht", "je n'aime pas"
_RHETORIC = words("it that this he she you we they")  # "isn't it great!"
_MORE = words(
    "very so really extremely super absolutely totally incredibly truly deeply sehr wirklich très vraiment muy"
)
_LESS = words("slightly bit little somewhat kinda rather fairly bisschen etwas peu poco")
_WIDE_NOT = re.compile(r"[不没無别別未안]\S?$|못\s?$")
_WIDE_LATE_NOT = re.compile(r"\S{0,2}?(?:ない|なかった|ません|지\s?(?:않|마))")
_OPPOSITE = {"joy": ("sadness", 0.7), "love": ("sadness", 0.6)}  # "not angry" says nothing of the face

Scores = dict[str, float]


def feel(text: str) -> tuple[str, float]:
    """The expression (a name of EXPRESSIONS) that fits `text`, and its weight in [0, 1]; ("neutral", 0.0) if unsure."""
    scores: Scores = defaultdict(float)
    text = text.replace("’", "'")
    for sign in text:
        if EMOJI.get(sign) in EXPRESSIONS:
            scores[EMOJI[sign]] += EMOJI_WEIGHT
    for pattern, name, weight in _FACES:
        scores[name] += weight * len(pattern.findall(text))
    for clause in _CLAUSE.finditer(text):
        turn = _TURN.search(clause[1].lower())
        parts = [(clause[1], 1.0)]
        if turn:  # "it was fun, but I am sad": the second half counts
            parts = [(clause[1][: turn.start()], 0.5), (clause[1][turn.end() :], 1.0)]
        for part, share in parts:
            for name, weight in _weigh(part, clause[2]).items():
                scores[name] += weight * share
    scores.pop("neutral", None)
    name, weight = max(scores.items(), key=lambda item: item[1], default=("neutral", 0.0))
    return (name, round(min(1.0, weight), 2)) if weight >= THRESHOLD else ("neutral", 0.0)


def _weigh(clause: str, end: str) -> Scores:
    """Scores of one clause that ends with the marks `end`."""
    scores: Scores = defaultdict(float)
    lower = clause.lower()
    for pattern, name, weight in _PHRASES:
        if pattern.search(lower + end):
            scores[name] += weight
            lower = pattern.sub(" ", lower + end).removesuffix(end)
    for part in _PART.finditer(lower):
        name, weight = PARTS[part[0]]
        if _WIDE_NOT.search(lower[: part.start()]) or _WIDE_LATE_NOT.match(lower, part.end()):
            name, weight = _negate(name, weight)
        scores[name] += weight
    tokens = _TOKEN.findall(lower)
    for place, token in enumerate(tokens):
        found = WORDS.get(token + "!") if "!" in end else None
        found = found or _look_up(token)
        if found:
            name, weight = _in_context(tokens, place, *found)
            scores[name] += weight
    loud = 1.0 + 0.2 * min(2, end.count("!") + end.count("！")) + 0.2 * bool(re.search(r"\b[A-ZÄÖÜ]{4,}\b", clause))
    asked = 0.6 if end in ("?", "？") else 1.0
    return {
        name: weight * loud * (1.0 if name in ("surprise", "thinking") else asked) for name, weight in scores.items()
    }


def _look_up(token: str) -> tuple[str, float] | None:
    """The entry of a word, also of "loved", "loves", "loving", "sadly", "sadder"."""
    if token in WORDS:
        return WORDS[token]
    for ending, added in (
        ("s", ""),
        ("d", ""),
        ("ed", ""),
        ("ing", ""),
        ("ing", "e"),
        ("ly", ""),
        ("er", ""),
        ("est", ""),
    ):
        stem = token.removesuffix(ending) + added
        if token.endswith(ending) and len(stem) > 3 and stem in WORDS:
            return WORDS[stem]
    return None


def _in_context(tokens: list[str], place: int, name: str, weight: float) -> tuple[str, float]:
    """The entry turned by a negation and scaled by an intensifier near it."""
    before = tokens[max(0, place - 3) : place]
    for index in range(len(before) - 1, -1, -1):
        if not before[index][0].isalpha():
            before = before[index + 1 :]
            break
    if any(word in _MORE for word in before[-2:]):
        weight *= 1.3
    if any(word in _LESS for word in before[-2:]):
        weight *= 0.6
    after = tokens[place + 1 : place + 3]
    if _negated(before) or (_LATE_NEGATORS & set(after) and after[0][0].isalpha()):
        return _negate(name, weight)
    return name, weight


def _negated(before: list[str]) -> bool:
    for index, word in enumerate(before):
        rhetorical = before[index + 1 : index + 2] and before[index + 1] in _RHETORIC
        if word in _NEGATORS or (word.endswith("n't") and not rhetorical):
            return True
    return False


def _negate(name: str, weight: float) -> tuple[str, float]:
    opposite, share = _OPPOSITE.get(name, ("neutral", 0.0))
    return opposite, weight * share
