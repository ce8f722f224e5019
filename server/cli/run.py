"""`vaidol run`: a pipeline on sound files instead of a call, with the time every stage took."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaidol.graph.clock import Stalled, run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.errors import ProviderError
from vaidol.graph.plan import Plan
from vaidol.graph.registry import Registry
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import PipelineSpec, Source
from vaidol.graph.waterfall import chrome_trace
from vaidol.models.errors import ModelError
from vaidol.nodes import registry
from vaidol.server import loop
from vaidol.server.cli import logs, pipeline
from vaidol.server.cli.progress import Bars
from vaidol.server.cli.wrong import Wrong

if TYPE_CHECKING:
    from vaidol.graph.frames import F32
    from vaidol.nodes.webrtc._call import Message

LOOK_S = 0.1
IDLE_LOOKS = 3  # in a row; between two steps of a turn a graph may be idle for a moment


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "run",
        help="run a pipeline on a sound file",
        description="Play a sound file to a pipeline, in real time, and write what it answers. Without a browser. "
        "--virtual does not wait for the clock: a pipeline whose models are deterministic (for the language model: "
        "temperature 0 or a seed) then gives the same sound and the same log every time. Nodes that need the network "
        "fail on it.",
    )
    command.add_argument("pipeline", metavar="FILE", help=pipeline.HELP)
    command.add_argument("--in", dest="question", type=Path, required=True, metavar="WAV", help="what the user says")
    command.add_argument("--out", dest="answer", type=Path, required=True, metavar="WAV", help="where the reply goes")
    command.add_argument(
        "--virtual", action="store_true", help="on virtual time: as fast as the models compute, and they take no time"
    )
    command.add_argument("--trace", type=Path, metavar="FILE", help="write a Chrome trace (chrome://tracing, Perfetto)")
    command.add_argument("--json", action="store_true", help="print the result as JSON")
    return command


def run(arguments: argparse.Namespace) -> int:
    if not arguments.question.is_file():
        raise Wrong(f"there is no sound file {arguments.question}")
    if not arguments.answer.absolute().parent.is_dir():
        raise Wrong(f"there is no folder {arguments.answer.absolute().parent} to write into")
    logs.to_stderr()
    kinds = registry()
    source = with_files(pipeline.source(arguments.pipeline), arguments.question, arguments.answer)
    if arguments.trace is not None and not arguments.trace.absolute().parent.is_dir():
        raise Wrong(f"there is no folder {arguments.trace.absolute().parent} to write into")
    work = _run(compile_plan(source, kinds), kinds)
    try:
        told = run_virtual(work) if arguments.virtual else loop.run(work)
    except Stalled as error:
        raise Wrong(f"on virtual time: {error}; something waits for the world outside") from error
    trace = told.pop("trace")
    if arguments.trace is not None:
        arguments.trace.write_text(json.dumps(trace))
    if arguments.json:
        print(json.dumps({"out": str(arguments.answer), **told}, indent=1, ensure_ascii=False))
    else:
        lines = [*map(_turn_text, told["turns"]), *told["errors"]] or ["nothing was said"]
        if "log" in told:
            lines.append(f"log {told['log'][:16]}")
        print("\n\n".join(lines))
    return 1 if any(turn["status"] == "failed" for turn in told["turns"]) else 0


def with_files(source: Source, question: Path, answer: Path) -> Source:
    """The same pipeline with the call's microphone and loudspeaker replaced by sound files. Raises `Wrong`."""
    paths = {"in": question.absolute(), "out": answer.absolute()}
    nodes, found = dict(source.spec.nodes), set()
    for name, node in nodes.items():
        room, _, end = node.use.partition(".")
        if room in ("webrtc", "file") and end in paths:
            found.add(end)
            nodes[name] = node.model_copy(update={"use": f"file.{end}", "settings": {"path": str(paths[end])}})
    if found != set(paths):
        raise Wrong(f"{source.spec.name} has no webrtc.in or no webrtc.out that a file could stand for")
    spec: PipelineSpec = source.spec.model_copy(update={"nodes": nodes})
    return Source(spec, source.document)


