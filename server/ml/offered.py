"""What the service offers: the providers of a pipeline by role, under the names by which clients may ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePath
from typing import Any, Literal

from vaidol.graph.engine import Engine
from vaidol.graph.errors import ProviderError
from vaidol.graph.plan import Plan, PlanNode
from vaidol.graph.spec import OnError
from vaidol.nodes._provider import Provider
from vaidol.server.ml.ends import between
from vaidol.server.ml.seats import Seats

Role = Literal["tts", "asr", "agent", "voice"]
ROLES: dict[Role, str] = {"tts": "speech", "asr": "transcription", "agent": "chat", "voice": "voice conversion"}
USUAL = {
    "tts": ("tts-1", "tts-1-hd"),
    "asr": ("whisper-1",),
}  # names that some clients cannot change: the first is meant


class Unknown(LookupError):
    """Nothing has this name; `known` are those there are."""

    def __init__(self, message: str, known: list[str]) -> None:
        super().__init__(message)
        self.known = known


class Busy(ProviderError):
    """There are more requests than can wait."""

    def __init__(self, role: Role, limit: int) -> None:
        super().__init__(f"{limit} requests for {ROLES[role]} are under way already", retryable=True, code="busy")


def only_providers(plan: Plan, roles: tuple[Role, ...] = tuple(ROLES)) -> Plan:
    """`plan` without edges, and with nothing but the nodes whose work is offered. What fails is told to the client:
    it has a fallback of its own."""
    chosen = (node for node in plan.nodes if role_of(node) in roles)
    return replace(
        plan, edges=(), nodes=tuple(replace(node, fallback=None, on_error=OnError(policy="skip")) for node in chosen)
    )


def role_of(node: PlanNode) -> Role | None:
    return next((role for role in ROLES if node.kind.startswith(f"{role}.")), None)


class Offered:
    """Finds who does a request. `at_once`: requests that one provider works for; `waiting`: how many more of each role
    may wait."""

    def __init__(self, plan: Plan, engine: Engine, *, at_once: int, waiting: int) -> None:
        self.plan = plan
        self._engine = engine
        self._at_once = at_once
        self._limit = at_once + waiting
        self._under_way = dict.fromkeys(ROLES, 0)
        self._seats: dict[tuple[str, str], Seats] = {}

    def nodes(self, role: Role) -> list[PlanNode]:
        """The providers of `role`, the first of the pipeline first."""
        return [node for node in self.plan.nodes if role_of(node) == role]

    def names(self, node: PlanNode) -> list[str]:
        """What `node` is called: its name in the pipeline, its kind, its model where that is no path."""
        model = getattr(node.settings, "model", None)
        named = [model] if isinstance(model, str) and model and not set(model) & set("/\\") else []
        return list(dict.fromkeys([node.name, node.kind, *named]))

    def voices(self, node: PlanNode) -> dict[str, str]:
        """Voices that may be asked for, and how the settings call them; the usual one first, a file without its
        folder. What a client asks for is never taken as it is: it may be the path of a file."""
        usual = getattr(node.settings, "voice", None)
        if not isinstance(usual, str):
            return {}
        provider = getattr(self._engine.registry.find(node.kind), "provider", None)
        known = provider.voices if isinstance(provider, Provider) else ()
        return {PurePath(voice).stem if "/" in voice else voice: voice for voice in (usual, *known) if voice}

    def find(self, role: Role, model: str = "", voice: str = "") -> Seats:
        """Who is meant. Raises `Unknown`."""
        nodes = self.nodes(role)
        if not nodes:
            raise Unknown(f"this service offers no {ROLES[role]}: its pipeline has no node {role}.*", [])
        usual = not model or model in USUAL.get(role, ())
        node = nodes[0] if usual else next((node for node in nodes if model in self.names(node)), None)
        if node is None:
            known = list(dict.fromkeys(name for node in nodes for name in self.names(node)))
            raise Unknown(f"there is no model '{model[:100]}' for {ROLES[role]}; there are: {', '.join(known)}", known)
        voices = self.voices(node)
        if voice and voice not in voices:
            said = f"it has: {', '.join(voices)}" if voices else "it has one, without a name: leave 'voice' out"
            raise Unknown(f"{node.name} has no voice '{voice[:100]}'; {said}", list(voices))
        return self._of(node, voices[voice] if voice else "")

    @contextmanager
    def admitted(self, role: Role) -> Iterator[None]:
        """One more request, from its body to its end. Raises `Busy`."""
        if self._under_way[role] >= self._limit:
            raise Busy(role, self._limit)
        self._under_way[role] += 1
        try:
            yield
        finally:
            self._under_way[role] -= 1

    async def close(self) -> None:
        for seats in self._seats.values():
            await seats.close()

    def _of(self, node: PlanNode, voice: str) -> Seats:
        key = (node.name, voice)
        if key not in self._seats:
            changes: dict[str, Any] = {"voice": voice} if voice else {}
            settings = type(node.settings).model_validate({**node.settings.model_dump(), **changes})
            node = replace(node, settings=settings)
            alone = replace(self.plan, nodes=(node,), edges=())
            plan = alone if role_of(node) != "voice" else between(alone, node, self._engine.registry)
            self._seats[key] = Seats(plan, node.name, self._engine, self._at_once)
        return self._seats[key]
