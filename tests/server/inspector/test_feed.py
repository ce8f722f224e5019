"""The inspector's WebSocket over real sockets, beside a real call."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from aiohttp import WSServerHandshakeError
from aiohttp.test_utils import TestClient

from vaidol.graph.written import MASK
from vaidol.server.app import SERVER, Options
from vaidol.server.inspector import feed, tap
from vaidol.server.inspector.sounds import BANDS, LISTEN, PEAKS
from vaidol.tests.server.inspector.watching import SECRET, SOUND_EDGE, WORDS_EDGE, viewing, watched


def graph_of(client: TestClient[Any, Any]) -> Any:
    return next(iter(client.app[SERVER].sessions)).graph  # type: ignore[index]


def test_a_viewer_sees_plan_meters_and_events_and_no_secret() -> None:
    async def main() -> None:
        async with watched() as client, viewing(client) as viewer:
            session = await viewer.watch()
            plan = (await viewer.message("plan", session=session))["plan"]
            assert [node["name"] for node in plan["nodes"]][:2] == ["mic", "chatter"]
            chatter = plan["nodes"][1]
            assert chatter["settings"]["api_key"] == MASK
            assert chatter["settings"]["base_url"] == f"http://{MASK}@example.test/v1"
            assert plan["kinds"]["t.chatter"]["doc"].startswith("t.chatter: talks without end")
            assert plan["kinds"]["t.chatter"]["schema"]["properties"]["volume"]["description"] == "Loudness, 0 to 1."
            edge = next(edge for edge in plan["edges"] if edge["name"] == SOUND_EDGE)
            assert (edge["frame"], edge["rate"], edge["policy"]) == ("Audio", 16_000, "drop_oldest")
            first, second = await viewer.until(
                lambda: (found := [m for m in viewer.told if m["t"] == "meters" and m["edges"]])[1:] and found[:2]
            )
            assert set(first["nodes"]) == {node["name"] for node in plan["nodes"]}
            assert set(second["nodes"].get("chatter", {})) < set(first["nodes"]["chatter"])
            assert second["edges"][SOUND_EDGE]["entered"] > first["edges"][SOUND_EDGE]["entered"]
            graph_of(client).events.publish("error", node="chatter", text=f"bad key {SECRET} for pass-word")
            told = await viewer.until(
                lambda: next((e for m in viewer.told if m["t"] == "events" for e in m["events"] if e["text"]), None)
            )
            assert told["text"] == f"bad key {MASK} for {MASK}"
            assert SECRET not in "".join(viewer.raw)

    asyncio.run(main())


def test_a_tap_brings_words_and_sound_and_leaves_nothing_behind() -> None:
    async def main() -> None:
        async with watched() as client:
            taps = graph_of(client).taps
            others = {edge: taps.on(edge) for edge in (SOUND_EDGE, WORDS_EDGE)}  # the recorder's
            async with viewing(client) as viewer:
                await viewer.watch()
                await viewer.send(t="tap", edge=WORDS_EDGE)
                await viewer.send(t="tap", edge=SOUND_EDGE, listen=True)
                words = (await viewer.message("frames"))["frames"]
                assert words[0]["told"].startswith("text “word ")
                assert words[0]["frame"] == "Transcript"
                assert SECRET not in words[0]["told"]
                number = (await viewer.message("tapped", edge=SOUND_EDGE))["tap"]
                await viewer.until(lambda: {PEAKS, LISTEN} <= {sound[0] for sound in viewer.sounds})
                _, tap, rate, _, lost, rms, peak, bins, columns, body = next(s for s in viewer.sounds if s[0] == PEAKS)
                assert (tap, rate, lost) == (number, 16_000, 0.0)
                assert rms == pytest.approx(0.5 / 2**0.5, abs=0.01)
                assert peak == pytest.approx(0.5, abs=0.01)
                assert (len(body), bins) == (bins * 2 + columns * BANDS, columns * 4)
                loudest = np.frombuffer(body[bins * 2 :], np.uint8).reshape(columns, BANDS)[0].argmax()
                assert 60 * (8000 / 60) ** (loudest / BANDS) < 1050 < 60 * (8000 / 60) ** ((loudest + 2) / BANDS)
                heard = next(s for s in viewer.sounds if s[0] == LISTEN)[-1]
                assert np.abs(np.frombuffer(heard, "<i2")).max() == pytest.approx(16383, abs=50)
                assert taps.on(SOUND_EDGE) == others[SOUND_EDGE] + 1
                await viewer.send(t="untap", edge=SOUND_EDGE)
                await viewer.send(t="tap", edge="no.where -> at.all")
                refused = await viewer.message("untapped", edge="no.where -> at.all")
                assert "no edge 'no.where -> at.all'" in refused["message"]
                assert taps.on(SOUND_EDGE) == others[SOUND_EDGE]
            for _ in range(500):
                if taps.on(WORDS_EDGE) == others[WORDS_EDGE]:
                    break
                await asyncio.sleep(0.02)
            assert taps.on(WORDS_EDGE) == others[WORDS_EDGE]

    asyncio.run(main())


def test_nonsense_is_answered_with_a_sentence() -> None:
    async def main() -> None:
        async with watched() as client, viewing(client) as viewer:
            for raw in ("{", '{"t":"dance"}', '{"t":"watch","session":5}', '{"t":"tap","edge":"a"}'):
                await viewer.socket.send_str(raw)
            errors = await viewer.until(
                lambda: (e := [m["message"] for m in viewer.told if m["t"] == "error"])[3:] and e
            )
            assert errors[3] == "watch a session first"
            await viewer.send(t="watch", session="nobody")
            await viewer.message("watching", session="nobody")
            assert viewer.find("plan") is None

    asyncio.run(main())


def test_an_ended_session_is_told() -> None:
    async def main() -> None:
        async with watched() as client, viewing(client) as viewer:
            await viewer.watch()
            next(iter(client.app[SERVER].sessions)).end("test")  # type: ignore[index]
            await viewer.message("watching", session=None)
            await viewer.message("sessions", sessions=[])

    asyncio.run(main())


def test_a_viewer_that_stops_reading_costs_a_bounded_amount_and_never_holds_up_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed, "SEND_S", 1.0)
    monkeypatch.setattr(feed, "BEAT_S", 0.02)

    async def main() -> None:
        async with watched() as client:
            graph = graph_of(client)
            others = graph.taps.on(SOUND_EDGE)
            async with viewing(client) as viewer:
                await viewer.watch()
                await viewer.send(t="tap", edge=SOUND_EDGE, listen=True)
                await viewer.send(t="tap", edge=WORDS_EDGE)
                await viewer.message("frames")
                edge = next(edge for edge in graph.edges if edge.plan.name == SOUND_EDGE)
                served = client.app[SERVER]  # type: ignore[index]
                (slow,) = served.feed._viewers
                before, beats = edge.entered, slow._sent
                for _ in range(400):  # nobody reads, so nobody answers what was sent
                    if not len(served.feed):
                        break
                    await asyncio.sleep(0.05)
                assert len(served.feed) == 0, "a viewer that reads nothing is let go"
                assert slow._sent <= beats + feed.WINDOW
                assert edge.entered > before + 20, "the call goes on meanwhile"
                assert graph.taps.on(SOUND_EDGE) == others

    asyncio.run(main())


def test_a_viewer_that_pauses_gets_the_newest_and_is_told_what_it_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap, "WAITING", 8)

    async def main() -> None:
        async with watched() as client, viewing(client) as viewer:
            await viewer.watch()
            await viewer.send(t="tap", edge=WORDS_EDGE)
            await viewer.message("frames")
            viewer.told.clear()
            await asyncio.sleep(2.0)
            late = await viewer.until(
                lambda: next((m for m in viewer.told if m["t"] == "frames" and m["lost"] > 8), None)
            )
            assert len(late["frames"]) <= 8

    asyncio.run(main())


def test_pages_of_other_sites_may_not_look(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with watched() as client:
            with pytest.raises(WSServerHandshakeError, match="403"):
                async with viewing(client, headers={"Origin": "https://evil.test"}):
                    pass
            origin = f"http://{client.host}:{client.port}"
            async with viewing(client, headers={"Origin": origin}) as viewer:
                await viewer.message("hello")
            monkeypatch.setattr(feed, "VIEWERS", 0)
            with pytest.raises(WSServerHandshakeError, match="503"):
                async with viewing(client):
                    pass
            async with client.get("/api/inspect") as response:
                assert response.status in (426, 503)

    asyncio.run(main())


def test_a_token_is_asked_for() -> None:
    async def main() -> None:
        async with watched_with_token() as client:
            with pytest.raises(WSServerHandshakeError, match="401"):
                async with client.ws_connect("/api/inspect"):
                    pass
            async with client.ws_connect("/api/inspect", headers={"Authorization": "Bearer let-me-in"}) as socket:
                assert (await socket.receive_json())["news"][0]["t"] == "hello"
            async with client.get("/inspector?token=let-me-in", allow_redirects=False) as response:
                assert response.headers["Location"] == "./inspector"

    from vaidol.tests.server.client import serving

    def watched_with_token() -> Any:
        return serving(None, Options(token="let-me-in"))

    asyncio.run(main())
