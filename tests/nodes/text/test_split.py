"""Sentences come out whole, early and complete, however the stream was cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaidol.nodes.text._cues import CueTag
from vaidol.nodes.text._split import Segment, SentenceSplitter

JOY, NOD = CueTag("joy"), CueTag("nod")


def split(text: str, first_clause: bool = False, max_chars: int = 240) -> list[str]:
    splitter = SentenceSplitter(first_clause=first_clause, max_chars=max_chars)
    return [segment.text for segment in [*splitter.feed(text), *splitter.flush()]]


@pytest.mark.parametrize(
    "sentences",
    [
        ["Hello there.", "How are you?", "Fine!"],
        ["No, I don't.", "And you can't.", "So I'd.", "It is what it's.", "Good."],
        ["Dr. Smith met Mr. Jones and Mrs. Lee.", "They talked."],
        ["I like fruit, e.g. Apples, i.e. Good ones.", "Yes."],
        ["Pi is 3.14 and not 3.", "You know."],
        ["Version 2.0.1 is out.", "Get it."],
        ["See https://example.com/a.b?c=1 now.", "Then go to example.org.", "Good."],
        ["It is 10:30.", "Now we go."],
        ["At 5 p.m. the train left.", "We ran."],
        ["J. R. R. Tolkien wrote it.", "J.R.R. Tolkien did."],
        ['He said "Stop." and went.', 'She said "Go!"', "They went."],
        ['"What?" he asked.', '"Nothing."', "Silence."],
        ["(This is an aside.)", "And on."],
        ["Well... maybe not.", "Hmm...", "I see."],
        ["Really?!", "Yes!!!", "Wow…", "Okay."],
        ["There were five (approx. six) of them, etc. and more.", "Done."],
        ["No. 5 is alive.", "No.", "I do not think so."],
        ["In the year 2024.", "Then came 2025."],
        ["Steps: 1. Cut it.", "2. Cook it."],
        ["So do I.", "Then we agree."],
        ["**Hello.**", "*World.*"],
        ["Das ist z. B. Berlin, d. h. Deutschland.", "Gut."],
        ["Er kam am 3. November an.", "Es war der 2. Weltkrieg.", "Nr. 5 lebt."],
        ["„Guten Tag.“", "Er ging.", "Ich auch usw. und so fort."],
        ["M. Dupont est là.", "Mme. Durand aussi.", "Quoi ?", "Oui !"],
        ["« Bonjour. »", "Il est parti."],
        ["El Sr. García y la Sra. López, p. ej. Ana.", "¿Qué tal?", "¡Muy bien!"],
        ["你好。", "今天天气很好！", "你呢？"],
        ["他说：「走吧。」", "我们走了。"],
        ["「はい。」と言った。", "そうですか？", "ええ…まあ。"],
        ["안녕하세요.", "저는 좋아요.", "네.", "알겠습니다!"],
        ["Hello你好。", "Good."],
    ],
)
def test_sentences(sentences: list[str]) -> None:
    wide = all(ord(sentence[0]) > 0x2E80 and ord(sentence[0]) < 0xAC00 for sentence in sentences)
    assert split(("" if wide else " ").join(sentences)) == sentences


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1. First thing\n2. Second thing\n\nDone", ["1. First thing", "2. Second thing", "Done"]),
        ("# Title\n- one\n- two", ["# Title", "- one", "- two"]),
        ("so it goes. and on it goes. ok", ["so it goes.", "and on it goes.", "ok"]),  # a lower-case writer
        ("So it goes approx. five miles. Good", ["So it goes approx. five miles.", "Good"]),
        (
            "Try this:\n```py\na = 1. \nB = 2\n```\nGood. Bye",
            ["Try this:", "```py\na = 1. \nB = 2\n```", "Good.", "Bye"],
        ),
        ("", [""]),
        (" \n ", [""]),
    ],
)
def test_lines_and_code(text: str, parts: list[str]) -> None:
    assert split(text) == parts


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("I think so, but I am not sure.", "I think so,"),
        ("Well, I think that, too, is fine.", "Well, I think that,"),
        ("Hi! How are you today, friend?", "Hi!"),
        ("That costs 1,000,000 dollars - a lot of money.", "That costs 1,000,000 dollars -"),
        ("It is 10:30:15 in the morning: get up.", "It is 10:30:15 in the morning:"),
        ("That was great—really great.", "That was great—"),
        ("Das weiß ich nicht, aber gut.", "Das weiß ich nicht,"),
        ("今天天气很好，我们去公园吧。", "今天天气很好，"),
        ("はい、今日はいい天気ですね、散歩しましょう。", "はい、今日はいい天気ですね、"),
        ("Look at https://a.example/b, it is new.", "Look at https://a.example/b,"),
    ],
)
def test_first_clause_comes_early(text: str, first: str) -> None:
    parts = split(text, first_clause=True)
    assert parts[0] == first
    assert len(parts) == len(split(text.removeprefix(first))) + 1, "only the first segment is a clause"


def test_a_clause_is_out_as_soon_as_the_next_character_is() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("I think so,") == []
    assert splitter.feed(" but") == [Segment("I think so,")]
    assert splitter.feed(" no, yes.") == []
    assert splitter.feed(" A") == [Segment("but no, yes.")]
    assert splitter.flush() == [Segment("A", final=True)]


def test_a_period_waits_for_the_next_character_only() -> None:
    splitter = SentenceSplitter(first_clause=False)
    assert splitter.feed("It is 3.") == []
    assert splitter.feed("5 now.") == []
    assert splitter.feed(" ") == []
    assert splitter.feed("Y") == [Segment("It is 3.5 now.")]
    assert splitter.feed("es\nN") == [Segment("Yes")]


def test_long_text_is_cut_at_the_best_place() -> None:
    text = "one two three four five six seven, eight nine ten eleven twelve thirteen fourteen"
    assert split(text, max_chars=40) == [
        "one two three four five six seven,",
        "eight nine ten eleven twelve thirteen",
        "fourteen",
    ]
    assert split("x" * 100, max_chars=40) == ["x" * 40, "x" * 40, "x" * 20]
    assert split("我" * 15 + "，" + "你" * 15, max_chars=20) == ["我" * 15 + "，", "你" * 15]


def test_cues_keep_their_character() -> None:
    splitter = SentenceSplitter(first_clause=False)
    out: list[Segment] = []
    for item in [JOY, "Hello you", NOD, " there.", JOY, " Next ", NOD, "one.", JOY]:
        out += splitter.feed(item)
    out += splitter.flush()
    assert out == [
        Segment("Hello you there.", ((0, JOY), (9, NOD))),
        Segment("Next one.", ((0, JOY), (5, NOD), (9, JOY)), final=True),
    ]


def test_a_lone_cue_and_an_empty_reply_end_with_a_final_segment() -> None:
    splitter = SentenceSplitter()
    splitter.feed(JOY)
    assert splitter.flush() == [Segment("", ((0, JOY),), final=True)]
    assert splitter.flush() == [Segment("", final=True)]


def test_flush_begins_a_new_reply() -> None:
    splitter = SentenceSplitter()
    for _ in range(2):
        assert splitter.feed("Yes I will, of course, yes") == [Segment("Yes I will,")]
        assert splitter.flush() == [Segment("of course, yes", final=True)]


WORDS = ["a", "Word", "Dr", "e.g", "z. B", "3", "J", "你", "안녕", "é", "と", "November", "http://a.b", " ", "  ", "\n"]
MARKS = [
    ".",
    "..",
    "…",
    "!",
    "?",
    ",",
    ";",
    ":",
    "—",
    " - ",
    '"',
    "”",
    ")",
    "“",
    " »",
    "*",
    "`",
    "```",
    "。",
    "，",
    "」",
]
ATOMS = st.sampled_from([*WORDS, *MARKS, "\u200d", "         "])
TEXTS = st.lists(ATOMS, max_size=40).map("".join)


def run(pieces: list[str | CueTag], max_chars: int, first: bool) -> list[Segment]:
    splitter = SentenceSplitter(first_clause=first, max_chars=max_chars)
    return [segment for piece in pieces for segment in splitter.feed(piece)] + splitter.flush()


@given(TEXTS | st.text(max_size=60), st.integers(8, 60), st.booleans(), st.data())
def test_pieces_do_not_matter_and_nothing_is_lost(text: str, max_chars: int, first: bool, data: st.DataObject) -> None:
    whole = run([text], max_chars, first)
    assert run(list(text), max_chars, first) == whole
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    assert run([text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)], max_chars, first) == whole
    assert "".join("".join(segment.text for segment in whole).split()) == "".join(text.split())
    assert [segment.final for segment in whole] == [False] * (len(whole) - 1) + [True]
    assert all(segment.text for segment in whole[:-1])
    if "```" not in text:
        assert all(len(segment.text) <= max_chars for segment in whole)


@given(st.lists(ATOMS | st.integers(0, 9).map(lambda n: CueTag(f"c{n}")), max_size=40), st.booleans())
def test_cues_stay_in_order_at_the_text_they_stood_at(pieces: list[str | CueTag], first: bool) -> None:
    whole = run(pieces, 60, first)
    told = [cue for segment in whole for _, cue in segment.cues]
    assert told == [piece for piece in pieces if isinstance(piece, CueTag)]
    before, expected = "", []
    for piece in pieces:
        if isinstance(piece, CueTag):
            expected.append(len("".join(before.split())))
        else:
            before += piece
    places, base = [], 0
    for segment in whole:
        assert all(0 <= place <= len(segment.text) for place, _ in segment.cues)
        places += [base + len("".join(segment.text[:place].split())) for place, _ in segment.cues]
        base += len("".join(segment.text.split()))
    assert places == expected
