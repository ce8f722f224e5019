"""webrtc.in: the caller's microphone."""

from __future__ import annotations

from collections.abc import Callable

from vaidol.graph.frames import F32, Audio
from vaidol.graph.node import Context, Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.webrtc._call import Call


class WebrtcIn(Node[Settings]):
    """webrtc.in: the microphone of the call, as it arrives.  -> audio (Audio, 48 kHz)"""

    outputs = (Port("audio", Audio, rate=48_000, dtype="f32"),)
    carries = ("_pts",)

    def __init__(self, settings: Settings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._pts = 0
        self._stop_listening: Callable[[], None] = lambda: None

    async def open(self) -> None:
        call: Call = self.ctx.end("call")
        self._stop_listening = call.on_audio(self.ctx.guarded(self._take))

    async def close(self) -> None:
        self._stop_listening()

    def _take(self, samples: F32, rate: int) -> None:
        frame = Audio(samples=samples, rate=rate, pts=self._pts, born=self.ctx.clock.ns())
        self._pts += len(samples)
        self.emit("audio", frame)
