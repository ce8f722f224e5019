"""A client in Python, for tests and robots: joins a call or watches one, speaks a WAV or types, keeps the messages."""

from __future__ import annotations

import asyncio
import contextlib
import json
import wave
from collections.abc import AsyncIterator, Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soxr
from aiohttp import ClientSession, ClientTimeout
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from numpy.typing import NDArray

from vaidol.graph.clock import Clock
from vaidol.server import protocol
from vaidol.server.aiortc_private import offer_loopback_when_alone

RATE, STEP = 48_000, 960  # Hz; samples of a packet, 20 ms
SIGNAL_S, HELLO_S = 15.0, 20.0
MOST_MESSAGES = 100_000
Message = dict[str, Any]


class NotJoined(Exception):
    """The server said no, or was not there; the text says why."""


class Client:
    """One connection. `messages`: all that came, oldest first; `heard`: RMS of each 20 ms of the voice."""

    def __init__(self, connection: RTCPeerConnection, clock: Clock, tell: Callable[[Message], None] | None) -> None:
        self.messages: list[Message] = []
        self.heard: list[float] = []
        self._connection = connection
        self._clock = clock
        self._tell = tell
        self._came = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._state = connection.createDataChannel("state")
        mouth = connection.createDataChannel("mouth", ordered=False, maxRetransmits=0)
        for channel in (self._state, mouth):
            channel.on("message", self._take)
        connection.on("track", self._listen)

    def send(self, kind: str, **fields: Any) -> None:
        """Say something, as in the protocol's "client to server"."""
        self._state.send(protocol.encode({"t": kind, **fields}))

    async def message(self, kind: str, *, within_s: float = 30.0, **fields: Any) -> Message:
        """The first message of this kind with these fields; waits for it. Raises `TimeoutError`."""
        wanted, seen = {"t": kind, **fields}.items(), 0
        async with asyncio.timeout(within_s):
            while True:
                for message in self.messages[seen:]:
                    if wanted <= message.items():
                        return message
                seen = len(self.messages)
                self._came.clear()
                await self._came.wait()

    async def wait(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._connection.close()

    def _take(self, raw: str) -> None:
        message = json.loads(raw)
        if message["t"] == "ping":
            self.send("pong", n=message["n"])
        if len(self.messages) < MOST_MESSAGES:
            self.messages.append(message)
        if self._tell is not None:
            self._tell(message)
        self._came.set()

    def _listen(self, track: MediaStreamTrack) -> None:
        async def listen() -> None:
            with contextlib.suppress(MediaStreamError):
                while True:
                    frame = await track.recv()
                    assert isinstance(frame, av.AudioFrame)
                    if len(self.heard) < MOST_MESSAGES:
                        self.heard.append(float(np.sqrt(np.mean((frame.to_ndarray() / 32768.0) ** 2))))

        task = asyncio.get_running_loop().create_task(listen())
        self._tasks.add(task)


class WavMicrophone(MediaStreamTrack):
    """The microphone of somebody who says what is in a WAV file, once, and then is silent."""

    kind = "audio"

    def __init__(self, samples: NDArray[np.int16], clock: Clock) -> None:
        """samples: (n,) int16 mono 48 kHz."""
        super().__init__()
        self._samples = samples
        self._clock = clock
        self._began = 0.0
        self._pts = 0

    async def recv(self) -> av.AudioFrame:
        self._began = self._began or self._clock.s()
        await self._clock.sleep(max(0.0, self._began + (self._pts + STEP) / RATE - self._clock.s()))
        part = self._samples[self._pts : self._pts + STEP]
        frame = av.AudioFrame.from_ndarray(np.pad(part, (0, STEP - len(part))).reshape(1, -1), layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._pts, Fraction(1, RATE)
        self._pts += STEP
        return frame


def read_wav(path: Path) -> NDArray[np.int16]:
    """(n,) int16 mono 48 kHz of a 16-bit WAV file of any rate. Raises `OSError`, `wave.Error`, `ValueError`."""
    with wave.open(str(path)) as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{path} has samples of {8 * file.getsampwidth()} bits; 16 are read")
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, file.getnchannels())
        rate = file.getframerate()
    mono = samples.mean(axis=1).astype(np.float32)
    return np.asarray(soxr.resample(mono, rate, RATE) if rate != RATE else mono).clip(-32768, 32767).astype(np.int16)


@contextlib.asynccontextmanager
async def joined(
    url: str,
    *,
    microphone: NDArray[np.int16] | None = None,
    watch: bool = False,
    session: str = "",
    token: str = "",
    user: str = "",
    tell: Callable[[Message], None] | None = None,
) -> AsyncIterator[Client]:
    """A client whose data channel is open; it hangs up at the end.

    url: of the server's page. microphone: see `read_wav`. watch: only hear and see `session`, or the newest.
    token: of the server, if it wants one. user: whose history it belongs to, see the protocol's hello. tell: gets every
    message as it comes. Raises `NotJoined`.
    """
    offer_loopback_when_alone()
    clock = Clock(asyncio.get_running_loop())
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    if microphone is not None and not watch:
        connection.addTrack(WavMicrophone(microphone, clock))
    else:
        connection.addTransceiver("audio", "recvonly")
    client = Client(connection, clock, tell)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with ClientSession(headers=headers, timeout=ClientTimeout(total=SIGNAL_S)) as http:
        location = ""
        try:
            location = await _signal(http, connection, url.rstrip("/"), f"whep?session={session}" if watch else "whip")
            await client.message("hello", within_s=HELLO_S)
            client.send("hello", v=protocol.VERSION, user=user)
            yield client
        except TimeoutError as error:
            if client.messages:  # what waits for a message may have one
                raise
            raise NotJoined("the server answered, but no connection came about") from error
        finally:
            await client.close()
            if location:
                with contextlib.suppress(OSError):
                    await http.delete(location)


async def _signal(http: ClientSession, connection: RTCPeerConnection, base: str, way: str) -> str:
    """Offer, take the answer; returns the address that hangs up."""
    await connection.setLocalDescription()
    headers = {"Content-Type": "application/sdp"}
    try:
        async with http.post(f"{base}/{way}", data=connection.localDescription.sdp, headers=headers) as response:
            body = await response.text()
            if response.status != 201:
                raise NotJoined(f"the server refused ({response.status}): {body[:300]}")
            location = response.headers["Location"]
    except OSError as error:
        raise NotJoined(f"nobody answers at {base}: {error}") from error
    await connection.setRemoteDescription(RTCSessionDescription(body, "answer"))
    return f"{base}/{location}"
