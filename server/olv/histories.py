"""Earlier conversations of a client of `/client-ws`: listed, read, gone on with, deleted, or a new one begun."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from vaidol.graph.engine import Engine
from vaidol.graph.errors import ProviderError
from vaidol.graph.scheduler import Graph
from vaidol.nodes.agent._chat import ChatAgent
from vaidol.nodes.agent._history import POOL, Chat, History, HistoryError, Line, Recorder
from vaidol.server.olv import messages

T = TypeVar("T")
WITHIN_S = 4.0  # messages behind it wait for as long
LISTED = 50  # conversations; the newest ones
ROLES = {"user": "human", "assistant": "ai"}
Told = dict[str, Any]


class Histories:
    """`recorder`: where the session's talk is written down, None: nowhere; its `user` is whose conversations these are.
    `name`: of the character that speaks just now."""

    def __init__(
        self, engine: Engine, recorder: Recorder | None, name: Callable[[], str], tell: Callable[[Told], None]
    ) -> None:
        self._engine = engine
        self._recorder = recorder
        self._name = name
        self._tell = tell

    async def take(self, graph: Graph, message: messages.History) -> None:
        """Do what the client asks for, and answer."""
        try:
            async with asyncio.timeout(WITHIN_S):
                await self._take(graph, message.type, message.history_uid)
        except (HistoryError, ProviderError) as error:
            self._tell(messages.error(str(error)))
        except TimeoutError:
            self._tell(messages.error(f"the history did not answer within {WITHIN_S:g} s"))

    async def _take(self, graph: Graph, kind: str, chat: str) -> None:
        agent = next((cell.node for cell in graph.cells.values() if isinstance(cell.node, ChatAgent)), None)
        if kind == "fetch-history-list":
            self._tell({"type": "history-list", "histories": await self._list(agent)})
        elif kind == "create-new-history":
            chat = secrets.token_hex(12)
            self._go_on(graph, agent, chat, [])
            self._tell({"type": "new-history-created", "history_uid": chat})
        elif kind == "fetch-and-set-history":
            self._tell({"type": "history-data", "messages": await self._resume(graph, agent, chat)})
        else:
            gone = await self._ask(lambda history, user: history.delete(user, chat))
            self._tell({"type": "history-deleted", "success": bool(gone), "history_uid": chat})

    async def _list(self, agent: ChatAgent[Any] | None) -> list[Told]:
        if agent is None:
            return []
        found = await self._ask(lambda history, user: _newest(history, user, agent.settings.persona))
        return [
            {"uid": chat.id, "latest_message": self._message(chat, line), "timestamp": chat.changed}
            for chat, line in found or ()
        ]

    async def _resume(self, graph: Graph, agent: ChatAgent[Any] | None, id: str) -> list[Told]:
        found = await self._ask(lambda history, user: history.read(user, id))
        if not found or agent is None or found[0].persona != agent.settings.persona:
            self._tell(messages.error("there is no such conversation with this character"))
            return []
        chat, lines = found
        self._go_on(graph, agent, id, lines)
        return [self._message(chat, line) for line in lines]

    def _go_on(self, graph: Graph, agent: ChatAgent[Any] | None, chat: str, lines: list[Line]) -> None:
        graph.fence.cut("another conversation")
        if agent is not None:
            agent.resume(chat, lines)

    def _message(self, chat: Chat, line: Line) -> Told:
        told = {"role": ROLES[line.role], "timestamp": chat.changed, "content": line.text}
        return told if line.role == "user" else {**told, "name": self._name(), "avatar": ""}

    async def _ask(self, work: Callable[[History, str], T]) -> T | None:
        """None where nothing is kept."""
        recorder = self._recorder
        if recorder is None:
            return None
        return await self._engine.workers.call(POOL, lambda: work(recorder.history, recorder.user))


def _newest(history: History, user: str, persona: str) -> list[tuple[Chat, Line]]:
    """The conversations with their last lines."""
    found = (history.read(user, chat.id) for chat in history.chats(user, persona)[:LISTED])
    return [(chat, lines[-1]) for chat, lines in filter(None, found) if lines]
