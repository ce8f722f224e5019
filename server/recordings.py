"""Recordings on disk: dumps of the flight recorders, whole calls as sound, and how long they stay."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vaidol.graph.clock import NS, wall_s
from vaidol.graph.engine import Engine
from vaidol.graph.events import Event
from vaidol.graph.mcapfile import write
from vaidol.graph.recorder import SECONDS, Recorder
from vaidol.graph.scheduler import Graph
from vaidol.server import folders
from vaidol.server.callsound import CallSound
from vaidol.server.running import Running

log = logging.getLogger("vaidol.server")
POOL = "recordings"
PAUSE_S = 30.0  # between two dumps that nobody asked for
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,120}\.(mcap|ogg)")
DAY_S = 86_400.0


@dataclass(frozen=True)
class RecordingOptions:
    """seconds: kept of every call in memory, 0 = nothing. on_error, over_ms: dump when a node fails, or when an answer
    takes longer. keep_days, keep_mb: older and more files are removed, 0 = never."""

    folder: Path | None = None
    seconds: float = SECONDS
    on_error: bool = False
    over_ms: float = 0.0
    keep_days: float = 30.0
    keep_mb: float = 2000.0


class NoRecording(LookupError):
    """There is none of that name."""


class Recordings:
    """The folder, and the recorders of the calls under way."""

    def __init__(self, engine: Engine, options: RecordingOptions) -> None:
        self._engine = engine
        self.options = options
        self.folder = options.folder or folders.recordings()
        self._recorders: dict[str, Recorder] = {}  # by session
        self._sounds: dict[str, CallSound] = {}
        self._last_s = -PAUSE_S

    # calls

    def attend(self, session: Running, graph: Graph) -> Callable[[], None]:
        """Record `session` from now on; returns what ends that."""
        ends: list[Callable[[], None]] = [session.on_join(lambda: self._notice(session))]
        if self.options.seconds > 0:
            recorder = self._recorders[session.id] = Recorder(graph, seconds=self.options.seconds)
            ends += [recorder.close, graph.events.listen(lambda event: self._hear(graph, event))]

        def end() -> None:
            for one in ends:
                one()
            self._recorders.pop(session.id, None)
            sound = self._sounds.pop(session.id, None)
            if sound is not None:
                sound.stop()

        return end

    def recorder(self, session: str) -> Recorder | None:
        """The flight recorder of a session, if it has one."""
        return self._recorders.get(session)

    async def dump(self, session: str, reason: str) -> dict[str, Any]:
        """Write what the recorder of `session` holds. Raises `NoRecording`, `OSError`."""
        recorder = self._recorders.get(session)
        if recorder is None:
            raise NoRecording("nothing is kept of this session: the recorder is off")
        dump, name = recorder.dump(reason), self._name(session, reason, "mcap")
        size = await self._engine.workers.call(POOL, lambda: write(dump, self._ready(name)))
        await self.sweep()
        return {"name": name, "bytes": size, "reason": reason, "frames": len(dump.frames), "ports": recorder.ports}

    # whole calls

    async def begin(self, session: Running, graph: Graph) -> str:
        """Record the sound of the whole call from now on, and tell everybody in it. Returns the file's name."""
        if session.id not in self._sounds:
            name = self._name(session.id, "call", "ogg")
            path = await self._engine.workers.call(POOL, self._ready, name)
            self._sounds[session.id] = CallSound(graph, path)
            self._notice(session)
        return self._sounds[session.id].path.name

    async def finish(self, session: Running) -> dict[str, Any]:
        """End it. Raises `NoRecording`."""
        sound = self._sounds.pop(session.id, None)
        if sound is None:
            raise NoRecording("this call is not being recorded")
        session.send({"t": "recording", "on": False})
        seconds = await sound.finish()
        await self.sweep()
        return {"name": sound.path.name, "seconds": round(seconds, 2)}

    def recording(self, session: str) -> str | None:
        """The file into which the whole call goes, if it does."""
        sound = self._sounds.get(session)
        return sound.path.name if sound else None

    def _notice(self, session: Running) -> None:
        """Who joins a call that is recorded is told before anything is said."""
        if session.id in self._sounds:
            session.send({"t": "recording", "on": True})

    # dumps that nobody asked for

    def _hear(self, graph: Graph, event: Event) -> None:
        options = self.options
        if event.name == "error" and options.on_error:
            self._dump_soon(graph, f"error-{event.node or 'reply'}")
        elif event.name == "mark" and event.code == "first_sound" and options.over_ms:
            began = dict(graph.marks.get(event.trace, ())).get("speech_end")
            if began is not None and (event.ns - began) / NS * 1e3 > options.over_ms:
                self._dump_soon(graph, "slow")

    def _dump_soon(self, graph: Graph, reason: str) -> None:
        now = graph.clock.s()
        if now - self._last_s >= PAUSE_S and not graph.stopping:
            self._last_s = now
            graph.own(self._dump_quietly(graph.session, reason))

    async def _dump_quietly(self, session: str, reason: str) -> None:
        try:
            told = await self.dump(session, reason)
            log.warning("dumped", extra={"session": session, "reason": reason, "file": told["name"]})
        except (NoRecording, OSError) as error:
            log.warning("no dump", extra={"session": session, "reason": str(error)})

    # files

    async def files(self) -> list[dict[str, Any]]:
        """What there is, newest first."""
        return await self._engine.workers.call(POOL, self._list)

    async def path(self, name: str) -> Path:
        """The file of that name. Raises `NoRecording`."""
        path = self.folder / name
        known = NAME.fullmatch(name) is not None
        if not known or not await self._engine.workers.call(POOL, path.is_file):
            raise NoRecording(f"there is no recording '{name[:80]}'")
        return path

    async def remove(self, name: str) -> None:
        """Remove the file of that name. Raises `NoRecording`, `OSError`."""
        path = await self.path(name)
        await self._engine.workers.call(POOL, lambda: path.unlink(missing_ok=True))

    async def sweep(self) -> None:
        """Remove what is too old or too much."""
        try:
            await self._engine.workers.call(POOL, self._sweep)
        except OSError as error:
            log.warning("cannot sweep recordings", extra={"reason": str(error)})

    def _sweep(self) -> None:
        left = self.options.keep_mb * 1e6
        running = {sound.path.name for sound in self._sounds.values()}
        for told in self._list():
            left -= told["bytes"]
            old = self.options.keep_days and wall_s() - told["modified_s"] > self.options.keep_days * DAY_S
            if (old or (self.options.keep_mb and left < 0)) and told["name"] not in running:
                (self.folder / told["name"]).unlink(missing_ok=True)

    def _list(self) -> list[dict[str, Any]]:
        found = []
        for path in self.folder.glob("*.*") if self.folder.is_dir() else ():
            if NAME.fullmatch(path.name) and path.is_file():
                status = path.stat()
                found.append({"name": path.name, "bytes": status.st_size, "modified_s": round(status.st_mtime, 3)})
        return sorted(found, key=lambda told: (-told["modified_s"], told["name"]))

    def _ready(self, name: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.folder / name

    @staticmethod
    def _name(session: str, reason: str, kind: str) -> str:
        """When, of which session and why; never the same twice."""
        when = datetime.fromtimestamp(wall_s(), UTC).strftime("%Y%m%d-%H%M%S")
        word = re.sub(r"[^a-z0-9]+", "-", reason.lower()).strip("-")[:40] or "dump"
        return f"{when}-{session}-{word}-{secrets.token_hex(2)}.{kind}"
