"""What the whole calls share: pressing start, waiting for answers, and watching sound and face side by side."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from vaidol.tests.browser import available

if TYPE_CHECKING:
    from playwright.sync_api import Page

needs_everything = [
    pytest.mark.alone,
    pytest.mark.browser,
    pytest.mark.models,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not available(), reason="needs chromium"),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng"),
]

# every 20 ms: loudness of the received track, how far the mouth is open, which expression, which state
SAMPLER = """() => {
  const audio = new AudioContext();
  const ear = audio.createAnalyser();
  ear.fftSize = 1024;
  audio.createMediaStreamSource(document.getElementById("voice").srcObject).connect(ear);
  const wave = new Float32Array(ear.fftSize);
  window.samples = [];
  setInterval(() => {
    ear.getFloatTimeDomainData(wave);
    const rms = Math.sqrt(wave.reduce((sum, v) => sum + v * v, 0) / wave.length);
    const avatar = document.querySelector("#avatar svg");
    window.samples.push([rms, vaidol.puppet.value("ParamMouthOpenY"), avatar.dataset.expression, vaidol.state]);
  }, 20);
}"""


def start(page: Page, url: str) -> None:
    """Press start; returns in a call whose sound arrives."""
    page.goto(url)
    page.locator("#start:enabled").click(timeout=30_000)
    live(page)


def live(page: Page) -> None:
    page.wait_for_function("vaidol.state === 'listening'", timeout=20_000)
    page.wait_for_function("document.getElementById('voice').srcObject !== null", timeout=15_000)


def type_in(page: Page, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")


def wait_for_answers(page: Page, count: int) -> None:
    """Until the page has shown `count` finished replies and listens again."""
    page.wait_for_function(
        """count => {
          const turns = new Set(vaidol.transcript().filter(e => e.who === "avatar" && e.final).map(e => e.turn));
          return turns.size >= count && vaidol.state === "listening";
        }""",
        arg=count,
        timeout=60_000,
    )


def told(page: Page, who: str) -> list[dict[str, Any]]:
    """Entries of the transcript by `who`: user, avatar or note."""
    return [entry for entry in page.evaluate("vaidol.transcript()") if entry["who"] == who]
