"""A client of the server inside the test: aiortc on the other end of real loopback sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiohttp.test_utils import TestClient, TestServer
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from numpy.typing import NDArray

from vaidol.graph.compiler import compile_plan
from vaidol.graph.registry import Registry
from vaidol.graph.spec import from_dict
from vaidol.nodes import registry
from vaidol.server import messages
from vaidol.server.aiortc_private import offer_loopback_when_alone
from vaidol.server.app import Options, create_app

RATE, STEP = 48_000, 960
DEADLINE_S = 20.0
ECHO = {
    "version": 1,
    "name": "echo",
    "nodes": {"mic": {"use": "webrtc.in"}, "out": {"use": "webrtc.out"}, "page": {"use": "webrtc.data"}},
    "edges": ["mic.audio -> out.audio", "out.spoken -> page.spoken"],
}


class Tone(MediaStreamTrack):
    """A microphone that hums at 0.25."""

    kind = "audio"

    def __init__(self, hz: float = 440.0) -> None:
        super().__init__()
        self._hz = hz
        self._pts = 0
        self._began = 0.0

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        self._began = self._began or loop.time()
        await asyncio.sleep(max(0.0, self._began + self._pts / RATE - loop.time()))
        wave = np.sin(2 * np.pi * self._hz * np.arange(self._pts, self._pts + STEP) / RATE) * 8192
        frame = av.AudioFrame.from_ndarray(wave.astype(np.int16).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._pts, Fraction(1, RATE)
        self._pts += STEP
        return frame


@dataclass
class Caller:
    """One connection: what it received, and ways to wait for more."""

    connection: RTCPeerConnection
    state: RTCDataChannel
    mouth: RTCDataChannel
    messages: list[dict[str, Any]] = field(default_factory=list)
    levels: list[float] = field(default_factory=list)  # RMS of each received 20 ms
    sound: deque[NDArray[np.float64]] = field(default_factory=lambda: deque(maxlen=50))  # the last second, mono
    location: str = ""
    alive: bool = True  # answers pings
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def send(self, message: dict[str, Any] | str | bytes) -> None:
        self.state.send(json.dumps(message) if isinstance(message, dict) else message)

    def take(self, raw: str) -> None:
        message = json.loads(raw)
        messages.check(message)
        self.messages.append(message)
        if message["t"] == "ping" and self.alive:
            self.send({"t": "pong", "n": message["n"]})

    async def until(self, true: Callable[[], object], what: str = "it") -> None:
        """Wait on the real network for `true`."""
        for _ in range(int(DEADLINE_S / 0.02)):
            if true():
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"waited in vain for {what}; messages: {self.messages}")

    async def message(self, kind: str, **fields: Any) -> dict[str, Any]:
        def find() -> dict[str, Any] | None:
            wanted = {"t": kind, **fields}.items()
            return next((m for m in self.messages if wanted <= m.items()), None)

        await self.until(find, f"{kind} {fields}")
        found = find()
        assert found is not None
        return found

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await self.connection.close()

    async def _listen(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame)
                samples = frame.to_ndarray() / 32768.0
                self.levels.append(float(np.sqrt(np.mean(samples**2))))
                self.sound.append(samples.reshape(-1, len(frame.layout.channels)).mean(axis=1))

    def strength(self, hz: float, packets: int = 25) -> float:
        """Amplitude of the tone `hz` in the packets received last."""
        heard = np.concatenate([*self.sound][-packets:] or [np.zeros(STEP)])
        turned = heard * np.exp(-2j * np.pi * hz * np.arange(len(heard)) / RATE) * np.hanning(len(heard))
        return float(np.abs(turned.sum()) * 4 / len(heard))


def new_caller(*, microphone: bool = True, hz: float = 440.0) -> Caller:
    offer_loopback_when_alone()
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    if microphone:
        connection.addTrack(Tone(hz))
    else:
        connection.addTransceiver("audio", "recvonly")
    state = connection.createDataChannel("state")
    mouth = connection.createDataChannel("mouth", ordered=False, maxRetransmits=0)
    caller = Caller(connection, state, mouth)
    for channel in (state, mouth):
        channel.on("message", caller.take)
    connection.on("track", lambda track: caller.tasks.append(asyncio.ensure_future(caller._listen(track))))
    return caller


async def offer_of(caller: Caller) -> str:
    await caller.connection.setLocalDescription()
    return str(caller.connection.localDescription.sdp)


async def watch(client: TestClient[Any, Any], session: str = "") -> Caller:
    """A viewer whose data channel is open."""
    return await call(client, microphone=False, path=f"/whep?session={session}")


async def call(
    client: TestClient[Any, Any], *, token: str = "", microphone: bool = True, path: str = "/whip", hz: float = 440.0
) -> Caller:
    """A caller whose data channel is open."""
    caller = new_caller(microphone=microphone, hz=hz)
    headers = {"Content-Type": "application/sdp", **({"X-Vaidol-Session": token} if token else {})}
    async with client.post(path, data=await offer_of(caller), headers=headers) as response:
        assert response.status == 201, await response.text()
        caller.location = response.headers["Location"]
        await caller.connection.setRemoteDescription(RTCSessionDescription(await response.text(), "answer"))
    await caller.message("hello")
    return caller


@contextlib.asynccontextmanager
async def serving(
    pipeline: dict[str, Any] | None = None, options: Options | None = None, kinds: Registry | None = None
) -> AsyncIterator[TestClient[Any, Any]]:
    """A server on a real loopback socket; afterwards nothing of it may still run."""
    before = asyncio.all_tasks()
    kinds = kinds or registry()
    app = create_app(compile_plan(from_dict(pipeline or ECHO), kinds), kinds, options)
    async with TestClient(TestServer(app)) as client:
        yield client
    for _ in range(100):  # a caller that is still there notices the server's end by itself
        left = [task for task in asyncio.all_tasks() - before if not task.done()]
        if not left:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"tasks are left: {left}")