@dataclass
class Listener:
    """Stands for the page: `vaidol.nodes.webrtc._call.Call` that keeps what it is sent."""

    messages: list[Message] = field(default_factory=list)

    def on_audio(self, take: Callable[[F32, int], None]) -> Callable[[], None]:
        """The microphone is a file: nothing comes this way."""
        return lambda: None

    def on_message(self, take: Callable[[Message], None]) -> Callable[[], None]:
        """Nobody types."""
        return lambda: None

    def on_join(self, take: Callable[[], None]) -> Callable[[], None]:
        """Nobody joins later."""
        return lambda: None

    def on_others(self, take: Callable[[F32], None]) -> Callable[[], None]:
        """There is nobody else."""
        return lambda: None

    def play(self, samples: Any, pts: int) -> None:
        """The loudspeaker is a file: nothing goes this way."""

    def send(self, message: Message, *, fast: bool = False) -> None:
        if not fast:
            self.messages.append(message)


async def _run(plan: Plan, kinds: Registry) -> dict[str, Any]:
    engine, listener = Engine(kinds), Listener()
    try:
        await load_all(plan, engine)
        return await _listen(plan, engine, listener)
    finally:
        engine.close()


async def _listen(plan: Plan, engine: Engine, listener: Listener) -> dict[str, Any]:
    """Run until nothing is under way any more."""
    async with Graph(plan, engine, session="run", ends={"call": listener}) as graph:
        broken = next((cell for cell in graph.cells.values() if cell.failed), None)
        if broken is not None:
            raise Wrong(f"{broken.name}: {broken.error}")
        looks = 0
        while looks < IDLE_LOOKS and not graph.ended.done():
            await engine.clock.sleep(LOOK_S)
            looks = looks + 1 if graph.idle else 0
        return {**_told(graph, listener), "trace": chrome_trace(graph.marks, graph.events, session=plan.name)}


async def load_all(plan: Plan, engine: Engine) -> None:
    """Load what `plan` needs, with bars. Raises `Wrong`."""
    needs = {need.key: need for needs in engine.needs(plan).values() for need in needs}
    with Bars() as bars:
        for need in needs.values():
            bars.show(need.about, 0.0)
            try:
                await engine.shared.get(need)
            except (ProviderError, ModelError) as error:
                raise Wrong(str(error)) from error
            bars.end(need.about)


def _told(graph: Graph, listener: Listener) -> dict[str, Any]:
    """Every turn with its words, its end and its stages in ms since the user stopped speaking."""
    events = list(graph.events)
    said = [m for m in listener.messages if m["t"] == "subtitle" and m["final"]]
    turns = []
    abandoned = {event.gen for event in events if event.name == "turn_cut" and event.code == "abandoned"}
    for begin in (event for event in events if event.name == "turn_begin" and event.gen not in abandoned):
        ends = {"turn_done": "done", "turn_cut": "cut", "turn_failed": "failed"}
        status = next((ends[e.name] for e in events if e.gen == begin.gen and e.name in ends), "unfinished")
        user = " ".join(m["text"] for m in said if m["who"] == "user" and m["turn"] == begin.trace)
        reply = " ".join(m["text"] for m in said if m["who"] == "avatar" and m["turn"] == begin.gen)
        marks = sorted(graph.marks.get(begin.trace, []), key=lambda mark: mark[1])
        origin = dict(marks).get("speech_end", marks[0][1] if marks else 0)
        stages = {name: round((ns - origin) / 1e6, 1) for name, ns in marks}
        turns.append({"user": user, "reply": reply, "status": status, "stages_ms": stages})
    errors = [str(m["message"]) for m in listener.messages if m["t"] == "error"]
    log = {"log": graph.events.digest()} if graph.clock.virtual else {}
    return {"turns": turns, "errors": errors, **log}


def _turn_text(turn: dict[str, Any]) -> str:
    lines = [
        f"you:    {turn['user']}",
        f"avatar: {turn['reply']}" + f"   [{turn['status']}]" * (turn["status"] != "done"),
    ]
    before = 0.0
    if turn["stages_ms"]:
        lines.append(f"  {'stage':<14}{'ms':>9}{'step':>9}")
    for name, ms in turn["stages_ms"].items():
        lines.append(f"  {name:<14}{ms:>9.1f}{ms - before:>+9.1f}")
        before = ms
    return "\n".join(lines)
