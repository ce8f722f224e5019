"""A core without models and `vaidol ml` beside it: they talk, the service is killed in a call, and comes back."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession
from openai import OpenAI

from vaidol.tests.e2e.serving import Server, serving
from vaidol.tests.server.client import Caller, call

pytestmark = [
    pytest.mark.models,
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng"),
]
HEAVY = {"torch", "faster_whisper", "ctranslate2", "tokenizers", "hibari", "xllamacpp", "transformers"}
RUN = f"""
import sys
from vaidol.server.cli import main
code = main(["run", "remote-ml", "--in", sys.argv[1], "--out", sys.argv[2], "--json"])
print("LOADED", sorted({HEAVY!r} & set(sys.modules)))
sys.exit(code)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ml")


@pytest.fixture(scope="module")
def ml(folder: Path) -> Iterator[Server]:
    with serving(folder, "default", command="ml") as running:
        yield running


def test_a_core_that_loads_no_model_hears_thinks_and_speaks_through_it(ml: Server, folder: Path) -> None:
    question, answer = folder / "question.wav", folder / "answer.wav"
    subprocess.run(["espeak-ng", "-s", "140", "-w", question, "Hello, who are you?"], check=True)
    done = subprocess.run(
        [sys.executable, "-c", RUN, question, answer], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "ML_URL": f"{ml.url}/v1"},
    )  # fmt: skip
    told, _, loaded = done.stdout.partition("LOADED")
    assert done.returncode == 0, done.stderr
    assert loaded.strip() == "[]"
    (turn,) = json.loads(told[told.index("{") :])["turns"]
    assert turn["status"] == "done"
    assert "who are you" in turn["user"].lower()
    assert turn["reply"]

    official = OpenAI(base_url=f"{ml.url}/v1", api_key="none", max_retries=0)
    with official.audio.speech.with_streaming_response.create(
        model="tts", voice="heart", input="The quick brown fox jumps over the lazy dog.", response_format="opus"
    ) as said:
        sound = b"".join(said.iter_bytes())
    heard = official.audio.transcriptions.create(model="asr", file=("fox.opus", io.BytesIO(sound)))
    assert "quick brown fox" in heard.text.lower()
    chunks = official.chat.completions.create(
        model="agent", messages=[{"role": "user", "content": "Say hello."}], stream=True, max_tokens=8
    )
    assert len([chunk for chunk in chunks if chunk.choices[0].delta.content]) > 2
    assert "who are you" not in ml.log.read_text().lower()


@asynccontextmanager
async def again(folder: Path, port: int) -> AsyncIterator[Server]:
    """Another service in its place, while a call goes on: what waits for it is a thread."""
    with ExitStack() as stack:
        service = serving(folder, "--only", "tts,agent", command="ml", port=port)
        yield await asyncio.to_thread(stack.enter_context, service)


async def answered(caller: Caller, text: str) -> str:
    """What came of typing `text`: the words, or what went wrong."""
    before = len(caller.messages)
    caller.send({"t": "text", "text": text})

    def come() -> str:
        for message in caller.messages[before:]:
            if message["t"] == "error":
                return f"error: {message['message']}"
            if message["t"] == "subtitle" and message["who"] == "avatar" and message["final"]:
                return str(message["text"])
        return ""

    async with asyncio.timeout(60):
        while not come():  # noqa: ASYNC110  # it comes over a connection
            await asyncio.sleep(0.02)
    return come()


def test_killed_in_a_call_it_is_missed_in_words_and_the_call_goes_on_when_it_is_back(
    ml: Server, tmp_path: Path
) -> None:
    """The last test of this file: it kills what the others use."""
    port = urlsplit(ml.url).port or 0

    async def talk(core: Server) -> None:
        async with ClientSession(core.url) as client:
            caller = await call(client, microphone=False)
            caller.send({"t": "hello", "v": 1})
            assert not (await answered(caller, "Hello!")).startswith("error")
            os.kill(ml.process.pid, signal.SIGKILL)
            for _ in range(2):
                assert f"127.0.0.1:{port}" in await answered(caller, "Are you there?")
            async with again(tmp_path, port):
                caller.levels.clear()
                assert not (await answered(caller, "And now?")).startswith("error")
                await caller.until(lambda: max(caller.levels, default=0) > 0.01, "sound")
            await caller.close()

    with serving(tmp_path, "remote-ml", ML_URL=f"{ml.url}/v1") as core:
        asyncio.run(talk(core))
