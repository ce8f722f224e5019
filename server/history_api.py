"""REST: the conversations a user had, where the server keeps them (`vaidol serve --history FILE`).

GET    /api/history?user=ID              {chats: [{id, persona, title, began, changed, lines, found}]}, newest first
       &persona=vai &q=words             only of one persona; only those in which something like this was said
GET    /api/history/{chat}?user=ID       {chat, lines: [{role, text}]}; &format=text: to read
PATCH  /api/history/{chat}?user=ID       {"title": "..."}: another name
DELETE /api/history/{chat}?user=ID       out of the file for good, with the facts that were learned from it
DELETE /api/history?user=ID              all of them, and all facts: everything the server knows of this user
POST   /api/history/{chat}/resume?user=ID  {"session": ID}: that call of the user (left out: the newest) goes on with it

GET    /api/memory?user=ID               {facts: [{id, persona, text, said, since}], by, why}; &persona=vai
DELETE /api/memory/{fact}?user=ID        forget one fact for good; what was said then is not recalled any more either

by: how earlier talks are searched, "meaning" (and words) or "words" alone; why: the reason for the latter.

`user` is the id that the client sent in its hello: long, random, and known to nobody else. Whoever does not know it
finds nothing; there is no list of users.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from vaidol.graph.errors import ProviderError
from vaidol.nodes.agent._chat import ChatAgent
from vaidol.nodes.agent._history import POOL, TITLE_MAX, Chat, History, HistoryError, Line
from vaidol.nodes.agent._meaning import POOL as MEANING_POOL
from vaidol.server.access import refusal
from vaidol.server.bodies import parsed, refused
from vaidol.server.session import Session

if TYPE_CHECKING:
    from vaidol.server.app import Server

T = TypeVar("T")
WITHIN_S = 10.0
SPEAKERS = {"user": "You", "assistant": "Avatar"}


class HistoryApi:
    """The routes above."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def routes(self, router: web.UrlDispatcher) -> None:
        """Add them to `router`."""
        router.add_get("/api/history", self.all)
        router.add_get("/api/history/{chat}", self.read)
        router.add_patch("/api/history/{chat}", self.rename)
        router.add_delete("/api/history/{chat}", self.delete)
        router.add_post("/api/history/{chat}/resume", self.resume)
        router.add_delete("/api/history", self.forget_all)
        router.add_get("/api/memory", self.facts)
        router.add_delete(r"/api/memory/{fact:\d{1,15}}", self.forget)

    async def all(self, request: web.Request) -> web.Response:
        """The conversations of ?user=, newest first; ?persona= and ?q= (words) narrow it down."""
        history, user = self._history(), _user(request)
        persona, query = request.query.get("persona", ""), request.query.get("q", "")
        chats = await self._call(lambda: history.chats(user, persona, query))
        return web.json_response({"chats": [chat.told() for chat in chats]})

    async def read(self, request: web.Request) -> web.Response:
        """One conversation of ?user=, as JSON or with ?format=text to read."""
        wanted = request.query.get("format", "json")
        if wanted not in ("json", "text"):
            return refusal(400, "format", "format is json or text")
        chat, lines = await self._found(request)
        if wanted == "json":
            told = [{"role": line.role, "text": line.text} for line in lines]
            return web.json_response({"chat": chat.told(), "lines": told})
        said = [f"{SPEAKERS.get(line.role, line.role)}: {line.text}\n" for line in lines]
        return web.Response(text=f"{chat.title}\n{chat.persona}, {chat.began}\n\n{''.join(said)}")

    async def rename(self, request: web.Request) -> web.Response:
        """Give a conversation of ?user= another name."""
        history, user, chat = self._history(), _user(request), request.match_info["chat"]
        title = (await _body(request, "title")).strip()
        if not 1 <= len(title) <= TITLE_MAX:
            return refusal(422, "title", f"title: give 1 to {TITLE_MAX} characters")
        if not await self._call(lambda: history.rename(user, chat, title)):
            raise _no_chat()
        return web.json_response({"id": chat, "title": title})

    async def delete(self, request: web.Request) -> web.Response:
        """Take a conversation of ?user= out of the history for good; one that goes on begins anew there."""
        history, user, chat = self._history(), _user(request), request.match_info["chat"]
        if not await self._call(lambda: history.delete(user, chat)):
            raise _no_chat()
        return web.json_response({"id": chat})

    async def forget_all(self, request: web.Request) -> web.Response:
        """Take all conversations of ?user=, and all facts about them, out of the file for good."""
        history, user = self._history(), _user(request)
        return web.json_response({"chats": await self._call(lambda: history.forget(user))})

    async def facts(self, request: web.Request) -> web.Response:
        """What is known of ?user=, newest first; ?persona= narrows it down. Also how earlier talks are searched."""
        history, user, persona = self._history(), _user(request), request.query.get("persona", "")
        facts = await self._call(lambda: history.memos.facts(user, persona))
        why = await self._call(history.meaning.lacks, MEANING_POOL) if history.meaning is not None else ""
        by = "words" if why or history.meaning is None else "meaning"
        return web.json_response({"facts": [fact.told() for fact in facts], "by": by, "why": why})

    async def forget(self, request: web.Request) -> web.Response:
        """Take a fact about ?user= out of the file for good."""
        history, user, fact = self._history(), _user(request), int(request.match_info["fact"])
        if not await self._call(lambda: history.memos.forget(user, fact)):
            raise refused(404, "no_fact", "of this user no such fact is known")
        return web.json_response({"id": fact})

    async def resume(self, request: web.Request) -> web.Response:
        """Let the call of ?user= go on with an earlier conversation; what is said is added to it."""
        chat, lines = await self._found(request)
        wanted = await _body(request, "session", "")
        calls = [one for one in self._server.sessions if isinstance(one, Session) and wanted in ("", one.id)]
        mine = (one for one in reversed(calls) if one.recorder and one.recorder.user == _user(request))
        session = next(mine, None)
        if session is None or session.graph is None or session.state == "ended":
            return refusal(404, "no_session", "there is no such call of this user, or it has just begun")
        agents = [cell.node for cell in session.graph.cells.values() if isinstance(cell.node, ChatAgent)]
        agent = next((agent for agent in agents if agent.settings.persona == chat.persona), None)
        if agent is None:
            return refusal(409, "persona", f"that was with the persona '{chat.persona}': choose it in the call first")
        session.graph.fence.cut("another conversation")
        agent.resume(chat.id, lines)
        return web.json_response({"session": session.id, "id": chat.id, "lines": len(lines)})

    async def _found(self, request: web.Request) -> tuple[Chat, list[Line]]:
        history, user = self._history(), _user(request)
        found = await self._call(lambda: history.read(user, request.match_info["chat"]))
        if found is None:
            raise _no_chat()
        return found

    def _history(self) -> History:
        if self._server.history is None:
            said = "this server keeps no conversations: start it with --history FILE, and without --no-history"
            raise refused(404, "off", said)
        return self._server.history

    async def _call(self, work: Callable[[], T], pool: str = POOL) -> T:
        try:
            async with asyncio.timeout(WITHIN_S):
                return await self._server.engine.workers.call(pool, work)
        except (HistoryError, ProviderError) as error:
            raise refused(503, "history", str(error)) from None
        except TimeoutError:
            raise refused(503, "history", f"the history did not answer within {WITHIN_S:g} s") from None


def _user(request: web.Request) -> str:
    user = request.query.get("user", "")
    if not user:
        raise refused(400, "user", "give ?user=, the id that the client sent in its hello")
    return user


async def _body(request: web.Request, field: str, default: str | None = None) -> str:
    try:
        body: Any = parsed(await request.read())
    except ValueError:
        body = None
    value = body.get(field, default) if isinstance(body, dict) else None
    if not isinstance(value, str):
        raise refused(400, "body", f'the body is JSON: {{"{field}": "..."}}')
    return value


def _no_chat() -> web.HTTPException:
    return refused(404, "no_chat", "this user has no such conversation")
