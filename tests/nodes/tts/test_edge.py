"""tts.edge against a local server that speaks the service's protocol, well and badly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.graphs import joined, running, sink
from tests.nodes.agent.talk import got, until
from tests.nodes.tts.edge_server import RATE, Behaviour, EdgeServer
from tests.nodes.tts.test_speaker import Texts
from vaidol.graph.frames import F32, Audio
from vaidol.graph.scheduler import Graph
from vaidol.nodes.tts.edge import EdgeSettings

Scene = Callable[[Graph, EdgeServer], Awaitable[None]]
NAME = "Microsoft's voice service "


@pytest.fixture
def converse(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Graph]:
    """Runs a scene beside a graph that speaks through a local server, in real time."""
    import edge_tts.communicate

    def converse(scene: Scene, *, url: str = "", **settings: Any) -> Graph:
        async def main() -> Graph:
            async with EdgeServer() as server:
                monkeypatch.setattr(edge_tts.communicate, "WSS_URL", url or server.url)
                nodes = {"texts": Texts, "voice": ("tts.edge", settings), "end": sink(Audio)}
                async with running(nodes, ["texts.text -> voice.text", "voice.audio -> end.in"]) as graph:
                    await scene(graph, server)
            return graph

        return asyncio.run(main())

    return converse


async def speak(graph: Graph, *speech: str) -> F32:
    """The sound of one reply."""
    gen = graph.node("texts").say(*speech)
    await until(lambda: any(frame.final for frame in got(graph, gen)))
    graph.fence.played_out(gen)
    return joined(got(graph, gen))  # type: ignore[arg-type]


def errors(graph: Graph) -> list[tuple[str, str]]:
    return [(event.code, event.text) for event in graph.events if event.name == "error"]


def pitch(samples: F32) -> float:
    """The strongest frequency, Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * RATE / len(samples)


def test_speech_is_asked_for_with_the_settings_and_decoded(converse: Callable[..., Graph]) -> None:
    async def scene(graph: Graph, server: EdgeServer) -> None:
        sound = await speak(graph, "Hello <you> & me.", "And you?")
        assert len(sound) == pytest.approx(2 * RATE, rel=0.1)
        assert pitch(sound) == pytest.approx(440, abs=2)
        assert 0.4 < np.abs(sound).max() < 0.6
        assert "Hello &lt;you&gt; &amp; me." in server.ssml[0]
        assert "<voice name='Microsoft Server Speech Text to Speech Voice (de-DE, KatjaNeural)'>" in server.ssml[0]
        assert "<prosody pitch='-5Hz' rate='+20%' volume='+0%'>" in server.ssml[0]
        assert "And you?" in server.ssml[1]

    assert errors(converse(scene, voice="de-DE-KatjaNeural", rate=20, pitch=-5)) == []


@pytest.mark.parametrize(
    ("behaviour", "after", "code", "told"),
    [
        ("refuse", 0, "refused", "refused the connection (503)"),
        ("silent", 0, "voice", "sent no sound; is there a voice 'en-US-AvaNeural'?"),
        ("handshake", 0, "timeout", "did not answer in time; is there an internet connection?"),
        ("stall", 0, "timeout", "did not answer in time; is there an internet connection?"),
        ("stall", 2, "timeout", "did not answer in time; is there an internet connection?"),
        ("break", 0, "voice", "sent no sound; is there a voice 'en-US-AvaNeural'?"),
        ("no_mp3", 0, "protocol", "sent something unexpected"),
        ("strange_path", 2, "protocol", "sent something unexpected"),
        ("short", 2, "protocol", "sent something unexpected"),
    ],
)
def test_every_fault_is_told_and_the_next_reply_is_spoken(
    converse: Callable[..., Graph], behaviour: Behaviour, after: int, code: str, told: str
) -> None:
    async def scene(graph: Graph, server: EdgeServer) -> None:
        server.behaviour, server.after = behaviour, after
        sound = await speak(graph, "Hello.")
        assert (len(sound) > 0) == (after > 0)
        server.behaviour = "normal"
        assert len(await speak(graph, "Hello.")) == pytest.approx(RATE, rel=0.1)

    graph = converse(scene, connect_s=1, stall_s=0.3)
    assert errors(graph) == [(code, NAME + told)]


def test_without_internet_the_way_out_is_told(converse: Callable[..., Graph]) -> None:
    async def scene(graph: Graph, server: EdgeServer) -> None:
        assert len(await speak(graph, "Hello.", "Again.")) == 0

    graph = converse(scene, url="ws://127.0.0.1:9/edge?token=x")
    assert (
        errors(graph)
        == [("unreachable", f"{NAME}cannot be reached or broke off; is there an internet connection?")] * 2
    )


def test_a_cut_closes_the_connection(converse: Callable[..., Graph]) -> None:
    async def scene(graph: Graph, server: EdgeServer) -> None:
        server.behaviour, server.after = "stall", 3
        graph.node("texts").say("Hello.")
        await until(lambda: got(graph))
        graph.fence.cut("barge-in")
        await until(lambda: server.left)

    assert errors(converse(scene)) == []


@pytest.mark.parametrize(
    "settings", [{"voice": "Ava"}, {"voice": "x' y='"}, {"rate": 500}, {"pitch": "+5Hz"}, {"speed": 1}]
)
def test_settings_that_cannot_be_fail_at_check(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EdgeSettings.model_validate(settings)


def test_the_sound_brings_the_times_of_its_words(converse: Callable[..., Graph]) -> None:
    async def scene(graph: Graph, server: EdgeServer) -> None:
        await speak(graph, "It's five o'clock.", "Tea?")

    graph = converse(scene)
    frames: list[Any] = [frame for frame in got(graph) if isinstance(frame, Audio) and frame.of is not None]
    last = {frame.of.speech: frame.words for frame in frames if frame.sentence_end}
    assert [(word.text, word.begin_ms, word.end_ms) for word in last["It's five o'clock."]] == [
        ("It's", 100, 250), ("five", 250, 400), ("o'clock", 400, 550),
    ]  # fmt: skip
    assert [word.text for word in last["Tea?"]] == ["Tea"], "those of one sentence only"
    assert all(frame.words == last[frame.of.speech] for frame in frames), "the service tells them before the sound"
