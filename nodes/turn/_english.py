"""Whether an English utterance is all that its speaker wants to say: rules on its words, the first that knows decides.

Recognizers end every piece with a full stop or a question mark, whether the speaker has finished or not; so the words
count first ("What is the name of the?" goes on), and the signs only where no word tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from vaidol.nodes.turn._english_words import (
    ANSWERS,
    ASKING,
    BE,
    CLOSERS,
    COUNTED,
    DETERMINERS,
    DIGITS,
    FILLERS,
    HEARD_AS_TO,
    HELP,
    LACKS_OBJECT,
    LEADS,
    NEED_MORE,
    NEED_MORE_AFTER,
    NEVER_LAST,
    NUMBERS,
    OPEN_ENDS,
    OPENERS,
    ORDERS,
    PAIRS,
    PRONOUNS,
    SUBJECTS,
    VERBS,
)

OPEN, DOUBT, PLAIN, LIKELY, SURE = 0.05, 0.25, 0.5, 0.8, 0.95  # how sure it is that the speaker has finished

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


@dataclass(frozen=True)
class Said:
    """The last sentence of what somebody said: its small-letter `words`, its `text`, the sign it `ends` with or ""."""

    words: tuple[str, ...]
    text: str
    ends: str

    @cached_property
    def body(self) -> tuple[str, ...]:
        """Without "well, so ..." in front."""
        start = next((at for at, word in enumerate(self.words) if word not in LEADS), len(self.words))
        return self.words[start:]

    @property
    def last(self) -> str:
        return self.words[-1]

    @cached_property
    def fronted(self) -> bool:
        """It asks with "what ... is": a verb or a preposition at its end has got its object in front."""
        body = self.body
        return bool(body) and body[0] in ASKING and (len(body) < 2 or "'" in body[0] or self.verb_near)

    @property
    def verb_near(self) -> bool:
        return any(word in BE | HELP for word in self.body[1:4]) and self.body[1] not in PRONOUNS

    def has(self, phrase: str) -> bool:
        return f" {phrase} " in f" {' '.join(self.words)} "


Rule = Callable[[Said], float | None]


def finished(text: str) -> float:
    """How sure it is that who said `text` wants to say nothing more: 0..1."""
    last = re.split(r"(?<=[.!?])\s+(?=\S*\w)", text.strip())[-1]
    words = tuple(word.lower().replace("’", "'") for word in WORD.findall(last))
    if not words:
        return PLAIN
    ends = last.rstrip("\"'”’») ")[-1:]
    said = Said(words, last, ends if ends in ".!?" else "")
    return next(sure for rule in RULES if (sure := rule(said)) is not None)


def _only_lead(said: Said) -> float | None:
    """ "So", "Yes." """
    if said.body:
        return None
    return OPEN if said.last in FILLERS else SURE


def _dangles(said: Said) -> float | None:
    """The last word wants another one behind it."""
    last, before = said.last, said.words[-2] if len(said.words) > 1 else ""
    if last in NEVER_LAST:
        return OPEN
    if last in SUBJECTS and before not in BE | HELP | {"and", "than", "but"}:
        return OPEN
    if last == "too" and (before in HEARD_AS_TO or (before == "me" and len(said.words) > 3)):
        return DOUBT / 2
    if before in NEED_MORE_AFTER.get(last, ()) and not (said.fronted and last != "know"):
        return OPEN
    if last == "to" or last in NEED_MORE:
        return None if _has_object_in_front(said) else OPEN
    return None


def _has_object_in_front(said: Said) -> bool:
    """ "Where are you from?", "... what it is about"; but not "How do I get to"."""
    fronts = {"what", "who", "whom", "which", "what's", "who's", "where", "where's"}
    return said.words[-2:-1] != ("going",) and any(
        word in fronts and at < len(said.words) - 2 for at, word in enumerate(said.words)
    )


def _lacks_object(said: Said) -> float | None:
    """A verb at the end, or a phrase that only begins something."""
    whole = " ".join(said.words)
    if said.fronted and len(said.body) > 2:
        return None
    if any(whole == phrase or whole.endswith(f" {phrase}") for phrase in OPEN_ENDS):
        return OPEN
    return OPEN if said.last in LACKS_OBJECT and len(said.words) > 1 else None


def _ends_with_help(said: Said) -> float | None:
    """ "My name is", "I think that we should"; but "Yes, I am", "I don't know who he is"."""
    if said.last not in BE | HELP:
        return None
    if len(said.body) <= 2 and said.body[0] in PRONOUNS:
        return LIKELY if len(said.words) > len(said.body) else PLAIN
    if any(word in ASKING or word in {"if", "whether", "than", "as"} for word in said.body[1:]):
        return LIKELY
    return OPEN if said.last in BE or len(said.words) <= 5 else DOUBT


def _begins_question(said: Said) -> float | None:
    """ "Can you", "is there": nothing has been asked yet."""
    body = said.body
    if len(body) == 2 and body[0] in BE | HELP and body[1] in PRONOUNS:
        return OPEN
    return OPEN if len(body) == 2 and body[0] in ASKING and body[1] in BE | HELP else None


def _opens_clause(said: Said) -> float | None:
    """ "If it rains tomorrow": what then?"""
    body = said.body
    if body[0] not in OPENERS or (len(body) > 1 and body[1] in BE | HELP):
        return None
    behind = said.text.rpartition(",")[2].split() if "," in said.text else []
    if len(behind) > 1 and len(WORD.findall(said.text)) - len(behind) > 2:
        return None
    subjects = [at for at, word in enumerate(body[:-1]) if at and word.partition("'")[0] in PRONOUNS | {"i"}]
    if "then" in body or (len(subjects) > 1 and subjects[-1] - subjects[0] > 2):
        return None
    return DOUBT if body[0] == "because" else OPEN


def _half_pair(said: Said) -> float | None:
    """ "Not only ...", without its "but also"."""
    if any(said.has(one) and other not in said.words and said.last != one for one, other in PAIRS):
        return DOUBT / 2
    first = said.body[0] in {"first", "firstly"} and len(said.body) > 1
    return DOUBT if first and not {"then", "second", "finally", "next"} & set(said.words) else None


def _counts(said: Said) -> float | None:
    """Somebody who tells a number tells all of it."""
    if said.last in {"point", "dot"} and len(said.words) > 1:
        return OPEN
    figures = len(re.findall(r"\d", said.text)) + sum(word in DIGITS for word in said.words)
    if not (said.last.isdigit() or said.last in DIGITS):
        return None
    if COUNTED & set(said.words) or (len(said.words) > 1 and all(word in DIGITS for word in said.words)):
        return DOUBT / 2 if figures < 7 else PLAIN
    return None


def _asks_with_half_a_clause(said: Said) -> float | None:
    """ "Can you tell me what the weather": a question inside a sentence that has no verb yet."""
    inside = [at for at, word in enumerate(said.body) if word in ASKING]
    if not inside:
        return None
    rest = said.body[inside[-1] + 1 :]
    if not rest:
        return PLAIN if inside[-1] else SURE if said.ends == "?" else LIKELY
    noun = rest[0] in DETERMINERS and len(rest) <= 4 and not any(_is_verb(word) for word in rest)
    return OPEN if noun else None


def _asks(said: Said) -> float | None:
    """A whole question."""
    body = said.body
    inverted = body[0] in BE | HELP or said.fronted
    if inverted and len(body) > 2:
        return SURE if said.ends == "?" else LIKELY
    if said.ends == "?":
        return SURE if body[0] in ASKING and len(body) > 3 else LIKELY
    return LIKELY if body[0] == "who" and len(body) > 2 else None


def _orders(said: Said) -> float | None:
    """ "Tell me a joke."""
    if said.body[0] in ORDERS and (len(said.body) > 2 or said.ends):
        return 0.9 if said.ends else LIKELY
    return None


