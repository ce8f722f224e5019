"""chat.youtube: the live chat of a YouTube stream; with an account of your own, the avatar writes there too.

Data API v3, see https://developers.google.com/youtube/v3/live/docs/liveChatMessages, and OAuth 2 for what is written.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from typing import Any, ClassVar, Self

from pydantic import Field, SecretStr, model_validator

from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Context
from vaidol.nodes._http import Fault
from vaidol.nodes._provider import Provider
from vaidol.nodes.chat._crowd import Said
from vaidol.nodes.chat._remote import RemoteChat, RemoteChatSettings

SOONEST_S, LATEST_S = 1.0, 60.0  # between two questions, whatever YouTube says
COST = 5  # units of quota that a question for news costs
EARLY_S = 60.0  # a token is renewed so long before it ends
PAID = ("superChatEvent", "superStickerEvent", "memberMilestoneChatEvent")
OVER = ("liveChatEnded", "liveChatDisabled", "liveChatNotFound")


class YoutubeSettings(RemoteChatSettings):
    provider = Provider("YouTube", key="YOUTUBE_API_KEY")

    base_url: str = Field("https://www.googleapis.com/youtube/v3", pattern=r"^https?://[^\s/]+")
    """Address of the service."""
    video: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")
    """Id of the live video, as in youtube.com/watch?v=ID."""
    quota: int = Field(10_000, ge=100, le=100_000_000)
    """Units that Google gives your key each day; a question for news costs 5, a reply 20."""
    stream_h: float = Field(4.0, ge=0.1, le=24)
    """How long the quota is to last, hours: 4 h of 10,000 units are a question every 7.2 s."""
    client_id: str = Field("", max_length=200)
    """OAuth client ("Desktop app" in Google's console) for writing replies; empty: from YOUTUBE_CLIENT_ID."""
    client_secret: SecretStr = SecretStr("")
    """Its secret; empty: from YOUTUBE_CLIENT_SECRET."""
    refresh_token: SecretStr = SecretStr("")
    """What the account that writes has granted that client, scope youtube.force-ssl; empty: from
    YOUTUBE_REFRESH_TOKEN."""
    token_url: str = Field("https://oauth2.googleapis.com/token", pattern=r"^https?://[^\s/]+")
    """Address that renews the token."""

    @model_validator(mode="after")
    def _can_reply(self) -> Self:
        if self.reply and not all(self.grant.values()):
            names = ", ".join(f"{name} or YOUTUBE_{name.upper()}" for name, value in self.grant.items() if not value)
            raise ValueError(f"to reply, YouTube wants the grant of an account as well: {names}")
        return self

    @property
    def grant(self) -> dict[str, str]:
        """What a token is asked for with, from the settings or the environment."""
        own = {
            "client_id": self.client_id,
            "client_secret": self.client_secret.get_secret_value(),
            "refresh_token": self.refresh_token.get_secret_value(),
        }
        return {name: value or os.environ.get(f"YOUTUBE_{name.upper()}", "") for name, value in own.items()}


class YoutubeChat(RemoteChat[YoutubeSettings]):
    """chat.youtube: what is written under a live video. Each question for news costs quota, so it asks as seldom as
    YouTube wants, and no more often than the day's quota allows. What was written before it came is not repeated.

    answers (Transcript: the message being answered), spoken (Mark: what is heard of the answer)
    -> chat (Transcript: `who` wrote it, `rank` 3 = paid, 2 = speaks to the avatar, 1 = asks, 0 = other)
    """

    provider: ClassVar[Provider] = YoutubeSettings.provider
    longest = 200
    faults: ClassVar = {
        "quotaExceeded": Fault("has no quota left today; it begins anew at midnight in California", "quota", True),
        "rateLimitExceeded": Fault("has been asked too often", "busy", True),
        "keyInvalid": Fault("refused the key; check api_key", "key"),
        "API key not valid": Fault("refused the key; check api_key", "key"),
        "pageTokenInvalid": Fault("has lost the thread of the chat", "page", True),
        "invalid_grant": Fault("no longer takes the refresh_token: have the account grant a new one", "key"),
        **{reason: Fault("says that this live chat is over", "ended") for reason in OVER},
    }  # fmt: skip

    def __init__(self, settings: YoutubeSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._live = ""  # id of the chat
        self._page = ""  # where to read on, also on the next connection
        self._token = ""
        self._token_ends_s = 0.0

    @property
    def subject(self) -> str:
        return f"video '{self.settings.video}'"

    async def messages(self) -> AsyncGenerator[Said, None]:
        live = await self._chat()
        if live != self._live:
            self._live, self._page = live, ""
        soonest_s = max(SOONEST_S, self.settings.stream_h * 3600 * COST / self.settings.quota)
        while True:
            told = await self._news()
            with self.service.parsed():
                found = [said for item in told["items"] if (said := self._said(item))] if self._page else []
                self._page = str(told["nextPageToken"])
                wait_s = float(told.get("pollingIntervalMillis", 5000)) / 1000
            for said in found:
                yield said
            if "offlineAt" in told:
                raise self.service.wrong("says that the stream is over", "ended")
            await self.ctx.clock.sleep(max(min(wait_s, LATEST_S), soonest_s))

    async def post(self, id: str, text: str) -> None:
        if not self._live:
            raise self.service.wrong("has no chat to write in now", "offline", retryable=True)
        details = {"liveChatId": self._live, "type": "textMessageEvent", "textMessageDetails": {"messageText": text}}
        headers = {"Authorization": f"Bearer {await self._access()}"}
        asked = {"part": "snippet"}
        async with self.service.ask(
            "POST", "/liveChat/messages", headers=headers, params=asked, json={"snippet": details}
        ) as answer:
            await answer.json()

    async def _access(self) -> str:
        """A token that lets the account write, renewed when it ends."""
        now_s = self.ctx.clock.s()
        if now_s >= self._token_ends_s:
            what = {"grant_type": "refresh_token", **self.settings.grant}
            async with self.service.ask("POST", self.settings.token_url, headers={}, data=what) as answer:
                told = await answer.json()
            with self.service.parsed():
                self._token = str(told["access_token"])
                self._token_ends_s = now_s + float(told["expires_in"]) - EARLY_S
        return self._token

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

    async def _news(self) -> Any:
        asked = {"liveChatId": self._live, "part": "snippet,authorDetails", "maxResults": "200"}
        try:
            return await self._get("/liveChat/messages", asked | ({"pageToken": self._page} if self._page else {}))
        except ProviderError as error:
            if error.code == "page":
                self._page = ""
            raise

    async def _get(self, path: str, asked: dict[str, str]) -> Any:
        params = asked | {"key": self.settings.key}
        async with self.service.ask("GET", path, headers={}, params=params) as answer:
            return await answer.json()

    def _said(self, item: Any) -> Said | None:
        """What somebody wrote, if that is what the item tells of."""
        snippet, kind = item["snippet"], item["snippet"]["type"]
        if kind == "messageDeletedEvent":
            self.take_back(id=snippet["messageDeletedDetails"]["deletedMessageId"])
        elif kind == "userBannedEvent":
            self.take_back(user=snippet["userBannedDetails"]["bannedUserDetails"]["channelId"])
        elif "authorDetails" in item:
            author = item["authorDetails"]
            text = snippet.get("displayMessage") or ""
            return Said(item["id"], author["channelId"], author["displayName"], text, kind in PAID)
        return None
