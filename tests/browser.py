"""Headless Chromium for tests: one launch helper, used with a faked peer (tests/server) and a real one (tests/e2e)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Playwright

CHROMIUM = "/usr/bin/chromium"
FRAME_MS = 50  # at 60 frames a second, drawing without a graphics card takes most of a core
WINDOW = {"width": 880, "height": 600}
CALM = f"""(() => {{
  const draw = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (act) => setTimeout(() => draw(act), {FRAME_MS - 8});
}})()"""
FLAGS = (
    "--no-sandbox",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def available() -> bool:
    return shutil.which(CHROMIUM) is not None


@contextmanager
def chromium(*, microphone: Path | None = None, flags: tuple[str, ...] = ()) -> Iterator[Browser]:
    """A browser; `microphone` is a 48 kHz mono WAV played once, from the moment the page opens its microphone."""
    with chromiums(microphone, flags=flags) as (browser,):
        yield browser


@contextmanager
def chromiums(*microphones: Path | None, flags: tuple[str, ...] = ()) -> Iterator[list[Browser]]:
    """A browser process for each microphone."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, ExitStack() as stack:
        yield [stack.enter_context(_launched(playwright, microphone, flags)) for microphone in microphones]


@contextmanager
def _launched(playwright: Playwright, microphone: Path | None, flags: tuple[str, ...]) -> Iterator[Browser]:
    wav = (f"--use-file-for-fake-audio-capture={microphone.resolve()}%noloop",) if microphone else ()
    browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=[*FLAGS, *wav, *flags])
    try:
        yield browser
    finally:
        browser.close()


def calm(browser: Browser, **context: Any) -> BrowserContext:
    """A context of small pages that draw 20 frames a second: the machine is left to what is tested."""
    made = browser.new_context(**{"viewport": WINDOW, **context})
    made.add_init_script(CALM)
    return made


def complaints(page: Page) -> list[str]:
    """A list that fills with what the page's console reports as errors, refused policies among them."""
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda fault: found.append(str(fault)))
    return found
