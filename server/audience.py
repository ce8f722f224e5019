"""The viewers of one session: each has a connection of its own, hears and sees all, and cannot speak."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vaidol.graph.clock import Clock
from vaidol.graph.frames import F32
from vaidol.nodes.webrtc._call import Message
from vaidol.server import protocol
from vaidol.server.offer import Offer

if TYPE_CHECKING:
    from vaidol.server.rtc import Peer

log = logging.getLogger("vaidol.server")
MOST_VIEWERS = 32  # of one session; each costs its own Opus encoder and packets


class NoSeat(Exception):
    """As many viewers as one session may have."""


class Audience:
    """Viewers come by `admit` and go by themselves. `greet()`: one has come; the messages that it must be told."""

    def __init__(
        self, session: str, clock: Clock, stun: tuple[str, ...], greet: Callable[[], Iterable[Message]]
    ) -> None:
        self.id = session
        self._clock = clock
        self._stun = stun
        self._greet = greet
        self._viewers: dict[str, Peer] = {}  # by resource

    def __len__(self) -> int:
        return len(self._viewers)

    async def admit(self, offer: Offer, tasks: asyncio.TaskGroup) -> tuple[str, str]:
        """Answer a viewer's offer; its connection lives in `tasks`. Returns its resource and the answer's SDP.

        Raises `BadOffer`, `NoSeat`.
        """
        from vaidol.server.rtc import Peer

        if len(self._viewers) >= MOST_VIEWERS:
            raise NoSeat(f"this session has its {MOST_VIEWERS} viewers already")
        peer = Peer(self, self._clock, self._stun, listens=False)
        answer = await peer.answer(offer)
        resource = secrets.token_urlsafe(12)
        self._viewers[resource] = peer
        tasks.create_task(self._serve(peer, resource), name=f"{self.id} viewer")
        return resource, answer

    def leave(self, resource: str) -> bool:
        """Hang up on one viewer; False when there is none of that name."""
        peer = self._viewers.get(resource)
        if peer is not None:
            peer.hang_up("left")
        return peer is not None

    def hang_up(self, reason: str) -> None:
        for peer in self._viewers.values():
            peer.hang_up(reason)

    def play(self, samples: NDArray[np.int16], pts: int) -> None:
        for peer in self._viewers.values():
            peer.play(samples, pts)

    def send(self, message: Message, *, fast: bool) -> None:
        for peer in self._viewers.values():
            peer.send(message, fast=fast)

    async def _serve(self, peer: Peer, resource: str) -> None:
        try:
            reason = await peer.run()
        finally:
            self._viewers.pop(resource, None)
        log.info("a viewer left", extra={"session": self.id, "reason": reason})

    # Owner

    def peer_heard(self, peer: Peer, samples: F32) -> None:
        """Viewers have no say."""

    def peer_said(self, peer: Peer, message: protocol.FromClient) -> None:
        """Nor here."""

    def peer_joined(self, peer: Peer) -> None:
        for message in self._greet():
            peer.send(message)
