"""What clients do wrong, and what goes wrong with them: each has its answer, and the service goes on."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import numpy as np
import pytest
from aiohttp import ClientConnectionError, ClientPayloadError, FormData
from aiohttp.test_utils import TestClient

from vaidol.nodes._sound import wav
from vaidol.server.ml import uploads
from vaidol.server.ml.app import MlOptions
from vaidol.tests.server.ml.service import LEFT, PIPELINE, RATE, of, service
from vaidol.tests.server.test_fuzz import body

HZ = 120
PHASE = 2 * np.pi * HZ * np.arange(RATE) / RATE
TONE = wav(sum(0.2 / n * np.sin(n * PHASE) for n in range(1, 20)).astype(np.float32), RATE)  # a buzz
SPEAK, HEAR, CHAT = "/v1/audio/speech", "/v1/audio/transcriptions", "/v1/chat/completions"
Client = TestClient[Any, Any]


async def refused(client: Client, status: int, code: str, path: str, **how: Any) -> str:
    """The message of a refusal."""
    async with client.post(path, **how) as answer:
        told = json.loads(await answer.text())
        assert (answer.status, told["error"]["code"]) == (status, code), told
        if status in (429, 503):
            assert int(answer.headers["Retry-After"]) > 0
        return str(told["error"]["message"])


async def works(client: Client) -> None:
    """A request like any other."""
    async with client.post("/asr/transcribe", data=TONE) as answer:
        assert (await answer.json())["text"] == "1.0 seconds"


def form(**fields: Any) -> FormData:
    made = FormData(default_to_multipart=True)
    for name, value in fields.items():
        made.add_field(name, value, **({"filename": "x"} if name == "file" else {}))
    return made


async def pieces(count: int, size: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield bytes(size)


def test_uploads_that_are_no_sound() -> None:
    async def main() -> None:
        async with service(MlOptions(upload_bytes=1 << 20, sound_s=10)) as client:
            noise = np.random.default_rng(1).bytes(5000)
            for data, said in (
                (noise, "sound file"), (b"", "is empty"), (b"\x89PNG\r\n\x1a\n" + noise, "sound file"),
                (TONE[:44], "is empty"), (b"RIFF\xff\xff\xff\xffWAVE", "sound file"),
            ):  # fmt: skip
                for how in ({"data": data}, {"data": form(file=data)}):
                    message = await refused(client, 415, "no_sound", HEAR, **how)
                    assert said in message
                    assert "/" not in message
            long = wav(np.zeros(11 * 16_000, np.float32), 16_000)
            assert "longer than" in await refused(client, 413, "too_long", HEAR, data=form(file=long))
            assert "part 'file'" in await refused(client, 400, "form", HEAR, data=form(model="ears", sound=""))
            broken = {"Content-Type": "multipart/form-data; boundary=x"}
            await refused(client, 400, "form", HEAR, data=b"nothing like a form", headers=broken)
            await refused(
                client, 400, "form", HEAR, data=b"--y\r\n\r\nz", headers={"Content-Type": "multipart/form-data"}
            )
            await refused(client, 422, "invalid", HEAR, data=form(file=TONE, response_format="midi"))
            await refused(client, 422, "invalid", HEAR, data=form(file=TONE, language="../de"))
            async with client.post(HEAR, data=form(file=wav(np.zeros(16_000, np.float32), 16_000))) as silence:
                assert await silence.json() == {"text": ""}
            await works(client)

    asyncio.run(main())


def test_uploads_that_are_too_large_or_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield TONE[:100]
        await asyncio.Event().wait()

    async def main() -> None:
        async with service(MlOptions(upload_bytes=1 << 20)) as client:
            for whole in (pieces(16_384, 1 << 16), io.BytesIO(bytes(3 << 20))):  # 1 GB without a length, 3 MB with one
                with contextlib.suppress(ClientConnectionError):  # it closed while this client was still sending
                    await refused(client, 413, "too_large", HEAR, data=whole)
            await refused(client, 413, "too_large", HEAR, data=form(file=TONE, prompt="x" * 9000))
            monkeypatch.setattr(uploads, "STALL_S", 0.1)
            await refused(client, 408, "slow", HEAR, data=slowly())
            await works(client)

    asyncio.run(main())


def test_texts_that_are_too_long_or_none() -> None:
    async def main() -> None:
        async with service() as client:
            for path, name in ((SPEAK, "input"), ("/tts/synthesize", "text")):
                assert name in await refused(client, 422, "invalid", path, json={name: "x" * 20_000})
                assert name in await refused(client, 422, "invalid", path, json={name: ""})
                await refused(client, 422, "invalid", path, json={})
                await refused(client, 413, "too_large", path, data=json.dumps({name: "x" * 600_000}))
                await refused(client, 413, "too_large", path, data=pieces(16_384, 1 << 16))
                await refused(client, 400, "not_json", path, data=b"\xff")
            picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}
            for messages in (
                [],
                [picture],
                [{"role": "robot", "content": "x"}],
                [{"role": "assistant", "content": "x"}],
            ):
                await refused(client, 422, "invalid", CHAT, json={"messages": messages})
            asked = {"messages": [{"role": "user", "content": "hello"}]}
            for more in ({"n": 2}, {"tools": [{}]}, {"max_tokens": 0}, {"temperature": 9}, {"logprobs": True}):
                await refused(client, 422, "invalid", CHAT, json={**asked, **more})
            async with client.post("/agent/chat", json=asked) as answer:
                assert (await answer.json())["text"].startswith("hello (You are V")
            await works(client)

    asyncio.run(main())


def test_failures_before_and_within_an_answer() -> None:
    async def main() -> None:
        async with service() as client:
            assert await refused(client, 500, "string", SPEAK, json={"input": "break"}) == "the string broke"
            async with client.post(SPEAK, json={"input": "one two break", "response_format": "pcm"}) as answer:
                assert answer.status == 200
                with pytest.raises(ClientPayloadError):  # never an end that makes it look whole
                    await answer.read()
            await refused(client, 500, "thread", CHAT, json={"messages": [{"role": "user", "content": "break"}]})
            assert not any(of(client).offered._under_way.values())

    asyncio.run(main())


def test_who_goes_is_worked_for_no_longer_and_who_comes_too_many_is_told_so() -> None:
    async def main() -> None:
        async with service(MlOptions(at_once=1, waiting=1)) as client:
            LEFT.clear()
            wait = {"input": "go on and wait", "response_format": "pcm"}
            first = await client.post(SPEAK, json=wait)
            assert await first.content.readexactly(100)
            second = asyncio.ensure_future(client.post(SPEAK, json={"input": "me too"}))
            async with asyncio.timeout(10):
                while of(client).offered._under_way["tts"] < 2:  # noqa: ASYNC110  # it comes over a socket
                    await asyncio.sleep(0.01)
            assert "2 requests for speech" in await refused(client, 429, "busy", SPEAK, json={"input": "and me"})
            await works(client)  # others are not concerned
            first.close()
            async with await second as answer:
                assert answer.status == 200
                assert await answer.read()
            assert LEFT == ["go on and wait", "me too"]
            talk = await client.post(
                "/agent/chat", json={"stream": True, "messages": [{"role": "user", "content": "a wait"}]}
            )
            assert await talk.content.readuntil(b"\n\n") == b'data: {"text": "a"}\n\n'
            talk.close()
            async with asyncio.timeout(10):
                while LEFT[-1] != "a wait" or any(of(client).offered._under_way.values()):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)

    asyncio.run(main())


def test_strangers() -> None:
    async def main() -> None:
        async with service() as client:
            evil = {"Origin": "https://evil.example"}
            await refused(client, 403, "origin", SPEAK, json={"input": "x"}, headers=evil)
            await refused(client, 403, "host", SPEAK, json={"input": "x"}, headers={"Host": "evil.example"})
        async with service(MlOptions(token="sesame")) as client:
            await refused(client, 401, "token", HEAR, data=TONE)
            async with client.get("/health") as answer:
                assert await answer.json() == {"status": "ok"}
            async with client.post("/asr/transcribe", data=TONE, headers={"Authorization": "Bearer sesame"}) as answer:
                assert answer.status == 200

    asyncio.run(main())


def test_the_voice_of_the_pipeline_converts_files() -> None:
    nodes = {"mic": {"use": "webrtc.in"}, "deep": {"use": "voice.shift", "with": {"preset": "deep"}},
             "out": {"use": "webrtc.out", "with": {"live": True}}}  # fmt: skip
    pipeline = {**PIPELINE, "nodes": nodes, "edges": ["mic.audio -> deep.audio", "deep.audio -> out.audio"]}

    async def main() -> None:
        async with service(MlOptions(at_once=1), pipeline) as client:
            for query, ratio in (("?pitch=0", 1.0), ("?pitch=12&model=deep", 2.0)):
                async with client.post("/rvc/convert" + query, data=TONE) as answer:
                    assert answer.headers["Content-Type"] == "audio/wav"
                    made = uploads.decoded(await answer.read(), RATE, 10)
                assert abs(len(made) - RATE) <= RATE // 50
                heard = made[RATE // 4 : RATE // 4 * 3]
                like = [float(heard[lag:] @ heard[:-lag]) for lag in range(RATE // 300, RATE // 100)]
                assert RATE / (RATE // 300 + int(np.argmax(like))) == pytest.approx(HZ * ratio, rel=0.03)
            await refused(client, 422, "invalid", "/rvc/convert?pitch=99", data=TONE)
            await refused(client, 404, "not_found", "/rvc/convert?model=none", data=TONE)
            await refused(client, 404, "not_found", SPEAK, json={"input": "x"})

    asyncio.run(main())


def test_every_route_is_described_and_none_fails_whatever_it_is_sent() -> None:
    random = Random(20_251)

    async def main() -> None:
        async with service() as client:
            told = await (await client.get("/openapi.json")).json()
            described = {(method.upper(), path) for path, methods in told["paths"].items() for method in methods}
            routes = {(r.method, r.resource.canonical) for r in client.app.router.routes() if r.method != "HEAD"}
            assert {path.replace("{model:.+}", "{model}") for _, path in routes} == {path for _, path in described}
            assert all(one["summary"] for methods in told["paths"].values() for one in methods.values())
            for _ in range(8):
                for method, path in routes:
                    sent = body(random) if method == "POST" else None
                    kind = random.choice(("application/json", "multipart/form-data; boundary=x", "audio/wav", "x/y"))
                    answer = await client.request(method, path, data=sent, headers={"Content-Type": kind})
                    assert answer.status < 500, (method, path, sent, await answer.text())
                    answer.close()
            await works(client)

    asyncio.run(main())
