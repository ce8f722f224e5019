"""Signs and units round numbers in other languages than English; the digits themselves are left to the voice."""

from __future__ import annotations

import re

CODE = {"en": "code", "de": "Code", "fr": "code", "es": "código", "zh": "代码", "ja": "コード", "ko": "코드"}
# minus, less than, greater than, times, degrees Celsius, degrees, "per hour" of km
_SAID = {
    "de": ("minus", "kleiner als", "größer als", "mal", "Grad Celsius", "Grad", "Kilometer pro Stunde"),
    "fr": ("moins", "inférieur à", "supérieur à", "fois", "degrés Celsius", "degrés", "kilomètres par heure"),
    "es": ("menos", "menor que", "mayor que", "por", "grados Celsius", "grados", "kilómetros por hora"),
    "zh": ("负", "小于", "大于", "乘", "摄氏度", "度", "公里每小时"),
    "ja": ("マイナス", "小なり", "大なり", "かける", "度", "度", "キロ毎時"),
    "ko": ("마이너스", "작다", "크다", "곱하기", "도", "도", "킬로미터 매시"),
}
_SIGNS = (
    re.compile(r"(?<![\w)])[-−](?=\d)"),
    re.compile(r"(?<=[\w)])\s*<\s*(?=\d)|(?<=\w) < (?=\w)"),
    re.compile(r"(?<=[\w)])\s*>\s*(?=\d)|(?<=\w) > (?=\w)"),
    re.compile(r"(?<=\d)\s*[*×]\s*(?=\d)"),
    re.compile(r"(?<=\d)\s?°\s?C(?![A-Za-z])|(?<=\d)\s?℃"),
    re.compile(r"(?<=\d)\s?°"),
    re.compile(r"(?<=\d)\s?km/h(?![A-Za-z])"),
)
_SHARE = re.compile(r"(\d+(?:[.,]\d+)?)\s?[%％]")


def measured(text: str, language: str) -> str:
    """`text` with signs and units that stand at numbers in words of `language`; unchanged where it is not known."""
    if language == "zh":
        text = _SHARE.sub(r"百分之\1", text)
    glue = "" if language in ("zh", "ja") else " "
    for sign, said in zip(_SIGNS, _SAID.get(language, ()), strict=False):
        text = sign.sub(f"{glue}{said}{glue}", text)
    return text
