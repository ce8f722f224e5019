"""Audio formats along a graph: what rate, sample type and frame length each edge carries, and what must adapt them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vaidol.graph.building import Built, Link
from vaidol.graph.frames import Audio

RESAMPLE, DTYPE, REFRAME = "adapt.resample", "adapt.dtype", "adapt.reframe"
FIELDS = ("rate", "dtype", "frame_ms")
ANY = "any"  # of an output that says nothing about it


@dataclass
class Formats:
    """Per field of the format, what an edge may carry by all that feeds it: one value = known, several = it varies."""

    values: dict[str, frozenset[Any]] = field(default_factory=lambda: dict.fromkeys(FIELDS, frozenset()))

    def one(self, name: str) -> Any:
        """The value of a field where it is sure, else None."""
        values = self.values[name]
        return next(iter(values)) if len(values) == 1 and values != {ANY} else None


def unify(links: Sequence[Link]) -> dict[int, Formats]:
    """The format on each link, by its place in `links`: declared by its output, or repeated from the input that its
    output is `like`, along any chain and any circle."""
    found = [Formats() for _ in links]
    feeding: dict[tuple[str, str], list[int]] = {}
    for index, link in enumerate(links):
        feeding.setdefault((link.target.name, link.into.name), []).append(index)
    changed = True
    while changed:  # values are only ever added, so this ends
        changed = False
        for index, link in enumerate(links):
            if link.out.frame is not Audio:
                continue
            for name in FIELDS:
                values = _values(link, name, feeding, links, found)
                if values - found[index].values[name]:
                    found[index].values[name] |= values
                    changed = True
    return dict(enumerate(found))


def _values(
    link: Link, name: str, feeding: dict[tuple[str, str], list[int]], links: Sequence[Link], found: list[Formats]
) -> frozenset[Any]:
    """By all that may run at the link's source: the node and its stand-ins."""
    values: set[Any] = set()
    for port in filter(None, (node.outputs.get(link.out.name) for node in link.source.all)):
        declared = getattr(port, name)
        ups = [] if declared is not None else feeding.get((link.source.name, port.like or ""), [])
        if not ups:
            values.add(ANY if declared is None else declared)
        for up in ups:
            wanted = links[up].wanted(name)
            values |= found[up].values[name] if wanted is None else {wanted}
    return frozenset(values)


def wanted(link: Link, formats: Formats) -> list[tuple[str, dict[str, Any]]]:
    """The adapters, in order, that make what comes along `link` fit its input."""
    rate, dtype, frame_ms = map(link.wanted, FIELDS)
    found: list[tuple[str, dict[str, Any]]] = []
    if rate and formats.one("rate") != rate:
        found.append((RESAMPLE, {"rate": rate}))
    if dtype and formats.one("dtype") != dtype:
        found.append((DTYPE, {"dtype": dtype}))
    # a resampled frame may be a sample longer or shorter than its length says
    if frame_ms and (formats.one("frame_ms") != frame_ms or found[:1] == [(RESAMPLE, {"rate": rate})]):
        found.append((REFRAME, {"frame_ms": frame_ms}))
    return found


def mixed(node: Built, links: Sequence[Link], formats: dict[int, Formats]) -> list[tuple[str, list[str]]]:
    """Inputs with several edges of different rates whose rate an output repeats: (input, the rates by source)."""
    repeated = {port.like for port in node.outputs.values() if port.like and port.rate is None}
    found = []
    for name, port in node.inputs.items():
        if name not in repeated or port.rate is not None or port.frame is not Audio:
            continue
        ins = [(i, link) for i, link in enumerate(links) if link.target is node and link.into is port]
        rates = {rate for i, _ in ins for rate in formats[i].values["rate"] - {ANY}}
        if len(ins) > 1 and len(rates) > 1:
            found.append((name, [f"{link.spec.source} {_rates(formats[i])}" for i, link in ins]))
    return found


def _rates(formats: Formats) -> str:
    return " or ".join(f"{rate / 1000:g} kHz" for rate in sorted(formats.values["rate"] - {ANY})) or "of any rate"
