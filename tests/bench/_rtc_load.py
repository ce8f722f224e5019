"""Many callers in a process of its own: each sends a known sound at full packet rate and notes what comes back.

Reads one JSON command per line and answers each with one line. They cost little, so that one core carries many:
packets are encoded once, and what comes back is decoded only while something is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import random
import sys
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiohttp import ClientSession
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack
from numpy.typing import NDArray

from vaidol.graph.clock import Clock
from vaidol.server.aiortc_private import offer_loopback_when_alone, take_packets
from vaidol.server.jitter import JitterBuffer
from vaidol.server.sound import OpusDecoder, OpusEncoder

RATE, STEP = 48_000, 960
EVERY = 5  # packets from one beep to the next, 100 ms
BEEP = 2  # packets of a beep, 40 ms
TONES = 24  # beeps differ in pitch, so that one that comes late is known for what it is
BLOCK = 120  # samples, 2.5 ms
ICE_S = 10.0


def pitch(number: int) -> float:
    """Hz of beep `number`."""
    return 400.0 + 125.0 * (number % TONES)


@functools.cache
def packets() -> list[bytes]:
    """One round of all beeps over a quiet hiss, encoded."""
    encode, rng = OpusEncoder(), np.random.default_rng(1)
    sound = rng.normal(0, 60, TONES * EVERY * STEP)
    for number in range(TONES):
        at, length = number * EVERY * STEP, BEEP * STEP
        sound[at : at + length] += 9000 * np.sin(2 * np.pi * pitch(number) * np.arange(length) / RATE)
    return [encode(step.astype(np.int16)) for step in sound.reshape(-1, STEP)]


@dataclass
class Fault:
    """What a network does to packets: both ways, while `on`."""

    loss: float = 0.0  # share
    jitter_s: float = 0.0
    hold: bool = False  # nothing passes; when it ends, all comes at once
    held: list[Any] = field(default_factory=list)

    def pass_on(self, go: Any) -> None:
        """`go()` now, later or never."""
        loop = asyncio.get_running_loop()
        if random.random() < self.loss:
            return
        if self.hold:
            self.held.append(go)
        elif self.jitter_s:
            loop.call_later(random.uniform(0, self.jitter_s), go)
        else:
            go()

    def end(self) -> None:
        self.loss = self.jitter_s = 0.0
        self.hold = False
        held, self.held = self.held, []
        for go in held:
            go()


class Voice(MediaStreamTrack):
    """Ready packets in real time."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.speaks = asyncio.Event()
        self.left_s = [0.0] * TONES  # when each beep was sent last
        self.due_s = 0.0

    async def recv(self) -> av.Packet:
        loop = asyncio.get_running_loop()
        if not self.speaks.is_set():
            await self.speaks.wait()
        now = loop.time()
        if now - self.due_s > 0.1:
            self.due_s = now + random.random() * 0.02  # callers are not in step with each other
        await asyncio.sleep(max(0.0, self.due_s - now))
        self.due_s += STEP / RATE
        at = self.number % (TONES * EVERY)
        if at % EVERY == 0:
            self.left_s[at // EVERY] = loop.time()
        packet = av.Packet(packets()[at])
        packet.pts, packet.time_base = self.number * STEP, Fraction(1, RATE)
        self.number += 1
        return packet


class Caller:
    """One connection. `delays`: (when, s of echo delay) of every beep that came back while `listens`."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.voice = Voice()
        self.fault = Fault()
        self.came = 0
        self.listens = False
        self.of = self.voice  # whose beeps it listens for
        self.delays: list[tuple[float, float]] = []
        self._loop = asyncio.get_running_loop()
        self._quiet = 0  # blocks in a row
        self._onset: tuple[float, NDArray[np.float32]] | None = None
        self._buffer = JitterBuffer(Clock(self._loop), self._decode, self._heard)
        self._opus = OpusDecoder()
        transceiver = self.connection.addTransceiver(self.voice, "sendrecv")
        opus = [c for c in RTCRtpReceiver.getCapabilities("audio").codecs if c.mimeType == "audio/opus"]
        transceiver.setCodecPreferences(opus)
        take_packets(transceiver.receiver, self._take)
        channel = self.connection.createDataChannel("state")
        channel.on("message", lambda raw: '"ping"' in raw and channel.send('{"t":"pong","n":1}'))

    async def join(self, url: str) -> dict[str, Any]:
        """The server's answer: its status, and what it said if it refused."""
        await self.connection.setLocalDescription()
        sdp = self.connection.localDescription.sdp
        async with (
            ClientSession() as http,
            http.post(url, data=sdp, headers={"Content-Type": "application/sdp"}) as answer,
        ):
            text = await answer.text()
            told = {"status": answer.status, "retry": answer.headers.get("Retry-After"), "text": text[:300]}
        if answer.status == 201:
            await self.connection.setRemoteDescription(RTCSessionDescription(text, "answer"))
            self._spoil()
            async with asyncio.timeout(ICE_S):
                while self.connection.connectionState != "connected":  # noqa: ASYNC110  # aiortc's own events may be over
                    await asyncio.sleep(0.01)
        else:
            await self.connection.close()
        return told

    def _spoil(self) -> None:
        """Put the fault between DTLS and ICE, outgoing."""
        ice: Any = self.connection.getTransceivers()[0].sender.transport.transport
        send = ice._send

        async def sending(data: bytes) -> None:
            if self.fault.loss or self.fault.jitter_s or self.fault.hold:
                self.fault.pass_on(lambda: self._loop.create_task(late(data)))
            else:
                await send(data)

        async def late(data: bytes) -> None:
            with contextlib.suppress(ConnectionError):  # the call may be over
                await send(data)

        ice._send = sending

    def _take(self, *packet: Any) -> None:
        self.came += 1
        if self.listens:
            self.fault.pass_on(lambda: self._buffer.add(*packet))

    def _decode(self, payload: bytes) -> NDArray[np.float32] | None:
        return self._opus(payload)

    def _heard(self, sound: NDArray[np.float32]) -> None:
        """Look for beeps: loud after 15 ms of quiet; the pitch is read from the 15 ms behind the onset."""
        now = self._loop.time()
        if self._onset is not None:
            self._recognise(self._onset[0], np.concatenate([self._onset[1], sound]))
            self._onset = None
        if len(sound) % BLOCK:
            return
        for at, level in enumerate(np.abs(sound).reshape(-1, BLOCK).max(axis=1)):
            if level > 0.08 and self._quiet >= 6:
                self._onset = (now + at * BLOCK / RATE, sound[at * BLOCK :])
            self._quiet = 0 if level > 0.04 else self._quiet + 1

    def _recognise(self, when_s: float, sound: NDArray[np.float32]) -> None:
        piece = sound[BLOCK : BLOCK + 6 * BLOCK]
        spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 4800))  # 10 Hz
        number = round((float(spectrum.argmax()) * 10 - 400) / 125)
        if 0 <= number < TONES and self.of.left_s[number]:
            self.delays.append((when_s, when_s - self.of.left_s[number]))


