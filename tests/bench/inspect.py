"""What watching costs: processor time of ten calls with none, one and five inspectors, and the page in a browser."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import shutil
import statistics
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from typing import Any

from aiohttp import ClientSession, WSMsgType

from vaidol.graph.answers import answers
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import load
from vaidol.nodes import registry
from vaidol.pipelines import LIBRARY, find
from vaidol.tests.bench import _speech as speech
from vaidol.tests.bench.rtc import Child
from vaidol.tests.bench.talk import QUESTIONS, _Caller

SESSIONS = 10
JOIN_TRIES = 20
VIEWERS = {"0": 0, "1": 1, "5": 5}
SOUND = "vad.audio -> turn.audio"  # the edge that the one tap of the measurement listens to
CHROMIUM = "/usr/bin/chromium"
FRAMES = """(seconds) => new Promise((done) => {
    let count = 0; const began = performance.now();
    const tick = () => { count += 1; const took = performance.now() - began;
        took > seconds * 1000 ? done(count * 1000 / took) : requestAnimationFrame(tick); };
    requestAnimationFrame(tick); })"""
LOADED = """() => { const all = ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type));
    return { paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null,
        bytes: all.reduce((sum, one) => sum + one.transferSize, 0) }; }"""


@contextlib.contextmanager
def serving(what: str) -> Iterator[tuple[Child, Child, str]]:
    """The server on one core, callers on another, and the server's address."""
    cores = sorted(os.sched_getaffinity(0))
    server, callers = Child("_inspect_server", what, core=cores[0]), Child("_rtc_load", core=cores[-1])
    try:
        url = f"http://127.0.0.1:{int(server.line())}"
        while json.load(urllib.request.urlopen(f"{url}/health", timeout=60))["status"] != "ok":
            time.sleep(0.1)
        yield server, callers, url
    finally:
        server.end()
        callers.end()


@contextlib.asynccontextmanager
async def viewer(http: ClientSession, url: str, session: str, tap: str = "") -> AsyncIterator[None]:
    """An inspector that watches, takes what comes, and answers every beat."""
    async with http.ws_connect(f"{url}/api/inspect", max_msg_size=0) as socket:
        await socket.send_json({"t": "watch", "session": session})
        if tap:
            await socket.send_json({"t": "tap", "edge": tap, "listen": True})

        async def take() -> None:
            async for message in socket:
                if message.type is WSMsgType.TEXT and message.data.startswith('{"t":"beat"'):
                    await socket.send_json({"t": "seen", "n": json.loads(message.data)["n"]})

        task = asyncio.create_task(take())
        try:
            yield
        finally:
            task.cancel()


async def talking(http: ClientSession, callers: Child, url: str) -> list[str]:
    """The sessions, when all are there: on a busy machine the server refuses some at first, and some get lost."""
    for _ in range(JOIN_TRIES):
        async with http.get(f"{url}/api/sessions") as response:
            ids = [one["id"] for one in (await response.json())["sessions"]]
        if len(ids) >= SESSIONS:
            return ids
        missing = SESSIONS - len(ids)
        await asyncio.to_thread(callers.ask, do="join", url=f"{url}/whip", group="all", count=missing, gap_s=0.3)
    raise RuntimeError(f"this machine has no time for {SESSIONS} calls")


async def frames(http: ClientSession, url: str) -> int:
    """How many frames all microphones have given so far."""
    async with http.get(f"{url}/api/sessions") as response:
        told = (await response.json())["sessions"]
    edges = (edge for one in told for edge in one.get("edges", {}).items())
    return sum(edge["entered"] for name, edge in edges if name.startswith("mic.audio"))


