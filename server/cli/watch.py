"""`vaidol serve --watch`: an edited pipeline takes effect in the calls under way, or is reported and left alone."""

from __future__ import annotations

import sys
from pathlib import Path

from vaidol.graph.compiler import compile_plan
from vaidol.graph.errors import PipelineError
from vaidol.graph.incoming import SwapFailed
from vaidol.graph.plan import Plan
from vaidol.graph.spec import Source, load
from vaidol.pipelines import LIBRARY
from vaidol.server.app import Server
from vaidol.server.cli import pipeline

LOOK_S = 0.5
POOL = "watch"

Stamps = dict[str, tuple[int, int]]  # by file: when it was changed, ns, and its size; a missing one is left out


async def watch(server: Server, name: str) -> None:
    """Follow the file `name` means, and those it extends, until cancelled. Their times are read on a thread."""
    call, clock = server.engine.workers.call, server.engine.clock
    path = pipeline.find(name)
    files = [str(path), *files_of(await call(POOL, _read, path))]
    seen = known = await call(POOL, _stamps, files)
    while True:
        await clock.sleep(LOOK_S)
        now = await call(POOL, _stamps, files)
        if now != seen or now == known:  # an editor may still be writing
            seen = now
            continue
        known = now
        try:
            source = await call(POOL, _read, path)
            files = [str(path), *files_of(source)]
            known = seen = await call(POOL, _stamps, files)
            await _change(server, compile_plan(source, server.engine.registry))
        except PipelineError as error:
            _say(*map(str, error.problems), "nothing was changed")
        except SwapFailed as error:
            _say(f"{path}: {error}", "nothing was changed")


async def _change(server: Server, plan: Plan) -> None:
    told = await server.pipelines.change_all(plan, running=True)
    _say(f"{plan.name}: new calls run it as it is now")
    for one in told:
        if one["outcome"] != "nothing":
            _say(f"call {one['session']}: {one['outcome']}: {one['why'] or one['diff']['text']}")


def files_of(source: Source) -> list[str]:
    """The files that `source` was read from."""
    return sorted({place.file for place in source.document.places.values()})


def _read(path: Path) -> Source:
    return load(path, library=LIBRARY, partial=True)


def _stamps(files: list[str]) -> Stamps:
    found: Stamps = {}
    for file in files:
        try:
            status = Path(file).stat()
        except OSError:
            continue
        found[file] = (status.st_mtime_ns, status.st_size)
    return found


def _say(*lines: str) -> None:
    for line in lines:
        print(f"watch: {line}", file=sys.stderr, flush=True)
