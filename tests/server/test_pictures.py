"""Pictures the user shows: what is let in and what not, over HTTP and `/client-ws`, and what the model gets of it."""

from __future__ import annotations

import asyncio
import base64
import io
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from vaidol.graph.clock import run_virtual
from vaidol.graph.frames import Image, TextDelta, Transcript
from vaidol.graph.registry import Registry
from vaidol.nodes.agent._eyes import FRESH_S
from vaidol.server import pictures
from vaidol.server.app import SERVER
from vaidol.server.pictures import MAX_BYTES, BadPicture, checked, given
from vaidol.server.session import Session
from vaidol.tests.graphs import running, sink, source
from vaidol.tests.nodes.agent.talk import ToneVoice
from vaidol.tests.openai_server import OpenaiServer
from vaidol.tests.server.ancestor import joined
from vaidol.tests.server.client import Caller, call, serving
from vaidol.tests.server.test_personas import ask
from vaidol.tests.server.test_personas import pipeline as talking

KINDS = Registry("vaidol.nodes", extra={"t.tone": ToneVoice})
JPEG = b"\xff\xd8\xff\xe0" + bytes(60)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(60)
WEBP = b"RIFF\x00\x00\x00\x00WEBP" + bytes(60)
GIF = b"GIF89a" + bytes(60)
URL = "data:image/jpeg;base64," + base64.b64encode(JPEG).decode()


def pipeline(url: str, **agent: Any) -> dict[str, Any]:
    wanted = talking(url)
    wanted["nodes"]["agent"]["with"].update({"vision": True, **agent})
    wanted["edges"].append("page.image -> agent.image")
    return wanted


def last(server: OpenaiServer) -> Any:
    """What the model was shown or told last by the user."""
    return server.asked[-1]["messages"][-1]["content"]


async def begun(client: TestClient[Any, Any]) -> tuple[Caller, Session]:
    caller = await call(client, microphone=False)
    session = client.app[SERVER].sessions.find()
    assert session is not None
    await caller.until(lambda: session.graph is not None, "the graph")
    return caller, session


async def post(
    client: TestClient[Any, Any], session: str, data: bytes, source: str = "upload", token: str = ""
) -> tuple[int, dict[str, Any]]:
    headers = {"X-Vaidol-Session": token} if token else {}
    async with client.post(
        f"/api/sessions/{session}/image?source={source}", data=io.BytesIO(data), headers=headers
    ) as answer:
        told = await answer.json()
        return answer.status, told.get("error", told)


async def hide(client: TestClient[Any, Any], session: str, token: str) -> int:
    async with client.delete(f"/api/sessions/{session}/image", headers={"X-Vaidol-Session": token}) as answer:
        return answer.status


@pytest.mark.parametrize(
    ("data", "mime"), [(JPEG, "image/jpeg"), (PNG, "image/png"), (WEBP, "image/webp")]
)  # fmt: skip
def test_a_picture_is_known_by_its_first_bytes(data: bytes, mime: str) -> None:
    assert checked(data, "camera") == {"t": "image", "data": data, "mime": mime, "shown": "camera"}


