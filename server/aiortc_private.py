"""Every private name of aiortc and aioice that vaidol uses; tests/server/test_aiortc_private.py fails when one goes."""

from __future__ import annotations

from collections.abc import Callable

import aioice.ice
from aiortc import RTCRtpReceiver, RTCRtpSender
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtp import RtpPacket

LOOPBACK = "127.0.0.1"
BUFFER = "_RTCRtpReceiver__jitter_buffer"
PACKETS_SENT, LAST_TIMESTAMP = "_RTCRtpSender__packet_count", "_RTCRtpSender__rtp_timestamp"

_host_addresses = aioice.ice.get_host_addresses


def offer_loopback_when_alone() -> None:
    """Let a machine without any network but loopback (a container, a train) be reached from itself.

    aioice never offers 127.0.0.1, so that two programs on such a machine find no way to each other.
    """
    aioice.ice.get_host_addresses = _addresses


def _addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    found = _host_addresses(use_ipv4, use_ipv6)
    return found if found or not use_ipv4 else [LOOPBACK]


def take_packets(receiver: RTCRtpReceiver, take: Callable[[int, int, int, bytes], None]) -> None:
    """Give `take(ssrc, number, timestamp, payload)` every audio packet as it arrives; aiortc plays none of them.

    Before the first packet arrives. aiortc's own buffer holds back 80 ms, waits for a lost packet until 16 others have
    come, and stays late for the rest of the call; its decoder is a thread of its own.
    """
    setattr(receiver, BUFFER, _Tap(take))


class _Tap:
    """Stands where aiortc's `JitterBuffer` stood."""

    def __init__(self, take: Callable[[int, int, int, bytes], None]) -> None:
        self._take = take

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        self._take(packet.ssrc, packet.sequence_number, packet.timestamp, packet.payload)
        return False, None


def last_rtp_timestamp(sender: RTCRtpSender) -> int | None:
    """RTP timestamp (48 kHz, mod 2**32) of the packet sent last; None before the first."""
    if not getattr(sender, PACKETS_SENT):
        return None
    return int(getattr(sender, LAST_TIMESTAMP))