class Load:
    """The commands."""

    def __init__(self) -> None:
        self.groups: dict[str, list[Caller]] = {}

    async def join(self, url: str, group: str, count: int = 1, gap_s: float = 0.05) -> list[dict[str, Any]]:
        told = []
        for _ in range(count):
            caller = Caller()
            told.append(await caller.join(url))
            if told[-1]["status"] == 201:
                self.groups.setdefault(group, []).append(caller)
                caller.voice.speaks.set()
            await asyncio.sleep(gap_s)
        return told

    async def speak(self, group: str, on: bool) -> None:
        for caller in self.groups[group]:
            (caller.voice.speaks.set if on else caller.voice.speaks.clear)()

    async def follow(self, group: str, speaker: int) -> None:
        """From now on one alone speaks, and all listen for their beeps."""
        for number, caller in enumerate(self.groups[group]):
            caller.of = self.groups[group][speaker].voice
            (caller.voice.speaks.set if number == speaker else caller.voice.speaks.clear)()

    async def measure(self, group: str, seconds: float, listeners: int = 4) -> dict[str, Any]:
        """Packets per second that came, worst caller; and delays in ms."""
        callers, loop = self.groups[group], asyncio.get_running_loop()
        for caller in callers[-listeners:]:
            caller.listens, caller.delays = True, []
        before, began = [caller.came for caller in callers], loop.time()
        await asyncio.sleep(seconds)
        took = loop.time() - began
        rates = [(caller.came - came) / took for caller, came in zip(callers, before, strict=True)]
        for caller in callers:
            caller.listens = False
        delays = [round(delay * 1000, 1) for caller in callers for _, delay in caller.delays]
        return {"rate": min(rates), "delays": delays, "seconds": took, "callers": len(callers)}

    async def faults(self, group: str, each: dict[str, dict[str, Any]], seconds: dict[str, float]) -> dict[str, Any]:
        """Give one caller each fault of `each` for `seconds`; ms from its end until the delay is as before for good."""
        callers = dict(zip(each, self.groups[group], strict=True))
        loop = asyncio.get_running_loop()
        for caller in callers.values():
            caller.listens = True
        await asyncio.sleep(2)
        spans: dict[str, tuple[float, float]] = {}

        async def spoil(name: str) -> None:
            caller = callers[name]
            caller.fault.__dict__.update(each[name])
            began = loop.time()
            await asyncio.sleep(seconds[name])
            caller.fault.end()
            spans[name] = began, loop.time()

        async with asyncio.TaskGroup() as tasks:
            for name in each:
                tasks.create_task(spoil(name))
        await asyncio.sleep(2.5)
        return {name: _recovery(callers[name].delays, *spans[name]) for name in each}


def _recovery(delays: list[tuple[float, float]], began: float, ended: float) -> dict[str, float | None]:
    usual = float(np.median([delay for at, delay in delays if at < began]))
    during = [delay for at, delay in delays if began <= at < ended]
    after = [(at, delay) for at, delay in delays if ended <= at < ended + 2.5]
    late = [at for at, delay in after if delay > usual + 0.025]
    first = next((at for at, _ in after if not late or at > late[-1]), None)
    return {
        "usual_ms": round(usual * 1000, 1),
        "during_ms": round(float(np.median(during)) * 1000, 1) if during else None,
        "recover_ms": None if first is None else round((first - ended) * 1000),
        "after_ms": round(float(np.median([delay for _, delay in after[-10:]])) * 1000, 1) if after else None,
    }


async def _main() -> None:
    offer_loopback_when_alone()
    load, loop = Load(), asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        command = json.loads(line)
        print(json.dumps(await getattr(load, command.pop("do"))(**command)), flush=True)


if __name__ == "__main__":
    asyncio.run(_main())
