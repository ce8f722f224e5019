"""The wire of every voice behind HTTP, as its public documentation describes it: what must come, what goes back."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiohttp import web

from tests.nodes.encoded import ogg_opus
from tests.nodes.local_server import KEY, Good, parsed
from tests.nodes.tts.edge_server import mp3
from vaidol.graph.frames import F32
from vaidol.nodes._sound import pcm16, wav

RATE = 24_000


def tone(rate: int = RATE) -> F32:
    """Half a second of 440 Hz."""
    return (0.5 * np.sin(np.arange(rate // 2) * 2 * np.pi * 440 / rate)).astype(np.float32)


def cut(data: bytes) -> list[bytes]:
    size = len(data) // 12
    return [data[at : at + size] for at in range(0, len(data), size)]


@dataclass
class Wire:
    """One provider. `wants` gives what is wrong with a request ("" = nothing); `text` finds what is to be spoken."""

    path: str
    wants: Callable[[web.Request, Any], str]
    gives: Callable[[], Good]
    text: Callable[[web.Request, bytes], str]
    settings: dict[str, Any] = field(default_factory=dict)
    keyless: bool = False
    words: bool = False
    socket: bool = False  # the other side is `AzureServer`

    def answer(self, request: web.Request, body: bytes) -> Good | str:
        if request.path != self.path:
            return f"asked for {request.path}"
        wrong = self.wants(request, parsed(body))
        return wrong or self.gives()


def has(told: Any, **wanted: Any) -> str:
    """What is missing in `told`."""
    return "; ".join(f"{name} is {told.get(name)!r}" for name, value in wanted.items() if told.get(name) != value)


def header(request: web.Request, **wanted: str) -> str:
    return has(request.headers, **{name.replace("_", "-"): value for name, value in wanted.items()})


def sse(*values: Any) -> list[bytes]:
    return [f"event: x\ndata: {json.dumps(value)}\n\n".encode() for value in values]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


BEARER = f"Bearer {KEY}"
PCM = Good("audio/pcm", cut(pcm16(tone())))
CHARACTERS = {
    "characters": list("Hello you."),
    "character_start_times_seconds": [round(0.05 * n, 2) for n in range(10)],
    "character_end_times_seconds": [round(0.05 * n + 0.05, 2) for n in range(10)],
}


def openai(kind: str, data: bytes, **settings: Any) -> Wire:
    return Wire(
        "/v1/audio/speech",
        lambda r, b: header(r, Authorization=BEARER) + has(b, model="m", voice="v", response_format=settings["format"]),
        lambda: Good(kind, cut(data)),
        lambda _, b: parsed(b)["input"],
        {"model": "m", "voice": "v", **settings},
    )


def minimax() -> Good:
    pieces = cut(pcm16(tone()))
    told = [{"data": {"audio": piece.hex(), "status": 1}, "base_resp": {"status_code": 0}} for piece in pieces]
    return Good("text/event-stream", sse(*told, {"data": {"audio": pcm16(tone()).hex(), "status": 2}}))


def cartesia() -> Good:
    words = {
        "type": "timestamps",
        "word_timestamps": {"words": ["Hello", "you."], "start": [0, 0.3], "end": [0.2, 0.5]},
    }
    chunks = [{"type": "chunk", "data": b64(piece), "done": False} for piece in cut(pcm16(tone()))]
    return Good("text/event-stream", sse(words, *chunks, {"type": "done", "done": True}))


def elevenlabs() -> Good:
    first, *rest = [{"audio_base64": b64(piece), "alignment": None} for piece in cut(pcm16(tone()))]
    lines = [json.dumps({**first, "alignment": CHARACTERS}), *map(json.dumps, rest)]
    return Good("application/json", [f"{line}\n".encode() for line in lines])


def form(body: bytes) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(body.decode()))


WIRES = {
    "tts.openai": openai("audio/pcm", pcm16(tone()), format="pcm"),
    "tts.openai wav": openai("audio/wav", wav(tone(16_000), 16_000), format="wav"),
    "tts.openai mp3": openai("audio/mpeg", mp3(tone()), format="mp3"),
    "tts.openai opus": openai("audio/ogg", ogg_opus(tone(), RATE), format="opus"),
    "tts.elevenlabs": Wire(
        "/v1/text-to-speech/v/stream/with-timestamps",
        lambda r, b: header(r, xi_api_key=KEY) + has(b, model_id="eleven_flash_v2_5")
        + has(r.query, output_format="pcm_24000"),
        elevenlabs, lambda _, b: parsed(b)["text"], {"voice": "v"}, words=True,
    ),
    "tts.azure": Wire("", lambda _, __: "it is a WebSocket", lambda: PCM, lambda _, __: "", socket=True, words=True),
    "tts.cartesia": Wire(
        "/tts/sse",
        lambda r, b: header(r, Authorization=BEARER) + has(
            b, voice={"mode": "id", "id": "v"}, add_timestamps=True,
            output_format={"container": "raw", "encoding": "pcm_s16le", "sample_rate": RATE},
        ),
        cartesia, lambda _, b: parsed(b)["transcript"], {"voice": "v"}, words=True,
    ),
    "tts.deepgram": Wire(
        "/v1/speak",
        lambda r, _: header(r, Authorization=f"Token {KEY}")
        + has(r.query, model="aura-2-thalia-en", encoding="linear16", sample_rate="24000", container="none"),
        lambda: Good("audio/l16;rate=24000", PCM.pieces), lambda _, b: parsed(b)["text"],
    ),
    "tts.fish_audio": Wire(
        "/v1/tts",
        lambda r, b: header(r, Authorization=BEARER, model="s1")
        + has(b, reference_id="v", format="pcm", sample_rate=RATE),
        lambda: Good("application/octet-stream", PCM.pieces), lambda _, b: parsed(b)["text"], {"voice": "v"},
    ),
    "tts.minimax": Wire(
        "/v1/t2a_v2",
        lambda r, b: header(r, Authorization=BEARER) + has(r.query, GroupId="7") + has(
            b, stream=True, audio_setting={"sample_rate": RATE, "format": "pcm", "channel": 1}
        ),
        minimax, lambda _, b: parsed(b)["text"], {"group": "7"},
    ),
    "tts.cosyvoice": Wire(
        "/inference_sft",
        lambda _, __: "",
        lambda: Good("application/octet-stream", cut(pcm16(tone(22_050)))), lambda _, b: form(b)["tts_text"],
        keyless=True,
    ),
    "tts.gpt_sovits": Wire(
        "/tts",
        lambda _, b: has(b, text_lang="en", ref_audio_path="me.wav", prompt_lang="en")
        + has(b, media_type="wav", streaming_mode=True),
        lambda: Good("audio/wav", cut(wav(tone(32_000), 32_000))), lambda _, b: parsed(b)["text"], {"voice": "me.wav"},
        keyless=True,
    ),
    "tts.coqui": Wire(
        "/api/tts",
        lambda r, _: has(r.query, speaker_id="p225") or ("" if r.method == "GET" else r.method),
        lambda: Good("audio/wav", cut(wav(tone(22_050), 22_050))), lambda r, _: r.query["text"], {"voice": "p225"},
        keyless=True,
    ),
    "tts.xtts": Wire(
        "/tts_to_audio/",
        lambda _, b: has(b, speaker_wav="female", language="en"),
        lambda: Good("audio/wav", cut(wav(tone(), RATE))), lambda _, b: parsed(b)["text"], keyless=True,
    ),
    "tts.siliconflow": Wire(
        "/v1/audio/speech",
        lambda r, b: header(r, Authorization=BEARER) + has(
            b, voice="FunAudioLLM/CosyVoice2-0.5B:anna", response_format="pcm", sample_rate=RATE, stream=True
        ),
        lambda: PCM, lambda _, b: parsed(b)["input"],
    ),
}  # fmt: skip
