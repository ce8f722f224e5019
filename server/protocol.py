"""The data channel's language, version 1: one JSON object per message, its type in `t`. Times (`at`) are samples of
the output track, 48 kHz.

Here is what clients say, checked as it comes; `vaidol.server.messages` is what the server says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

VERSION = 1
RATE = 48_000  # Hz
MAX_BYTES = 16_384  # of one message from a client
MAX_TEXT = 4000  # characters somebody may type at once
MAX_NAMES = 512  # expressions, motion groups or parameters of a model
COUNT = Annotated[int, Field(ge=0, le=2**53)]
USER = r"^([A-Za-z0-9_-]{16,64})?$"  # pydantic's "$" is the very end
NAME = Annotated[str, Field(max_length=200)]


class BadMessage(ValueError):
    """A message that breaks the protocol; the text says how, and quotes nothing of it."""


class _FromClient(BaseModel):
    """Unknown fields are skipped: a newer page may send them."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", use_attribute_docstrings=True)


class Hello(_FromClient):
    """The first message: the version of the protocol that the client speaks."""

    t: Literal["hello"]
    v: COUNT
    user: Annotated[str, Field(pattern=USER)] = ""
    """a long random id that the client keeps; the history of calls belongs to whoever knows it (empty: none is kept)"""


class Text(_FromClient):
    """Typed text: a whole turn of the user."""

    t: Literal["text"]
    text: Annotated[str, Field(max_length=MAX_TEXT)]


class Mute(_FromClient):
    """The microphone counts as silent while `on`."""

    t: Literal["mute"]
    on: bool


class Talk(_FromClient):
    """Push to talk: the person speaks while `on`, and has finished when it goes off."""

    t: Literal["talk"]
    on: bool


class Heard(_FromClient):
    """The first sound of a reply has just left the loudspeaker."""

    t: Literal["heard"]
    turn: COUNT


class Interrupt(_FromClient):
    """Stop speaking."""

    t: Literal["interrupt"]


class Touch(_FromClient):
    """Somebody touched the avatar: the model's hit area, and where (-1..1 from the middle; up and right positive)."""

    t: Literal["touch"]
    area: NAME
    x: Annotated[float, Field(ge=-1, le=1)] = 0.0
    y: Annotated[float, Field(ge=-1, le=1)] = 0.0


class Avatar(_FromClient):
    """What the model that the client shows can do, after each load: names that are asked for are checked against it."""

    t: Literal["avatar"]
    model: NAME
    expressions: Annotated[list[NAME], Field(max_length=MAX_NAMES)]
    motions: Annotated[dict[NAME, Annotated[int, Field(ge=1, le=MAX_NAMES)]], Field(max_length=MAX_NAMES)]
    """number of clips in each group; a motion by name is a group of one"""
    params: Annotated[list[NAME], Field(max_length=MAX_NAMES)]


class ChoosePersona(_FromClient):
    """Let another persona go on: `name` is one of those of `GET /api/personas`. Answered by "persona", or an error."""

    t: Literal["persona"]
    name: Annotated[str, Field(max_length=80)]


class Group(_FromClient):
    """What the person wants of a group, the one they are in or that of the invitation `code`. Answered by "group", or
    an error. `remove`, `rules` and `dissolve` are its owner's; others mute their own avatar only."""

    t: Literal["group"]
    do: Literal["open", "join", "leave", "mute", "remove", "rules", "dissolve"]
    code: Annotated[str, Field(max_length=40)] = ""
    """the invitation, for `join`"""
    person: Annotated[str, Field(max_length=60, pattern=r"^[^\n\r:]*$")] = ""
    """the name by which the others know this person, for `open` and `join`"""
    member: NAME = ""
    """whose avatar is muted, or who is removed"""
    on: bool = True
    """muted, or no longer"""
    order: Literal["round", "named"] = "round"
    """whose avatar answers: all in turn, or only who is addressed or whose own person spoke"""
    rounds: Annotated[int, Field(ge=0, le=20)] = 2
    """so often may every avatar speak after what a person said"""
    interrupt: Literal["own", "anyone"] = "own"
    """whose voice interrupts an avatar"""


class Ping(_FromClient):
    """Answered with a pong of the same number; who is silent for 6 s counts as gone."""

    t: Literal["ping"]
    n: COUNT


class Pong(_FromClient):
    """The answer to a ping."""

    t: Literal["pong"]
    n: COUNT


FromClient = Hello | Text | Mute | Talk | Heard | Interrupt | Touch | Avatar | ChoosePersona | Group | Ping | Pong
from_client: TypeAdapter[FromClient] = TypeAdapter(Annotated[FromClient, Field(discriminator="t")])


def parse(raw: str | bytes) -> FromClient:
    """The message in `raw`, checked. Raises `BadMessage`."""
    if isinstance(raw, bytes):
        raise BadMessage("messages are text, not bytes")
    if len(raw) > MAX_BYTES or len(raw.encode(errors="replace")) > MAX_BYTES:
        raise BadMessage(f"a message may have {MAX_BYTES} bytes at most")
    try:
        return from_client.validate_python(DECODER.decode(raw))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"][1:]))
        said = "'t' names no known message" if first["type"].startswith("union_tag") else first["msg"]
        raise BadMessage(f"{field}: {said}" if field else said) from None
    except (ValueError, RecursionError):
        raise BadMessage("is not JSON") from None


def encode(message: Mapping[str, Any]) -> str:
    """One message as it goes over the wire. Raises `ValueError` or `TypeError` for what JSON cannot say."""
    return ENCODER.encode(message)


def hello(*, session: str, token: str, pipeline: str) -> dict[str, Any]:
    """The first message of every connection; `token` brings a lost connection back to this session; "": a viewer."""
    return {
        "t": "hello", "v": VERSION, "session": session, "token": token, "role": "speaker" if token else "viewer",
        "pipeline": pipeline, "rate": RATE, "avatar": {"name": "Vai"},
    }  # fmt: skip


def sync(origin: int) -> dict[str, Any]:
    """RTP timestamp of output sample 0: tells the page which sample is being heard."""
    return {"t": "sync", "origin": origin, "rate": RATE}


def error(code: str, message: str, *, fatal: bool = False) -> dict[str, Any]:
    return {"t": "error", "code": code, "message": message, "fatal": fatal}


def ping(n: int) -> dict[str, Any]:
    return {"t": "ping", "n": n}


def pong(n: int) -> dict[str, Any]:
    return {"t": "pong", "n": n}


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


DECODER = json.JSONDecoder(parse_constant=_no_constant)
ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
