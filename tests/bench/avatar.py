"""The avatar at the client: how well the mouth keeps step with the sound, how fast a cut shuts it, what it costs."""

from __future__ import annotations

import asyncio
import importlib.util
import random
import shutil
import statistics
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from aiortc.rtcdtlstransport import RTCDtlsTransport

from vaidol.graph.frames import F32
from vaidol.graph.node import Settings
from vaidol.graph.registry import Registry
from vaidol.nodes.tts._speaker import Speaker
from vaidol.tests.bench import _instant as instant
from vaidol.tests.bench import _vowels as voices
from vaidol.tests.bench._call import serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

RATE = 48_000
BURST_S, PAUSES_S = 0.18, (0.24, 0.42)  # the mouth takes 80 ms to close
LOSS = 0.05  # of all packets that leave the server: sound, and both data channels
LEARNT_S = 9.0  # the browser reports what it lost every 5 s; then the packets carry repairs
STALL_S = 0.3
CHROMIUM = "/usr/bin/chromium"
# every 4 ms: loudness of the last 5 ms of the received sound, the mouth as drawn; frames are counted beside
SAMPLER = """() => {
  const audio = new AudioContext({ latencyHint: "interactive" });
  const ear = audio.createAnalyser();
  ear.fftSize = 256;
  audio.createMediaStreamSource(document.getElementById("voice").srcObject).connect(ear);
  const wave = new Float32Array(ear.fftSize);
  window.taken = { samples: [], frames: 0, cuts: [] };
  setInterval(() => {
    ear.getFloatTimeDomainData(wave);
    const rms = Math.sqrt(wave.reduce((sum, v) => sum + v * v, 0) / wave.length);
    taken.samples.push([performance.now(), rms, vaidol.puppet.value("ParamMouthOpenY")]);
  }, 4);
  const count = () => { taken.frames += 1; requestAnimationFrame(count); };
  requestAnimationFrame(count);
}"""
KEEP_PEERS = """const Real = RTCPeerConnection;
window.peers = [];
window.RTCPeerConnection = class extends Real { constructor(...given) { super(...given); peers.push(this); } };"""
BYTES = """async () => {
  const told = {};
  for (const report of (await peers.at(-1).getStats()).values())
    if (report.type === "data-channel") told[report.label] = report.bytesReceived;
  return told;
}"""


class Bursts(Speaker[Settings]):
    """Says "ah" again and again, at times that do not repeat."""

    rate = RATE
    long_s = 6.0  # how long a reply is

    async def speak(self, text: str) -> AsyncGenerator[F32, None]:
        chance = random.Random(1)
        ah = voices.formant(np.random.default_rng(5), "A", rate=RATE, ms=int(BURST_S * 1000)).samples
        seconds = 0.0
        while seconds < self.long_s:
            pause = chance.uniform(*PAUSES_S)
            yield np.concatenate([ah, np.zeros(int(pause * RATE), np.float32)])
            seconds += BURST_S + pause


class Echoes(instant.InstantAgent):
    """Says what it is told."""

    def process(self, port: str, frame: Any) -> None:
        if frame.final:
            self.emit("text", instant.TextDelta(text=frame.text, final=True, **frame.stamp()))


PIPELINE = {
    "version": 1,
    "name": "avatar",
    "nodes": {
        "agent": {"use": "bench.agent"}, "tts": {"use": "bench.tts"}, "sentences": {"use": "text.sentences"},
        "out": {"use": "webrtc.out"}, "page": {"use": "webrtc.data"}, "lips": {"use": "expression.lipsync"},
        "emotion": {"use": "expression.emotion"}, "motion": {"use": "expression.motion"},
    },
    "edges": [
        "page.text -> agent.user", "agent.text -> sentences.text", "sentences.sentence -> tts.text",
        "tts.audio -> out.audio", "out.spoken -> page.spoken, emotion.spoken, motion.spoken",
        "out.coming -> lips.audio", "lips.mouth -> page.mouth", "emotion.cue -> page.cue", "motion.cue -> page.cue",
    ],
}  # fmt: skip


