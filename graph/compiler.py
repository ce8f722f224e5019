"""From a checked file to a `Plan`: settings, ports, formats, lanes and cycles, with every mistake found in one run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from vaidol.graph import checks, formats
from vaidol.graph.building import Built, Link, built
from vaidol.graph.errors import PipelineError, Problem
from vaidol.graph.formats import Formats
from vaidol.graph.node import Node, Settings
from vaidol.graph.plan import WHOLE_BOUNDS, Lane, Plan, PlanEdge, PlanNode, default_bound
from vaidol.graph.ports import Port
from vaidol.graph.registry import Registry, UnknownKind
from vaidol.graph.spec import EdgeSpec, NodeSpec, Source, model_problems
from vaidol.graph.ways import behind
from vaidol.graph.yamlfile import nearest


def compile_plan(source: Source, registry: Registry) -> Plan:
    """Check `source` against the kinds in `registry`. Raises `PipelineError` with all problems of the file."""
    return _Compiler(source, registry).plan()


class _Compiler:
    def __init__(self, source: Source, registry: Registry) -> None:
        self.source = source
        self.registry = registry
        self.problems: list[Problem] = list(source.problems)
        self.nodes: dict[str, Built] = {}
        self.half: dict[str, Built] = {}  # with faulty settings; their ports are known all the same
        self.links: list[Link] = []

    def plan(self) -> Plan:
        spec = self.source.spec
        for name, node in spec.nodes.items():
            self.build(name, node)
        for made in self.nodes.values():
            made.stand_ins = self.stand_ins(made)
        for index, edge in enumerate(spec.edges):
            self.link(index, edge)
        self.check_inputs()
        self.note(checks.placement(self.nodes))
        self.note(checks.fallbacks(self.nodes, {*spec.nodes, *self.source.left_out}, self.links))
        self.note(checks.cycles(self.links))
        self.note(checks.pacers(self.nodes))
        found = formats.unify(self.links)
        self.check_mixed(found)
        links = [part for i, link in enumerate(self.links) for part in self.adapted(link, found[i])]
        lanes = self.lanes(links)
        if self.problems:
            raise PipelineError(self.problems)
        edges = tuple(self.edge(link, lanes) for link in links)
        nodes = tuple(self.node(node, lanes) for node in self.nodes.values())
        return Plan(spec.name, spec.about, nodes, edges, spec.turn, self.source.written)

    def problem(self, message: str, *way: str | int, key: bool = False) -> None:
        self.problems.append(Problem(self.source.at(*way, key=key), message))

    def note(self, found: Iterable[checks.Found]) -> None:
        for message, way, key in found:
            self.problem(message, *way, key=key)

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
        if settings is not None:
            self.nodes[name] = built(name, spec, kind, settings)
        elif kind.ports.__func__ is Node.ports.__func__:  # type: ignore[attr-defined]  # they do not depend on settings
            self.half[name] = built(name, spec, kind, Settings())

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
        elif (mistake := checks.bound(edge, out.frame)) is not None:
            self.problem(mistake[0], "edges", index, mistake[1], key=True)
        elif any(
            link.source is from_node and link.out is out and link.target is to_node and link.into is into
            for link in self.links
        ):
            self.problem(f"the edge {edge.source} -> {edge.target} is given twice", "edges", index)
        elif from_node.name in self.nodes and to_node.name in self.nodes:
            self.links.append(Link(index, edge, from_node, out, to_node, into))

    def end(self, index: int, text: str, which: str) -> tuple[Built, Port] | None:
        """The node and port one end of an edge names, or None after noting what is wrong."""
        node_name, dot, port_name = text.strip().partition(".")
        way = ("edges", index, which)
        if not dot:
            self.problem(f"'{text}' must be written node.port", *way)
            return None
        node = self.nodes.get(node_name) or self.half.get(node_name)
        if node is None:
            known = {*self.source.spec.nodes, *self.source.left_out}  # the problem of a faulty node is noted already
            if node_name not in known:
                self.problem(f"no node '{node_name}'{nearest(node_name, known)}", *way)
            return None
        ports, word = (node.outputs, "output") if which == "from" else (node.inputs, "input")
        if port_name not in ports:
            there = nearest(port_name, ports, what="there are") or f"; {node.spec.use} has no {word}s"
            self.problem(f"node '{node_name}' ({node.spec.use}) has no {word} '{port_name}'{there}", *way)
            return None
        return node, ports[port_name]

    def fitting(self, node: Built, into: Port) -> str:
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

    def half_known(self, node: Built, port: Port) -> bool:
        """Whether a faulty edge was meant for this input, so that a second message would only confuse."""
        written = self.source.document.data.get("edges")
        texts = [str(edge) for edge in written] if isinstance(written, list) else []
        texts += [problem.message for problem in self.source.problems]
        return bool(self.problems) and any(f"{node.name}.{port.name}" in text for text in texts)

    def check_mixed(self, found: dict[int, Formats]) -> None:
        """Several edges into one input whose rate goes on must agree on it."""
        for node in self.nodes.values():
            for port, rates in formats.mixed(node, self.links, found):
                feeding = [link for link in self.links if link.target is node and link.into.name == port]
                message = f"{node.name}.{port} hands its rate on, and gets several: {', '.join(rates)}"
                self.problem(message, "edges", feeding[-1].index)

    # audio formats

    def adapted(self, link: Link, found: Formats) -> list[Link]:
        """The link itself, or a chain through the adapters that make its two ends fit."""
        link.rate = found.one("rate")
        chain, current = [], link
        for kind_name, settings in formats.wanted(link, found):
            adapter = self.adapter(kind_name, settings, link)
            if adapter is None:
                return [link]
            inlet, outlet = next(iter(adapter.inputs.values())), next(iter(adapter.outputs.values()))
            plain = link.spec.model_copy(update={"policy": None, "bound_ms": None, "bound": None, "feedback": False})
            chain.append(replace(current, spec=plain, target=adapter, into=inlet))
            rate = settings.get("rate") or current.rate
            current = replace(link, source=adapter, out=outlet, rate=rate)
        return [*chain, current]

    def adapter(self, kind_name: str, settings: dict[str, Any], link: Link) -> Built | None:
        try:
            kind = self.registry.find(kind_name)
        except UnknownKind:
            ends = f"{link.source.name}.{link.out} does not fit {link.target.name}.{link.into}"
            message = f"{ends}, and there is no {kind_name} to adapt them"
            self.problem(message, "edges", link.index)
            return None
        base = f"{link.source.name}_to_{link.target.name}_{kind_name.partition('.')[2]}"
        name = base
        while name in self.nodes or name in self.source.spec.nodes:
            name += f"_{link.index}"
        made = kind.settings_class().model_validate(settings)
        spec = NodeSpec.model_validate({"use": kind_name, "with": settings})
        adapter = self.nodes[name] = built(name, spec, kind, made, adapter=True)
        return adapter

    # lanes and bounds

    def lanes(self, links: list[Link]) -> dict[str, Lane]:
        """Nodes at and after one that makes replies are in the reply lane; all others in the input lane."""
        ways = [(k.source.name, k.target.name) for k in links if not k.spec.feedback and not k.out.source]
        reply: set[str] = set()
        for node in self.nodes.values():
            if any(one.kind.replies for one in node.all):
                reply |= {node.name} | behind(node.name, ways)
        wired = {node.name for link in links for node in (link.source, link.target)}
        reply |= {one.name for node in self.nodes.values() if node.name in reply for one in node.stand_ins} - wired
        return {name: "reply" if name in reply else "input" for name in self.nodes}

    def edge(self, link: Link, lanes: dict[str, Lane]) -> PlanEdge:
        # what an end of the graph takes in from outside begins in the input lane, whatever the node does else
        lane: Lane = "input" if link.out.source else lanes[link.source.name]
        spec = link.spec
        policy, bound_ms, bound = default_bound(link.out.frame, lane, feedback=spec.feedback)
        policy = spec.policy or policy
        if policy in WHOLE_BOUNDS:
            bound_ms, bound = 0.0, WHOLE_BOUNDS[policy]
        elif spec.bound_ms or spec.bound:
            bound_ms, bound = spec.bound_ms or 0.0, spec.bound or 0
        return PlanEdge(
            link.source.name, link.out.name, link.target.name, link.into.name, link.out.frame, link.rate,
            policy, bound_ms, bound, lane, spec.feedback,
            gated=any(node.kind.effects for node in link.target.all),
        )  # fmt: skip

    def node(self, made: Built, lanes: dict[str, Lane]) -> PlanNode:
        spec = made.spec
        asynchronous = any(node.kind.is_async() or node.spec.place != "inline" for node in made.all)
        return PlanNode(
            made.name, spec.use, made.settings, lanes[made.name], asynchronous,
            spec.place, spec.on_error, spec.fallback, made.adapter,
        )  # fmt: skip

    def stand_ins(self, node: Built) -> list[Built]:
        """All that may come to run in place of `node`, in that order."""
        chain, at = [node], node.spec.fallback
        while at in self.nodes and self.nodes[at] not in chain:
            chain.append(self.nodes[at])
            at = chain[-1].spec.fallback
        return chain[1:]
