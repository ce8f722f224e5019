"""`/metrics`: read by Prometheus' own parser, adding up, with few labels; and the dashboard asks for what there is."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from vaidol.server.app import SERVER, Options
from vaidol.tests.server.client import ECHO, serving
from vaidol.tests.server.test_pipelines_api import asked, in_call

DASHBOARD = Path(__file__).parents[2] / "docker" / "grafana" / "vaidol.json"
WORD = re.compile(r"\b(?:vaidol|process)_[a-z_]+\b")


async def scraped(client: TestClient[Any, Any]) -> dict[str, Metric]:
    async with client.get("/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain")
        return {family.name: family for family in text_string_to_metric_families(await response.text())}


def value(families: dict[str, Metric], name: str, **labels: str) -> float:
    found = [
        sample.value
        for family in families.values()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(found) == 1, (name, labels, found)
    return float(found[0])


def test_what_a_call_did_is_counted_and_stays_counted_when_it_is_over() -> None:
    async def main() -> None:
        async with serving(ECHO) as client:
            assert value(await scraped(client), "vaidol_sessions") == 0
            caller, base = await in_call(client)
            await caller.until(lambda: sum(level > 0.05 for level in caller.levels) > 50, "sound")
            caller.send({"t": "text", "text": "hello"})
            patch = {"nodes": {"out": {"with": {"live": True}}}}
            assert (await asked(client, "PUT", f"{base}/pipeline?at=now", json=patch))[0] == 200
            running = await scraped(client)
            edge = {"pipeline": "echo", "edge": "mic.audio -> out.audio"}
            entered = value(running, "vaidol_edge_frames_total", **edge)
            out = {"pipeline": "echo", "node": "out", "kind": "webrtc.out"}
            frames = value(running, "vaidol_node_frames_total", **out)
            assert 0 < frames <= entered
            assert value(running, "vaidol_node_latency_seconds_count", **out) == frames
            assert value(running, "vaidol_sessions") == 1
            assert value(running, "vaidol_swaps_total", outcome="applied") == 1
            assert value(running, "vaidol_swap_gap_seconds_count") == 1
            async with client.delete(f"/{caller.location}"):
                pass
            sessions = client.app[SERVER].sessions  # type: ignore[union-attr]
            await caller.until(lambda: not len(sessions), "the end")
            after = await scraped(client)
            assert value(after, "vaidol_edge_frames_total", **edge) >= entered
            assert value(after, "vaidol_edge_depth", **edge) == 0
            assert value(after, "vaidol_sessions_begun_total") == 1
            assert value(after, "vaidol_turns_total", status="cut") == 1
            assert value(after, "process_resident_memory_bytes") > 1e6
            await caller.close()

    asyncio.run(main())


def test_buckets_grow_and_labels_are_few() -> None:
    async def main() -> None:
        async with serving(ECHO) as client:
            caller, _ = await in_call(client)
            await caller.until(lambda: sum(level > 0.05 for level in caller.levels) > 10, "sound")
            families = await scraped(client)
            session = next(iter(client.app[SERVER].sessions)).id  # type: ignore[union-attr]
            for family in families.values():
                labels = {name for sample in family.samples for name in sample.labels}
                assert labels <= {"pipeline", "node", "kind", "edge", "le", "at", "status", "how", "outcome", "version"}
                assert not any(session in text for sample in family.samples for text in sample.labels.values())
                if family.type == "histogram":
                    growing(family)
            await caller.close()

    asyncio.run(main())


def growing(family: Metric) -> None:
    rows: dict[str, list[tuple[float, float]]] = {}
    for sample in family.samples:
        if sample.name.endswith("_bucket"):
            key = json.dumps({name: text for name, text in sample.labels.items() if name != "le"}, sort_keys=True)
            rows.setdefault(key, []).append((float(sample.labels["le"]), sample.value))
    for row in rows.values():
        assert row == sorted(row)
        assert [count for _, count in row] == sorted(count for _, count in row)
        assert row[-1][0] == float("inf")


def test_strangers_may_not_read_them() -> None:
    async def main() -> None:
        async with serving(ECHO, Options(token="secret")) as client, client.get("/metrics") as response:
            assert response.status == 401

    asyncio.run(main())


def test_the_dashboard_asks_for_what_there_is() -> None:
    board = json.loads(DASHBOARD.read_text())
    wanted = {name for panel in board["panels"] for target in panel["targets"] for name in WORD.findall(target["expr"])}

    async def main() -> None:
        async with serving(ECHO) as client:
            known = await scraped(client)
        told = {name for family in known.values() for name in (family.name, *(s.name for s in family.samples))}
        told |= {f"{f.name}_bucket" for f in known.values() if f.type == "histogram"}
        told |= {f"{f.name}_total" for f in known.values() if f.type == "counter"}
        assert wanted <= told, wanted - told
        assert len(wanted) > 15

    asyncio.run(main())
