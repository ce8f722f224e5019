"""The private names of aiortc and aioice that vaidol leans on are still there and still mean the same."""

from __future__ import annotations

import asyncio
import importlib.metadata
import inspect

import aioice.ice
import aiortc.rtcrtpsender
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket

from vaidol.server import aiortc_private


def test_the_version_is_the_one_that_was_read() -> None:
    assert importlib.metadata.version("aiortc").startswith("1.16.")


def test_the_receive_buffer_and_the_senders_clock_are_where_they_were() -> None:
    async def main() -> None:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        transceiver = connection.addTransceiver("audio")
        assert isinstance(getattr(transceiver.receiver, aiortc_private.BUFFER), JitterBuffer)
        taken: list[tuple[int, int, int, bytes]] = []
        aiortc_private.take_packets(transceiver.receiver, lambda *packet: taken.append(packet))
        packet = RtpPacket(payload_type=96, sequence_number=7, timestamp=960, ssrc=5, payload=b"sound")
        assert getattr(transceiver.receiver, aiortc_private.BUFFER).add(packet) == (False, None)
        assert taken == [(5, 7, 960, b"sound")]
        assert getattr(transceiver.sender, aiortc_private.PACKETS_SENT) == 0
        assert isinstance(getattr(transceiver.sender, aiortc_private.LAST_TIMESTAMP), int)
        assert aiortc_private.last_rtp_timestamp(transceiver.sender) is None
        await connection.close()

    asyncio.run(main())
    source = inspect.getsource(RTCRtpReceiver._handle_rtp_packet)
    assert "pli_flag, encoded_frame = self.__jitter_buffer.add(packet)" in source
    assert "if encoded_frame is not None" in source
    source = inspect.getsource(aiortc.rtcrtpsender.RTCRtpSender._run_rtp)
    assert "self.__rtp_timestamp = packet.timestamp" in source
    assert "timestamp_origin, enc_frame.timestamp" in source


def test_a_machine_with_loopback_only_offers_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", aioice.ice.get_host_addresses)
    monkeypatch.setattr(aiortc_private, "_host_addresses", lambda use_ipv4, use_ipv6: [])
    aiortc_private.offer_loopback_when_alone()
    assert aioice.ice.get_host_addresses(True, True) == ["127.0.0.1"]
    assert aioice.ice.get_host_addresses(False, True) == []
    monkeypatch.setattr(aiortc_private, "_host_addresses", lambda use_ipv4, use_ipv6: ["192.0.2.7"])
    assert aioice.ice.get_host_addresses(True, True) == ["192.0.2.7"]
