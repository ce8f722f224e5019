"""chat.youtube: the live chat of a YouTube stream.

Data API v3, see https://developers.google.com/youtube/v3/live/docs/liveChatMessages/list
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, ClassVar

from pydantic import Field

from vaidol.nodes._provider import Provider
from vaidol.nodes.chat._crowd import Said
from vaidol.nodes.chat._remote import RemoteChat, RemoteChatSettings

SOONEST_S, LATEST_S = 1.0, 60.0  # between two questions, whatever YouTube says
PAID = ("superChatEvent", "superStickerEvent", "memberMilestoneChatEvent")


class YoutubeSettings(RemoteChatSettings):
    provider = Provider("YouTube", key="YOUTUBE_API_KEY")

    base_url: str = Field("https://www.googleapis.com/youtube/v3", pattern=r"^https?://[^\s/]+")
    """Address of the service."""
    video: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")
    """Id of the live video, as in youtube.com/watch?v=ID."""


class YoutubeChat(RemoteChat[YoutubeSettings]):
    """chat.youtube: what is written under a live video. Each question for news costs quota, so it asks as seldom as
    YouTube lets it. What was written before it came is not repeated.

    -> chat (Transcript: `who` wrote it, `rank` 3 = paid, 2 = speaks to the avatar, 1 = asks, 0 = other)
    """

    provider: ClassVar[Provider] = YoutubeSettings.provider

    @property
    def subject(self) -> str:
        return f"video '{self.settings.video}'"

    async def messages(self) -> AsyncGenerator[Said, None]:
        chat, page, known = await self._chat(), "", False
        while True:
            asked = {"liveChatId": chat, "part": "snippet,authorDetails", "maxResults": "200"}
            told = await self._get("/liveChat/messages", asked | ({"pageToken": page} if page else {}))
            with self.service.parsed():
                found = [self._said(item) for item in told["items"]] if known else []
                page, known = str(told["nextPageToken"]), True
                wait_s = float(told.get("pollingIntervalMillis", 5000)) / 1000
                over = "offlineAt" in told
            for said in found:
                yield said
            if over:
                raise self.service.wrong("says that the stream is over", "ended")
            await self.ctx.clock.sleep(min(max(wait_s, SOONEST_S), LATEST_S))

    async def _chat(self) -> str:
        """The id of the video's chat."""
        told = await self._get("/videos", {"part": "liveStreamingDetails", "id": self.settings.video})
        with self.service.parsed():
            items = told["items"]
            if not items:
                raise self.service.wrong(f"knows no {self.subject}", "model")
            chat = items[0].get("liveStreamingDetails", {}).get("activeLiveChatId")
        if not chat:
            raise self.service.wrong(f"has no live chat for the {self.subject} now", "offline", retryable=True)
        return str(chat)

    async def _get(self, path: str, asked: dict[str, str]) -> Any:
        params = asked | {"key": self.settings.key}
        async with self.service.ask("GET", path, headers={}, params=params) as answer:
            return await answer.json()

    def _said(self, item: Any) -> Said:
        snippet, author = item["snippet"], item["authorDetails"]
        text = snippet.get("displayMessage") or ""
        return Said(item["id"], author["channelId"], author["displayName"], text, snippet["type"] in PAID)
