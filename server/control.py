"""The avatar by REST: faces, motions, parameters and looks that somebody outside the call asks for."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from vaidol.nodes.text._cue_names import EXPRESSIONS, MOTIONS
from vaidol.nodes.webrtc._call import Message
from vaidol.server.access import refusal
from vaidol.server.bodies import read, unknown
from vaidol.server.running import Running
from vaidol.server.sessions import Sessions
from vaidol.server.wishes import meant

Name = Annotated[str, Field(min_length=1, max_length=200)]
Unit = Annotated[float, Field(ge=-1, le=1)]
PRIORITIES: dict[int, str] = {1: "idle", 2: "normal", 3: "force"}  # as in Cubism


class _Wish(BaseModel):
    """`session`: the id of one; left out: all of them."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    session: str = ""

    def message(self) -> Message:
        """What the session is told."""
        raise NotImplementedError

    def unknown(self, session: Running) -> tuple[str, list[str]] | None:
        """What this session's avatar does not have, and what it has instead."""
        return None


class _Lasting(_Wish):
    duration: Annotated[float, Field(gt=0, le=3600)] | None = None  # s; null: until the next
    fade_ms: Annotated[int, Field(ge=0, le=60_000)] = 300

    def lasting(self) -> Message:
        return {
            "ms": self.fade_ms,
            **({} if self.duration is None else {"hold_ms": max(1, round(self.duration * 1000))}),
        }


class ExpressionWish(_Lasting):
    """Show an expression: by vaidol's name for it or the model's own."""

    expression: Name
    intensity: Annotated[float, Field(ge=0, le=1)] = 1.0

    def message(self) -> Message:
        return {"t": "expression", "name": self.expression, "weight": self.intensity, **self.lasting()}

    def unknown(self, session: Running) -> tuple[str, list[str]] | None:
        known = EXPRESSIONS | set(session.avatar.expressions if session.avatar else ())
        return None if self.expression in known else (f"no expression '{self.expression}'", sorted(known))


class MotionWish(_Wish):
    """Play a motion."""

    group: Name  # a group of the model's motions, or the name of a motion
    index: Annotated[int, Field(ge=0)] | None = None
    priority: Literal["idle", "normal", "force", 1, 2, 3] = "normal"

    def message(self) -> Message:
        priority = self.priority if isinstance(self.priority, str) else PRIORITIES[self.priority]
        told: Message = {"t": "motion", "name": self.group, "priority": priority}
        return (
            told if self.group in MOTIONS and self.index is None else {**told, "group": self.group, "index": self.index}
        )

    def unknown(self, session: Running) -> tuple[str, list[str]] | None:
        known = dict.fromkeys(MOTIONS, 1) | (session.avatar.motions if session.avatar else {})
        if self.group not in known:
            return f"no motion '{self.group}'", sorted(known)
        if self.index is not None and self.index >= known[self.group]:
            clips = [f"{self.group} {index}" for index in range(known[self.group])]
            return f"the motion '{self.group}' has no clip {self.index}", clips
        return None


class ParamWish(_Lasting):
    """Hold a parameter of the model at a value."""

    id: Name
    value: float
    weight: Annotated[float, Field(ge=0, le=1)] = 1.0  # 0 lets it go

    def message(self) -> Message:
        return {"t": "param", "id": self.id, "value": self.value, "weight": self.weight, **self.lasting()}

    def unknown(self, session: Running) -> tuple[str, list[str]] | None:
        known = session.avatar.params if session.avatar else [self.id]  # nobody has told: the page will see
        return None if self.id in known else (f"no parameter '{self.id}'", sorted(known))


class GazeWish(_Lasting):
    """Look somewhere, or at nothing in particular."""

    x: Unit | None
    y: Unit | None

    def message(self) -> Message:
        return {"t": "gaze", "x": self.x, "y": self.y, **self.lasting()}


class InterruptWish(_Wish):
    """Stop the reply under way."""

    def message(self) -> Message:
        return {"t": "interrupt"}


WISHES: dict[str, type[_Wish]] = {
    "expression": ExpressionWish,
    "motion": MotionWish,
    "param": ParamWish,
    "gaze": GazeWish,
    "interrupt": InterruptWish,
}


class Control:
    """`POST /api/NAME` for the names in `WISHES`: 200 with the sessions that were told; otherwise an error that says
    why: 400 no JSON, 422 a wrong field (with its `path`), 404 an unknown name (with the list `known`) or session."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def wish(self, request: web.Request) -> web.Response:
        """Those sessions are told whose avatar can do it; an error only where none can."""
        kind = WISHES[request.path.rpartition("/")[2]]
        wish = await read(request, kind, empty=kind is InterruptWish)
        those = meant(self._sessions, wish.session)
        able = [session for session in those if wish.unknown(session) is None]
        if not able and (missing := wish.unknown(those[0])):
            raise unknown("unknown", *missing)
        told = [session.id for session in able if session.command(wish.message())]
        if not told:
            return refusal(409, "no_avatar", "the pipeline has no node webrtc.data that could move an avatar")
        return web.json_response({"sessions": told})


def add_routes(router: web.UrlDispatcher, sessions: Sessions) -> None:
    control = Control(sessions)
    for name in WISHES:
        router.add_post(f"/api/{name}", control.wish)
