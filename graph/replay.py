"""Playing a recording into a changed pipeline: what left one port then leaves it again, and the rest is done anew."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from vaidol.graph.clock import NS
from vaidol.graph.events import Event
from vaidol.graph.frames import Audio, Frame, Sentence, TextDelta, Transcript, Utterance
from vaidol.graph.mcapfile import BadRecording, Recording
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.graph.recorder import PLAYED, Dump, Recorded
from vaidol.graph.registry import Registry, UnknownKind
from vaidol.graph.ways import behind

KIND, EAR_KIND, EAR = "replay.port", "replay.ear", "replay_ear"
STEP_MS, TAIL_S = 20, 2.0  # of the silence behind a microphone's sound, so that the last turn can end
OWN_ENDS = ("superseded", "abandoned", "session ends", "replay")  # cuts that come by themselves
STATUS = {"turn_done": "done", "turn_cut": "cut", "turn_failed": "failed"}


def begin_at(recording: Recording, port: str) -> str:
    """The port to begin at: `port`, else the one of the user's sound. Raises `BadRecording`."""
    if port:
        if port not in recording.ports:
            raise BadRecording(f"nothing of '{port}' was recorded; there are: {', '.join(recording.ports) or 'none'}")
        return port
    sound = [one.port for one in recording.frames if isinstance(one.frame, Audio) and not one.frame.gen]
    if not sound:
        raise BadRecording(f"no sound of the user was recorded; begin at one of: {', '.join(recording.ports)}")
    return sound[0]


def cut_down(data: dict[str, Any], port: str, kinds: Registry) -> dict[str, Any]:
    """The part of a pipeline that lies behind `port`; the node before it is one that plays the recording.

    What a page says by itself does not come from what it is shown: only that lies behind `port` which the recording
    leads to. data: a pipeline with its edges as maps. Raises `BadRecording` when it has no such node.
    """
    name, _, _ = port.partition(".")
    if name not in data["nodes"]:
        raise BadRecording(f"the pipeline has no node '{name}'; there are: {', '.join(data['nodes'])}")
    ends = [(edge["from"].partition(".")[0], edge["to"].partition(".")[0], edge) for edge in data["edges"]]
    sources = set(_outputs(data["nodes"], kinds, lambda out: out.source))
    forward = [(a, b, edge) for a, b, edge in ends if not edge.get("feedback") and edge["from"] not in sources - {port}]
    kept = behind(name, [(a, b) for a, b, edge in forward if a != name or edge["from"] == port])
    kept |= {node["fallback"] for key, node in data["nodes"].items() if key in kept and node.get("fallback")}
    nodes = {key: node for key, node in data["nodes"].items() if key in kept}
    edges = [e for a, b, e in ends if b in kept and (a in kept or e["from"] == port)]
    played = list(_outputs(nodes, kinds, lambda out: out.name == PLAYED))
    if played:  # whoever took it may be gone, and what leaves for nobody is not recorded
        nodes[EAR] = {"use": EAR_KIND}
        edges += [{"from": source, "to": f"{EAR}.audio"} for source in played]
    return {**data, "nodes": {name: {"use": KIND}, **nodes}, "edges": edges}


def _outputs(nodes: dict[str, Any], kinds: Registry, wanted: Callable[[Port], bool]) -> Iterator[str]:
    """Ports of outputs as `node.port`. A kind that there is not is told by the compiler."""
    for name, node in nodes.items():
        with contextlib.suppress(UnknownKind):
            yield from (f"{name}.{out.name}" for out in kinds.find(node["use"]).outputs if wanted(out))


class Ear(Node[Settings]):
    """replay.ear: somebody for whom the sound leaves.  audio (Audio)"""

    inputs = (Port("audio", Audio),)

    def process(self, port: str, frame: Audio) -> None:
        pass


def playing(recording: Recording, port: str) -> type[Node[Any]]:
    """The node that sends again what left `port`, when it did."""
    taken = [one for one in recording.frames if one.port == port]
    first = taken[0].frame
    sound = isinstance(first, Audio)
    out = Port(port.partition(".")[2], type(first), rate=first.rate if isinstance(first, Audio) else None,
               dtype="f32" if sound else None)  # fmt: skip

    class Playing(_Playing):
        """replay.port: what was recorded at one port."""

        outputs = (out,)
        replies = bool(first.gen) and not isinstance(first, Transcript | Utterance)
        script = taken
        told = recording

    return Playing