def main(quick: bool) -> dict[str, Any]:
    """Keys: skew_ms_p50 and skew_ms_max (mouth after sound, of each "ah" of a quiet reply), the same in `stalled` and
    `lossy`, cut_to_closed_ms, vowel_accuracy (share, espeak-ng voices not learnt from) and by voice, fps, page_cpu
    (share of a core: scripts, style, layout), bytes_per_s of each channel, lipsync_cpu (share of a core)."""
    understood = voices.accuracy(voices.espeak(voices.HELD_OUT[:4] if quick else voices.HELD_OUT))
    figures = {
        "vowel_accuracy": understood.get("all"),
        "vowel_accuracy_by_voice": understood,
        "vowel_accuracy_hibari": voices.accuracy(voices.hibari(held_out=True)).get("all"),
        "lipsync_cpu": _lipsync_cpu(),
    }
    if shutil.which(CHROMIUM) is None or importlib.util.find_spec("playwright") is None:
        missing = dict.fromkeys(("skew_ms_p50", "skew_ms_max", "cut_to_closed_ms", "fps", "page_cpu", "bytes_per_s"))
        return {**missing, **figures}
    seconds = Bursts.long_s = 6.0 if quick else 30.0
    with _server() as (url, loop), _page(url) as page:
        quiet = _reply(page, seconds)
        figures = {**_skew(quiet), "cut_to_closed_ms": _cuts(page, 3 if quick else 15), **figures}
        figures |= {name: quiet[name] for name in ("fps", "page_cpu", "bytes_per_s")}
        stalls = [
            _later(seconds * share, lambda: loop.call_soon_threadsafe(time.sleep, STALL_S)) for share in (0.3, 0.6)
        ]
        figures["stalled"] = _skew(_reply(page, seconds))
        for stall in stalls:
            stall.cancel()
        with _loss():
            page.wait_for_timeout(LEARNT_S * 1000)
            figures["lossy"] = _skew(_reply(page, seconds))
    return figures


def _lipsync_cpu() -> float:
    from vaidol.nodes.expression._mouth import MouthCurve

    sound = np.concatenate([voices.formant(np.random.default_rng(n), "A", rate=RATE).samples for n in range(50)])
    taken = []
    for _ in range(5):
        curve, began = MouthCurve(), time.thread_time()
        curve.feed(sound)
        taken.append((time.thread_time() - began) / (len(sound) / RATE))
    return round(statistics.median(taken), 4)


@contextmanager
def _server() -> Iterator[tuple[str, asyncio.AbstractEventLoop]]:
    """The server on a loop and thread of its own; Playwright keeps this one."""
    started: list[Any] = []
    ready = threading.Event()

    async def run() -> None:
        kinds = Registry("vaidol.nodes", extra={"bench.agent": Echoes, "bench.tts": Bursts})
        async with serving(PIPELINE, kinds) as (url, _):
            over = asyncio.Event()
            started.extend([url, asyncio.get_running_loop(), over])
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="bench server")
    thread.start()
    try:
        if not ready.wait(60):
            raise RuntimeError("the server did not start")
        yield started[0], started[1]
    finally:
        if started:
            started[1].call_soon_threadsafe(started[2].set)
        thread.join(20)


@contextmanager
def _page(url: str) -> Iterator[Page]:
    """A page in a call, with the sampler running."""
    from vaidol.tests.browser import chromium

    with chromium() as browser:
        page = browser.new_context(bypass_csp=True).new_page()
        page.add_init_script(KEEP_PEERS)
        page.goto(url)
        page.locator("#start:enabled").click(timeout=30_000)
        page.wait_for_function("vaidol.state === 'listening' && document.getElementById('voice').srcObject !== null")
        page.evaluate(SAMPLER)
        page.wait_for_function("vaidol.exact", timeout=20_000)
        page.wait_for_timeout(1500)  # the first seconds of a page are its busiest
        yield page


