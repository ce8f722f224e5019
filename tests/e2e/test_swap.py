"""In a real browser's call the ears, the turn-taking, the brain and the voice are changed, and the talk goes on."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vaidol.tests.bench import _speech as speech
from vaidol.tests.browser import calm, chromium, complaints
from vaidol.tests.e2e.serving import Server, serving
from vaidol.tests.e2e.talking import SAMPLER, needs_everything, start, told, type_in, wait_for_answers

pytestmark = needs_everything


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, "--recordings", str(folder / "recordings")) as running:
        yield running


def asked(server: Server, method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=90) as answer:
        return json.loads(answer.read())


def test_every_part_of_a_call_is_changed_while_it_talks(server: Server, tmp_path: Path) -> None:
    microphone = tmp_path / "question.wav"
    question = "What is the capital of France?"  # twice: a busy machine may still be at the first steps
    speech.write(microphone, speech.script(24.0, question, 22.0, question, 30.0))
    with chromium(microphone=microphone) as browser:
        page = calm(browser, bypass_csp=True).new_page()
        wrong = complaints(page)
        start(page, server.url)
        page.evaluate(SAMPLER)
        base = f"/api/sessions/{page.evaluate('vaidol.session')}"
        type_in(page, "Tell me about the sea, the sun and the moon.")
        page.wait_for_function("samples.some(([rms]) => rms > 0.02)", timeout=30_000)
        voice = {
            "nodes": {"voice": {"use": "voice.shift", "with": {"preset": "deep"}}},
            "edges": [
                {"from": "tts.audio", "to": "out.audio", "drop": True}, "tts.audio -> voice.audio",
                "voice.audio -> out.audio",
            ],
        }  # fmt: skip
        changes = [asked(server, "PUT", f"{base}/pipeline", voice)]  # in mid-sentence: waits for its end
        assert changes[0]["at"] == "turn"
        assert page.evaluate("vaidol.state") != "speaking"
        for node, changed in (
            ("asr", {"with": {"prompt": "Geography."}}),
            ("agent", {"with": {"temperature": 0.2}}),
            ("vad", {"with": {"hangover_ms": 192}}),
            ("tts", {"use": "tts.espeak"}),
        ):
            changes.append(asked(server, "PUT", f"{base}/pipeline", {"nodes": {node: changed}}))
        page.evaluate("samples.length = 0")
        wait_for_answers(page, 2)  # the spoken question
        dump = asked(server, "POST", f"{base}/dump")
        back = asked(server, "POST", f"{base}/rollback")
        type_in(page, "Thank you!")
        wait_for_answers(page, 3)
        samples = page.evaluate("samples")
        said = [entry["text"] for entry in told(page, "user")]
        history = asked(server, "GET", f"{base}/history")["changes"]
    assert [change["outcome"] for change in [*changes, back]] == ["applied"] * 6
    assert [change["cause"] for change in history] == ["edit"] * 5 + ["rollback"]
    assert "capital" in speech.words(said[1])
    assert sum(rms > 0.02 for rms, *_ in samples) > 50, "the changed voice was not heard"
    assert {"mic.audio", "voice.audio", "asr.transcript"} <= set(dump["ports"])
    assert wrong == []
