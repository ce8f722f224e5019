"""Where a sentence or a clause ends in running text: English, German, French, Spanish, Chinese, Japanese, Korean."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vaidol.nodes.text._words import words

# Never the end of a sentence, whatever follows (lower case, without the last period).
_ABBREVIATIONS = words(
    "dr mr mrs ms prof st mt rev gen sen gov capt sgt lt col cmdr hon messrs e.g eg i.e ie cf vs approx al dept "
    "bzw ca z.b u.a d.h v.a i.d.r evtl ggf inkl exkl vgl hr fr frl dipl geb sog gegr str "
    "mm mme mlle mlles mgr p.ex env "
    "sra srta srs dra dras dña d ud uds vd vds ej p.ej ee aprox avda "
    "h.c"
)
# The same, but only before a number: "No. 5", "p. 12"; "No. I don't." is a sentence.
_NUMBERED = words("no nr nos fig figs p pp vol ch art sec eq tab bd kap s núm n")
# A name usually follows, but these also end sentences in lower-case use: "Sr. García", "Sen. Smith".
_TITLES = frozenset(("Sr", "Jr"))
_ORDINAL_NOUNS = words(
    "januar jänner februar märz april mai juni juli august september oktober november dezember jahrhundert "
    "mal platz klasse stock weltkrieg geburtstag etage"
)
# What stands before a German ordinal ("die 2. Auflage"), and seldom before a number that ends a sentence.
_BEFORE_ORDINALS = words("der die das den dem des am im vom zum zur beim jeder jede jeden jedem ein eine einen einem")
_BEGINNERS = words("i it he she we you they the this that these those there but and so then what who why how my our")
_ELIDED = words("t s d m ll re ve")  # behind an apostrophe: "don't", "that's"
_CLOSERS = "\"'”“’»)]}」』）】》〉*_"
_WIDE_ENDS = "。！？｡"
_ENDS = re.compile(r"[.!?…\n。！？｡]")
_CLAUSES = re.compile(r"[,;:、，；：—–]|(?<= )-(?= )")
_RUN = re.compile(rf"[.!?…。！？｡]*(?:[{re.escape(_CLOSERS)}]|[ \u00a0\u202f]»)*")
_AHEAD = re.compile(r"([^\S\n]{0,8})(\S?)")
_WORD = re.compile(r"[^\s(\[{\"“„«¿¡'‘]*$")
_NEXT_WORD = re.compile(r"\s*([^\W\d_]{1,12})")
_WORDS = re.compile(r"\S+")
FENCE = "```"


@dataclass(frozen=True, slots=True)
class Scan:
    """Result of a search: the text up to `border` is complete (0 = no border yet); all before `sure` is decided."""

    border: int
    sure: int


def wide(char: str) -> bool:
    """Whether a character belongs to a script written without spaces (Chinese, Japanese) or is full-width."""
    return "\u2e80" <= char < "\uac00" or "\uf900" <= char < "\ufe00" or "\uff00" <= char < "\uffa0"


def find_sentence(text: str, start: int, final: bool, relaxed: bool) -> Scan:
    """First sentence end in `text` at or after `start`. `relaxed`: the writer begins sentences in lower case."""
    at = start
    while True:
        fence = text.find(FENCE, at)
        mark = _ENDS.search(text, at)
        if mark is None or 0 <= fence < mark.start():
            if fence < 0:
                tail = len(text) - len(text.rstrip("`"))  # "``" may become a fence
                return Scan(0, max(at, len(text) - tail))
            close = text.find(FENCE, fence + 3)
            if close < 0:
                return Scan(0, fence)
            at = close + 3
            continue
        if mark[0] == "\n":
            if text[: mark.start()].strip():
                return Scan(mark.end(), mark.start())
            at = mark.end()
            continue
        end = _sentence_end(text, mark.start(), final, relaxed)
        if end is None:
            return Scan(0, mark.start())
        if end > 0:
            return Scan(end, mark.start())
        at = -end


def _sentence_end(text: str, at: int, final: bool, relaxed: bool) -> int | None:
    """End of the sentence whose mark is at `at`; -position to go on from, if it is none; None = wait for more."""
    run = _RUN.match(text, at)
    end = run.end() if run else at + 1
    ahead = _AHEAD.match(text, end)
    gap, after = (ahead[1], ahead[2]) if ahead else ("", "")
    if len(gap) == 8 or text[end + len(gap) : end + len(gap) + 1] == "\n":
        return end  # a long stretch of white space, or the line ends
    if not after:
        return end if final else None
    marks = text[at:end].rstrip(_CLOSERS + " \u00a0\u202f")
    quoted = len(marks) < end - at
    if any(mark in _WIDE_ENDS for mark in marks):
        return -end if quoted and after in "とって、，」』" else end
    if not gap:
        return end if wide(after) and "…" not in marks and set(marks) != {"."} else _stuck(marks, after, end)
    if marks == ".":
        return _period_end(text, at, end, after, final=final, relaxed=relaxed)
    soft = quoted or "…" in marks or marks.endswith("..")
    return -end if soft and after.islower() and not relaxed else end


def _stuck(marks: str, after: str, end: int) -> int:
    """A mark directly before a character: "3.5", "a.b", "…und", but "你好.我" ends."""
    return end if marks == "." and wide(after) else -end


def _period_end(text: str, at: int, end: int, after: str, *, final: bool, relaxed: bool) -> int | None:
    """The same decision for a single period followed by white space and the visible character `after`."""
    word = _WORD.search(text[:at])
    token = word[0].strip("*_") if word else ""
    before = text[: at - len(word[0])] if word else ""
    key = token.lower()
    if end == at + 1 and _abbreviated(token, before, after):
        return end if _sentence_begins(token, text[end:], final) else -end
    if key.isdigit() and len(key) <= 3 and (not before.strip() or before.rstrip().endswith((":", "\n"))):
        return -end  # "1. First": a list
    if key.isdigit() and len(key) <= 2 and after.isalpha():
        following = _NEXT_WORD.match(text, end)
        if following and following.end() == len(text) and len(following[1]) < 12 and not final:
            return None  # "am 3. Nov" may become a date
        if following and (following[1].lower() in _ORDINAL_NOUNS or _ordinal(before, following[1])):
            return -end
    return -end if after.islower() and not relaxed else end


def _sentence_begins(token: str, ahead: str, final: bool) -> bool:
    """ "I live in the U.S. It is big." """
    letters = token.split(".")
    following = _NEXT_WORD.match(ahead)
    whole = following is not None and (final or following.end() < len(ahead))
    initials = len(letters) > 1 and token.isupper() and all(len(letter) == 1 for letter in letters)
    return initials and whole and following is not None and following[1].lower() in _BEGINNERS


def _ordinal(before: str, noun: str) -> bool:
    """ "Die 2. Auflage"."""
    return noun[0].isupper() and before.rstrip().lower().rpartition(" ")[2] in _BEFORE_ORDINALS


def _abbreviated(token: str, before: str, after: str) -> bool:
    key = token.lower()
    if before[-1:] in "'’" and before[-2:-1].isalpha() and key in _ELIDED:
        return False  # "I don't."
    if after.isdigit() and key.endswith("str") and len(key) > 4:
        return True  # "Hauptstr. 5"
    if key in _ABBREVIATIONS or (key in _NUMBERED and after.isdigit()) or token in _TITLES:
        return True
    parts = key.split(".")
    if len(parts) > 1:  # "J.R.R. Tolkien", "U.S. Army"
        return all(len(part) == 1 and part.isalpha() for part in parts) and token.isupper() and after.isalpha()
    if len(key) != 1 or not key.isalpha() or key > "\u024f":
        return False
    if token == "I":  # "I. M. Pei", but "So do I. Then …"
        return not before.strip()
    return True  # an initial, "z. B.", "M. Dupont"


def find_clause(text: str, start: int, min_chars: int, final: bool) -> Scan:
    """First clause border at which at least `min_chars` characters and three words (or six wide characters) stand."""
    for mark in _CLAUSES.finditer(text, start):
        end = mark.end()
        if end == len(text):
            return Scan(0, mark.start()) if not final else Scan(0, end)
        after = text[end]
        if not (wide(mark[0]) or after.isspace() or (mark[0] == "—" and not after.isdigit())):
            continue
        said = text[:end].strip()
        if FENCE in said:
            return Scan(0, len(text))
        broad = sum(1 for char in said if wide(char))
        if broad >= 6 or (len(said) >= min_chars and len(_WORDS.findall(said)) >= 3):
            return Scan(end, end)
    return Scan(0, max(start, len(text) - 1))


def best_cut(text: str, limit: int) -> int:
    """Where to cut a text that is longer than `limit`: after a clause mark, else at white space, else at the limit."""
    head = text[: limit + 1]
    for pattern in (
        r"[.!?;:。！？；：](?=\s|[\u2e80-\uffa0])",
        r"[,，、—–](?=\s|[\u2e80-\uffa0])|[、，；。！？]",
        r"\s(?=\S)",
    ):
        ends = [mark.end() for mark in re.finditer(pattern, head) if limit // 3 <= mark.end() <= limit]
        if ends:
            return ends[-1]
    cut = limit
    while cut > limit // 2 and (
        text[cut] in "\u200d\ufe0f" or text[cut - 1] == "\u200d" or "\u0300" <= text[cut] < "\u0370"
    ):
        cut -= 1
    return cut
