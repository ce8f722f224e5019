"""Every private name of aiortc and aioice that vaidol uses; tests/server/test_aiortc_private.py fails when one goes."""

from __future__ import annotations

import aioice.ice
from aiortc import RTCRtpReceiver, RTCRtpSender
from aiortc.jitterbuffer import JitterBuffer

CAPACITY = 16  # packets, a power of two; at 20 ms each the longest hole that is waited for
PREFETCH = 1  # frames held back; aiortc's 4 add 60 ms to every word
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


def shorten_buffer(receiver: RTCRtpReceiver) -> None:
    """Take the delay out of the receive buffer; before the first packet arrives."""
    setattr(receiver, BUFFER, JitterBuffer(capacity=CAPACITY, prefetch=PREFETCH))


def last_rtp_timestamp(sender: RTCRtpSender) -> int | None:
    """RTP timestamp (48 kHz, mod 2**32) of the packet sent last; None before the first."""
    if not getattr(sender, PACKETS_SENT):
        return None
    return int(getattr(sender, LAST_TIMESTAMP))
