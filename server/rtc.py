"""One WebRTC connection of a session: microphone in, voice out, two data channels, heartbeat."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError

from vaidol.graph.clock import Clock
from vaidol.graph.frames import F32
from vaidol.server import aiortc_private, protocol
from vaidol.server.allowance import Allowance
from vaidol.server.jitter import JitterBuffer
from vaidol.server.offer import MALFORMED, BadOffer, Offer
from vaidol.server.sound import OpusDecoder, OutTrack

log = logging.getLogger("vaidol.server")
ANSWER_S = 10.0  # to answer an offer
CONNECT_S = 15.0  # from the answer to the open connection
PING_S = 2.0
LOSSY = 0.01  # share of lost packets from which on the voice carries repairs
LOSSY_S = 30.0  # it goes on carrying them for this long after the last loss
SILENT_S = 6.0  # without any message the client is gone; ICE alone would take 31 s (FACTS, WebRTC 6)
CLOSE_S = 1.0
FAST_BYTES = 32_768  # unsent bytes on a channel from which on mouth tracks are left out
STUCK_BYTES = 1_000_000  # unsent bytes from which on the client counts as gone
MESSAGES_PER_S, MESSAGES_AT_ONCE = 50.0, 100.0
CHANNELS = ("state", "mouth")


class Owner(Protocol):
    """What a peer tells its session, on the loop."""

    id: str

    def peer_heard(self, peer: Peer, samples: F32) -> None:
        """Microphone: (n,) float32 mono in [-1, 1], 48 kHz. Must not raise: it runs inside aiortc's transport."""

    def peer_said(self, peer: Peer, message: protocol.FromClient) -> None: ...

    def peer_joined(self, peer: Peer) -> None:
        """Its data channel is open."""


