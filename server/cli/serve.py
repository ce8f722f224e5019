"""`vaidol serve`: the server people talk to."""

from __future__ import annotations

import argparse
import asyncio
import errno
import os
import signal
import socket
from pathlib import Path
from ssl import SSLContext
from typing import Any

from vaidol.graph.plan import Plan
from vaidol.graph.registry import Registry
from vaidol.nodes.agent._history import History, HistoryError
from vaidol.server import loop
from vaidol.server.access import is_loopback
from vaidol.server.app import SERVER, Options, Server, create_app
from vaidol.server.cli import keeping, logs, outside, pipeline
from vaidol.server.cli.progress import Bars
from vaidol.server.cli.watch import watch as follow
from vaidol.server.cli.wrong import Wrong
from vaidol.server.live2d.routes import DEFAULT
from vaidol.server.persona_files import PersonaFiles

PORT = 12393
WATCH_S = 0.1
HTTP_END_S = 0.3  # for requests under way when the server stops


def add(commands: Any) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        "serve", help="serve the page and the calls", description="Serve the page and the calls."
    )
    command.add_argument("pipeline", nargs="?", default="default", help=f"{pipeline.HELP} (default: default)")
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    command.add_argument("--port", type=int, default=PORT, help=f"port to listen on (default: {PORT}; 0 = any)")
    command.add_argument("--max-sessions", type=int, default=8, metavar="N", help="calls at one time (default: 8)")
    command.add_argument(
        "--token", default=os.environ.get("VAIDOL_TOKEN", ""), help="what clients must know (or set VAIDOL_TOKEN)"
    )
    command.add_argument(
        "--stun", action="append", default=[], metavar="stun:HOST:PORT", help="ask for the own address"
    )
    command.add_argument(
        "--backgrounds", type=Path, metavar="DIR", help="pictures for clients of /client-ws (served at /bg)"
    )
    command.add_argument(
        "--live2d-models",
        action="append",
        type=Path,
        metavar="DIR",
        help=f"folder with your Live2D models, repeatable (default: {' and '.join(map(str, DEFAULT))})",
    )
    command.add_argument(
        "--live2d-runtime", type=Path, metavar="DIR", help="folder with PixiJS, pixi-live2d-display and Live2D's core"
    )
    command.add_argument(
        "--avatar", default="", metavar="MODEL", help="Live2D model to begin with (default: the puppet)"
    )
    command.add_argument(
        "--watch", action="store_true", help="let edits of the pipeline's file take effect at once, in calls as well"
    )
    command.add_argument(
        "--history",
        type=Path,
        metavar="FILE",
        help="keep what is said, by user, in this SQLite file (default: nowhere)",
    )
    command.add_argument(
        "--personas",
        type=Path,
        metavar="DIR",
        help="folder with your persona files, offered beside those that ship",
    )
    outside.add(command)
    keeping.add(command)
    command.add_argument("--verbose", action="store_true", help="log more")
    return command


def run(arguments: argparse.Namespace) -> int:
    if not is_loopback(arguments.host) and not arguments.token:
        raise Wrong(
            f"listening on {arguments.host} lets others in: give --token or set VAIDOL_TOKEN, or leave --host out"
        )
    if not 0 <= arguments.port <= 65_535:
        raise Wrong(f"--port must be from 0 to 65535, not {arguments.port}")
    if arguments.max_sessions < 1:
        raise Wrong("--max-sessions must be at least 1")
    wrong = next((address for address in arguments.stun if not address.startswith("stun:")), None)
    if wrong is not None:
        raise Wrong(f"--stun wants stun:HOST:PORT, not {wrong!r}")
    folders = [*(arguments.live2d_models or ()), *filter(None, [arguments.live2d_runtime])]
    missing = next((folder for folder in folders if not folder.expanduser().is_dir()), None)
    if missing is not None:
        raise Wrong(f"{missing}: there is no such folder")
    tls = outside.tls(arguments)
    logs.to_stderr(verbose=arguments.verbose)
    plan, registry = pipeline.plan(arguments.pipeline)
    if arguments.backgrounds is not None and not arguments.backgrounds.is_dir():
        raise Wrong(f"--backgrounds: there is no folder {arguments.backgrounds}")
    options = Options(
        arguments.max_sessions,
        arguments.token,
        tuple(arguments.stun),
        backgrounds=arguments.backgrounds,
        live2d_models=tuple(arguments.live2d_models or DEFAULT),
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
    with _listen(arguments.host, arguments.port) as listener:
        watched = arguments.pipeline if arguments.watch else ""
        loop.run(_serve(plan, registry, options, listener, watched=watched, tls=tls))
    return 0


def _personas(folder: Path | None) -> Path | None:
    """The folder, its files tried. Raises `Wrong`."""
    if folder is None:
        return None
    if not folder.expanduser().is_dir():
        raise Wrong(f"--personas: there is no folder {folder}")
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


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise Wrong(f"cannot listen on {host}:{port}: {error}") from None
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise Wrong(f"port {port} is in use: is vaidol running already? Choose another with --port") from None
        raise Wrong(f"cannot listen on {host}:{port}: {error}") from None
    return listener


async def _serve(
    plan: Plan, registry: Registry, options: Options, listener: socket.socket, *, watched: str, tls: SSLContext | None
) -> None:
    from aiohttp import web

    app = create_app(plan, registry, options)
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=HTTP_END_S)
    await runner.setup()
    try:
        http = runner.server
        assert http is not None
        await web.SockSite(runner, listener, ssl_context=tls).start()
        print(f"vaidol is at {_address(listener, tls)}   pipeline: {plan.name}   end with Ctrl-C", flush=True)
        if options.token:
            print("open it with ?token=YOUR_TOKEN once per browser", flush=True)
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(_show_loads(app[SERVER]))
            following = tasks.create_task(follow(app[SERVER], watched)) if watched else watch
            patience = tasks.create_task(app[SERVER].patience.watch(lambda: http.connections))
            await stop.wait()
            patience.cancel()
            watch.cancel()
            following.cancel()
    finally:
        await runner.cleanup()


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


def _address(listener: socket.socket, tls: SSLContext | None) -> str:
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    return f"http{'s' if tls else ''}://{f'[{host}]' if ':' in host else host}:{port}/"
