"""Speech to text: `/v1/audio/transcriptions` as OpenAI has it, and `/asr/transcribe`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from vaidol.graph.frames import F32, Utterance
from vaidol.graph.node import Settings
from vaidol.models.pieces import pieces
from vaidol.nodes.asr._listener import RATE
from vaidol.server.ml.answers import answering
from vaidol.server.ml.uploads import BadUpload, Upload, decoded, upload
from vaidol.server.slow import reads_in_its_own_time

if TYPE_CHECKING:
    from vaidol.server.ml.app import MlServer

POOL = "uploads"
WHOLE_S = (15.0, 28.0)  # bounds of the pieces in which long sound is heard; what is shorter is one
TIMED_S = (3.0, 9.0)  # the same where their times are asked for
HUSH = 0.01  # of the loudest sample: what is quieter at its ends does not belong to a segment


class Wanted(BaseModel):
    """The fields of the form, as OpenAI names them."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)

    model: Annotated[str, Field(max_length=200)] = ""
    language: Annotated[str, Field(pattern=r"^([A-Za-z]{2,3}(-[A-Za-z]{2,4})?)?$")] = ""
    prompt: Annotated[str, Field(max_length=1000)] = ""
    response_format: Literal["json", "verbose_json", "text", "srt", "vtt"] = "json"


@dataclass(frozen=True, slots=True)
class Segment:
    """`text` is heard from `begin_s` to `end_s`."""

    begin_s: float
    end_s: float
    text: str


class HearingApi:
    """The routes."""

    def __init__(self, server: MlServer) -> None:
        self._server = server

    def routes(self, router: web.UrlDispatcher) -> None:
        router.add_post("/v1/audio/transcriptions", self.transcriptions)
        router.add_post("/asr/transcribe", self.transcribe)

    @reads_in_its_own_time
    @answering
    async def transcriptions(self, request: web.Request) -> web.Response:
        """POST /v1/audio/transcriptions: the words in a sound file of any kind, sent as the part `file` of a form."""
        return await self._answer(request, "json")

    @reads_in_its_own_time
    @answering
    async def transcribe(self, request: web.Request) -> web.Response:
        """POST /asr/transcribe: the words in a sound file of any kind, which is the body, or the part `file` of a form;
        with their times, unless ?response_format= says otherwise."""
        return await self._answer(request, "verbose_json")

    async def _answer(self, request: web.Request, usual: str) -> web.Response:
        with self._server.offered.admitted("asr"):
            sent = await upload(request, self._server.options.upload_bytes)
            wanted = _wanted(sent, usual)
            seats = self._server.offered.find("asr", wanted.model)
            self._server.must_be_ready(seats.node)
            most_s = self._server.options.sound_s
            sound = await self._server.engine.workers.call(POOL, decoded, sent.data, RATE, most_s)
            timed = wanted.response_format in ("verbose_json", "srt", "vtt")
            async with seats.take(settings=_changes(seats.node.settings, wanted)) as seat:
                segments, language = [], wanted.language
                for begin, piece in pieces(sound, RATE, TIMED_S if timed else WHOLE_S):
                    heard = await seat.node.in_time(Utterance(samples=piece, rate=RATE, final=True), last=True)
                    language = language or heard.language
                    if heard.text:
                        first, last = _loud(piece)
                        segments.append(Segment((begin + first) / RATE, (begin + last) / RATE, heard.text))
        return _told(wanted.response_format, segments, language, len(sound) / RATE)


def _wanted(sent: Upload, usual: str) -> Wanted:
    """Raises `ValidationError`, `BadUpload`."""
    if "word" in sent.fields.get("timestamp_granularities", []):
        raise BadUpload("times of words are not known here, only those of segments", 422, "unsupported")
    if sent.one("stream").lower() in ("1", "true"):
        raise BadUpload("transcriptions are not streamed here: leave 'stream' out", 422, "unsupported")
    fields = {name: values[-1] for name, values in sent.fields.items() if values[-1]}
    return Wanted.model_validate({"response_format": usual, **fields})


def _changes(settings: Settings, wanted: Wanted) -> dict[str, Any]:
    """What the recognizer is told beside the sound, as far as it can be."""
    given = {"language": wanted.language, "prompt": wanted.prompt}
    return {name: value for name, value in given.items() if value and name in type(settings).model_fields}


def _loud(samples: F32) -> tuple[int, int]:
    """First and last sample that are no silence."""
    loud = np.flatnonzero(np.abs(samples) > HUSH * float(np.max(np.abs(samples), initial=0.0)))
    return (int(loud[0]), int(loud[-1]) + 1) if len(loud) else (0, len(samples))


def _told(form: str, segments: list[Segment], language: str, seconds: float) -> web.Response:
    text = " ".join(segment.text for segment in segments)
    if form == "text":
        return web.Response(text=text + "\n")
    if form == "srt":
        lines = [
            f"{number}\n{_clock(s.begin_s, ',')} --> {_clock(s.end_s, ',')}\n{s.text}\n\n"
            for number, s in enumerate(segments, 1)
        ]
        return web.Response(text="".join(lines), content_type="application/x-subrip")
    if form == "vtt":
        cues = [f"{_clock(s.begin_s, '.')} --> {_clock(s.end_s, '.')}\n{s.text}\n\n" for s in segments]
        return web.Response(text="WEBVTT\n\n" + "".join(cues), content_type="text/vtt")
    if form == "json":
        return web.json_response({"text": text})
    told = [
        {"id": number, "start": round(s.begin_s, 3), "end": round(s.end_s, 3), "text": s.text}
        for number, s in enumerate(segments)
    ]
    whole = {"task": "transcribe", "language": language, "duration": round(seconds, 3), "text": text, "segments": told}
    return web.json_response(whole)


def _clock(seconds: float, point: str) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"
