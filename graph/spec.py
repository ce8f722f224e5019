"""The pipeline file: YAML with `extends` and environment, checked into a `PipelineSpec`."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vaidol.graph.errors import PipelineError, Place, Problem
from vaidol.graph.extends import NO_MAP, edges_from_text, extended, keep_edges
from vaidol.graph.place import Where
from vaidol.graph.yamlfile import Document, Way, expand_environment, nearest

NAME = r"^[a-z][a-z0-9_]{0,39}$"
FRAMES_MAX = 4096  # no edge ever holds more
Policy = Literal["drop_oldest", "block", "latest", "never_drop"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class OnError(_Strict):
    """What happens when a node fails."""

    policy: Literal["skip", "restart", "fallback", "end"] = "skip"
    """skip: the frame is lost, the node goes on; restart: close and open it anew; fallback: its work goes to the node
    named by `fallback`; end: the session ends."""
    max: int = Field(3, ge=0, le=1000)
    """Restarts allowed within `window_s`; one more and the node counts as failed for good."""
    window_s: float = Field(60, gt=0, le=86_400)
    """Length of the window in which restarts are counted, s."""
    backoff_s: float = Field(0.2, ge=0, le=60)
    """Wait before the first restart, s; doubled for each further one, at most 10 s."""


class NodeSpec(_Strict):
    """One node of a pipeline."""

    use: str
    """The kind: `room.name`. `vaidol nodes` lists them all."""
    settings: dict[str, Any] = Field(default_factory=dict, alias="with")
    """Settings of the kind."""
    place: Where = "inline"
    """Where the node works: on the loop, on a thread, in a worker process, or remote(HOST:PORT), with a `vaidol worker`
    there; a call survives the end of either. For synchronous nodes; those with a model that can live elsewhere
    (voice.rvc: in a process by itself) can be on a thread or in a process."""
    on_error: OnError = OnError()
    """What happens when the node fails."""
    fallback: str | None = None
    """Name of the node that takes over when this one has failed."""


class EdgeSpec(_Strict):
    """One edge of a pipeline; `a.b -> c.d` is short for from and to."""

    source: str = Field(alias="from")
    """`node.port` the frames come from."""
    target: str = Field(alias="to")
    """`node.port` the frames go to."""
    policy: Policy | None = None
    """What a full edge does; chosen by what the edge carries when left out."""
    bound_ms: float | None = Field(None, gt=0, le=600_000)
    """Bound in ms of audio."""
    bound: int | None = Field(None, gt=0, le=FRAMES_MAX)
    """Bound in frames."""
    feedback: bool = False
    """True: this edge closes a cycle; it never blocks."""
    drop: bool = False
    """True: remove this edge of the file that is extended."""


class TurnSpec(_Strict):
    """Deadlines of a reply."""

    first_audio_ms: int = Field(30_000, gt=0, le=600_000)
    """A reply that has made no sound this long after it began has failed, ms."""


class PipelineSpec(_Strict):
    """A pipeline file."""

    version: Literal[1]
    """Version of the file format."""
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_. -]{0,63}$")
    """Name shown to people."""
    about: str = ""
    """One sentence shown beside the name."""
    nodes: dict[str, NodeSpec] = Field(min_length=1)
    """The nodes by name."""
    edges: list[EdgeSpec] = Field(default_factory=list)
    """The edges."""
    turn: TurnSpec = TurnSpec()
    """Deadlines of a reply."""


class Source:
    """A checked spec with the places of its parts, for messages of later stages.

    problems: mistakes found so far; then `spec` holds only what is right, and `left_out` the names of faulty nodes.
    """

    def __init__(
        self,
        spec: PipelineSpec,
        document: Document,
        problems: list[Problem] | None = None,
        left_out: frozenset[str] = frozenset(),
        written: Mapping[str, Any] | None = None,
    ) -> None:
        self.written: Mapping[str, Any] = written or {}  # what the file says, before the environment is put in
        self.spec = spec
        self.document = document
        self.problems = problems or []
        self.left_out = left_out

    def at(self, *way: str | int, key: bool = False) -> Place:
        return self.document.place(way, key=key)

    def secret(self, way: Way) -> bool:
        """Whether the value at `way`, or one inside it, came from the environment."""
        return any(known[: len(way)] == way for known in self.document.secret)


def load(
    path: str | Path,
    *,
    library: Path | None = None,
    environment: Mapping[str, str] | None = None,
    partial: bool = False,
) -> Source:
    """Read, extend and check the pipeline file at `path`; `library` holds the files `extends` may also name.

    Raises `PipelineError` with every problem found. partial: go on with what is right of a faulty file, so that
    `compile_plan` can report its mistakes together with those that only the kinds can show.
    """
    return check(extended(Path(path), library, ()), environment, partial=partial)


def from_dict(data: dict[str, Any], *, name: str = "<dict>", partial: bool = False) -> Source:
    """The same from Python data instead of a file."""
    return check(Document(copy.deepcopy(data), name), {}, partial=partial)


def check(document: Document, environment: Mapping[str, str] | None = None, *, partial: bool = False) -> Source:
    """Turn a document into a spec. Raises `PipelineError` with every problem found; see `load` for `partial`."""
    written = copy.deepcopy(document.data)
    problems = [*document.problems, *expand_environment(document, environment)]
    if not isinstance(document.data, dict):
        raise PipelineError(problems or [Problem(document.place(()), NO_MAP)])
    for data in (document.data, written):
        data.pop("extends", None)
    problems += edges_from_text(document) + _names(document) + _drops(document)
    spec, error = _validated(document.data)
    left_out: frozenset[str] = frozenset()
    if error is not None:
        problems += model_problems(error, document, (), PipelineSpec)
        if partial:
            spec, left_out = _without_mistakes(document, error)
    if spec is None or (problems and not partial):
        raise PipelineError(problems)
    return Source(spec, document, problems, left_out, written)


def _validated(data: dict[str, Any]) -> tuple[PipelineSpec | None, ValidationError | None]:
    try:
        return PipelineSpec.model_validate(data), None
    except ValidationError as error:
        return None, error


def _without_mistakes(document: Document, error: ValidationError) -> tuple[PipelineSpec | None, frozenset[str]]:
    """What is left when every faulty field and edge is taken out, and the names of the nodes that fell out whole."""
    ways = [tuple(one["loc"]) for one in error.errors(include_url=False, include_input=False)]
    data: dict[str, Any] = {key: value for key, value in document.data.items() if (key,) not in {w[:1] for w in ways}}
    data |= {"version": 1, "name": "unnamed"}
    left_out: set[str] = set()
    if isinstance(nodes := document.data.get("nodes"), dict):
        faulty = {(str(way[1]), way[2:3]) for way in ways if way[0] == "nodes" and len(way) > 1}
        left_out = {name for name, field in faulty if field in ((), ("use",))}
        data["nodes"] = {
            name: {key: value for key, value in node.items() if (name, (key,)) not in faulty}
            for name, node in nodes.items()
            if name not in left_out
        }
    if isinstance(edges := document.data.get("edges"), list):
        wrong = {way[1] for way in ways if way[0] == "edges" and len(way) > 1}
        keep_edges(document, [i for i in range(len(edges)) if i not in wrong])
        data["edges"] = document.data["edges"]
    return _validated(data)[0], frozenset(left_out)


def _names(document: Document) -> list[Problem]:
    nodes = document.data.get("nodes")
    return [
        Problem(
            document.place(("nodes", name), key=True),
            f"node name '{name}' must be small letters, digits and _, beginning with a letter, at most 40",
        )
        for name in (nodes if isinstance(nodes, dict) else ())
        if not re.fullmatch(NAME, name)
    ]


def _drops(document: Document) -> list[Problem]:
    edges = document.data.get("edges")
    return [
        Problem(document.place(("edges", index, "drop")), "drop: this file extends none that has such an edge")
        for index, edge in enumerate(edges if isinstance(edges, list) else ())
        if isinstance(edge, dict) and edge.get("drop") is True
    ]


def model_problems(error: ValidationError, document: Document, base: Way, model: type[BaseModel]) -> list[Problem]:
    """One problem per mistake pydantic found in the value at `base`, with line numbers and nearest names."""
    problems = []
    for one in error.errors(include_url=False):
        way = (*base, *one["loc"])
        if _told_already(way, one["type"], document):
            continue
        subject, name = subject_of(way[:-1], document), str(way[-1]) if way else ""
        if one["type"] == "extra_forbidden":
            known = _fields_at(model, one["loc"][:-1])
            place = document.place(way, key=True)
            problems.append(Problem(place, f"{subject}no setting '{name}' here{nearest(name, known)}"))
        elif one["type"] == "missing":
            problems.append(Problem(document.place(way[:-1]), f"{subject}'{name}' is missing"))
        else:
            problems.append(Problem(document.place(way), f"{subject_of(way, document)}{_wrong(one, way, document)}"))
    return problems


def subject_of(way: Way, document: Document) -> str:
    """What `way` leads to, as the beginning of a message: "node 'tts': on_error.policy: "."""
    edges = document.data.get("edges")
    if way[:1] == ("nodes",) and len(way) > 1:
        what, rest = [f"node '{way[1]}'"], [part for part in way[2:] if part != "with"]
    elif way[:1] == ("edges",) and len(way) > 1 and isinstance(edges, list) and isinstance(edges[int(way[1])], dict):
        edge = edges[int(way[1])]
        what, rest = [f"edge '{edge.get('from')} -> {edge.get('to')}'"], list(way[2:])
    else:
        what, rest = [], list(way)
    return "".join(f"{part}: " for part in (*what, ".".join(map(str, rest))) if part)


def _told_already(way: Way, kind: str, document: Document) -> bool:
    """Whether this mistake only follows from one that was found while reading the file."""
    if kind in ("missing", "too_short"):
        return any(spoiled[: len(way)] == way for spoiled in document.spoiled)
    return any(way[: len(spoiled)] == spoiled for spoiled in document.spoiled)


def _wrong(one: Any, way: Way, document: Document) -> str:
    """What is wrong with a value: what may stand there, what does, and the nearest of the right ones."""
    if one["type"] == "value_error":  # by a validator of ours, whose message says it all
        return str(one["ctx"]["error"])
    if one["type"] == "too_short":
        return "must not be empty"
    message = (one["msg"][:1].lower() + one["msg"][1:]).replace("a valid tuple", "a list")
    if isinstance(one["input"], dict | list) or any(way[: len(known)] == known for known in document.secret):
        return str(message)
    right = re.findall(r"'([^']+)'", str(one.get("ctx", {}).get("expected", "")))
    close = difflib.get_close_matches(str(one["input"]), right, n=1)
    return f"{message}, not {one['input']!r:.60}" + (f"; did you mean '{close[0]}'?" if close else "")


def _fields_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The names allowed at `loc` inside `model`, as written in YAML (aliases)."""
    for part in loc:
        field = model.model_fields.get(str(part)) or next(
            (f for f in model.model_fields.values() if f.alias == part), None
        )
        candidates = _models_in(field.annotation) if field else [model]
        model = candidates[0] if candidates else model
    return [field.alias or name for name, field in model.model_fields.items()]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
