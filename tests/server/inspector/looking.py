"""Waiting for, and looking at, what the inspector page shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

WAIT_MS = 20_000
PROBES = Path(__file__).with_name("probes.js").read_text().strip()


def until(page: Page, expression: str) -> Any:
    """Wait until `expression` is true on the page, whose policy forbids the browser's own way of waiting for it."""
    for _ in range(WAIT_MS // 50):
        if found := page.evaluate(expression):
            return found
        page.wait_for_timeout(50)
    raise AssertionError(f"waited in vain for {expression}")


def probe(page: Page, name: str, argument: Any = None) -> Any:
    """Call a function of `probes.js`."""
    return page.evaluate(f"(argument) => {PROBES}.{name}(argument)", argument)


def edge(page: Page, name: str) -> None:
    page.locator(f'[data-edge="{name}"] .grip').dispatch_event("click")
