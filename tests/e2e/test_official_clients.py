"""The official client packages of services against our doubles of these services: what they read, the services say.

They are no dependencies: each test needs its package, and all come with pip install -e '.[sdks]'.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from typing import Any

import pytest

from vaidol.nodes._sound import pcm16
from vaidol.tests.nodes.agent.anthropic_server import Claude
from vaidol.tests.nodes.asr.deepgram_server import Deepgram
from vaidol.tests.nodes.asr.test_listeners import SOUND
from vaidol.tests.nodes.azure_server import WORD_MS, AzureServer
from vaidol.tests.nodes.local_server import KEY, LocalServer
from vaidol.tests.nodes.translate.test_translators import deepl
from vaidol.tests.nodes.tts.voices import RATE, WIRES, tone
from vaidol.tests.openai_server import REPLY

PCM = pcm16(tone())
LIMIT_S = 30


def against(answer: Any, client: Callable[[LocalServer], Any], **how: Any) -> Any:
    """What the blocking `client` gives beside a local server; `answer`: see `LocalServer`."""

    async def main() -> Any:
        async with LocalServer(answer) as server:
            if "azure" in how:
                azure = AzureServer(server, heard=("Hello you", "there."), sound=WIRES["tts.azure"].gives().pieces)
                server.socket = getattr(azure, how["azure"])
            if "deepgram" in how:
                server.socket = Deepgram(server).talk
            async with asyncio.timeout(LIMIT_S):
                result = await asyncio.to_thread(client, server)
            assert server.wrong == []
            return result

    return asyncio.run(main())


def nothing(*_: Any) -> str:
    return "it is a WebSocket"


def azure_config(server: LocalServer) -> Any:
    speech = pytest.importorskip("azure.cognitiveservices.speech")
    return speech, speech.SpeechConfig(subscription=KEY, host=server.url.replace("http", "ws"))


def test_azures_recognizer_hears_our_double() -> None:
    def client(server: LocalServer) -> tuple[list[str], list[str]]:
        speech, config = azure_config(server)
        config.speech_recognition_language = "en-US"
        stream = speech.audio.PushAudioInputStream(speech.audio.AudioStreamFormat(16_000, 16, 1))
        recognizer = speech.SpeechRecognizer(config, speech.audio.AudioConfig(stream=stream))
        hypotheses, phrases, done = list[str](), list[str](), list[Any]()
        until = time.monotonic() + LIMIT_S / 2
        recognizer.recognizing.connect(lambda event: hypotheses.append(event.result.text))
        recognizer.recognized.connect(lambda event: phrases.append(event.result.text))
        recognizer.session_stopped.connect(done.append)
        recognizer.canceled.connect(lambda event: done.append(event.cancellation_details.error_details))
        stream.write(pcm16(SOUND))
        stream.close()
        recognizer.start_continuous_recognition_async().get()
        while not done and time.monotonic() < until:
            time.sleep(0.02)
        recognizer.stop_continuous_recognition_async().get()
        return hypotheses, phrases

    hypotheses, phrases = against(nothing, client, azure="hear")
    assert set(hypotheses) == {"hello", "hello you"}
    assert [text for text in phrases if text] == ["Hello you", "there."]


def test_azures_synthesizer_speaks_with_our_double() -> None:
    def client(server: LocalServer) -> tuple[bytes, list[tuple[str, float]]]:
        speech, config = azure_config(server)
        config.set_speech_synthesis_output_format(speech.SpeechSynthesisOutputFormat.Raw24Khz16BitMonoPcm)
        synthesizer = speech.SpeechSynthesizer(config, audio_config=None)
        words = []
        synthesizer.synthesis_word_boundary.connect(lambda event: words.append((event.text, event.audio_offset / 1e4)))
        return synthesizer.speak_text_async("Hello you.").get().audio_data, words

    sound, words = against(nothing, client, azure="speak")
    assert sound == PCM
    assert words == [("Hello", 0), ("you", WORD_MS), (".", 2 * WORD_MS)]


def test_deepgrams_client_hears_and_speaks_with_our_doubles() -> None:
    deepgram = pytest.importorskip("deepgram")
    from deepgram.environment import DeepgramClientEnvironment

    def made(server: LocalServer) -> Any:
        places = {name: server.url.replace("http", "ws") for name in ("production", "agent")}
        return deepgram.DeepgramClient(
            api_key=KEY, environment=DeepgramClientEnvironment(base=server.url, agent_rest=server.url, **places)
        )

    def speak(server: LocalServer) -> bytes:
        how = {"model": "aura-2-thalia-en", "encoding": "linear16", "sample_rate": RATE, "container": "none"}
        return b"".join(made(server).speak.v1.audio.generate(text="Hello.", **how))

    def hear(server: LocalServer) -> list[Any]:
        how = {"model": "nova-3", "encoding": "linear16", "sample_rate": 16_000, "interim_results": "true"}
        with made(server).listen.v1.connect(**how) as socket:
            socket.send_media(pcm16(SOUND))
            first = socket.recv()
            socket.send_close_stream()
            told = [first]
            while told[-1].type != "Metadata":
                told.append(socket.recv())
            return told

    assert against(WIRES["tts.deepgram"].answer, speak) == PCM
    told = against(nothing, hear, deepgram=True)
    assert [type(one).__name__ for one in told] == ["ListenV1Results"] * 4 + ["ListenV1Metadata"]
    assert [one.channel.alternatives[0].transcript for one in told[:-1] if one.is_final] == ["Hello you", "", "there."]


def test_elevenlabs_client_speaks_with_our_double() -> None:
    elevenlabs = pytest.importorskip("elevenlabs.client")

    def client(server: LocalServer) -> list[Any]:
        made = elevenlabs.ElevenLabs(api_key=KEY, base_url=server.url)
        how = {"voice_id": "v", "model_id": "eleven_flash_v2_5", "output_format": "pcm_24000"}
        return list(made.text_to_speech.stream_with_timestamps(text="Hello you.", **how))

    told = against(WIRES["tts.elevenlabs"].answer, client)
    assert b"".join(base64.b64decode(one.audio_base_64) for one in told) == PCM
    assert "".join(told[0].alignment.characters) == "Hello you."


def test_cartesias_client_speaks_with_our_double() -> None:
    cartesia = pytest.importorskip("cartesia")

    def client(server: LocalServer) -> list[Any]:
        made = cartesia.Cartesia(api_key=KEY, base_url=server.url)
        return list(made.tts.generate_sse(
            model_id="sonic-3", transcript="Hello you.", voice={"mode": "id", "id": "v"}, add_timestamps=True,
            output_format={"container": "raw", "encoding": "pcm_s16le", "sample_rate": RATE},
        ))  # fmt: skip

    told = against(WIRES["tts.cartesia"].answer, client)
    assert b"".join(base64.b64decode(one.data) for one in told if one.type == "chunk") == PCM
    assert [one.word_timestamps.words for one in told if one.type == "timestamps"] == [["Hello", "you."]]


def test_anthropics_client_reads_our_double() -> None:
    anthropic = pytest.importorskip("anthropic")
    claude = Claude()
    claude.calls = [[("add", '{"a": 1}')]]

    def client(server: LocalServer) -> list[Any]:
        made = anthropic.Anthropic(api_key=KEY, base_url=server.url, max_retries=0)
        said = []
        for _ in range(2):
            asked = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
            with made.messages.stream(**asked) as stream:
                said.append(stream.get_final_message())
        return said

    called, spoken = against(claude.answer, client)
    assert (called.stop_reason, called.content[0].name, called.content[0].input) == ("tool_use", "add", {"a": 1})
    assert (spoken.content[0].text, spoken.usage.output_tokens) == (REPLY, 12)


def test_deepls_client_translates_with_our_double() -> None:
    client = pytest.importorskip("deepl")

    def translate(server: LocalServer) -> str:
        made = client.DeepLClient(KEY, server_url=server.url)
        return str(made.translate_text("Hello.", target_lang="DE").text)

    assert against(deepl, translate) == "Hallo."
