"""The messages of `/client-ws`: what a client may send, checked; what it is sent, built.

Source: the wire of Open-LLM-VTuber 1.2.1 and of its stock client. JSON text frames, key `type`; no version, no numbers.
"""

from __future__ import annotations

import base64
import io
import json
import wave
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

MAX_BYTES = 8 * 2**20  # of one message: a picture of a screen fits
MAX_TEXT = 4000  # characters typed at once
MAX_SAMPLES = 16_000 * 60  # of one message of sound
SLICE = 0.020  # s of sound per value of `volumes`


class BadMessage(ValueError):
    """A message that breaks the protocol; the text says how, and quotes nothing of it."""


class _FromClient(BaseModel):
    """Unknown fields are skipped: clients differ."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


Pictures = Annotated[list[Any], Field(max_length=16)] | None  # [{source, data, mime_type}]; see `server/pictures.py`


class TextInput(_FromClient):
    type: Literal["text-input"]
    text: Annotated[str, Field(max_length=MAX_TEXT)]
    images: Pictures = None


class Sound(_FromClient):
    """Mono float samples at 16 kHz; `raw-audio-data` leaves it to the server to find the speech in it."""

    type: Literal["mic-audio-data", "raw-audio-data"]
    audio: Annotated[list[float], Field(max_length=MAX_SAMPLES)]


class Plain(_FromClient):
    """The messages without any field that matters here but `images`."""

    type: Literal[
        "mic-audio-end",
        "interrupt-signal",
        "audio-play-start",
        "frontend-playback-complete",
        "fetch-configs",
        "fetch-backgrounds",
        "request-group-info",
        "request-init-config",
        "heartbeat",
    ]
    images: Pictures = None


class Speak(_FromClient):
    """The client has seen nothing happen for a while: the character may speak by itself."""

    type: Literal["ai-speak-signal"]
    idle_time: float = 0.0
    images: Pictures = None


class History(_FromClient):
    """What is said from now on belongs to another conversation, or one is listed or deleted."""

    type: Literal["fetch-history-list", "create-new-history", "fetch-and-set-history", "delete-history"]
    history_uid: Annotated[str, Field(max_length=200)] = ""


class SwitchConfig(_FromClient):
    type: Literal["switch-config"]
    file: Annotated[str, Field(max_length=200)]


class Group(_FromClient):
    type: Literal["add-client-to-group", "remove-client-from-group"]
    invitee_uid: Annotated[str, Field(max_length=200)] = ""
    target_uid: Annotated[str, Field(max_length=200)] = ""


FromClient = TextInput | Sound | Plain | Speak | History | SwitchConfig | Group
_from_client: TypeAdapter[FromClient] = TypeAdapter(Annotated[FromClient, Field(discriminator="type")])


def parse(raw: str) -> FromClient:
    """The message in `raw`, checked. Raises `BadMessage`."""
    try:
        return _from_client.validate_python(DECODER.decode(raw))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"][1:]))
        if first["type"] == "union_tag_invalid":
            raise BadMessage("'type' names no known message") from None
        said = "a message is an object with a 'type'" if first["type"].startswith(("union", "model")) else first["msg"]
        raise BadMessage(f"{field}: {said}" if field else said) from None
    except (ValueError, RecursionError):
        raise BadMessage("the message is not JSON") from None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


DECODER = json.JSONDecoder(parse_constant=_no_constant)
ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode(message: dict[str, Any]) -> str:
    return ENCODER.encode(message)


def control(text: str) -> dict[str, Any]:
    return {"type": "control", "text": text}


def full_text(text: str) -> dict[str, Any]:
    """A line where the subtitles are."""
    return {"type": "full-text", "text": text}


def error(message: str) -> dict[str, Any]:
    return {"type": "error", "message": message}


def audio(
    samples: NDArray[np.int16], rate: int, *, text: str, name: str, avatar: str, expressions: list[int | str]
) -> dict[str, Any]:
    """One sentence: (n,) int16 mono at `rate` as a WAV, or silent words where there are no samples."""
    return {
        "type": "audio",
        "audio": base64.b64encode(_wav(samples, rate)).decode() if len(samples) else None,
        "volumes": _volumes(samples, rate),
        "slice_length": round(SLICE * 1000),
        "display_text": {"text": text, "name": name, "avatar": avatar},
        "actions": {"expressions": expressions} if expressions else {},
        "forwarded": False,
    }


def tool(id: str, name: str, status: str, content: str, *, who: str, at: str) -> dict[str, Any]:
    """A tool that the language model had called; `at`: when, as ISO 8601."""
    return {
        "type": "tool_call_status", "tool_id": id, "tool_name": name, "status": status, "content": content,
        "timestamp": at, "name": who,
    }  # fmt: skip


def said_by(name: str, text: str) -> dict[str, Any]:
    """What somebody else in the group says: words without sound."""
    silence = np.zeros(0, np.int16)
    return audio(silence, 16_000, text=text, name=name, avatar="", expressions=[]) | {"forwarded": True}


def group(members: list[str], *, owner: bool) -> dict[str, Any]:
    return {"type": "group-update", "members": members, "is_owner": owner}


def group_result(message: str, *, success: bool) -> dict[str, Any]:
    return {"type": "group-operation-result", "success": success, "message": message}


def _wav(samples: NDArray[np.int16], rate: int) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


def _volumes(samples: NDArray[np.int16], rate: int) -> list[float]:
    """RMS of every 20 ms, of the loudest one."""
    step = round(rate * SLICE)
    padded = np.zeros(-(-len(samples) // step) * step, np.float64)
    padded[: len(samples)] = samples
    levels = np.sqrt(np.square(padded.reshape(-1, step)).mean(axis=1)) if len(padded) else np.zeros(0)
    loudest = float(levels.max(initial=0.0))
    return [round(float(level) / loudest, 3) for level in levels] if loudest else []
