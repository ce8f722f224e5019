"""The plan: a checked pipeline as pure data, hashable and printable, from which any number of sessions are built."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import SecretBytes, SecretStr

from vaidol.graph.frames import Audio, Frame, Image, Mouth, Sentence, TextDelta
from vaidol.graph.node import Settings
from vaidol.graph.place import Where
from vaidol.graph.spec import FRAMES_MAX, OnError, Policy, TurnSpec

Lane = Literal["input", "reply"]

ALARM, HARD_LIMIT = 256, FRAMES_MAX  # frames on a never_drop edge: warn, then end the session


@dataclass(frozen=True, slots=True)
class PlanNode:
    """One node: `kind` and `settings` build it; `adapter` marks those the compiler put in to fit two formats."""

    name: str
    kind: str
    settings: Settings = field(repr=False)  # may hold secrets
    lane: Lane
    asynchronous: bool
    place: Where = "inline"
    on_error: OnError = field(default_factory=OnError)
    fallback: str | None = None
    adapter: bool = False


@dataclass(frozen=True, slots=True)
class PlanEdge:
    """One edge: bounded by `bound_ms` of audio or by `bound` frames, whichever is not 0.

    fenced: frames of a dead generation are dropped here. gated: frames of a speculative one wait here for its commit.
    """

    source: str
    source_port: str
    target: str
    target_port: str
    frame: type[Frame]
    rate: int | None
    policy: Policy
    bound_ms: float
    bound: int
    lane: Lane
    feedback: bool = False
    gated: bool = False

    @property
    def name(self) -> str:
        return f"{self.source}.{self.source_port} -> {self.target}.{self.target_port}"

    @property
    def fenced(self) -> bool:
        return self.lane == "reply" and not self.feedback


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything needed to build a session's graph. Nodes and edges are in the order of the file."""

    name: str
    about: str
    nodes: tuple[PlanNode, ...]
    edges: tuple[PlanEdge, ...]
    turn: TurnSpec
    written: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What the file says, with what it extends, before the environment is put in: see `vaidol.graph.written`."""

    def node(self, name: str) -> PlanNode:
        return next(node for node in self.nodes if node.name == name)

    def __hash__(self) -> int:
        return hash(self.digest())

    def digest(self) -> str:
        """SHA-256 over all of it, settings and their secrets included: equal plans build equal graphs."""
        settings = [_plain(node.settings.model_dump()) for node in self.nodes]
        return hashlib.sha256(repr((self.name, self.nodes, settings, self.edges, self.turn)).encode()).hexdigest()


def _plain(value: object) -> object:
    """`value` in an order that does not depend on how it was written, with secrets in the open: only to be hashed."""
    if isinstance(value, dict):
        return [(key, _plain(value[key])) for key in sorted(value, key=str)]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(repr, map(_plain, value)))
    return value.get_secret_value() if isinstance(value, SecretStr | SecretBytes) else value


DEFAULT_BOUNDS: dict[tuple[type[Frame], Lane], tuple[Policy, float, int]] = {
    (Audio, "input"): ("drop_oldest", 400.0, 0),  # stale speech is worthless, lag must not grow
    (Audio, "reply"): ("block", 240.0, 0),  # little to discard at a barge-in; back-pressure reaches the voice
    (Image, "input"): ("latest", 0.0, 1),  # of what the user shows only the newest matters
    (TextDelta, "reply"): ("block", 0.0, 256),  # the agent must not race ahead
    (Sentence, "reply"): ("block", 0.0, 4),
    (Mouth, "reply"): ("drop_oldest", 0.0, 64),  # only the newest matter
}
WHOLE_BOUNDS = {"latest": 1, "never_drop": HARD_LIMIT}  # frames; these policies know their bound themselves
NEVER_DROP: tuple[Policy, float, int] = ("never_drop", 0.0, HARD_LIMIT)  # losing one of the others leaves a stuck agent


def default_bound(frame: type[Frame], lane: Lane, *, feedback: bool) -> tuple[Policy, float, int]:
    """Policy, bound in ms and bound in frames of an edge that says nothing about them (DESIGN section 5)."""
    policy, bound_ms, bound = DEFAULT_BOUNDS.get((frame, lane), NEVER_DROP)
    if feedback and policy == "block":
        return "drop_oldest", bound_ms, bound
    return policy, bound_ms, bound
