"""Variants of pipeline files: edges written as text, and one file laid over the one it extends."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from vaidol.graph.errors import PipelineError, Problem
from vaidol.graph.yamlfile import Document, Way, nearest, read

NO_MAP = "a pipeline is a map with version, name, nodes and edges"
END = re.compile(r"^\s*([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)\s*$")


def extended(path: Path, library: Path | None, seen: tuple[Path, ...]) -> Document:
    """The document at `path` laid over the one it extends."""
    folders = [path.parent, *([library] if library else [])]
    return on_base(read(path), folders, library, (*seen, path.resolve()), path.name)


def on_base(
    document: Document, folders: list[Path], library: Path | None, here: tuple[Path, ...], own_name: str
) -> Document:
    """`document` laid over the one it extends, which is in one of `folders`; `here`: the files it comes from."""
    base_name = document.data.get("extends") if isinstance(document.data, dict) else None
    if base_name is None:
        return document
    place = document.place(("extends",))
    if not isinstance(base_name, str):
        raise PipelineError([*document.problems, Problem(place, "extends names one YAML file")])
    base_path = next((folder / base_name for folder in folders if _is_file(folder / base_name)), None)
    if base_path is None:
        known = {p.name for folder in folders for p in folder.glob("*.yaml")} - {own_name}
        message = f"extends: there is no file '{base_name}'{nearest(base_name, known)}"
        raise PipelineError([*document.problems, Problem(place, message)])
    if base_path.resolve() in here:
        message = f"extends: '{base_name}' extends itself in a circle"
        raise PipelineError([*document.problems, Problem(place, message)])
    return overlay(extended(base_path, library, here), document)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def overlay(base: Document, top: Document) -> Document:
    """`top` laid over `base`: maps merge, null removes a node, a node of another kind replaces, edges add up."""
    if not isinstance(base.data, dict):
        raise PipelineError([*top.problems, *base.problems, Problem(base.place(()), NO_MAP)])
    problems = [*top.problems, *base.problems, *edges_from_text(base), *edges_from_text(top)]
    merged = Document(dict(base.data), top.file, dict(base.places), dict(base.key_places), problems=problems)
    merged.spoiled = base.spoiled | top.spoiled
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
        keep_edges(merged, kept)
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
        keep_edges(merged, [i for i in range(len(known)) if i not in same])
        if isinstance(edge, dict) and edge.get("drop"):
            if not same:
                written = [f"{old.get('from')} -> {old.get('to')}" for old in known if isinstance(old, dict)]
                near = nearest(f"{edge.get('from')} -> {edge.get('to')}", written)
                message = f"drop: the extended file has no such edge{near}"
                merged.problems.append(Problem(top.place(("edges", index)), message))
            continue
        new = len(merged.data["edges"])
        merged.data["edges"] = [*merged.data["edges"], edge]
        _take_places(merged, top, ("edges", new), ("edges", index))


def _touches(edge: dict[str, Any], node: str) -> bool:
    return any(str(edge.get(end, "")).split(".")[0].strip() == node for end in ("from", "to"))


def keep_edges(document: Document, kept: list[int]) -> None:
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


def edges_from_text(document: Document) -> list[Problem]:
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
