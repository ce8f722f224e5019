"""tts.minimax: MiniMax' voices.

POST /v1/t2a_v2 with stream: SSE with hexadecimal sound, see https://platform.minimax.io/docs/api-reference/speech-t2a-http
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, ClassVar

from pydantic import Field

from vaidol.graph.frames import Word
from vaidol.nodes._answer import Answer
from vaidol.nodes._provider import Provider
from vaidol.nodes.tts._remote import Ask, RemoteSpeaker, VoiceSettings

STATUS = {1002: 429, 1004: 401, 1008: 402, 1039: 429, 2013: 400, 2049: 401, 2054: 404}  # theirs -> HTTP's


class MinimaxSettings(VoiceSettings):
    provider = Provider("MiniMax", key="MINIMAX_API_KEY", streaming=True)

    base_url: str = Field("https://api.minimax.io", pattern=r"^https?://[^\s/]+")
    """Address of the service; https://api.minimaxi.com in China."""
    group: str = Field("", pattern=r"^\w*$")
    """GroupId of the account, where the key asks for one."""
    voice: str = Field("English_Graceful_Lady", min_length=1)
    """Id of the voice."""
    model: str = "speech-2.6-turbo"
    """Name of the model."""
    speed: float = Field(1.0, ge=0.5, le=2)
    """Tempo; 1 = the voice's own."""
    pitch: int = Field(0, ge=-12, le=12)
    """Pitch, semitones."""
    emotion: str = Field("", pattern=r"^[a-z]*$")
    """happy, sad, angry, fearful, disgusted, surprised, neutral; empty: the model decides."""


class MinimaxTts(RemoteSpeaker[MinimaxSettings]):
    """tts.minimax: speak with MiniMax.  text (Sentence) -> audio (Audio, 24 kHz)"""

    provider: ClassVar[Provider] = MinimaxSettings.provider
    raw = 24_000

    def asks(self, text: str) -> Ask:
        wanted = self.settings
        voice: dict[str, Any] = {"voice_id": wanted.voice, "speed": wanted.speed, "vol": 1.0, "pitch": wanted.pitch}
        body = {
            "model": wanted.model,
            "text": text,
            "stream": True,
            "stream_options": {"exclude_aggregated_audio": True},
            "voice_setting": {**voice, "emotion": wanted.emotion} if wanted.emotion else voice,
            "audio_setting": {"sample_rate": self.raw, "format": "pcm", "channel": 1},
        }
        params = {"GroupId": wanted.group} if wanted.group else {}
        return Ask("/v1/t2a_v2", {"Authorization": f"Bearer {wanted.key}"}, {"json": body, "params": params})

    async def sound(self, answer: Answer) -> AsyncGenerator[bytes | Word, None]:
        answer.must_be("text/event-stream", "application/json")
        if answer.kind == "application/json":  # so it refuses, with the status 200
            self._check(await answer.json())
            return
        async with aclosing(answer.events()) as events:
            async for event in events:
                self._check(event)
                with self.service.parsed():
                    told = event.get("data") or {}
                    data = bytes.fromhex(told.get("audio") or "") if told.get("status") == 1 else b""  # 2: all again
                yield data

    def _check(self, told: Any) -> None:
        answer = told.get("base_resp") or {} if isinstance(told, dict) else {"status_code": -1}
        if code := answer.get("status_code"):
            raise self.service.status(STATUS.get(code, 500), str(answer.get("status_msg", "")))
