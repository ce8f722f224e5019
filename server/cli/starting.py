"""What `vaidol serve` does once its door is open: everything heavy is imported, the pipeline checked, calls taken."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vaidol.graph.plan import Plan
from vaidol.graph.registry import Registry
from vaidol.server.app import SERVER, Options, Server, create_app
from vaidol.server.cli import behind, keeping, outside, pipeline, remembering
from vaidol.server.cli.watch import watch as follow
from vaidol.server.cli.wrong import Wrong
from vaidol.server.door import Door, Stop
from vaidol.server.folders import LIVE2D
from vaidol.server.leaving import drain
from vaidol.server.persona_files import PersonaFiles


@dataclass(frozen=True)
class Ready:
    """A checked pipeline and the options. watched: the pipeline whose file is followed, "" for none; drain_s: for how
    long calls may go on at SIGTERM."""

    plan: Plan
    registry: Registry
    options: Options
    watched: str
    drain_s: float

    async def serve(self, door: Door, where: str, stop: Stop) -> None:
        """Take calls from those who come through `door`, known to them as `where`, until `stop`."""
        app = create_app(self.plan, self.registry, self.options)
        server = app[SERVER]
        said = f"vaidol is at {where}   pipeline: {self.plan.name}   end with Ctrl-C"
        if self.options.token:
            said += "\nopen it with ?token=YOUR_TOKEN once per browser"
        if server.remembers:
            said += f"\nwhat is said is kept in {self.options.history.file}   (--no-history: nowhere)"
        beside = [partial(behind.show_loads, server.preload, server.engine.clock)]
        if self.watched:
            beside.append(partial(follow, server, self.watched))
        await behind.serve(
            app, door, server.patience, stop, said=said, beside=beside, end=partial(self._end, server, stop)
        )

    async def _end(self, server: Server, stop: Stop) -> None:
        if self.drain_s and not stop.hurry.is_set() and (calls := len(server.sessions)):
            print(
                f"about to stop: {calls} calls may go on for {self.drain_s:g} s   end at once with Ctrl-C", flush=True
            )
        await drain(server.sessions, server.engine.clock, stop.hurry, self.drain_s)


def prepared(arguments: argparse.Namespace) -> Ready:
    """What the arguments of `vaidol serve` ask for. Raises `PipelineError`, `Wrong`."""
    plan, registry = pipeline.plan(arguments.pipeline)
    options = Options(
        max_sessions=arguments.max_sessions,
        max_per_address=arguments.max_per_address,
        token=arguments.token,
        stun=tuple(arguments.stun),
        backgrounds=arguments.backgrounds.expanduser() if arguments.backgrounds else None,
        live2d_models=tuple(arguments.live2d_models or LIVE2D),
        live2d_runtime=arguments.live2d_runtime,
        avatar=arguments.avatar,
        trust_proxy=tuple(arguments.trust_proxy),
        allow_origin=outside.origins(arguments),
        olv_web=outside.web_client(arguments),
        recording=keeping.options(arguments),
        attend=tuple(spans.attend for spans in keeping.spans(arguments)),
        history=remembering.options(arguments),
        personas=_personas(arguments.personas),
    )
    return Ready(plan, registry, options, arguments.pipeline if arguments.watch else "", arguments.drain_s)


def _personas(folder: Path | None) -> Path | None:
    """The folder, its files tried. Raises `Wrong`."""
    if folder is not None:
        _, wrong = PersonaFiles(folder).loaded()
        if wrong:
            raise Wrong(f"--personas: {'; '.join(wrong)}")
    return folder
