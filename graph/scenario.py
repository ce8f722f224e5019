"""The scenario file: a conversation as a script, with what must happen in it within how many ms, and what must not.

    version: 1
    name: interrupted
    pipeline: default                      # a shipped name, or a path beside this file
    replies:                               # what `sim.agent` answers
      - { to: story, text: "Once upon a time there was a robot.", first_ms: 300 }
    script:
      - say: Tell me a story               # the user speaks; `sound: file.wav` speaks a recording
        expect:
          - { event: transcript, text: tell me a story, within_ms: 900 }
          - { event: sound, within_ms: 1500 }
      - after: sound                       # as soon as the avatar is heard,
        wait_ms: 800                       # and 0.8 s more
        say: Stop please
        expect:
          - { event: cut, since: begin, within_ms: 700 }
        never:
          - { event: reply, text: robot, after: cut }

Nodes of the rooms in `STAND_INS` are simulated unless `real` names them; `simulate` says more about one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vaidol.graph.errors import PipelineError, Problem
from vaidol.graph.spec import NodeSpec, PipelineSpec, Source, model_problems
from vaidol.graph.yamlfile import Document, Way, expand_environment, nearest, read

STAND_INS: Mapping[str, str] = {
    "vad": "sim.vad",
    "asr": "sim.asr",
    "agent": "sim.agent",
    "tts": "sim.tts",
    "turn.smart": "sim.turn",
}  # by room or kind
ENDS: Mapping[str, str] = {"webrtc.in": "sim.mic", "file.in": "sim.mic", "file.out": "webrtc.out"}
What = Literal[
    "transcript", "begin", "sound", "reply", "silent", "done", "cut", "failed", "hold", "resume", "error", "fallback",
    "restarted", "expression", "motion",
]  # fmt: skip
M = TypeVar("M", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class Expect(_Strict):
    """Something that must happen. The expectations of a step must come true in their order."""

    event: What
    """transcript: the user was understood. begin: a reply is begun. sound: it is heard for the first time. reply: a
    sentence of it begins to be heard. silent: nothing is heard any more. done, cut, failed: it ended; the text of cut
    is what was heard. hold, resume: it pauses and goes on. error: people in the call are told of one. fallback,
    restarted: of a node. expression, motion: of the avatar."""
    text: str = ""
    """Words that the event's text must contain."""
    within_ms: float | None = Field(None, gt=0, le=3_600_000)
    """Counted from `since`; when left out, until the next step begins."""
    since: Literal["begin", "end"] = "end"
    """Begin or end of what the user does in this step."""


class Never(_Strict):
    """Something that must not happen, from the begin of the step until the next step begins, or for `within_ms`."""

    event: What
    """See `expect`."""
    text: str = ""
    """Only events whose text contains these words."""
    after: What | None = None
    """Only events after the first one of this name."""
    before: What | None = None
    """Only events before the first one of this name."""
    within_ms: float | None = Field(None, gt=0, le=3_600_000)
    """For so long, ms, counted from `since`."""
    since: Literal["begin", "end"] = "begin"
    """Begin or end of what the user does in this step."""


class Step(_Strict):
    """One thing the user does: `say` or `sound`, `type`, `stop`, or nothing but wait."""

    at: float | None = Field(None, ge=0, le=86_400)
    """When, s from the start."""
    after: What | None = None
    """Instead of `at`: when this happens next. Without either: when the step before is over."""
    wait_ms: float = Field(0, ge=0, le=3_600_000)
    """Wait so much longer, ms."""
    say: str | None = Field(None, max_length=10_000)
    """The user speaks these words."""
    ms: float | None = Field(None, gt=0, le=600_000)
    """How long that takes, ms; 65 ms per character when left out."""
    sound: Path | None = None
    """A sound file that the user speaks; `say` then holds its words for a simulated recognizer."""
    type: str | None = Field(None, min_length=1, max_length=10_000)
    """The user types this."""
    stop: bool = False
    """The user presses the stop button."""
    expect: list[Expect] = Field(default_factory=list)
    """What must happen, in this order."""
    never: list[Never] = Field(default_factory=list)
    """What must not happen."""


class Reply(_Strict):
    """What a simulated agent answers."""

    to: str = ""
    """Words in what the user said; of several replies that fit, the one whose words come last is given."""
    by: str | None = None
    """Only when this node is asked."""
    text: str = Field(min_length=1, max_length=100_000)
    """The reply, tags included."""
    first_ms: float = Field(200, ge=0, le=600_000)
    """Time to the first word, ms."""
    word_ms: float = Field(30, ge=0, le=60_000)
    """Time between two words, ms."""
    fail_after: int | None = Field(None, ge=0)
    """The agent fails after so many words."""
    error: str = "the simulated agent failed"
    """What it says then."""


