"""Which pipeline the sessions run, one of them or all new ones; edits are checked whole before anything moves."""

from __future__ import annotations

import asyncio
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import vaidol.pipelines
from vaidol.graph.compiler import compile_plan
from vaidol.graph.diff import Moment
from vaidol.graph.errors import ProviderError
from vaidol.graph.incoming import LOAD_S, SwapFailed
from vaidol.graph.plan import Plan
from vaidol.graph.spec import check
from vaidol.graph.swap import Busy
from vaidol.graph.written import from_text, names_in, patched
from vaidol.graph.yamlfile import read
from vaidol.models.errors import ModelError
from vaidol.server.olv.plans import as_played
from vaidol.server.preload import Preload

if TYPE_CHECKING:
    from vaidol.server.app import Server

LIBRARY = Path(vaidol.pipelines.__path__[0])
FILE = "pipeline.yaml"  # what an edited text is called in messages


class Pipelines:
    """Compiles edits, and puts them in place."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = asyncio.Lock()
        self._served = names_in(server.plan.written)

    def compiled(self, edit: str | dict[str, Any], running: Plan) -> Plan:
        """The plan of an edited text, or of a patch to `running`. Raises `PipelineError` with places in the text."""
        if isinstance(edit, str):
            document = from_text(edit, FILE, library=LIBRARY, running=running)
        else:
            document = patched(edit, "patch", running=running)
        source = check(document, self._environment(), partial=True)
        return as_played(compile_plan(source, self._server.engine.registry), running)

    async def change_all(self, plan: Plan, at: Moment | None = None, *, running: bool) -> list[dict[str, Any]]:
        """Let new sessions run `plan`; with `running`, those that are under way as well. Returns what became of these.

        Raises `SwapFailed` when something it needs cannot be loaded; then everything stays as it was.
        """
        server = self._server
        async with self._lock:
            await self._load(plan)
            server.plan = server.sessions.plan = plan
            server.preload = Preload(plan, server.engine)
            await server.preload.run()
        told = []
        for session in server.sessions if running else ():
            if session.graph is not None:
                try:
                    change = await session.graph.swaps.apply(as_played(plan, session.graph.plan), at)
                    told.append({"session": session.id, **change.told()})
                except (SwapFailed, Busy) as error:
                    told.append({"session": session.id, "outcome": "failed", "why": str(error)})
        return told

    async def _load(self, plan: Plan) -> None:
        engine = self._server.engine
        for name, needs in engine.needs(plan).items():
            for need in needs:
                try:
                    async with asyncio.timeout(LOAD_S):
                        await engine.shared.get(need)
                except (ProviderError, ModelError, TimeoutError) as error:
                    raise SwapFailed(f"{name}: {error or 'loading took too long'}") from error

    def _environment(self) -> dict[str, str]:
        """What an edit may read: the variables that the served pipeline, or one that ships with vaidol, asks for."""
        allowed = self._served | _shipped_names()
        return {name: value for name, value in os.environ.items() if name in allowed}


@cache
def _shipped_names() -> frozenset[str]:
    """Read once: every check while somebody types would parse all of them again, on the loop."""
    return frozenset(name for path in LIBRARY.glob("*.yaml") for name in names_in(read(path).data))
