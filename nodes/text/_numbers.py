"""Numbers, money, dates, times, ordinals and units of English text as the words that are said."""

from __future__ import annotations

import re
from collections.abc import Callable

from vaidol.nodes.text._words import row

_SMALL = row(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = row("zero ten twenty thirty forty fifty sixty seventy eighty ninety")
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_ODD_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_MONTHS = row("January February March April May June July August September October November December")
_MONTH = "|".join(_MONTHS)
_COINS = {"$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "pence"), "¥": ("yen", ""), "₩": ("won", "")}
_MAGNITUDES = {"k": "thousand", "m": "million", "bn": "billion", "b": "billion", "t": "trillion"}
_UNITS = {
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "m/s": ("meter per second", "meters per second"),
    "mph": ("mile per hour", "miles per hour"),
    "ft": ("foot", "feet"),
    "Hz": ("hertz", "hertz"),
    "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"),
    "lb": ("pound", "pounds"),
    "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
} | {
    short: (long, long + "s")
    for short, long in (
        pair.split(":")
        for pair in row(
            "km:kilometer m:meter cm:centimeter mm:millimeter kg:kilogram g:gram mg:milligram l:liter ml:milliliter "
            "mi:mile s:second ms:millisecond min:minute h:hour KB:kilobyte MB:megabyte GB:gigabyte TB:terabyte "
            "W:watt kW:kilowatt kWh:kilowatt-hour V:volt dB:decibel"
        )
    )
}
_FRACTIONS = {
    "1/2": "one half",
    "1/3": "one third",
    "2/3": "two thirds",
    "1/4": "one quarter",
    "3/4": "three quarters",
    "24/7": "twenty-four seven",
}
_SIGNS = {"½": "one half", "⅓": "one third", "⅔": "two thirds", "¼": "one quarter", "¾": "three quarters"}
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_LEFT = r"(?<![\w.,])"


def cardinal(number: int) -> str:
    """ "forty-two"; |number| < 10^15."""
    if number < 0:
        return "minus " + cardinal(-number)
    if number < 20:
        return _SMALL[number]
    if number < 100:
        ten, one = divmod(number, 10)
        return _TENS[ten] + (f"-{_SMALL[one]}" if one else "")
    size, name = next(scale for scale in _SCALES if scale[0] <= number)
    count, rest = divmod(number, size)
    return f"{cardinal(count)} {name}" + (f" {cardinal(rest)}" if rest else "")


def ordinal(number: int) -> str:
    """ "forty-second"."""
    said = cardinal(number)
    cut = max(said.rfind(" "), said.rfind("-")) + 1
    last = said[cut:]
    if last in _ODD_ORDINALS:
        return said[:cut] + _ODD_ORDINALS[last]
    return said[:cut] + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def year(number: int) -> str:
    """ "nineteen eighty-four", "two thousand five", "twenty twenty-six"; 1000 ≤ number ≤ 9999."""
    century, rest = divmod(number, 100)
    if number % 1000 < 10:
        return cardinal(number)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def number(text: str) -> str:
    """ "1,234.50", "007", "3.14" as words; more than 15 digits one by one."""
    whole, _, part = text.replace(",", "").partition(".")
    odd = len(whole) > 15 or (len(whole) > 1 and whole[0] == "0")
    said = _digits(whole) if odd else cardinal(int(whole))
    return f"{said} point {_digits(part)}" if part else said


def _digits(text: str) -> str:
    return " ".join(_SMALL[int(digit)] for digit in text)


def spell(text: str) -> str:
    """`text` with every number that English writes in digits said in words."""
    for pattern, said in _RULES:
        text = pattern.sub(said, text)
    return text


def _date(month: str, day: str, of_year: str | None = None) -> str:
    said = f"{_MONTHS[int(month) - 1]} {ordinal(int(day))}"
    return f"{said}, {year(int(of_year))}" if of_year else said


def _iso(match: re.Match[str]) -> str:
    return _date(match[2], match[3], match[1])


def _slashed(match: re.Match[str]) -> str:
    first, second = (match[2], match[1]) if int(match[1]) > 12 else (match[1], match[2])
    return _date(first, second, match[3]) if 1 <= int(first) <= 12 and 1 <= int(second) <= 31 else match[0]


def _dotted(match: re.Match[str]) -> str:
    return _date(match[2], match[1], match[3])


def _named_day(match: re.Match[str]) -> str:
    return f"{match[1]} {ordinal(int(match[2]))}"


def _clock(match: re.Match[str]) -> str:
    hour, minute, second, half = int(match[1]), int(match[2]), match[3], match[4]
    said = cardinal(hour)
    if minute:
        said += f"{' oh' if minute < 10 else ''} {cardinal(minute)}"
    elif not half:
        said += " o'clock" if 0 < hour <= 12 else " hundred"
    if second:
        said += f" and {_counted(str(int(second)), 'second', 'seconds')}"
    return f"{said} {half.upper()} M" if half else said


def _hour(match: re.Match[str]) -> str:
    return f"{cardinal(int(match[1]))} {match[2].upper()} M"


def _money(match: re.Match[str]) -> str:
    sign, amount, scale = (match[1], match[2], match[3]) if match[1] else (match[5], match[4], None)
    coin, part = _COINS[sign]
    coins = coin + ("" if coin in ("yen", "won") else "s")
    whole, _, cents = amount.replace(",", "").partition(".")
    if scale:
        return f"{number(amount)} {_MAGNITUDES.get(scale.lower(), scale.lower())} {coins}"
    if not part or len(cents) != 2:
        return f"{number(amount)} {coin if amount == '1' else coins}"
    small = _counted(str(int(cents)), "penny" if part == "pence" else part, part if part == "pence" else part + "s")
    large = _counted(whole, coin, coins)
    if int(cents) == 0:
        return large
    return small if whole == "0" else f"{large} and {small}"


def _counted(amount: str, one: str, many: str) -> str:
    return f"{number(amount)} {one if amount == '1' else many}"


def _unit(match: re.Match[str]) -> str:
    return _counted(match[1], *_UNITS[match[2]])


def _decade(match: re.Match[str]) -> str:
    century, tens = match[1], _TENS[int(match[2][0])]
    if match[2] == "00":
        return (year(int(century + "00")) if century else "zero") + "s"
    many = tens[:-1] + "ies" if tens.endswith("y") else tens + "s"
    return f"{cardinal(int(century))} {many}" if century else many


def _fraction_sign(match: re.Match[str]) -> str:
    said = _SIGNS[match[2]]
    return f"{match[1]} and {said.replace('one ', 'a ')}" if match[1] else said


def _fraction(match: re.Match[str]) -> str:
    if match[0] in _FRACTIONS:
        return _FRACTIONS[match[0]]
    return f"{match[1]} {'out of' if match[2] in ('5', '10', '100') else 'over'} {match[2]}"


def _phone(match: re.Match[str]) -> str:
    return ", ".join(_digits(group) for group in match[0].split("-"))


def _range(match: re.Match[str]) -> str:
    descends = int(match[1]) >= int(match[3])
    return f"{match[1]} {'minus' if descends and match[2].strip() != match[2] else 'to'} {match[3]}"


def _nth(match: re.Match[str]) -> str:
    digits = match[1].replace(",", "")
    return ordinal(int(digits)) if len(digits) <= 12 else match[1]


def _day_first(match: re.Match[str]) -> str:
    return f"the {ordinal(int(match[1]))} of "


def _version(match: re.Match[str]) -> str:
    return " point ".join(number(part) for part in match[0].split("."))


def _years(match: re.Match[str]) -> str:
    return year(int(match[0]))


_SCALE = r"(?:\s?(thousand|million|billion|trillion|[kKmMbBtT]|bn)\b)?"
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_DAY = r"0?[1-9]|[12]\d|3[01]"
_HALF = r"\s?([aApP])(?:\.[mM]\b(?:\.(?!\s*$|\s+[A-Z]))?|[mM]\b)"  # keeps the period that ends a sentence
_RULES: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile(r"(?:(\d)\s?)?([½⅓⅔¼¾])"), _fraction_sign),
    (re.compile(rf"{_LEFT}(\d{{4}})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?:(?=T\d)|(?![\w-]))"), _iso),
    (re.compile(rf"{_LEFT}(\d{{1,2}})/(\d{{1,2}})/([12]\d{{3}})(?![\w/])"), _slashed),
    (re.compile(rf"{_LEFT}({_DAY})\.(0?[1-9]|1[0-2])\.([12]\d{{3}})(?!\w|\.\d)"), _dotted),
    (re.compile(rf"\b({_MONTH})\s({_DAY})(?:st|nd|rd|th)?(?!\w|[:.,]\d|[%°])"), _named_day),
    (re.compile(rf"(?<![\w.,:-])({_DAY})\s(?=(?:{_MONTH})\b)"), _day_first),
    (re.compile(r"([$€£¥₩])[-−](?=\d)"), r"-\1"),
    (re.compile(r"(?<=\d:[0-5]\d)\s?[-–]\s?(?=\d{1,2}:[0-5]\d)"), " to "),
    (re.compile(rf"(?<![\d:.,])(2[0-4]|[01]?\d):([0-5]\d)(?::([0-5]\d))?(?:{_HALF})?(?![\d:])"), _clock),
    (re.compile(rf"(?<![\d:.,])(1[0-2]|0?[1-9]){_HALF}"), _hour),
    (re.compile(r"(?<![\w-])(?:\d{3}-)?\d{3}-\d{4}(?![\w-])"), _phone),
    (re.compile(r"(?<![\w.,-])(\d{1,9})(\s?[-–]\s?)(\d{1,9})(?![\w-]|[.,]\d)"), _range),
    (re.compile(r"(?<![\w)])[-−](?=[$€£¥₩]?\d)"), "minus "),
    (re.compile(rf"([$€£¥₩])\s?({_NUMBER}){_SCALE}|(?<!\w)({_NUMBER})\s?([$€£¥₩])"), _money),
    (re.compile(rf"(?<!\d)({_NUMBER})\s?%"), r"\1 percent"),
    (re.compile(r"(?<![\w.,])(\d+(?:,\d{3})*)(?:st|nd|rd|th)\b"), _nth),
    (re.compile(r"(?<![\w.,])(?:['’]|(\d\d))?(\d0)['’]?s\b"), _decade),
    (re.compile(rf"{_LEFT}(\d+(?:\.\d+)?)/(\d+)(?![\w/])"), _fraction),
    (re.compile(rf"(?<![\w.])({_NUMBER})\s?({_UNIT})(?![\w/])"), _unit),
    (re.compile(r"(?<=[^\W\d_])-?(?=\d)|(?<=\d)(?=[^\W\d_])"), " "),
    (re.compile(r"(?<![\w.])\.(?=\d)"), "0."),
    (re.compile(r"(?<![\d,.])\d+(?:\.\d+){2,}(?!\d)"), _version),
    (re.compile(r"(?<![\w.,-])(?:19|20)\d\d(?![\w%]|[.,]\d)"), _years),
    (re.compile(_NUMBER), lambda match: number(match[0])),
]
