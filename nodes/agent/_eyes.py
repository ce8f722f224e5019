"""What an agent sees: the newest picture goes to the model with the next words, and is never remembered."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from vaidol.graph.clock import NS
from vaidol.graph.frames import Image
from vaidol.graph.node import Context
from vaidol.nodes.agent._memory import Message

FRESH_S = 8.0  # a picture older than this shows something else than what is talked about


class Eyes:
    """Holds one picture, for as long as it is fresh."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._newest: Image | None = None
        self._told = False

    def show(self, image: Image, blind: str) -> None:
        """The user shows `image`. `blind`: why the model may not see it, which the user is told once."""
        if not blind:
            self._newest = image
        elif not self._told:
            self._told = True
            self._ctx.trouble(blind, code="blind")

    def fresh(self) -> Image | None:
        """The picture to look at now."""
        if self._newest is not None and self._ctx.clock.ns() - self._newest.born > FRESH_S * NS:
            self._newest = None
        return self._newest


def looking(
    messages: list[Message], image: Image | None, part: Callable[[str, str], dict[str, Any]]
) -> list[dict[str, Any]]:
    """`messages` with `image` beside the user's last words; `part(mime, base64)` is how the service wants it."""
    talk: list[dict[str, Any]] = [{**message} for message in messages]
    last = next((message for message in reversed(talk) if message["role"] == "user"), None)
    if image is not None and last is not None:
        shown = part(image.mime, base64.b64encode(image.data).decode())
        last["content"] = [shown, {"type": "text", "text": last["content"]}]
    return talk
