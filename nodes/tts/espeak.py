"""tts.espeak: the program espeak-ng, which speaks a hundred languages like a robot of the eighties, at once."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Coroutine
from contextlib import suppress
from typing import Any, ClassVar, TypeVar

from pydantic import Field

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32, Word
from vaidol.graph.yamlfile import nearest
from vaidol.nodes._provider import Provider
from vaidol.nodes._sound import SoundDecoder
from vaidol.nodes.tts._cache import SpeakerSettings
from vaidol.nodes.tts._speaker import Speaker

T = TypeVar("T")
PIECE = 8192  # bytes
LIMIT_S = 10.0  # without any sound


class EspeakSettings(SpeakerSettings):
    voice: str = Field("en", pattern=r"^[\w+-]+$")
    """Language or voice, like "de", "en-us" or "en+f3"; `espeak-ng --voices` prints them all."""
    speed: int = Field(165, ge=80, le=450)
    """Tempo, words per minute."""
    pitch: int = Field(50, ge=0, le=99)
    """Pitch; 50 = the voice's own."""


class EspeakTts(Speaker[EspeakSettings]):
    """tts.espeak: speak with the program espeak-ng.  text (Sentence) -> audio (Audio, 22.05 kHz)"""

    provider: ClassVar[Provider] = Provider("espeak-ng", program="espeak-ng", streaming=True, voices=("en", "de", "ja"))
    rate = 22_050

    async def open(self) -> None:
        if shutil.which("espeak-ng") is None:
            raise ProviderError(
                "espeak-ng is not installed: apt install espeak-ng, or brew install espeak-ng", code="missing"
            )
        async for _ in self.speak(""):  # an unknown voice is told now
            pass

    async def speak(self, text: str) -> AsyncGenerator[F32 | Word, None]:
        wanted, decoder = self.settings, SoundDecoder(self.rate)
        how = ("--stdout", "--stdin", "-v", wanted.voice, "-s", str(wanted.speed), "-p", str(wanted.pitch))
        pipe = asyncio.subprocess.PIPE
        program = await asyncio.create_subprocess_exec("espeak-ng", *how, stdin=pipe, stdout=pipe, stderr=pipe)
        assert program.stdin is not None
        assert program.stdout is not None
        try:
            program.stdin.write(text.encode())
            program.stdin.close()
            while data := await _soon(program.stdout.read(PIECE)):
                if len(samples := decoder.feed(data)):
                    yield samples
            await self._check(program)
        finally:
            with suppress(ProcessLookupError):
                program.kill()
            await program.wait()

    async def _check(self, program: asyncio.subprocess.Process) -> None:
        assert program.stderr is not None
        said = " ".join((await _soon(program.stderr.read(PIECE))).decode(errors="replace").split())
        if await program.wait():
            if "voice" not in said:
                raise ProviderError(f"espeak-ng {said[:200] or 'failed'}")
            known = nearest(self.settings.voice, await _voices())
            raise ProviderError(f"espeak-ng has no voice '{self.settings.voice}'{known}", code="bad_voice")


async def _voices() -> list[str]:
    """Languages, as the program calls them."""
    program = await asyncio.create_subprocess_exec("espeak-ng", "--voices", stdout=asyncio.subprocess.PIPE)
    told, _ = await _soon(program.communicate())
    return [row.split()[1] for row in told.decode(errors="replace").splitlines()[1:] if len(row.split()) > 1]


async def _soon(reading: Coroutine[Any, Any, T]) -> T:
    try:
        async with asyncio.timeout(LIMIT_S):
            return await reading
    except TimeoutError:
        raise ProviderError(f"espeak-ng said nothing for {LIMIT_S:g} s", retryable=True, code="stalled") from None