@pytest.mark.parametrize(
    ("data", "source", "code"),
    [
        (b"", "camera", "no_picture"), (JPEG[:20], "camera", "no_picture"), (GIF, "camera", "no_picture"),
        (WEBP.replace(b"WEBP", b"WAVE"), "camera", "no_picture"), (b"<svg>" + bytes(60), "upload", "no_picture"),
        (JPEG, "laptop", "source"), (JPEG + bytes(MAX_BYTES), "screen", "too_large"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused(data: bytes, source: str, code: str) -> None:
    with pytest.raises(BadPicture) as error:
        checked(data, source)
    assert error.value.code == code


@pytest.mark.parametrize(
    "picture",
    [
        None, "x", {}, {"source": "camera"}, {"source": "camera", "data": 7}, {"source": "camera", "data": "data:x,y"},
        {"source": "camera", "data": "https://example.org/x.jpg"}, {"source": "camera", "data": URL + "*"},
        {"source": "camera", "data": "data:image/jpeg;base64," + "A" * (MAX_BYTES * 2)}, {"source": None, "data": URL},
    ],
)  # fmt: skip
def test_what_is_no_data_url_is_refused(picture: Any) -> None:
    with pytest.raises(BadPicture):
        given(picture)


def test_the_model_sees_the_picture_with_the_next_words_and_nobody_remembers_it() -> None:
    async def main() -> None:
        async with (
            OpenaiServer(reply=lambda _: "I see.") as model,
            serving(pipeline(model.url), kinds=KINDS) as client,
        ):
            caller, session = await begun(client)
            assert await post(client, session.id, PNG, "screen", session.token) == (
                200, {"bytes": len(PNG), "type": "image/png"},
            )  # fmt: skip
            await ask(caller, "What is this?")
            shown, said = last(model)
            assert shown["image_url"]["url"] == "data:image/png;base64," + base64.b64encode(PNG).decode()
            assert said == {"type": "text", "text": "What is this?"}
            await ask(caller, "And now?")
            assert last(model)[0] == shown  # it is still what is shown
            eyes = session.graph.node("agent").eyes  # type: ignore[union-attr]
            assert eyes.looking is None
            assert await hide(client, session.id, "another") == 403
            assert eyes._newest is not None
            assert await hide(client, session.id, session.token) == 200
            assert eyes._newest is None  # at once, and not with the next words
            await ask(caller, "And now?")
            assert last(model) == "And now?"
            assert "base64" not in str(model.asked[-1])
            await caller.close()

    asyncio.run(main())


def test_what_is_shown_no_more_is_not_seen_by_the_reply_under_way_either() -> None:
    """Nor is a picture that waits while the agent speaks; and one that nobody asks about fades by itself."""

    async def main() -> None:
        agent = ("agent.openai", {"base_url": "http://127.0.0.1:9/v1", "vision": True})
        nodes = {"user": source(Transcript, []), "in": source(Image, [(0.0, Image(data=JPEG))]), "agent": agent}
        edges = ["user.out -> agent.user", "in.out -> agent.image", "agent.text -> end.in"]
        async with running({**nodes, "end": sink(TextDelta)}, edges) as graph:
            eyes = graph.node("agent").eyes
            await asyncio.sleep(FRESH_S - 0.1)
            with eyes.look():
                assert eyes.looking.data == JPEG
                graph.events.publish("unshown")
                assert eyes.looking is eyes._newest is None
            eyes.show(Image(data=JPEG), "")
            await asyncio.sleep(FRESH_S - 0.1)
            assert eyes._newest is not None
            await asyncio.sleep(0.2)
            assert eyes._newest is None

    run_virtual(main())


def test_the_client_is_told_whether_the_agent_sees_also_after_a_change() -> None:
    async def main() -> None:
        async with (
            OpenaiServer() as model,
            serving(pipeline(model.url), kinds=KINDS) as client,
        ):
            caller, session = await begun(client)
            await caller.message("sight", able=True)
            caller.messages.clear()
            for vision in (False, True):
                patch = {"nodes": {"agent": {"with": {"vision": vision}}}}
                async with client.put(f"/api/sessions/{session.id}/pipeline", json=patch) as answer:
                    assert answer.status == 200
                await caller.message("sight", able=vision)
            await caller.close()
        async with serving() as client:  # no agent at all
            caller, _ = await begun(client)
            await caller.message("sight", able=False)
            await caller.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("agent", "words"), [({"vision": False}, "set vision: true"), ({"images": "never"}, "images is 'never'")]
)
def test_an_agent_that_may_not_look_says_so_once(agent: dict[str, Any], words: str) -> None:
    async def main() -> None:
        async with (
            OpenaiServer(reply=lambda _: "No.") as model,
            serving(pipeline(model.url, **agent), kinds=KINDS) as client,
        ):
            caller, session = await begun(client)
            for _ in range(3):
                assert (await post(client, session.id, JPEG))[0] == 200
            assert words in (await caller.message("error", code="blind"))["message"]
            await ask(caller, "What is this?")
            assert last(model) == "What is this?"
            assert sum(message["t"] == "error" for message in caller.messages) == 1
            await caller.close()

    asyncio.run(main())


def test_over_http_each_mistake_has_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with OpenaiServer() as model, serving(pipeline(model.url), kinds=KINDS) as client:
            assert (await post(client, "nobody", JPEG))[0] == 404
            caller, session = await begun(client)
            told = [
                await post(client, session.id, JPEG, token="another"),
                await post(client, session.id, JPEG, "laptop"),
                await post(client, session.id, GIF),
                await post(client, session.id, JPEG + bytes(MAX_BYTES + 1)),
            ]
            assert [(status, error["code"]) for status, error in told] == [
                (403, "token"), (400, "source"), (415, "no_picture"), (413, "too_large"),
            ]  # fmt: skip
            many = [(await post(client, session.id, JPEG))[0] for _ in range(12)]
            assert (many[0], many[-1]) == (200, 429)
            await caller.close()
        async with serving() as client:
            caller, session = await begun(client)
            assert (await post(client, session.id, JPEG))[1]["code"] == "no_eyes"
            monkeypatch.setattr("vaidol.server.pipelines_api.is_loopback", lambda _: False)
            assert (await post(client, session.id, JPEG))[0] == 403, "a stranger has the token of the session"
            await caller.close()

    asyncio.run(main())


def test_clients_of_client_ws_show_pictures_and_a_bad_one_only_costs_itself() -> None:
    async def main() -> None:
        async with (
            OpenaiServer(reply=lambda _: "I see.") as model,
            serving(pipeline(model.url), kinds=KINDS) as client,
            joined(client) as ancestor,
        ):
            picture = {"source": "camera", "data": URL, "mime_type": "image/jpeg"}
            await ancestor.say({"type": "text-input", "text": "Look!", "images": [picture]})
            await ancestor.until("backend-synth-complete")
            await ancestor.say({"type": "frontend-playback-complete"})
            await ancestor.until("control", text="conversation-chain-end")
            assert last(model)[0]["image_url"]["url"] == URL
            bad = picture | {"source": "laptop"}
            await ancestor.say({"type": "text-input", "text": "And this?", "images": [bad]})
            assert "'laptop' is no source" in (await ancestor.until("error"))["message"]
            await ancestor.until("backend-synth-complete")
            await ancestor.say({"type": "frontend-playback-complete"})
            await ancestor.until("control", text="conversation-chain-end")
            assert last(model)[1]["text"] == "And this?"

    asyncio.run(main())


def test_the_limit_of_the_route_is_that_of_pictures() -> None:
    """The server's other bodies are smaller."""

    async def main() -> None:
        async with OpenaiServer() as model, serving(pipeline(model.url), kinds=KINDS) as client:
            caller, session = await begun(client)
            status, told = await post(client, session.id, JPEG + bytes(1_000_000))
            assert (status, told["bytes"]) == (200, 1_000_000 + len(JPEG))
            assert pictures.MAX_BYTES > 1_000_000
            await caller.close()

    asyncio.run(main())


def test_a_picture_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "READ_S", 0.2)

    async def main() -> None:
        async with OpenaiServer() as model, serving(pipeline(model.url), kinds=KINDS) as client:
            caller, session = await begun(client)
            reader, writer = await asyncio.open_connection(client.host, client.port)
            head = f"POST /api/sessions/{session.id}/image HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n"
            writer.write(head.encode() + JPEG)
            async with asyncio.timeout(15):
                assert b" 408 " in await reader.readline()
            writer.close()
            await caller.close()

    asyncio.run(main())