class _Playing(Node[Settings]):
    """Sends `script`. Replies get numbers of their own; interruptions come where they came."""

    script: list[Recorded]
    told: Recording

    async def run(self) -> None:
        """From the first frame to the last, then as long as a reply is under way."""
        begin_s, first_ns = self.ctx.clock.s(), self.script[0].ns
        committed, moments = _committed(self.told.events), _speech_ends(self.told)
        numbers: dict[int, int] = {0: 0}
        cuts = [event for event in self.told.events if event.name == "turn_cut" and event.code not in OWN_ENDS]
        port = self.outputs[0].name
        for one in _merged(self.script, cuts if any(r.frame.gen for r in self.script) else []):
            due_s = begin_s + (one.ns - first_ns) / NS
            await self.ctx.clock.sleep(max(0.0, due_s - self.ctx.clock.s()))
            if isinstance(one, Event):
                if numbers.get(one.gen) and self.ctx.fence.alive(numbers[one.gen]):
                    self.ctx.fence.cut(one.code)
                continue
            frame = one.frame
            if frame.gen not in committed and frame.gen:
                continue
            if frame.gen not in numbers:
                numbers[frame.gen] = self.ctx.fence.begin(frame.trace)
                if frame.trace in moments:
                    before = one.ns - moments[frame.trace]
                    self.ctx.mark(frame.trace, "speech_end", self.ctx.clock.ns() - before)
            self.emit(port, replace(frame, gen=numbers[frame.gen], born=self.ctx.clock.ns()))
        await self._wait(self.script[-1].frame, port)

    async def _wait(self, last: Frame, port: str) -> None:
        """A microphone goes on in silence; anything else just waits."""
        clock, until = self.ctx.clock, self.ctx.clock.s() + TAIL_S
        samples = np.zeros(last.rate * STEP_MS // 1000 if isinstance(last, Audio) else 0, np.float32)
        pts = last.pts + len(last.samples) if isinstance(last, Audio) else 0
        while clock.s() < until or self.ctx.fence.turns:
            await clock.sleep(STEP_MS / 1000)
            if isinstance(last, Audio) and not last.gen:
                self.emit(port, Audio(samples=samples, rate=last.rate, pts=pts, born=clock.ns()))
                pts += len(samples)


def turns(told: Recording | Dump) -> list[dict[str, Any]]:
    """Every reply that was meant: what was said, what was answered, how it ended, and its moments in ms since the user
    stopped speaking."""
    found = []
    marks: dict[int, dict[str, int]] = {}
    for trace, name, ns in told.marks:
        marks.setdefault(trace, {}).setdefault(name, ns)
    committed = _committed(told.events)
    for begin in (event for event in told.events if event.name == "turn_begin" and event.gen in committed):
        ends = [e for e in told.events if e.name in STATUS and e.gen == begin.gen and e.code != "abandoned"]
        moments = marks.get(begin.trace, {})
        origin = moments.get("speech_end", min(moments.values(), default=0))
        stages = {name: round((ns - origin) / NS * 1e3, 1) for name, ns in sorted(moments.items(), key=lambda m: m[1])}
        heard = [r.frame for r in told.frames if isinstance(r.frame, Transcript) and r.frame.gen == begin.gen]
        user = next((frame.text for frame in reversed(heard) if frame.final), "")
        found.append(
            {
                "user": user, "reply": _reply(told.frames, begin.gen),
                "status": STATUS[ends[0].name] if ends else "unfinished", "stages_ms": stages,
            }
        )  # fmt: skip
    return found


def sound(frames: list[Recorded], ports: tuple[str, ...]) -> tuple[np.ndarray[Any, np.dtype[np.float32]], int] | None:
    """The sound of the first of `ports` that has some, each frame at its `pts`, and its rate."""
    for port in ports:
        parts = [r.frame for r in frames if r.port == port and isinstance(r.frame, Audio) and len(r.frame.samples)]
        if parts:
            origin = parts[0].pts
            ends = [part.pts - origin + len(part.samples) for part in parts]
            if min(part.pts for part in parts) < origin or max(ends) > 3600 * parts[0].rate:
                return None
            out = np.zeros(max(ends), np.float32)
            for part in parts:
                out[part.pts - origin : part.pts - origin + len(part.samples)] = part.samples
            return out, parts[0].rate
    return None


def _reply(frames: list[Recorded], gen: int) -> str:
    spoken = [r for r in frames if isinstance(r.frame, Sentence) and r.frame.gen == gen]
    made = [r for r in frames if isinstance(r.frame, TextDelta) and r.frame.gen == gen]
    if spoken:
        parts = [r.frame.text for r in spoken if r.port == spoken[0].port and isinstance(r.frame, Sentence)]
        return " ".join(filter(None, (part.strip() for part in parts)))
    return "".join(r.frame.text for r in made if isinstance(r.frame, TextDelta)).strip()


def _committed(events: list[Event]) -> set[int]:
    """The replies that were meant. Of those begun before the recording nothing else is known."""
    begun = {event.gen for event in events if event.name == "turn_begin"}
    meant = {e.gen for e in events if e.name == "turn_commit" or (e.name == "turn_begin" and e.code != "speculative")}
    abandoned = {event.gen for event in events if event.name == "turn_cut" and event.code == "abandoned"}
    others = {event.gen for event in events if event.gen} - begun
    return (meant | others) - abandoned


def _speech_ends(told: Recording) -> dict[int, int]:
    return {trace: ns for trace, name, ns in told.marks if name == "speech_end"}


def _merged(frames: list[Recorded], cuts: list[Event]) -> list[Recorded | Event]:
    both: list[Recorded | Event] = [*frames, *cuts]
    return sorted(both, key=lambda one: one.ns)
