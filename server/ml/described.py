"""What the OpenAPI document of the service says besides its routes."""

from __future__ import annotations

from typing import Any

from vaidol.server.documents import Described
from vaidol.server.ml.chat import ChatCompletion, Wish
from vaidol.server.ml.encoded import KINDS
from vaidol.server.ml.hearing import Wanted
from vaidol.server.ml.speech import Speech, Synthesis

SOUND = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in KINDS.values()}


def _form() -> dict[str, Any]:
    """A form with a file, and the fields beside it."""
    file = {"type": "string", "format": "binary", "description": "a sound file of any kind"}
    fields = Wanted.model_json_schema()["properties"]
    return {
        "multipart/form-data": {
            "schema": {"type": "object", "required": ["file"], "properties": {"file": file, **fields}}
        }
    }


DESCRIBED = Described(
    title="vaidol ml",
    about="The speech recognition, voices, voice conversion and language model of a vaidol pipeline.",
    shown=("/",),
    bodies={
        "POST /v1/audio/speech": Speech, "POST /tts/synthesize": Synthesis,
        "POST /v1/chat/completions": ChatCompletion, "POST /agent/chat": Wish,
    },
    contents={
        "POST /v1/audio/transcriptions": _form(),
        "POST /asr/transcribe": {**_form(), "audio/*": {"schema": {"type": "string", "format": "binary"}}},
    },
    answers={"POST /v1/audio/speech": SOUND, "POST /tts/synthesize": SOUND},
)  # fmt: skip
