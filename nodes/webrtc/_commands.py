"""Commands to the avatar as messages of the data channel, and back."""

from __future__ import annotations

from vaidol.graph.frames import Cue, Mouth
from vaidol.nodes.webrtc._call import Message

COMMANDS = ("expression", "motion", "param", "gaze")


def to_message(cue: Cue) -> Message:
    """What the client is told; one that is due at sample 0 is due now."""
    timed: Message = {"t": cue.kind, **({"at": cue.pts} if cue.pts else {})}
    if cue.kind == "motion":
        clip = {"group": cue.group, "index": cue.index} if cue.group else {}
        return {**timed, "name": cue.name, **clip, "priority": cue.priority}
    lasting = {"ms": cue.fade_ms, **({"hold_ms": cue.hold_ms} if cue.hold_ms else {})}
    if cue.kind == "expression":
        return {**timed, "name": cue.name, "weight": cue.weight, **lasting}
    if cue.kind == "param":
        return {**timed, "id": cue.name, "value": cue.value, "weight": cue.weight, **lasting}
    return {**timed, "x": cue.x, "y": cue.y, **lasting}


def to_cue(message: Message) -> Cue:
    """The command in `message`, whose type is one of `COMMANDS`."""
    return Cue(
        kind=message["t"],
        name=message.get("id") or message.get("name", ""),
        weight=message.get("weight", 1.0),
        fade_ms=message.get("ms", 300),
        hold_ms=message.get("hold_ms") or 0,
        group=message.get("group") or "",
        index=message.get("index"),
        priority=message.get("priority", "normal"),
        value=message.get("value", 0.0),
        x=message.get("x"),
        y=message.get("y"),
        pts=message.get("at") or 0,
    )


def mouth_messages(mouth: Mouth) -> list[Message]:
    """The mouth track, and the same as vowels where they are known."""
    timed: Message = {"at": mouth.pts, "step": mouth.step, **({"turn": mouth.gen} if mouth.gen else {})}
    told: list[Message] = [{"t": "mouth", **timed, "open": mouth.open, "form": mouth.form}]
    if mouth.vowels:
        told.append({"t": "viseme", **timed, **dict(zip("aiueo", zip(*mouth.vowels, strict=True), strict=True))})
    return told
