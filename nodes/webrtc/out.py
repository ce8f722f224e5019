"""webrtc.out: the reply's way to the listener's ear."""

from __future__ import annotations

from collections.abc import Callable

from vaidol.graph.frames import F32, Audio
from vaidol.graph.node import Context, Settings
from vaidol.graph.pacer import RATE, Packet, to_int16
from vaidol.nodes._paced import Paced
from vaidol.nodes.webrtc._call import Call
from vaidol.nodes.webrtc._live import Live


class OutSettings(Settings):
    live: bool = False
    """the sound comes in real time (an echo, a changed voice): what piled up in a hiccup is cut, not played late"""


class WebrtcOut(Paced[OutSettings]):
    """webrtc.out: play reply audio to the caller, 20 ms per packet.

    audio (Audio, 48 kHz) -> spoken (Mark, what the playout cursor passed), played (Audio, 48 kHz, as it leaves),
    coming (Audio, 48 kHz, the same up to 120 ms before), others (Audio, 48 kHz, what others in the same room say)
    """

    def __init__(self, settings: OutSettings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._live = Live() if settings.live else None
        self._stop_listening: Callable[[], None] = lambda: None

    async def open(self) -> None:
        self._call: Call = self.ctx.end("call")
        self._stop_listening = self._call.on_others(self.ctx.guarded(self._others))
        await super().open()

    async def close(self) -> None:
        self._stop_listening()

    async def process(self, port: str, frame: Audio) -> None:
        if self._live is None:
            await super().process(port, frame)
        elif (kept := self._live.trim(frame, self.pacer.depth_ms)) is not None:
            self.pacer.push(kept)

    def release(self, packet: Packet) -> None:
        if self._live is not None:
            self._live.tick(self.pacer.depth_ms)
        self._call.play(to_int16(packet.samples), packet.pts)

    def _others(self, samples: F32) -> None:
        self.emit("others", Audio(samples=samples, rate=RATE, pts=self.pacer.pts))
