"""The page's call: start, health, microphone, text, errors, reconnection. Chromium with a faked peer."""

from __future__ import annotations

import json
import re

import pytest

from tests.browser import available
from tests.server.pages import READY, Script, Stage, staged

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no chromium on this machine")]
NO_MICROPHONE = """navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException("denied", "NotAllowedError"); };"""
REASONS = {
    "NotAllowedError": "The microphone is blocked.",
    "NotFoundError": "No microphone was found. You can type instead.",
    "NotReadableError": "Another program is using the microphone.",
    "OddError": "The microphone cannot be used (denied). You can type instead.",
}


def test_the_start_button_says_what_is_loading(browser: object) -> None:
    ear = {"state": "loading", "about": "whisper-tiny.en", "progress": 0.4, "step": "downloading", "error": ""}
    mic = {"state": "ready", "about": "", "progress": 1.0, "step": "", "error": ""}
    script = Script(health={"status": "loading", "pipeline": "default", "nodes": {"mic": mic, "asr": ear}})
    with staged(browser, script) as stage:
        stage.until("document.querySelector('#start').textContent === 'Loading hearing… 40 %'")
        assert stage.page.locator("#start").is_disabled()
        assert stage.text("#nodes").split("\n") == ["hearing", "whisper-tiny.en · downloading"]
        script.health = {"status": "failed", "nodes": {"asr": {**ear, "state": "failed", "error": "disk is full"}}}
        stage.until("document.querySelector('#start').textContent === 'Could not load hearing'")
        assert "disk is full" in stage.text("#nodes")
        script.health = READY
        stage.until("!document.querySelector('#start').disabled")
        assert stage.text("#start") == "Start talking"
        assert stage.complaints == []


def test_a_call_offers_audio_and_two_channels(stage: Stage) -> None:
    stage.call()
    method, path, headers = next(asked for asked in stage.script.asked if asked[0] == "POST")
    assert (method, path, headers["content-type"]) == ("POST", "whip", "application/sdp")
    assert "x-vaidol-session" not in headers
    peer = stage.page.evaluate(
        """() => { const [peer] = fake.peers; return {
            ice: peer.configuration.iceServers, way: peer.transceivers.map(t => [t.kind, t.direction]),
            mouth: peer.channels.mouth.options, state: peer.channels.state.options }; }"""
    )
    assert peer["ice"] == []
    assert peer["way"] == [["audio", "sendrecv"]]
    assert peer["mouth"] == {"ordered": False, "maxRetransmits": 0}
    assert peer["state"] == {"ordered": True}
    [hello] = stage.sent("hello")
    user = hello.pop("user")
    assert hello == {"t": "hello", "v": 1}
    assert re.fullmatch("[0-9a-f]{32}", user)
    assert stage.page.evaluate("import('./web/js/whoami.js').then((it) => it.whoami())") == user  # kept, not made anew
    assert stage.page.evaluate("localStorage.getItem('vaidol.user')") == user
    assert stage.page.evaluate("vaidol.session") == "s1"
    assert stage.text("#status") == "Listening"
    stage.say("ping", n=7)
    assert stage.sent("pong") == [{"t": "pong", "n": 7}]


def test_the_conversation_is_shown_in_words(stage: Stage) -> None:
    stage.call()
    stage.say("subtitle", who="user", turn=1, text="what is", final=False)
    stage.say("subtitle", who="user", turn=1, text="what is a star", final=True)
    stage.say("state", value="thinking")
    assert stage.text("#status") == "Thinking…"
    stage.say("state", value="speaking")
    stage.say("subtitle", who="avatar", turn=1, text="A star is hot gas.", final=False)
    stage.say("subtitle", who="avatar", turn=1, text="It shines.", final=True)
    stage.say("turn", turn=1, status="done")
    stage.say("timing", turn=1, stages={"speech_end": 0, "first_sound": 740, "transcript": 210})
    assert stage.text("#heard") == "what is a star"
    assert stage.text("#said") == "It shines."
    told = [(one["who"], one["text"], one["final"]) for one in stage.page.evaluate("vaidol.transcript()")]
    assert told == [("user", "what is a star", True), ("avatar", "A star is hot gas. It shines.", True)]
    assert stage.page.locator("#transcript li").all_inner_texts() == [
        "You\nwhat is a star",
        "Vee\nA star is hot gas. It shines.",
    ]
    assert stage.text("#timing-total") == "0.7 s"


def test_typed_words_are_sent_once_and_shown_once(stage: Stage) -> None:
    stage.call()
    stage.page.locator("#text").fill("  hello there ")
    stage.page.keyboard.press("Enter")
    assert stage.sent("text") == [{"t": "text", "text": "hello there"}]
    assert stage.page.locator("#text").input_value() == ""
    stage.say("subtitle", who="user", turn=4, text="hello there", final=True)
    assert [one["turn"] for one in stage.page.evaluate("vaidol.transcript()")] == [4]


