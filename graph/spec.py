"""The pipeline file: YAML with `extends` and environment, checked into a `PipelineSpec`.

Long because the file format and its merging share the table of places.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vaidol.graph.errors import PipelineError, Place, Problem
from vaidol.graph.yamlfile import Document, Way, expand_environment, nearest, read

NAME = r"^[a-z][a-z0-9_]{0,39}$"
END = re.compile(r"^\s*([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)\s*$")
Policy = Literal["drop_oldest", "block", "latest", "never_drop"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


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
    place: Literal["inline", "thread"] = "inline"
    """Where `process` runs: on the loop, or on a thread of the node's own (synchronous nodes only)."""
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
    bound: int | None = Field(None, gt=0, le=100_000)
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
    """A checked spec with the places of its parts, for messages of later stages."""

    def __init__(self, spec: PipelineSpec, document: Document) -> None:
        self.spec = spec
        self.document = document

    def at(self, *way: str | int, key: bool = False) -> Place:
        return self.document.place(way, key=key)

    def secret(self, way: Way) -> bool:
        """Whether the value at `way`, or one inside it, came from the environment."""
        return any(known[: len(way)] == way for known in self.document.secret)


def load(path: str | Path, *, library: Path | None = None, environment: Mapping[str, str] | None = None) -> Source:
    """Read, extend and check the pipeline file at `path`; `library` holds the files `extends` may also name.

    Raises `PipelineError` with every problem found.
    """
    document = _extended(Path(path), library, ())
    return check(document, environment)


def from_dict(data: dict[str, Any], *, name: str = "<dict>") -> Source:
    """The same from Python data instead of a file."""
    return check(Document(data, name), {})


def check(document: Document, environment: Mapping[str, str] | None = None) -> Source:
    """Turn a document into a spec. Raises `PipelineError` with every problem found."""
    problems = expand_environment(document, environment)
    if not isinstance(document.data, dict):
        raise PipelineError([Problem(document.place(()), "a pipeline is a map with version, name, nodes and edges")])
    document.data.pop("extends", None)
    problems += _edges_from_text(document)
    try:
        spec = PipelineSpec.model_validate(document.data)
    except ValidationError as error:
        raise PipelineError(problems + model_problems(error, document, (), PipelineSpec)) from None
    for name in spec.nodes:
        if not re.match(NAME, name):
            message = f"node name '{name}' must be small letters, digits and _, beginning with a letter"
            problems.append(Problem(document.place(("nodes", name), key=True), message))
    if problems:
        raise PipelineError(problems)
    return Source(spec, document)


def model_problems(error: ValidationError, document: Document, base: Way, model: type[BaseModel]) -> list[Problem]:
    """One problem per mistake pydantic found in the value at `base`, with line numbers and nearest names."""
    problems = []
    for one in error.errors(include_url=False):
        way = (*base, *one["loc"])
        name = str(way[-1]) if way else ""
        if one["type"] == "extra_forbidden":
            known = _fields_at(model, one["loc"][:-1])
            place = document.place(way, key=True)
            problems.append(Problem(place, f"no setting '{name}' here{nearest(name, known)}"))
        elif one["type"] == "missing":
            problems.append(Problem(document.place(way[:-1]), f"'{name}' is missing"))
        else:
            given = (
                "" if way in document.secret or isinstance(one["input"], dict | list) else f", not {one['input']!r:.60}"
            )
            message = one["msg"][:1].lower() + one["msg"][1:]
            label = ".".join(str(part) for part in one["loc"])
            problems.append(Problem(document.place(way), f"{label}: {message}{given}"))
    return problems


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


def _edges_from_text(document: Document) -> list[Problem]:
    """Replace each `a.b -> c.d, e.f` by maps with from and to; chains `a.b -> c.d` only, several targets by commas."""
    edges = document.data.get("edges")
    if not isinstance(edges, list):
        return []
    problems, result = [], []
    for index, edge in enumerate(edges):
        place = document.place(("edges", index))
        if not isinstance(edge, str):
            result.append((edge, index))
            continue
        source, arrow, targets = edge.partition("->")
        if not arrow or not END.match(source) or not all(map(END.match, targets.split(","))):
            problems.append(Problem(place, f"an edge is written 'node.port -> node.port', not {edge!r:.80}"))
            continue
        result += [({"from": source.strip(), "to": target.strip()}, index) for target in targets.split(",")]
    # a text edge may have become several: places must follow the new numbering
    old = {way: place for way, place in document.places.items() if way[:1] == ("edges",) and len(way) > 1}
    old_keys = {way: place for way, place in document.key_places.items() if way[:1] == ("edges",) and len(way) > 1}
    for table, source_table in ((document.places, old), (document.key_places, old_keys)):
        for way in source_table:
            del table[way]
        for new, (_, index) in enumerate(result):
            table.update({("edges", new, *way[2:]): at for way, at in source_table.items() if way[1] == index})
    document.data["edges"] = [edge for edge, _ in result]
    return problems


