"""`vaidol replay`: a recording played through a changed pipeline, beside what was recorded."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import json
import wave
from pathlib import Path
from typing import Any

import numpy as np

from vaidol.graph.clock import Stalled, run_virtual
from vaidol.graph.compiler import compile_plan
from vaidol.graph.engine import Engine
from vaidol.graph.extends import edges_from_text, overlay
from vaidol.graph.frames import Transcript
from vaidol.graph.mcapfile import BadRecording, Recording, read
from vaidol.graph.plan import Plan
from vaidol.graph.recorder import Dump, Recorder
from vaidol.graph.registry import Registry
from vaidol.graph.replay import EAR_KIND, KIND, Ear, begin_at, cut_down, playing, sound, turns
from vaidol.graph.scheduler import Graph
from vaidol.graph.spec import check
from vaidol.graph.yamlfile import Document, parse
from vaidol.nodes import registry
from vaidol.server import loop
from vaidol.server.cli import logs, pipeline
from vaidol.server.cli.run import IDLE_LOOKS, LOOK_S, Listener, load_all
from vaidol.server.cli.swap import patch_of
from vaidol.server.cli.wrong import Wrong

LONGEST_S = 3600.0


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "replay",
        help="play a recording through a changed pipeline",
        description="Play what was recorded at one port (by default the microphone) into the same pipeline, changed "
        "where you say so, and compare: words, moments, sound. On virtual time, where models take no time, unless "
        "--real-time is given; nodes that need the network want that. Secrets are not in recordings: those written "
        "out in the pipeline have to be given by --set.",
        epilog="vaidol replay a.mcap --from asr.transcript --swap tts=tts.edge --real-time --out heard",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="an MCAP file of vaidol")
    command.add_argument("--from", dest="port", default="", metavar="NODE.PORT", help="where to begin")
    command.add_argument("--swap", action="append", default=[], metavar="NODE=KIND", help="another kind, repeatable")
    command.add_argument(
        "--set", action="append", default=[], metavar="NODE.SETTING=VALUE", help="a setting, repeatable"
    )
    command.add_argument("--pipeline", default="", metavar="FILE", help="another pipeline instead of the recorded one")
    command.add_argument("--real-time", action="store_true", help="on the real clock: moments can be compared")
    command.add_argument("--out", type=Path, metavar="DIR", help="folder for recorded.wav and replayed.wav")
    command.add_argument("--json", action="store_true", help="print the comparison as JSON")
    return command


def run(arguments: argparse.Namespace) -> int:
    logs.to_stderr()
    try:
        recording = read(arguments.file)
        port = begin_at(recording, arguments.port)
        kinds = registry()
        kinds.add(KIND, playing(recording, port))
        kinds.add(EAR_KIND, Ear)
        plan = _plan(arguments, recording, port, kinds)
    except BadRecording as error:
        raise Wrong(str(error)) from error
    work = _replayed(plan, kinds, recording)
    try:
        dump = loop.run(work) if arguments.real_time else run_virtual(work)
    except Stalled as error:
        raise Wrong(f"on virtual time: {error}; try --real-time") from error
    told: dict[str, Any] = {"from": port, "clock": "real" if arguments.real_time else "virtual",
            "recorded": turns(recording), "replayed": turns(dump), "errors": _errors(dump)}  # fmt: skip
    if arguments.out is not None:
        told["sound"] = _sounds(arguments.out, recording, dump)
    print(json.dumps(told, indent=1, ensure_ascii=False) if arguments.json else "\n".join(_lines(told)))
    return 0


def _plan(arguments: argparse.Namespace, recording: Recording, port: str, kinds: Registry) -> Plan:
    """The pipeline to play into. Raises `PipelineError`, `BadRecording`, `Wrong`."""
    if arguments.pipeline:
        document = pipeline.source(arguments.pipeline).document
        document.data = dict(pipeline.source(arguments.pipeline).written)
    else:
        document = parse(recording.written, f"pipeline of {arguments.file.name}")
    if arguments.swap or arguments.set:
        document = overlay(document, Document(patch_of(arguments.swap, arguments.set), "--swap"))
    edges_from_text(document)
    document.data = _to_files(cut_down(document.data, port, kinds))
    return compile_plan(check(document, partial=True), kinds)


def _to_files(data: dict[str, Any]) -> dict[str, Any]:
    """The loudspeaker is nobody: packets are recorded as they leave."""
    nodes = {
        name: {**node, "use": "webrtc.out"} if node.get("use") == "file.out" else node
        for name, node in data["nodes"].items()
    }
    return {**data, "nodes": nodes}


class _Typist(Listener):
    """Stands for the page, and types what was typed."""

    def __init__(self) -> None:
        super().__init__()
        self._takes: list[Any] = []

    def on_message(self, take: Any) -> Any:
        """Who listens to what the page says."""
        self._takes.append(take)
        return lambda: self._takes.remove(take)

    def type(self, text: str) -> None:
        """Type `text`."""
        for take in self._takes:
            take({"t": "text", "text": text})


async def _replayed(plan: Plan, kinds: Registry, recording: Recording) -> Dump:
    """Run until nothing is under way any more; everything of it, as if it had been recorded."""
    engine, page = Engine(kinds), _Typist()
    try:
        await load_all(plan, engine)
        async with Graph(plan, engine, session="replay", ends={"call": page}) as graph:
            broken = next((cell for cell in graph.cells.values() if cell.failed), None)
            if broken is not None:
                raise Wrong(f"{broken.name}: {broken.error}")
            recorder = Recorder(graph, seconds=LONGEST_S, most_bytes=1_000_000_000)
            typing = graph.own(_type(graph, page, recording)) if _types(plan) else None
            looks = 0
            while looks < IDLE_LOOKS and not graph.ended.done() and engine.clock.s() < LONGEST_S * 1e6:
                await engine.clock.sleep(LOOK_S)
                looks = looks + 1 if graph.idle else 0
            if typing is not None:
                typing.cancel()
            return recorder.dump("replay")
    finally:
        engine.close()


def _types(plan: Plan) -> bool:
    """The page is there, and what it says is not what is played."""
    return any(node.kind == "webrtc.data" for node in plan.nodes)


async def _type(graph: Graph, page: _Typist, recording: Recording) -> None:
    begin_s, first = graph.clock.s(), recording.frames[0].ns
    for one in recording.frames:
        if isinstance(one.frame, Transcript) and one.frame.typed and one.port.endswith(".text"):
            await graph.clock.sleep(max(0.0, begin_s + (one.ns - first) / 1e9 - graph.clock.s()))
            page.type(one.frame.text)


def _errors(dump: Dump) -> list[str]:
    return [f"{event.node}: {event.text}".lstrip(": ") for event in dump.events if event.name == "error"]


def _sounds(folder: Path, recording: Recording, dump: Dump) -> dict[str, str]:
    """Write both sounds as WAV; returns their paths. Raises `Wrong`."""
    written: dict[str, str] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, frames in (("recorded", recording.frames), ("replayed", dump.frames)):
            ports = tuple(dict.fromkeys(one.port for one in frames if one.port.endswith(".played")))
            found = sound(frames, ports)
            if found is not None:
                written[name] = str(folder / f"{name}.wav")
                with contextlib.closing(wave.open(written[name], "wb")) as file:
                    file.setparams((1, 2, found[1], 0, "NONE", ""))
                    file.writeframes((found[0].clip(-1, 1) * 32767).astype(np.dtype("<i2")).tobytes())
    except OSError as error:
        raise Wrong(f"{folder} cannot be written: {error.strerror or error}") from error
    return written


def _lines(told: dict[str, Any]) -> list[str]:
    lines = [f"played from {told['from']}, on the {told['clock']} clock"]
    if told["clock"] == "virtual":
        lines.append("models take no time on it: of the moments only those of waiting can be compared")
    pairs = [*told["recorded"]], [*told["replayed"]]
    for number in range(max(map(len, pairs))):
        old, new = (side[number] if number < len(side) else None for side in pairs)
        lines += ["", f"reply {number + 1}", *_texts(old, new), *_moments(old, new)]
    lines += ["", *told["errors"]] if told["errors"] else []
    return lines + [f"{name}: {path}" for name, path in told.get("sound", {}).items()]


def _texts(old: dict[str, Any] | None, new: dict[str, Any] | None) -> list[str]:
    lines = []
    for key, word in (("user", "you:   "), ("reply", "avatar:"), ("status", "ended: ")):
        before, after = (side[key] if side else None for side in (old, new))
        if before == after:
            lines.append(f"  {word} {before}")
        else:
            lines += [f"- {word} {'(nothing)' if before is None else before}"]
            lines += [f"+ {word} {'(nothing)' if after is None else after}"]
            if before and after and key != "status":
                share = difflib.SequenceMatcher(None, before.split(), after.split()).ratio()
                lines.append(f"  {'':7} {share:.0%} of the words are the same")
    return lines


def _moments(old: dict[str, Any] | None, new: dict[str, Any] | None) -> list[str]:
    before, after = (side["stages_ms"] if side else {} for side in (old, new))
    names = list(dict.fromkeys((*after, *before)))
    if not names:
        return []
    lines = [f"  {'ms after you stopped':<22}{'recorded':>10}{'replayed':>10}{'change':>10}"]
    for name in names:
        cells = [f"{side[name]:>10.0f}" if name in side else f"{'-':>10}" for side in (before, after)]
        both = name in before and name in after
        lines.append(f"  {name:<22}{''.join(cells)}{f'{after[name] - before[name]:>+10.0f}' if both else ''}")
    return lines
