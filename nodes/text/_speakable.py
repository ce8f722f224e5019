"""Makes displayed text speakable: no markdown, addresses, emoji or symbols, and in English no digits."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable

from vaidol.nodes.text._measures import CODE, measured
from vaidol.nodes.text._numbers import spell

_SYMBOLS = {
    "en": {"&": "and", "+": "plus", "=": "equals", "@": "at", ".": "dot", "%": "percent", "~": "about"},
    "de": {"&": "und", "+": "plus", "=": "gleich", "@": "ät", ".": "Punkt", "%": "Prozent", "~": "etwa"},
    "fr": {"&": "et", "+": "plus", "=": "égale", "@": "arobase", ".": "point", "%": "pour cent", "~": "environ"},
    "es": {"&": "y", "+": "más", "=": "igual a", "@": "arroba", ".": "punto", "%": "por ciento", "~": "unos"},
    "zh": {"&": "和", "+": "加", "=": "等于", "@": "at", ".": "点"},
    "ja": {"&": "と", "+": "プラス", "=": "イコール", "@": "アット", ".": "ドット", "%": "パーセント"},
    "ko": {"&": "그리고", "+": "더하기", "=": "는", "@": "골뱅이", ".": "닷", "%": "퍼센트"},
}
_ABBREVIATIONS = {
    "en": {
        r"Dr\.": "Doctor",
        r"Mr\.": "Mister",
        r"Mrs\.": "Missus",
        r"Ms\.": "Miz",
        r"Prof\.": "Professor",
        r"St\.(?=\s[A-Z])": "Saint",
        r"Mt\.(?=\s[A-Z])": "Mount",
        r"Jr\.": "Junior",
        r"Sr\.": "Senior",
        r"[Ee]\.\s?g\.,?": "for example,",
        r"[Ii]\.\s?e\.,?": "that is,",
        r"etc\.": "et cetera",
        r"vs\.?(?!\w)": "versus",
        r"approx\.": "approximately",
        r"[Nn]o\.(?=\s?\d)": "number",
        r"w/o(?!\w)": "without",
        r"w/(?=\s)": "with",
    },
    "de": {
        r"z\.\s?B\.": "zum Beispiel",
        r"d\.\s?h\.": "das heißt",
        r"u\.\s?a\.": "unter anderem",
        r"usw\.": "und so weiter",
        r"bzw\.": "beziehungsweise",
        r"ca\.": "circa",
        r"Nr\.": "Nummer",
        r"Dr\.": "Doktor",
        r"Prof\.": "Professor",
        r"Mio\.": "Millionen",
        r"Mrd\.": "Milliarden",
        r"Abs\.(?=\s?\d)": "Absatz",
        r"§\s?(?=\d)": "Paragraph ",
        r"(?<=[a-zäöü])str\.(?=\s?\d)": "straße",
    },
    "fr": {
        r"M\.(?=\s[A-Z])": "Monsieur",
        r"Mme\.?(?=\s)": "Madame",
        r"Mlle\.?(?=\s)": "Mademoiselle",
        r"p\.\s?ex\.": "par exemple",
        r"c\.-à-d\.": "c'est-à-dire",
        r"etc\.": "et cetera",
        r"Dr\.?(?=\s[A-Z])": "Docteur",
    },
    "es": {
        r"Sr\.": "Señor",
        r"Sra\.": "Señora",
        r"Srta\.": "Señorita",
        r"Dr\.": "Doctor",
        r"Dra\.": "Doctora",
        r"p\.\s?ej\.": "por ejemplo",
        r"Uds\.": "ustedes",
        r"Ud\.": "usted",
        r"etc\.": "etcétera",
    },
}
_COMPILED = {
    language: [
        (re.compile(pattern if pattern.startswith("(?<=") else rf"(?<![\w.]){pattern}"), said)
        for pattern, said in table.items()
    ]
    for language, table in _ABBREVIATIONS.items()
}
_FENCE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_DOMAIN = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?\.)+[a-zA-Z]{2,}"
_EMAIL = re.compile(rf"(?<![\w.])([\w.+-]{{1,64}})@({_DOMAIN})")
_URL = re.compile(
    rf"(?:https?://|ftp://|www\.)(?:www\.)?(?:[^\s/@]*@)?({_DOMAIN}|[\w.-]+)[^\s<>()\[\]\"']*?(?=[.,;:!?]*(?:[\s<>()\[\]\"']|$))"
)
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\([^()]*\)[^()\s]*)*(?:\s+\"[^\"]*\")?\)|\[[^\[\]]*\])")
_LATE_LINK = re.compile(r"\]\(\S*?(?:\)|$)")
_LINES: list[tuple[re.Pattern[str], str]] = [
    (re.compile(r"^[ \t]*(?:[-*_=]{3,}|[-|: \t]{3,})[ \t]*$", re.MULTILINE), ""),  # rules and table borders
    (re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE), ""),
    (re.compile(r"^[ \t]*#{1,6}[ \t]+", re.MULTILINE), ""),
    (re.compile(r"^[ \t]*[-*+•‣◦–—][ \t]+(?:\[[ xX]?\][ \t]*)?", re.MULTILINE), ""),
]
_EMOTICONS = re.compile(
    r"(?<!\w)(?:[:;][-'^]?[()DPpOo3|/\\*]+|<+3|[xX]D+|\^[_.-]*\^|[oO]_[oO]|[TQ]_[TQ]|>[_.]+<|-_-)(?!\w)"
    r"|¯\\_\(ツ\)_/¯|[(（][^()（）A-Za-z0-9\s]{0,4}[ωдДз∀‿▽﹏︿^_><・；´`][^()（）A-Za-z0-9]{0,5}[)）]"
)
_UNSPOKEN = frozenset(("So", "Cf", "Cc", "Cn", "Co", "Cs", "Sk"))
_KEPT = frozenset("°\n\u200c")
_QUOTES = re.compile(r"[\"“”„‟«»‹›「」『』《》〈〉【】]|(?<!\w)['‘’]|['‘’](?!\w)")
_MARKERS = re.compile(r"[*#`\[\]{}<>|~^_\\§¶†‡=&@+]")


def speakable(text: str, language: str = "en") -> str:
    """What a synthesizer should say for `text`; "" if there is no letter or digit in it.

    `language`: "en", "de-AT", …: English numbers are spelled, other languages keep digits. Never raises; no markdown
    markers remain. A text that is nothing but a code block becomes "code".
    """
    language = language.lower().replace("_", "-").partition("-")[0]
    bare = _FENCE.sub(" ", text)
    coded = bare != text
    bare = re.sub(r" ?\n[ \n]*", "\n", re.sub(r"[^\S\n]+", " ", bare))
    said = _tidy(_worded(_unmarked(bare, language), language))
    if any(char.isalnum() for char in said):
        return said
    return CODE.get(language, "code") if coded else ""


def _unmarked(text: str, language: str) -> str:
    """Without markdown, tags, addresses and pictures."""
    dot = f" {_SYMBOLS.get(language, {}).get('.', '.')} "
    text = _LATE_LINK.sub(" ", _LINK.sub(r"\1", text)).replace("~~", "")
    text = _EMAIL.sub(lambda m: m[1].replace(".", dot).replace("_", " ") + " @ " + m[2].replace(".", dot), text)
    text = _URL.sub(lambda m: m[1].replace(".", dot), text)
    text = html.unescape(re.sub(r"</?[a-zA-Z][^<>]*>|\[\d+\]", " ", text))
    for pattern, said in _LINES:
        text = pattern.sub(said, text)
    text = _EMOTICONS.sub(" ", text)
    return "".join(map(_spoken, text))


def _spoken(char: str) -> str:
    if char in _KEPT or unicodedata.category(char) not in _UNSPOKEN:
        return "" if char in "\ufe0e\ufe0f\u20e3" else char
    return "" if unicodedata.category(char) in ("Cf", "Sk") and char not in "^`" else char if char in "^`" else " "


def _worded(text: str, language: str) -> str:
    """Abbreviations, numbers and symbols as words."""
    text = re.sub(r"[\u00a0\u202f\u2009]", " ", text)
    for pattern, said in _COMPILED.get(language, []):
        text = pattern.sub(_expansion(said), text)
    text = _english(text) if language == "en" else measured(text, language)
    symbols = _SYMBOLS.get(language, {})
    if "%" in symbols:
        text = re.sub(r"(?<=\d)\s?%", f" {symbols['%']}", text)
    text = re.sub(r"(?<!\w)~(?=\s?\w)", f" {symbols.get('~', '')} ", text)
    for sign in "&+=@":
        text = text.replace(sign, f" {symbols.get(sign, '')} ")
    return re.sub(r"/" if language == "en" else r"(?<!\d)/|/(?!\d)", " ", text)


def _expansion(said: str) -> Callable[[re.Match[str]], str]:
    """The words for an abbreviation; at the end of the text its period also ends the sentence."""
    return lambda m: said.rstrip(",") + "." if not m.string[m.end() :].strip() else said


_ENGLISH: list[tuple[re.Pattern[str], str]] = [
    (re.compile(r"\b([CFJ])#"), r"\1 sharp"),
    (re.compile(r"#(?=\d)"), "number "),
    (re.compile(r"(?<=[\w)])\s*(?:²|\^2\b)"), " squared"),
    (re.compile(r"(?<=[\w)])\s*(?:³|\^3\b)"), " cubed"),
    (re.compile(r"(?<=\w)\^(?=\d)"), " to the power of "),
    (re.compile(r"(?<=\d)\s*[*×]\s*(?=\d)"), " times "),
    (re.compile(r"(?<=[\w)])\s*÷\s*(?=\w)"), " divided by "),
    (re.compile(r"±\s*"), " plus or minus "),
    (re.compile(r"[≈≃]\s*"), " about "),
    (re.compile(r"\s*(?:→|->|=>|⇒|-->)\s*"), " to "),
    (re.compile(r"\s*(?:<=|≤)\s*"), " at most "),
    (re.compile(r"\s*(?:>=|≥)\s*"), " at least "),
    (re.compile(r"(?<=\w)\s*<\s*(?=\d)|(?<=\w) < (?=\w)"), " less than "),
    (re.compile(r"(?<=\w)\s*>\s*(?=\d)|(?<=\w) > (?=\w)"), " greater than "),
    (re.compile(r"\band/or\b"), "and or"),
    (re.compile(r"(?<![\w/])([a-z]{2,})/([a-z]{2,})(?![\w/])"), r"\1 or \2"),
]


def _english(text: str) -> str:
    for pattern, said in _ENGLISH:
        text = pattern.sub(said, text)
    return re.sub(r"(?<=[^\W\d_])/(?=[^\W\d_])", " slash ", re.sub("[$€£¥₩]", " ", spell(text)))


_TIDY: list[tuple[re.Pattern[str], str]] = [
    (re.compile(r"(?:\.{2,}|…+|⋯+)(?=[\s\W]*$)"), "."),
    (re.compile(r"(?:\.{2,}|…+|⋯+)"), ", "),
    (re.compile(r"\s+[-–—―]+\s+|[—―]+"), ", "),
    (re.compile(r"(?<=\w)–(?=\w)"), "-"),
    (re.compile(r"[)）|](?=[\s\W]*$)"), " "),
    (re.compile(r"[()（）]|\|"), ", "),
    (_QUOTES, " "),
    (_MARKERS, " "),
    (re.compile(r"[!?]*\?[!?]*"), "?"),
    (re.compile(r"!+"), "!"),
    (re.compile(r"[！？]*？[！？]*"), "？"),
    (re.compile(r"！+"), "！"),
    (re.compile(r"([a-zA-Z])\1{3,}"), r"\1\1"),
    (re.compile(r"(?<=[^\W_])[ \t]*\n\s*(?=\w)"), ". "),
    (re.compile(r"\s+"), " "),
    (re.compile(r"(?: ?[,;:])+(?= ?[,;:.!?。！？])"), ""),
    (re.compile(r"(?<=[.!?。！？])(?: ?[,;:.])+"), ""),
    (re.compile(r" (?=[,;:.!?。！？，、])"), ""),
    (re.compile(r"^[\s,;:.!?\-–。！？，、…]+|[\s\-–]+$"), ""),
]


def _tidy(text: str) -> str:
    """Calm punctuation and white space."""
    for pattern, said in _TIDY:
        text = pattern.sub(said, text)
    return text
