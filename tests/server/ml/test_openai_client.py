"""OpenAI's own client against the service: speech, transcription, chat, models, and what is refused."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import numpy as np
import openai as package
import pytest
from openai import AsyncOpenAI

from vaidol.nodes._sound import SoundDecoder, wav
from vaidol.nodes.file._reader import Reader
from vaidol.server.ml.app import MlOptions
from vaidol.server.ml.uploads import decoded
from vaidol.tests.server.ml.service import RATE, openai, service

TONE = (0.5 * np.sin(np.arange(RATE * 2) * 0.2)).astype(np.float32)


def with_client(test: Any, options: MlOptions | None = None, key: str = "none") -> None:
    async def main() -> None:
        async with service(options) as client, openai(client, key) as official:
            await test(official)

    asyncio.run(main())


def test_speech_comes_while_it_is_made_in_every_format() -> None:
    async def test(official: AsyncOpenAI) -> None:
        speech = official.audio.speech
        async with speech.with_streaming_response.create(
            model="mouth", voice="low", input="One two. Then wait", response_format="pcm"
        ) as answer:
            pieces = answer.iter_bytes(1200)
            first = await anext(pieces)  # the second sentence never ends
            assert len(first) == 1200
        for form in ("wav", "pcm", "mp3", "opus", "flac", "aac"):
            said = await speech.create(
                model="tts-1", voice="high", input="one two three four five", response_format=form
            )
            if form == "pcm":
                sound = SoundDecoder(RATE, raw=RATE).feed(said.content, last=True)
            else:
                sound = decoded(said.content, RATE, 60)
            assert 0.5 <= len(sound) / RATE < 0.65, form
            spectrum = np.abs(np.fft.rfft(sound[: RATE // 2]))
            assert abs(int(np.argmax(spectrum)) * 2 - 880) < 10, form
        half = await speech.create(model="mouth", voice="low", input="a b c d", response_format="pcm", speed=2)
        assert len(half.content) == RATE * 2 * 4 // 20

    with_client(test)


def test_transcriptions_in_every_form() -> None:
    async def test(official: AsyncOpenAI) -> None:
        file = ("speech.wav", wav(TONE, RATE), "audio/wav")
        hear = official.audio.transcriptions.create
        assert (await hear(model="whisper-1", file=file)).text == "2.0 seconds"
        assert await hear(model="ears", file=file, response_format="text") == "2.0 seconds\n"
        told = await hear(model="ears", file=file, response_format="verbose_json", language="de")
        assert (told.language, told.duration, told.text) == ("de", 2.0, "2.0 seconds")
        assert told.segments is not None
        assert [(round(s.start), round(s.end), s.text) for s in told.segments] == [(0, 2, "2.0 seconds")]
        assert "00:00:00,0" in await hear(model="ears", file=file, response_format="srt")
        assert (await hear(model="ears", file=file, response_format="vtt")).startswith("WEBVTT\n\n00:00:00.0")
        gap = np.zeros(RATE, np.float32)
        long = np.concatenate([np.concatenate([np.tile(TONE, 2), gap]) for _ in range(4)])
        parts = (await hear(model="ears", file=("x", wav(long, RATE)), response_format="verbose_json")).segments
        assert parts is not None
        assert [round(s.start) for s in parts] == [0, 5, 10, 15]
        assert [round(s.end) for s in parts] == [4, 9, 14, 19]
        with pytest.raises(package.UnprocessableEntityError, match="times of words"):
            await hear(model="ears", file=file, response_format="verbose_json", timestamp_granularities=["word"])

    with_client(test)


def test_chat_whole_and_streamed() -> None:
    async def test(official: AsyncOpenAI) -> None:
        ask = official.chat.completions.create
        asked: list[Any] = [{"role": "system", "content": "be short, please"}, {"role": "user", "content": "good day"}]
        whole = await ask(model="brain", messages=asked)
        assert whole.choices[0].message.content == "good day (be short,)"
        pieces = [chunk async for chunk in await ask(model="agent.echo", messages=asked[1:], stream=True)]
        assert [piece.choices[0].delta.content for piece in pieces] == ["good", " day", None]
        assert pieces[-1].choices[0].finish_reason == "stop"
        parts: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "a b c d"}]}]
        assert (await ask(model="brain", messages=parts, max_tokens=2)).choices[0].message.content == "a b"
        with pytest.raises(package.APIError, match="lost the thread"):
            async for _ in await ask(model="brain", messages=[{"role": "user", "content": "so break"}], stream=True):
                pass

    with_client(test)


def test_names_that_nobody_has_are_told_with_those_there_are() -> None:
    async def test(official: AsyncOpenAI) -> None:
        names = [model.id async for model in official.models.list()]
        assert names == ["mouth", "tts.tones", "ears", "asr.count", "brain", "agent.echo"]
        assert (await official.models.retrieve("tts.tones")).id == "tts.tones"
        asked: list[Any] = [{"role": "user", "content": "hello"}]
        for wrong, known in (
            (official.models.retrieve("gpt-9"), "mouth, tts.tones"),
            (official.chat.completions.create(model="gpt-9", messages=asked), "brain, agent.echo"),
            (official.audio.speech.create(model="mouth", voice="../../etc/passwd", input="x"), "low, high"),
            (official.audio.speech.create(model="ears", voice="low", input="x"), "mouth, tts.tones"),
            (official.audio.transcriptions.create(model="mouth", file=("a", b"x")), "ears, asr.count"),
        ):
            with pytest.raises(package.NotFoundError, match=known):
                await wrong

    with_client(test)


def test_the_token_is_the_key() -> None:
    async def right(official: AsyncOpenAI) -> None:
        assert [model.id async for model in official.models.list()]

    async def wrong(official: AsyncOpenAI) -> None:
        with pytest.raises(package.AuthenticationError):
            await official.models.list()

    with_client(right, MlOptions(token="sesame"), "sesame")
    with_client(wrong, MlOptions(token="sesame"), "open")


def test_the_sound_of_a_stranger_names_no_other_file(tmp_path: Any) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(wav(TONE, RATE))
    assert len(Reader(secret).read(100)) == 100
    for evil in (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile {secret}\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    ):
        with pytest.raises(Exception, match="not a sound file"):
            decoded(io.BytesIO(evil.encode()).read(), RATE, 60)
