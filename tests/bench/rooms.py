"""Rooms over real WebRTC: what the mix of all voices costs each member, and by how much others are heard later."""

from __future__ import annotations

import contextlib
import json
import statistics
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

from vaidol.tests.bench.rtc import Child, running

MEMBERS = (2, 4, 8)
PACKET_MS = 20.0


def main(quick: bool) -> dict[str, Any]:
    """Every session is an echo. On one server people are heard themselves, on the other only their echo, as a character
    is: of somebody who speaks with another voice nobody is to hear the own one."""
    rounds, seconds = (1, 1.5) if quick else (5, 4.0)
    figures: dict[str, Any] = {"cpu_ratio_alone": {}, "cpu_ms_per_session_s": {}}
    with running("people", "vaidol") as (servers, load):
        for members in MEMBERS:
            server, url = servers["people"]
            load.ask(do="join", url=url, group=f"{members}", count=members)
            alone, together = _cost((server, url), load, members, rounds, seconds)
            figures["cpu_ratio_alone"][members] = round(together / alone, 3)
            figures["cpu_ms_per_session_s"][members] = {"alone": round(alone, 1), "in the room": round(together, 1)}
            load.ask(do="speak", group=f"{members}", on=False)
        own, character = _delays(servers["vaidol"][1], load, "characters", seconds)
        _, person = _delays(servers["people"][1], load, "people", seconds)
        load.ask(do="speak", group="people", on=False)
    figures["mouth_to_ear_ms"] = {"own": own, "character": character, "person": person}
    figures["packets_later"] = {
        "character": round((character - own) / PACKET_MS, 2), "person": round((person - own) / PACKET_MS, 2)
    }  # fmt: skip
    return figures


def _cost(served: tuple[Child, str], load: Child, members: int, rounds: int, seconds: float) -> tuple[float, float]:
    """Processor time of the server per session and second, ms: each by themselves, and all in one room."""
    server, url = served
    costs: dict[bool, list[float]] = {False: [], True: []}
    for number in range(2 * rounds + 1):
        inside = number % 2 == 0
        with _room(url, members) if inside else contextlib.nullcontext():
            time.sleep(0.5)
            before = server.cpu_s()
            told = load.ask(do="measure", group=f"{members}", seconds=seconds if number else 1.0)
            if number:
                costs[inside].append((server.cpu_s() - before) * 1000 / told["seconds"] / members)
    return statistics.median(costs[False]), statistics.median(costs[True])


def _delays(url: str, load: Child, group: str, seconds: float) -> tuple[float, float]:
    """From one's mouth to one's own ear as an echo, and to that of the other in the room; medians, ms."""
    load.ask(do="join", url=url, group=group, count=2)
    delays: tuple[list[float], list[float]] = ([], [])
    with _room(url, 2):
        for _ in range(3):
            for speaker in (0, 1):  # the last of both listens
                load.ask(do="follow", group=group, speaker=speaker)
                told = load.ask(do="measure", group=group, seconds=seconds, listeners=1)
                delays[1 - speaker].extend(told["delays"])
    return statistics.median(delays[0]), statistics.median(delays[1])


@contextlib.contextmanager
def _room(url: str, members: int) -> Iterator[None]:
    """The sessions that began last, in one room."""
    base = url.removesuffix("/whip")
    ids = [one["id"] for one in _ask("GET", f"{base}/api/sessions")["sessions"]][-members:]
    room = _ask("POST", f"{base}/api/groups", session=ids[0])["id"]
    for id in ids[1:]:
        _ask("POST", f"{base}/api/groups/{room}/members", session=id)
    try:
        yield
    finally:
        _ask("DELETE", f"{base}/api/groups/{room}")


def _ask(method: str, url: str, **body: str) -> Any:
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)
