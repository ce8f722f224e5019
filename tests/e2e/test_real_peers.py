"""The real thing on the other side: a llama.cpp server for agent.openai, the official client against our doubles."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaidol.graph.frames import TextDelta
from vaidol.graph.scheduler import Graph
from vaidol.models.store import Store
from vaidol.nodes._sound import pcm16, wav
from vaidol.tests.e2e.serving import free_port
from vaidol.tests.graphs import running, sink
from vaidol.tests.nodes.agent.talk import User, got, reply, until
from vaidol.tests.nodes.asr.test_listeners import SOUND, TEXT
from vaidol.tests.nodes.asr.test_listeners import WIRES as EARS
from vaidol.tests.nodes.local_server import KEY, LocalServer
from vaidol.tests.nodes.tts.voices import WIRES as VOICES
from vaidol.tests.nodes.tts.voices import tone


@pytest.fixture(scope="module")
def llama_cpp() -> Iterator[str]:
    """Address of a real llama.cpp server with the small model of the default pipeline."""
    import xllamacpp

    parameters: Any = xllamacpp.CommonParams()
    parameters.model.path = str(Store().path("smollm2-135m-instruct"))
    parameters.n_ctx, parameters.n_parallel, parameters.n_gpu_layers = 2048, 1, 0
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.hostnames, parameters.port = ["127.0.0.1"], free_port()
    parameters.fit_params, parameters.ui, parameters.verbosity = False, False, 0
    server = xllamacpp.Server(parameters)
    yield f"http://127.0.0.1:{parameters.port}/v1"
    del server


@pytest.mark.models
def test_a_real_llama_cpp_server_answers_counts_tokens_and_is_cut(llama_cpp: str) -> None:
    async def main() -> None:
        given = {"preset": "llama_cpp", "base_url": llama_cpp, "prompt": "You are kind.", "max_tokens": 40}
        nodes = {"user": User, "agent": ("agent.openai", {**given, "temperature": 0}), "end": sink(TextDelta)}
        async with running(nodes, ["user.text -> agent.user", "agent.text -> end.in"]) as graph:
            assert len(await reply(graph, "Say hello to me.")) > 3
            counts = graph.cells["agent"].counts
            assert counts["tokens_in"] > 10
            assert 1 <= counts["tokens_out"] <= 40
            await _cut(graph)
            assert len(await reply(graph, "And now?")) > 3
            assert [event.text for event in graph.events if event.name == "error"] == []

    asyncio.run(main())


async def _cut(graph: Graph) -> None:
    gen = graph.node("user").say("Tell me a long story.")  # type: ignore[attr-defined]
    await until(lambda: got(graph, gen))
    graph.fence.cut("barge-in")


def test_the_official_client_is_content_with_our_double_of_the_speech_route() -> None:
    from openai import AsyncOpenAI

    async def main() -> None:
        async with LocalServer(VOICES["tts.openai"].answer) as server:
            async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0) as client:
                spoken = await client.audio.speech.create(model="m", voice="v", input="Hello.", response_format="pcm")
                assert spoken.content == pcm16(tone())
            assert server.wrong == []

    asyncio.run(main())


def test_the_official_client_is_content_with_our_double_of_the_transcription_route(tmp_path: Path) -> None:
    from openai import AsyncOpenAI

    sound = wav(SOUND, 16_000)
    with wave.open(BytesIO(sound)) as file:
        assert np.frombuffer(file.readframes(1 << 20), "<i2").shape == SOUND.shape

    async def main() -> None:
        async with LocalServer(EARS["asr.openai"].answer) as server:
            async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0) as client:
                heard = await client.audio.transcriptions.create(
                    model="m", file=("a.wav", sound, "audio/wav"), language="en", response_format="json"
                )
                assert heard.text.strip() == TEXT
            assert server.wrong == []

    asyncio.run(main())
