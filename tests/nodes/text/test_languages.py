"""Seven languages, hard cases of each: where sentences end, and what is spoken for signs, units and abbreviations."""

from __future__ import annotations

import pytest

from tests.nodes.text.test_split import split
from vaidol.nodes.text._speakable import speakable

SENTENCES = {
    "en": [
        ["I live in the U.S.", "It is big."],
        ["The U.S. Army came.", "We met in Washington D.C. yesterday."],
        ["He earns $3.5 million.", "Wow!", "Really?"],
        ["Mr. J. R. R. Tolkien wrote it at 5 a.m.", "Go to bed."],
    ],
    "de": [
        ["Die 2. Auflage ist da.", "Er wurde 3.", "Dann ging er."],
        ["Sie wohnt in der Hauptstr. 5 in Ulm.", "Dort ist es schön."],
        ["Prof. Dr. h.c. Müller spricht.", "Na ja."],
        ["Ja, am 3. Oktober um 14.30 Uhr.", "Dr. Meier sagt: „Komm!“", "Dann ging er."],
        ["Das war im 19. Jahrhundert.", "Heute nicht."],
    ],
    "fr": [
        ["C'est l'art. 5 de la loi.", "D'accord."],
        ["M. Dupont est là.", "« Viens ! » dit-il.", "Quoi ?", "Il est 14 h 30.", "Partons !"],
    ],
    "es": [
        ["La Dra. López llegó.", "¿Cómo estás?", "¡Bien!"],
        ["El Sr. García vive en la avda. de la Paz, p. ej. hoy.", "Ud. sabe."],
    ],
    "zh": [
        ["价格是3.5元。", "便宜。"],
        ["好的……走吧。", "你叫什么名字？", "我叫小明！"],
        ["他说：「走吧。」", "我们走了。"],
    ],
    "ja": [["今日は。", "元気ですか？", "「はい。」と言った。", "3.5倍です。"]],
    "ko": [["안녕하세요.", "이름이 뭐예요?", "저는 3.5배 빨라요!"], ['그는 "안녕."이라고 말했다.', "끝."]],
}  # fmt: skip


@pytest.mark.parametrize(("language", "sentences"), [(lang, each) for lang, sets in SENTENCES.items() for each in sets])
def test_sentences_end_where_people_end_them(language: str, sentences: list[str]) -> None:
    assert split(("" if language in ("zh", "ja") else " ").join(sentences)) == sentences


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("de", "-5 Grad, 20 °C und 50 km/h", "minus 5 Grad, 20 Grad Celsius und 50 Kilometer pro Stunde"),
        ("de", "3 < 5 und 2 + 2 = 4", "3 kleiner als 5 und 2 plus 2 gleich 4"),
        ("de", "Goethestr. 5, § 5 Abs. 2, 3 Mio. Leute", "Goethestraße 5, Paragraph 5 Absatz 2, 3 Millionen Leute"),
        ("de", "Am 3.11.2026 kostet es 12,50 €.", "Am 3.11.2026 kostet es 12,50 €."),
        ("de", "```py\nx = 1\n```", "Code"),
        ("de", "**Fett**, `x` 😀 und [hier](http://x.de)", "Fett, x und hier"),
        ("fr", "Le 3/11/2026, -5 °C, c.-à-d. froid", "Le 3/11/2026, moins 5 degrés Celsius, c'est-à-dire froid"),
        ("fr", "25 % de M. Dupont & Cie", "25 pour cent de Monsieur Dupont et Cie"),
        ("es", "El 25 % a 50 km/h", "El 25 por ciento a 50 kilómetros por hora"),
        ("es", "La Dra. López, p. ej.", "La Doctora López, por ejemplo."),
        ("es", "```js\nx\n```", "código"),
        ("zh", "25%的人，-5°C。", "百分之25的人，负5摄氏度。"),
        ("ja", "25%です。20°Cです。", "25 パーセントです。20度です。"),
        ("ko", "25%입니다.", "25 퍼센트입니다."),
        ("xx", "25% & 3 < 5", "25% 3 5"),
    ],
)
def test_what_is_spoken(language: str, text: str, said: str) -> None:
    assert speakable(text, language) == said


@pytest.mark.parametrize("language", ["de", "fr", "es", "zh", "ja", "ko", "it", "xx"])
@pytest.mark.parametrize(
    "text", ["42 1.234,5 3/4 14:30 -7 5 km/h 20 °C 30 % 12,50 € 2*3 1 < 2 & 3 + 4 = 7", "a/b 24/7"]
)
def test_no_english_word_gets_into_another_language(language: str, text: str) -> None:
    english = {"and", "plus", "equals", "percent", "minus", "times", "degrees", "less", "than", "euros", "point", "per"}
    shared = {"de": {"plus", "minus"}, "fr": {"plus"}}.get(language, set())
    assert not (english - shared) & set(speakable(text, language).lower().split())
