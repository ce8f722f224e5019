"""Which offers are answered."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from hypothesis import given, settings
from hypothesis import strategies as st

from vaidol.server.offer import BadOffer, read_offer
from vaidol.tests.server.client import new_caller, offer_of


async def _good() -> str:
    caller = new_caller()
    try:
        return await offer_of(caller)
    finally:
        await caller.close()


async def _video() -> str:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("video", "recvonly")
    await connection.setLocalDescription()
    sdp = connection.localDescription.sdp
    await connection.close()
    return str(sdp)


GOOD, VIDEO = asyncio.run(_good()), asyncio.run(_video())


def test_a_good_offer_is_read() -> None:
    offer = read_offer(GOOD)
    assert offer.audio
    assert offer.data


def test_hidden_candidates_are_dropped() -> None:
    line = "a=candidate:1 1 udp 2113937151 3f1a7e7c-0c1d.local 54400 typ host\r\n"
    audio, mark, rest = GOOD.partition("a=candidate:")
    offer = read_offer(audio + line + mark + rest)
    assert ".local" not in offer.sdp
    assert offer.sdp.count("a=candidate:") == GOOD.count("a=candidate:")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", 400),
        ("hello", 400),
        ('{"type": "offer"}', 400),
        ("v=0\r\n", 422),
        ("v=0\r\nm=audio\r\n", 400),
        (VIDEO, 422),
        (GOOD.replace("opus/48000", "speex/16000"), 422),
        (GOOD + GOOD.partition("m=")[1] + GOOD.partition("m=")[2] * 8, 422),
    ],
)
def test_bad_offers_are_refused(text: str, status: int) -> None:
    with pytest.raises(BadOffer) as caught:
        read_offer(text)
    assert caught.value.status == status


@settings(max_examples=300)
@given(st.integers(0, len(GOOD)), st.integers(0, 60), st.text(max_size=30))
def test_damaged_offers_raise_nothing_else(at: int, gone: int, put: str) -> None:
    with contextlib.suppress(BadOffer):
        read_offer(GOOD[:at] + put + GOOD[at + gone :])
