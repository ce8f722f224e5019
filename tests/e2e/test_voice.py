"""Another voice in a real browser: RVC behind the synthesizer, cut and killed in mid-sentence; the live changer."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from tests.models.rvc.ears import write_ears
from tests.models.rvc.voices import checkpoint
from vaidol.tests.bench import _speech as speech
from vaidol.tests.browser import calm, chromium
from vaidol.tests.e2e.local_openai import openai_server
from vaidol.tests.e2e.serving import Server, serving
from vaidol.tests.e2e.talking import SAMPLER, needs_everything, start, told, type_in, wait_for_answers
from vaidol.tests.e2e.test_calls import sessions
from vaidol.tests.openai_server import OpenaiServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = needs_everything
LONG = "The sea is wide and blue and deep, and far away behind it lies an island where the sun goes down at night."
BEHIND_TTS = """
version: 1
name: rvc-test
extends: rvc.yaml
nodes:
  agent: {{ use: agent.openai, with: {{ persona: vai, base_url: "{url}", api_key: none, model: parrot }} }}
  voice: {{ use: voice.rvc, with: {{ f0: periods, late_ms: 20000, gap_ms: 20000 }} }}
"""
TOLD = "document.querySelector('#notice').textContent.includes('the sound goes on as it is')"
LIVE = """
version: 1
name: live-test
extends: voice-changer.yaml
nodes:
  voice: {{ use: voice.rvc, with: {{ model: "{model}", units: "{units}", f0: periods, late_ms: 20000 }} }}
