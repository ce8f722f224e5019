"""A minute of scripted conversation with the default pipeline: questions, a cough, interruptions, typing, stops."""

from __future__ import annotations

from typing import Any

from vaidol.graph.clock import run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.plan import Plan
from vaidol.graph.registry import Registry
from vaidol.graph.scenario import Scenario, check, simulated
from vaidol.graph.scenario_play import Record, play
from vaidol.graph.spec import load
from vaidol.graph.yamlfile import Document
from vaidol.nodes import registry
from vaidol.pipelines import LIBRARY

STORY = "Once upon a time there was a robot on a hill. It counted stars. One night it found a new one. [joy] How nice!"
CIRCLE: list[dict[str, Any]] = [  # 20 s
    {"say": "What time is it?", "expect": [{"event": "sound", "within_ms": 1600}, {"event": "done"}]},
    {"say": "Tell me a story", "expect": [{"event": "reply", "text": "once upon", "within_ms": 1600}]},
    {"say": "Mhm", "ms": 200, "expect": [{"event": "resume"}], "never": [{"event": "cut"}]},
    {"say": "Stop, please", "expect": [{"event": "cut"}, {"event": "transcript", "text": "stop please"}]},
    {"type": "Another story", "expect": [{"event": "sound", "within_ms": 800}]},
    {"stop": True, "expect": [{"event": "cut", "within_ms": 1}], "never": [{"event": "sound", "after": "cut"}]},
]
TIMES = (0.5, 6.0, 9.5, 12.0, 15.5, 18.0)


def scenario(circles: int = 3, **more: Any) -> Scenario:
    """`circles` times 20 s."""
    script = [
        {**step, "at": at + 20 * circle} for circle in range(circles) for at, step in zip(TIMES, CIRCLE, strict=True)
    ]
    replies = [{"to": "story", "text": STORY}, {"to": "time", "text": "It is noon, and the sun is out."}]
    data = {"version": 1, "name": "minute", "replies": replies, "script": script, **more}
    return check(Document(data, "minute.yaml"))


def prepared(script: Scenario, kinds: Registry | None = None, pipeline: str = "default") -> tuple[Plan, Registry]:
    """The simulated plan of a shipped pipeline for `script`."""
    kinds = kinds or registry()
    source = simulated(load(LIBRARY / f"{pipeline}.yaml", library=LIBRARY), script)
    return compile_plan(source, kinds), kinds


def played(script: Scenario, plan: Plan, kinds: Registry) -> Record:
    """Play it on virtual time."""

    async def main() -> Record:
        engine = Engine(kinds)
        try:
            return await play(script, plan, engine, {})
        finally:
            engine.close()

    return run_virtual(main())
