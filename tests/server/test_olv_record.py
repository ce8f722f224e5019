"""The same messages as were sent to the real ancestor get the same answers: as many kinds, in its order, its fields."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from vaidol.graph.errors import ProviderError
from vaidol.graph.frames import F32
from vaidol.graph.registry import Registry
from vaidol.server.app import Options
from vaidol.server.history_keeping import HistoryOptions
from vaidol.tests.server.ancestor import DEADLINE_S, PIPELINE, Ancestor, Ear, Hum, Parrot, joined
from vaidol.tests.server.client import serving
from vaidol.tests.server.live2d_files import write_model

RECORD = json.loads((Path(__file__).parent / "olv_record.json").read_text())
TONE = [0.3 * math.sin(n / 10) for n in range(4096)]
MORE = {"error", "set-model-and-conf"}  # vaidol may say besides what is wrong, and who speaks then


class Faulty(Hum):
    """Cannot say one word."""

    async def speak(self, text: str) -> AsyncGenerator[F32, None]:
        if "novoice" in text:
            raise ProviderError("the voice is broken")
        async for samples in super().speak(text):
            yield samples


KINDS = Registry("vaidol.nodes", extra={"t.ear": Ear, "t.parrot": Parrot, "t.hum": Faulty})
WHOLE: dict[str, Any] = {
    **PIPELINE,
    "nodes": {**PIPELINE["nodes"], "alone": {"use": "turn.autonomous", "with": {"active": False}}},
    "edges": [*PIPELINE["edges"], "alone.user -> agent.user", "page.image -> agent.image"],
}


@asynccontextmanager
async def visiting(folder: Path) -> AsyncIterator[Ancestor]:
    write_model(folder / "models", "mo")
    (folder / "sky.png").write_bytes(b"sky")
    options = Options(
        live2d_models=(folder / "models",), backgrounds=folder, history=HistoryOptions(folder / "history.db")
    )
    async with serving(WHOLE, options=options, kinds=KINDS) as client, joined(client) as ancestor:
        yield ancestor


def label(message: dict[str, Any]) -> str:
    return f"< control {message['text']}" if message["type"] == "control" else f"< {message['type']}"


def fits(value: Any, field: Any) -> bool:
    """Whether a value of ours is what the record says."""
    if isinstance(field, str):
        return isinstance(value, {"text": str, "number": int | float, "bool": bool}[field])
    if isinstance(field, list):
        return isinstance(value, list) and all(fits(one, field[0]) for one in value)
    names = {name.removesuffix("?") for name in field}
    return all(
        fits(value[name.removesuffix("?")], kind)
        for name, kind in field.items()
        if not (name.endswith("?") and value.get(name[:-1]) is None)
    ) and (not field or "type" in value or set(value) <= names)


class Talk:
    """One dialogue: what the client knows from the answers so far."""

    def __init__(self, ancestor: Ancestor) -> None:
        self._ancestor = ancestor
        self._known: dict[str, Any] = {"$tone": TONE}
        self._before = ""

    async def say(self, message: dict[str, Any]) -> None:
        told = {
            name: self._known.get(value, value) if isinstance(value, str) else value for name, value in message.items()
        }
        await self._ancestor.say(told)

    async def hear(self, wanted: str) -> None:
        """The next message is `wanted`; one kind may come several times in a row."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                message = json.loads(await self._ancestor.socket.receive_str())
                heard = label(message)
                assert fits(message, RECORD["fields"][message["type"]]), message
                self._learn(message)
                if heard == wanted:
                    self._before = heard
                    return
                assert heard == self._before or message["type"] in MORE, f"{heard} came before {wanted}"

    def _learn(self, message: dict[str, Any]) -> None:
        if message["type"] == "history-list" and message["histories"]:
            self._known["$listed"] = message["histories"][0]["uid"]
        elif message["type"] == "config-files":
            assert message["configs"][0]["filename"] == "conf.yaml"
            self._known["$last"] = message["configs"][-1]["filename"]


@pytest.mark.parametrize("name", RECORD["dialogues"])
def test_the_answers_are_the_ancestors(name: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with visiting(tmp_path) as ancestor:
            talk = Talk(ancestor)
            for entry in RECORD["dialogues"][name]:
                await (talk.hear(entry) if isinstance(entry, str) else talk.say(entry))

    asyncio.run(main())
