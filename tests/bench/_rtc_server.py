"""An echo server in a process of its own, for measuring: vaidol's echo pipeline, or aiortc as its examples use it."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from functools import partial

from aiohttp import web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from vaidol.server.aiortc_private import offer_loopback_when_alone


def stock() -> web.Application:
    """The cheapest echo that aiortc's public interface allows: the track that comes in goes out."""
    offer_loopback_when_alone()
    connections: list[RTCPeerConnection] = []

    async def join(request: web.Request) -> web.Response:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connections.append(connection)

        @connection.on("track")
        def echo(track: MediaStreamTrack) -> None:
            connection.addTrack(track)

        await connection.setRemoteDescription(RTCSessionDescription(await request.text(), "offer"))
        await connection.setLocalDescription()
        answer = connection.localDescription.sdp
        return web.Response(status=201, text=answer, content_type="application/sdp", headers={"Location": "/"})

    app = web.Application()
    app.router.add_post("/whip", join)
    return app


def ours(*, live: bool = True) -> web.Application:
    from vaidol.graph.compiler import compile_plan
    from vaidol.graph.spec import load
    from vaidol.nodes import registry
    from vaidol.pipelines import LIBRARY, find
    from vaidol.server.app import Options, create_app

    kinds = registry()
    plan = compile_plan(load(find("echo"), library=LIBRARY), kinds)
    if not live:  # then the person behind the echo is heard by others too
        nodes = [replace(node, settings=type(node.settings)()) for node in plan.nodes]
        plan = replace(plan, nodes=tuple(nodes))
    return create_app(plan, kinds, Options(max_sessions=1000))


async def _serve(make: str) -> None:
    runner = web.AppRunner(
        {"aiortc": stock, "vaidol": ours, "people": partial(ours, live=False)}[make](), access_log=None
    )
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
