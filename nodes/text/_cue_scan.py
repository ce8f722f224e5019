"""What stands at a tag's first character: a cue in one of its syntaxes, a thought, or plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from vaidol.nodes.text._cue_names import EMOJI, STAGE_STEMS, STAGE_VERBS
from vaidol.nodes.text._words import words

BRACKET_MAX = 40  # characters from "[" on that may be held back before they are released as text
STAGE_MAX = 80  # the same from "*" on
ACT_MAX = 240  # the same from "<|" on


@dataclass(frozen=True, slots=True)
class CueTag:
    """A cue as the agent wrote it: `name` of an expression, motion or, if unknown, the raw word; weight in [0, 1]."""

    name: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """The first `length` characters are a tag with these cues (`hide`: and open a thought), or text if cues is None."""

    length: int
    cues: tuple[CueTag, ...] | None = None
    hide: bool = False


TEXT = Found(1)
_SIGN = "\u2600-\u27bf\u2b50\u2b55\U0001f300-\U0001faff"
OPENER = re.compile(f"[<*\\[{_SIGN}]")
_EMOJI = re.compile(f"[{_SIGN}](?:[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]|\u200d[{_SIGN}]?){{0,16}}")
THOUGHT = re.compile(r"<(/?)(?:thinking|think|thought|reasoning)>", re.IGNORECASE)
THOUGHT_ENDS = ("</think>", "</thinking>", "</thought>", "</reasoning>")
_THOUGHT_TAGS = THOUGHT_ENDS + tuple(tag.replace("/", "") for tag in THOUGHT_ENDS)
_BRACKET_BODY = re.compile(r"[\w \t'’\-:=.,;|/+&]*")
_ITEM = re.compile(
    r"\s*(?:(?:emotion|expression|mood|face|motion|gesture|action)\s*[:=]\s*)?"
    r"([^\W\d_](?:[\w '’\-]*\w)?)\s*(?:[:=]\s*(\d*\.?\d+))?\s*",
    re.IGNORECASE,
)
_ACT_NAME = re.compile(r"\"(?:expression|emotion|mood|face|motion|gesture|action|name)\"\s*:\s*\"([^\"]+)\"")
_ACT_WEIGHT = re.compile(r"\"(?:intensity|weight|strength)\"\s*:\s*(\d*\.?\d+)")
_ACT_PLAIN = re.compile(
    r"(ACT|EMOTE|EMOTION|EXPRESSION|EXPR|MOTION|FACE|MOOD)?[\s:=_\-]*(.*)", re.IGNORECASE | re.DOTALL
)
_STAGE = re.compile(r"\*([^*\n\[<]*)")
_FORE_WORDS = words("i he she they is are starts begins")
_NOT_VERBS = words(
    "this his hers its yes is was has us as perhaps always sometimes thus plus less unless across besides"
)
_NOUN_MARKS = words("are is were was have had can will would should of")


class Names:
    """Looks words up in the table of names."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = {word.lower(): name for word, name in names.items()}
        self._values = {name.lower(): name for name in names.values()}

    def known(self, word: str) -> str | None:
        word = word.lower()
        return self._names.get(word) or self._values.get(word)

    def begins(self, word: str) -> bool:
        """Whether a known word begins so."""
        return any(name.startswith(word.lower()) for name in (*self._names, *self._values))

    def cue(self, word: str, weight: str | None = None) -> CueTag:
        """The cue for a word; an unknown one keeps its raw name in lower case."""
        return CueTag(self.known(word) or word.lower(), 1.0 if weight is None else min(1.0, float(weight)))


def scan_bracket(buffer: str, final: bool, glued: str, names: Names) -> Found | None:
    body = _BRACKET_BODY.match(buffer, 1)
    end = body.end() if body else 1
    first = buffer[1:end].lstrip()[:1]
    if end >= BRACKET_MAX or (first and not first.isalpha()):
        return TEXT
    if end == len(buffer):  # still open
        return _cut_off(buffer, names) if final else None
    if buffer[end] != "]":
        return TEXT
    if end + 1 == len(buffer) and not final:
        return None  # "[label]" may become "[label](address)"
    if buffer[end + 1 : end + 2] == "(":
        return TEXT
    cues = _bracket_cues(buffer[1:end], glued, names)
    return Found(end + 1, cues) if cues else TEXT


def _cut_off(buffer: str, names: Names) -> Found:
    """The reply ended inside "[jo": a tag as far as it goes, else text."""
    word = buffer[1:].strip()
    known = names.known(word)
    if known:
        return Found(len(buffer), (CueTag(known),))
    return Found(len(buffer), ()) if len(word) >= 2 and names.begins(word) else TEXT


