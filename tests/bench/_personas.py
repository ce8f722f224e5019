"""Another persona in a live call of the default pipeline: how long that takes, and whether the first comes back."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from typing import Any

import yaml

import vaidol.pipelines
from vaidol.server.app import SERVER
from vaidol.tests.server.client import Caller, call, serving

DEFAULT = Path(vaidol.pipelines.__path__[0]) / "default.yaml"
ROUNDS = 5


def measure(quick: bool) -> dict[str, float]:
    """Milliseconds from the wish to the answer that it is done, vai to mo and back; the call is idle and goes on."""
    return asyncio.run(_measure(1 if quick else ROUNDS))


async def _measure(rounds: int) -> dict[str, float]:
    took, still, first, later = list[float](), list[float](), list[float](), list[float]()
    async with serving(yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))) as client:
        while (await (await client.get("/health")).json())["status"] != "ok":  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        caller = await call(client)
        await caller.message("persona", name="vai")  # told when the nodes are open
        session = next(iter(client.app[SERVER].sessions))  # type: ignore[union-attr]
        before = _settings(session)
        for name in ("mo", "vai") * rounds:
            began = time.perf_counter()
            async with client.post(f"/api/sessions/{session.id}/persona", json={"persona": name}) as answer:
                told = await answer.json()
                assert answer.status == 200, told
            took.append(1e3 * (time.perf_counter() - began))
            still.append(told["gap_ms"])
            first.append(await _asked(caller))
            later.append(await _asked(caller))
        assert _settings(session) == before
        await caller.close()
    return {
        "switch ms": statistics.median(took), "most": max(took), "nodes stand still ms": max(still),
        "first reply heard ms": statistics.median(first), "later ones ms": statistics.median(later),
    }  # fmt: skip


async def _asked(caller: Caller) -> float:
    """Milliseconds from typed words to the first sound of the reply, which is then stopped."""
    caller.messages.clear()
    began = time.perf_counter()
    caller.send({"t": "text", "text": "Who are you, and what do you like?"})
    await caller.until(lambda: any(m["t"] == "state" and m["value"] == "speaking" for m in caller.messages))
    took = 1e3 * (time.perf_counter() - began)
    caller.send({"t": "interrupt"})
    await caller.message("state", value="listening")
    return took


def _settings(session: Any) -> dict[str, Any]:
    return {node.name: node.settings for node in session.graph.plan.nodes}
