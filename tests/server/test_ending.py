"""A server that is told to stop while somebody talks."""

from __future__ import annotations

import asyncio

from vaidol.server.app import SERVER
from vaidol.tests.server.client import call, new_caller, offer_of, serving


def test_a_server_about_to_stop_lets_the_call_go_on_and_takes_no_other() -> None:
    async def main() -> None:
        async with serving() as client:
            caller = await call(client)
            assert (await client.get("/ready")).status == 200
            draining = asyncio.create_task(client.app[SERVER].sessions.drain(60))
            await asyncio.sleep(0)
            ready = await client.get("/ready")
            assert (ready.status, await ready.json()) == (503, {"status": "ending"})
            assert (await client.get("/health")).status == 200  # it is well, and must not be killed
            other = new_caller()
            sdp = {"Content-Type": "application/sdp"}
            async with client.post("/whip", data=await offer_of(other), headers=sdp) as refused:
                assert (refused.status, (await refused.json())["error"]["code"]) == (503, "ending")
            await other.close()
            await caller.until(lambda: bool(caller.levels) and caller.levels[-1] > 0.1, "the echo")
            assert not draining.done()
            await client.delete(caller.location)
            await asyncio.wait_for(draining, 20)
            await caller.close()

    asyncio.run(main())
