"""Somebody who calls when told to, in a process of its own that may be killed at any moment without a word.

A line of JSON on stdin is one call: `url`, `way` (voice, text or ancestor), `words`, `stay_s`, `interrupt`. The answer
on stdout: `answered`, or the name of what went wrong.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from aiohttp import ClientSession, WSMessageTypeError, WSServerHandshakeError

from vaidol.server.client import NotJoined, joined
from vaidol.tests.bench import _speech as speech

ANSWER_S = 60.0


async def webrtc(url: str, way: str, words: str, stay_s: float, *, interrupt: bool) -> None:
    """Speak or type, wait for the answer, stay a little, perhaps cut it short, hang up."""
    spoken = (speech.script(0.5, words) * 32767).astype("int16") if way == "voice" else None
    async with joined(url, microphone=spoken) as client:
        await client.message("state", value="listening")
        if way == "text":
            client.send("text", text=words)
        await client.message("subtitle", who="avatar", within_s=ANSWER_S)
        await client.wait(stay_s / 2)
        if interrupt:
            client.send("interrupt")
        await client.wait(stay_s / 2)


async def ancestor(url: str, words: str, stay_s: float) -> None:
    """The same by the old protocol: typed, until the turn has ended."""
    async with asyncio.timeout(2 * ANSWER_S), ClientSession() as http, http.ws_connect(f"{url}/client-ws") as socket:
        ended = False
        await socket.send_json({"type": "text-input", "text": words})
        while not ended:
            message = json.loads(await socket.receive_str())
            if message.get("text") == "conversation-chain-end":
                ended = True
            elif message["type"] == "backend-synth-complete":
                await socket.send_json({"type": "frontend-playback-complete"})
        await asyncio.sleep(stay_s)


async def call(told: dict[str, Any]) -> str:
    url, way, words, stay_s = told["url"], told["way"], told["words"], told["stay_s"]
    try:
        if way == "ancestor":
            await ancestor(url, words, stay_s)
        else:
            await webrtc(url, way, words, stay_s, interrupt=told["interrupt"])
    except (TimeoutError, NotJoined, WSServerHandshakeError, OSError, WSMessageTypeError) as error:
        return f"{way}: {type(error).__name__}: {error}"
    return "answered"


def main() -> None:
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            print(json.dumps(runner.run(call(json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
