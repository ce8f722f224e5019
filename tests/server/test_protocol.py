"""What the data channel accepts, and what it says about the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from vaidol.server import messages, protocol, protocol_text
from vaidol.server.cli import main

WEB = Path(protocol.__file__).with_name("web")


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        ('{"t":"hello","v":1}', protocol.Hello(t="hello", v=1)),
        ('{"t":"text","text":"héllo ☀","new":1}', protocol.Text(t="text", text="héllo ☀")),
        ('{"t":"mute","on":true}', protocol.Mute(t="mute", on=True)),
        ('{"t":"interrupt"}', protocol.Interrupt(t="interrupt")),
        ('{"t":"ping","n":0}', protocol.Ping(t="ping", n=0)),
        ('{"t":"touch","area":"Head","x":0.5}', protocol.Touch(t="touch", area="Head", x=0.5)),
        (
            '{"t":"avatar","model":"vai","expressions":["joy"],"motions":{"TapBody":2},"params":["ParamAngleX"]}',
            protocol.Avatar(
                t="avatar", model="vai", expressions=["joy"], motions={"TapBody": 2}, params=["ParamAngleX"]
            ),
        ),
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
        ('{"t":"touch","area":"Head","x":1.5}', "x"),
        ('{"t":"avatar","model":"vai","expressions":[],"motions":{"TapBody":0},"params":[]}', "motions.TapBody"),
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


@pytest.mark.parametrize(
    "message",
    [
        protocol.hello(session="s", token="", pipeline="default"),
        protocol.sync(2**32 - 1),
        protocol.error("full", "no room", fatal=True),
        protocol.ping(1),
        {"t": "state", "value": "asleep", "call": "Vai"},
        {"t": "expression", "at": 960, "name": "joy", "weight": 0.5, "ms": 300, "hold_ms": 2000},
        {"t": "motion", "name": "", "group": "TapBody", "index": 1, "priority": "force"},
        {"t": "param", "at": None, "id": "ParamAngleX", "value": -30, "weight": 0.5, "ms": 100},
        {"t": "gaze", "x": None, "y": None},
        {"t": "viseme", "at": 0, "step": 960, "a": [0.5], "i": [0], "u": [0], "e": [0.25], "o": [0]},
    ],
)
def test_what_the_server_says_is_described(message: dict[str, Any]) -> None:
    assert messages.check(message).t == message["t"]


@pytest.mark.parametrize(
    "message",
    [
        {"t": "fly"},
        {"t": "state", "value": "dancing"},
        {"t": "mouth", "at": -1, "step": 960, "open": [0.5], "form": [0]},
        {"t": "mouth", "at": 0, "step": 960, "open": [1.5], "form": [0]},
        {"t": "motion", "name": "nod", "speed": 2},
    ],
)
def test_what_is_not_described_is_no_message(message: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        messages.check(message)


@pytest.mark.parametrize(("file", "options"), [("protocol.json", []), ("protocol.md", ["--markdown"])])
def test_the_published_protocol_is_that_of_the_code(
    file: str, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["protocol", *options]) == 0
    written = (WEB / file).read_text(encoding="utf-8")
    assert capsys.readouterr().out == written, f"run: vaidol {' '.join(['protocol', *options])} > server/web/{file}"


def test_the_schema_describes_each_message_of_both_directions() -> None:
    told = json.loads(protocol_text.schema())
    for direction, kinds in (
        ("server_to_client", {"viseme", "gaze", "cut"}),
        ("client_to_server", {"touch", "avatar"}),
    ):
        names = [one["$ref"].removeprefix("#/$defs/") for one in told[direction]["oneOf"]]
        assert kinds <= {told["$defs"][name]["properties"]["t"]["const"] for name in names}
