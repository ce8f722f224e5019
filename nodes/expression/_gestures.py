"""Where a speaker's head and brows move: gestures of a sentence by its words, as parameters that every model has."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from vaidol.nodes.text._words import words

APART = 14  # characters, about a second: gestures never come closer
MOST = 3  # in a sentence
STRESSED = words(
    "very really so never always absolutely definitely totally exactly huge must only best worst most every everything "
    "nothing all wow sehr wirklich nie immer alles nichts genau unbedingt très vraiment jamais toujours tout rien muy "
    "nunca siempre todo nada"
)
WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Move:
    """Hold parameter `id` (a Cubism standard id) at `value`: there within `fade_ms`, for `hold_ms`."""

    id: str
    value: float
    fade_ms: int
    hold_ms: int


def gestures(text: str, chance: random.Random) -> list[tuple[int, tuple[Move, ...]]]:
    """Characters of `text` and what moves there: a tilt of the head as a sentence begins, a beat on stressed words,
    raised brows in a question."""
    found = [(0, _tilt(chance, asks=text.rstrip().endswith(("?", "？"))))]
    for word in WORD.finditer(text):
        near = word.start() - found[-1][0] < APART
        if len(found) < MOST and not near and _stressed(word.group()):
            found.append((word.start(), _beat(chance)))
    return found


def _stressed(word: str) -> bool:
    bare = word.strip(".,;:!?…\"'()*_")
    return bare.lower() in STRESSED or word.endswith("!") or (len(bare) > 2 and bare.isupper())


def _tilt(chance: random.Random, *, asks: bool) -> tuple[Move, ...]:
    side = chance.choice((-1, 1))
    moves = [Move("ParamAngleZ", round(side * chance.uniform(4, 10), 1), 350, 900)]
    moves.append(Move("ParamBodyAngleX", round(side * chance.uniform(1, 4), 1), 500, 1200))
    if asks:
        moves += [Move("ParamBrowLY", 0.5, 250, 1200), Move("ParamBrowRY", 0.5, 250, 1200)]
    return tuple(moves)


def _beat(chance: random.Random) -> tuple[Move, ...]:
    down = round(-chance.uniform(6, 11), 1)
    return (
        Move("ParamAngleY", down, 140, 180),
        Move("ParamBrowLY", 0.35, 140, 260),
        Move("ParamBrowRY", 0.35, 140, 260),
    )
