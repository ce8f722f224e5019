"""REST: dump what the flight recorder holds, record whole calls, and fetch or remove what was recorded.

POST   /api/sessions/{session}/dump        the last half minute as MCAP: 201 {name, bytes, frames, ports, reason}
GET    /api/sessions/{session}/recorder    what it would hold: {ports, bytes, recording: name or null}
POST   /api/sessions/{session}/recording   record the whole call, as Ogg/Opus: 201 {name}; everybody is told
DELETE /api/sessions/{session}/recording   end that: {name, seconds}
GET    /api/recordings                     {recordings: [{name, bytes, modified_s}]}, newest first
GET    /api/recordings/{name}              the file
DELETE /api/recordings/{name}
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from vaidol.server.access import refusal
from vaidol.server.pipelines_api import graph_of, refuse_strangers
from vaidol.server.recordings import NoRecording
from vaidol.server.running import Running

if TYPE_CHECKING:
    from vaidol.server.app import Server

KINDS = {".mcap": "application/octet-stream", ".ogg": "audio/ogg"}


class RecordingsApi:
    """The routes above."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def routes(self, router: web.UrlDispatcher) -> None:
        """Add them to `router`."""
        session = "/api/sessions/{session}"
        router.add_post(f"{session}/dump", self.dump)
        router.add_get(f"{session}/recorder", self.recorder)
        router.add_post(f"{session}/recording", self.begin)
        router.add_delete(f"{session}/recording", self.finish)
        router.add_get("/api/recordings", self.all)
        router.add_get("/api/recordings/{name}", self.file)
        router.add_delete("/api/recordings/{name}", self.remove)

    async def dump(self, request: web.Request) -> web.Response:
        """Write the last half minute of a session into a file."""
        refuse_strangers(self._server, request)
        graph = graph_of(self._server, request)
        try:
            return web.json_response(await self._server.recordings.dump(graph.session, "asked"), status=201)
        except NoRecording as error:
            return refusal(409, "off", str(error))
        except OSError as error:
            return _no_disk(error)

    async def recorder(self, request: web.Request) -> web.Response:
        """How the recorder of a session stands."""
        graph, recordings = graph_of(self._server, request), self._server.recordings
        recorder = recordings.recorder(graph.session)
        told = {"ports": recorder.ports, "bytes": recorder.held_bytes} if recorder else {"ports": [], "bytes": 0}
        return web.json_response({**told, "recording": recordings.recording(graph.session)})

    async def begin(self, request: web.Request) -> web.Response:
        """Record a session from now on; everybody in it is told."""
        refuse_strangers(self._server, request)
        graph = graph_of(self._server, request)
        try:
            name = await self._server.recordings.begin(self._session(graph.session), graph)
        except OSError as error:
            return _no_disk(error)
        return web.json_response({"name": name}, status=201)

    async def finish(self, request: web.Request) -> web.Response:
        """End the recording of a session."""
        refuse_strangers(self._server, request)
        graph = graph_of(self._server, request)
        try:
            return web.json_response(await self._server.recordings.finish(self._session(graph.session)))
        except NoRecording as error:
            return refusal(409, "not_recording", str(error))

    async def all(self, _: web.Request) -> web.Response:
        """All recordings there are."""
        return web.json_response({"recordings": await self._server.recordings.files()})

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Download a recording."""
        try:
            path = await self._server.recordings.path(request.match_info["name"])
        except NoRecording as error:
            return refusal(404, "no_recording", str(error))
        headers = {
            "Content-Type": KINDS[path.suffix],
            "Content-Disposition": f'attachment; filename="{path.name}"',
        }
        return web.FileResponse(path, headers=headers)

    async def remove(self, request: web.Request) -> web.Response:
        """Delete a recording."""
        refuse_strangers(self._server, request)
        try:
            await self._server.recordings.remove(request.match_info["name"])
        except NoRecording as error:
            return refusal(404, "no_recording", str(error))
        except OSError as error:
            return _no_disk(error)
        return web.Response(status=204)

    def _session(self, name: str) -> Running:
        return next(session for session in self._server.sessions if session.id == name)


def _no_disk(error: OSError) -> web.Response:
    return refusal(507, "disk", f"the recordings' folder cannot be written: {error.strerror or error}")
