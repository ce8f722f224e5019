"""What differs between two plans: nodes, edges, and when the change may take effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from vaidol.graph.plan import Plan, PlanNode

Moment = Literal["frame", "turn", "now"]
MOMENTS: tuple[Moment, ...] = ("frame", "turn", "now")


@dataclass(frozen=True, slots=True)
class Replaced:
    """A node that gets a new instance. `settings`: the names of those that differ; their values may be secret."""

    node: str
    old: str
    new: str
    settings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diff:
    """From one plan to another. Adapters are nodes like others, and are named by what they fit together.

    ruled: nodes that stay, under other rules (`on_error`, `fallback`, lane). Edges by name; a changed one stays too,
    with another bound, policy or rate.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    ruled: tuple[str, ...] = ()
    edges_added: tuple[str, ...] = ()
    edges_removed: tuple[str, ...] = ()
    edges_changed: tuple[str, ...] = ()
    named: bool = False  # another name, sentence or deadline
    moment: Moment = "frame"

    @property
    def empty(self) -> bool:
        return self == Diff(moment=self.moment)

    @property
    def text(self) -> str:
        """One line for people."""
        parts = [
            f"{one.node}: {one.old} -> {one.new}"
            if one.old != one.new
            else f"{one.node}: {', '.join(one.settings) or 'placement'}"
            for one in self.replaced
        ]
        parts += [f"+ {name}" for name in self.added] + [f"- {name}" for name in self.removed]
        parts += [f"{name}: rules" for name in self.ruled]
        counts = [(self.edges_added, "added"), (self.edges_removed, "removed"), (self.edges_changed, "changed")]
        parts += [f"{len(names)} edge{'s' * (len(names) > 1)} {what}" for names, what in counts if names]
        return ", ".join(parts) or ("name or deadlines" if self.named else "nothing")

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "text": self.text,
            "added": list(self.added),
            "removed": list(self.removed),
            "replaced": [
                {"node": one.node, "from": one.old, "to": one.new, "settings": list(one.settings)}
                for one in self.replaced
            ],
            "ruled": list(self.ruled),
            "edges": {
                "added": list(self.edges_added),
                "removed": list(self.edges_removed),
                "changed": list(self.edges_changed),
            },
            "at": self.moment,
        }


def placed(plan: Plan) -> dict[str, PlanNode]:
    """The nodes with a place of their own in the graph; the others only stand in for one that fails."""
    stand_ins = {node.fallback for node in plan.nodes if node.fallback}
    wired = {name for edge in plan.edges for name in (edge.source, edge.target)}
    return {node.name: node for node in plan.nodes if node.name not in stand_ins or node.name in wired}


def difference(old: Plan, new: Plan) -> Diff:
    """What has to change to get from `old` to `new`, and when by default: what belongs to replies between two turns."""
    before, after = placed(old), placed(new)
    replaced = tuple(_replaced(before[name], node) for name, node in after.items() if _differ(before.get(name), node))
    ruled = tuple(
        name
        for name, node in after.items()
        if name in before and node != before[name] and not _differ(before[name], node)
    )
    edges, wanted = {edge.name: edge for edge in old.edges}, {edge.name: edge for edge in new.edges}
    added = tuple(name for name in after if name not in before)
    removed = tuple(name for name in before if name not in after)
    touched = {*added, *removed, *(one.node for one in replaced)}
    reply = any(lanes[name].lane == "reply" for lanes in (before, after) for name in touched if name in lanes)
    stand_ins = [[node for node in plan.nodes if node.name not in placed(plan)] for plan in (old, new)]
    return Diff(
        added=added,
        removed=removed,
        replaced=replaced,
        ruled=ruled,
        edges_added=tuple(name for name in wanted if name not in edges),
        edges_removed=tuple(name for name in edges if name not in wanted),
        edges_changed=tuple(name for name, edge in wanted.items() if name in edges and edge != edges[name]),
        named=(old.name, old.about, old.turn) != (new.name, new.about, new.turn) or stand_ins[0] != stand_ins[1],
        moment="turn" if reply else "frame",
    )


def _differ(old: PlanNode | None, new: PlanNode) -> bool:
    """Whether the node needs a new instance."""
    return old is not None and _instance(old) != _instance(new)


def _instance(node: PlanNode) -> tuple[Any, ...]:
    return node.kind, node.settings, node.place, node.asynchronous


def _replaced(old: PlanNode, new: PlanNode) -> Replaced:
    names: tuple[str, ...] = ()
    if old.kind == new.kind:
        fields = type(new.settings).model_fields
        names = tuple(n for n in fields if getattr(old.settings, n) != getattr(new.settings, n))
    return Replaced(new.name, old.kind, new.kind, names)
