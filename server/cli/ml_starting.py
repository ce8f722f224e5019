"""What `vaidol ml` does once its door is open: everything heavy is imported, the pipeline checked, requests taken."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass
from functools import partial

from vaidol.graph.plan import Plan
from vaidol.graph.registry import Registry
from vaidol.server.cli import behind, outside, pipeline
from vaidol.server.cli.swap import patch_of
from vaidol.server.cli.wrong import Wrong
from vaidol.server.door import Door
from vaidol.server.ml.app import SERVER, MlOptions, create_ml_app
from vaidol.server.ml.offered import ROLES, Role, only_providers


@dataclass(frozen=True)
class MlReady:
    """A checked pipeline and the options."""

    plan: Plan
    registry: Registry
    options: MlOptions

    async def serve(self, door: Door, where: str, stop: asyncio.Event) -> None:
        """Answer those who come through `door`, known to them as `where`, until `stop`."""
        app = create_ml_app(self.plan, self.registry, self.options)
        server = app[SERVER]
        offers = ", ".join(f"{node.name} ({node.kind})" for node in server.plan.nodes)
        said = f"vaidol ml is at {where}v1   it offers {offers}   end with Ctrl-C"
        beside = [partial(behind.show_loads, server.preload, server.engine.clock)]
        await behind.serve(app, door, server.patience, stop, said=said, beside=beside, cancelled=True)


def prepared(arguments: argparse.Namespace) -> MlReady:
    """What the arguments of `vaidol ml` ask for. Raises `PipelineError`, `Wrong`."""
    options = MlOptions(
        arguments.token, _roles(arguments.only), tuple(arguments.trust_proxy), outside.origins(arguments),
        at_once=arguments.at_once, waiting=arguments.waiting,
        upload_bytes=int(arguments.upload_mb * 2**20), sound_s=arguments.sound_s,
    )  # fmt: skip
    plan, kinds = pipeline.plan(arguments.pipeline, patch_of(arguments.swap, arguments.set))
    if not only_providers(plan, options.roles).nodes:
        wanted = ", ".join(f"{role}.*" for role in options.roles)
        raise Wrong(f"{plan.name} has no node that could be offered: {wanted}")
    return MlReady(plan, kinds, options)


def _roles(only: str) -> tuple[Role, ...]:
    roles = [role.strip() for role in only.split(",") if role.strip()]
    wrong = next((role for role in roles if role not in ROLES), None)
    if wrong is not None:
        raise Wrong(f"--only: there is no role '{wrong}'; there are: {', '.join(ROLES)}")
    return tuple(role for role in ROLES if role in roles or not roles)
