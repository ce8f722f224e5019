"""A running pipeline as text again: what its file says, its secrets masked; and from edited text to a document."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, SecretBytes, SecretStr

from vaidol.graph.errors import PipelineError, Problem
from vaidol.graph.extends import on_base, overlay
from vaidol.graph.plan import Plan
from vaidol.graph.yamlfile import VARIABLE, Document, Way, parse

MASK = "**********"
NAMES = re.compile(
    r"(^|_)(api_?key|key|token|secret|password|passwd|credentials?|authorization|cookie)s?$", re.IGNORECASE
)  # what is called so is a secret
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)")  # user:password of an address
LEAST = 4  # characters of a secret that is looked for in texts; shorter ones would hide half of every word
WIDE = 110  # characters of a line; longer nodes are written in several
PLAIN_EDGE = re.compile(r"[a-z][a-z0-9_. ,>-]*")


def masked(plan: Plan) -> dict[str, Any]:
    """What the pipeline's file says, without its secrets. Names of environment variables stay: `${LLM_KEY}`."""
    data = copy.deepcopy(dict(plan.written))
    secret = set(_secret_ways(plan))

    def walk(value: Any, way: Way) -> Any:
        if isinstance(value, dict):
            return {key: walk(item, (*way, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item, (*way, index)) for index, item in enumerate(value)]
        hidden = way in secret or (isinstance(value, str) and NAMES.search(str(way[-1])))
        if hidden and value not in ("", None) and not _only_a_name(value):
            return MASK
        return CREDENTIALS.sub(MASK, value) if isinstance(value, str) else value

    result: dict[str, Any] = walk(data, ())
    return result


def as_yaml(data: Mapping[str, Any]) -> str:
    """A pipeline as people write it: one line for each node and edge."""
    lines: list[str] = []
    for key, value in data.items():
        if key == "nodes" and isinstance(value, dict):
            lines += ["", "nodes:", *(line for name, node in value.items() for line in _node(name, node))]
        elif key == "edges" and isinstance(value, list):
            lines += ["", "edges:", *(f"  - {_edge(edge)}" for edge in value)]
        else:
            lines.append(yaml.safe_dump({key: value}, allow_unicode=True, sort_keys=False, width=WIDE).rstrip())
    return "\n".join(lines) + "\n"


def from_text(text: str, file: str, *, library: Path, running: Plan) -> Document:
    """The document in `text`, which may extend a file of `library`; masked secrets are those of `running`.

    Raises `PipelineError`.
    """
    document = parse(text, file)
    base = document.data.get("extends") if isinstance(document.data, dict) else None
    if isinstance(base, str) and Path(base).name != base:
        raise PipelineError([Problem(document.place(("extends",)), "extends: name a pipeline that comes with vaidol")])
    return _unmasked(on_base(document, [library], library, (), ""), running)


def patched(patch: dict[str, Any], file: str, *, running: Plan) -> Document:
    """The running pipeline with `patch` laid over it as a file is over the one it extends. Raises `PipelineError`."""
    base = Document(copy.deepcopy(dict(running.written)), file)
    return _unmasked(overlay(base, Document(copy.deepcopy(patch), file)), running)


def names_in(data: Any) -> set[str]:
    """The environment variables that `data` asks for."""
    if isinstance(data, Mapping):
        return {name for item in data.values() for name in names_in(item)}
    if isinstance(data, list):
        return {name for item in data for name in names_in(item)}
    return {match["name"] for match in VARIABLE.finditer(data) if match["name"]} if isinstance(data, str) else set()


def secret_texts(plan: Plan) -> tuple[str, ...]:
    """Every secret in the settings of `plan`, the longest first, to be taken out of what leaves the server."""
    found = set[str]()
    for node in plan.nodes:
        for way, value in _leaves(node.settings.model_dump(), ()):
            if isinstance(value, SecretStr | SecretBytes):
                secret = value.get_secret_value()
                found.add(secret if isinstance(secret, str) else secret.decode(errors="replace"))
            elif isinstance(value, str):
                match = CREDENTIALS.search(value)
                named = any(NAMES.search(str(part)) for part in way)
                found.add(value if named else match.group().partition(":")[2] if match else "")
    return tuple(sorted((text for text in found if len(text) >= LEAST), key=len, reverse=True))


def _leaves(value: Any, way: Way) -> Iterator[tuple[Way, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*way, key))
    elif isinstance(value, list | tuple | set | frozenset):
        for index, item in enumerate(value):
            yield from _leaves(item, (*way, index))
    else:
        yield way, value


def _unmasked(document: Document, running: Plan) -> Document:
    """Put the secrets of `running` back where they are masked."""
    shown, real = masked(running), running.written

    def walk(value: Any, way: Way) -> Any:
        if isinstance(value, dict):
            return {key: walk(item, (*way, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item, (*way, index)) for index, item in enumerate(value)]
        if not isinstance(value, str) or MASK not in value:
            return value
        if _at(shown, way) != value:
            message = f"{'.'.join(map(str, way))}: {MASK} stands for no secret of the running pipeline; write it out"
            document.problems.append(Problem(document.place(way), message))
            return value
        return _at(real, way)

    document.data = walk(document.data, ())
    return document


def _at(data: Any, way: Way) -> Any:
    for part in way:
        if isinstance(data, Mapping):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


def _only_a_name(value: Any) -> bool:
    """`${NAME}`, without a default that might be the secret itself."""
    match = VARIABLE.fullmatch(value) if isinstance(value, str) else None
    return match is not None and not match["default"]


def _secret_ways(plan: Plan) -> Iterator[Way]:
    for node in plan.nodes:
        yield from _secrets(node.settings, ("nodes", node.name, "with"))


def _secrets(value: Any, way: Way) -> Iterator[Way]:
    if isinstance(value, SecretStr | SecretBytes):
        yield way
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name), (*way, name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _secrets(item, (*way, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _secrets(item, (*way, index))


def _node(name: str, node: Any) -> list[str]:
    line = f"  {name}: {_flow(node)}"
    if len(line) <= WIDE:
        return [line]
    block = yaml.safe_dump({name: node}, allow_unicode=True, sort_keys=False, width=WIDE)
    return [f"  {line}" if line else "" for line in block.rstrip().split("\n")]


def _edge(edge: Any) -> str:
    if isinstance(edge, dict) and set(edge) == {"from", "to"}:
        edge = f"{edge['from']} -> {edge['to']}"
    if isinstance(edge, str):
        return edge if PLAIN_EDGE.fullmatch(edge) else json.dumps(edge)
    return _flow(edge)


def _flow(value: Any) -> str:
    flow = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=100_000)
    return str(flow).strip()
