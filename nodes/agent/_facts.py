"""Facts about the user in what the user says: rules for how people tell such things of themselves, in four languages.

It finds plain statements ("I live in Oslo", "Meine Katze heißt Mimi"), not what lies between the lines; questions,
wishes and suppositions tell nothing. A second text with the same key stands instead of the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vaidol.nodes.agent._fact_rules import ENGLISH, Rule
from vaidol.nodes.agent._fact_rules_more import FRENCH, GERMAN, SPANISH
from vaidol.nodes.agent._memos import Finding

LONGEST = 600  # characters of a line that are looked at, and of a sentence
WIDEST = 120  # characters of a fact
SENTENCE = re.compile(r"(?<=[.!?;…])\s+|\n+")
STARTS = (
    r"(?:now |then |also )?(?:i|i'm|i've|we|we've|my|our|ich|wir|meine?|unsere?|je|j'\w+|mon|ma|mes|nous|yo|mi|mis|me|"
    r"tengo|soy|vivo|trabajo)\b"
)
CLAUSE = re.compile(
    rf"\s*[,;:—–]\s*|\s+(?:and|but|so|because|although|und|aber|denn|et|mais|car|y|pero|porque)\s+(?={STARTS})", re.I
)
FILLER = re.compile(
    r"^(?:(?:well|actually|hi|hello|hey|oh|yes|yeah|no|okay|ok|so|and|but|you know|by the way|to be honest|anyway|now"
    r"|then|also|hallo|ja|nein|also|übrigens|und|aber|bonjour|salut|oui|non|alors|et|mais|hola|sí|no|pues|bueno|y|pero)"
    r"\b[\s,]*)+",
    re.I,
)
UNREAL = re.compile(
    r"\b(?:if|imagine|pretend|suppose|wish|would|could|should|might|maybe|perhaps|said|says|told me|what if|dreamt|wenn"
    r"|falls|würde|hätte|wäre|könnte|vielleicht|stell dir vor|sagte|si|aimerais|voudrais|serais|imagine|peut-être|dit"
    r"|gustaría|quisiera|sería|ojalá|quizás|imagina|dijo)\b",
    re.I,
)
EMPTY = re.compile(
    r"(?:that|this|it|you|him|her|them|these|those|what|when|where|how|why|the way|to know|to hear|none|not|nothing|"
    r"everything|something|das|dich|es|ihn|sie|dies\w*|nichts|ça|cela|toi|te|rien|eso|esto|ti|nada)\b",
    re.I,
)
NOTE = re.compile(
    r"(?:please |bitte |s'il te plaît,? |por favor,? )?(?:remember|note|keep in mind|don't forget|do not forget|"
    r"merk dir|souviens-toi|retiens|recuerda)(?: that|,? dass| que|,|:) (?P<x>(?!when\b|how\b|me\b).{8,})$",
    re.I,
)
THEIRS = {"my": "their", "our": "their", "me": "them", "us": "them", "mine": "theirs", "myself": "themselves"}
TURNED = re.compile(rf"\b(?:{'|'.join(THEIRS)})\b", re.I)


def found(text: str) -> list[Finding]:
    """The facts about the user in `text`, what the user said; of several with one key the last."""
    findings: dict[str, Finding] = {}
    for sentence in SENTENCE.split(text[:LONGEST].replace("’", "'")):
        for one in _in_sentence(sentence.strip()):
            findings[one.key] = one
    return list(findings.values())


def _in_sentence(sentence: str) -> Iterator[Finding]:
    asks = sentence.endswith(("?", "？"))
    if (note := NOTE.match(FILLER.sub("", sentence))) and not asks:
        told = note["x"].rstrip(".! ")[:WIDEST]
        yield Finding(f"note {told.lower()}", f"asked to remember: {told}", sentence)
    clauses = CLAUSE.split(sentence.rstrip(".!?… "))
    if UNREAL.match(FILLER.sub("", clauses[0])) or re.match(r"let's\b", sentence, re.I):
        return
    for clause in clauses[:-1] if asks else clauses:  # "I live in Oslo, is it cold there?"
        told = FILLER.sub("", clause.strip())
        if not UNREAL.search(told) and (one := _in_clause(told, sentence)):
            yield one


def _in_clause(clause: str, said: str) -> Finding | None:
    for rules in (ENGLISH, GERMAN, FRENCH, SPANISH):
        for rule in rules:
            if match := rule.pattern.fullmatch(clause):
                return _finding(rule, match, clause, said)
    return None


def _finding(rule: Rule, match: re.Match[str], clause: str, said: str) -> Finding | None:
    parts = {name: " ".join((value or "").split()) for name, value in match.groupdict().items()}
    if any(EMPTY.match(value) for value in parts.values()) or (rule.proper and not _proper(parts["x"], clause)):
        return None
    turned = {name: TURNED.sub(lambda my: THEIRS[my[0].lower()], value) for name, value in parts.items()}
    key = rule.key.format(**{name: _singular(value.lower()) for name, value in turned.items()})
    if rule.denies:
        return Finding(key, "", said, denied=parts["x"])
    return Finding(key, rule.text.format(**turned)[:WIDEST], said)


def _proper(name: str, clause: str) -> bool:
    """Written as the name of a person or a place; or "a small village"; or by somebody who has no capitals."""
    plain = not any(letter.isupper() for letter in clause.replace("I", "i"))
    typed = not clause[0].isupper() and plain and not name.startswith(("the ", "my ", "another "))
    return name[0].isupper() or name.lower().startswith(("a ", "an ")) or typed or bool(re.search(r" [A-Z]", name))


def _singular(noun: str) -> str:
    """Two spellings of one thing under one key: articles and the plural's s do not count."""
    noun = re.sub(r"^(?:an?|the|some|any|one|two|three|four|five|le|la|les|l'|el|los|las|der|die|das) ?\b", "", noun)
    return noun.strip().removesuffix("s")
