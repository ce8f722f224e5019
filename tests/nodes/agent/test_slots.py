"""Who gets which slot of a local model, and what those hear who get none."""

from __future__ import annotations

import asyncio

import pytest

from vaidol.graph.clock import run_virtual
from vaidol.graph.errors import ProviderError
from vaidol.nodes.agent._slots import Slots


def test_a_session_comes_back_to_its_slot_and_others_leave_it_alone_as_long_as_they_can() -> None:
    async def main() -> list[int]:
        slots, got = Slots(3), []
        for session in ("a", "b", "a", "c", "b", "d", "a", "d"):
            async with slots.use(session, 1) as slot:
                got.append(slot)
        return got

    a, b, a2, c, b2, d, a3, d2 = run_virtual(main())
    assert (a2, b2, d2) == (a, b, d)
    assert len({a, b, c}) == 3
    assert d == a  # unused for longest
    assert a3 == c


def test_a_session_without_a_name_has_a_slot_of_its_own_too() -> None:
    async def main() -> set[int]:
        slots, got = Slots(2), set()
        for _ in range(3):
            async with slots.use("", 1) as slot:
                got.add(slot)
        return got

    assert len(run_virtual(main())) == 1


def test_those_who_wait_are_served_in_turn_or_told_after_the_deadline() -> None:
    async def main() -> list[str]:
        slots, told = Slots(1), []

        async def reply(session: str, seconds: float) -> None:
            try:
                async with slots.use(session, 5):
                    told.append(f"{session} begins")
                    await asyncio.sleep(seconds)
            except ProviderError as error:
                told.append(f"{session} gives up: {error.code}, {error.retryable}")

        await asyncio.gather(reply("a", 3), reply("b", 3), reply("c", 3))
        return told

    assert run_virtual(main()) == ["a begins", "b begins", "c gives up: busy, True"]


def test_a_slot_is_free_again_after_a_failure_or_a_cancellation() -> None:
    async def main() -> None:
        slots = Slots(1)
        with pytest.raises(ZeroDivisionError):
            async with slots.use("a", 1):
                raise ZeroDivisionError
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1), slots.use("a", 1):
                await asyncio.sleep(9)
        async with slots.use("b", 1):
            waiting = asyncio.ensure_future(slots.use("c", 9).__aenter__())
            await asyncio.sleep(1)
            waiting.cancel()
            await asyncio.wait([waiting])
        async with slots.use("d", 1) as slot:
            assert slot == 0

    run_virtual(main())
