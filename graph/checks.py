"""Checks of edges and of whole graphs: bounds, cycles, pacers, stand-ins, placement; with where the mistake is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vaidol.graph.building import Built, Link
from vaidol.graph.formats import FIELDS
from vaidol.graph.frames import Audio, Frame
from vaidol.graph.plan import HARD_LIMIT, WHOLE_BOUNDS, default_bound
from vaidol.graph.spec import EdgeSpec
from vaidol.graph.ways import circle
from vaidol.graph.yamlfile import Way, nearest

Vertex = tuple[str, str]  # a node, and an output of its own
Found = tuple[str, Way, bool]  # message, where, whether the key is meant and not the value
CYCLES_TOLD = 20


def cycles(links: Sequence[Link]) -> Iterator[Found]:
    """Every circle must hold an edge marked feedback (those never block); one message per circle."""
    indices: dict[tuple[Vertex, Vertex], int] = {}
    for link in links:
        if not link.spec.feedback:
            # an output that does not depend on the inputs is a vertex of its own
            tail = (link.source.name, link.out.name) if link.out.source else (link.source.name, "")
            indices[tail, (link.target.name, "")] = link.index
    for _ in range(CYCLES_TOLD):
        cycle = circle(indices)
        if not cycle:
            return
        names = " -> ".join([source[0] for source, _ in cycle] + [cycle[0][0][0]])
        last = max(cycle, key=lambda edge: indices[edge])
        index = indices[last]
        yield (
            f"the edges go in a circle: {names}; mark the one that goes back 'feedback: true'", ("edges", index), False
        )  # fmt: skip
        del indices[last]


def bound(edge: EdgeSpec, frame: type[Frame]) -> tuple[str, str] | None:
    """What is wrong with what an edge of `frame`s says about being full, and the key that says it."""
    given = "bound_ms" if edge.bound_ms else "bound" if edge.bound else ""
    if edge.feedback and edge.policy == "block":
        return "a feedback edge may not block: the cycle would stand still", "policy"
    if edge.bound_ms and edge.bound:
        return "bound_ms and bound are two ways to say the same: give one of them", "bound"
    if edge.bound_ms and frame is not Audio:
        return "bound_ms is for audio; give bound, in frames", "bound_ms"
    policy = edge.policy or default_bound(frame, "input", feedback=False)[0]
    if given and policy in WHOLE_BOUNDS and (edge.policy or default_bound(frame, "reply", feedback=False)[0] == policy):
        what = "keeps the newest frame only" if policy == "latest" else f"loses nothing up to {HARD_LIMIT} frames"
        return f"policy {policy} {what}, whatever {given} says; give it policy drop_oldest or block", given
    return None


def pacers(nodes: Mapping[str, Built]) -> Iterator[Found]:
    """A session has one listener, and so one playout cursor: that of the node that releases audio in real time."""
    pacing = [node for node in nodes.values() if node.kind.paces]
    for node in pacing[1:]:
        message = f"'{node.name}' paces audio as '{pacing[0].name}' does already, and a session has one playout cursor"
        yield message, ("nodes", node.name), True


def placement(nodes: Mapping[str, Built]) -> Iterator[Found]:
    """A thread or a process is for synchronous work on frames, and for models that can live there."""
    for node in nodes.values():
        place, way = node.spec.place, ("nodes", node.name, "place")
        hosted = any(need.host for need in node.kind.needs(node.settings))
        if place == "inline" or (hosted and place in ("thread", "process")):
            continue
        if hosted:
            yield f"node '{node.name}': {node.spec.use} can be on a thread or in a process, not elsewhere", way, False
        elif node.kind.is_async() or node.kind.is_source() or not node.inputs:
            yield (
                f"node '{node.name}': place {place} is for synchronous nodes; {node.spec.use} does not block",
                way,
                False,
            )
        elif node.kind.paces:
            yield f"node '{node.name}': a pacer runs on the loop, with its clock", way, False


def fallbacks(nodes: Mapping[str, Built], named: set[str], links: Sequence[Link]) -> Iterator[Found]:
    """A stand-in exists, fits, and does not stand in for itself in the end."""
    for node in nodes.values():
        other, way = node.spec.fallback, ("nodes", node.name, "fallback")
        if other is None:
            if node.spec.on_error.policy == "fallback":
                message = f"node '{node.name}': policy fallback needs 'fallback: NODE'"
                yield message, ("nodes", node.name, "on_error"), False
        elif other not in named or other == node.name:
            known = nearest(other, named - {node.name})
            yield f"node '{node.name}': no node '{other}' to fall back to{known}", way, False
        elif _returns(node, nodes):
            yield f"node '{node.name}': the fallbacks go in a circle", way, False
        for stand_in in node.stand_ins:
            for what in _misfits(node, stand_in, links):
                yield f"node '{stand_in.name}' cannot stand in for '{node.name}': {what}", way, False


def _returns(node: Built, nodes: Mapping[str, Built]) -> bool:
    seen, at = set(), node.name
    while at in nodes and at not in seen:
        seen.add(at)
        at = nodes[at].spec.fallback or ""
    return at == node.name


def _misfits(node: Built, stand_in: Built, links: Sequence[Link]) -> Iterator[str]:
    """Why `stand_in` cannot work on the edges of `node`. What it gives may have another format: that is adapted."""
    ins = {link.into.name: link.into for link in links if link.target is node}
    outs = {link.out.name: link.out for link in links if link.source is node}
    for ports, theirs in ((ins, stand_in.inputs), (outs, stand_in.outputs)):
        for name, port in ports.items():
            same = theirs.get(name)
            if same is None or same.frame is not port.frame:
                yield f"it has no port {port}"
            elif ports is ins and any(_differ(getattr(port, field), getattr(same, field)) for field in FIELDS):
                yield f"its input is {same}, and that of '{node.name}' is {port}"
    if not ins and not outs:
        return  # it waits itself to stand in for one that is checked with the whole chain
    for name, port in stand_in.inputs.items():
        known = node.inputs.get(name)
        if name not in ins and not port.optional and (known is None or known.optional):
            yield f"nothing would feed its input {port}"


def _differ(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other
