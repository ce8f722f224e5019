"""A plan as the inspector draws it: nodes with ports, words and settings, edges with formats; no secret among them."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from vaidol.graph.node import Node
from vaidol.graph.plan import Plan, PlanEdge, PlanNode
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry
from vaidol.server.inspector.masking import masked


def described(plan: Plan, registry: Registry) -> dict[str, Any]:
    """name, about, digest-free and JSON-ready: `nodes`, `edges`, and by kind in `kinds` its docstring and schema."""
    return {
        "name": plan.name,
        "about": plan.about,
        "nodes": [_node(node, registry.find(node.kind)) for node in plan.nodes],
        "edges": [_edge(edge) for edge in plan.edges],
        "kinds": {node.kind: _kind(registry, node.kind) for node in plan.nodes},
    }


def _node(node: PlanNode, kind: type[Node[Any]]) -> dict[str, Any]:
    inputs, outputs = kind.ports(node.settings)
    return {
        "name": node.name,
        "kind": node.kind,
        "lane": node.lane,
        "runs": node.place if node.place != "inline" else "own task" if node.asynchronous else "inline",
        "adapter": node.adapter,
        "fallback": node.fallback,
        "on_error": node.on_error.policy,
        "inputs": [_port(port) for port in inputs],
        "outputs": [_port(port) for port in outputs],
        "settings": masked(node.settings),
    }


def _port(port: Port) -> dict[str, Any]:
    return {"name": port.name, "frame": port.frame.__name__, "told": str(port), "optional": port.optional}


def _edge(edge: PlanEdge) -> dict[str, Any]:
    return {
        "name": edge.name,
        "source": edge.source,
        "source_port": edge.source_port,
        "target": edge.target,
        "target_port": edge.target_port,
        "frame": edge.frame.__name__,
        "rate": edge.rate,
        "policy": edge.policy,
        "bound": edge.bound,
        "bound_ms": edge.bound_ms,
        "lane": edge.lane,
        "feedback": edge.feedback,
    }


@functools.lru_cache(maxsize=256)  # the schema takes a millisecond, and never changes
def _kind(registry: Registry, name: str) -> dict[str, Any]:
    kind = registry.find(name)
    return {"doc": inspect.getdoc(kind) or "", "schema": kind.settings_class().model_json_schema()}
