"""What the data channel accepts, and what it says about the rest."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaidol.server import protocol


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        ('{"t":"hello","v":1}', protocol.Hello(t="hello", v=1)),
        ('{"t":"text","text":"héllo ☀","new":1}', protocol.Text(t="text", text="héllo ☀")),
        ('{"t":"mute","on":true}', protocol.Mute(t="mute", on=True)),
        ('{"t":"interrupt"}', protocol.Interrupt(t="interrupt")),
        ('{"t":"ping","n":0}', protocol.Ping(t="ping", n=0)),
    ],
)
def test_messages_are_understood(raw: str, want: protocol.FromClient) -> None:
    assert protocol.parse(raw) == want


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("", "JSON"),
        ("{", "JSON"),
        ('{"t":"ping","n":NaN}', "JSON"),
        ('{"t":"ping","n":' + "9" * 5000 + "}", "JSON"),
        ("[" * 10_000, "JSON"),
        ("7", "object"),
        ("{}", "'t'"),
        ('{"t":"fly"}', "'t'"),
        ('{"t":["text"]}', "'t'"),
        ('{"t":"text"}', "text"),
        ('{"t":"text","text":null}', "text"),
        ('{"t":"text","text":"\\ud800"}', "unicode"),
        ('{"t":"mute","on":"yes"}', "on"),
        ('{"t":"ping","n":-1}', "n"),
        ('{"t":"ping","n":true}', "n"),
        (json.dumps({"t": "text", "text": "x" * 4001}), "4000"),
        ("x" * 16_385, "bytes"),
        ("ä" * 9000, "bytes"),
        (b"{}", "bytes"),
    ],
)
def test_others_are_refused_by_name(raw: str | bytes, said: str) -> None:
    with pytest.raises(protocol.BadMessage, match=said):
        protocol.parse(raw)


@given(st.text() | st.binary() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_nothing_else_is_raised(raw: str | bytes) -> None:
    with pytest.raises(protocol.BadMessage):
        protocol.parse(raw)


def test_what_json_cannot_say_is_not_sent() -> None:
    assert protocol.encode(protocol.ping(3)) == '{"t":"ping","n":3}'
    with pytest.raises(ValueError):
        protocol.encode({"t": "mouth", "open": [float("nan")]})