def _reply(page: Page, seconds: float) -> dict[str, Any]:
    """Let it speak; what was sampled, and what it cost."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    worked, read = _worked_s(session), page.evaluate(BYTES)
    page.evaluate("() => { taken.samples = []; taken.frames = 0; }")
    began = time.perf_counter()
    page.fill("#text", "Speak.")
    page.press("#text", "Enter")
    page.wait_for_function("vaidol.state === 'speaking'", timeout=10_000)
    page.wait_for_function("vaidol.state === 'listening'", timeout=(seconds + 20) * 1000)
    took = time.perf_counter() - began
    got = page.evaluate(BYTES)
    return {
        "samples": np.array(page.evaluate("() => taken.samples")),
        "fps": round(page.evaluate("() => taken.frames") / took, 1),
        "page_cpu": round((_worked_s(session) - worked) / took, 3),
        "bytes_per_s": {label: round((got[label] - read[label]) / took) for label in got},
    }


def _worked_s(session: Any) -> float:
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


def _skew(reply: dict[str, Any]) -> dict[str, float]:
    """By how much the mouth opens after the sound begins, each at half of its height, ms."""
    at, loud, mouth = reply["samples"].T
    found = []
    for onset in _rises(at, loud, 0.5 * np.percentile(loud, 90)):
        near = (at > onset - 150) & (at < onset + 200)
        rises = _rises(at[near], mouth[near], 0.5 * mouth[near].max()) if mouth[near].max() > 0.2 else []
        if rises:
            found.append(min(rises, key=lambda rise: abs(rise - onset)) - onset)
    sizes = np.abs(found)
    return {
        "skew_ms_p50": round(float(np.median(found)), 1),
        "skew_ms_p95": round(float(np.percentile(sizes, 95)), 1),
        "skew_ms_max": round(float(sizes.max()), 1),
        "onsets": len(found),
    }


def _rises(at: Any, values: Any, level: float) -> list[float]:
    """When `values` pass `level` upwards, having been below for 60 ms."""
    found, low_since = [], -np.inf
    for n in range(1, len(values)):
        if values[n - 1] < level <= values[n] and at[n] - low_since > 60:
            share = (level - values[n - 1]) / (values[n] - values[n - 1])
            found.append(float(at[n - 1] + share * (at[n] - at[n - 1])))
        if values[n] >= level or n == 1:
            low_since = at[n] if values[n] >= level else -np.inf
    return found


def _cuts(page: Page, count: int) -> float:
    """From pressing stop to a closed mouth, ms; the median."""
    found = []
    for number in range(count):
        page.fill("#text", "Speak.")
        page.press("#text", "Enter")
        page.wait_for_function("vaidol.state === 'speaking'")
        page.wait_for_timeout(700 + 37 * number)
        found.append(page.evaluate(CUT))
        page.wait_for_function("vaidol.state === 'listening'")
    return round(statistics.median(found), 1)


CUT = """() => new Promise((resolve) => {
  const face = () => vaidol.puppet.value("ParamMouthOpenY");
  let began = null;
  let before = 1;
  const look = () => {
    const now = face();
    if (began === null && before < 0.3 && now >= 0.3) {  // the sound has just begun and goes on for a while
      began = performance.now();
      document.getElementById("interrupt").click();
    } else if (began !== null && now <= 0.02) return resolve(performance.now() - began);
    before = now;
    requestAnimationFrame(look);
  };
  look();
})"""


@contextmanager
def _loss() -> Iterator[None]:
    """A share of what leaves the server is lost."""
    chance = random.Random(2)
    kept = {name: getattr(RTCDtlsTransport, name) for name in ("_send_rtp", "_send_data")}

    def losing(send: Callable[..., Any]) -> Callable[..., Any]:
        async def lose(self: RTCDtlsTransport, data: bytes) -> None:
            if chance.random() >= LOSS:
                await send(self, data)

        return lose

    for name, send in kept.items():
        setattr(RTCDtlsTransport, name, losing(send))
    try:
        yield
    finally:
        for name, send in kept.items():
            setattr(RTCDtlsTransport, name, send)


def _later(seconds: float, call: Callable[[], Any]) -> threading.Timer:
    timer = threading.Timer(seconds, call)
    timer.start()
    return timer
