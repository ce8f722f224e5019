"""olv.out: give each sentence to a client that plays it by itself; the pacer models what is heard of it meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import numpy as np
import soxr

from vaidol.graph.frames import EMPTY, F32, Audio, Sentence
from vaidol.graph.generations import TurnCut
from vaidol.graph.node import Context, Settings
from vaidol.graph.pacer import RATE, STEP, Packet, to_int16
from vaidol.nodes._paced import Paced
from vaidol.nodes.olv import _player

PTIME_MS = STEP * 1000 / RATE
AHEAD_MS = 30_000.0  # of a reply are made ahead of what the client has played
SOONER_MS = 3_000.0  # a client may be this much ahead of the reckoning when it says that it has played everything
MOST = 60 * RATE  # samples of one sentence; a longer one is given in pieces


class OlvOut(Paced[Settings]):
    """olv.out: hand over whole sentences, as soon as they are made.

    audio (Audio, 48 kHz) -> spoken (Mark, what the playout cursor passed), played (Audio, 48 kHz, as it leaves)

    It stands in the place of `webrtc.out` in the graphs of clients of `/client-ws`; nobody writes it into a pipeline.
    """

    def __init__(self, settings: Settings, ctx: Context) -> None:
        super().__init__(settings, ctx)
        self._gen = 0
        self._sentence: Sentence | None = None
        self._parts: list[F32] = []
        self._stop_listening: Callable[[], None] = lambda: None

    async def open(self) -> None:
        self._player: _player.Player = self.ctx.end("call")
        self._stop_listening = self._player.on_played(self.ctx.guarded(self._played))
        await super().open()

    async def close(self) -> None:
        self._stop_listening()

    async def process(self, port: str, frame: Audio) -> None:
        if self.pacer.depth_ms > AHEAD_MS:
            await self.pacer.room()
        if not self.ctx.fence.alive(frame.gen):
            return
        self._collect(frame)
        self.pacer.push(frame)

    def release(self, packet: Packet) -> None:
        """The client plays by itself; others in the same room are to hear it too."""
        self._player.play(to_int16(packet.samples), packet.pts)

    def cut(self, cut: TurnCut) -> None:
        super().cut(cut)
        if cut.gen == self._gen:
            self._sentence, self._parts = None, []

    def _played(self) -> None:
        """What is still reckoned to be playing has been played."""
        left_ms = self.pacer.depth_ms
        if left_ms <= SOONER_MS:
            for _ in range(ceil(left_ms / PTIME_MS)):
                self._tick(0)

    def _collect(self, frame: Audio) -> None:
        if frame.gen != self._gen or (frame.of is not None and frame.of is not self._sentence):
            self._give()
        if frame.of is not None:
            self._gen, self._sentence = frame.gen, frame.of
            if len(frame.samples):
                self._parts.append(frame.samples.astype(np.float32, copy=False))
        if frame.sentence_end or sum(map(len, self._parts)) > MOST:
            self._give()
        if frame.final:
            self._give()
            self._player.spoke(frame.gen)

    def _give(self) -> None:
        """Hand over what was collected of a sentence, if anything was."""
        sentence, parts = self._sentence, self._parts
        self._sentence, self._parts = None, []
        if sentence is None or (not sentence.text and not parts):
            return
        whole = np.concatenate(parts) if parts else EMPTY
        samples = np.asarray(soxr.resample(whole, RATE, _player.RATE), np.float32) if len(whole) else EMPTY
        self._player.speak(_player.Spoken(self._gen, sentence, to_int16(samples)))
