"""What an agent sees: the newest picture goes to the model with the next words, and is never remembered."""

from __future__ import annotations

import base64
from asyncio import TimerHandle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from vaidol.graph.events import Event
from vaidol.graph.frames import Image
from vaidol.graph.node import Context
from vaidol.nodes.agent._memory import Message
from vaidol.nodes.agent._tools import Round

FRESH_S = 8.0  # a picture older than this shows something else than what is talked about


class Eyes:
    """Holds one picture, for as long as it is fresh and the user shows something. `looking`: the one that goes with
    what is being answered."""

    def __init__(self, ctx: Context) -> None:
        self.looking: Image | None = None
        self._ctx = ctx
        self._newest: Image | None = None
        self._fading: TimerHandle | None = None
        self._told = False
        self._stop_listening = ctx.events.listen(self._event)

    def close(self) -> None:
        self._stop_listening()
        self._fade()

    def show(self, image: Image, blind: str) -> None:
        """The user shows `image`; an empty one: nothing any more. `blind`: why the model may not see it, which the user
        is told once."""
        self._fade()
        if not image.data:
            self.looking = None
        elif not blind:
            clock = self._ctx.clock
            self._newest, self._fading = image, clock.at(clock.s() + FRESH_S, self._fade)
        elif not self._told:
            self._told = True
            self._ctx.trouble(blind, code="blind")

    @contextmanager
    def look(self) -> Iterator[None]:
        """What is shown now goes with the answer that is made inside."""
        self.looking = self._newest
        try:
            yield
        finally:
            self.looking = None

    def _fade(self) -> None:
        self._newest = None
        if self._fading is not None:
            self._fading.cancel()

    def _event(self, event: Event) -> None:
        if event.name == "unshown":  # the frame that says so waits while the agent speaks
            self.show(Image(), "")


def looking(
    messages: list[Message],
    image: Image | None,
    part: Callable[[str, str], dict[str, Any]],
    used: Callable[[Round], list[dict[str, Any]]],
) -> list[dict[str, Any]]:
    """`messages` with `image` beside the user's last words, and with what tools did; `part(mime, base64)` and
    `used(round)` are how the service wants these."""
    talk: list[dict[str, Any]] = []
    for message in messages:
        rounds = message.get("rounds", [])
        talk += [told for each in rounds for told in used(each)]
        if message["content"] or not rounds:
            talk.append({"role": message["role"], "content": message["content"]})
    last = next((told for told in reversed(talk) if told["role"] == "user" and isinstance(told["content"], str)), None)
    if image is not None and last is not None:
        shown = part(image.mime, base64.b64encode(image.data).decode())
        last["content"] = [shown, {"type": "text", "text": last["content"]}]
    return talk