def _extended(path: Path, library: Path | None, seen: tuple[Path, ...]) -> Document:
    """The document at `path` laid over the one it extends."""
    document = read(path)
    base_name = document.data.get("extends") if isinstance(document.data, dict) else None
    if base_name is None:
        return document
    place = document.place(("extends",))
    if not isinstance(base_name, str):
        raise PipelineError([Problem(place, "extends names one YAML file")])
    here = (*seen, path.resolve())
    base_path = next(
        (p for p in (path.parent / base_name, *([library / base_name] if library else [])) if p.is_file()), None
    )
    if base_path is None:
        folders = [path.parent, *([library] if library else [])]
        known = {p.name for folder in folders for p in folder.glob("*.yaml")} - {path.name}
        raise PipelineError([Problem(place, f"extends: there is no file '{base_name}'{nearest(base_name, known)}")])
    if base_path.resolve() in here:
        raise PipelineError([Problem(place, f"extends: '{base_name}' extends itself in a circle")])
    return overlay(_extended(base_path, library, here), document)


def overlay(base: Document, top: Document) -> Document:
    """`top` laid over `base`: maps merge, null removes a node, a node of another kind replaces, edges add up."""
    if not isinstance(base.data, dict) or not isinstance(top.data, dict):
        return top
    _edges_from_text(base)
    top_edge_problems = _edges_from_text(top)
    if top_edge_problems:
        raise PipelineError(top_edge_problems)
    merged = Document(dict(base.data), top.file, dict(base.places), dict(base.key_places))
    merged.places[()] = top.place(())
    for key, value in top.data.items():
        if key == "nodes" and isinstance(value, dict) and isinstance(merged.data.get("nodes"), dict):
            merged.data["nodes"] = dict(merged.data["nodes"])
            for name, node in value.items():
                _overlay_node(merged, top, name, node)
        elif key == "edges" and isinstance(value, list) and isinstance(merged.data.get("edges"), list):
            _overlay_edges(merged, top, value)
        else:
            merged.data[key] = value
            _take_places(merged, top, (key,), (key,))
    return merged


def _overlay_node(merged: Document, top: Document, name: str, node: Any) -> None:
    nodes, way = merged.data["nodes"], ("nodes", name)
    old = nodes.get(name)
    if node is None:
        nodes.pop(name, None)
        edges = merged.data.get("edges") or []
        kept = [i for i, edge in enumerate(edges) if not (isinstance(edge, dict) and _touches(edge, name))]
        _renumber(merged, kept)
        for other in nodes.values():
            if isinstance(other, dict) and other.get("fallback") == name:
                other.pop("fallback")
    elif isinstance(old, dict) and isinstance(node, dict) and node.get("use", old.get("use")) == old.get("use"):
        combined = {**old, **node}
        if isinstance(old.get("with"), dict) and isinstance(node.get("with"), dict):
            combined["with"] = {**old["with"], **node["with"]}
        nodes[name] = combined
        _take_places(merged, top, way, way, keep=True)
    else:
        nodes[name] = node
        _take_places(merged, top, way, way)


def _overlay_edges(merged: Document, top: Document, edges: list[Any]) -> None:
    for index, edge in enumerate(edges):
        ends = (edge.get("from"), edge.get("to")) if isinstance(edge, dict) else None
        known = merged.data["edges"]
        same = [i for i, old in enumerate(known) if isinstance(old, dict) and (old.get("from"), old.get("to")) == ends]
        _renumber(merged, [i for i in range(len(known)) if i not in same])
        if isinstance(edge, dict) and edge.get("drop"):
            if not same:
                raise PipelineError([Problem(top.place(("edges", index)), "drop: the extended file has no such edge")])
            continue
        new = len(merged.data["edges"])
        merged.data["edges"] = [*merged.data["edges"], edge]
        _take_places(merged, top, ("edges", new), ("edges", index))


def _touches(edge: dict[str, Any], node: str) -> bool:
    return any(str(edge.get(end, "")).split(".")[0].strip() == node for end in ("from", "to"))


def _renumber(document: Document, kept: list[int]) -> None:
    """Keep only the edges `kept`, and let their places follow."""
    edges = document.data.get("edges") or []
    document.data["edges"] = [edges[i] for i in kept]
    for table in (document.places, document.key_places):
        old = {way: at for way, at in table.items() if way[:1] == ("edges",) and len(way) > 1}
        for way in old:
            del table[way]
        for new, index in enumerate(kept):
            table.update({("edges", new, *way[2:]): at for way, at in old.items() if way[1] == index})


def _take_places(merged: Document, top: Document, to: Way, of: Way, *, keep: bool = False) -> None:
    for target, source in ((merged.places, top.places), (merged.key_places, top.key_places)):
        if not keep:
            for way in [way for way in target if way[: len(to)] == to]:
                del target[way]
        target.update({(*to, *way[len(of) :]): at for way, at in source.items() if way[: len(of)] == of})
