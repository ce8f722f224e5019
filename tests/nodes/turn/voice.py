"""Doubles around turn.silence: a voice with its VAD, an agent that answers, an ear that hears the answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from vaidol.graph.frames import Audio, Sentence, Speech, Utterance
from vaidol.graph.node import Node, Settings
from vaidol.graph.pacer import Packet
from vaidol.graph.ports import Port
from vaidol.nodes._paced import Paced
from vaidol.nodes.vad._hysteresis import Hysteresis

RATE, STEP = 16_000, 320
Script = list[tuple[int, bool]]  # (ms, whether there is speech)


def voice(script: Script, *, audio_first: bool = False, quiet_ms: tuple[int, int] = (0, 0)) -> type[Node[Any]]:
    """A source of what vad.silero would send for `script`: onsets 96 ms late, ends 192 ms late, 20 ms frames.

    Sample number n has the value n, which tells in an utterance where it came from; within `quiet_ms` it is 0.
    """

    class Voice(Node[Settings]):
        outputs = (Port("speech", Speech), Port("audio", Audio, rate=RATE, dtype="f32"))

        async def run(self) -> None:
            """Speak in real time."""
            vad = Hysteresis(onset=0.5, offset=0.35, onset_ms=96, hangover_ms=192, min_dbfs=-99, above_noise_db=0)
            voiced = [speech for ms, speech in script for _ in range(ms // 20)]
            begin = self.ctx.clock.s()
            for number, speech in enumerate(voiced):
                await self.ctx.clock.sleep(max(0.0, begin + (number + 1) * 0.02 - self.ctx.clock.s()))
                start, end = number * STEP, (number + 1) * STEP
                samples = np.arange(start, end, dtype=np.float32)
                samples[(samples >= quiet_ms[0] * 16) & (samples < quiet_ms[1] * 16)] = 0
                frames: list[tuple[str, Any]] = [("audio", Audio(samples=samples, rate=RATE, pts=start))]
                change = vad.window(float(speech), -20.0, start, end)
                if change is not None:
                    frames.insert(1 if audio_first else 0, ("speech", change))
                for port, frame in frames:
                    self.emit(port, frame)

    return Voice


def agent(*, reply_s: float | None = 2.0, after_s: float = 0.3) -> type[Node[Any]]:
    """Answers every utterance, after `after_s`, with one sentence of a tone; with no `reply_s` with nothing at once."""

    class Agent(Node[Settings]):
        inputs = (Port("utterance", Utterance),)
        outputs = (Port("audio", Audio, rate=48_000, dtype="f32"),)
        replies = True

        async def process(self, port: str, frame: Utterance) -> None:
            self.__dict__.setdefault("got", []).append((self.ctx.clock.s(), frame))
            if reply_s is None:
                self.ctx.fence.played_out(frame.gen)
                return
            await self.ctx.clock.sleep(after_s)
            sentence = Sentence(text="la " * int(reply_s * 5), **frame.stamp())
            count = round(reply_s * 50)
            for number in range(count):
                last = number == count - 1
                samples = np.full(960, 0.5, np.float32)
                stamps = frame.stamp()
                await self.send(
                    "audio",
                    Audio(samples=samples, rate=48_000, of=sentence, sentence_end=last, final=last, **stamps),
                )

    return Agent


class Ear(Paced[Settings]):
    """Keeps the loudness of each 20 ms it hears: `heard[n]` from n * 20 ms on."""

    def release(self, packet: Packet) -> None:
        self.__dict__.setdefault("heard", []).append(float(np.max(np.abs(packet.samples))))
