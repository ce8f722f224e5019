"""An hour of real calls, some of which are killed without a word: memory, tasks, threads and files stay flat."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from vaidol.tests.bench.talk import QUESTIONS
from vaidol.tests.e2e.serving import Server, serving

SEED = 9
AT_ONCE = 2
KILLED = 0.02  # share of the calls whose caller's process is killed
WAYS = ("voice", "voice", "text", "ancestor")
CALL_S = 180.0
SAMPLE_S = 30.0
REST_S, EMPTY_S = 300.0, 90.0  # between two looks at the idle server; until the last of its calls has ended


class Callers:
    """`AT_ONCE` of them, one call after the other, until `stop`."""

    def __init__(self, url: str) -> None:
        self.calls = self.answered = self.killed = self.refused = 0
        self.failures: list[str] = []
        self.may_call = threading.Event()
        self._url = url
        self._over = False
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._go, args=(Random(SEED + n),)) for n in range(AT_ONCE)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over = True
        self.may_call.set()
        for thread in self._threads:
            thread.join()

    def _go(self, random: Random) -> None:
        process = None
        try:
            while self.may_call.wait() and not self._over:
                if process is None:
                    command = [sys.executable, "-m", "vaidol.tests.bench._soak_caller"]
                    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                if not self._call(process, random):
                    _kill(process)
                    process = None
        finally:
            if process is not None:
                _kill(process)

    def _call(self, process: subprocess.Popen[str], random: Random) -> bool:
        """One call; False: its process is to be killed."""
        assert process.stdin is not None
        assert process.stdout is not None
        told = {
            "url": self._url, "way": random.choice(WAYS), "words": random.choice(QUESTIONS),
            "stay_s": random.uniform(0, 8), "interrupt": random.random() < 0.3,
        }  # fmt: skip
        kill = random.random() < KILLED
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        came = select.select([process.stdout], [], [], random.uniform(1, 8) if kill else CALL_S)[0]
        said = "no end" if not came else json.loads(process.stdout.readline() or '"the caller died"')
        with self._lock:
            self.calls += 1
            self.killed += kill
            self.answered += said == "answered"
            self.refused += "503" in said  # the machine has no time, and says so
            if said != "answered" and "503" not in said and not kill:
                self.failures.append(said)
        return bool(came) and not kill


def main(quick: bool, minutes: float = 60.0) -> dict[str, Any]:
    """Figures of the server's process over time; `idle`: those of moments without any call."""
    minutes = min(minutes, 0.5) if quick else minutes
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), "default") as server:
        callers, began, series, idle = Callers(server.url), time.monotonic(), [], [_look(server, 0.0)]
        try:
            while (now := time.monotonic() - began) < minutes * 60:
                callers.may_call.set()
                if now - idle[-1]["s"] > REST_S:
                    idle.append(_idle(server, callers, began))
                    continue
                time.sleep(min(SAMPLE_S, max(1.0, minutes * 60 - now)))
                series.append(_look(server, began))
                print(callers.calls, callers.killed, callers.failures[-1:], series[-1], file=sys.stderr, flush=True)
            idle.append(_idle(server, callers, began))
        finally:
            callers.stop()
        errors = sum(" error " in line for line in server.log.read_text().splitlines())
    told = {
        "calls": callers.calls,
        "answered": callers.answered,
        "refused": callers.refused,
        "killed": callers.killed,
        "failures": callers.failures,
    }
    return {**told, "minutes": minutes, "errors_logged": errors, **_growth(idle), "idle": idle, "series": series}


def _idle(server: Server, callers: Callers, began: float) -> dict[str, float]:
    """Let the calls end, and look."""
    callers.may_call.clear()
    until = time.monotonic() + CALL_S + EMPTY_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError):  # a machine that is too busy for it, for the moment
            if not server.health()["sessions"]:
                break
        time.sleep(1.0)
    time.sleep(2.0)
    found = _look(server, began)
    print("idle:", found, file=sys.stderr, flush=True)
    return found


def _look(server: Server, began: float) -> dict[str, float]:
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=30) as page:
        lines = page.read().decode().splitlines()
    told = dict(line.rsplit(" ", 1) for line in lines if line.startswith("vaidol_") and "{" not in line)
    status = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    facts = dict(line.split(":", 1) for line in status)
    return {
        "s": round(time.monotonic() - began, 1) if began else 0.0,
        "sessions": float(told["vaidol_sessions"]),
        "rss_mb": round(int(facts["VmRSS"].split()[0]) / 1024, 1),
        "tasks": float(told["vaidol_loop_tasks"]),
        "threads": float(facts["Threads"]),
        "files": float(len(os.listdir(f"/proc/{server.process.pid}/fd"))),
    }


def _growth(idle: list[dict[str, float]]) -> dict[str, Any]:
    """What there is more of at the end than after the first rest, and the memory's slope since then, MB an hour."""
    first, last = idle[min(1, len(idle) - 1)], idle[-1]
    told: dict[str, Any] = {
        f"{name}_more": last[name] - first[name] for name in ("tasks", "threads", "files", "rss_mb")
    }
    if len(idle) > 3:
        hours = np.array([one["s"] for one in idle[1:]]) / 3600
        told["rss_mb_per_hour"] = float(np.polyfit(hours, [one["rss_mb"] for one in idle[1:]], 1)[0])
    return told


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


if __name__ == "__main__":
    print(json.dumps(main(quick=True), indent=1))
