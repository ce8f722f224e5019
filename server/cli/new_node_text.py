"""What `vaidol new-node` writes: nodes that work, and tests of them. ROOM, NAME and CLASS are filled in."""

TTS = '''"""ROOM.NAME: beep once per word; make it speak."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import numpy as np
from pydantic import Field

from vaidol.graph.frames import F32, Word
from vaidol.nodes.tts._cache import SpeakerSettings
from vaidol.nodes.tts._speaker import Speaker


class CLASSSettings(SpeakerSettings):
    hz: float = Field(440.0, gt=20, lt=8000)
    """Pitch, Hz."""


class CLASSTts(Speaker[CLASSSettings]):
    """ROOM.NAME: one beep per word.  text (Sentence) -> audio (Audio, 24 kHz)"""

    rate = 24_000

    async def speak(self, text: str) -> AsyncGenerator[F32 | Word, None]:
        t = np.arange(self.rate // 5) / self.rate
        for _ in text.split():
            yield (0.2 * np.sin(2 * np.pi * self.settings.hz * t)).astype(np.float32)
'''
TTS_TEST = '''"""ROOM.NAME: what it says, at its pitch."""

from __future__ import annotations

import numpy as np

from vaidol.graph.frames import Audio, Sentence
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port
from vaidol.nodes.ROOM.NAME import CLASSTts
from vaidol.tests.graphs import joined, play, sink


class Says(Node[Settings]):
    """A reply of one sentence."""

    outputs = (Port("out", Sentence),)
    replies = True

    async def run(self) -> None:
        gen = self.ctx.fence.begin(1)
        await self.send("out", Sentence(text="two beeps", speech="two beeps", final=True, gen=gen, trace=1))


def test_it_beeps_once_per_word() -> None:
    nodes = {"text": Says, "tts": (CLASSTts, {"hz": 1000}), "ear": sink(Audio)}
    result = play(nodes, ["text.out -> tts.text", "tts.audio -> ear.in"], seconds=5)
    assert result.errors == []
    sound = joined(result.frames("ear"))
    assert len(sound) == 2 * 4800
    assert np.argmax(np.abs(np.fft.rfft(sound))) * 24_000 / len(sound) == 1000
'''
ASR = '''"""ROOM.NAME: hear whether there was sound; make it understand words."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from vaidol.graph.frames import Utterance
from vaidol.nodes.asr._listener import Heard, Listener, ListenerSettings


class CLASSSettings(ListenerSettings):
    level: float = Field(0.01, gt=0, lt=1)
    """Loudness (RMS) from which on there is something to hear."""


class CLASSAsr(Listener[CLASSSettings]):
    """ROOM.NAME: tell sound from silence.

    audio (Utterance, any rate), partial (Utterance) -> transcript (Transcript)
    """

    async def hear(self, sound: Utterance, *, last: bool) -> Heard:
        loud = len(sound.samples) > 0 and float(np.sqrt(np.mean(np.square(sound.samples)))) > self.settings.level
        return Heard("something" if loud else "")
'''
ASR_TEST = '''"""ROOM.NAME: sound and silence."""

from __future__ import annotations

import numpy as np
import pytest

from vaidol.graph.frames import Transcript, Utterance
from vaidol.nodes.ROOM.NAME import CLASSAsr
from vaidol.tests.graphs import play, sink, source


@pytest.mark.parametrize(("loudness", "text"), [(0.5, "something"), (0.0, "")])
def test_it_tells_sound_from_silence(loudness: float, text: str) -> None:
    said = source(Utterance, [(0.0, Utterance(samples=np.full(16_000, loudness, np.float32), trace=1, final=True))])
    nodes = {"mic": said, "asr": CLASSAsr, "end": sink(Transcript)}
    result = play(nodes, ["mic.out -> asr.audio", "asr.transcript -> end.in"], seconds=1)
    assert [frame.text for frame in result.frames("end")] == [text]
'''
AGENT = '''"""ROOM.NAME: say again what the user said; make it think."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from vaidol.nodes.agent._chat import ChatAgent, ChatSettings
from vaidol.nodes.agent._memory import Message


class CLASSSettings(ChatSettings):
    opening: str = "You said:"
    """Words before what is said again."""


class CLASSAgent(ChatAgent[CLASSSettings]):
    """ROOM.NAME: an echo.

    user (Transcript, the final ones), heard (Mark, what was played), image (Image, what the user shows)
    -> text (TextDelta; the last one empty)
    """

    async def stream(self, messages: list[Message]) -> AsyncGenerator[str, None]:
        for word in f"{self.settings.opening} {messages[-1]['content']}".split():
            yield f"{word} "
'''
AGENT_TEST = '''"""ROOM.NAME: the reply to a sentence."""

from __future__ import annotations

from vaidol.graph.frames import TextDelta, Transcript
from vaidol.nodes.ROOM.NAME import CLASSAgent
from vaidol.tests.graphs import play, sink, source


def test_it_says_again_what_was_said() -> None:
    said = source(Transcript, [(0.0, Transcript(text="good morning", final=True, trace=1))])
    nodes = {"user": said, "agent": (CLASSAgent, {"prompt": "Be nice."}), "end": sink(TextDelta)}
    result = play(nodes, ["user.out -> agent.user", "agent.text -> end.in"], seconds=1)
    assert "".join(frame.text for frame in result.frames("end")) == "You said: good morning "
'''
TEXT = '''"""ROOM.NAME: pass on what the user said; make something of it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from vaidol.graph.frames import Transcript
from vaidol.graph.node import Node, Settings
from vaidol.graph.ports import Port


class CLASSSettings(Settings):
    ending: str = "!"
    """What is put behind it."""


class CLASS(Node[CLASSSettings]):
    """ROOM.NAME: put something behind every transcript.  text (Transcript) -> text (Transcript)"""

    inputs: ClassVar[tuple[Port, ...]] = (Port("text", Transcript),)
    outputs: ClassVar[tuple[Port, ...]] = (Port("text", Transcript),)

    def process(self, port: str, frame: Transcript) -> None:
        self.emit("text", replace(frame, text=frame.text + self.settings.ending))
'''
TEXT_TEST = '''"""ROOM.NAME: what comes out of what goes in."""

from __future__ import annotations

from vaidol.graph.frames import Transcript
from vaidol.nodes.ROOM.NAME import CLASS
from vaidol.tests.graphs import play, sink, source


def test_it_puts_something_behind_it() -> None:
    said = source(Transcript, [(0.0, Transcript(text="hello", final=True))])
    nodes = {"user": said, "node": (CLASS, {"ending": "?"}), "end": sink(Transcript)}
    result = play(nodes, ["user.out -> node.text", "node.text -> end.in"])
    assert [frame.text for frame in result.frames("end")] == ["hello?"]
'''
NODES = {"tts": TTS, "asr": ASR, "agent": AGENT, "text": TEXT}
TESTS = {"tts": TTS_TEST, "asr": ASR_TEST, "agent": AGENT_TEST, "text": TEXT_TEST}
