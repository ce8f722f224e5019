"""What somebody who joins late is told."""

from __future__ import annotations

import asyncio
from typing import Any

from vaidol.graph.clock import Clock, run_virtual
from vaidol.server import messages
from vaidol.server.shown import MOST_PARAMS, Shown

JOY = {"t": "expression", "at": 4800, "name": "joy", "weight": 0.5, "ms": 300}
GAZE = {"t": "gaze", "x": 0.5, "y": 0.0, "ms": 300}
STATE = {"t": "state", "value": "speaking"}
SAID = {"t": "subtitle", "who": "avatar", "turn": 3, "text": "hello", "final": True, "at": 4800}


def param(name: str, **more: Any) -> dict[str, Any]:
    return {"t": "param", "id": name, "value": 1.0, "weight": 1.0, "ms": 300, **more}


def after(*told: dict[str, Any], seconds: float = 0.0) -> list[Any]:
    async def main() -> list[Any]:
        shown = Shown(Clock(asyncio.get_running_loop()))
        for message in told:
            messages.check(message)
            shown.note(message)
        await asyncio.sleep(seconds)
        return shown.messages()

    return run_virtual(main())


def test_at_first_the_avatar_listens_with_a_neutral_face() -> None:
    assert [(m["t"], m.get("value") or m["name"]) for m in after()] == [
        ("state", "listening"),
        ("expression", "neutral"),
    ]


def test_the_newest_of_each_kind_is_told() -> None:
    told = after(param("A"), STATE, GAZE, param("B"), SAID, JOY, param("A", value=2.0), {"t": "ping", "n": 1})
    assert sorted(told, key=str) == sorted([STATE, JOY, param("A", value=2.0), GAZE, param("B"), SAID], key=str)
    assert told[0] == STATE


def test_who_speaks_and_whether_they_see_is_told() -> None:
    mo = {"t": "persona", "name": "mo", "title": "Mo", "avatar": "cat"}
    sees = {"t": "sight", "able": True}
    told = after({**mo, "avatar": ""}, {**sees, "able": False}, sees, mo)
    assert [m for m in told if m["t"] in ("persona", "sight")] == [mo, sees]


def test_what_was_said_a_while_ago_is_due_now() -> None:
    assert after(STATE, JOY, SAID, seconds=0.4) == [STATE, JOY, SAID]
    assert [m.get("at") for m in after(STATE, JOY, SAID, seconds=0.6)] == [None, None, None]


def test_what_was_let_go_is_not_told() -> None:
    told = after(JOY, GAZE, param("A"), param("A", weight=0), {"t": "gaze", "x": None, "y": None})
    assert [m["t"] for m in told] == ["state", "expression"]


def test_a_sentence_is_told_until_its_reply_is_over() -> None:
    assert after(SAID)[-1] == SAID
    assert after(SAID, {"t": "turn", "turn": 2, "status": "done"})[-1] == SAID
    assert SAID not in after(SAID, {"t": "turn", "turn": 3, "status": "done"})
    assert SAID not in after(SAID, {"t": "cut", "turn": 3, "at": 9600, "heard": "hel"})


def test_what_holds_for_a_time_is_told_for_that_time() -> None:
    told = ({**JOY, "hold_ms": 1000}, param("A", hold_ms=1000), {**GAZE, "hold_ms": 3000})
    assert [m["t"] for m in after(*told, seconds=0.9)] == ["state", "expression", "param", "gaze"]
    later = after(*told, seconds=1.1)
    assert [m["t"] for m in later] == ["state", "gaze", "expression"]
    assert later[2]["name"] == "neutral"
    assert after({**JOY, "hold_ms": 1000}, JOY, seconds=1.1)[1]["name"] == "joy"  # the later one stays


def test_parameters_are_bounded() -> None:
    assert len(after(*(param(f"P{n}") for n in range(MOST_PARAMS + 50)))) == MOST_PARAMS
