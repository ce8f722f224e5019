"""What the words of the user say about the floor: whether they go on, only agree, or want the avatar to stop."""

from __future__ import annotations

import re

from vaidol.nodes.text._words import words as table
from vaidol.nodes.turn import _english as english

# Articles, prepositions, conjunctions, hesitation. In each language only words that end no sentence: "up", "die" (en)
# and "mit" (de, as in "kommst du mit?") are missing on purpose.
WORDS: dict[str, str] = {
    "en": "a an the to and or but of for with from into at my your his her our their its because so if when while that"
    " which who whose than as is are was were i'm it's i um uh er erm hmm like the",
    "de": "ein eine einen einem einer der das den dem des und oder aber sondern weil wenn dass ob für von zum zur im am"
    " mein meine dein deine sein seine ihr ihre unser unsere äh ähm hm also",
    "fr": "un une des le la les du de et ou mais parce que qui dont pour avec dans sur à mon ma mes ton ta tes son sa"
    " ses si quand euh hum",
    "es": "un una unos unas el la los las y o pero porque que de del para con en por mi tu su si cuando eh em",
}
AGREEMENT = (
    "mhm mhmm mmhm mm-hm mm-hmm mm mmm hm hmm uh-huh uhhuh ah-ha ja-ja uh huh um aha ah oh"
    " yeah yes yep yup ok okay right sure see i wow cool nice great good really true exactly alright got it ja genau"
    " stimmt klar gut achso oui ouais accord d'accord sí si claro vale ajá"
)
STOP = "stop wait no nope hey hold quiet enough sorry halt stopp nein warte moment non arrête attends espera para"
CLAUSES = {
    "de": table("wenn falls weil obwohl während bevor nachdem sobald"),
    "fr": table("si quand lorsque puisque parce bien"),
    "es": table("si cuando porque aunque mientras"),
}
OPEN = re.compile(r"(?:,|;|:|…|\.\.\.|-|–|—)[\s\"'”’]*$")
LAST = re.compile(r"([^\W\d_]+(?:['’][^\W\d_]+)?)[\s.,…\-–—]*$")
AGREE, OBJECT = frozenset(AGREEMENT.split()), frozenset(STOP.split())
KNOWN = {language: frozenset(words.split()) for language, words in WORDS.items()}


def finished(text: str, language: str) -> float:
    """How sure it is that who said `text` wants to say nothing more: 0..1. `language` like "en" or "de-AT".

    Of a language that is not known only the signs count.
    """
    text = text.strip()
    if not text:
        return english.PLAIN
    if OPEN.search(text):
        return english.OPEN
    code = language[:2].lower()
    if code == "en":
        return english.finished(text)
    last = LAST.search(text)
    if last is not None and last.group(1).lower().replace("’", "'") in KNOWN.get(code, frozenset()):
        return english.OPEN
    if _opens_clause(text, code):
        return english.DOUBT / 2
    ends = text.rstrip("\"'”’») ")[-1:]
    return english.LIKELY if ends in "?？" else 0.7 if ends in "!！" else english.PLAIN if ends in ".。" else 0.35


def _opens_clause(text: str, language: str) -> bool:
    """It begins with "if" or "when" in that language, and no comma divides what was said."""
    begin = _plain(text)[:1]
    return bool(begin) and begin[0] in CLAUSES.get(language, ()) and not re.search(r"[,?？]", text)


def agrees(text: str) -> bool:
    """Whether `text` is nothing but words of agreement, or no word at all."""
    return all(word in AGREE for word in _plain(text))


def objects(text: str) -> bool:
    """Whether `text` has a word that asks the avatar to stop."""
    return any(word in OBJECT for word in _plain(text))


def _plain(text: str) -> list[str]:
    words = re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+", text.lower())
    return [word.replace("’", "'") for word in words]
