"""Whose character speaks when: named, in turn, no longer than agreed, and nothing that was said is lost."""

from __future__ import annotations

import asyncio

import pytest

from vaidol.graph.clock import run_virtual
from vaidol.server.groups.members import Line, RoomError, Rules
from vaidol.server.groups.room import BUSY, PAUSE_S, TURN_S
from vaidol.tests.server.groups.table import Table, play


def test_everybody_speaks_in_turn_as_often_as_agreed() -> None:
    table = play("abc", lambda t: t.say("b", "Hello all"), Rules(rounds=2))
    assert "".join(table.log) == "bcabca"
    assert table.room.floor == ""


def test_characters_hear_what_the_others_said_once_and_not_themselves() -> None:
    table = play("abc", lambda t: t.say("a", "Hello all"), Rules(rounds=1))
    assert "".join(table.log) == "abc"
    assert table.chairs["b"].heard == [Line("Anna", "Hello all"), Line("Ada", "I see.")]
    assert table.chairs["c"].heard == [*table.chairs["b"].heard, Line("Bo", "I see.")]
    assert table.chairs["a"].heard == []  # it will, when it has the floor again
    assert list(table.room.members["a"].unheard) == [Line("Bo", "I see."), Line("Cy", "I see.")]
    assert table.chairs["a"].seen == []
    assert table.chairs["b"].seen == [Line("Anna", "Hello all")]


def test_who_is_named_answers_and_not_ones_own() -> None:
    table = play("abc", lambda t: t.say("a", "what do you think, bo?"), Rules("named"))
    assert table.log == ["b"]
    assert table.chairs["a"].hushed == 1
    assert play("abc", lambda t: t.say("a", "a bowl of rice"), Rules("named")).log == ["a"]
    assert play("abc", lambda t: t.say("a", "Cy and Bo, hello"), Rules("named")).log == ["c", "b"]


def test_a_character_that_names_another_passes_it_the_floor() -> None:
    def talk(table: Table) -> None:
        table.chairs["a"].says = "Ask Cy."
        table.say("a", "Hello")

    assert play("abc", talk, Rules(rounds=1)).log == ["a", "c", "b"]


def test_two_that_name_each_other_stop_after_the_rounds() -> None:
    def talk(table: Table) -> None:
        table.chairs["a"].says, table.chairs["b"].says = "And you, Bo?", "And you, Ada?"
        table.say("a", "Hello")

    assert "".join(play("ab", talk, Rules("named", rounds=3), for_s=300).log) == "ababab"


def test_who_has_nothing_to_say_passes_and_the_talk_rests() -> None:
    def talk(table: Table) -> None:
        table.chairs["b"].says = table.chairs["c"].says = "..."
        table.say("a", "Hello")

    table = play("abc", talk, Rules(rounds=5))
    assert table.log == ["a", "b", "c"]
    assert Line("Bo", "...") not in table.chairs["c"].heard


def test_what_is_said_during_a_turn_is_answered_after_it() -> None:
    async def main() -> Table:
        table = Table("abc", Rules("named"))
        table.say("a", "Hello")
        await asyncio.sleep(0.1)
        for n in range(20):
            table.say("b", f"And I? {n}")
        table.say("c", "Ada, and I?")
        assert table.log == ["a"]
        await asyncio.sleep(10)
        return table

    table = run_virtual(main())
    assert table.log == ["a", "b", "a"]
    assert [line.text for line in table.chairs["a"].heard if line.who == "Ben"] == [f"And I? {n}" for n in range(20)]


def test_a_muted_character_hears_and_does_not_speak() -> None:
    def talk(table: Table) -> None:
        table.room.mute("b", True)
        table.say("a", "Bo, hello")

    table = play("ab", talk, for_s=20)
    assert table.log == []
    assert list(table.room.members["b"].unheard) == [Line("Anna", "Bo, hello")]
    assert play("ab", lambda t: (t.room.mute("b", True), t.say("b", "Hello"))[1]).log == ["a"]


def test_muting_stops_at_once() -> None:
    def talk(table: Table) -> None:
        table.chairs["a"].says = None
        table.say("a", "Hello")
        table.room.mute("a", True)
        assert table.room.floor == ""
        assert table.chairs["a"].hushed == 1

    assert play("ab", talk, Rules(rounds=1)).log == ["a", "b"]


def test_a_turn_without_an_end_loses_the_floor() -> None:
    def talk(table: Table) -> None:
        table.chairs["a"].says = None
        table.say("a", "Hello")

    assert play("ab", talk, Rules(rounds=1), for_s=TURN_S - 1).log == ["a"]
    table = play("ab", talk, Rules(rounds=1), for_s=TURN_S + 2)
    assert table.log == ["a", "b"]
    assert table.chairs["a"].hushed == 1


def test_one_that_cannot_speak_is_waited_for_but_not_for_ever() -> None:
    async def main() -> None:
        table = Table("abc", Rules(rounds=1))
        table.chairs["b"].free = False
        table.say("a", "Hello")
        await asyncio.sleep(0.5 + PAUSE_S * (BUSY - 3))
        assert table.log == ["a"]
        await asyncio.sleep(PAUSE_S * 6)
        assert table.log == ["a", "c"]
        table.chairs["b"].free = True
        table.say("a", "Bo?")
        await asyncio.sleep(1)
        assert table.log[2] == "b"
        assert [line.text for line in table.chairs["b"].heard] == ["Hello", "I see.", "I see.", "Bo?"]

    run_virtual(main())


def test_who_interrupts_stops_the_round() -> None:
    def talk(table: Table) -> None:
        table.chairs["a"].says = None
        table.say("a", "Hello")
        table.room.turn_over("a", "I was", interrupted=True)

    table = play("abc", talk, Rules(rounds=3))
    assert table.log == ["a"]
    assert list(table.room.members["b"].unheard)[-1] == Line("Ada", "I was")


def test_stop_ends_whoever_speaks_and_the_round() -> None:
    def talk(table: Table) -> None:
        table.chairs["a"].says = None
        table.say("a", "Hello")
        table.room.stop("c")
        assert table.chairs["a"].hushed == 1

    assert play("abc", talk, Rules(rounds=3)).log == ["a"]


def test_the_owner_leaves_to_the_oldest_and_names_stay_apart() -> None:
    def talk(table: Table) -> None:
        room = table.room
        assert room.owner == "a"
        room.leave("a")
        assert room.owner == "b"
        again = room.join("a", "Ben", "bo", table.chairs["a"])
        assert (again.person, again.character) == ("Ben 2", "bo 2")
        with pytest.raises(RoomError, match="not a member of this room"):
            room.leave("x")
        with pytest.raises(RoomError, match="a member of this room already"):
            room.join("b", "X", "Y", table.chairs["b"])

    play("abc", talk)
