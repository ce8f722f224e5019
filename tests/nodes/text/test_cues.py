"""Tags never reach the voice or the subtitles, however the stream was cut; plain text passes unchanged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaidol.nodes.text._cue_names import ALIASES, EMOJI, EXPRESSIONS, MOTIONS
from vaidol.nodes.text._cues import CueReader, CueTag

Item = str | CueTag


def read(pieces: list[str]) -> list[Item]:
    reader = CueReader()
    items = [item for piece in pieces for item in reader.feed(piece)] + reader.flush()
    return merge(items)


def merge(items: list[Item]) -> list[Item]:
    """Neighbouring text pieces as one."""
    out: list[Item] = []
    for item in items:
        if isinstance(item, str) and out and isinstance(out[-1], str):
            out[-1] += item
        else:
            out.append(item)
    return out


def cue(name: str, weight: float = 1.0) -> CueTag:
    return CueTag(name, weight)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("[joy] Hello there!", [cue("joy"), "Hello there!"]),
        ("[Happy:0.6] Hi, [nod] you", [cue("joy", 0.6), "Hi,", cue("nod"), " you"]),
        ("[emotion: sad] Oh.", [cue("sadness"), "Oh."]),
        ("[joy, nod] Yes", [cue("joy"), cue("nod"), "Yes"]),
        ("[joy:7] Yes", [cue("joy", 1.0), "Yes"]),
        ("Well [anger]. Fine", ["Well", cue("anger"), ". Fine"]),
        ("Hello[joy]there", ["Hello", cue("joy"), " there"]),
        ("Line one [joy]\nline two", ["Line one", cue("joy"), "\nline two"]),
        ("[whispers] psst [clears throat softly] hm", [cue("whispers"), "psst", cue("clears throat softly"), " hm"]),
        ("[smiles warmly] Hi", [cue("joy"), "Hi"]),
        ("[开心]你好", [cue("joy"), "你好"]),
        ("<|ACT joy|>Yes", [cue("joy"), "Yes"]),
        ('<|ACT {"expression":"joy"}|> Yes', [cue("joy"), "Yes"]),
        ('<|ACT {"expression": "sad", "intensity": 0.4, "motion": "nod"}|>', [cue("sadness", 0.4), cue("nod", 0.4)]),
        ('<|ACT:"emotion":{"name":"happy","intensity":1}|> Hey', [cue("joy"), "Hey"]),
        ("<|EMOTE_HAPPY|> ok <|im_end|>", [cue("joy"), "ok"]),
        ("<|EMOTE_DIZZY|>", [cue("dizzy")]),
        ("<|endoftext|>", []),
        ("Great! 😊 Next", ["Great!", cue("joy"), " Next"]),
        ("Great!👍🏽Next", ["Great!", cue("nod"), " Next"]),
        ("好😊我", ["好", cue("joy"), "我"]),
        ("❤️‍🔥 hot", [cue("love"), "hot"]),
        ("A 🍕 and 👩‍❤️‍👨 and 🇫🇷", ["A 🍕 and 👩‍❤️‍👨 and 🇫🇷"]),
        ("*smiles* Hi", [cue("joy"), "Hi"]),
        ("*She smiles at you and waves.* Hi", [cue("joy"), "Hi"]),
        ("*gently nods* Hi", [cue("nod"), "Hi"]),
        ("*leans in close* Hi. *adjusts glasses* So", ["Hi. So"]),
        ("*sigh* Fine", [cue("sadness"), "Fine"]),
        ("I, *shrugs*, do not know", ["I,, do not know"]),
        ("<think>Is he sad? [joy]</think>\n\nHello", ["Hello"]),
        ("<THINKING>x</THINKING> Hello", ["Hello"]),
        ("Hi <think>unclosed and gone", ["Hi"]),
        ("Hi </think> you", ["Hi you"]),
        # cut off by the end of the reply
        ("Yes [jo", ["Yes"]),
        ("Yes [joy", ["Yes", cue("joy")]),
        ("Yes <|ACT jo", ["Yes"]),
        ("Yes *smil", ["Yes"]),
        ("Yes *smiles", ["Yes", cue("joy")]),
        ("Yes <thin", ["Yes"]),
    ],
)
def test_cues(text: str, items: list[Item]) -> None:
    assert read([text]) == items


PLAIN = [
    "",
    "  Hello, world.\n\nNext  ",
    "See [1] and [link](https://a.b), a[0], a[i], list[str], [ ] and [x].",
    "- [x] done\n- [ ] open",
    "I <3 you, x < y, a <b>bold</b> tag, <-",
    "2 * 3 * 4 = 24, 5*3*2, **bold**, *very* good, ***both***",
    "* one\n* two",
    "I *love* it, so *happy* today, *really*!",
    "*this is important* and *cats* and *always*",
    "[Hello, world] [a long aside that is no tag at all, is it]",
    "[" + "x" * 60 + "]",
    "[a [b",
    "snake_case and 5 > 3 < 4 |> pipe",
    "你好，世界。「はい」 안녕",
    "☎ ✓ 🍕",
    "<|" + "x" * 300,
]


@pytest.mark.parametrize("text", PLAIN)
def test_plain_text_is_unchanged(text: str) -> None:
    assert "".join(map(str, read([text]))) == text
    assert "".join(map(str, read(list(text)))) == text


def test_text_is_not_held_back_longer_than_a_tag() -> None:
    reader = CueReader()
    assert reader.feed("Hello") == ["Hello"]
    assert reader.feed(" [not a") == []
    assert "".join(map(str, reader.feed(" tag! You see"))) == " [not a tag! You see"
    assert reader.feed(" [" + "x" * 50) == [" [", "x" * 50]
    assert reader.feed(" [joy] ") == [cue("joy")]
    assert reader.feed("x") == [" x"]


def test_flush_begins_a_new_reply() -> None:
    reader = CueReader()
    assert reader.feed("<think>never closed") + reader.flush() == []
    assert reader.feed("Hello") + reader.flush() == ["Hello"]


def test_own_names() -> None:
    reader = CueReader({"Grin": "exp_01", "joy": "exp_02"})
    assert reader.feed("[grin][exp_01]😊[joy:.5]*beams* x") + reader.flush() == [
        cue("exp_01"),
        cue("exp_01"),
        cue("exp_02"),
        cue("exp_02", 0.5),
        cue("exp_02"),
        "x",
    ]


def test_tables_lead_to_names_of_the_avatar() -> None:
    assert {*ALIASES.values(), *EMOJI.values()} <= EXPRESSIONS | MOTIONS
    assert all(word == word.lower() for word in ALIASES)


TAGS = [
    "[joy]",
    "[sad:0.3]",
    "[whispers]",
    "<|ACT joy|>",
    '<|ACT {"expression":"anger"}|>',
    "<|EMOTE_SHY|>",
    "😊",
    "👍🏽",
]
TAGS += ["*smiles*", "*She waves at you*", "<think>hm [joy] 😊 *nods*</think>", "<thinking>\n</thinking>", "❤️"]
PIECES = st.sampled_from(
    [*TAGS, "[", "]", "<", "|", "|>", "<|", "*", "**", ">", "(", "</think>", "<think>", ":", "\u200d", "\ufe0f"]
)
NOISE = st.sampled_from(
    ["Hello", " ", "\n", "you", ". ", "!", "5", "a[0]", "x < y", "你", "joy", "smiles", "ACT", "t", "/"]
)


@given(st.lists(PIECES | NOISE | st.text(max_size=4), max_size=25).map("".join), st.data())
def test_pieces_do_not_matter(text: str, data: st.DataObject) -> None:
    whole = read([text])
    assert read(list(text)) == whole
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    assert read([text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]) == whole


@given(st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(["", " "])), max_size=8), st.data())
def test_no_tag_leaks(tags: list[tuple[str, str]], data: st.DataObject) -> None:
    said = ["Hello.", "Well, yes!", "你好。", "Okay."]
    text = "".join(f"{data.draw(st.sampled_from(said))} {tag}{gap}" for tag, gap in tags)
    clean = "".join(item for item in read(list(text)) if isinstance(item, str))
    expected = text
    for tag in sorted(TAGS, key=len, reverse=True):
        expected = expected.replace(tag, "")
    assert "".join(clean.split()) == "".join(expected.split())
    assert "  " not in clean


@given(st.text(st.characters(exclude_categories=["Cs", "So"], exclude_characters="[<*♥"), max_size=80))
def test_text_without_openers_passes(text: str) -> None:
    assert "".join(map(str, read([text]))) == text
