"""`vaidol scenario`: a scripted conversation with a pipeline on virtual time, held against what is expected of it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaidol.graph.clock import Stalled, run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.errors import ProviderError
from vaidol.graph.plan import Plan
from vaidol.graph.registry import Registry
from vaidol.graph.scenario import Scenario, load, simulated
from vaidol.graph.scenario_check import Verdict, verdicts
from vaidol.graph.scenario_play import Record, play
from vaidol.models.errors import ModelError
from vaidol.nodes import registry
from vaidol.pipelines import LIBRARY
from vaidol.server.cli import logs, pipeline
from vaidol.server.cli.wrong import Wrong

if TYPE_CHECKING:
    from vaidol.graph.frames import F32

RATE = 16_000  # Hz
EXAMPLES = LIBRARY / "scenarios"


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "scenario",
        help="play a scripted conversation",
        description="Play a scripted conversation to a pipeline on virtual time, with simulated models, and say which "
        "expectations came true. The format: vaidol/graph/scenario.py; examples: vaidol/pipelines/scenarios.",
    )
    command.add_argument("file", metavar="FILE", help="a scenario file, or the name of an example")
    command.add_argument("--pipeline", metavar="FILE", help=f"another pipeline than the scenario's: {pipeline.HELP}")
    command.add_argument("--log", action="store_true", help="print everything that happened, too")
    command.add_argument("--json", action="store_true", help="print the result as JSON")
    return command


def run(arguments: argparse.Namespace) -> int:
    logs.to_stderr()
    scenario = load(_find(arguments.file))
    record = run_scenario(scenario, arguments.pipeline)
    found = verdicts(scenario, record)
    failed = sum(not verdict.ok for verdict in found)
    if arguments.json:
        print(json.dumps(_told(record, found), indent=1, ensure_ascii=False))
    else:
        if arguments.log:
            print(*_log(record), "", sep="\n")
        print(*_table(found), sep="\n")
        print(
            f"{len(found) - failed} of {len(found)} as expected in {record.ms / 1000:.2f} s; log {record.digest[:16]}"
        )
    return 1 if failed else 0


def run_scenario(scenario: Scenario, given: str | None = None, kinds: Registry | None = None) -> Record:
    """Play `scenario` to its pipeline, or to the `given` one. Raises `PipelineError`, `Wrong`."""
    kinds = kinds or registry()
    source = simulated(pipeline.source(given or _pipeline(scenario)), scenario)
    plan, sounds = compile_plan(source, kinds), _sounds(scenario)
    try:
        return run_virtual(_play(scenario, plan, kinds, sounds))
    except (ProviderError, ModelError) as error:
        raise Wrong(str(error)) from error
    except Stalled as error:
        raise Wrong(f"{scenario.spec.name}: {error}") from error


async def _play(scenario: Scenario, plan: Plan, kinds: Registry, sounds: dict[str, F32]) -> Record:
    engine = Engine(kinds)
    try:
        return await play(scenario, plan, engine, sounds)
    finally:
        engine.close()


def _find(name: str) -> Path:
    example = EXAMPLES / f"{name}.yaml"
    return example if example.is_file() and not Path(name).is_file() else Path(name)


def _pipeline(scenario: Scenario) -> str:
    """What the scenario says, its path counted from the scenario's folder."""
    name = scenario.spec.pipeline
    if not name:
        raise scenario.error("which pipeline? Add 'pipeline: default', or say --pipeline", "pipeline")
    beside = scenario.folder / name
    return str(beside) if beside.is_file() else name


def _sounds(scenario: Scenario) -> dict[str, F32]:
    """The sound files of the script, as 16 kHz mono."""
    sounds = {}
    for index, step in enumerate(scenario.spec.script):
        if step.sound is not None and str(step.sound) not in sounds:
            try:
                sounds[str(step.sound)] = _read(scenario.folder / step.sound.expanduser())
            except ProviderError as error:
                raise scenario.error(str(error), "script", index, "sound") from error
    return sounds


def _read(path: Path) -> F32:
    import numpy as np
    import soxr

    from vaidol.nodes.file._reader import RATE as FILE_RATE
    from vaidol.nodes.file._reader import Reader

    reader = Reader(path)
    try:
        parts = []
        while len(part := reader.read(FILE_RATE)):
            parts.append(part)
    finally:
        reader.close()
    return np.ascontiguousarray(soxr.resample(np.concatenate(parts), FILE_RATE, RATE), np.float32)


def _table(found: list[Verdict]) -> list[str]:
    width = max(len(verdict.what) for verdict in found)
    lines = max(len(str(verdict.place.line or "")) for verdict in found)
    marks = {True: "ok  ", False: "FAIL"}
    return [f"{marks[v.ok]}  {v.place.line or '':>{lines}}  {v.what:<{width}}  {v.found}".rstrip() for v in found]


def _log(record: Record) -> list[str]:
    return [f"{s.ms:>10.1f}  {s.what:<10} {s.gen or '':>3}  {s.text}".rstrip() for s in record.seen]


def _told(record: Record, found: list[Verdict]) -> dict[str, Any]:
    return {
        "ok": all(verdict.ok for verdict in found),
        "digest": record.digest,
        "ms": record.ms,
        "expected": [
            {"place": str(v.place), "what": v.what, "ok": v.ok, "found": v.found} for v in found
        ],
        "seen": [
            {"ms": s.ms, "what": s.what, "text": s.text, "turn": s.gen, "node": s.node} for s in record.seen
        ],
    }  # fmt: skip