def test_text_is_never_taken_for_markup(stage: Stage) -> None:
    stage.call()
    stage.say("subtitle", who="avatar", turn=1, text="<img src=x onerror=alert(1)>", final=True)
    assert stage.page.locator("#said img, #transcript img").count() == 0
    assert "<img" in stage.text("#said")


def test_mute_interrupt_and_stop(stage: Stage) -> None:
    stage.call()
    stage.page.get_by_role("button", name="Mute").click()
    assert stage.sent("mute") == [{"t": "mute", "on": True}]
    assert stage.text("#status") == "Microphone off"
    stage.page.get_by_role("button", name="Unmute", pressed=True).click()
    assert stage.sent("mute")[-1] == {"t": "mute", "on": False}
    assert stage.page.locator("#interrupt").is_disabled()
    stage.say("state", value="speaking")
    stage.page.get_by_role("button", name="Stop speaking").click()
    stage.page.keyboard.press("Escape")
    assert len(stage.sent("interrupt")) == 2
    stage.page.get_by_role("button", name="End call").click()
    stage.page.locator("body[data-call=idle]").wait_for()
    stage.until("document.querySelector('#start:enabled') !== null")
    stage.asked("DELETE")
    assert [asked[1] for asked in stage.script.asked if asked[0] == "DELETE"] == ["whip/1"]
    assert stage.page.evaluate("document.activeElement.id") == "start"


def test_it_says_how_to_wake_the_avatar(stage: Stage) -> None:
    stage.call()
    stage.say("state", value="asleep", call="Vai <3")
    assert stage.text("#status") == "Asleep: say “Vai <3”"
    assert stage.page.locator("#interrupt").is_disabled()
    stage.page.locator("#mute").click()
    assert stage.text("#status") == "Asleep: write to wake it"
    stage.page.locator("#hold-mode").click()
    assert stage.text("#status") == "Asleep: hold to talk"
    stage.say("state", value="listening")
    assert stage.text("#status") == "Hold to talk"


@pytest.mark.parametrize("name", REASONS)
def test_without_a_microphone_the_call_goes_on_in_writing(browser: object, name: str) -> None:
    with staged(browser, Script(), before=NO_MICROPHONE.replace("NotAllowedError", name)) as stage:
        stage.call()
        assert REASONS[name] in stage.text("#notice")
        assert stage.text("#status") == "Microphone off"
        assert stage.page.evaluate("fake.peers[0].transceivers[0].direction") == "recvonly"
        stage.page.locator("#text").fill("hi")
        stage.page.locator("#send").click()
        assert stage.sent("text") == [{"t": "text", "text": "hi"}]
        assert stage.text("#mute") == "Use microphone"
        assert stage.complaints == []


def test_a_microphone_can_join_later(browser: object) -> None:
    before = "window.real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);" + NO_MICROPHONE
    with staged(browser, Script(), before=before) as stage:
        stage.call()
        stage.page.evaluate("() => { navigator.mediaDevices.getUserMedia = window.real; }")
        stage.page.get_by_role("button", name="Use microphone").click()
        stage.until("fake.peers.length === 2 && document.body.dataset.call === 'live'")
        assert stage.page.evaluate("fake.peers[1].transceivers[0].direction") == "sendrecv"
        assert stage.text("#mute") == "Mute"
        assert stage.page.locator("#notice").is_hidden()


def test_a_call_can_be_ended_while_the_browser_still_asks(browser: object) -> None:
    before = "navigator.mediaDevices.getUserMedia = () => new Promise((allow) => { window.allow = allow; });"
    with staged(browser, Script(), before=before) as stage:
        stage.page.locator("#start:enabled").click()
        assert stage.text("#status") == "Waiting for the microphone…"
        stage.page.get_by_role("button", name="End call").click()
        stage.page.evaluate("() => allow(new AudioContext().createMediaStreamDestination().stream)")
        stage.page.locator("#start:enabled").wait_for()
        assert stage.page.evaluate("fake.peers.length") == 0
        assert stage.script.count("POST") == 0


def test_the_keyboard_alone_starts_a_call_and_never_ends_it_by_a_key_held_down(stage: Stage) -> None:
    stage.page.locator("#start:enabled").wait_for()
    stage.page.keyboard.press("Tab")
    stage.page.keyboard.press("Enter")
    stage.live()
    assert stage.page.evaluate("document.activeElement.id") == "mute"
    stage.page.keyboard.press("Space")
    stage.page.keyboard.press("Enter")
    assert [one["on"] for one in stage.sent("mute")] == [True, False]


def test_a_microphone_that_goes_away_leaves_the_call(stage: Stage) -> None:
    stage.call()
    stage.page.evaluate("() => fake.peers[0].transceivers[0].streams[0].getTracks()[0].onended()")
    assert "microphone went away" in stage.text("#notice")
    assert stage.text("#mute") == "Use microphone"
    assert stage.page.evaluate("document.body.dataset.call") == "live"