def _closes(said: Said) -> float | None:
    """Thanks, please, yes and no: they end what was said, or are all of it."""
    if (
        said.last in CLOSERS
        or said.words[-2:] == ("thank", "you")
        or said.words[-2:] in (("that", "is"), ("that's", "all"))
    ):
        return SURE
    return SURE if said.words[0] in ANSWERS and len(said.words) <= 3 else None


def _has_no_verb(said: Said) -> float | None:
    """ "My favourite food": the sentence may only have begun."""
    if any(_is_verb(word) for word in said.words) or len(said.words) > 6:
        return None
    if said.last == "ones" or all(word.isdigit() or word.split("-")[0] in NUMBERS for word in said.words[-1:]):
        return 0.7 if said.ends else PLAIN
    return PLAIN * 0.8 if said.ends else DOUBT


def _states(said: Said) -> float | None:
    return PLAIN if said.ends else 0.4


def _is_verb(word: str) -> bool:
    return word in VERBS or (word.endswith("ed") and len(word) > 4)


RULES: tuple[Rule, ...] = (
    _only_lead, _dangles, _closes, _begins_question, _lacks_object, _ends_with_help, _opens_clause, _half_pair, _counts,
    _asks_with_half_a_clause, _asks, _orders, _has_no_verb, _states,
)  # fmt: skip
