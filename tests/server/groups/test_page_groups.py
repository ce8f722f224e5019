"""What a page can do with groups over its data channel: open, join by invitation, mute, send away, leave, dissolve."""

from __future__ import annotations

import asyncio
from typing import Any

from vaidol.server.app import SERVER
from vaidol.tests.server.ancestor import KINDS, PIPELINE, loaded
from vaidol.tests.server.client import Caller, call, serving, watch


def last(caller: Caller) -> dict[str, Any]:
    """The group as the page was told it last."""
    return next(message for message in reversed(caller.messages) if message["t"] == "group")


async def told(caller: Caller, true: Any, what: str) -> dict[str, Any]:
    await caller.until(lambda: any(m["t"] == "group" for m in caller.messages) and true(last(caller)), what)
    return last(caller)


def error(caller: Caller) -> str:
    return next((m["message"] for m in reversed(caller.messages) if m["t"] == "error"), "")


def test_a_room_from_its_beginning_to_its_end() -> None:
    async def main() -> None:
        async with serving(PIPELINE, kinds=KINDS) as client:
            await loaded(client)
            one = await call(client, microphone=False)
            await told(one, lambda group: group["code"] == "", "that it is in no group")
            one.send({"t": "group", "do": "open", "person": "Anna"})
            group = await told(one, lambda group: group["code"], "its room")
            assert [(m["person"], m["character"]) for m in group["members"]] == [("Anna", "Vai")]
            assert group["owner"] == group["you"]
            viewer = await watch(client, group["you"])

            two = await call(client, microphone=False)
            await told(two, lambda group: True, "its graph")
            two.send({"t": "group", "do": "join", "code": "AAAA-AAAA"})
            await two.until(lambda: "invitation" in error(two), "a refusal")
            code = group["code"].lower()
            two.send({"t": "group", "do": "join", "code": f"{code[:4]}-{code[4:]}", "person": "Ben"})
            group = await told(two, lambda group: len(group["members"]) == 2, "the room")
            ben = group["you"]
            assert [(m["person"], m["character"]) for m in group["members"]] == [("Anna", "Vai"), ("Ben", "Vai 2")]

            two.send({"t": "group", "do": "rules", "order": "named"})
            await two.until(lambda: "only who opened" in error(two), "a refusal")
            one.send({"t": "group", "do": "rules", "order": "named", "rounds": 1, "interrupt": "anyone"})
            await told(two, lambda group: (group["order"], group["interrupt"]) == ("named", "anyone"), "the rules")

            one.send({"t": "text", "text": "go on for long"})
            await told(two, lambda group: group["speaks"] == group["owner"], "who speaks")
            await two.message("other", name="Vai")
            two.send({"t": "interrupt"})  # anybody's button stops whoever speaks
            await one.message("cut")
            await told(two, lambda group: group["speaks"] == "", "that nobody speaks")

            two.send({"t": "group", "do": "mute", "member": ben})
            await told(one, lambda group: group["members"][1]["muted"], "that Ben's is muted")

            one.send({"t": "group", "do": "remove", "member": ben})
            await told(two, lambda group: group["code"] == "", "that it was sent away")
            assert client.app[SERVER].groups.rooms == {}  # nobody is alone in a room
            one.send({"t": "group", "do": "dissolve"})
            await one.until(lambda: "no group" in error(one), "a refusal")
            assert not [m for m in viewer.messages if m["t"] == "group"]  # an invitation is not for viewers
            for caller in (one, two, viewer):
                await caller.close()

    asyncio.run(main())