def test_a_refused_call_says_why(browser: object) -> None:
    body = json.dumps({"error": {"code": "busy", "message": "All four seats are taken."}})
    script = Script(offers=[(503, body), (502, "<html>bad gateway</html>")])
    with staged(browser, script) as stage:
        stage.page.locator("#start:enabled").click()
        stage.until("document.querySelector('#notice-text').textContent === 'All four seats are taken.'")
        assert stage.page.locator("body[data-call=idle]").count() == 1
        stage.page.locator("#start:enabled").click()
        stage.until("document.querySelector('#notice-text').textContent === 'The server refused the call (502).'")


def test_errors_of_the_server_are_shown_and_a_fatal_one_ends_the_call(stage: Stage) -> None:
    stage.call()
    stage.say("error", code="provider", message="The voice is not answering.", node="tts", fatal=False)
    assert stage.page.get_by_role("alert").inner_text() == "The voice is not answering."
    assert stage.page.locator("body[data-call=live]").count() == 1
    stage.say("error", code="gone", message="This call has ended.", fatal=True)
    assert stage.text("#notice-text") == "This call has ended."
    assert stage.page.locator("body[data-call=idle]").count() == 1


def test_a_fault_is_a_sentence_that_the_next_good_reply_takes_away(stage: Stage) -> None:
    stage.call()
    stage.say("subtitle", who="user", turn=1, text="hello", final=True)
    stage.say("error", code="key", message="the language model refused the key", node="agent", fatal=False)
    stage.say("turn", turn=1, status="failed")
    assert stage.text("#notice-text") == "The language model refused the key."
    assert [one["text"] for one in stage.page.evaluate("vaidol.transcript()")] == ["hello", "No answer came."]
    stage.say("subtitle", who="avatar", turn=2, text="Hello!", final=True)
    assert stage.page.locator("#notice").is_visible()
    stage.say("turn", turn=2, status="done")
    assert stage.page.locator("#notice").is_hidden()


def test_odd_messages_change_nothing(stage: Stage) -> None:
    stage.call()
    odd = ["{", "null", "7", '{"t": 3}', '{"t": "from the future"}', '{"t": "constructor"}', '{"t": "subtitle"}']
    odd += [
        '{"t": "mouth"}',
        '{"t": "mouth", "at": 1, "step": 0, "open": "x"}',
        '{"t": "expression", "name": "toString"}',
    ]
    odd += [
        '{"t": "sync", "origin": "x"}',
        '{"t": "timing"}',
        '{"t": "state", "value": 9}',
        '{"t": "error"}',
        '{"t": "cut"}',
    ]
    for text in odd:
        stage.page.evaluate("(text) => fake.say(text)", text)
    assert stage.text("#status") == "Listening"
    assert stage.page.evaluate("vaidol.transcript()") == []


def test_a_broken_path_is_replaced_by_a_new_one_to_the_same_session(stage: Stage) -> None:
    stage.call()
    stage.page.locator("#mute").click()
    stage.script.offers = [(503, "{}")]
    stage.page.evaluate("fake.state('failed')")
    assert stage.text("#status") == "Connection lost. Trying again…"
    stage.until("fake.peers.length === 3 && document.body.dataset.call === 'live'")
    posts = [headers for method, _, headers in stage.script.asked if method == "POST"]
    assert [headers.get("x-vaidol-session") for headers in posts] == [None, "secret", "secret"]
    assert stage.sent("mute")[-1] == {"t": "mute", "on": True}
    stage.complaints.clear()  # the refused offer is on the console, by the browser itself


def test_a_lost_session_is_followed_by_a_new_one(stage: Stage) -> None:
    stage.call()
    stage.say("subtitle", who="avatar", turn=1, text="One.", final=True)
    stage.script.offers = [(404, json.dumps({"error": {"code": "unknown_session", "message": "gone"}}))]
    stage.page.evaluate("fake.state('failed')")
    stage.until("fake.peers.length === 3 && document.body.dataset.call === 'live'")
    stage.say("hello", v=1, session="s2", token="other")
    stage.say("subtitle", who="avatar", turn=1, text="Two.", final=True)
    told = [(one["who"], one["text"]) for one in stage.page.evaluate("vaidol.transcript()")]
    assert told[0] == ("avatar", "One.")
    assert told[1][0] == "note"
    assert told[2] == ("avatar", "Two.")
    stage.complaints.clear()


def test_a_silent_server_is_noticed(browser: object) -> None:
    with staged(browser, Script()) as stage:
        stage.page.clock.install()
        stage.page.reload()
        stage.call()
        stage.page.clock.run_for(5500)
        assert stage.page.locator("body[data-call=live]").count() == 1
        stage.page.clock.run_for(1000)
        stage.page.clock.run_for(500)
        stage.until("fake.peers.length === 2")


def test_leaving_the_page_ends_the_session(stage: Stage) -> None:
    stage.call()
    stage.page.goto("about:blank")
    for _ in range(50):
        if stage.script.count("DELETE"):
            break
        stage.page.wait_for_timeout(20)
    assert stage.script.count("DELETE") == 1
