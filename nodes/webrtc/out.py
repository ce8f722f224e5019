"""webrtc.out: the reply's way to the listener's ear."""

from __future__ import annotations

from vaidol.graph.node import Settings
from vaidol.graph.pacer import Packet, to_int16
from vaidol.nodes._paced import Paced
from vaidol.nodes.webrtc._call import Call


class WebrtcOut(Paced[Settings]):
    """webrtc.out: play reply audio to the caller, 20 ms per packet.

    audio (Audio, 48 kHz) -> spoken (Mark, what the playout cursor passed), played (Audio, 48 kHz, as it leaves)
    """

    async def open(self) -> None:
        self._call: Call = self.ctx.end("call")
        await super().open()

    def release(self, packet: Packet) -> None:
        self._call.play(to_int16(packet.samples), packet.pts)
