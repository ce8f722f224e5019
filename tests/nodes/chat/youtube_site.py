"""YouTube on this machine."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.nodes.chat.platforms import KEY, Site


class Youtube(Site):
    """Answers with the pages put into it, one for each question; writes for who shows a token that `/token` gave."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.wrote: list[str] = []
        self.granted = 0  # tokens
        self.refuses: list[str] = []  # reasons why the next questions are not answered
        self.live = True
        self.app.router.add_get("/videos", self._video)
        self.app.router.add_get("/liveChat/messages", self._messages)
        self.app.router.add_post("/liveChat/messages", self._insert)
        self.app.router.add_post("/token", self._token)

    async def _video(self, request: web.Request) -> web.Response:
        if request.query.get("key") != KEY:
            return _youtube_error(400, "API key not valid. Please pass a valid API key.", "badRequest")
        details = {"activeLiveChatId": "chat-1"} if self.live else {}
        known = request.query["id"] == "abc"
        return web.json_response({"items": [{"liveStreamingDetails": details}] if known else []})

    async def _messages(self, request: web.Request) -> web.Response:
        if self.refuses:
            return _youtube_error(403, "The request cannot be completed.", self.refuses.pop(0))
        self.asked.append(request.query.get("pageToken", ""))
        page = self.pages.pop(0) if self.pages else {"items": []}
        told = {"nextPageToken": f"page-{len(self.asked)}", "pollingIntervalMillis": 10, **page}
        return web.json_response(told)

    async def _token(self, request: web.Request) -> web.Response:
        told = dict(await request.post())
        wants = {"grant_type": "refresh_token", "client_id": "me", "client_secret": "secret", "refresh_token": KEY}
        if told != wants:
            return web.json_response({"error": "invalid_grant", "error_description": "Bad Request"}, status=400)
        self.granted += 1
        return web.json_response({"access_token": f"token-{self.granted}", "expires_in": 3599, "token_type": "Bearer"})

    async def _insert(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer token-{self.granted}":
            return _youtube_error(401, "Request had invalid authentication credentials.", "authError")
        snippet = (await request.json())["snippet"]
        assert request.query["part"] == "snippet"
        assert snippet["type"] == "textMessageEvent"
        self.wrote.append(f"{snippet['liveChatId']}: {snippet['textMessageDetails']['messageText']}")
        return web.json_response({"id": f"own-{len(self.wrote)}", "snippet": snippet})


def _youtube_error(status: int, message: str, reason: str) -> web.Response:
    errors = [{"message": message, "domain": "youtube", "reason": reason}]
    return web.json_response({"error": {"code": status, "message": message, "errors": errors}}, status=status)


def written(number: int, name: str, text: str, kind: str = "textMessageEvent") -> dict[str, Any]:
    """One message as YouTube tells it."""
    author = {"channelId": f"channel-{name}", "displayName": name}
    return {"id": f"id-{number}", "snippet": {"type": kind, "displayMessage": text}, "authorDetails": author}
