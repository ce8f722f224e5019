"""When a server has no room for one more call: by its own load, and by address."""

from __future__ import annotations

import asyncio

import pytest

from tests.server.client import call, new_caller, offer_of, serving
from vaidol.graph.clock import Clock, run_virtual
from vaidol.graph.ticker import Ticker
from vaidol.server import load
from vaidol.server.allowance import Addresses
from vaidol.server.load import Load


def test_a_short_peak_is_no_load_and_a_lasting_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    share, worked = 0.0, 0.0

    def worked_s() -> float:
        nonlocal worked
        worked += share * load.LOOK_S
        return worked

    monkeypatch.setattr(load, "worked_s", worked_s)

    async def main() -> None:
        nonlocal share
        clock = Clock(asyncio.get_running_loop())
        watched = Load(clock, Ticker(clock), lambda: 1)
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(watched.watch())
            found = []
            for now in (0.2, 0.95, 0.95, 0.95, 0.95, 0.3):
                share = now
                await clock.sleep(load.LOOK_S)
                found.append(watched.busy)
            watch.cancel()
        assert found == [False, False, False, True, True, False]

    run_virtual(main())


def test_many_calls_at_once_are_reckoned_with_before_they_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, worked = 20, 0.0

    def worked_s() -> float:
        nonlocal worked
        worked += 0.5 * load.LOOK_S
        return worked

    monkeypatch.setattr(load, "worked_s", worked_s)

    async def main() -> None:
        nonlocal calls
        clock = Clock(asyncio.get_running_loop())
        watched = Load(clock, Ticker(clock), lambda: calls)
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(watched.watch())
            await clock.sleep(3)
            while not watched.busy:
                calls += 1
            watch.cancel()
        assert calls == 32  # 0.5 of a core for 20

    run_virtual(main())


def test_late_ticks_are_load() -> None:
    async def main() -> None:
        clock = Clock(asyncio.get_running_loop())
        ticker = Ticker(clock)
        watched = Load(clock, ticker, lambda: 1)
        assert not watched.busy
        ticker.lately.extend([0.001] * 50)
        assert not watched.busy
        ticker.lately.extend([0.06] * 30)
        assert watched.busy

    run_virtual(main())


def test_each_address_has_its_own_allowance_and_few_are_remembered() -> None:
    async def main() -> None:
        clock = Clock(asyncio.get_running_loop())
        addresses = Addresses(clock, 1.0, 2.0, keep=3)
        assert [addresses.take("192.0.2.1") for _ in range(3)] == [True, True, False]
        assert addresses.take("192.0.2.2")
        await clock.sleep(1)
        assert addresses.take("192.0.2.1")
        for last in range(10, 20):
            addresses.take(f"192.0.2.{last}")
        assert len(addresses._known) == 3

    run_virtual(main())


def test_a_busy_machine_refuses_new_calls_and_takes_back_lost_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with serving() as client:
            caller = await call(client)
            hello = await caller.message("hello")
            monkeypatch.setattr(Load, "busy", property(lambda self: True))
            other = new_caller()
            offer = await offer_of(other)
            async with client.post("/whip", data=offer, headers={"Content-Type": "application/sdp"}) as answer:
                assert answer.status == 503
                assert answer.headers["Retry-After"]
                assert (await answer.json())["error"]["code"] == "busy"
            await other.close()
            again = await call(client, token=hello["token"])
            assert (await again.message("hello"))["session"] == hello["session"]
            await again.close()
            await caller.close()

    asyncio.run(main())