class Simulated(_Strict):
    """A simulated node in the place of one of the pipeline."""

    use: str | None = None
    """Its kind; by the room of the replaced node when left out."""
    settings: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Its settings."""


class ScenarioSpec(_Strict):
    """A scenario file."""

    version: Literal[1]
    """Version of the file format."""
    name: str = Field(min_length=1, max_length=80)
    """Name shown to people."""
    about: str = ""
    """One sentence shown beside the name."""
    pipeline: str = ""
    """Name of a shipped pipeline, or path of a file, from this file's folder."""
    real: list[str] = Field(default_factory=list)
    """Nodes that are not simulated; their work takes no time, or what `costs_ms` says."""
    simulate: dict[str, Simulated] = Field(default_factory=dict)
    """More about single nodes: their settings, another kind."""
    costs_ms: dict[str, float] = Field(default_factory=dict)
    """By node: how long each of its calls to a model takes on the virtual clock, ms."""
    replies: list[Reply] = Field(default_factory=list)
    """What simulated agents answer; to anything else they answer "You said: ..."."""
    script: list[Step] = Field(min_length=1)
    """What the user does, in order."""
    never: list[Never] = Field(default_factory=list)
    """What must not happen at any time."""
    limit_s: float = Field(600, gt=0, le=86_400)
    """The conversation must be over by then, s of virtual time."""


class Scenario:
    """A checked scenario with the places of its parts."""

    def __init__(self, spec: ScenarioSpec, document: Document) -> None:
        self.spec = spec
        self.document = document

    @property
    def folder(self) -> Path:
        """Where the paths in it begin."""
        return Path(self.document.file).parent

    def error(self, message: str, *way: str | int) -> PipelineError:
        """One mistake at `way`, to be raised."""
        return PipelineError([Problem(self.document.place(way), message)])


def load(path: Path) -> Scenario:
    """Read and check the scenario file at `path`. Raises `PipelineError` with every problem found."""
    return check(read(path))


def check(document: Document) -> Scenario:
    """Turn a document into a scenario. Raises `PipelineError` with every problem found."""
    problems = expand_environment(document)
    if not isinstance(document.data, dict):
        raise PipelineError([Problem(document.place(()), "a scenario is a map with version, name, pipeline, script")])
    try:
        spec = ScenarioSpec.model_validate(document.data)
    except ValidationError as error:
        raise PipelineError(problems + model_problems(error, document, (), ScenarioSpec)) from None
    for index, step in enumerate(spec.script):
        problems += [Problem(document.place(("script", index)), message) for message in _mistakes(step)]
    if problems:
        raise PipelineError(problems)
    return Scenario(spec, document)


def _mistakes(step: Step) -> list[str]:
    speaks = step.say is not None or step.sound is not None
    found = []
    if speaks + (step.type is not None) + step.stop > 1:
        found.append("a step does one thing: say (or sound), type, or stop")
    if step.at is not None and step.after is not None:
        found.append("a step begins 'at' a time or 'after' an event, not both")
    if step.ms is not None and (step.say is None or step.sound is not None):
        found.append("'ms' is for 'say'; a sound file has a length of its own")
    if step.say is not None and not step.say.strip() and step.sound is None:
        found.append("'say' has no words")
    return found


def simulated(source: Source, scenario: Scenario) -> Source:
    """The pipeline `source` with simulated nodes. Raises `PipelineError` where the scenario names no such node."""
    spec, document = scenario.spec, source.document
    _check_names(source, scenario)
    places = Document(document.data, document.file, dict(document.places), dict(document.key_places), document.secret)
    nodes = {}
    for name, node in source.spec.nodes.items():
        wanted = spec.simulate.get(name)
        usual = None if name in spec.real else _usual(node.use)
        kind = (wanted.use if wanted else None) or usual
        if kind is None and wanted is not None:
            raise scenario.error(f"'{node.use}' is not simulated by itself; say by what: 'use'", "simulate", name)
        nodes[name] = node if kind is None else _stand_in(node, kind, wanted)
        if wanted is not None:
            _take_places(places, scenario.document, ("nodes", name), ("simulate", name))
    changed: PipelineSpec = source.spec.model_copy(update={"nodes": nodes})
    return Source(changed, places)


def _usual(kind: str) -> str | None:
    """What simulates a node of `kind` when nobody says otherwise."""
    return ENDS.get(kind) or STAND_INS.get(kind) or STAND_INS.get(kind.partition(".")[0])


def _stand_in(node: NodeSpec, kind: str, wanted: Simulated | None) -> NodeSpec:
    settings = wanted.settings if wanted else {}
    return node.model_copy(update={"use": kind, "settings": settings, "place": "inline"})


def _check_names(source: Source, scenario: Scenario) -> None:
    spec, known = scenario.spec, set(source.spec.nodes)
    ways: list[tuple[str, Way]] = [(name, ("real", index)) for index, name in enumerate(spec.real)]
    ways += [(name, ("simulate", name)) for name in spec.simulate]
    ways += [(name, ("costs_ms", name)) for name in spec.costs_ms]
    ways += [(reply.by, ("replies", index, "by")) for index, reply in enumerate(spec.replies) if reply.by]
    problems = [
        Problem(scenario.document.place(way), f"the pipeline has no node '{name}'{nearest(name, known)}")
        for name, way in ways
        if name not in known
    ]
    if problems:
        raise PipelineError(problems)


def _take_places(document: Document, other: Document, to: Way, of: Way) -> None:
    for target, found in ((document.places, other.places), (document.key_places, other.key_places)):
        target.update({(*to, *way[len(of) :]): at for way, at in found.items() if way[: len(of)] == of})
