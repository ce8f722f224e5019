"""chat.discord against a gateway and a REST API: what comes, what is lost, what is refused, what is written."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from tests.nodes.chat.discord_site import Discord, discord_message
from tests.nodes.chat.platforms import KEY, errors, heard, listening, until
from vaidol.nodes.chat import discord


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord, "INVALID_S", (0.01, 0.02))


def test_a_discord_channel_is_read_and_nothing_is_missed_while_the_connection_is_lost() -> None:
    async def main() -> None:
        site = Discord()
        settings = {"channel": "42", "api_key": KEY, "mention": "Vai"}
        async with site.serving() as url, listening("chat.discord", base_url=url, **settings) as graph:
            await until(lambda: len(site.got) > 1, "the bot is there")
            await site.send("MESSAGE_CREATE", discord_message(2, "hello"))
            await until(lambda: heard(graph), "a message")
            await site.break_off()
            await site.send("MESSAGE_CREATE", discord_message(3, "beep", bot=True))
            await site.send("MESSAGE_CREATE", discord_message(4, "elsewhere", channel="43"))
            await site.send("MESSAGE_CREATE", discord_message(5, "<@1> are you there"))
            await until(lambda: len(heard(graph)) == 2, "what was written meanwhile")
            assert [(m.who, m.text, m.rank, m.ref) for m in heard(graph)] == [
                ("user2", "hello", 0, "chat:102"), ("user5", "@Vai are you there", 2, "chat:105"),
            ]  # fmt: skip
            logins = [told for told in site.got if told["op"] in (2, 6)]
            assert logins[1] == {"op": 6, "d": {"token": KEY, "session_id": "session", "seq": 2}}
            await until(lambda: {"op": 1, "d": 6} in site.got, "a heartbeat with the last number")
            await site.send("MESSAGE_DELETE", {"id": "102", "channel_id": "42"})
            await until(lambda: len(heard(graph)) == 3, "a message taken back")
            assert (heard(graph)[2].ref, heard(graph)[2].text) == ("chat:102", "")

    asyncio.run(main())


def test_discord_asks_to_come_again_does_not_know_the_session_and_falls_silent() -> None:
    async def main() -> None:
        site = Discord()

        def logins() -> list[int]:
            return [told["op"] for told in site.got if told["op"] in (2, 6)]

        settings = {"channel": "42", "api_key": KEY}
        async with site.serving() as url, listening("chat.discord", base_url=url, **settings) as graph:
            for then, expected in (
                (lambda: site.ask(7), [2, 6]),  # reconnect
                (lambda: site.ask(9, True), [2, 6, 6]),  # invalid, but to be gone on with
                (lambda: site.ask(9, False), [2, 6, 6, 2]),
            ):
                await until(lambda: site._sockets, "a connection")
                await then()
                await until(lambda: logins() == expected, str(expected))  # noqa: B023
            assert site.codes == [4000, 4000, 4000]  # with 1000 the session would be over
            site.deaf = True
            await until(lambda: logins()[-2:] == [2, 6], "a connection instead of the dead one")
            site.deaf, site.closes = False, 4009
            await until(lambda: site._sockets, "a connection")
            await site.break_off()
            await until(lambda: logins()[-2:] == [6, 2], "a session instead of the one that timed out")
            assert set(errors(graph)) == {"Discord broke the connection off"}

    asyncio.run(main())


def test_a_key_that_discord_refuses_is_told_and_not_tried_again() -> None:
    async def main() -> None:
        site = Discord()
        async with site.serving() as url, listening("chat.discord", base_url=url, channel="42", api_key="x") as graph:
            await until(lambda: errors(graph), "an error")
            await asyncio.sleep(0.2)
            assert errors(graph) == ["Discord refused the key; check api_key"]
            assert len(site.got) == 1

    asyncio.run(main())


def test_an_answer_is_written_into_a_discord_channel_after_a_429_and_not_where_it_may_not() -> None:
    async def main() -> None:
        site = Discord()
        late = {"message": "You are being rate limited.", "retry_after": 0.05, "global": False}
        site.refuses = [
            web.json_response(late, status=429, headers={"Retry-After": "0.05"}),
            web.json_response({"message": "Internal Server Error", "code": 0}, status=500),
        ]
        async with site.serving() as url, listening(
            "chat.discord", base_url=url, api_url=f"{url}/api", channel="42", api_key=KEY, reply=True
        ) as graph:  # fmt: skip
            await until(lambda: site._sockets, "the bot is there")
            await site.send("MESSAGE_CREATE", discord_message(2, "hello"))
            await until(lambda: heard(graph), "a message")
            graph.node("voice").answer(heard(graph)[0], "Hello @everyone")
            await until(lambda: site.wrote, "the answer")
            assert [site.wrote[0][name] for name in ("channel", "content", "allowed_mentions", "nonce")] == [
                "42", "Hello @everyone", {"parse": []}, "102",
            ]  # fmt: skip
            assert site.wrote[0]["message_reference"]["message_id"] == "102"
            site.refuses = [web.json_response({"message": "Missing Permissions", "code": 50013}, status=403)]
            graph.node("voice").answer(heard(graph)[0], "Hello")
            await until(lambda: errors(graph), "an error")
            assert "give it the permission Send Messages" in errors(graph)[0]

    asyncio.run(main())
