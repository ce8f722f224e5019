"""What of earlier conversations belongs to what was just said: lines of the user that share its rarest words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

CLIP = 200  # characters of a line
TERMS = 24  # of what was just said
UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"  # scripts without spaces
RUN = re.compile(f"[{UNSPACED}]+|[^\\W{UNSPACED}]+")
COMMON = frozenset(
    """
    a about again all also am an and any are as at be been but by can could did do does for from get go had has
    have he her him his how i if in is it its just know let like me more my no not now of off oh ok on one or
    our out please really remember right said say see she so some still tell than thank thanks that the their
    them then there they think this to too up us very want was we well were what when where which who why will
    with would yes you your don didn isn ll re ve
    """.split()  # noqa: SIM905
)


def terms(text: str) -> list[str]:
    """The words of `text` that say what it is about; of scripts without spaces every two characters."""
    found: dict[str, None] = {}
    for run in RUN.findall(text.lower()):
        if re.match(f"[{UNSPACED}]", run):
            found |= dict.fromkeys(run[at : at + 2] for at in range(max(1, len(run) - 1)))
        elif len(run) > 1 and run not in COMMON:
            found[run] = None
    return list(found)[:TERMS]


def best(said: str, lines: Iterable[str], most: int) -> list[str]:
    """Up to `most` of `lines`, the closest to `said` first, the rarer the words they share the closer; no questions."""
    wanted, told = terms(said), [line for line in dict.fromkeys(lines) if not line.rstrip().endswith(("?", "？"))]
    has = [[term for term in wanted if term in _words(line)] for line in told]
    seen = {term: sum(term in some for some in has) for term in wanted}
    worth = [sum(math.log(1 + len(told) / seen[term]) for term in some) for some in has]
    order = sorted((at for at in range(len(told)) if worth[at]), key=lambda at: -worth[at])
    return [told[at] for at in order[:most]]


def reminder(lines: Sequence[str]) -> str:
    """`lines` as an aside for the model; "" for none."""
    told = " / ".join(line[:CLIP] for line in lines)
    return f"from earlier talks, only if it matters here: the user once said: {told}" if lines else ""


def _words(line: str) -> set[str]:
    """As `terms`, all of them."""
    found: set[str] = set()
    for run in RUN.findall(line.lower()):
        if re.match(f"[{UNSPACED}]", run):
            found |= {run[at : at + 2] for at in range(max(1, len(run) - 1))}
        else:
            found.add(run)
    return found
