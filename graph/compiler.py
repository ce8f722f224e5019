"""From a checked file to a `Plan`: settings, ports, formats, lanes and cycles, with every mistake found in one run.

Long because the checks of one file share its tables and its list of problems.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import networkx as nx
from pydantic import ValidationError

from vaidol.graph.errors import PipelineError, Problem
from vaidol.graph.frames import Audio
from vaidol.graph.node import Node, Settings
from vaidol.graph.plan import Lane, Plan, PlanEdge, PlanNode, default_bound
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry, UnknownKind
from vaidol.graph.spec import EdgeSpec, NodeSpec, Source, model_problems
from vaidol.graph.yamlfile import nearest

RESAMPLE, REFRAME, DTYPE = "adapt.resample", "adapt.reframe", "adapt.dtype"


def compile_plan(source: Source, registry: Registry) -> Plan:
    """Check `source` against the kinds in `registry`. Raises `PipelineError` with all problems of the file."""
    return _Compiler(source, registry).plan()


@dataclass
class _Built:
    """A node under compilation."""

    name: str
    spec: NodeSpec
    kind: type[Node[Any]]
    settings: Settings
    inputs: dict[str, Port]
    outputs: dict[str, Port]
    adapter: bool = False


@dataclass
class _Link:
    """An edge under compilation, and where it was written."""

    index: int
    spec: EdgeSpec
    source: _Built
    out: Port
    target: _Built
    into: Port
    rate: int | None = None


class _Compiler:
    def __init__(self, source: Source, registry: Registry) -> None:
        self.source = source
        self.registry = registry
        self.problems: list[Problem] = []
        self.nodes: dict[str, _Built] = {}
        self.links: list[_Link] = []

    def plan(self) -> Plan:
        for name, spec in self.source.spec.nodes.items():
            self.build(name, spec)
        for index, edge in enumerate(self.source.spec.edges):
            self.link(index, edge)
        self.check_inputs()
        self.check_fallbacks()
        self.check_cycles()
        self.stop_if_wrong()
        self.unify_rates()
        self.stop_if_wrong()
        links = [part for link in self.links for part in self.adapted(link)]
        self.stop_if_wrong()
        lanes = self.lanes(links)
        self.check_pacers(links)
        edges = tuple(self.edge(link, lanes) for link in links)
        self.stop_if_wrong()
        nodes = tuple(self.node(built, lanes) for built in self.nodes.values())
        whole = self.source.spec
        return Plan(whole.name, whole.about, nodes, edges, whole.turn)

    def problem(self, message: str, *way: str | int, key: bool = False) -> None:
        self.problems.append(Problem(self.source.at(*way, key=key), message))

    def stop_if_wrong(self) -> None:
        if self.problems:
            raise PipelineError(self.problems)

    # nodes

    def build(self, name: str, spec: NodeSpec) -> None:
        way = ("nodes", name)
        try:
            kind = self.registry.find(spec.use)
        except UnknownKind as error:
            near = nearest(spec.use, self.registry.kinds()) if spec.use not in self.registry.kinds() else ""
            self.problem(f"node '{name}': {error}{near}", *way, "use")
            return
        settings = self.settings(kind, spec.settings, (*way, "with"))
        if settings is None:
            return
        inputs, outputs = kind.ports(settings)
        if spec.place == "thread" and (kind.is_async() or not inputs):
            self.problem(
                f"node '{name}': place thread is for synchronous nodes; {spec.use} does not block", *way, "place"
            )
        self.nodes[name] = _Built(name, spec, kind, settings, {p.name: p for p in inputs}, {p.name: p for p in outputs})

    def settings(self, kind: type[Node[Any]], given: dict[str, Any], way: tuple[str | int, ...]) -> Settings | None:
        model = kind.settings_class()
        try:
            return model.model_validate(given)
        except ValidationError as error:
            self.problems += model_problems(error, self.source.document, way, model)
            return None

    # edges

    def link(self, index: int, edge: EdgeSpec) -> None:
        source = self.end(index, edge.source, "from")
        target = self.end(index, edge.target, "to")
        if source is None or target is None:
            return
        (from_node, out), (to_node, into) = source, target
        if out.frame is not into.frame:
            message = (
                f"{edge.source} gives {out.frame.__name__}, but {edge.target} takes {into.frame.__name__}"
                f"{self.fitting(from_node, into)}"
            )
            self.problem(message, "edges", index)
        elif edge.bound_ms and out.frame is not Audio:
            self.problem("bound_ms is for audio; give bound, in frames", "edges", index, "bound_ms", key=True)
        elif edge.feedback and edge.policy == "block":
            self.problem("a feedback edge may not block: the cycle would stand still", "edges", index, "policy")
        elif any(
            link.source is from_node and link.out is out and link.target is to_node and link.into is into
            for link in self.links
        ):
            self.problem(f"the edge {edge.source} -> {edge.target} is given twice", "edges", index)
        else:
            self.links.append(_Link(index, edge, from_node, out, to_node, into))

    def end(self, index: int, text: str, which: str) -> tuple[_Built, Port] | None:
        """The node and port one end of an edge names, or None after noting what is wrong."""
        node_name, dot, port_name = text.strip().partition(".")
        way = ("edges", index, which)
        if not dot:
            self.problem(f"'{text}' must be written node.port", *way)
            return None
        if node_name not in self.nodes:
            if node_name not in self.source.spec.nodes:  # else its own problem is noted already
                self.problem(f"no node '{node_name}'{nearest(node_name, self.source.spec.nodes)}", *way)
            return None
        node = self.nodes[node_name]
        ports, word = (node.outputs, "output") if which == "from" else (node.inputs, "input")
        if port_name not in ports:
            known = nearest(port_name, ports, what="there are") or f"; {node.spec.use} has no {word}s"
            self.problem(f"node '{node_name}' ({node.spec.use}) has no {word} '{port_name}'{known}", *way)
            return None
        return node, ports[port_name]

    def fitting(self, node: _Built, into: Port) -> str:
        """The tail of a type error: an output of the same node that would fit."""
        fits = [name for name, port in node.outputs.items() if port.frame is into.frame]
        return f"; did you mean '{node.name}.{fits[0]}'?" if fits else ""

    # whole-graph checks

    def check_inputs(self) -> None:
        wired = {node.name for link in self.links for node in (link.source, link.target)}
        waiting = {node.spec.fallback for node in self.nodes.values()} - wired  # they get the edges of another one
        for node in (node for node in self.nodes.values() if node.name not in waiting):
            for port in node.inputs.values():
                feeding = [link for link in self.links if link.target is node and link.into is port]
                if len(feeding) > 1 and not port.many:
                    first = f"{feeding[0].spec.source}"
                    self.problem(
                        f"{node.name}.{port.name} takes one edge and has it from {first}", "edges", feeding[1].index
                    )
                if not feeding and not port.optional and not self.half_known(node, port):
                    self.problem(f"node '{node.name}': nothing feeds its input {port}", "nodes", node.name, key=True)

    def half_known(self, node: _Built, port: Port) -> bool:
        """Whether a faulty edge was meant for this input, so that a second message would only confuse."""
        targets = {edge.target.strip() for edge in self.source.spec.edges}
        return bool(self.problems) and f"{node.name}.{port.name}" in targets

    def check_fallbacks(self) -> None:
        for node in self.nodes.values():
            other = node.spec.fallback
            if node.spec.on_error.policy == "fallback" and other is None:
                self.problem(
                    f"node '{node.name}': policy fallback needs 'fallback: NODE'", "nodes", node.name, "on_error"
                )
            if other is None:
                continue
            if other not in self.source.spec.nodes or other == node.name:
                known = nearest(other, set(self.source.spec.nodes) - {node.name})
                self.problem(
                    f"node '{node.name}': no node '{other}' to fall back to{known}", "nodes", node.name, "fallback"
                )
            elif other in self.nodes:
                self.check_stand_in(node, self.nodes[other])

    def check_stand_in(self, node: _Built, stand_in: _Built) -> None:
        """A stand-in must have every port that is connected at the node it replaces."""
        for link in self.links:
            for end, port, ports in (
                (link.target, link.into, stand_in.inputs),
                (link.source, link.out, stand_in.outputs),
            ):
                if end is node and (port.name not in ports or ports[port.name].frame is not port.frame):
                    self.problem(
                        f"node '{stand_in.name}' cannot stand in for '{node.name}': it has no port {port}",
                        "nodes", node.name, "fallback",
                    )  # fmt: skip

    def check_cycles(self) -> None:
        graph: nx.DiGraph[Any] = nx.DiGraph()
        for link in self.links:
            if not link.spec.feedback:
                # an output that does not depend on the inputs is a vertex of its own
                tail = (link.source.name, link.out.name) if link.out.source else (link.source.name, "")
                graph.add_edge(tail, (link.target.name, ""), index=link.index)
        for component in nx.strongly_connected_components(graph):
            if len(component) > 1 or any(graph.has_edge(v, v) for v in component):
                cycle = nx.find_cycle(graph.subgraph(component))
                names = " -> ".join([edge[0][0] for edge in cycle] + [cycle[0][0][0]])
                last = max(graph.edges[edge[0], edge[1]]["index"] for edge in cycle)
                self.problem(
                    f"the edges go in a circle: {names}; mark the one that goes back 'feedback: true'", "edges", last
                )

    def check_pacers(self, links: list[_Link]) -> None:
        """Reply audio passes exactly one pacer: two would drift, none would arrive all at once."""
        graph = nx.DiGraph([(link.source.name, link.target.name) for link in links
                            if not link.spec.feedback and link.out.frame is Audio])  # fmt: skip
        pacers = [node for node in self.nodes.values() if node.kind.paces]
        for node in pacers:
            for other in pacers:
                if (
                    node is not other
                    and node.name in graph
                    and other.name in graph
                    and nx.has_path(graph, node.name, other.name)
                ):
                    self.problem(
                        f"'{other.name}' paces audio that '{node.name}' paces already", "nodes", other.name, key=True
                    )

    # audio formats

    def unify_rates(self) -> None:
        """Carry rates along outputs that repeat an input's format, until nothing changes."""
        changed = True
        while changed:
            changed = False
            for link in self.links:
                rate = self.rate_of(link)
                if rate != link.rate:
                    link.rate, changed = rate, True

    def rate_of(self, link: _Link) -> int | None:
        if link.out.frame is not Audio:
            return None
        if link.out.like is None or link.out.rate:
            return link.out.rate
        feeding = [up for up in self.links if up.target is link.source and up.into.name == link.out.like]
        rates = {up.into.rate or up.rate for up in feeding}
        return rates.pop() if len(rates) == 1 else None

    def adapted(self, link: _Link) -> list[_Link]:
        """The link itself, or a chain through the adapters that make its two ends fit."""
        wanted: list[tuple[str, dict[str, Any]]] = []
        out, into = link.out, link.into
        if into.rate and link.rate != into.rate:
            wanted.append((RESAMPLE, {"rate": into.rate}))
        if into.dtype and out.dtype != into.dtype:
            wanted.append((DTYPE, {"dtype": into.dtype}))
        if into.frame_ms and out.frame_ms != into.frame_ms:
            wanted.append((REFRAME, {"frame_ms": into.frame_ms}))
        chain, current = [], link
        for kind_name, settings in wanted:
            adapter = self.adapter(kind_name, settings, link)
            if adapter is None:
                return [link]
            inlet, outlet = next(iter(adapter.inputs.values())), next(iter(adapter.outputs.values()))
            plain = link.spec.model_copy(update={"policy": None, "bound_ms": None, "bound": None, "feedback": False})
            chain.append(replace(current, spec=plain, target=adapter, into=inlet))
            current = replace(link, source=adapter, out=outlet, rate=into.rate or link.rate)
        return [*chain, current]

    def adapter(self, kind_name: str, settings: dict[str, Any], link: _Link) -> _Built | None:
        try:
            kind = self.registry.find(kind_name)
        except UnknownKind:
            ends = f"{link.source.name}.{link.out} does not fit {link.target.name}.{link.into}"
            message = f"{ends}, and there is no {kind_name}"
            self.problem(message, "edges", link.index)
            return None
        base = f"{link.source.name}_to_{link.target.name}_{kind_name.partition('.')[2]}"
        name = base if base not in self.nodes else f"{base}_{link.index}"
        made = kind.settings_class().model_validate(settings)
        inputs, outputs = kind.ports(made)
        spec = NodeSpec.model_validate({"use": kind_name, "with": settings})
        built = _Built(name, spec, kind, made, {p.name: p for p in inputs}, {p.name: p for p in outputs}, adapter=True)
        self.nodes[name] = built
        return built

    # lanes and bounds

    def lanes(self, links: list[_Link]) -> dict[str, Lane]:
        """Nodes at and after one that makes replies are in the reply lane; all others in the input lane."""
        graph: nx.DiGraph[Any] = nx.DiGraph()
        graph.add_nodes_from(self.nodes)
        graph.add_edges_from((k.source.name, k.target.name) for k in links if not k.spec.feedback and not k.out.source)
        reply: set[str] = set()
        for node in self.nodes.values():
            if node.kind.replies:
                reply |= {node.name} | nx.descendants(graph, node.name)
        return {name: "reply" if name in reply else "input" for name in self.nodes}

    def edge(self, link: _Link, lanes: dict[str, Lane]) -> PlanEdge:
        # what an end of the graph takes in from outside begins in the input lane, whatever the node does else
        lane: Lane = "input" if link.out.source else lanes[link.source.name]
        spec = link.spec
        policy, bound_ms, bound = default_bound(link.out.frame, lane, feedback=spec.feedback)
        if spec.bound_ms or spec.bound:
            bound_ms, bound = spec.bound_ms or 0.0, spec.bound or 0
        if spec.policy == "latest":
            bound_ms, bound = 0.0, 1
        return PlanEdge(
            link.source.name, link.out.name, link.target.name, link.into.name, link.out.frame, link.rate,
            spec.policy or policy, bound_ms, bound, lane, spec.feedback,
        )  # fmt: skip

    def node(self, built: _Built, lanes: dict[str, Lane]) -> PlanNode:
        spec = built.spec
        asynchronous = built.kind.is_async() or spec.place == "thread"
        return PlanNode(
            built.name, spec.use, built.settings, lanes[built.name], asynchronous,
            spec.place, spec.on_error, spec.fallback, built.adapter,
        )  # fmt: skip
