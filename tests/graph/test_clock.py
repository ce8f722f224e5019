"""Virtual time jumps instead of passing, gives the same order every time, and a wait for nothing names itself."""

from __future__ import annotations

import asyncio

import pytest

from vaidol.graph.clock import NS, Clock, Stalled, run_virtual
from vaidol.graph.events import EVENTS_KEPT, EventLog
from vaidol.graph.ticker import LATE_S, PTIME_S, Ticker


def test_an_hour_passes_at_once_and_in_order() -> None:
    async def main() -> list[tuple[str, float]]:
        clock = Clock(asyncio.get_running_loop())
        assert clock.virtual
        happened: list[tuple[str, float]] = []
        for name, after_s in (("late", 3600.0), ("soon", 0.5), ("also soon", 0.5)):
            clock.at(clock.s() + after_s, lambda name=name: happened.append((name, clock.s())))  # type: ignore[misc]
        await clock.sleep(3601)
        assert clock.ns() == 3601 * NS
        return happened

    assert run_virtual(main()) == [("soon", 0.5), ("also soon", 0.5), ("late", 3600.0)]


def test_a_wait_that_nothing_can_end_is_an_error_and_no_hang() -> None:
    with pytest.raises(Stalled):
        run_virtual(asyncio.Event().wait())


def test_the_ticker_keeps_its_schedule_and_runs_only_while_somebody_listens() -> None:
    async def main() -> None:
        clock = Clock(asyncio.get_running_loop())
        ticker, at, others = Ticker(clock), list[float](), list[float]()
        end = ticker.subscribe(lambda skipped: at.append(clock.s()))
        await clock.sleep(0.03)
        end_other = ticker.subscribe(lambda skipped: others.append(clock.s()))
        await clock.sleep(0.06)
        end()
        end()  # twice: nothing happens
        await clock.sleep(0.021)
        end_other()
        await clock.sleep(1)
        assert at == pytest.approx([0.02, 0.04, 0.06, 0.08])
        assert others == pytest.approx([0.04, 0.06, 0.08, 0.1])
        assert ticker.ticks == 5

    run_virtual(main())


def test_after_a_stall_the_ticker_jumps_and_says_how_far() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        ticker, skips = Ticker(Clock(loop)), list[int]()
        end = ticker.subscribe(skips.append)
        await asyncio.sleep(0.021)
        loop.jump(0.5)  # type: ignore[attr-defined]  # as if a node had held the loop
        await asyncio.sleep(0.05)
        end()
        assert skips[0] == 0
        assert skips[1] == int(0.481 / PTIME_S)
        assert set(skips[2:]) == {0}
        assert ticker.skipped == skips[1]
        assert max(ticker.lately) > LATE_S
        assert (ticker.lag_us(0.5) < 1000, ticker.lag_us(0.99) > 400_000) == (True, True)

    run_virtual(main())


def test_one_that_ends_in_mid_tick_is_not_called_any_more() -> None:
    async def main() -> list[str]:
        ticker, called = Ticker(Clock(asyncio.get_running_loop())), list[str]()
        ends = []
        ends.append(ticker.subscribe(lambda skipped: (called.append("a"), ends[1]())))  # type: ignore[arg-type]
        ends.append(ticker.subscribe(lambda skipped: called.append("b")))
        await asyncio.sleep(0.05)
        ends[0]()
        return called

    assert run_virtual(main()) == ["a", "a"]


# events


def test_the_event_log_is_bounded_heard_and_comparable() -> None:
    async def main() -> str:
        log, heard = EventLog(Clock(asyncio.get_running_loop())), list[str]()
        stop = log.listen(lambda event: heard.append(event.name))
        log.publish("one")
        stop()
        stop()
        for number in range(EVENTS_KEPT + 3):
            log.publish("more", value=number)
            await asyncio.sleep(0.001)
        assert heard == ["one"]
        kept = list(log)
        assert len(kept) == EVENTS_KEPT
        assert kept[0].value == 3
        return log.digest()

    assert run_virtual(main()) == run_virtual(main())
