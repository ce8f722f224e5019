"""Providers outside the machine that fail in the middle of a call: the page says so, and the next turn works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from vaidol.tests.browser import calm, chromium, complaints
from vaidol.tests.e2e.local_openai import openai_server
from vaidol.tests.e2e.serving import Server, free_port, serving
from vaidol.tests.e2e.talking import SAMPLER, live, needs_everything, start, told, type_in, wait_for_answers
from vaidol.tests.openai_server import Behaviour, OpenaiServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = needs_everything
REPLY = "[joy] I am very happy."
GOOD = {"who": "avatar", "turn": 0, "text": "I am very happy.", "final": True, "mark": None}
IMPATIENT = """\
version: 1
name: impatient
extends: openai.yaml
nodes:
  agent: { with: { first_token_s: 1.5, stall_s: 1.5, connect_s: 1 } }
"""
FAULTS = [
    # behaviour, pieces of a good answer before it, words on the page
    ("stall", 0, "sent nothing for 1.5 s"),
    ("stall", 3, "sent nothing for 1.5 s"),
    ("reset", 0, "broke the connection off"),
    ("reset", 3, "broke the connection off"),
    ("401", 0, "refused the key; check api_key (401)"),
    ("429", 0, "try again in 12 s (429)"),
    ("500", 0, "has a fault of its own (500): The engine is on fire"),
    ("garbage", 0, "does not speak the OpenAI protocol"),
]


@pytest.fixture(scope="module")
def model() -> Iterator[OpenaiServer]:
    with openai_server(OpenaiServer(reply=lambda _: REPLY)) as server:
        yield server


@pytest.fixture(scope="module")
def server(model: OpenaiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("openai")
    pipeline = folder / "impatient.yaml"
    pipeline.write_text(IMPATIENT)
    with serving(folder, str(pipeline), LLM_URL=model.url, LLM_KEY="sk-secret") as running:
        yield running


@contextmanager
def typing(server: Server) -> Iterator[Page]:
    """A page in a call, its microphone muted."""
    with chromium() as browser:
        page = calm(browser, bypass_csp=True).new_page()
        start(page, server.url)
        page.locator("#mute").click()
        yield page


def test_a_cue_changes_the_face_and_it_comes_back(server: Server, model: OpenaiServer) -> None:
    model.behave("normal")
    with typing(server) as page:
        page.evaluate(SAMPLER)
        type_in(page, "I passed my exam!")
        wait_for_answers(page, 1)
        page.wait_for_function("document.querySelector('#puppet').dataset.expression === 'neutral'", timeout=10_000)
        faces = [face for _, _, face, _ in page.evaluate("samples")]
        [reply] = told(page, "avatar")
    assert reply | {"turn": 0} == GOOD
    assert faces[0] == "neutral"
    assert faces.count("joy") > 50
    assert model.asked[-1]["messages"][-1] == {"role": "user", "content": "I passed my exam!"}


def test_every_fault_is_told_in_plain_words_and_the_next_turn_works(server: Server, model: OpenaiServer) -> None:
    with typing(server) as page:
        wrong = complaints(page)
        for turn, (behaviour, after, words) in enumerate(FAULTS):
            model.behave(cast("Behaviour", behaviour), after=after)
            type_in(page, f"Turn {turn}, please fail.")
            page.wait_for_function("!document.querySelector('#notice').hidden", timeout=15_000)
            assert words in page.inner_text("#notice-text")
            page.wait_for_function("vaidol.state === 'listening'", timeout=15_000)
            assert "sk-secret" not in page.inner_text("body")
            model.behave("normal")
            type_in(page, f"Turn {turn}, please work.")
            page.wait_for_function("document.querySelector('#notice').hidden", timeout=15_000)
            assert told(page, "avatar")[-1] | {"turn": 0} == GOOD
        assert wrong == []
    assert "sk-secret" not in server.log.read_text()
    assert "Traceback" not in server.log.read_text()


def test_an_unreachable_language_model_is_named_in_every_turn(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with serving(tmp_path, "openai", LLM_URL=f"http://{address}/v1") as server, typing(server) as page:
        for _ in range(2):
            type_in(page, "Is anybody there?")
            page.wait_for_function("!document.querySelector('#notice').hidden", timeout=15_000)
            said = page.inner_text("#notice-text")
            assert address in said
            assert "cannot be reached" in said
            page.wait_for_function("vaidol.state === 'listening'", timeout=5_000)
            page.locator("#notice-close").click()


def test_without_the_internet_the_online_voice_says_so_and_the_words_are_shown(tmp_path: Path) -> None:
    no_proxy = {"HTTPS_PROXY": "", "https_proxy": "", "EDGE_VOICE": "en-US-AvaNeural"}
    with serving(tmp_path, "edge", **no_proxy) as server, typing(server) as page:
        for _ in range(2):
            type_in(page, "Hello!")
            page.wait_for_function("!document.querySelector('#notice').hidden", timeout=30_000)
            assert "Microsoft's voice service" in page.inner_text("#notice-text")
            page.wait_for_function("vaidol.state === 'listening'", timeout=15_000)
            page.locator("#notice-close").click()
        live(page)
    assert "Traceback" not in server.log.read_text()
