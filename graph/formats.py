"""Audio formats along a graph: what rate, sample type and frame length each edge carries, and what must adapt them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vaidol.graph.building import Built, Link
from vaidol.graph.frames import Audio

RESAMPLE, DTYPE, REFRAME = "adapt.resample", "adapt.dtype", "adapt.reframe"
FIELDS = ("rate", "dtype", "frame_ms")


@dataclass
class Formats:
    """Per field of the format, what an edge may carry by all that feeds it: one value = known, several = it varies."""

    values: dict[str, frozenset[Any]] = field(default_factory=lambda: dict.fromkeys(FIELDS, frozenset()))

    def one(self, name: str) -> Any:
        """The value of a field where it is sure, else None."""
        values = self.values[name]
        return next(iter(values)) if len(values) == 1 else None


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
    declared = getattr(link.out, name)
    if declared is not None:
        return frozenset((declared,))
    if link.out.like is None:
        return frozenset()
    values: frozenset[Any] = frozenset()
    for up in feeding.get((link.source.name, link.out.like), ()):
        wanted = getattr(links[up].into, name)
        values |= frozenset((wanted,)) if wanted is not None else found[up].values[name]
    return values


def wanted(link: Link, formats: Formats) -> list[tuple[str, dict[str, Any]]]:
    """The adapters, in order, that make what comes along `link` fit its input."""
    into = link.into
    found: list[tuple[str, dict[str, Any]]] = []
    if into.rate and formats.one("rate") != into.rate:
        found.append((RESAMPLE, {"rate": into.rate}))
    if into.dtype and formats.one("dtype") != into.dtype:
        found.append((DTYPE, {"dtype": into.dtype}))
    # a resampled frame may be a sample longer or shorter than its length says
    if into.frame_ms and (formats.one("frame_ms") != into.frame_ms or found[:1] == [(RESAMPLE, {"rate": into.rate})]):
        found.append((REFRAME, {"frame_ms": into.frame_ms}))
    return found


def mixed(node: Built, links: Sequence[Link], formats: dict[int, Formats]) -> list[tuple[str, list[str]]]:
    """Inputs with several edges of different rates whose rate an output repeats: (input, the rates by source)."""
    repeated = {port.like for port in node.outputs.values() if port.like and port.rate is None}
    found = []
    for name, port in node.inputs.items():
        if name not in repeated or port.rate is not None or port.frame is not Audio:
            continue
        ins = [(i, link) for i, link in enumerate(links) if link.target is node and link.into is port]
        rates = {rate for i, _ in ins for rate in formats[i].values["rate"]}
        if len(ins) > 1 and len(rates) > 1:
            found.append((name, [f"{link.spec.source} {_rates(formats[i])}" for i, link in ins]))
    return found


def _rates(formats: Formats) -> str:
    return " or ".join(f"{rate / 1000:g} kHz" for rate in sorted(formats.values["rate"])) or "of any rate"
