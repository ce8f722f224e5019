"""A plan as people read it: a table, a Mermaid drawing, a DOT drawing."""

from __future__ import annotations

from collections.abc import Sequence

from vaidol.graph.frames import Audio
from vaidol.graph.plan import Plan, PlanEdge, PlanNode


def table(plan: Plan) -> str:
    """Nodes and edges in aligned columns, in the order of the file."""
    nodes = [("node", "kind", "lane", "runs", "on error")]
    nodes += [(_shown(node), node.kind, node.lane, _runs(node), _on_error(node)) for node in plan.nodes]
    edges = [("edge", "carries", "when full", "bound", "")]
    edges += [(edge.name, _carries(edge), edge.policy, _bound(edge), _flags(edge)) for edge in plan.edges]
    return f"{plan.name}: {' '.join(plan.about.split())}".rstrip(": ") + f"\n\n{_columns(nodes)}\n\n{_columns(edges)}\n"


def mermaid(plan: Plan) -> str:
    """A Mermaid flowchart; dotted = feedback, rounded = put in by the compiler, reply lane in a colour of its own."""
    lines = ["flowchart LR"]
    for node in plan.nodes:
        left, right = ("([", "])") if node.adapter else ("[", "]")
        lines.append(f'  {_id(node.name)}{left}"{_entities(node.name)}<br/>{_entities(node.kind)}"{right}')
    for edge in plan.edges:
        arrow, label = "-.->" if edge.feedback else "-->", _entities(f"{edge.source_port}: {_carries(edge)}")
        lines.append(f'  {_id(edge.source)} {arrow}|"{label}"| {_id(edge.target)}')
    reply = [_id(node.name) for node in plan.nodes if node.lane == "reply"]
    if reply:
        lines += ["  classDef reply fill:#fde8d7,stroke:#c2571a,color:#222", f"  class {','.join(reply)} reply"]
    return "\n".join(lines) + "\n"


def dot(plan: Plan) -> str:
    """A Graphviz digraph with the same conventions as `mermaid`."""
    lines = [f"digraph {_quoted(plan.name)} {{", "  rankdir=LR;", '  node [shape=box, fontname="sans-serif"];']
    for node in plan.nodes:
        style = ["rounded"] if node.adapter else []
        style += ["filled"] if node.lane == "reply" else []
        look = f', style="{",".join(style)}", fillcolor="#fde8d7"' if style else ""
        lines.append(f"  {_quoted(node.name)} [label={_quoted(f'{node.name} / {node.kind}')}{look}];")
    for edge in plan.edges:
        look = ", style=dashed" if edge.feedback else ""
        label = _quoted(f"{edge.source_port}: {_carries(edge)}")
        lines.append(f"  {_quoted(edge.source)} -> {_quoted(edge.target)} [label={label}{look}];")
    return "\n".join([*lines, "}"]) + "\n"


def _shown(node: PlanNode) -> str:
    return f"{node.name} *" if node.adapter else node.name


def _runs(node: PlanNode) -> str:
    return node.place if node.place != "inline" else "own task" if node.asynchronous else "inline"


def _on_error(node: PlanNode) -> str:
    to = f" -> {node.fallback}" if node.fallback else ""
    return f"{node.on_error.policy}{to}"


def _carries(edge: PlanEdge) -> str:
    if edge.frame is not Audio:
        return edge.frame.__name__
    return f"Audio {edge.rate / 1000:g} kHz" if edge.rate else "Audio"


def _bound(edge: PlanEdge) -> str:
    return f"{edge.bound_ms:g} ms" if edge.bound_ms else f"{edge.bound} frames"


def _flags(edge: PlanEdge) -> str:
    return "feedback" if edge.feedback else ""


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths).rstrip(), *lines[1:]])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _id(name: str) -> str:
    """A name that is no word of Mermaid's own, as `end` would be."""
    return f"n_{name}"


def _entities(text: str) -> str:
    """Text inside quotes of Mermaid, where what is special to it or to HTML is written by number."""
    return "".join(c if c.isalnum() or c in " _.:,-/" else f"#{ord(c)};" for c in text)