async def watched(rounds: int, seconds: float) -> dict[str, Any]:
    """CPU of the server, interleaved, with each number of inspectors; and with one that listens to an edge.

    Per 20 ms of sound that came in, of all calls: on a busy machine some comes late or not at all.
    """
    cost: dict[str, list[float]] = {**{name: [] for name in VIEWERS}, "tap": []}
    with serving("talk") as (server, callers, url):
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {max(cores)})  # inspectors are browsers elsewhere: not on the server's core
        async with ClientSession() as http:
            for number in range(rounds + 1):
                ids = await talking(http, callers, url)
                for name, figures in cost.items():
                    async with contextlib.AsyncExitStack() as stack:
                        for at in range(VIEWERS.get(name, 1)):
                            tap = SOUND if name == "tap" else ""
                            await stack.enter_async_context(viewer(http, url, ids[at % len(ids)], tap))
                        await asyncio.sleep(0.5)
                        before, heard = server.cpu_s(), await frames(http, url)
                        await asyncio.sleep(seconds)
                        spent, came = server.cpu_s() - before, await frames(http, url) - heard
                        if number:
                            figures.append(spent / max(came, 1))
    os.sched_setaffinity(0, cores)
    ratio = {
        name: statistics.median(now / none for now, none in zip(figures, cost["0"], strict=True))
        for name, figures in cost.items()
    }
    return {
        "cpu_ratio_1": round(ratio["1"], 3),
        "cpu_ratio_5": round(ratio["5"], 3),
        "cpu_ratio_listening": round(ratio["tap"], 3),
        "us_per_frame": {name: round(statistics.median(figures) * 1e6) for name, figures in cost.items()},
        "sessions": len(ids),
    }


def page(seconds: float) -> dict[str, Any]:
    """Frames per second, first paint and bytes of the page with a graph of fifty nodes under way."""
    nothing = dict.fromkeys(("fps_50_nodes", "first_paint_ms", "graph_ms", "page_kb", "page_with_editor_kb"))
    if importlib.util.find_spec("playwright") is None or shutil.which(CHROMIUM) is None:
        return nothing
    from playwright.sync_api import sync_playwright

    with serving("wide") as (_, callers, url), sync_playwright() as playwright:
        callers.ask(do="join", url=f"{url}/whip", group="all", count=1)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            shown = browser.new_page(viewport={"width": 1440, "height": 900})
            began = time.perf_counter()
            shown.goto(f"{url}/inspector")
            shown.wait_for_selector(".node[data-state]")
            graph_ms = (time.perf_counter() - began) * 1000
            shown.wait_for_timeout(1000)
            first = shown.evaluate(LOADED)
            fps = shown.evaluate(FRAMES, seconds)
            shown.click("#tab-pipeline")
            shown.wait_for_selector(".cm-line")
            whole = shown.evaluate(LOADED)
        finally:
            browser.close()
    return {
        "fps_50_nodes": round(fps, 1),
        "first_paint_ms": round(first["paint"]) if first["paint"] is not None else None,
        "graph_ms": round(graph_ms),
        "page_kb": round(first["bytes"] / 1000),
        "page_with_editor_kb": round(whole["bytes"] / 1000),
    }


async def attributed(questions: tuple[str, ...]) -> dict[str, Any]:
    """The default pipeline with its models, asked aloud: the share of the wait that nobody accounts for, by answer."""
    kinds = registry()
    plan = compile_plan(load(find("default"), library=LIBRARY), kinds)
    engine, caller = Engine(kinds), _Caller()
    await asyncio.gather(*(engine.shared.get(need) for needs in engine.needs(plan).values() for need in needs))
    async with Graph(plan, engine, ends={"call": caller}) as graph:
        for question in questions:
            await caller.ask(speech.say(question))
        told = [one for one in answers(graph) if one["segments"]]
    engine.close()
    parts: dict[str, float] = {}
    for one in told:
        for segment in one["segments"]:
            name = segment["node"] if segment["what"] == "service" else segment["what"]
            parts[name] = parts.get(name, 0.0) + segment["long_ms"] / len(told)
    whole = sum(one["total_ms"] for one in told)
    lost = sum(one["unattributed"] * one["total_ms"] for one in told)
    return {
        "unattributed": round(lost / whole, 4),
        "unattributed_max": max(one["unattributed"] for one in told),
        "answers": len(told),
        "wait_ms": {name: round(value) for name, value in sorted(parts.items(), key=lambda item: -item[1])},
    }


def main(quick: bool) -> dict[str, Any]:
    """Keys: cpu_ratio_1, cpu_ratio_5 (CPU of ten calls against nobody watching), unattributed (0..1), fps_50_nodes."""
    found = asyncio.run(watched(2 if quick else 7, 1.5 if quick else 4.0))
    found |= page(2.0 if quick else 5.0)
    return found | asyncio.run(attributed(QUESTIONS[:3] if quick else QUESTIONS))
