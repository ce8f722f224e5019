"""What the OpenAPI document says of the routes that their models and docstrings do not: queries, headers, statuses."""

from __future__ import annotations

from typing import Any

from vaidol.graph.diff import MOMENTS
from vaidol.nodes.agent._history import TITLE_MAX
from vaidol.server.documents import STRING
from vaidol.server.persona_files import NAME_MOST
from vaidol.server.pictures import SOURCES

SDP = ("POST /whip", "POST /whep")
STATUS = {
    **dict.fromkeys(SDP, 201), "POST /api/sessions/{session}/dump": 201, "POST /api/sessions/{session}/recording": 201,
    "DELETE /api/recordings/{name}": 204, "DELETE /api/sessions/{session}": 204,
}  # fmt: skip


def _fields(*required: str, **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


FIELDS = {
    "PATCH /api/history/{chat}": _fields("title", title={**STRING, "minLength": 1, "maxLength": TITLE_MAX}),
    "POST /api/history/{chat}/resume": _fields(session=STRING),
    "POST /api/sessions/{session}/persona": _fields("persona", persona={**STRING, "maxLength": NAME_MOST}),
}
EMPTY = ("POST /api/interrupt",)  # the body may be left out as a whole


def _query(name: str, about: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    said = {"name": name, "in": "query", "description": about, "schema": schema or STRING}
    return {**said, "required": True} if required else said


USER = _query("user", "the id that the client sent in its hello", required=True)
SESSION = _query("session", "the id of one; left out: the newest")
AT = _query("at", "when the change takes effect", enum=list(MOMENTS))
DRY = _query("dry_run", "1: only tell what would happen")
PARAMETERS: dict[str, list[dict[str, Any]]] = {
    "GET /api/history": [USER, _query("persona", "only with this one"), _query("q", "only where words like these are")],
    "GET /api/history/{chat}": [USER, _query("format", "how it is told", enum=["json", "text"])],
    "PATCH /api/history/{chat}": [USER],
    "DELETE /api/history/{chat}": [USER],
    "POST /api/history/{chat}/resume": [USER],
    "GET /api/events": [_query("session", "only of this one")],
    "POST /whep": [SESSION],
    "POST /api/sessions/{session}/image": [_query("source", "what it shows", enum=list(SOURCES))],
    "GET /api/sessions/{session}/waterfall": [_query("format", "for whom", enum=["json", "chrome"])],
    "PUT /api/pipeline": [AT, DRY, _query("running", "1: in the calls under way as well")],
    "PUT /api/sessions/{session}/pipeline": [
        AT, DRY, _query("revision", "the one that was read; refused where another runs", type="string"),
    ],
    "POST /api/sessions/{session}/rollback": [AT],
    "PATCH /api/config": [
        {
            "name": "If-Match", "in": "header", "required": True, "schema": STRING,
            "description": "the ETag of GET /api/config, so that no change is lost; * for whatever it is",
        }
    ],
}  # fmt: skip
