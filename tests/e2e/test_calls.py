"""Calls in odd company: other callers, absurd messages, tabs that close, a server that goes and comes back."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vaidol.tests.bench import _speech as speech
from vaidol.tests.browser import calm, chromium, chromiums
from vaidol.tests.e2e.local_openai import openai_server
from vaidol.tests.e2e.serving import Server, free_port, serving
from vaidol.tests.e2e.talking import SAMPLER, live, needs_everything, start, told, type_in, wait_for_answers
from vaidol.tests.openai_server import OpenaiServer

if TYPE_CHECKING:
    pass

pytestmark = needs_everything
KEEP_CHANNELS = """{
  const create = RTCPeerConnection.prototype.createDataChannel;
  window.channels = {};
  RTCPeerConnection.prototype.createDataChannel = function (label, options) {
    return (window.channels[label] = create.call(this, label, options));
  };
}"""
ABSURD = """() => {
  const send = (data) => { try { channels.state.send(data); return "sent"; } catch (fault) { return fault.name; } };
  return ["x".repeat(10_000_000), "x".repeat(60_000), "[".repeat(15_000), new Uint8Array(5000), "", "null", "[]",
    '{"t": "launch"}', '{"t": {"t": "text"}}', '{"t": "text"}', '{"t": "text", "text": 7}', '{"t": "mute", "on": "?"}',
    '{"t": "ping", "n": -1}', '{"t": "ping", "n": 1e999}', '{"t": "hello", "v": 99}'].map(send);
}"""


@pytest.fixture(scope="module")
def model() -> Iterator[OpenaiServer]:
    """Says what it heard: whose words an answer holds shows whose it is."""
    with openai_server(OpenaiServer(reply=lambda messages: f"You said: {messages[-1]['content']}")) as parrot:
        yield parrot


@pytest.fixture(scope="module")
def server(model: OpenaiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("calls"), "openai", LLM_URL=model.url) as running:
        yield running


def sessions(server: Server) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{server.url}/api/sessions", timeout=5) as answer:
        found: list[dict[str, Any]] = json.load(answer)["sessions"]
    return found


def test_two_speakers_at_once_hear_only_their_own_answers(server: Server, tmp_path: Path) -> None:
    one = speech.write(tmp_path / "one.wav", speech.script(3.0, "What is the capital of France?", 30.0))
    two = speech.write(tmp_path / "two.wav", speech.script(5.0, "Do you like music?", 30.0, voice="en-gb", speed=140))
    with chromiums(one, two) as browsers:
        pages = [calm(browser, bypass_csp=True).new_page() for browser in browsers]
        for page in pages:
            start(page, server.url)
            page.evaluate(SAMPLER)
        for page in pages:
            wait_for_answers(page, 1)
            page.wait_for_timeout(300)
        heard = [page.evaluate("samples") for page in pages]
        words = [
            speech.words(" ".join(entry["text"] for entry in page.evaluate("vaidol.transcript()"))) for page in pages
        ]
    for mine, other, own, foreign in ((0, 1, "france", "music"), (1, 0, "music", "france")):
        assert words[mine].count(own) == 2, words[mine]  # in the question and in its answer
        assert foreign not in words[mine]
        said = [rms for rms, _, _, state in heard[mine] if state == "speaking"]
        assert max(said) > 0.02, f"page {mine} heard no answer"
        assert silent_before_its_turn(heard[mine]), f"page {mine} heard something before its answer, page {other}'s?"


def silent_before_its_turn(samples: list[tuple[float, float, str, str]]) -> bool:
    states = [state for *_, state in samples]
    return max(rms for rms, *_ in samples[: states.index("speaking")]) < 0.005


def test_absurd_messages_are_told_and_the_call_goes_on(server: Server) -> None:
    with chromium() as browser:
        page = calm(browser, bypass_csp=True).new_page()
        page.add_init_script(KEEP_CHANNELS)
        start(page, server.url)
        page.locator("#mute").click()
        sent = page.evaluate(ABSURD)
        assert sent[0] == "TypeError"  # more than the server told the browser it takes
        assert set(sent[2:]) == {"sent"}
        page.wait_for_function("!document.querySelector('#notice').hidden", timeout=10_000)
        type_in(page, "Still there?")
        wait_for_answers(page, 1)
        assert told(page, "avatar")[0]["text"] == "You said: Still there?"
        assert page.locator("#notice").is_hidden()
    assert "Traceback" not in server.log.read_text()


def test_a_closed_tab_ends_its_session_at_once(server: Server) -> None:
    with chromium() as browser:
        page = calm(browser, bypass_csp=True).new_page()
        start(page, server.url)
        mine = page.evaluate("vaidol.session")
        assert mine in {session["id"] for session in sessions(server)}
        page.goto("about:blank")
        until = time.monotonic() + 5
        while mine in {session["id"] for session in sessions(server)} and time.monotonic() < until:
            page.wait_for_timeout(100)
        assert mine not in {session["id"] for session in sessions(server)}


def test_the_way_into_a_call_takes_offers_only(server: Server) -> None:
    with chromium() as browser:
        page = browser.new_page()
        page.goto(server.url)
        assert page.request.get(f"{server.url}/whip").status == 405
        refused = page.request.post(f"{server.url}/whip", data="hello", headers={"Content-Type": "application/sdp"})
        assert refused.status == 400
        assert refused.json()["error"]["message"] == "the body is not a session description (SDP)"


def test_a_server_that_stops_and_comes_back_is_called_again(model: OpenaiServer, tmp_path: Path) -> None:
    port = free_port()
    with chromium() as browser:
        page = calm(browser, bypass_csp=True).new_page()
        with serving(tmp_path, "openai", port=port, LLM_URL=model.url) as server:
            start(page, server.url)
            page.locator("#mute").click()
            type_in(page, "Hello!")
            wait_for_answers(page, 1)
            server.interrupt()
            page.wait_for_function("vaidol.state === 'reconnecting'", timeout=15_000)
            assert page.inner_text("#status") == "Connection lost. Trying again…"
        with serving(tmp_path, "openai", port=port, LLM_URL=model.url):
            live(page)
            assert [entry["text"] for entry in told(page, "note")] == [
                "The earlier conversation could not be resumed; this is a new one."
            ]
            assert page.get_by_role("button", name="Unmute").count() == 1
            type_in(page, "Hello again!")
            wait_for_answers(page, 2)


def test_control_c_while_models_load(tmp_path: Path) -> None:
    with serving(tmp_path, ready=False) as server:
        assert server.interrupt() < 4  # 2 s on an idle machine; this one is shared
        assert server.process.returncode == 0
        assert "Traceback" not in server.log.read_text()
