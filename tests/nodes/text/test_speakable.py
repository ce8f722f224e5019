"""What is handed to a synthesizer holds words only."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vaidol.nodes.text._numbers import cardinal, ordinal, spell, year
from vaidol.nodes.text._speakable import speakable


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("**Hello** *world*, `code` ~~x~~ __b__ _i_ snake_case", "Hello world, code x b i snake case"),
        ("# Title\n- one\n- two\n1. First", "Title. one. two. one. First"),
        ("> quoted\n\n---\nnext", "quoted. next"),
        ("- [x] done", "done"),
        ("| a | b |\n|---|---|\n| c | d |", "a, b, c, d"),
        ("See [the docs](https://a.b/c(d)) now.", "See the docs now."),
        ("a split label](https://a.b/c) here", "a split label here"),
        ("![A cat](cat.png)", "A cat"),
        ("Go to https://www.example.com/foo?x=1.", "Go to example dot com."),
        ("Or www.example.org/a, yes", "Or example dot org, yes"),
        ("Mail joe.doe@mail.example.org!", "Mail joe dot doe at mail dot example dot org!"),
        ("```py\nx = 1\n```", "code"),
        ("Use this: ```py\nx``` ok.", "Use this: ok."),
        ("```py\nnever closed", "code"),
        ("😊 Hi 👩‍❤️‍👨 there :) <3 ^_^ (´・ω・`) 1️⃣", "Hi there one"),
        ("<b>bold</b> &amp; &lt;x&gt;", "bold and x"),
        ("Hmm... I think… no...", "Hmm, I think, no."),
        ("Really?!?! Wow!!!", "Really? Wow!"),
        ('He said "hi" (quietly) — and left; don\'t \'quote\' it’s', "He said hi, quietly, and left; don't quote it’s"),
        ("I think so, ", "I think so,"),  # the tone of an early clause
        ("Yes (quietly).", "Yes, quietly."),
        ("soooooo hmmmmm", "soo hmm"),
        ("Known [1], said [them] so.", "Known, said them so."),
        ("Dr. Smith vs. Mr. Jones, etc.", "Doctor Smith versus Mister Jones, et cetera."),
        ("fruit, e.g. apples", "fruit, for example, apples"),
        ("A & B + C = D @ home", "A and B plus C equals D at home"),
        ("and/or he/she TCP/IP", "and or he or she TCP slash IP"),
        ("C# and C++, #1 and #tag", "C sharp and C plus plus, number one and tag"),
        ("a -> b → c, x < y, 5 > 3", "a to b to c, x less than y, five greater than three"),
        ("x², m^2, 10^12", "x squared, m squared, ten to the power of twelve"),
        ("5 * 3 = 15, 6 × 7", "five times three equals fifteen, six times seven"),
        ("~5, ±2", "about five, plus or minus two"),
    ],
)  # fmt: skip
def test_english(text: str, said: str) -> None:
    assert speakable(text) == said


NOISE = ["", " ", "...", "…", "!!!", "?", "-", "***", "😊", "—", "。。。", "[]", "()", '""', "\n", "[1]", ":)", "<3"]


@pytest.mark.parametrize("text", NOISE)
def test_noise_is_nothing(text: str) -> None:
    assert speakable(text) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("$5.50, $1, $0.99, $0.01", "five dollars and fifty cents, one dollar, ninety-nine cents, one cent"),
        ("$1.5 million, $5k", "one point five million dollars, five thousand dollars"),
        ("€20, £3.20, 5€, ¥100", "twenty euros, three pounds and twenty pence, five euros, one hundred yen"),
        ("-$5, $-6, $5.00", "minus five dollars, minus six dollars, five dollars"),
        ("10% of 4,567.89", "ten percent of four thousand five hundred sixty-seven point eight nine"),
        ("1,234,567", "one million two hundred thirty-four thousand five hundred sixty-seven"),
        ("-5 and −3.14 and .5", "minus five and minus three point one four and zero point five"),
        ("3pm, 3:30 p.m. or 14:30", "three P M, three thirty P M or fourteen thirty"),
        ("9:00, 14:00, 9:05", "nine o'clock, fourteen hundred, nine oh five"),
        ("10:30:05", "ten thirty and five seconds"),
        ("At 5 p.m. We left", "At five P M. We left"),
        ("10:30-11:45", "ten thirty to eleven forty-five"),
        ("1st 2nd 3rd 22nd 100th", "first second third twenty-second one hundredth"),
        ("2026-11-23", "November twenty-third, twenty twenty-six"),
        ("11/23/2026", "November twenty-third, twenty twenty-six"),
        ("23.11.2026", "November twenty-third, twenty twenty-six"),
        ("November 23, 2026", "November twenty-third, twenty twenty-six"),
        ("23 November; May 5th", "the twenty-third of November; May fifth"),
        ("1984, 2000, 2005", "nineteen eighty-four, two thousand, two thousand five"),
        ("1900, 1905", "nineteen hundred, nineteen oh five"),
        ("1990s, '80s, 2010s", "nineteen nineties, eighties, twenty tens"),
        ("1500 people", "one thousand five hundred people"),
        ("5 km, 1 kg, 100 km/h", "five kilometers, one kilogram, one hundred kilometers per hour"),
        ("20°C, 45°", "twenty degrees Celsius, forty-five degrees"),
        ("GPT-4, v2.0.1, mp3, 4K", "GPT four, v two point zero point one, mp three, four K"),
        ("007", "zero zero seven"),
        ("555-123-4567", "five five five, one two three, four five six seven"),
        ("3-5 days, 10–20, 5 - 3", "three to five days, ten to twenty, five minus three"),
        ("1/2, 3/4, 24/7, 2/7", "one half, three quarters, twenty-four seven, two over seven"),
        ("8/10, 4.5/5, 2½, ½", "eight out of ten, four point five out of five, two and a half, one half"),
        ("0 and 1000000000000", "zero and one trillion"),
        ("1234567890123456", "one two three four five six seven eight nine zero one two three four five six"),
        ("I have 1 apple and 21 pears", "I have one apple and twenty-one pears"),
        ("99/99/2026", "ninety-nine/ninety-nine over twenty twenty-six"),
    ],
)  # fmt: skip
def test_english_numbers(text: str, said: str) -> None:
    assert spell(text) == said


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("Das kostet 5 € bzw. 10 % & **mehr**", "de", "Das kostet 5 € beziehungsweise 10 Prozent und mehr"),
        ("Nr. 5, z. B. hier, usw.", "de-AT", "Nummer 5, zum Beispiel hier, und so weiter."),
        ("M. Dupont a 3 % + 2", "fr-FR", "Monsieur Dupont a 3 pour cent plus 2"),
        ("¿El Sr. García, p. ej.?", "es", "¿El Señor García, por ejemplo?"),
        ("你好！！！😊 **世界** 3.14", "zh", "你好！ 世界 3.14"),
        ("「はい」…そうです。", "ja", "はい, そうです。"),
        ("안녕하세요 3개 😊!", "ko", "안녕하세요 3개!"),
        ("x & y 5", "xx", "x y 5"),
    ],
)  # fmt: skip
def test_other_languages_keep_their_digits(text: str, language: str, said: str) -> None:
    assert speakable(text, language) == said


def parse(said: str) -> int:
    """The way back from number words."""
    values = {cardinal(value): value for value in [*range(20), *range(20, 100, 10)]}
    total = group = 0
    for word in said.replace("-", " ").split():
        if word == "hundred":
            group *= 100
        elif word in ("thousand", "million", "billion", "trillion"):
            total += group * 1000 ** (1 + ["thousand", "million", "billion", "trillion"].index(word))
            group = 0
        else:
            group += values[word]
    return total + group


@given(st.integers(0, 10**12))
@example(10**12)
@example(1001)
def test_cardinals_read_back(number: int) -> None:
    assert parse(cardinal(number)) == number
    assert cardinal(-number - 1) == "minus " + cardinal(number + 1)
    assert speakable(f"{number} x").startswith(cardinal(number)) or 1900 <= number <= 2099


@pytest.mark.parametrize(
    ("number", "said"),
    [(12, "twelfth"), (20, "twentieth"), (21, "twenty-first"), (45, "forty-fifth"), (1000, "one thousandth")],
)
def test_ordinals(number: int, said: str) -> None:
    assert ordinal(number) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(1066, "ten sixty-six"), (2000, "two thousand"), (2010, "twenty ten"), (1800, "eighteen hundred")],
)
def test_years(number: int, said: str) -> None:
    assert year(number) == said


SIGNS = [*"*_`#[])(<>|~\\^=&@/$€%²½٣𝟙-–.…!?, \n😊你", "**", "```", "](", "~~~", "...", "°C", "\u200d", "http://", "'s"]
WORDS = ["word", "Dr.", "e.g.", "etc.", "1", "23", "5.5", "1,000", "2026-11-23", "13/13/2000", "3pm", "14:30", "99:99"]
PIECES = st.sampled_from([*SIGNS, *WORDS, "km", "s", "st", "a.b", "Mai", "May"])


@given(st.lists(PIECES | st.text(max_size=4), max_size=20).map("".join), st.sampled_from(["en", "de", "zh", "xx", ""]))
@example("9" * 5000, "en")
@example("1" * 5000 + "-" + "2" * 5000 + "%", "en")
@example("(" * 300 + "[" * 300 + "`" * 300, "en")
@example("0:" * 200 + "1/" * 200, "en")
def test_never_raises_and_leaves_no_marker(text: str, language: str) -> None:
    said = speakable(text, language)
    assert not set(said) & set('*#`[]{}<>|~^_\\=&@+"“”\n\t😊')
    assert said == "" or any(char.isalnum() for char in said)
    assert said == said.strip()
    assert "  " not in said
    if language == "en":
        assert not any("0" <= char <= "9" for char in said)
