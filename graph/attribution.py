"""Where the time of one answer went: every millisecond to somebody who worked, to a queue, or to the way out."""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from vaidol.graph.worklog import Span

What = Literal["listening", "service", "queue", "playout", "network", "unattributed"]
LISTENS = "endpoint"  # the moment when the user's turn was decided to be over


class Segment(NamedTuple):
    """A stretch of the wait, ns on the session's clock, and what it was spent on; `node`: by whom, if by one."""

    what: What
    node: str
    begin: int
    end: int


def attribute(moments: Mapping[str, int], spans: Sequence[Span], pacers: Container[str] = ()) -> list[Segment]:
    """The wait from the end of speech to the first sound at the listener, without holes and in order.

    moments: name -> ns. spans: see `WorkLog.spans`. pacers: names of the nodes that play out.
    Empty while there is no first sound, or no beginning to count from.

    - listening: the turn is not known to be over. With an answer made ahead this lasts up to the decision; else up to
      the first work on what was said.
    - service: a node works on it; of several the one that began last, which the others wait for.
    - queue: nobody works on it, and it waits in an edge.
    - playout: its sound is with the pacer, and waits for its turn. network: it is on its way to the listener, in which
      the listener's own buffer counts as well.
    """
    sound = moments.get("first_sound")
    begin = moments.get("speech_end", min(moments.values(), default=0))
    if sound is None or begin > sound:
        return []
    decided = min(max(moments.get(LISTENS, begin), begin), sound)
    made = _made(spans, pacers, begin, sound)
    if made <= decided:
        found = [Segment("listening", "", begin, decided), Segment("playout", "", decided, sound)]
    else:
        found = [*_worked(spans, pacers, begin, decided, made), Segment("playout", "", made, sound)]
    found.append(Segment("network", "", sound, max(moments.get("client_playout", sound), sound)))
    return _joined(found)


def unattributed(segments: Iterable[Segment]) -> float:
    """Share of the time of which nobody knows what it was spent on, 0..1."""
    lengths = [(segment.what, segment.end - segment.begin) for segment in segments]
    total = sum(length for _, length in lengths)
    return sum(length for what, length in lengths if what == "unattributed") / total if total else 0.0


def _made(spans: Sequence[Span], pacers: Container[str], begin: int, sound: int) -> int:
    """When the pacer had the first sound; where it left no trace, when the last work before the sound was done."""
    arrived = [span.began for span in spans if span.node in pacers and begin <= span.began <= sound]
    done = [span.ended for span in spans if begin <= span.ended <= sound]
    return min(arrived, default=max(done, default=sound))


def _worked(spans: Sequence[Span], pacers: Container[str], begin: int, decided: int, made: int) -> list[Segment]:
    """Who had it between `begin` and `made`."""
    heard = [s for s in spans if s.node not in pacers and s.queued < made and s.ended > begin]
    edges = sorted(
        {begin, decided, made, *(t for s in heard for t in (s.queued, s.began, s.ended) if begin < t < made)}
    )
    return [Segment(*_doing(heard, at, decided), at, until) for at, until in itertools.pairwise(edges)]


def _doing(spans: Sequence[Span], at: int, decided: int) -> tuple[What, str]:
    works = [span for span in spans if span.began <= at < span.ended]
    if works:
        return "service", works[-1].node
    waits = [span for span in spans if span.queued <= at < span.began]
    if waits:
        return "queue", waits[-1].node
    return ("listening", "") if at < decided else ("unattributed", "")


def _joined(segments: Iterable[Segment]) -> list[Segment]:
    """Without empty ones, and with neighbours of a kind as one."""
    found: list[Segment] = []
    for one in segments:
        if one.end <= one.begin:
            continue
        if found and found[-1][:2] == one[:2]:
            found[-1] = found[-1]._replace(end=one.end)
        else:
            found.append(one)
    return found
