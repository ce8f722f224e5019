"""The REST interface as an OpenAPI document, and a page that shows it."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel

from vaidol.server import documents
from vaidol.server.autonomous import AutonomousWish
from vaidol.server.config_api import ConfigPatch
from vaidol.server.control import WISHES
from vaidol.server.documents import STRING, Described, json_of
from vaidol.server.groups.api import GroupMember, GroupMute, NewGroup
from vaidol.server.openapi_extras import EMPTY, FIELDS, PARAMETERS, SDP, STATUS
from vaidol.server.pictures import MAGIC
from vaidol.server.say import SayWish

SHOWN = ("/api/", "/health", "/ready", "/metrics", "/whip", "/whep", "/live2d-models/info")
BODIES: dict[str, type[BaseModel]] = {
    "POST /api/groups": NewGroup, "POST /api/groups/{group}/members": GroupMember,
    "POST /api/groups/{group}/mute": GroupMute,
    "POST /api/autonomous": AutonomousWish, "POST /api/say": SayWish, "PATCH /api/config": ConfigPatch,
    **{f"POST /api/{name}": wish for name, wish in WISHES.items()}
}  # fmt: skip
YAML = ("PUT /api/pipeline", "PUT /api/sessions/{session}/pipeline")
PICTURE = ("POST /api/sessions/{session}/image",)
MAIN = Described(
    "vaidol", "Control a running vaidol server.", SHOWN, BODIES,
    {
        **{key: {"application/sdp": {"schema": STRING}} for key in SDP},
        **{key: {kind: {} for kind in MAGIC} for key in PICTURE},
        **{key: {"application/yaml": {"schema": STRING}, **json_of({"type": "object"})} for key in YAML},
        **{key: json_of(fields) for key, fields in FIELDS.items()},
    },
    statuses=STATUS, parameters=PARAMETERS, empty=EMPTY,
)  # fmt: skip


def add_routes(router: web.UrlDispatcher, version: str) -> None:
    documents.add_routes(router, version, MAIN, "/api/openapi.json")
