"""What the server says on the data channel, message by message; `vaidol protocol` makes the schema of it."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

At = Annotated[int, Field(ge=0, description="sample of the output track, 48 kHz")]
Sample = Annotated[int, Field(ge=0, description="sample of the output track, 48 kHz; null: now")]
Share = Annotated[float, Field(ge=0, le=1)]
Track = Annotated[tuple[Share, ...], Field(max_length=500)]
Ms = Annotated[int, Field(ge=0, description="ms")]
Turn = Annotated[int, Field(ge=0, description="number of the reply; 0: of none")]
Name = Annotated[str, Field(max_length=200)]


class _ToClient(BaseModel):
    """A client skips fields and messages it does not know: a newer server may send them."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True)


class AvatarName(_ToClient):
    """Who is seen."""

    name: Name


class Hello(_ToClient):
    """The first message of every connection. What follows at once is the whole state: see "Late joiners"."""

    t: Literal["hello"]
    v: int
    """version of this protocol"""
    session: Name
    token: Name
    """brings a lost connection back to this session; empty for viewers"""
    role: Literal["speaker", "viewer"] = "speaker"
    """a viewer hears and sees all, and cannot speak"""
    pipeline: Name
    rate: int
    """of all times, Hz"""
    avatar: AvatarName


class Sync(_ToClient):
    """Which sample is being heard: (RTP timestamp in playout - origin) mod 2^32. Every connection has its own."""

    t: Literal["sync"]
    origin: Annotated[int, Field(ge=0, lt=2**32)]
    rate: int


class State(_ToClient):
    """What the conversation does. Asleep: the avatar listens again when somebody calls it by `call`."""

    t: Literal["state"]
    value: Literal["listening", "thinking", "speaking", "asleep"]
    call: str | None = None


class TurnEnd(_ToClient):
    """A reply is over."""

    t: Literal["turn"]
    turn: Turn
    status: Literal["done", "cut", "failed"]


class Subtitle(_ToClient):
    """Words of the user as they are understood, or of the avatar when they are heard."""

    t: Literal["subtitle"]
    who: Literal["user", "avatar"]
    turn: int
    """for the user the number of the utterance, for the avatar that of the reply"""
    text: str
    final: bool
    """false: later ones with the same number replace it"""
    at: Sample | None = None


class Other(_ToClient):
    """What another person, or the avatar of another, says in the group that this session is in; or what somebody of the
    audience has written, before it is answered."""

    t: Literal["other"]
    name: Name
    text: str


class Member(_ToClient):
    """A person of a group, and their avatar."""

    id: Name
    """that of their session"""
    person: Name
    character: Name
    muted: bool
    """the avatar hears, and does not speak"""
    talks: bool
    """the person is speaking"""


class Group(_ToClient):
    """The group this session is in, whenever something in it changes. Only its person is told, no viewer."""

    t: Literal["group"]
    code: Name
    """the invitation to it; empty: the session is in no group"""
    you: Name
    owner: Name
    speaks: Name
    """whose avatar has the floor; empty: nobody's"""
    order: Literal["round", "named"]
    rounds: int
    interrupt: Literal["own", "anyone"]
    members: tuple[Member, ...]


class Expression(_ToClient):
    """Fade to this face over `ms`; all others fade out in the same time."""

    t: Literal["expression"]
    at: Sample | None = None
    name: Name
    weight: Share = 1.0
    ms: Ms = 300
    hold_ms: Ms | None = None
    """back to neutral after this time; null: stay until the next"""


class Motion(_ToClient):
    """Move the body once: by `name`, or the clip `index` of the model's motion `group` (null: any of it)."""

    t: Literal["motion"]
    at: Sample | None = None
    name: Name
    group: Name | None = None
    index: Annotated[int, Field(ge=0)] | None = None
    priority: Literal["idle", "normal", "force"] = "normal"
    """idle gives way to a running normal one; force stops whatever runs"""


class Param(_ToClient):
    """Hold one parameter of the model (its own id or a Cubism standard id) at `value`; weight 0 lets it go."""

    t: Literal["param"]
    at: Sample | None = None
    id: Name
    value: float
    """in the model's own unit; clamped to its range"""
    weight: Share = 1.0
    """share of it against what the avatar would do by itself"""
    ms: Ms = 300
    """fade"""
    hold_ms: Ms | None = None
    """let go after this time; null: stay"""


