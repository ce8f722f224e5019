"""The floor of a room: nobody is spoken over, and what characters begin by themselves keeps to it."""

from __future__ import annotations

import asyncio

from vaidol.graph.clock import run_virtual
from vaidol.server.groups.members import Line, Rules
from vaidol.server.groups.room import MONOLOGUE_S, PAUSE_S, TURN_S
from vaidol.tests.server.groups.table import Table, play


def test_nobody_begins_by_themselves_while_others_speak_or_are_about_to() -> None:
    async def main() -> None:
        table = Table("abc", Rules(rounds=1))
        held = lambda: "".join(id for id, chair in table.chairs.items() if chair.elsewhere)  # noqa: E731
        table.room.person_speaks("a", True)
        assert held() == "bc"
        table.room.person_speaks("a", False)
        assert held() == ""
        table.say("a", "Hello")
        assert held() == "bc"  # Ada speaks
        await asyncio.sleep(0.5 + PAUSE_S / 2)
        assert table.log == ["a"]
        assert held() == "ac"  # Bo is about to
        await asyncio.sleep(10)
        assert table.log == ["a", "b", "c"]
        assert held() == ""
        table.room.person_speaks("b", True)
        table.room.leave("a")
        assert not table.chairs["a"].elsewhere
        table.room.close()
        assert held() == ""

    run_virtual(main())


def test_who_speaks_is_not_spoken_over_unless_it_is_a_noise() -> None:
    async def main() -> None:
        table = Table("abc", Rules(rounds=1))
        table.say("a", "Hello")
        table.room.person_speaks("b", True)
        await asyncio.sleep(MONOLOGUE_S - 1)
        assert table.log == ["a"]
        assert table.chairs["c"].elsewhere
        await asyncio.sleep(3)
        assert table.log[:2] == ["a", "b"]
        await asyncio.sleep(10)
        assert not table.chairs["c"].elsewhere

    run_virtual(main())


def test_a_character_that_begins_by_itself_has_the_floor_and_may_be_answered() -> None:
    def talk(table: Table) -> None:
        table.room.begins("b")
        assert table.room.floor == "b"
        assert table.chairs["a"].elsewhere
        table.chairs["b"].answer()

    assert play("abc", talk, Rules(rounds=2)).log == ["b", "c", "a"]
    assert play("abc", talk, Rules("named", rounds=2)).log == ["b"]

    def instead(table: Table) -> None:
        table.chairs["a"].says = None
        table.say("a", "Hello")
        talk(table)
        assert table.chairs["a"].hushed == 1

    assert play("abc", instead, Rules(rounds=0)).log == ["a", "b"]


def test_whose_voice_interrupts_is_a_rule() -> None:
    def talk(table: Table) -> None:
        table.chairs["a"].says = None
        table.say("a", "Hello")
        table.room.person_goes_on("b")
        table.say("b", "Wait")

    table = play("abc", talk, Rules(rounds=1), for_s=TURN_S / 2)
    assert (table.log, table.chairs["a"].hushed) == (["a"], 0)
    table = play("abc", talk, Rules(rounds=1, interrupt="anyone"), for_s=TURN_S / 2)
    assert (table.log[:2], table.chairs["a"].hushed) == (["a", "b"], 1)


def test_a_character_that_is_another_now_is_called_by_its_name() -> None:
    def talk(table: Table) -> None:
        table.room.rename("b", "Mo")
        table.room.rename("c", "Mo")
        assert [one.character for one in table.room.members.values()] == ["Ada", "Mo", "Mo 2"]
        assert table.chairs["a"].met == ("Ada", "Mo", "Mo 2")
        table.say("a", "Mo, hello")

    assert play("abc", talk, Rules("named", rounds=0)).log == ["b"]


def test_what_only_says_that_there_is_nothing_to_say_is_not_shown() -> None:
    def talk(table: Table) -> None:
        table.room.sentence("a", "...")
        table.room.sentence("a", "Well.")

    assert play("ab", talk, Rules(rounds=0)).chairs["b"].seen == [Line("Ada", "Well.")]
