"""What of earlier conversations belongs to what was just said: which words count, and one ranking of two."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

NAMED = 0.7  # weight of the ranking by words to that by meaning: `vaidol bench providers`
FLAT = 60  # the usual constant: how little the very first places count more than those behind them
CLIP = 200  # characters of a line
TERMS = 24  # of what was just said
UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"  # scripts without spaces
RUN = re.compile(f"[{UNSPACED}]+|[^\\W{UNSPACED}]+")
COMMON = frozenset(
    """
    a about again all also am an and any are as at be been but by bye can could did do does for from get go good had
    has have he hello her hey hi him his how i if in is it its just know let like me more my nice no not now of off
    oh ok okay on one or our out please really remember right said say see she so some still tell than thank thanks
    that the their them then there they think this to too up us very want was we well were what when where which who
    why will with would yes you your don didn isn ll re ve
    """.split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Recalled:
    """Something remembered: a fact about the user, such as "lives in Oslo", or a line as the user said it."""

    id: int
    text: str
    fact: bool


def terms(text: str) -> list[str]:
    """The words of `text` that say what it is about; of scripts without spaces every two characters."""
    found: dict[str, None] = {}
    for run in RUN.findall(text.lower()):
        if re.match(f"[{UNSPACED}]", run):
            found |= dict.fromkeys(run[at : at + 2] for at in range(max(1, len(run) - 1)))
        elif len(run) > 1 and run not in COMMON:
            found[run] = None
    return list(found)[:TERMS]


def recallable(text: str) -> bool:
    """Whether what the user said tells anything: it is no question, and more than a yes or an oh."""
    return bool(terms(text)) and not text.rstrip().endswith(("?", "？"))


def fused(named: Sequence[int], near: Sequence[int]) -> list[int]:
    """One ranking of that by words and that by meaning, the best first: what stands high in any, and higher what does
    in both. Reciprocal rank fusion: Cormack, Clarke, Büttcher 2009.
    """
    worth: dict[int, float] = {}
    for ranking, weight in ((named, NAMED), (near, 1.0)):
        for rank, one in enumerate(ranking, 1):
            worth[one] = worth.get(one, 0.0) + weight / (FLAT + rank)
    return sorted(worth, key=lambda one: -worth[one])


def reminder(recalled: Sequence[Recalled]) -> str:
    """What was recalled as an aside for the model; "" for nothing."""
    facts = "; ".join(one.text[:CLIP] for one in recalled if one.fact)
    lines = " / ".join(one.text[:CLIP] for one in recalled if not one.fact)
    told = [f"of the user is known: {facts}"] if facts else []
    told += [f"the user once said: {lines}"] if lines else []
    return f"from earlier talks, only if it matters here: {'. '.join(told)}" if told else ""
