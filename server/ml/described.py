"""What the OpenAPI document of the service says besides its routes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from vaidol.server.documents import Described
from vaidol.server.ml.chat import ChatCompletion, Wish
from vaidol.server.ml.conversion import Conversion
from vaidol.server.ml.encoded import KINDS
from vaidol.server.ml.hearing import Wanted
from vaidol.server.ml.speech import Speech, Synthesis

SOUND = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in KINDS.values()}


def _sound(fields: type[BaseModel]) -> dict[str, Any]:
    """A sound file as the body, or in a form with the fields beside it."""
    file = {"type": "string", "format": "binary", "description": "a sound file of any kind"}
    properties = {"file": file, **fields.model_json_schema()["properties"]}
    form = {"type": "object", "required": ["file"], "properties": properties}
    return {"multipart/form-data": {"schema": form}, "audio/*": {"schema": file}}


DESCRIBED = Described(
    title="vaidol ml",
    about="The speech recognition, voices, voice conversion and language model of a vaidol pipeline.",
    shown=("/",),
    bodies={
        "POST /v1/audio/speech": Speech, "POST /tts/synthesize": Synthesis,
        "POST /v1/chat/completions": ChatCompletion, "POST /agent/chat": Wish,
    },
    contents={
        "POST /v1/audio/transcriptions": _sound(Wanted), "POST /asr/transcribe": _sound(Wanted),
        "POST /rvc/convert": _sound(Conversion),
    },
    answers={"POST /v1/audio/speech": SOUND, "POST /tts/synthesize": SOUND, "POST /rvc/convert": SOUND},
)  # fmt: skip
