"""Recognizer, agent and voice that take no time: what is left is the engine, the network and the turn node."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import numpy as np

from vaidol.graph.frames import F32, TextDelta, Transcript, Utterance
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.nodes.tts._speaker import Speaker

RATE = 48_000
REPLY_S = 20.0
HUM = (0.25 * np.sin(2 * np.pi * 220 * np.arange(int(REPLY_S * RATE)) / RATE)).astype(np.float32)  # 30 ms to make


class InstantAsr(Node[Settings]):
    """Understands the same of everything."""

    inputs = (Port("audio", Utterance), Port("partial", Utterance, optional=True))
    outputs = (Port("transcript", Transcript),)

    def process(self, port: str, frame: Utterance) -> None:
        self.emit("transcript", Transcript(text="Hello there.", final=port == "audio", **frame.stamp()))


class InstantAgent(Node[Settings]):
    """Answers with one sentence."""

    inputs = (Port("user", Transcript, many=True),)
    outputs = (Port("text", TextDelta),)
    replies = True

    def process(self, port: str, frame: Transcript) -> None:
        if frame.final:
            self.emit("text", TextDelta(text="Well, here is a long story.", final=True, **frame.stamp()))


class InstantVoice(Speaker[Settings]):
    """Hums for a long time."""

    rate = RATE

    async def speak(self, text: str) -> AsyncGenerator[F32, None]:
        yield HUM


EXTRA: dict[str, type[Node[Any]]] = {
    "instant.asr": InstantAsr, "instant.agent": InstantAgent, "instant.tts": InstantVoice,
}  # fmt: skip


def kinds() -> Registry:
    """The shipped kinds and the instant ones."""
    return Registry("vaidol.nodes", extra=EXTRA)


def pipeline(**turn: Any) -> dict[str, Any]:
    """The default pipeline with them; `turn`: the turn node (`use`, `with`)."""
    nodes = {
        "mic": {"use": "webrtc.in"}, "vad": {"use": "vad.silero", "with": {"hangover_ms": 160}}, "turn": turn,
        "asr": {"use": "instant.asr"}, "agent": {"use": "instant.agent"}, "sentences": {"use": "text.sentences"},
        "tts": {"use": "instant.tts"}, "out": {"use": "webrtc.out"}, "page": {"use": "webrtc.data"},
    }  # fmt: skip
    edges: list[Any] = [
        "mic.audio -> vad.audio", "vad.speech -> turn.speech", "vad.audio -> turn.audio", "turn.utterance -> asr.audio",
        "asr.transcript -> agent.user, page.transcript", "page.text -> agent.user", "agent.text -> sentences.text",
        "sentences.sentence -> tts.text", "tts.audio -> out.audio", "out.spoken -> page.spoken",
    ]  # fmt: skip
    if turn["use"] == "turn.smart":
        edges.append({"from": "asr.transcript", "to": "turn.transcript", "feedback": True})
    return {"version": 1, "name": "instant", "nodes": nodes, "edges": edges}
