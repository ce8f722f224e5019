"""Loading what a plan needs in the background, and telling how far it is (`/health`)."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Literal

from vaidol.graph.engine import Engine
from vaidol.graph.errors import ProviderError
from vaidol.graph.node import Need
from vaidol.graph.plan import Plan
from vaidol.models.errors import ModelError

log = logging.getLogger("vaidol.server")
RETRY_S = (5.0, 15.0, 60.0)  # a model may be pulled, or a server come up, while this one runs
State = Literal["loading", "ready", "failed"]


class Preload:
    """Loads every need of `plan` once; what failed is tried again after `RETRY_S`."""

    def __init__(self, plan: Plan, engine: Engine) -> None:
        self._plan = plan
        self._engine = engine
        self._needs = engine.needs(plan)
        self._errors: dict[str, str] = {}  # by key of the need; cleared when it loads after all
        self._ready: set[str] = set()

    @property
    def needs(self) -> dict[str, Need]:
        """Everything to load, by key."""
        return {need.key: need for needs in self._needs.values() for need in needs}

    async def run(self) -> None:
        """Returns when everything is loaded."""
        tries = 0
        while missing := [need for key, need in self.needs.items() if key not in self._ready]:
            await asyncio.gather(*map(self._load, missing))
            if len(self._ready) < len(self.needs):
                await self._engine.clock.sleep(RETRY_S[min(tries, len(RETRY_S) - 1)])
                tries += 1

    @property
    def status(self) -> Literal["loading", "ok", "failed"]:
        """failed: a node that nothing stands in for has failed to load."""
        states = {node.name: self._state(node.name) for node in self._plan.nodes}
        stand_ins = {node.fallback for node in self._plan.nodes}
        for node in self._plan.nodes:
            replaced = node.fallback is not None and states[node.fallback] != "failed"
            if states[node.name] == "failed" and not replaced and node.name not in stand_ins:
                return "failed"
        return "loading" if "loading" in states.values() else "ok"

    @property
    def failure(self) -> str:
        """Why `status` is failed, for the people at the page."""
        return next((f"{name}: {told['error']}" for name, told in self.nodes().items() if told["error"]), "")

    def progress(self, key: str) -> tuple[State, float, str]:
        """State of one need, how much of it is done in [0, 1], and the present step or the error."""
        need, known = self.needs[key], self._engine.shared.status.get(key)
        return self._state_of(need), self._progress(need), self._errors.get(key, known.step if known else "")

    def nodes(self) -> dict[str, dict[str, Any]]:
        """Per node: state, what is loaded, progress in [0, 1], the present step, the error."""
        return {node.name: self._node(node.name) for node in self._plan.nodes if not node.adapter}

    def _node(self, name: str) -> dict[str, Any]:
        needs = self._needs.get(name, ())
        state = self._state(name)
        told: dict[str, Any] = {"state": state, "about": "", "progress": 1.0, "step": "", "error": ""}
        waiting = next((need for need in needs if self._state_of(need) == state), None)
        if state == "ready" or waiting is None:
            return told
        known = self._engine.shared.status.get(waiting.key)
        progress = sum(1.0 if n.key in self._ready else self._progress(n) for n in needs) / len(needs)
        return {
            "state": state, "about": waiting.about, "progress": round(progress, 3), "step": known.step if known else "",
            "error": self._errors.get(waiting.key, ""),
        }  # fmt: skip

    def _progress(self, need: Need) -> float:
        known = self._engine.shared.status.get(need.key)
        return known.progress if known else 0.0

    def _state(self, name: str) -> State:
        states = {self._state_of(need) for need in self._needs.get(name, ())}
        return "failed" if "failed" in states else "loading" if "loading" in states else "ready"

    def _state_of(self, need: Need) -> State:
        if need.key in self._errors:
            return "failed"
        return "ready" if need.key in self._ready else "loading"

    async def _load(self, need: Need) -> None:
        outcome = (await asyncio.gather(self._engine.shared.get(need), return_exceptions=True))[0]
        if not isinstance(outcome, BaseException):
            self._ready.add(need.key)
            if self._errors.pop(need.key, None) is not None:
                log.info("loaded after all", extra={"need": need.key})
            return
        known = isinstance(outcome, ProviderError | ModelError)
        if need.key not in self._errors:
            log.error("loading failed", extra={"need": need.key}, exc_info=None if known else outcome)
        self._errors[need.key] = str(outcome) if known else f"loading failed: {type(outcome).__name__}"
