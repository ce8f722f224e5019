"""A caller over real WebRTC in the measuring process: says what it is given, and notes when what is heard arrives."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiohttp import ClientSession, web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.jitterbuffer import JitterBuffer
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from numpy.typing import NDArray

from vaidol.graph.compiler import compile_plan
from vaidol.graph.registry import Registry
from vaidol.graph.spec import from_dict
from vaidol.server.aiortc_private import BUFFER, offer_loopback_when_alone
from vaidol.server.app import SERVER, Options, Server, create_app
from vaidol.tests.bench._relay import Relay

RATE, STEP = 48_000, 960
LOUD = 0.01  # of full scale
ANSWER_S = 30.0


class Mouth(MediaStreamTrack):
    """The microphone: silence, and what it is told to say."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._pts = 0
        self._began = 0.0
        self._queue: list[NDArray[np.int16]] = []
        self.loud_s: list[float] = []  # when packets with speech left: the time of their first loud sample
        self.last_loud_s = 0.0  # when the last loud sample was spoken

    def say(self, samples: NDArray[np.float32]) -> float:
        """Say `samples` (n,) from now on; returns how long that takes, s."""
        padded = np.concatenate([samples, np.zeros(-len(samples) % STEP, np.float32)])
        self._queue += list((padded * 32767).astype(np.int16).reshape(-1, STEP))
        self.loud_s = []
        return len(padded) / RATE

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        self._began = self._began or loop.time()
        await asyncio.sleep(max(0.0, self._began + (self._pts + STEP) / RATE - loop.time()))  # recorded whole
        samples = self._queue.pop(0) if self._queue else np.zeros(STEP, np.int16)
        loud = np.flatnonzero(np.abs(samples) > LOUD * 32767)
        if loud.size:
            start = self._began + self._pts / RATE
            self.loud_s.append(start + loud[0] / RATE)
            self.last_loud_s = start + loud[-1] / RATE
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._pts, Fraction(1, RATE)
        self._pts += STEP
        return frame


class Person:
    """One connection. `heard`: (arrival of the packet on the loop's clock, s; loudest sample, 0..1) of every 20 ms."""

    def __init__(self, connection: RTCPeerConnection) -> None:
        self.connection = connection
        self.mouth = Mouth()
        self.heard: list[tuple[float, float]] = []
        self.state = "listening"
        self.said: list[str] = []  # what the server understood, finished utterances
        self.joined = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        connection.addTrack(self.mouth)
        self._first: int | None = None
        self._arrived: dict[int, float] = {}  # RTP timestamp -> s
        for transceiver in connection.getTransceivers():
            setattr(transceiver.receiver, BUFFER, JitterBuffer(capacity=16, prefetch=1))  # aiortc's 4 add 60 ms
            self._note_arrivals(transceiver.receiver)
        self._channel = connection.createDataChannel("state")
        self._channel.on("message", self._message)
        connection.on("track", self._track)

    def send(self, message: dict[str, Any]) -> None:
        self._channel.send(json.dumps(message))

    async def until(self, true: Any, within_s: float = ANSWER_S) -> None:
        async with asyncio.timeout(within_s):
            while not true():  # noqa: ASYNC110  # what is waited for happens in another program's code
                await asyncio.sleep(0.005)

    def loud(self, since_s: float) -> list[float]:
        """When loud sound arrived after `since_s`."""
        return [at for at, level in self.heard if at >= since_s and level > LOUD]

    async def ask(self, question: NDArray[np.float32]) -> float:
        """Speak and wait for the answer, then stop it; ms from the last loud sample to the first loud packet."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self.mouth.say(question))
        await asyncio.sleep(0.05)
        spoken = self.mouth.last_loud_s
        await self.until(lambda: self.loud(spoken))
        taken = (self.loud(spoken)[0] - spoken) * 1000
        self.send({"t": "interrupt"})
        await self.until(lambda: self.state == "listening")
        await asyncio.sleep(0.5 + 0.02 * (loop.time() % 1))  # not in step with the packets
        return taken

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.connection.close()

    def _note_arrivals(self, receiver: Any) -> None:
        """Note when packets come: the receiver's own buffer and decoder are not what is measured."""
        loop, take = asyncio.get_running_loop(), receiver._handle_rtp_packet

        async def noting(packet: Any, arrival_time_ms: int) -> None:
            if self._first is None:
                self._first = packet.timestamp  # the decoder counts from it
            self._arrived[packet.timestamp] = loop.time()
            await take(packet, arrival_time_ms=arrival_time_ms)

        receiver._handle_rtp_packet = noting

    def _message(self, raw: str) -> None:
        message = json.loads(raw)
        if message["t"] == "ping":
            self.send({"t": "pong", "n": message["n"]})
        elif message["t"] == "state":
            self.state = message["value"]
            self.joined.set()
        elif message["t"] == "subtitle" and message["who"] == "user" and message["final"]:
            self.said.append(message["text"])

    def _track(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.ensure_future(self._listen(track)))

    async def _listen(self, track: MediaStreamTrack) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, av.AudioFrame)
                came = self._arrived.pop(((self._first or 0) + int(frame.pts or 0)) % 2**32, loop.time())
                self.heard.append((came, float(np.abs(frame.to_ndarray()).max()) / 32768))
                del self.heard[:-2000]


@contextlib.asynccontextmanager
async def serving(pipeline: Any, kinds: Registry) -> AsyncIterator[tuple[str, Server]]:
    """The server on a loopback socket, its models loaded. `pipeline`: a dict, or a checked source."""
    source = from_dict(pipeline) if isinstance(pipeline, dict) else pipeline
    app = create_app(compile_plan(source, kinds), kinds, Options())
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        async with asyncio.timeout(60):
            while app[SERVER].preload.status == "loading":  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        yield f"http://{host}:{port}", app[SERVER]
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def calling(url: str, relay: Relay | None = None) -> AsyncIterator[Person]:
    """A person in a call; all its packets go through `relay` if there is one."""
    offer_loopback_when_alone()
    person = Person(RTCPeerConnection(RTCConfiguration(iceServers=[])))
    await person.connection.setLocalDescription()
    sdp = person.connection.localDescription.sdp
    async with ClientSession() as client:
        headers = {"Content-Type": "application/sdp"}
        data = relay.stand_for_caller(sdp) if relay else sdp
        async with client.post(f"{url}/whip", data=data, headers=headers) as answer:
            answer.raise_for_status()
            sdp = await answer.text()
    sdp = relay.stand_for_server(sdp) if relay else sdp
    await person.connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
    async with asyncio.timeout(20):
        await person.joined.wait()
    await asyncio.sleep(1.0)  # the first packets
    try:
        yield person
    finally:
        await person.close()
