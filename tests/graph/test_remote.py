"""Workers elsewhere: who is let in, what may come, and what a lost one costs."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaidol.graph.clock import Clock
from vaidol.graph.elsewhere import received
from vaidol.graph.engine import Engine
from vaidol.graph.errors import ProviderError
from vaidol.graph.framejson import BadFrame
from vaidol.graph.frames import FRAMES, Audio, Sentence, Word
from vaidol.graph.node import Far, Need
from vaidol.graph.parcels import LONGEST, BadParcel, Packing, Parcel, proof
from vaidol.graph.registry import Registry
from vaidol.graph.remote import TOKEN, Remote
from vaidol.graph.station import Station
from vaidol.graph.worker import LENGTH
from vaidol.tests.graph.far import Half


@asynccontextmanager
async def station(token: str = "") -> AsyncIterator[str]:
    """Its address."""
    engine = Engine(Registry(extra={"t.half": Half}))
    made = Station(engine, token)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    try:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"
    finally:
        server.close()
        await made.close()
        engine.close()


async def started(address: str, kind: str = "t.half", **settings: Any) -> Remote:
    need = Need("k", kind, lambda _: None, host=f"remote({address})", far=Far(kind, settings))
    remote = Remote(need, Clock(asyncio.get_running_loop()), address=address, kind=kind, settings=settings)
    await remote.start(lambda done, step: None)
    return remote


def test_a_core_that_does_not_know_the_token_is_not_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with station("sesame") as address:
            for wrong in ("", "open"):
                monkeypatch.setenv(TOKEN, wrong)
                with pytest.raises(ProviderError, match="token") as refused:
                    await started(address)
                assert refused.value.code == "key"
            monkeypatch.setenv(TOKEN, "sesame")
            (await started(address)).close()
        with pytest.raises(ProviderError, match="cannot be reached: start it with `vaidol worker`"):
            await started(address)

    asyncio.run(main())


def test_who_only_claims_to_be_a_worker_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "sesame")

    async def impostor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for told in ({"version": 1, "nonce": "n"}, {"proof": proof("guess", "worker", "n", "m")}):
            body = Packing().packed(told)
            writer.write(len(body).to_bytes(LENGTH, "little") + body)
        await received(reader, LONGEST)
        await reader.read()  # until the core has gone
        writer.close()
        gone.set()

    async def main() -> None:
        server = await asyncio.start_server(impostor, "127.0.0.1", 0)
        with pytest.raises(ProviderError, match="does not know the token"):
            await started(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        server.close()
        async with asyncio.timeout(10):
            await gone.wait()

    gone = asyncio.Event()
    asyncio.run(main())


def test_only_known_kinds_with_their_own_settings_are_made() -> None:
    async def main() -> None:
        async with station() as address:
            for kind, settings, said in (
                ("os.system", {}, "no kind 'os.system'"), ("t.half", {"evil": 1}, "evil"), ("t.mic", {}, "no kind"),
            ):  # fmt: skip
                with pytest.raises(ProviderError, match=said):
                    await started(address, kind, **settings)

    asyncio.run(main())


def test_a_worker_that_is_sent_rubbish_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "")

    async def main() -> None:
        async with station() as address:
            host, _, port = address.rpartition(":")
            for rubbish in (
                b"GET / HTTP/1.1\r\n\r\n",
                b"\x80\x04N." * 50,
                b"\xff" * 8,
                (9).to_bytes(8, "little") + b"{" * 9,
            ):
                reader, writer = await asyncio.open_connection(host, int(port))
                assert await received(reader, LONGEST)
                writer.write(rubbish)
                writer.write_eof()
                assert await reader.read() == b""
                writer.close()
            remote = await started(address)
            sent: list[dict[str, Any]] = [
                {"do": "fly"}, {"do": "process", "owner": "s n 1", "cuts": [{}], "port": "audio", "frame": {}},
                {"do": "process", "owner": "s n 1", "cuts": [], "port": "audio", "frame": {"class": "Popen"}},
            ]  # fmt: skip
            for told in sent:

                def written(number: int, *_: Any, told: dict[str, Any] = told) -> bytes:
                    return Packing().packed({"number": number, **told})

                monkeypatch.setattr(remote, "_written", written)
                with pytest.raises(ProviderError):
                    await remote.call(print)
            remote.close()
            (await started(address)).close()

    asyncio.run(main())


@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_frames_are_the_same_on_the_other_side(dtype: type[Any]) -> None:
    sentence = Sentence(text="hé", speech="he", seq=3)
    sound = (np.random.default_rng(1).random(320) * 30_000).astype(dtype)
    frame = Audio(samples=sound, rate=16_000, of=sentence, words=(Word("he", 0.0, 1.5),), gen=7, final=True)
    packing = Packing()
    parcel = Parcel(packing.packed({"frame": packing.frame(frame)}))
    same = parcel.frame(parcel.told["frame"])
    assert isinstance(same, Audio)
    assert np.array_equal(same.samples, sound)
    assert same.samples.dtype == dtype
    assert (same.of, same.words, same.gen, same.final, same.rate) == (sentence, frame.words, 7, True, 16_000)
    for kind in FRAMES:
        packing = Packing()
        parcel = Parcel(packing.packed({"frame": packing.frame(kind(seq=5))}))
        assert parcel.frame(parcel.told["frame"]).seq == 5


WORDS = st.sampled_from(["f4", "arrays", "frame", "class", "Audio", "samples"])
JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | WORDS,
    lambda some: st.lists(some, max_size=3) | st.dictionaries(WORDS, some, max_size=4),
)


@given(st.binary(max_size=200) | st.builds(lambda told, rest: packed(told) + rest, JSON, st.binary(max_size=40)))
def test_any_bytes_make_a_parcel_or_an_error(body: bytes) -> None:
    with contextlib.suppress(BadParcel, BadFrame):
        parcel = Parcel(body)
        parcel.frame(parcel.told.get("frame"))


def packed(told: Any) -> bytes:
    text = json.dumps(told).encode()
    return len(text).to_bytes(4, "little") + text
