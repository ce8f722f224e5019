"""Tools that the language model has called, as clients of `/client-ws` are told of them."""

from __future__ import annotations

import datetime
from collections import OrderedDict
from typing import Any

from vaidol.nodes.webrtc._call import Message
from vaidol.server.olv import messages

OPEN = 32  # calls whose results are awaited
STATUS = {"called": "running", "done": "completed", "failed": "error"}


class Tools:
    """A client knows a call by an id, which its result must have as well; the nodes tell a call by its text."""

    def __init__(self) -> None:
        self._count = 0
        self._open: OrderedDict[str, str] = OrderedDict()  # the call, as the nodes tell it -> its id

    def message(self, told: Message, *, who: str) -> dict[str, Any]:
        """What the client is told for the nodes' `tool`; `who`: the character that uses it."""
        text, status = told["text"], STATUS[told["status"]]
        call = text if status == "running" else self._call(text)
        if status == "running" or call not in self._open:
            self._count += 1
            self._open[call] = f"{told['turn']}-{self._count}"
            if len(self._open) > OPEN:
                self._open.popitem(last=False)
        id = self._open[call] if status == "running" else self._open.pop(call)
        at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        content = text if status == "running" else text.removeprefix(call).removeprefix(": ")
        return messages.tool(id, call.partition("(")[0], status, content, who=who, at=at)

    def _call(self, text: str) -> str:
        """The call among the open ones that `text` begins with, else `text`."""
        return next((call for call in self._open if text.startswith(f"{call}: ")), text)
