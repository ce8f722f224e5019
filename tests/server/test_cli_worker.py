"""`vaidol worker` as a user starts it: it keeps a node for a core that knows the token, and ends with Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from vaidol.graph.compiler import compile_plan
from vaidol.graph.ends import ENDS
from vaidol.graph.engine import Engine
from vaidol.graph.frames import Audio
from vaidol.graph.remote import TOKEN
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import from_dict
from vaidol.nodes import registry
from vaidol.tests.e2e.serving import free_port
from vaidol.tests.server.test_cli import vaidol


def test_it_keeps_a_node_for_a_core_that_knows_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    command = [sys.executable, "-m", "vaidol.server.cli", "worker", "--port", str(port)]
    environment = {**os.environ, TOKEN: "sesame"}
    monkeypatch.setenv(TOKEN, "sesame")
    spec = {
        "version": 1, "name": "far", "edges": ["a.out -> v.audio", "v.audio -> b.in"],
        "nodes": {
            "a": {"use": "ends.inlet", "with": {"rate": 16_000}}, "b": {"use": "ends.outlet"},
            "v": {"use": "voice.shift", "with": {"preset": "deep"}, "place": f"remote(127.0.0.1:{port})"},
        },
    }  # fmt: skip

    async def main() -> None:
        kinds = registry()
        for name, kind in ENDS.items():
            kinds.add(name, kind)
        engine = Engine(kinds)
        async with Graph(compile_plan(from_dict(spec), kinds), engine) as graph:
            hum = np.sin(np.arange(4_800) * 0.05).astype(np.float32)
            for begin in range(0, 4_800, 320):
                frame = Audio(samples=hum[begin : begin + 320].copy(), rate=16_000, pts=begin, final=begin == 4_480)
                graph.node("a").push(frame)
            async with asyncio.timeout(20):
                while not any(one.final for one in graph.node("b").received):  # noqa: ASYNC110  # it has no event
                    await asyncio.sleep(0.01)
            made = np.concatenate([one.samples for one in graph.node("b").received])
            assert len(made) == 4_800
            assert 0.1 < float(np.sqrt(np.mean(made**2))) < 1.0
            assert not np.allclose(made, hum, atol=0.05)
        engine.close()

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline().startswith(f"vaidol worker is at 127.0.0.1:{port}")
            asyncio.run(main())
            worker.send_signal(signal.SIGINT)
            assert worker.wait(10) == 0
        finally:
            worker.kill()


def test_it_listens_to_others_with_a_token_only() -> None:
    done = vaidol("worker", "--host", "0.0.0.0", **{TOKEN: ""})
    assert done.returncode == 2
    assert TOKEN in done.stderr
