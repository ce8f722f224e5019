"""chat.youtube against a server of its Data API: what comes, what is refused, what is written."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.nodes.chat.platforms import KEY, errors, heard, listening, until
from tests.nodes.chat.youtube_site import Youtube, written
from vaidol.nodes.chat import youtube


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(youtube, "SOONEST_S", 0.01)


def test_a_youtube_chat_is_read_from_now_on() -> None:
    async def main() -> None:
        site = Youtube()
        site.pages = [
            {"items": [written(1, "Old", "said before")]},
            {"items": [written(2, "Ann", "hi"), written(3, "Bob", "take this", "superChatEvent")]},
            {"items": [written(3, "Bob", "take this", "superChatEvent"), written(4, "Cleo", "why?")]},
        ]
        settings = {"video": "abc", "api_key": KEY, "quota": 100_000_000}
        async with site.serving() as url, listening("chat.youtube", base_url=url, **settings) as graph:
            await until(lambda: len(heard(graph)) == 3, "three messages")
            assert [(m.who, m.text, m.rank) for m in heard(graph)] == [
                ("Ann", "hi", 0), ("Bob", "take this", 3), ("Cleo", "why?", 1),
            ]  # fmt: skip
            assert site.asked[:3] == ["", "page-1", "page-2"]

    asyncio.run(main())


def test_an_answer_is_written_under_a_youtube_video_and_reading_goes_on_after_a_fault() -> None:
    async def main() -> None:
        site = Youtube()
        deleted = {"type": "messageDeletedEvent", "messageDeletedDetails": {"deletedMessageId": "id-2"}}
        site.pages = [{"items": []}, {"items": [written(2, "Ann", "hi")]}]
        grant = {"reply": True, "client_id": "me", "client_secret": "secret", "refresh_token": KEY, "reply_gap_s": 1.6}
        settings = {"video": "abc", "api_key": KEY, "quota": 100_000_000, **grant}
        async with site.serving() as url, listening(
            "chat.youtube", base_url=url, token_url=f"{url}/token", **settings
        ) as graph:  # fmt: skip
            await until(lambda: heard(graph), "a message")
            graph.node("voice").answer(heard(graph)[0], "Hello there, how are you? " * 20)
            await until(lambda: site.wrote, "the answer")
            assert site.wrote[0].startswith("chat-1: @Ann Hello there")
            assert len(site.wrote[0]) <= len("chat-1: ") + 200
            echo = written(3, "Vai", site.wrote[0].removeprefix("chat-1: "))
            site.refuses = ["quotaExceeded", "rateLimitExceeded"]
            site.pages = [{"items": [echo, {"id": "id-4", "snippet": deleted}]}]
            await until(lambda: len(heard(graph)) == 2, "what was deleted")
            assert (heard(graph)[1].ref, heard(graph)[1].text) == ("chat:id-2", "")
            assert graph.cells["chat"].counts["dropped_own"] == 1
            assert [error for error in errors(graph) if "quota" in error]
            assert site.asked[2] == "page-2"  # not from the beginning
            graph.node("voice").answer(heard(graph)[0], "Again")
            await until(lambda: len(site.wrote) == 2, "another answer")
            assert site.granted == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"api_key": "wrong", "video": "abc"}, "refused the key"),
        ({"api_key": KEY, "video": "none"}, "knows no video 'none'"),
    ],
)
def test_what_youtube_refuses_is_told(settings: dict[str, Any], said: str) -> None:
    async def main() -> None:
        async with Youtube().serving() as url, listening("chat.youtube", base_url=url, **settings) as graph:
            await until(lambda: errors(graph), "an error")
            assert said in errors(graph)[0]
            assert KEY not in errors(graph)[0]

    asyncio.run(main())