"""
# every 100 ms: the strongest frequency of the received track and its loudness
PITCHES = """() => {
  const audio = new AudioContext({sampleRate: 48000});
  const ear = audio.createAnalyser();
  ear.fftSize = 8192;
  ear.smoothingTimeConstant = 0;
  audio.createMediaStreamSource(document.getElementById("voice").srcObject).connect(ear);
  const levels = new Float32Array(ear.frequencyBinCount), wave = new Float32Array(2048);
  window.pitches = [];
  setInterval(() => {
    ear.getFloatFrequencyData(levels);
    ear.getFloatTimeDomainData(wave);
    const top = levels.indexOf(Math.max(...levels));
    window.pitches.push([top * 48000 / ear.fftSize, Math.sqrt(wave.reduce((sum, v) => sum + v * v, 0) / wave.length)]);
  }, 100);
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("voice")
    torch.save(checkpoint(2), made / "voice.pth")
    write_ears(made / "ears")
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """The default pipeline with a small random voice, and a language model that says what it hears."""
    with openai_server(OpenaiServer(reply=lambda messages: str(messages[-1]["content"]))) as parrot:
        (folder / "behind.yaml").write_text(BEHIND_TTS.format(url=parrot.url))
        files = {"RVC_MODEL": str(folder / "voice.pth"), "RVC_UNITS": str(folder / "ears")}
        with serving(folder, str(folder / "behind.yaml"), **files) as running:
            yield running


def voice(server: Server, page: Page) -> dict[str, Any]:
    """The meters of the node `voice` in the page's session."""
    mine = page.evaluate("vaidol.session")
    (session,) = (one for one in sessions(server) if one["id"] == mine)
    found: dict[str, Any] = session["nodes"]["voice"]
    return found


def workers(server: Server) -> list[int]:
    """The worker processes of the server."""
    children = Path(f"/proc/{server.process.pid}/task").glob("*/children")
    found = [int(child) for task in children for child in task.read_text().split()]
    return [pid for pid in found if b"vaidol.graph.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def until(true: Any, seconds: float = 30.0) -> None:
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.1)  # another process: there is nothing else to wait on


def test_a_call_in_an_rvc_voice_cut_in_mid_sentence(server: Server) -> None:
    with chromium() as browser:
        page = calm(browser, bypass_csp=True).new_page()
        start(page, server.url)
        page.locator("#mute").click()
        page.evaluate(SAMPLER)
        type_in(page, LONG)
        page.wait_for_function("samples.filter(([rms]) => rms > 0.01).length > 20", timeout=60_000)
        page.keyboard.press("Escape")
        page.wait_for_function("vaidol.state === 'listening'", timeout=5_000)
        page.wait_for_timeout(600)
        page.evaluate("samples.length = 0")
        page.wait_for_timeout(1_500)
        assert max(rms for rms, *_ in page.evaluate("samples")) < 0.005
        type_in(page, "Are you there?")
        page.wait_for_function("samples.some(([rms]) => rms > 0.01)", timeout=60_000)
        wait_for_answers(page, 2)
        assert "island" not in told(page, "avatar")[0]["text"]
        assert voice(server, page)["counts"] == {}


def test_the_worker_is_killed_and_the_call_goes_on(server: Server) -> None:
    with chromium() as browser:
        page = calm(browser, bypass_csp=True).new_page()
        start(page, server.url)
        page.locator("#mute").click()
        page.evaluate(SAMPLER)
        (worker,) = workers(server)
        type_in(page, LONG)
        page.wait_for_function("samples.some(([rms]) => rms > 0.01)", timeout=60_000)
        os.kill(worker, signal.SIGKILL)
        page.wait_for_function(TOLD, timeout=30_000)
        wait_for_answers(page, 1)
        assert told(page, "avatar")[0]["text"].endswith("night.")  # heard to the end
        type_in(page, "And now?")
        wait_for_answers(page, 2)
        assert voice(server, page)["counts"]["late"] >= 1
        until(lambda: workers(server) not in ([], [worker]))
        type_in(page, "And again?")
        wait_for_answers(page, 3)
        (again,) = workers(server)
    server.interrupt()
    until(lambda: not Path(f"/proc/{again}").exists())
    assert "Traceback" not in server.log.read_text()


def test_a_tone_sweep_through_the_live_changer(tmp_path: Path) -> None:
    rate, seconds = speech.RATE, 8.0
    hertz = np.linspace(150, 300, round(seconds * rate))
    sweep = 0.3 * sum(np.sin(2 * np.pi * n * np.cumsum(hertz) / rate) / n**2 for n in (1, 2, 3))
    microphone = speech.write(tmp_path / "sweep.wav", np.concatenate((np.zeros(rate), sweep)).astype(np.float32))
    with serving(tmp_path, "voice-changer", VOICE="child") as server, chromium(microphone=microphone) as browser:
        page = calm(browser, bypass_csp=True).new_page()
        start(page, server.url)
        page.evaluate(PITCHES)
        page.wait_for_function("pitches.filter(([hz, rms]) => rms > 0.02).length > 50", timeout=30_000)
        heard = np.array([hz for hz, rms in page.evaluate("pitches") if rms > 0.02])[3:48]
        assert voice(server, page)["slowest_ms"] < 1_000
    ratio = 2 ** (6 / 12)
    steps = np.diff(heard)
    assert 150 * ratio < np.median(heard) < 300 * ratio
    slope = np.polyfit(np.arange(len(heard)) * 0.1, heard, 1)[0]  # Hz/s
    assert slope == pytest.approx((300 - 150) / seconds * ratio, rel=0.3)
    assert np.mean(np.abs(steps) < 25) > 0.8  # it glides: no octave jumps


def test_a_voice_through_the_live_changer_with_rvc(folder: Path, tmp_path: Path) -> None:
    said = speech.script(1.5, "This is what I say, and it goes out in another voice.", 1.0, "And once more.", 8.0)
    microphone = speech.write(tmp_path / "speech.wav", said)
    (tmp_path / "live.yaml").write_text(LIVE.format(model=folder / "voice.pth", units=folder / "ears"))
    with serving(tmp_path, str(tmp_path / "live.yaml")) as server, chromium(microphone=microphone) as browser:
        page = calm(browser, bypass_csp=True).new_page()
        start(page, server.url)
        page.evaluate(SAMPLER)
        page.wait_for_function("samples.filter(([rms]) => rms > 0.01).length > 60", timeout=30_000)
        page.wait_for_timeout(2_000)
        assert voice(server, page)["counts"] == {}
        assert voice(server, page)["slowest_ms"] < 1_000
    assert "Traceback" not in server.log.read_text()