def _bracket_cues(inner: str, glued: str, names: Names) -> tuple[CueTag, ...]:
    """Cues of "joy", "joy:0.6", "emotion: joy", "joy, nod" or an unknown "whispers softly"; () = not a tag."""
    items = [_ITEM.fullmatch(part) for part in re.split(r"[,;|/+&]", inner)]
    found = [names.cue(item[1], item[2]) for item in items if item]
    if len(found) < len(items):
        return ()
    if all(item and names.known(item[1]) for item in items):
        return tuple(found)
    word = found[0].name
    odd = len(word) < 2 or len(word.split()) > 3 or any(char.isdigit() for char in word)
    if len(found) > 1 or odd or glued.isalnum() or glued in tuple("])_"):
        return ()
    lead = names.known(word.split()[0])  # "[smiles warmly]"
    return (CueTag(lead, found[0].weight),) if lead else tuple(found)


def scan_angle(buffer: str, final: bool, names: Names) -> Found | None:
    if buffer.startswith("<|"):
        end = buffer.find("|>", 2, ACT_MAX)
        if end >= 0:
            return Found(end + 2, _act_cues(buffer[2:end].strip(), names))
        if len(buffer) >= ACT_MAX:
            return TEXT
        return Found(len(buffer), ()) if final else None  # the reply was cut off inside a tag
    tag = THOUGHT.match(buffer)
    if tag:
        return Found(tag.end(), (), hide=not tag.group(1))
    if not any(candidate.startswith(buffer.lower()) for candidate in _THOUGHT_TAGS):
        return TEXT
    if not final:
        return None
    return Found(len(buffer), ()) if len(buffer) >= 4 else TEXT


def _act_cues(inner: str, names: Names) -> tuple[CueTag, ...]:
    """Cues of `ACT joy`, `EMOTE_HAPPY`, `ACT {"expression": "joy", "intensity": 0.5}`; none for `im_end`."""
    if "{" in inner or '"' in inner:
        weight = _ACT_WEIGHT.search(inner)
        return tuple(names.cue(name.strip(), weight[1] if weight else None) for name in _ACT_NAME.findall(inner))
    plain = _ACT_PLAIN.fullmatch(inner)
    item = _ITEM.fullmatch(plain[2]) if plain else None
    if plain and item and (plain[1] or names.known(item[1])):
        return (names.cue(item[1], item[2]),)
    return ()


def scan_stage(buffer: str, final: bool, glued: str, last: str, names: Names) -> Found | None:
    if glued.isalnum() or glued == "*":
        return TEXT
    if buffer.startswith("**"):
        return Found(2)
    body = _STAGE.match(buffer)
    end = body.end() if body else 1
    inner = buffer[1:end]
    if end > STAGE_MAX or (inner and not inner[0].isalpha()):
        return TEXT
    if end == len(buffer) and not final:
        return None
    closed = buffer[end : end + 1] == "*" and bool(inner) and not inner[-1].isspace()
    name = _stage_direction(inner, not last or not (last.isalnum() or last in "'’*"), names)
    if not closed:
        return _cut_off_stage(inner, name, names) if end == len(buffer) else TEXT
    if name is None:
        return TEXT if OPENER.search(inner) else Found(end + 1)
    return Found(end + 1, (names.cue(name),) if name else ())


def _cut_off_stage(inner: str, name: str | None, names: Names) -> Found:
    """The reply ended inside "*smil": a stage direction as far as it goes, else text."""
    begun = len(inner) >= 3 and any(verb.startswith(inner.lower()) for verb in STAGE_VERBS)
    if name or begun:
        return Found(len(inner) + 1, (names.cue(name),) if name else ())
    return TEXT


def _stage_direction(inner: str, apart: bool, names: Names) -> str | None:
    """Name for a stage direction, "" if the avatar has none for it, None if `inner` is mere emphasis.

    `apart`: it stands at the start or after punctuation, so it is not a stressed word inside a sentence.
    """
    said = re.findall(r"[^\W\d_]+", inner.lower())
    lead = [word for word in said[:3] if word not in _FORE_WORDS and not word.endswith("ly")] or said[:1]
    for word in lead:
        if word in STAGE_VERBS:
            return names.known(word) or STAGE_VERBS[word]
    if not apart or not lead:
        return None
    whole = names.known(" ".join(said))
    if whole:
        return whole
    if lead[0] in STAGE_STEMS and len(said) <= 2:
        return STAGE_STEMS[lead[0]]
    third_person = lead[0].endswith("s") and not lead[0].endswith("ss") and lead[0] not in _NOT_VERBS
    return "" if third_person and len(said) > 1 and not _NOUN_MARKS & set(said[1:2]) else None


def scan_emoji(buffer: str, final: bool, names: Names) -> Found | None:
    sign = _EMOJI.match(buffer)
    length = sign.end() if sign else 1
    if length == len(buffer) and not final and any(_grows(buffer, more) for more in "\ufe0f\u2764"):
        return None  # a variation selector, a skin tone or a joined sign may follow
    name = names.known(buffer[0]) or EMOJI.get(buffer[0])
    if name is None:
        return Found(length)
    return Found(length, (names.cue(name),))


def _grows(buffer: str, more: str) -> bool:
    longer = _EMOJI.match(buffer + more)
    return longer is not None and longer.end() > len(buffer)
