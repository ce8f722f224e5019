"""The client in Python that others may build on: it speaks a file, types, watches, and says why it cannot."""

from __future__ import annotations

import asyncio
import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaidol.server.app import Options
from vaidol.server.cli import main
from vaidol.server.client import NotJoined, joined, read_wav
from vaidol.tests.server.client import serving


def a_wav(path: Path, rate: int = 16_000, channels: int = 2) -> Path:
    tone = (9000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.int16)
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(np.repeat(tone, channels).tobytes())
    return path


def test_it_speaks_a_file_and_hears_the_answer(tmp_path: Path) -> None:
    spoken = read_wav(a_wav(tmp_path / "tone.wav"))
    assert len(spoken) == 48_000
    told: list[dict[str, Any]] = []

    async def main() -> None:
        async with serving() as server:
            url = str(server.make_url("/"))
            async with joined(url, microphone=spoken, tell=told.append) as client:
                hello = await client.message("hello", role="speaker")
                async with joined(url, watch=True, session=hello["session"]) as viewer:
                    client.send("text", text="good morning")
                    said = await client.message("subtitle", who="user")
                    assert said["text"] == "good morning"
                    assert await viewer.message("subtitle", who="user") == said
                    await client.wait(0.8)
                    assert max(client.heard) > 0.1  # the echo of the tone
                    with pytest.raises(TimeoutError):
                        await viewer.message("cut", within_s=0.05)
            assert told == client.messages

    asyncio.run(main())


def test_it_says_why_it_cannot_join() -> None:
    async def main() -> None:
        async with serving(options=Options(token="secret")) as server:
            url = str(server.make_url("/"))
            with pytest.raises(NotJoined, match="401"):
                async with joined(url):
                    pass
            with pytest.raises(NotJoined, match="no such session"):
                async with joined(url, watch=True, token="secret"):
                    pass
            async with joined(url, token="secret") as client:
                await client.message("state", value="listening")

    asyncio.run(main())


def test_the_command_tells_a_mistake_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nobody = "http://127.0.0.1:9"
    assert main(["client", nobody, "--seconds", "0.1"]) == 2
    assert "nobody answers at http://127.0.0.1:9" in capsys.readouterr().err
    broken = tmp_path / "broken.wav"
    broken.write_text(json.dumps({}))
    assert main(["client", nobody, "--wav", str(broken)]) == 2
    assert "broken.wav cannot be spoken" in capsys.readouterr().err
