"""The server's options over REST: all of them without secrets, and some to be changed while it runs.

GET   /api/config     {pipeline, options, live, restart_required}, with an ETag
PATCH /api/config     {"max_sessions": 4}: the same as it is then; If-Match takes the ETag that was read

`live`: what PATCH takes. `restart_required`: what only a new start can change. A change lasts until the server ends.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vaidol.server.access import refusal
from vaidol.server.bodies import read_object, refused, unfit
from vaidol.server.pipelines_api import refuse_strangers

if TYPE_CHECKING:
    from vaidol.server.app import Server

RESTART = (
    "token",
    "max_per_address",
    "stun",
    "backgrounds",
    "live2d_models",
    "live2d_runtime",
    "history",
    "personas",
    "trust_proxy",
    "recording.folder",
)


class RecordingPatch(BaseModel):
    """Of recordings; `seconds` counts for sessions that begin later."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    seconds: Annotated[float, Field(ge=0, le=3600)] = 0
    on_error: bool = False
    over_ms: Annotated[float, Field(ge=0, le=600_000)] = 0
    keep_days: Annotated[float, Field(ge=0, le=36_500)] = 0
    keep_mb: Annotated[float, Field(ge=0, le=10_000_000)] = 0


class ConfigPatch(BaseModel):
    """Change options of the running server; what is left out stays. `grace_s` counts for sessions that begin later."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    max_sessions: Annotated[int, Field(ge=1, le=100_000)] = 1
    grace_s: Annotated[float, Field(ge=0, le=86_400)] = 0
    avatar: Annotated[str, Field(max_length=200)] = ""
    recording: RecordingPatch = RecordingPatch()


LIVE = (*(name for name in ConfigPatch.model_fields if name != "recording"), *(
    f"recording.{name}" for name in RecordingPatch.model_fields
))  # fmt: skip


class ConfigApi:
    """The routes above."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/config", self.read)
        router.add_patch("/api/config", self.change)

    async def read(self, _: web.Request) -> web.Response:
        """The options of the server, without secrets; `live` names those that can be changed while it runs."""
        return self._answer()

    async def change(self, request: web.Request) -> web.Response:
        refuse_strangers(self._server, request)
        try:
            wanted = ConfigPatch.model_validate(await read_object(request))
        except ValidationError as error:
            raise _restart(error) or unfit(error) from None
        known = await self._server.live2d.names()
        if "avatar" in wanted.model_fields_set and wanted.avatar not in ("", *known):
            said = f"avatar: there is no model '{wanted.avatar}'; there are: {', '.join(known) or 'none'}"
            raise refused(422, "invalid", said, path="avatar", known=known)
        held = request.headers.get("If-Match")  # nothing may come between this and the change
        if held is None:
            return refusal(428, "if_match", "send If-Match with the ETag of GET /api/config, so that no change is lost")
        if held.strip() not in ("*", self._tag()):
            return refusal(412, "changed", "the options have changed since you read them: read them again")
        self._apply(wanted)
        return self._answer()

    def _apply(self, wanted: ConfigPatch) -> None:
        server = self._server
        changes = wanted.model_dump(exclude_unset=True)
        recording = replace(server.options.recording, **changes.pop("recording", {}))
        options = server.options = replace(server.options, **changes, recording=recording)
        server.sessions.limit, server.sessions.grace_s = options.max_sessions, options.grace_s
        server.live2d.avatar = options.avatar
        server.recordings.options = recording

    def _told(self) -> dict[str, Any]:
        options = self._server.options
        recording = asdict(options.recording)
        told = {
            "max_sessions": options.max_sessions, "max_per_address": options.max_per_address,
            "grace_s": options.grace_s, "avatar": options.avatar,
            "token": bool(options.token), "stun": options.stun, "backgrounds": options.backgrounds,
            "live2d_models": options.live2d_models, "live2d_runtime": options.live2d_runtime,
            "history": asdict(options.history), "personas": options.personas, "trust_proxy": options.trust_proxy,
            "recording": {**recording, "folder": self._server.recordings.folder},
        }  # fmt: skip
        told = {"pipeline": self._server.plan.name, "options": told, "live": LIVE, "restart_required": RESTART}
        return dict(json.loads(json.dumps(told, default=str)))

    def _tag(self) -> str:
        digest = hashlib.sha256(json.dumps(self._told(), sort_keys=True).encode()).hexdigest()
        return f'"{digest[:16]}"'

    def _answer(self) -> web.Response:
        return web.json_response(self._told(), headers={"ETag": self._tag()})


def _restart(error: ValidationError) -> web.HTTPException | None:
    """Whoever asks for what only a new start can change is told so."""
    paths = [".".join(map(str, one["loc"])) for one in error.errors(include_url=False)]
    path = next((path for path in paths if path in RESTART), None)
    if path is None:
        return None
    said = f"{path}: only a new start can change it: end the server and give it on the command line"
    return refused(422, "restart_required", said, path=path, restart_required=True)