class Gaze(_ToClient):
    """Look to (x, y): -1 left, 1 right; -1 down, 1 up. Both null: look where the avatar likes."""

    t: Literal["gaze"]
    at: Sample | None = None
    x: Annotated[float, Field(ge=-1, le=1)] | None
    y: Annotated[float, Field(ge=-1, le=1)] | None
    ms: Ms = 300
    """time to get there"""
    hold_ms: Ms | None = None
    """look there so long; null: until the next"""


class Mouth(_ToClient):
    """Opening and form of the mouth, one value per `step` samples from `at` on. What comes later replaces what was
    said of the same samples before. On the channel "mouth"."""

    t: Literal["mouth"]
    at: At
    step: Annotated[int, Field(ge=1)]
    turn: Turn | None = None
    """the reply it belongs to: of one that was cut, it is to be dropped"""
    open: Track
    form: Annotated[tuple[Annotated[float, Field(ge=-1, le=1)], ...], Field(max_length=500)]
    """-1 round .. 1 spread"""


class Viseme(_ToClient):
    """The same as vowels: the weight of each mouth shape, their sum at most the opening. On the channel "mouth"."""

    t: Literal["viseme"]
    at: At
    step: Annotated[int, Field(ge=1)]
    turn: Turn | None = None
    """the reply it belongs to: of one that was cut, it is to be dropped"""
    a: Track
    i: Track
    u: Track
    e: Track
    o: Track


class Cut(_ToClient):
    """The reply ends here: close the mouth, forget all commands of it and later ones that still come of this turn."""

    t: Literal["cut"]
    at: At
    turn: Turn
    heard: str
    """the words that were really played"""


class Timing(_ToClient):
    """What took how long, ms since the end of the user's speech."""

    t: Literal["timing"]
    turn: Turn
    stages: dict[str, float]


class Persona(_ToClient):
    """Who speaks from now on."""

    t: Literal["persona"]
    name: Name
    """as in `GET /api/personas`; empty: none of these"""
    title: Name
    avatar: Name
    """the model to show; empty: whichever is chosen"""


class Sight(_ToClient):
    """Whether the language model can be shown pictures; told at the beginning, and when that changes."""

    t: Literal["sight"]
    able: bool


class Tool(_ToClient):
    """The language model had a tool called."""

    t: Literal["tool"]
    turn: Turn
    status: Literal["called", "done", "failed"]
    text: Annotated[str, Field(max_length=1000)]
    """the call, and its result when there is one, both shortened"""


class Memory(_ToClient):
    """What of earlier talks was put before the model, or was learned of the user (`/api/memory`); no viewer is told."""

    t: Literal["memory"]
    turn: Turn
    status: Literal["recalled", "learned"]
    lines: Annotated[list[Annotated[str, Field(max_length=2000)]], Field(max_length=64)]


class Error(_ToClient):
    """Something went wrong; `fatal`: the session is over."""

    t: Literal["error"]
    code: Name
    message: str
    fatal: bool
    node: Name | None = None


class Recording(_ToClient):
    """The whole call is being recorded while `on`; told to whoever joins meanwhile, before anything is said."""

    t: Literal["recording"]
    on: bool


class Ping(_ToClient):
    """Answer with a pong of the same number; who is silent for 6 s counts as gone."""

    t: Literal["ping"]
    n: int


class Pong(_ToClient):
    """The answer to a ping."""

    t: Literal["pong"]
    n: int


ToClient = (
    Hello | Sync | State | TurnEnd | Subtitle | Other | Group | Expression | Motion | Param | Gaze | Mouth | Viseme
    | Cut | Timing | Persona | Sight | Tool | Memory | Error | Recording | Ping | Pong
)  # fmt: skip
to_client: TypeAdapter[ToClient] = TypeAdapter(Annotated[ToClient, Field(discriminator="t")])


def check(message: Any) -> ToClient:
    """`message` as its model. Raises `pydantic.ValidationError`: a message that is sent must be described here."""
    return to_client.validate_json(json.dumps(message))
