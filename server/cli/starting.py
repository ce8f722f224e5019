"""What `vaidol serve` does once its door is open: everything heavy is imported, the pipeline checked, calls taken."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from vaidol.graph.plan import Plan
from vaidol.graph.registry import Registry
from vaidol.nodes.agent._history import History, HistoryError
from vaidol.server.app import SERVER, Options, Server, create_app
from vaidol.server.cli import keeping, outside, pipeline
from vaidol.server.cli.progress import Bars
from vaidol.server.cli.watch import watch as follow
from vaidol.server.cli.wrong import Wrong
from vaidol.server.door import Door
from vaidol.server.folders import LIVE2D
from vaidol.server.persona_files import PersonaFiles

WATCH_S = 0.1
HTTP_END_S = 0.3  # for requests under way when the server stops


@dataclass(frozen=True)
class Ready:
    """A checked pipeline and the options. watched: the pipeline whose file is followed, "" for none."""

    plan: Plan
    registry: Registry
    options: Options
    watched: str

    async def serve(self, door: Door, where: str, stop: asyncio.Event) -> None:
        """Take calls from those who come through `door`, known to them as `where`, until `stop`."""
        app = create_app(self.plan, self.registry, self.options)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=HTTP_END_S)
        await runner.setup()
        try:
            http = runner.server
            assert http is not None
            door.open(http)
            print(f"vaidol is at {where}   pipeline: {self.plan.name}   end with Ctrl-C", flush=True)
            if self.options.token:
                print("open it with ?token=YOUR_TOKEN once per browser", flush=True)
            async with asyncio.TaskGroup() as tasks:
                beside = [
                    tasks.create_task(_show_loads(app[SERVER])),
                    tasks.create_task(app[SERVER].patience.watch(lambda: http.connections)),
                ]
                if self.watched:
                    beside.append(tasks.create_task(follow(app[SERVER], self.watched)))
                await stop.wait()
                for task in beside:
                    task.cancel()
        finally:
            await runner.cleanup()


def prepared(arguments: argparse.Namespace) -> Ready:
    """What the arguments of `vaidol serve` ask for. Raises `PipelineError`, `Wrong`."""
    plan, registry = pipeline.plan(arguments.pipeline)
    options = Options(
        arguments.max_sessions,
        arguments.token,
        tuple(arguments.stun),
        backgrounds=arguments.backgrounds.expanduser() if arguments.backgrounds else None,
        live2d_models=tuple(arguments.live2d_models or LIVE2D),
        live2d_runtime=arguments.live2d_runtime,
        avatar=arguments.avatar,
        trust_proxy=tuple(arguments.trust_proxy),
        allow_origin=outside.origins(arguments),
        olv_web=outside.web_client(arguments),
        recording=keeping.options(arguments),
        attend=tuple(spans.attend for spans in keeping.spans(arguments)),
        history=_history(arguments.history),
        personas=_personas(arguments.personas),
    )
    return Ready(plan, registry, options, arguments.pipeline if arguments.watch else "")


def _personas(folder: Path | None) -> Path | None:
    """The folder, its files tried. Raises `Wrong`."""
    if folder is not None:
        _, wrong = PersonaFiles(folder).loaded()
        if wrong:
            raise Wrong(f"--personas: {'; '.join(wrong)}")
    return folder


def _history(path: Path | None) -> Path | None:
    """The file, tried. Raises `Wrong`."""
    if path is None:
        return None
    history = History(path.expanduser())
    try:
        history.chats("")
    except HistoryError as error:
        raise Wrong(f"--history: {error}") from None
    finally:
        history.close()
    return history.path


async def _show_loads(server: Server) -> None:
    needs = server.preload.needs
    with Bars() as bars:
        waiting = dict(needs)
        while waiting:
            for key, need in tuple(waiting.items()):
                state, share, step = server.preload.progress(key)
                if state == "loading":
                    bars.show(need.about, share, step)
                else:
                    bars.end(need.about, "ready" if state == "ready" else step)
                    del waiting[key]
            await server.engine.clock.sleep(WATCH_S)
    if server.preload.status == "ok" and needs:
        print("ready", flush=True)
