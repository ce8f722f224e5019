"""The history's file while the server runs: checked once, swept now and then, and what it lacks is told in the log."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from vaidol.graph.engine import Engine
from vaidol.graph.errors import ProviderError
from vaidol.nodes.agent import _meaning
from vaidol.nodes.agent._history import POOL, History, HistoryError

log = logging.getLogger("vaidol.server")
SWEEP_S = 3600.0


@dataclass(frozen=True)
class HistoryOptions:
    """file: where conversations are kept, None: nowhere. days, megabytes: older and more are deleted; 0 = never."""

    file: Path | None = None
    days: float = 0.0
    megabytes: float = 0.0


async def tend(history: History, engine: Engine, options: HistoryOptions, *, recalls: bool = False) -> None:
    """Look after the file until cancelled. recalls: agents ask it, and so what that needs is loaded now."""
    workers, meaning = engine.workers, history.meaning
    if recalls and meaning is not None:
        await workers.call(_meaning.POOL, meaning.load)
        if meaning.wrong:
            log.warning("earlier talks are recalled by their words alone", extra={"reason": meaning.wrong})
    try:
        await workers.call(POOL, history.check)
    except (HistoryError, ProviderError) as error:
        log.error("the history cannot be used", extra={"reason": str(error)})
    while True:
        try:
            if gone := await workers.call(POOL, history.sweep, options.days, options.megabytes):
                log.info("old conversations deleted", extra={"conversations": gone})
        except (HistoryError, ProviderError) as error:
            log.warning("the history cannot be swept", extra={"reason": str(error)})
        await engine.clock.sleep(SWEEP_S)