class Peer:
    """`answer` an offer, then `run` until the connection is gone. `listens` False: it only plays and tells."""

    def __init__(self, owner: Owner, clock: Clock, stun: tuple[str, ...] = (), *, listens: bool = True) -> None:
        self._owner = owner
        self._listens = listens
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        aiortc_private.offer_loopback_when_alone()
        servers = [RTCIceServer(urls=list(stun))] if stun else []
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self._connection.on("connectionstatechange", self._state_changed)
        self._connection.on("datachannel", self._channel_opened)
        self._voice: OutTrack | None = None
        self._voice_sender: RTCRtpTransceiver | None = None
        self._microphone = JitterBuffer(clock, OpusDecoder(), lambda samples: owner.peer_heard(self, samples))
        self._channels: dict[str, RTCDataChannel] = {}
        self._origin: int | None = None
        self._allowance = Allowance(clock, MESSAGES_PER_S, MESSAGES_AT_ONCE)
        self._heard_at = 0.0
        self._lossy_until = 0.0
        self._up = asyncio.Event()
        self._gone: asyncio.Future[str] = self._loop.create_future()

    @property
    def counts(self) -> dict[str, int]:
        """What happened to the packets of the microphone, and how many of the voice were left out."""
        return {**asdict(self._microphone.counts), "voice_dropped": self._voice.dropped if self._voice else 0}

    @property
    def connected(self) -> bool:
        """Whether it ever got through."""
        return self._up.is_set()

    async def answer(self, offer: Offer) -> str:
        """The answer's SDP. Raises `BadOffer`; the connection is closed then."""
        try:
            async with asyncio.timeout(ANSWER_S):
                if offer.audio:
                    self._add_voice()
                await self._connection.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
                self._refuse_the_rest()
                await self._connection.setLocalDescription()
        except (InternalError, InvalidAccessError, InvalidStateError, OperationError, *MALFORMED) as error:
            await self.close()
            log.info(
                "an offer could not be answered", extra={"session": self._owner.id, "reason": type(error).__name__}
            )
            raise BadOffer("the offer cannot be answered: no codec or transport fits", status=422) from error
        except TimeoutError as error:
            await self.close()
            raise BadOffer("no network address was found in time", status=503, code="no_address") from error
        except asyncio.CancelledError:
            await self.close()
            raise
        return str(self._connection.localDescription.sdp)

    async def run(self) -> str:
        """Serve until the client is gone or `hang_up` is called; returns why it ended. Closes the connection."""
        try:
            async with asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(self._watch(), name="heartbeat")
                reason = await self._gone
                watch.cancel()
        finally:
            await self.close()
        return reason

    def hang_up(self, reason: str) -> None:
        if not self._gone.done():
            self._gone.set_result(reason)

    def play(self, samples: Any, pts: int) -> None:
        """See `Call.play`."""
        if self._voice is not None and self._up.is_set():
            self._voice.push(samples, pts)

    def send(self, message: Mapping[str, Any], *, fast: bool = False) -> None:
        """See `Call.send`."""
        text = protocol.encode(message)
        channel = (self._channels.get("mouth") if fast else None) or self._channels.get("state")
        if channel is None or channel.readyState != "open":
            return
        if channel.bufferedAmount > STUCK_BYTES:
            self.hang_up("takes no more messages")
        elif not fast or channel.bufferedAmount < FAST_BYTES:
            channel.send(text)

    # building the answer

    def _add_voice(self) -> None:
        self._voice = OutTrack(self._rtp_timestamp, self._synced)
        self._voice_sender = self._connection.addTransceiver(self._voice, "sendrecv" if self._listens else "sendonly")
        capabilities = RTCRtpReceiver.getCapabilities("audio")
        codecs = capabilities.codecs if capabilities else []
        opus = [codec for codec in codecs if codec.mimeType.lower() == "audio/opus"]
        self._voice_sender.setCodecPreferences(opus)
        aiortc_private.take_packets(self._voice_sender.receiver, self._microphone.add)

    def _refuse_the_rest(self) -> None:
        """One audio line is served; frames of others (video too) would be decoded and pile up unread."""
        for transceiver in self._connection.getTransceivers():
            if transceiver is not self._voice_sender:
                transceiver.direction = "inactive"

    def _rtp_timestamp(self, _: OutTrack) -> int | None:
        return aiortc_private.last_rtp_timestamp(self._voice_sender.sender) if self._voice_sender else None

    def _synced(self, origin: int) -> None:
        self._origin = origin
        self.send(protocol.sync(origin))

    # what the connection tells; handlers must not raise: they run inside aiortc's transport

    def _state_changed(self) -> None:
        state = self._connection.connectionState
        if state == "connected":
            self._heard_at = self._clock.s()
            self._up.set()
        elif state in ("failed", "closed"):
            self.hang_up(f"connection {state}")

    def _channel_opened(self, channel: RTCDataChannel) -> None:
        if channel.label not in CHANNELS or channel.label in self._channels:
            channel.close()
            return
        self._channels[channel.label] = channel
        channel.on("message", self._message)
        if channel.label == "state":
            self._heard_at = self._clock.s()
            channel.on("close", lambda: self.hang_up("data channel closed"))
            self._loop.call_soon(self._joined)

    def _joined(self) -> None:
        self._owner.peer_joined(self)
        if self._origin is not None:
            self.send(protocol.sync(self._origin))

    def _message(self, raw: str | bytes) -> None:
        self._heard_at = self._clock.s()
        if not self._allowance.take():
            if self._allowance.first_refused:
                self.send(protocol.error("too_many", "messages come too fast; some were left out"))
            return
        try:
            message = protocol.parse(raw)
        except protocol.BadMessage as error:
            self.send(protocol.error("bad_message", f"a message was not understood: {error}"))
            return
        if isinstance(message, protocol.Ping):
            self.send(protocol.pong(message.n))
        elif not isinstance(message, protocol.Pong):
            self._loop.call_soon(self._owner.peer_said, self, message)

    # tasks

    async def _watch(self) -> None:
        """Notice a client that never comes or goes without a word."""
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._up.wait()
        except TimeoutError:
            self.hang_up("no connection")
            return
        count = 0
        while True:
            if "state" in self._channels:
                if self._clock.s() - self._heard_at > SILENT_S:
                    self.hang_up("silent")
                count += 1
                self.send(protocol.ping(count))
            await self._mind_losses()
            due = self._clock.s() + PING_S
            await self._clock.sleep(PING_S)
            self._heard_at += max(0.0, self._clock.s() - due)  # while this process stood still, nobody could be heard

    async def _mind_losses(self) -> None:
        """See to it that the voice suits what the client's receiver reports say (RFC 3550, 6.4.1)."""
        if self._voice is None or self._voice_sender is None:
            return
        reports = await self._voice_sender.sender.getStats()
        if any(getattr(report, "fractionLost", 0) / 256 > LOSSY for report in reports.values()):
            self._lossy_until = self._clock.s() + LOSSY_S
        self._voice.lossy(self._clock.s() < self._lossy_until)

    async def close(self) -> None:
        self.hang_up("closed")
        self._microphone.close()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._connection.close()
        except (TimeoutError, ConnectionError, InvalidStateError) as error:
            log.warning("a connection did not close", extra={"session": self._owner.id}, exc_info=error)
